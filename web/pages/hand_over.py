"""Shift hand-over: one shift lists what is open, the next accepts it by name; prints on one A4."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.people import Caller
from core.places import Node
from core.teams import team_at, teams_at
from web.page_route import PageRoute
from web.pages.teams import chosen_site
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import dispatch, overview
from workflows.alarms.handed_over import alarms_to_hand_over
from workflows.dispatch.handover import StandingAlarm, items_of
from workflows.tickets.scope import READ, require_for_team, teams_seen

WORK = "tickets.work"


def standing_alarms(session: Session, caller: Caller, site_id: UUID) -> list[StandingAlarm]:
    """The alarms of a site that a hand-over lists."""
    return [StandingAlarm(**one) for one in alarms_to_hand_over(session, caller, site_id)]


def dated(lists: dict[str, Any]) -> dict[str, Any]:
    """The lists with their moments read."""
    tickets = [
        {**one, "due": datetime.fromisoformat(one["due"]) if one["due"] else None}
        for one in lists["tickets"]
    ]
    standing = [
        {
            **one,
            "since": datetime.fromisoformat(one["since"]),
            # Sheets of earlier versions know nothing of what is out of service.
            "until": datetime.fromisoformat(one["until"]) if one.get("until") else None,
        }
        for one in lists["alarms"]
    ]
    return {
        **lists,
        "tickets": tickets,
        "alarms": [one for one in standing if one["state"] != "out_of_service"],
        "out_of_service": [one for one in standing if one["state"] == "out_of_service"],
    }


def router(templates: Templates) -> APIRouter:
    """The routes of hand-overs."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/hand-over")
    def prepare(
        visit: SignedInVisit, site: UUID | None = None, team: str = "maintenance"
    ) -> Response:
        visit.caller.require_anywhere("people.read")
        with visit.parts.database.read() as session:
            found = chosen_site(session, visit.caller, site)
            own = teams_seen(visit.caller, found.id)
            team = team if own is None or team in own else sorted(own)[0]
            require_for_team(visit.caller, READ, found.id, team)
            standing = standing_alarms(session, visit.caller, found.id)
            lists = dispatch.what_to_hand_over(session, found.id, team[:40], standing)
            past = dispatch.list_handovers(session, found.id, team[:40])
            context: dict[str, Any] = {
                "site": found,
                "team": team_at(session, found.id, team[:40]),
                "teams": [
                    each for each in teams_at(session, found.id) if own is None or each.code in own
                ],
                "lists": dated(lists),
                "items": items_of(session, found.id, team[:40]),
                "past": past,
                "names": names_in(session, past),
                "waiting": next((row for row in past if row.state != "accepted"), None),
            }
        may_work = visit.may(WORK, found.id)
        local = visit.at(found.time_zone)
        return templates.page(
            "hand_over.html", local, section="teams", may_work=may_work, **context
        )

    _add_actions(routes, templates)
    return routes


def names_in(session: Session, rows: list[dispatch.Handover]) -> dict[UUID, str]:
    people = {row.from_id for row in rows} | {row.accepted_by for row in rows if row.accepted_by}
    return {one: overview.person_name(session, one) or "" for one in people}


def _sheet(visit: Visit, handover_id: UUID) -> tuple[Visit, dict[str, Any]]:
    with visit.parts.database.read() as session:
        row = dispatch.find_handover(session, visit.caller, handover_id)
        site = session.get_one(Node, row.site_id)
        context = {
            "row": row,
            "site": site,
            "team": team_at(session, site.id, row.team),
            "lists": dated(row.lists),
            "names": names_in(session, [row]),
            "may_accept": visit.may(WORK, site.id) and row.from_id != visit.caller.person_id,
        }
    return visit.at(site.time_zone), context


def _add_actions(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/hand-over/{handover_id}")
    def show(handover_id: UUID, visit: SignedInVisit) -> Response:
        local, context = _sheet(visit, handover_id)
        return templates.page("hand_over_sheet.html", local, section="teams", **context)

    @routes.post("/hand-over/{handover_id}/accept")
    def accept(
        handover_id: UUID, visit: SignedInVisit, remark: Annotated[str, Form()] = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            dispatch.accept_handover(session, visit.caller, handover_id, remark=remark, now=now)
        return RedirectResponse(f"/hand-over/{handover_id}", status_code=303)

    @routes.post("/teams/{site_id}/hand-over")
    def offer(
        site_id: UUID,
        visit: SignedInVisit,
        team: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
        present: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        with visit.parts.database.write() as session:
            site = chosen_site(session, visit.caller, site_id)
            standing = items_of(session, site.id, team)
            row = dispatch.offer_handover(
                session,
                visit.caller,
                site.id,
                team,
                note=note,
                missing=[item.id for item in standing if str(item.id) not in (present or [])],
                alarms=standing_alarms(session, visit.caller, site.id),
                now=visit.parts.clock.now(),
            )
            handover_id = row.id
        return RedirectResponse(f"/hand-over/{handover_id}", status_code=303)
