"""Keeping a list of tickets under a name, and what one may do with it afterwards."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.ticket_choice import FormChoice
from web.visit import SignedInVisit
from workflows import saved_views
from workflows.saved_views import ViewChange

Text = Annotated[str, Form()]


def _list(filters: Mapping[str, str], **more: str) -> RedirectResponse:
    query = {**(filters or {"view": "open"}), **more}
    return RedirectResponse(f"/tickets?{urlencode(query)}", 303)


def _place(text: str) -> tuple[UUID | None, str | None]:
    """Whom a form shares a view with: people of a place, those of one team of it, nobody ("me")."""
    if text in ("", "me"):
        return None, None
    node, _, team = text.partition(":")
    try:
        return UUID(node), team or None
    except ValueError:
        raise Invalid(
            worded(mark("the view was not saved")), problems=[worded(mark("node: choose a place"))]
        ) from None


def router() -> APIRouter:
    """The routes of saved views."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_keeping(routes)
    _add_changing(routes)
    return routes


def _add_keeping(routes: APIRouter) -> None:
    @routes.post("/tickets/views")
    def save(
        visit: SignedInVisit,
        choice: FormChoice,
        name: Text = "",
        node: Text = "",
    ) -> RedirectResponse:
        visit.caller.require_anywhere(saved_views.READ)
        place, team = _place(node)
        # What no list of ours shows is not kept.
        choice.filter(visit)
        with visit.parts.database.write() as session:
            kept = saved_views.save_view(
                session,
                visit.caller,
                name,
                choice.asked(),
                node_id=place,
                team=team,
                now=visit.reader.now,
            )
            return _list(kept.filters)

    @routes.post("/tickets/views/{view_id}/delete")
    def delete(view_id: UUID, visit: SignedInVisit) -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            filters = dict(found.filters)
            saved_views.delete_view(session, visit.caller, found, now=visit.reader.now)
        return _list(filters, deleted=str(view_id))

    @routes.post("/tickets/views/{view_id}/restore")
    def restore(view_id: UUID, visit: SignedInVisit) -> RedirectResponse:
        with visit.parts.database.write() as session:
            now = visit.reader.now
            found = saved_views.restore_view(session, visit.caller, view_id, now=now)
            return _list(found.filters)


def _add_changing(routes: APIRouter) -> None:
    @routes.post("/tickets/views/{view_id}/change")
    def change(
        view_id: UUID, visit: SignedInVisit, name: Text = "", node: Text = ""
    ) -> RedirectResponse:
        # Who may share nothing is not asked with whom.
        place, team = _place(node)
        wanted = ViewChange(name=name, share=bool(node), node_id=place, team=team)
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            saved_views.change_view(session, visit.caller, found, wanted, now=visit.reader.now)
            return _list(found.filters)

    @routes.post("/tickets/views/{view_id}/filters")
    def keep_filters(view_id: UUID, visit: SignedInVisit, choice: FormChoice) -> RedirectResponse:
        choice.filter(visit)
        wanted = ViewChange(filters=choice.asked())
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            saved_views.change_view(session, visit.caller, found, wanted, now=visit.reader.now)
            return _list(found.filters)

    @routes.post("/tickets/views/{view_id}/up")
    def up(view_id: UUID, visit: SignedInVisit) -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id, own=True)
            place = saved_views.place_of(session, visit.caller, found)
            wanted = ViewChange(position=place - 1)
            saved_views.change_view(session, visit.caller, found, wanted, now=visit.reader.now)
            return _list(found.filters)

    @routes.post("/tickets/views/{view_id}/default")
    def begin(view_id: UUID, visit: SignedInVisit, begins: Text = "") -> RedirectResponse:
        with visit.parts.database.write() as session:
            found = saved_views.find_view(session, visit.caller, view_id)
            saved_views.begin_with(
                session, visit.caller, found, begins=begins == "yes", now=visit.reader.now
            )
            return _list(found.filters)
