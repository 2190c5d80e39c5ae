"""Starting a walk test, moving its end, and ending it: what it kept silent is judged again then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller, scoped
from core.places import Space
from rules.wording import worded
from workflows.alarms.model import Withholding
from workflows.alarms.walk_tests.model import RUNS, WALK_TEST, WalkSensor, WalkTest
from workflows.alarms.walk_tests.sensors import Telling, sensors_in

# Who may silence alarms one by one may do so for those of a place, for hours.
READ, START, TICK = "alarms.read", "alarms.shelve", "alarms.act"
LONGEST = timedelta(hours=12)
LONGEST_REASON = 500
# More than this nobody walks to within twelve hours.
MOST_SENSORS = 1_000


@dataclass(frozen=True, slots=True)
class NewWalkTest:
    """A test to start. reason: who tests, and what for, as others read it beside the silence."""

    site_id: UUID
    space_id: UUID
    ends_at: datetime
    reason: str


def series_in(session: Session, site_id: UUID, space_id: UUID) -> list[int]:
    """The series by which the sensors of a place can answer."""
    found = sensors_in(session, site_id, space_id)
    return [point.series for points in found.values() for point in points]


def start_test(
    session: Session,
    caller: Caller,
    wanted: NewWalkTest,
    *,
    before: Mapping[int, float],
    now: datetime,
) -> WalkTest:
    """From now until its end the alarms of a place call nobody, but for those about lives.

    before: what the series of `series_in` said last. Invalid with everything that is wrong.
    """
    caller.require(START, wanted.site_id)
    sensors = _sensors_asked(session, wanted, now)
    row = WalkTest(
        id=new_id(),
        site_id=wanted.site_id,
        space_id=wanted.space_id,
        state="running",
        version=1,
        reason=wanted.reason.strip(),
        starts_at=now,
        ends_at=wanted.ends_at,
        started_by=caller.person_id,
        heard_until=0,
        settled=False,
    )
    session.add(row)
    session.flush()
    for device_id, points in sensors.items():
        known = {str(one.series): before[one.series] for one in points if one.series in before}
        session.add(sensor_of(row, device_id, known))
    session.flush()
    _log(
        session,
        "walk_test.start",
        row,
        caller,
        now,
        {
            "space": str(row.space_id),
            "until": row.ends_at.isoformat(),
            "sensors": len(sensors),
        },
    )
    return row


def _sensors_asked(
    session: Session, wanted: NewWalkTest, now: datetime
) -> Mapping[UUID, Sequence[Telling]]:
    """What is to answer, by device. Invalid with everything that is wrong with a test."""
    problems = _wrong_end(wanted.ends_at, now, now) + _wrong_reason(wanted.reason)
    space = session.get(Space, wanted.space_id)
    if space is None or space.site_id != wanted.site_id:
        problems.append(worded("space_id: there is no such place on this site"))
    sensors = {} if problems else sensors_in(session, wanted.site_id, wanted.space_id)
    if not problems and not sensors:
        problems.append(
            worded("space_id: no sensor stands there that could answer; adopt them first")
        )
    if len(sensors) > MOST_SENSORS:
        problems.append(
            worded(
                "space_id: more than %(most)s sensors; test a part of it at a time",
                most=MOST_SENSORS,
            )
        )
    if problems:
        raise Invalid(worded("no test was started"), problems=problems)
    return sensors


def sensor_of(test: WalkTest, device_id: UUID, before: Mapping[str, float]) -> WalkSensor:
    """A sensor of a test that has not answered yet."""
    return WalkSensor(
        id=new_id(),
        site_id=test.site_id,
        test_id=test.id,
        device_id=device_id,
        version=1,
        before=dict(before),
        note="",
    )


def _wrong_end(ends_at: datetime, starts_at: datetime, now: datetime) -> list[str]:
    if ends_at <= now:
        return [worded("ends_at: in the future")]
    if ends_at - starts_at > LONGEST:
        hours = int(LONGEST.total_seconds() // 3600)
        return [
            worded(
                "ends_at: at most %(hours)s hours after its beginning; start another one later",
                hours=hours,
            )
        ]
    return []


def _wrong_reason(reason: str) -> list[str]:
    if not reason.strip():
        return [worded("reason: say who tests what, so that others understand the silence")]
    if len(reason) > LONGEST_REASON:
        return [worded("reason: at most %(most)s characters", most=LONGEST_REASON)]
    return []


def _log(
    session: Session, kind: str, row: WalkTest, caller: Caller, now: datetime, after: dict[str, Any]
) -> None:
    events.append(
        session,
        kind,
        ("walk_test", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=row.site_id,
        after=after,
    )


def find_test(
    session: Session, caller: Caller, test_id: UUID, *, to_change: bool = False
) -> WalkTest:
    """A walk test that the caller may read; NotFound otherwise. to_change: lock it."""
    statement = scoped(
        select(WalkTest).where(WalkTest.id == test_id), WalkTest.site_id, caller, READ
    )
    if to_change:
        statement = statement.with_for_update(of=WalkTest)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(
            worded("there is no such walk test"), advice=worded("Look for it in the list.")
        )
    return row


def is_over(row: WalkTest, now: datetime) -> bool:
    """Whether alarms of its place speak again."""
    return row.state not in RUNS or row.ends_at <= now


def refuse_over(row: WalkTest, now: datetime) -> None:
    """Raise Conflict once a test is over."""
    if is_over(row, now):
        raise Conflict(
            worded("this walk test is over"), advice=worded("Start another one for what is left.")
        )


def change_end(
    session: Session,
    caller: Caller,
    row: WalkTest,
    *,
    ends_at: datetime,
    now: datetime,
    expected_version: int | None = None,
) -> WalkTest:
    """Move the end of a test that runs. Alarms about lives keep the end that two agreed on,
    unless the test ends before it. Conflict once it is over.
    """
    caller.require(START, row.site_id)
    refuse_over(row, now)
    problems = _wrong_end(ends_at, row.starts_at, now)
    if problems:
        raise Invalid(worded("nothing was changed"), problems=problems)
    move(
        session,
        row,
        WALK_TEST,
        "change",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"ends_at": ends_at},
        facts={"until": ends_at.isoformat()},
        expected_version=expected_version,
    )
    _end_of_withheld(session, row.id, ends_at)
    return row


def finish_test(session: Session, caller: Caller, row: WalkTest, *, now: datetime) -> WalkTest:
    """Alarms of the place speak again; what stands is told within seconds. Conflict once over."""
    caller.require(START, row.site_id)
    refuse_over(row, now)
    move(
        session,
        row,
        WALK_TEST,
        "finish",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"ends_at": now, "ended_by": caller.person_id},
    )
    _end_of_withheld(session, row.id, now)
    return row


def _end_of_withheld(session: Session, test_id: UUID, until: datetime) -> None:
    """Alarms about lives never stay out of service for longer than two people said."""
    of_test = Withholding.cause_id == test_id
    suppressed = Withholding.state == "standing", Withholding.kind == "suppressed"
    session.execute(update(Withholding).where(of_test, *suppressed).values(until=until))
    # An end that comes earlier than the one before may still be later than what was agreed on.
    agreed = (
        Withholding.state.in_(("standing", "asked")),
        Withholding.kind == "out_of_service",
        Withholding.until > until,
    )
    session.execute(update(Withholding).where(of_test, *agreed).values(until=until))
