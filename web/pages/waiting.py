"""What needs somebody now: the first screen of everybody who works tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response

from core.db import Session
from core.people import Caller
from core.places import Node
from core.teams import team_at
from web.languages import mark
from web.page_route import PageRoute
from web.pages.notices import how_many, wants_hands
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import alarms, customers, dispatch, notifications, overview
from workflows.alarms.standing import UNSEEN
from workflows.notifications import LIST_OF
from workflows.tickets.lifecycle import RUNNING
from workflows.tickets.reading import TicketFilter

# Of each list as many as fit on a phone beside the others; the rest is a press away.
MOST = 6
READ, WORK, DISPATCH, MANAGE = (
    "tickets.read",
    "tickets.work",
    "tickets.dispatch",
    "tickets.manage",
)
# Lists of tickets: title, which view of the list shows them all, and who needs them.
LISTS: Mapping[str, tuple[str, str]] = {
    "mine": (mark("My tickets"), WORK),
    "free": (mark("To take"), WORK),
    "late": (mark("Late"), DISPATCH),
    "check": (mark("To be verified"), MANAGE),
}


def watches_over_sites(caller: Caller) -> bool:
    """Whether the whole of a site is what they look after, so the live page comes first."""
    return bool(caller.sites_for("system.read"))


def ill_parts(visit: Visit) -> dict[str, Any]:
    """The parts of the product that are not well, in detail for who may know."""
    ill = [state for state in visit.parts.health.snapshot() if not state.ok]
    return {"ill": ill, "in_detail": bool(visit.caller.sites_for("system.read"))}


def told(visit: Visit, session: Session) -> list[dict[str, Any]]:
    """What the person was told and has not answered."""
    shown = list[dict[str, Any]]()
    for notice in notifications.inbox(session, visit.caller):
        many = how_many(session, notice)
        if many == 0:
            # All of them are accepted, or somebody else's by now.
            continue
        one = {
            "id": notice.id,
            "kind": notice.kind,
            "urgency": notice.urgency,
            "number": notice.facts.get("number"),
            "title": notice.facts.get("title", {}),
            "place": notice.facts.get("place", {}),
            "at": notice.created_at,
            "asks": wants_hands(session, notice),
            "many": many,
            "list": LIST_OF.get(notice.kind),
            "round": notice.facts.get("round"),
            "mark": notice.facts.get("mark"),
            "frozen": notice.facts.get("frozen"),
            "route": notice.facts.get("route"),
        }
        shown.append(one)
    return shown


def _filters(visit: Visit) -> Mapping[str, TicketFilter]:
    running = TicketFilter(RUNNING)
    return {
        "mine": replace(running, states=(*RUNNING, "on_hold"), assignee_id=visit.caller.person_id),
        "free": replace(running, unassigned=True),
        "late": replace(running, late_at=visit.reader.now),
        "check": TicketFilter(("resolved",)),
    }


def _tickets(visit: Visit, session: Session, seen: set[int]) -> list[dict[str, Any]]:
    """The lists that have something; what stands in one is not repeated in the next.

    seen: numbers of those that a notice with a button asks about already; those shown are added.
    """
    shown = list[dict[str, Any]]()
    filters = _filters(visit)
    for view, (title, right) in LISTS.items():
        if not visit.caller.sites_for(right):
            continue
        found = overview.browse_tickets(
            session, visit.caller, filters[view], by_deadline=True, limit=MOST + len(seen)
        )
        fresh = [ticket for ticket in found.items if ticket.number not in seen]
        seen.update(ticket.number for ticket in fresh[:MOST])
        if fresh:
            more = len(fresh) > MOST or found.next is not None
            shown.append({"view": view, "title": title, "tickets": fresh[:MOST], "more": more})
    return shown


def _handovers(visit: Visit, session: Session) -> list[dict[str, Any]]:
    rows = dispatch.handovers_waiting(session, visit.caller)
    return [
        {
            "id": row.id,
            "team": row.lists.get("post") or team_at(session, row.site_id, row.team).name,
            "site": session.get_one(Node, row.site_id).name,
            "from": overview.person_name(session, row.from_id) or "",
            "at": row.offered_at,
            "passed_up": row.state == "passed_up",
        }
        for row in rows[:MOST]
    ]


def _gaps(visit: Visit, session: Session) -> list[dict[str, Any]]:
    rows = dispatch.open_gaps(session, visit.caller.sites_for("rosters.write"))
    found = []
    for row in rows[:MOST]:
        site = session.get_one(Node, row.site_id)
        local = visit.at(site.time_zone).reader
        span = (local.moment(row.starts_at), local.moment(row.ends_at))
        team = team_at(session, row.site_id, row.team)
        found.append({"site": site, "team": team, "starts": span[0], "ends": span[1]})
    return found


def _unseen(visit: Visit, session: Session, shown: set[int]) -> Sequence[alarms.OpenAlarm]:
    """Alarms that nobody has acknowledged and whose ticket stands nowhere else on the page."""
    most = MOST + len(shown)
    rows = alarms.open_alarms(
        session, visit.caller, permission="alarms.act", folded=True, limit=most
    )
    wanted = (row for row in rows if row.ticket_number not in shown)
    return [row for row in wanted if row.state in UNSEEN][:MOST]


def sections(visit: Visit) -> dict[str, Any]:
    """Everything that waits for the person, each thing once."""
    now = visit.parts.clock.now()
    with visit.parts.database.read() as session:
        items = told(visit, session)
        # A line for many stands beside their list.
        shown = {item["number"] for item in items if item["asks"] and not item["many"]}
        lists = _tickets(visit, session, shown)
        return {
            **ill_parts(visit),
            "items": items,
            "handovers": _handovers(visit, session),
            "gaps": _gaps(visit, session),
            "unseen": _unseen(visit, session, shown),
            "lists": lists,
            "several": len(visit.caller.sites_for("places.read")) > 1,
            "due_visits": customers.due_visits(session, visit.caller, now=now)[:MOST],
        }


def show_waiting(templates: Templates, visit: Visit) -> Response:
    """The page of what needs the person now."""
    with visit.parts.database.read() as session:
        sites = overview.sites(session, visit.caller)
    return templates.page(
        "waiting.html",
        visit,
        section="inbox",
        stream=sites[0].id if sites else None,
        # Of several the rows say which.
        site=sites[0] if len(sites) == 1 else None,
        may_open=bool(visit.caller.sites_for("tickets.create")),
        **sections(visit),
    )


def router(templates: Templates) -> APIRouter:
    """The routes of what needs somebody now."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account/inbox")
    def show(visit: SignedInVisit) -> Response:
        return show_waiting(templates, visit)

    @routes.get("/account/inbox/waiting")
    def again(visit: SignedInVisit) -> Response:
        return templates.page("waiting/sections.html", visit, **sections(visit))

    return routes
