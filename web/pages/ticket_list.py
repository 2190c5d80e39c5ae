"""The list of tickets: what needs me, what is open, what is late, and a table to take along."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.ticket_table import LARGEST_TABLE, as_xlsx
from web.visit import SignedInVisit, Visit
from workflows import overview, saved_views
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import categories_seen
from workflows.tickets.reading import TicketFilter, states_named

VIEWS: Mapping[str, str] = {
    "mine": mark("Mine"),
    "open": mark("All open"),
    "late": mark("Late"),
    "check": mark("To be verified"),
    "ended": mark("Ended"),
    "all": mark("All"),
}
# Which statuses a view shows; else those that have not ended.
STATES: Mapping[str, str] = {"check": "resolved", "ended": "ended", "all": "all"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page was asked to show, as its address says it."""

    view: str
    kind: str
    priority: str
    site: str
    text: str
    category: str = ""

    def filter(self, visit: Visit) -> TicketFilter:
        """As the tickets understand it. Invalid for what no form of ours sends."""
        unknown = [
            name
            for name, value, known in (
                ("view", self.view, VIEWS),
                ("kind", self.kind, ("", *KINDS)),
                ("priority", self.priority, ("", *PRIORITIES)),
            )
            if value not in known
        ]
        if len(self.category) > 40:
            unknown.append("category")
        if unknown or len(self.text) > 100:
            raise Invalid("there is no such list", problems=unknown or ["q: 100 characters"])
        wanted = TicketFilter(
            states_named(
                {"check": "resolved", "all": "all", "ended": "ended"}.get(self.view, "open")
            ),
            _uuid(self.site),
            kind=self.kind or None,
            priority=self.priority or None,
            text=self.text or None,
            category=self.category or None,
        )
        if self.view == "mine":
            return replace(wanted, assignee_id=visit.caller.person_id)
        return replace(wanted, late_at=visit.reader.now) if self.view == "late" else wanted

    @property
    def by_deadline(self) -> bool:
        """Whether what is due first comes first: of what has ended nothing is due."""
        return self.view not in ("ended", "all")

    def asked(self, **changes: Any) -> dict[str, Any]:
        """What this list asks for with some changes, without what is empty."""
        values = {
            "view": self.view,
            "kind": self.kind,
            "priority": self.priority,
            "site": self.site,
            "q": self.text,
            "category": self.category,
        }
        return {key: value for key, value in {**values, **changes}.items() if value}

    def address(self, **changes: Any) -> str:
        """The query of this list with some changes."""
        return urlencode(self.asked(**changes))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid("there is no such list", problems=["site: choose one"]) from None


def chosen(
    view: str = "open",
    kind: str = "",
    priority: str = "",
    site: str = "",
    q: str = "",
    category: str = "",
) -> Choice:
    """The choice behind an address."""
    return Choice(view, kind, priority, site, q.strip(), category)


Chosen = Annotated[Choice, Depends(chosen)]


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
            raise Invalid("there is no such page", problems=["skip"])
        wanted = choice.filter(visit)
        with visit.parts.database.read() as session:
            begins = saved_views.default_filters(session, visit.caller)
            # Who asks for no list in particular gets the one they chose to begin with.
            if begins and not {*request.query_params} - {"lang"}:
                return RedirectResponse(f"/tickets?{urlencode(begins)}", 303)
            saved = saved_views.list_views(session, visit.caller)
            context: dict[str, Any] = {
                "saved": saved,
                "share_with": saved_views.places_to_share_with(session, visit.caller),
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
            **context,
        )


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
        return spreadsheet(visit, found.items)


def spreadsheet(visit: Visit, tickets: Iterable[overview.ListedTicket]) -> Response:
    """Tickets as a file to take along."""
    day = visit.reader.now.strftime("%Y-%m-%d")
    headers = {"Content-Disposition": f'attachment; filename="tickets-{day}.xlsx"'}
    return Response(as_xlsx(visit.reader, tickets), media_type=XLSX, headers=headers)
