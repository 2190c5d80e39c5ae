"""Rounds: how those of a site stand while they can still be mended, and one with its points."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Path, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Conflict, Invalid, WatchkeeperError
from core.paging import LARGEST_PAGE, Wish
from core.teams import teams_at
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site, of_day
from web.round_problems import refusal_told
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview, patrol
from workflows.patrol import rounds
from workflows.patrol.rounds.routes import MOST_POINTS

# What comes next, and what is over, within so long; the rest stands in the list of a day.
SOON = OVER = timedelta(hours=24)
# A round is over at most so long after it was planned, unless it waits for phones for days.
_LONGEST = timedelta(hours=48)
# However many a site has at a time, no page shows more.
MOST = 5 * LARGEST_PAGE
MOST_AHEAD, MOST_OVER, ON_A_PAGE = 12, 30, 50
EXCUSABLE = ("open", "unknown", "missed")
Row = Mapping[str, Any]
Position = Annotated[int, Path(ge=0, lt=MOST_POINTS)]


def router(templates: Templates) -> APIRouter:
    """The routes of rounds."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    _add_pages(routes, templates)
    _add_acts(routes, templates)
    return routes


def shown_state(row: Row, now: datetime) -> str:
    """The word for how a round stands at a moment; see ROUND_STATE."""
    if row["state"] == "running" and now >= row["ends_at"]:
        return "waiting"
    if row["state"] != "planned" or now < row["opens_at"]:
        return str(row["state"])
    return "late" if now >= row["begin_by"] else "ready"


def in_need(row: Row, now: datetime) -> bool:
    """Whether somebody has to see to it: late, with a point that is missed or unknown."""
    counts = row["counts"]
    return counts["missed"] > 0 or counts["unknown"] > 0 or shown_state(row, now) == "late"


def _read(session: Session, visit: Visit, wanted: rounds.RoundFilter) -> list[Row]:
    found: list[Row] = []
    wish = Wish(LARGEST_PAGE)
    while len(found) < MOST:
        page = rounds.list_rounds(session, visit.caller, wanted, wish)
        found += page.items
        if page.next is None:
            break
        wish = Wish(LARGEST_PAGE, page.next)
    return [told(row, visit.reader.now) for row in found]


def told(row: Row, now: datetime) -> Row:
    """A round with its word, and its planned end, which leaves the tolerance out."""
    tolerance = row["planned_at"] - row["opens_at"]
    shown = {"shown": shown_state(row, now), "planned_end": row["ends_at"] - tolerance}
    return {**row, **shown, "of_all": sum(row["counts"].values())}


def _standing(session: Session, visit: Visit, site_id: UUID) -> dict[str, Any]:
    """A site's rounds: those in need, those under way, the next ones, and those just over."""
    now = visit.reader.now
    begun = rounds.RoundFilter(site_id, state="open", until=now)
    ahead = rounds.RoundFilter(site_id, state="open", since=now, until=now + SOON)
    past = rounds.RoundFilter(site_id, since=now - _LONGEST, until=now + SOON)
    live = _read(session, visit, begun)
    coming = _read(session, visit, ahead)[::-1]
    over = [
        row
        for row in _read(session, visit, past)
        if row["ended_at"] is not None and row["ended_at"] >= now - OVER
    ]
    both = [*live, *coming]
    needy = [row for row in both if in_need(row, now)]
    rest = [row for row in both if not in_need(row, now)]
    ahead_of_us = [row for row in rest if row["state"] == "planned"]
    return {
        # What can still be mended goes first, what ends soonest before all.
        "in_need": sorted(needy, key=lambda row: (row["ends_at"] <= now, row["ends_at"])),
        "running": [row for row in rest if row["state"] == "running"],
        "coming": sorted(ahead_of_us, key=lambda row: (row["planned_at"], str(row["id"]))),
        "over": sorted(over, key=lambda row: row["ended_at"], reverse=True),
        "most_ahead": MOST_AHEAD,
        "most_over": MOST_OVER,
        "team_names": _teams(session, site_id),
        "has_plans": bool(both or over) or _has_plans(session, visit, site_id),
    }


def _teams(session: Session, site_id: UUID) -> dict[str, Mapping[str, str]]:
    return {team.code: team.name for team in teams_at(session, site_id)}


def _has_plans(session: Session, visit: Visit, site_id: UUID) -> bool:
    wish = Wish(1)
    page = rounds.list_plans(session, visit.caller, wish, site_id=site_id, state="active")
    return bool(page.items)


def _of_day(
    session: Session, visit: Visit, site: overview.NodeView, day: str, before: UUID | None
) -> dict[str, Any]:
    """The rounds that were planned for a day of the site, the last first."""
    since, until = of_day(day, site.time_zone)
    after = None
    if before is not None:
        last = rounds.describe_round(session, visit.caller, before, now=visit.reader.now)
        after = (last["planned_at"], last["id"])
    wanted = rounds.RoundFilter(site.id, since=since, until=until)
    page = rounds.list_rounds(session, visit.caller, wanted, Wish(ON_A_PAGE, after))
    chosen = date.fromisoformat(day)
    return {
        "day": chosen,
        "earlier": chosen - timedelta(days=1),
        "later": chosen + timedelta(days=1),
        "found": [told(row, visit.reader.now) for row in page.items],
        "more": page.items[-1]["id"] if page.next else None,
        "team_names": _teams(session, site.id),
    }


def _add_lists(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/rounds")
    def show(
        visit: SignedInVisit, site: UUID | None = None, day: str = "", before: UUID | None = None
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site
            if day:
                name, context = (
                    "patrol/rounds_of_day.html",
                    _of_day(session, visit, at, day, before),
                )
            else:
                name, context = "patrol/rounds.html", _standing(session, visit, at.id)
        local = visit.at(at.time_zone)
        today = local.reader.now.astimezone(local.reader.zone).date()
        more = {"site": at, "sites": chosen.sites, "today": today, **context}
        return templates.page(name, local, section="checkpoints", **more)

    # Before the page of one round, whose address looks alike.
    @routes.get("/rounds/standing")
    def standing(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            context = _standing(session, visit, chosen.site.id)
        local = visit.at(chosen.site.time_zone)
        return templates.page("patrol/rounds_standing.html", local, site=chosen.site, **context)


def _about(visit: Visit, round_id: UUID) -> tuple[Visit, dict[str, Any]]:
    """Everything that the page of a round shows, by the clocks of its site."""
    now = visit.reader.now
    with visit.parts.database.read() as session:
        row = rounds.describe_round(session, visit.caller, round_id, now=now)
        chosen = chosen_site(session, visit, patrol.READ, row["site_id"])
        teams = _teams(session, row["site_id"])
    is_open = row["state"] in rounds.OPEN
    may_write = visit.may(patrol.WRITE, row["site_id"])
    # Of one whose time is over nothing can be scanned any more.
    may_begin = row["state"] == "planned" and now < row["ends_at"]
    return visit.at(chosen.site.time_zone), {
        "round": told(row, now),
        "site": chosen.site,
        "team_names": teams,
        "may_begin": may_begin and visit.may(patrol.SCAN, row["site_id"]),
        "may_mend": is_open and may_write,
        "may_see_people": visit.may(patrol.PEOPLE, row["site_id"]),
        "is_open": is_open,
        "excusable": EXCUSABLE,
        "problems": [],
        "in_its_form": False,
        "tried": {"what": "", "position": None, "reason": ""},
    }


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/rounds/{round_id}")
    def show(visit: SignedInVisit, round_id: UUID) -> Response:
        local, context = _about(visit, round_id)
        return templates.page("patrol/round.html", local, section="checkpoints", **context)

    @routes.get("/rounds/{round_id}/points")
    def points(visit: SignedInVisit, round_id: UUID) -> Response:
        local, context = _about(visit, round_id)
        return templates.page("patrol/round_parts.html", local, **context)


def _to(round_id: UUID) -> Response:
    return RedirectResponse(f"/rounds/{round_id}", status_code=303)


def _again(
    templates: Templates, visit: Visit, round_id: UUID, error: WatchkeeperError, **tried: Any
) -> Response:
    """The page as it stands now, with what was typed and what is wrong with it."""
    local, context = _about(visit, round_id)
    context["tried"] = {**context["tried"], **tried}
    # Above all else where the form itself is gone.
    context["in_its_form"] = context["may_mend"] and _has_form(context["round"], **tried)
    context["problems"] = refusal_told(local.reader, error)
    return templates.page(
        "patrol/round.html", local, error.status, section="checkpoints", **context
    )


def _has_form(row: Row, what: str, position: int | None = None, **_more: Any) -> bool:
    """Whether a round that can be mended still has the form that was sent."""
    if position is None:
        return what == "cancel"
    states = {point["position"]: point["state"] for point in row["points"]}
    return states.get(position) in EXCUSABLE


def _add_acts(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/rounds/{round_id}/begin")
    def begin(visit: SignedInVisit, round_id: UUID) -> Response:
        try:
            with visit.parts.database.write() as session:
                now = visit.parts.clock.now()
                rounds.begin_round(session, visit.caller, round_id, now=now)
        except Conflict as error:
            return _again(templates, visit, round_id, error, what="begin")
        return _to(round_id)

    @routes.post("/rounds/{round_id}/cancel")
    def cancel(
        visit: SignedInVisit, round_id: UUID, reason: Annotated[str, Form()] = ""
    ) -> Response:
        try:
            with visit.parts.database.write() as session:
                now = visit.parts.clock.now()
                rounds.cancel_round(session, visit.caller, round_id, reason, now=now)
        except (Invalid, Conflict) as error:
            return _again(templates, visit, round_id, error, what="cancel", reason=reason)
        return _to(round_id)

    @routes.post("/rounds/{round_id}/points/{position}/excuse")
    def excuse(
        visit: SignedInVisit,
        round_id: UUID,
        position: Position,
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        try:
            with visit.parts.database.write() as session:
                now = visit.parts.clock.now()
                rounds.excuse_point(session, visit.caller, round_id, position, reason, now=now)
        except (Invalid, Conflict) as error:
            tried = {"what": "excuse", "position": position, "reason": reason}
            return _again(templates, visit, round_id, error, **tried)
        return _to(round_id)
