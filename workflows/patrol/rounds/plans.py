"""Plans: when rounds of a route begin, who goes them, and how exactly."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Node
from core.site_hours import hours_at
from core.teams import teams_at
from rules.wording import worded
from workflows.patrol.checkpoints import READ
from workflows.patrol.rounds.coverage import codes_of, note_coverage
from workflows.patrol.rounds.making import make_rounds, unmake_rounds
from workflows.patrol.rounds.model import EVERYWHERE, PLAN, RoundPlan, Route, RoutePoint
from workflows.patrol.rounds.routes import LONGEST_MIN, latest_opening
from workflows.patrol.statutes import STATUTES

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
MOST_TIMES = 96
LONGEST_SETTLE_MIN = 7 * LONGEST_MIN
USUAL_TOLERANCE_MIN, USUAL_SETTLE_MIN = 15, 12 * 60
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
_ROWS = rows_of(
    RoundPlan.id,
    RoundPlan.site_id,
    RoundPlan.route_id,
    Route.code.label("route_code"),
    Route.name.label("route_name"),
    RoundPlan.times,
    RoundPlan.weekdays,
    RoundPlan.hours,
    RoundPlan.outside,
    RoundPlan.team,
    RoundPlan.duration_min,
    RoundPlan.tolerance_min,
    RoundPlan.settle_min,
    RoundPlan.statute,
    RoundPlan.state,
    RoundPlan.version,
).join(Route, Route.id == RoundPlan.route_id)


@dataclass(frozen=True, slots=True)
class UnderStatute:
    """What a plan is made under; see RoundPlan. items: ids of checkpoints, or EVERYWHERE."""

    code: str
    hours: str = ""
    items: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def value(self) -> dict[str, Any]:
        """As the column holds it."""
        items = {item: sorted(set(points)) for item, points in self.items.items() if points}
        return {"code": self.code, "hours": self.hours, "items": items}


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A plan as it is to be; see RoundPlan for what the fields mean."""

    times: Sequence[str]
    team: str
    duration_min: int
    weekdays: Sequence[int] = EVERY_DAY
    hours: str = ""
    outside: bool = False
    tolerance_min: int = USUAL_TOLERANCE_MIN
    settle_min: int = USUAL_SETTLE_MIN
    statute: UnderStatute | None = None

    def values(self) -> dict[str, Any]:
        """The columns that hold it."""
        return {
            "times": sorted(set(self.times)),
            "weekdays": sorted(set(self.weekdays)),
            "hours": self.hours,
            "outside": self.outside,
            "team": self.team,
            "duration_min": self.duration_min,
            "tolerance_min": self.tolerance_min,
            "settle_min": self.settle_min,
            "statute": self.statute.value() if self.statute else None,
        }


def create_plan(
    session: Session, route: Route, draft: PlanDraft, *, actor: events.Actor, now: datetime
) -> RoundPlan:
    """Plan rounds of a route from now on, and make the next ones.

    Raises Invalid with every problem, Conflict for a route that is out of use.
    """
    if route.state != "active":
        raise Conflict(
            worded("this route is out of use"), advice=worded("Take it into use again first.")
        )
    _check(session, route.site_id, route.id, draft)
    row = RoundPlan(
        site_id=route.site_id,
        route_id=route.id,
        state="active",
        version=1,
        made_until=now,
        **draft.values(),
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "round_plan.create",
        ("round_plan", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"route": str(route.id), "times": row.times, "team": row.team},
    )
    make_rounds(session, row, now=now, actor=actor)
    note_coverage(session, route, actor=actor, now=now)
    return row


def change_plan(
    session: Session,
    row: RoundPlan,
    draft: PlanDraft,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> RoundPlan:
    """Make a plan as `draft` says, and its rounds that have not opened yet anew.

    Raises Invalid with every problem.
    """
    _check(session, row.site_id, row.route_id, draft)
    before = codes_of([row])
    move(
        session,
        row,
        PLAN,
        "change",
        actor=actor,
        learned_at=now,
        values={**draft.values(), "made_until": now},
        expected_version=expected_version,
    )
    unmake_rounds(session, row, now=now)
    make_rounds(session, row, now=now, actor=actor)
    route = session.get_one(Route, row.route_id)
    note_coverage(session, route, actor=actor, now=now, also=before)
    return row


def _check(session: Session, site_id: UUID, route_id: UUID, draft: PlanDraft) -> None:
    problems = _time_problems(draft)
    if draft.team not in {team.code for team in teams_at(session, site_id)}:
        problems.append(worded("team: one of this site"))
    if not 1 <= draft.duration_min <= LONGEST_MIN:
        problems.append(worded("duration_min: 1 to %(most)s", most=LONGEST_MIN))
    elif (latest := latest_opening(session, route_id)) >= draft.duration_min:
        problems.append(
            worded(
                "duration_min: over %(latest)s, when the last window of the route opens",
                latest=latest,
            )
        )
    if not 0 <= draft.tolerance_min <= max(draft.duration_min, 0):
        problems.append(worded("tolerance_min: 0 to duration_min"))
    if not 0 <= draft.settle_min <= LONGEST_SETTLE_MIN:
        problems.append(worded("settle_min: 0 to %(most)s", most=LONGEST_SETTLE_MIN))
    site = session.get_one(Node, site_id)
    if draft.hours and not hours_at(session, site, frozenset({draft.hours})):
        problems.append(worded("hours: the code of a calendar or a shift of this site"))
    if draft.outside and not draft.hours:
        problems.append(worded("outside: needs hours, outside of which rounds begin"))
    if draft.statute is not None:
        problems += _statute_problems(session, site, route_id, draft.statute)
    if problems:
        raise Invalid(worded("the plan was not saved"), problems=problems)


def _statute_problems(
    session: Session, site: Node, route_id: UUID, under: UnderStatute
) -> list[str]:
    statute = STATUTES.get(under.code)
    if statute is None:
        return [worded("statute: one of %(known)s", known=", ".join(STATUTES))]
    problems: list[str] = []
    if under.hours and not hours_at(session, site, frozenset({under.hours})):
        problems.append(worded("statute.hours: the code of a calendar or a shift of this site"))
    known = {item.code for item in statute.items}
    if not set(under.items) <= known:
        problems.append(worded("statute.items: of %(known)s", known=", ".join(sorted(known))))
    points = select(RoutePoint.checkpoint_id).where(RoutePoint.route_id == route_id)
    there = {str(one) for one in session.scalars(points)} | {EVERYWHERE}
    if not all(set(points) <= there for points in under.items.values()):
        problems.append(worded("statute.items: checkpoints of the route, or * for every one"))
    return problems


def _time_problems(draft: PlanDraft) -> list[str]:
    problems: list[str] = []
    if not 1 <= len(draft.times) <= MOST_TIMES:
        problems.append(worded("times: 1 to %(most)s times of day", most=MOST_TIMES))
    wrong = [text for text in draft.times if not _TIME.fullmatch(text)]
    problems += [
        worded("times: %(text)s is no time of day; write it like 22:00", text=repr(text[:20]))
        for text in wrong
    ]
    if not draft.weekdays or not set(draft.weekdays) <= set(EVERY_DAY):
        problems.append(worded("weekdays: one or more of 1 (Monday) to 7 (Sunday)"))
    return problems


def move_plan(
    session: Session,
    row: RoundPlan,
    action: str,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """`retire` a plan, with its rounds that have not opened yet, or `reactivate` it from now on.

    Conflict if it is so already.
    """
    values = {"made_until": now} if action == "reactivate" else None
    if values and latest_opening(session, row.route_id) >= row.duration_min:
        raise Conflict(
            worded("the route has windows behind the end of this plan"),
            advice=worded("Make it longer first."),
        )
    move(
        session,
        row,
        PLAN,
        action,
        actor=actor,
        learned_at=now,
        values=values,
        expected_version=expected_version,
    )
    if action == "retire":
        unmake_rounds(session, row, now=now)
    else:
        make_rounds(session, row, now=now, actor=actor)
    route = session.get_one(Route, row.route_id)
    note_coverage(session, route, actor=actor, now=now, also=codes_of([row]))


def find_plan(session: Session, caller: Caller, plan_id: UUID, *, permission: str) -> RoundPlan:
    """A plan to be changed. NotFound when the caller may not read it, NotAllowed elsewhere."""
    statement = select(RoundPlan).where(RoundPlan.id == plan_id)
    row = session.scalars(scoped(statement, RoundPlan.site_id, caller, READ)).first()
    if row is None:
        raise _unknown()
    caller.require(permission, row.site_id)
    return row


def describe_plan(session: Session, caller: Caller, plan_id: UUID) -> dict[str, Any]:
    """One plan as the list shows it. NotFound when the caller may not read it."""
    statement = scoped(_ROWS.where(RoundPlan.id == plan_id), RoundPlan.site_id, caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _unknown()
    return dict(row)


def list_plans(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    route_id: UUID | None = None,
    state: str | None = None,
) -> Page[dict[str, Any]]:
    """Plans that the caller may read, the last made first. Key: id."""
    statement = scoped(_ROWS, RoundPlan.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(RoundPlan.site_id == site_id)
    if route_id is not None:
        statement = statement.where(RoundPlan.route_id == route_id)
    if state is not None:
        statement = statement.where(RoundPlan.state == state)
    return newest_first(session, statement, (RoundPlan.id,), wish)


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such plan"), advice=worded("Look for it in the list of plans.")
    )
