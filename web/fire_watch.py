"""What pages show of a fire alarm: its clock, who can be sent, and what the reader may press."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.colleagues import able_people
from core.db import Session
from core.rosters import on_duty
from web.visit import Visit
from workflows.tickets import ENDED
from workflows.tickets.fire_alarms import BURNING, CAUSES, RUNNING
from workflows.tickets.fire_climbing import SECURITY
from workflows.tickets.fire_watch import ACT, MANAGE, WORK

# States in which somebody can be sent to look.
WATCHED = RUNNING


def hands_at(session: Session, site_id: UUID, now: datetime) -> list[tuple[UUID, str, bool]]:
    """Who can be sent to look, with their names, and whether they are on duty; those first."""
    there = {one.person_id for one in on_duty(session, site_id, SECURITY, now)}
    people = [(one.id, one.name, one.id in there) for one in able_people(session, site_id, WORK)]
    return sorted(people, key=lambda one: not one[2])


def hands_for(
    session: Session, ticket: Mapping[str, Any], now: datetime
) -> list[tuple[UUID, str, bool]]:
    """The same for one ticket; nobody where its clock does not run."""
    fire = ticket["fire_alarm"]
    if fire is None or fire["state"] not in WATCHED:
        return []
    return hands_at(session, ticket["site_id"], now)


def fire_shown(
    visit: Visit, ticket: Mapping[str, Any], hands: list[tuple[UUID, str, bool]]
) -> dict[str, Any]:
    """The fire alarm of a ticket, and what the reader may press now."""
    fire, site_id = ticket["fire_alarm"], ticket["site_id"]
    if fire is None:
        return {"fire": None}
    state, goes_on = fire["state"], ticket["state"] not in ENDED
    may_work = visit.may(WORK, site_id)
    return {
        "fire": fire,
        "hands": hands,
        "fire_causes": CAUSES,
        "may_send": state in RUNNING and visit.may(ACT, site_id),
        "may_look": state in RUNNING and may_work,
        "may_press": state not in BURNING and goes_on and may_work,
        "may_take_on": state == "fire" and visit.may(ACT, site_id),
        "may_stand_down": state in BURNING and goes_on and visit.may(MANAGE, site_id),
    }
