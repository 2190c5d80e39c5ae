"""The list of tickets: what needs me, what is open, what is late, and a table to take along."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.ticket_bulk import bulk_shown
from web.templating import Templates
from web.ticket_choice import VIEWS, Choice, Chosen
from web.ticket_table import LARGEST_TABLE, spreadsheet
from web.visit import SignedInVisit, Visit
from workflows import overview, saved_views
from workflows.overview import NodeView
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import categories_seen, category_names


def _gone(session: Session, visit: Visit, view_id: UUID | None) -> saved_views.SavedView | None:
    """A view that was deleted a moment ago, to offer its way back."""
    if view_id is None:
        return None
    return saved_views.deleted_view(session, visit.caller, view_id, now=visit.reader.now)


def router(templates: Templates) -> APIRouter:
    """The routes of the list of tickets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_page(routes, templates)
    _add_table(routes)
    return routes


def _add_page(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/tickets")
    def show(
        request: Request,
        visit: SignedInVisit,
        choice: Chosen,
        skip: int = 0,
        deleted: UUID | None = None,
    ) -> Response:
        visit.caller.require_anywhere("tickets.read")
        if not 0 <= skip <= LARGEST_TABLE:
            raise Invalid(worded(mark("there is no such page")), problems=[worded(mark("skip"))])
        wanted = choice.filter(visit)
        with visit.parts.database.read() as session:
            # Who asks for no list in particular gets the one they chose to begin with.
            if not {*request.query_params} - {"lang"}:
                begins = saved_views.default_filters(session, visit.caller)
                if begins:
                    return RedirectResponse(f"/tickets?{urlencode(begins)}", 303)
            saved = saved_views.list_views(session, visit.caller)
            places = saved_views.places_to_share_with(session, visit.caller)
            context: dict[str, Any] = {
                "saved": saved,
                "share_with": places,
                "teams_of": saved_views.teams_to_share_with(session, places),
                "deleted": _gone(session, visit, deleted),
                "current": next((one.id for one in saved if one.filters == choice.asked()), None),
            }
            found = overview.browse_tickets(
                session, visit.caller, wanted, by_deadline=choice.by_deadline, skip=skip
            )
            sites = overview.sites(session, visit.caller)
            categories = categories_seen(session, [one.id for one in sites], choice.site)
        return templates.page(
            "tickets.html",
            visit,
            section="tickets",
            choice=choice,
            views=VIEWS,
            kinds=KINDS,
            priorities=PRIORITIES,
            sites=sites,
            categories=categories,
            tickets=found.items,
            more=found.next,
            may_open=bool(visit.caller.sites_for("tickets.create")),
            several_sites=len(sites) > 1,
            stream_of=_stream_of(sites, choice),
            **bulk_shown(visit, sites),
            **context,
        )


def _stream_of(sites: Sequence[NodeView], choice: Choice) -> UUID | None:
    """The site whose stream the page opens; it hears of the others as well."""
    seen = [site.id for site in sites]
    chosen_one = [site_id for site_id in seen if str(site_id) == choice.site]
    return next(iter([*chosen_one, *seen]), None)


def _add_table(routes: APIRouter) -> None:
    @routes.get("/tickets.xlsx")
    def table(visit: SignedInVisit, choice: Chosen) -> Response:
        visit.caller.require_anywhere("tickets.read")
        wanted = choice.filter(visit)
        with visit.parts.database.read() as session:
            found = overview.browse_tickets(
                session,
                visit.caller,
                wanted,
                by_deadline=choice.by_deadline,
                limit=LARGEST_TABLE,
            )
            categories = category_names(session, {one.site_id for one in found.items})
        return spreadsheet(visit.reader, found.items, categories, more=found.next is not None)
