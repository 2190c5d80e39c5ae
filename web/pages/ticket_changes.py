"""What changed in an open list of tickets: the rows that it shows, and what came into it since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.ticket_choice import Chosen
from web.visit import SignedInVisit
from workflows import overview
from workflows.tickets.reading import TicketFilter

# As many rows as a page of the list has, and as many changes as a browser tells apart.
MOST_ROWS = 100


def _ids(text: str) -> tuple[UUID, ...]:
    try:
        ids = tuple(UUID(each) for each in text.split(",") if each)
    except ValueError:
        raise Invalid(
            worded(mark("there is no such list")), problems=[worded(mark("rows, others: ids"))]
        ) from None
    if len(ids) > MOST_ROWS:
        raise Invalid(
            worded(mark("there is no such list")),
            problems=[worded(mark("at most %(most)s rows at once"), most=MOST_ROWS)],
        )
    return ids


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
        # In UTC, where the first and the last day of all may not be.
        found = found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if text and found is None:
        raise Invalid(
            worded(mark("there is no such list")),
            problems=[worded(mark("since: a moment with its offset"))],
        )
    return found


def router(templates: Templates) -> APIRouter:
    """The route of what changed in a list."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/tickets/changes")
    def changes(
        visit: SignedInVisit,
        choice: Chosen,
        rows: Annotated[str, Query(max_length=4000)] = "",
        others: Annotated[str, Query(max_length=4000)] = "",
        since: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        """rows: those that are shown and changed; others: what changed and is not shown.

        since: also what we learned of after a moment, where the page may have missed changes.
        """
        visit.caller.require_anywhere("tickets.read")
        wanted, shown = choice.filter(visit), _ids(rows)
        entered: list[UUID] = []
        with visit.parts.database.read() as session:

            def find(these: TicketFilter) -> Sequence[overview.ListedTicket]:
                return overview.browse_tickets(session, visit.caller, these, limit=MOST_ROWS).items

            tickets = find(TicketFilter(ids=shown)) if shown else ()
            left = {one.id for one in tickets}
            if tickets:
                left -= {one.id for one in find(replace(wanted, ids=shown))}
            asked = _ids(others)
            if asked:
                entered += [one.id for one in find(replace(wanted, ids=asked))]
            if since:
                entered += [one.id for one in find(replace(wanted, learned_after=_moment(since)))]
            several = len(overview.sites(session, visit.caller)) > 1
        # A ticket that came into the list since is no news where it is shown already.
        fresh = [str(one) for one in dict.fromkeys(entered) if one not in shown]
        written = {
            str(one.id): templates.render(
                "tickets/changed.html",
                visit.reader,
                ticket=one,
                several_sites=several,
                left=one.id in left,
            )
            for one in tickets
        }
        now = visit.reader.now.isoformat()
        return JSONResponse({"now": now, "rows": written, "entered": fresh})

    return routes
