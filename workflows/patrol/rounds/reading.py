"""Reading rounds: how they stand, point by point; who goes them for whom that may be seen by."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, READ
from workflows.patrol.model import Scan
from workflows.patrol.rounds.contact import goers, last_heard
from workflows.patrol.rounds.expecting import expect_next
from workflows.patrol.rounds.model import OPEN, POINT_STATES, ROUND, Round, RoundPoint, Route

KEY = (datetime, UUID)
STATES = ROUND.statuses
_ROWS = (
    rows_of(
        Round.id,
        Round.site_id,
        Round.route_id,
        Route.code.label("route_code"),
        Route.name.label("route_name"),
        Round.plan_id,
        Round.team,
        Round.order,
        Round.state,
        Round.version,
        Round.planned_at,
        Round.opens_at,
        Round.begin_by,
        Round.ends_at,
        Round.settles_at,
        Round.person_id,
        Person.name.label("person_name"),
        Round.began_at,
        Round.ended_at,
        Round.reason,
        Round.paused_at,
        Round.paused_s,
    )
    .join(Route, Route.id == Round.route_id)
    .outerjoin(Person, Person.id == Round.person_id)
)


@dataclass(frozen=True, slots=True)
class RoundFilter:
    """Which rounds are wanted; None does not restrict.

    state: one of STATES, or `open` for those that are not over. since, until: planned from then
    on, before then.
    """

    site_id: UUID | None = None
    route_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_rounds(
    session: Session, caller: Caller, wanted: RoundFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Rounds that the caller may read, the last planned first. Key: planned_at, id.

    Each with `counts`, how many of its points are in which state. Who goes it is told of one's own
    and where the caller may see who scanned; asking for another person finds nothing elsewhere.
    Invalid for an unknown state.
    """
    statement = scoped(_ROWS, Round.site_id, caller, READ)
    if wanted.site_id is not None:
        statement = statement.where(Round.site_id == wanted.site_id)
    if wanted.route_id is not None:
        statement = statement.where(Round.route_id == wanted.route_id)
    if wanted.person_id is not None:
        seen = or_(Round.person_id == caller.person_id, Round.site_id.in_(caller.sites_for(PEOPLE)))
        statement = statement.where(Round.person_id == wanted.person_id, seen)
    if wanted.state is not None:
        statement = statement.where(Round.state.in_(_states(wanted.state)))
    if wanted.since is not None:
        statement = statement.where(Round.planned_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Round.planned_at < wanted.until)
    page = newest_first(
        session, statement, (Round.planned_at, Round.id), wish, lambda row: _shown(row, caller)
    )
    counts = _counts(session, [row["id"] for row in page.items])
    return Page([{**row, "counts": counts[row["id"]]} for row in page.items], page.next)


def rounds_begun(
    session: Session, caller: Caller, site_ids: Collection[UUID], *, now: datetime
) -> list[dict[str, Any]]:
    """Rounds of some sites that are not over: under way, or to be begun by now, the last first.

    As the list shows them; all of them.
    """
    statement = scoped(_ROWS, Round.site_id, caller, READ).where(
        Round.site_id.in_(site_ids),
        Round.planned_at < now,
        or_(
            Round.state == "running",
            and_(Round.state.in_(OPEN), Round.begin_by <= now),
        ),
    )
    statement = statement.order_by(Round.planned_at.desc(), Round.id.desc())
    rows = [_shown(dict(row), caller) for row in session.execute(statement).mappings()]
    counts = _counts(session, [row["id"] for row in rows])
    return [{**row, "counts": counts[row["id"]]} for row in rows]


def describe_round(
    session: Session, caller: Caller, round_id: UUID, *, now: datetime
) -> dict[str, Any]:
    """One round as the list shows it, with its `points`, `heard_at` and `next`.

    heard_at: when a phone of whoever goes it was heard of last, as long as it is not over. next:
    the checkpoint that is expected next and when, where that is known (`expect_next`). A point
    tells `off_seconds`, how far its scan is outside of its window (negative: early), and
    `out_of_order`, whether one before it was scanned later or is still open. NotFound when the
    caller may not read it.
    """
    statement = scoped(_ROWS.where(Round.id == round_id), Round.site_id, caller, READ)
    found = session.execute(statement).mappings().first()
    if found is None:
        raise NotFound(
            worded("there is no such round"), advice=worded("Look for it in the list of rounds.")
        )
    row = _shown(dict(found), caller)
    points = _points(session, round_id)
    if row["order"] == "ordered":
        _mark_order(points)
    row["points"] = points
    row["counts"] = _tally(point["state"] for point in points)
    row["heard_at"] = None
    if row["state"] in OPEN:
        people = goers(session, session.get_one(Round, round_id), now=now)
        row["heard_at"] = last_heard(session, people)
    row["next"] = expect_next(session, [round_id]).get(round_id)
    return row


def _states(wanted: str) -> Sequence[str]:
    if wanted == "open":
        return OPEN
    if wanted not in STATES:
        problems = [worded("state: open, or one of %(known)s", known=", ".join(STATES))]
        raise Invalid(worded("there is no such state"), problems=problems)
    return (wanted,)


def _shown(row: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    own = row["person_id"] == caller.person_id
    if own or row["site_id"] in caller.sites_for(PEOPLE):
        return dict(row)
    return {**row, "person_id": None, "person_name": None}


def _tally(states: Iterable[str]) -> dict[str, int]:
    counted = Counter(states)
    return {state: counted[state] for state in POINT_STATES}


def _counts(session: Session, ids: Collection[UUID]) -> Mapping[UUID, dict[str, int]]:
    found = defaultdict[UUID, list[str]](list)
    statement = select(RoundPoint.round_id, RoundPoint.state).where(RoundPoint.round_id.in_(ids))
    for round_id, state in session.execute(statement):
        found[round_id].append(state)
    return {round_id: _tally(found[round_id]) for round_id in ids}


def _points(session: Session, round_id: UUID) -> list[dict[str, Any]]:
    statement = (
        rows_of(
            RoundPoint.position,
            RoundPoint.checkpoint_id,
            Asset.code,
            Asset.name,
            RoundPoint.state,
            RoundPoint.opens_at,
            RoundPoint.closes_at,
            RoundPoint.scanned_at,
            RoundPoint.scan_id,
            Scan.grade,
            Scan.channel,
            Scan.received_at,
            RoundPoint.judged_at,
            RoundPoint.annexed,
            RoundPoint.reason,
        )
        .join(Asset, Asset.id == RoundPoint.checkpoint_id)
        .outerjoin(Scan, Scan.id == RoundPoint.scan_id)
        .where(RoundPoint.round_id == round_id)
        .order_by(RoundPoint.position)
    )
    rows = session.execute(statement).mappings()
    return [{**row, "off_seconds": _off(dict(row)), "out_of_order": False} for row in rows]


def _off(point: Mapping[str, Any]) -> int:
    at = point["scanned_at"]
    if at is None:
        return 0
    early, late = point["opens_at"] - at, at - point["closes_at"]
    if early > timedelta(0):
        return -int(early.total_seconds())
    return max(0, int(late.total_seconds()))


def _mark_order(points: Sequence[dict[str, Any]]) -> None:
    """What was passed over says so itself; after it nothing is out of order for that."""
    before: list[datetime] = []
    waits = False
    for point in points:
        at = point["scanned_at"]
        if at is None:
            waits |= point["state"] == "open"
            continue
        point["out_of_order"] = waits or any(one > at for one in before)
        before.append(at)
