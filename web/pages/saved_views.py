"""Keeping a list of tickets under a name, and what one may do with it afterwards."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from web.page_route import PageRoute
from web.pages.ticket_list import chosen
from web.visit import SignedInVisit
from workflows import saved_views

Text = Annotated[str, Form()]


def _list(filters: Mapping[str, str]) -> RedirectResponse:
    return RedirectResponse(f"/tickets?{urlencode(dict(filters) or {'view': 'open'})}", 303)


def _place(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid("the view was not saved", problems=["node: choose a place"]) from None


def router() -> APIRouter:
    """The routes of saved views."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/views")
    def save(
        visit: SignedInVisit,
        name: Text = "",
        node: Text = "",
        view: Text = "open",
        kind: Text = "",
        priority: Text = "",
        site: Text = "",
        q: Text = "",
    ) -> RedirectResponse:
        visit.caller.require_anywhere(saved_views.READ)
        place = _place(node)
        filters = {"view": view, "kind": kind, "priority": priority, "site": site, "q": q}
        with visit.parts.database.write() as session:
            kept = saved_views.save_view(
                session, visit.caller, name, filters, node_id=place, now=visit.reader.now
            )
            # What no list of ours shows is not kept: the error ends the transaction.
            chosen(view, kind, priority, site, q).filter(visit)
            return _list(kept.filters)

    @routes.post("/tickets/views/{view_id}/rename")
    def rename(view_id: UUID, visit: SignedInVisit, name: Text = "") -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            saved_views.rename_view(session, visit.caller, found, name, now=visit.reader.now)
            return _list(found.filters)

    @routes.post("/tickets/views/{view_id}/delete")
    def delete(view_id: UUID, visit: SignedInVisit) -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            filters = dict(found.filters)
            saved_views.delete_view(session, visit.caller, found, now=visit.reader.now)
        return _list(filters)

    @routes.post("/tickets/views/{view_id}/default")
    def begin(view_id: UUID, visit: SignedInVisit, begins: Text = "") -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id)
            saved_views.begin_with(
                session, visit.caller, found, begins=begins == "yes", now=visit.reader.now
            )
            return _list(found.filters)

    return routes
