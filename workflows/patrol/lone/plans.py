"""Plans: who of a site has to check in, how often, and where there is no signal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid, NotFound
from core.lifecycle import move
from core.paging import rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from core.site_hours import hours_at
from core.teams import teams_at
from rules.wording import worded
from workflows.patrol.checkpoints import READ
from workflows.patrol.lone.model import PLAN, DeadZone, LonePlan

LONGEST_MIN = 240
USUAL_GRACE_MIN, USUAL_WAIT_MIN = 3, 15
_ROWS = rows_of(
    LonePlan.id,
    LonePlan.site_id,
    LonePlan.team,
    LonePlan.hours,
    LonePlan.outside,
    LonePlan.every_min,
    LonePlan.grace_min,
    LonePlan.wait_min,
    LonePlan.contact_counts,
    LonePlan.state,
    LonePlan.version,
)


@dataclass(frozen=True, slots=True)
class LoneDraft:
    """A plan as it is to be; see LonePlan for what the fields mean."""

    team: str
    every_min: int
    grace_min: int = USUAL_GRACE_MIN
    wait_min: int = USUAL_WAIT_MIN
    hours: str = ""
    outside: bool = False
    contact_counts: bool = False

    def values(self) -> dict[str, Any]:
        """The columns that hold it."""
        return {
            "team": self.team,
            "every_min": self.every_min,
            "grace_min": self.grace_min,
            "wait_min": self.wait_min,
            "hours": self.hours,
            "outside": self.outside,
            "contact_counts": self.contact_counts,
        }


def create_lone_plan(
    session: Session, site_id: UUID, draft: LoneDraft, *, actor: events.Actor, now: datetime
) -> LonePlan:
    """Have people of a site check in from now on. Invalid with every problem."""
    _check(session, site_id, draft)
    row = LonePlan(site_id=site_id, state="active", version=1, **draft.values())
    session.add(row)
    session.flush()
    events.append(
        session,
        "lone_plan.create",
        ("lone_plan", row.id),
        actor=actor,
        learned_at=now,
        site_id=site_id,
        after=draft.values(),
    )
    return row


def change_lone_plan(
    session: Session,
    row: LonePlan,
    draft: LoneDraft,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Make a plan as `draft` says; what is due already stays so. Invalid with every problem."""
    _check(session, row.site_id, draft)
    move(
        session,
        row,
        PLAN,
        "change",
        actor=actor,
        learned_at=now,
        values=draft.values(),
        expected_version=expected_version,
    )


def move_lone_plan(
    session: Session,
    row: LonePlan,
    action: str,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """`retire` a plan, or `reactivate` it. Whoever is overdue stays so until they are heard of."""
    move(
        session,
        row,
        PLAN,
        action,
        actor=actor,
        learned_at=now,
        expected_version=expected_version,
    )


def _check(session: Session, site_id: UUID, draft: LoneDraft) -> None:
    problems = []
    if draft.team not in {team.code for team in teams_at(session, site_id)}:
        problems.append(worded("team: one of this site"))
    if not 1 <= draft.every_min <= LONGEST_MIN:
        problems.append(worded("every_min: 1 to %(most)s", most=LONGEST_MIN))
    if not 1 <= draft.grace_min <= LONGEST_MIN:
        problems.append(worded("grace_min: 1 to %(most)s", most=LONGEST_MIN))
    if not 0 <= draft.wait_min <= LONGEST_MIN:
        problems.append(worded("wait_min: 0 to %(most)s", most=LONGEST_MIN))
    site = session.get_one(Node, site_id)
    if draft.hours and not hours_at(session, site, frozenset({draft.hours})):
        problems.append(worded("hours: the code of a calendar or a shift of this site"))
    if draft.outside and not draft.hours:
        problems.append(worded("outside: needs hours, outside of which people check in"))
    if problems:
        raise Invalid(worded("the plan was not saved"), problems=problems)


def find_lone_plan(session: Session, caller: Caller, plan_id: UUID, *, permission: str) -> LonePlan:
    """A plan to be changed. NotFound when the caller may not read it, NotAllowed elsewhere."""
    statement = select(LonePlan).where(LonePlan.id == plan_id)
    row = session.scalars(scoped(statement, LonePlan.site_id, caller, READ)).first()
    if row is None:
        raise NotFound(
            worded("there is no such plan"), advice=worded("Look for it in the list of plans.")
        )
    caller.require(permission, row.site_id)
    return row


def list_lone_plans(
    session: Session, caller: Caller, *, site_id: UUID | None = None
) -> list[dict[str, Any]]:
    """The plans that the caller may read, those in use first; a site has few."""
    statement = scoped(_ROWS, LonePlan.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(LonePlan.site_id == site_id)
    ordered = statement.order_by(LonePlan.state, LonePlan.id).limit(200)
    return [dict(row) for row in session.execute(ordered).mappings()]


def describe_lone_plan(session: Session, plan_id: UUID) -> dict[str, Any]:
    """One plan as the list shows it; the caller has judged that it may be read."""
    return dict(session.execute(_ROWS.where(LonePlan.id == plan_id)).mappings().one())


def _place_at(session: Session, place_id: UUID) -> UUID | None:
    """The site of a checkpoint or a space."""
    place = session.get(Space, place_id) or session.get(Asset, place_id)
    return place.site_id if place is not None else None


def flag_dead_zone(
    session: Session,
    caller: Caller,
    place_id: UUID,
    *,
    flagged: bool,
    permission: str,
    now: datetime,
) -> None:
    """Say that phones have no signal at a checkpoint or in a space and below, or that they have.

    NotFound for a place that the caller does not see. The same again changes nothing.
    """
    site_id = _place_at(session, place_id)
    if site_id is None or site_id not in caller.sites_for(READ):
        raise NotFound(
            worded("there is no such place"), advice=worded("Choose a checkpoint or a space.")
        )
    caller.require(permission, site_id)
    row = session.get(DeadZone, place_id)
    if flagged == (row is not None):
        return
    if row is None:
        session.add(
            DeadZone(place_id=place_id, site_id=site_id, set_at=now, set_by=caller.person_id)
        )
    else:
        session.delete(row)
    session.flush()
    events.append(
        session,
        "lone_plan.dead_zone" if flagged else "lone_plan.signal",
        ("place", place_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
    )


def list_dead_zones(
    session: Session, caller: Caller, site_id: UUID | None = None
) -> list[dict[str, Any]]:
    """The places that somebody flagged where the caller may read, with their names."""
    statement = (
        rows_of(
            DeadZone.place_id,
            DeadZone.set_at,
            Space.name.label("space"),
            Asset.name.label("checkpoint"),
        )
        .outerjoin(Space, Space.id == DeadZone.place_id)
        .outerjoin(Asset, Asset.id == DeadZone.place_id)
        .where(DeadZone.site_id.in_(caller.sites_for(READ)))
        .order_by(DeadZone.set_at, DeadZone.place_id)
        .limit(500)
    )
    if site_id is not None:
        statement = statement.where(DeadZone.site_id == site_id)
    return [
        {
            "place_id": row["place_id"],
            "set_at": row["set_at"],
            "name": row["space"] or row["checkpoint"],
        }
        for row in session.execute(statement).mappings()
    ]
