"""What answers in a walk test: the readings of its sensors since it began, looked at as they come.

An answer is kept where it is found, so that neither a restart nor the end of a telemetry store
takes it from the sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.clock import MICROS, from_micros, to_micros
from core.devices import Point
from core.telemetry.readings import Reading
from core.telemetry.store import TelemetryStore
from workflows.alarms.walk_tests.model import WalkSensor, WalkTest
from workflows.alarms.walk_tests.running import is_over, sensor_of
from workflows.alarms.walk_tests.sensors import Telling, sensors_in

# What is on its way to the store when we look is seen the next time.
_OVERLAP = 120 * MICROS
# History that a gateway kept comes this late; the test is looked at once more then.
_SETTLES_AFTER = 300 * MICROS
_MOST = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked for in the readings of a test. points: of sensors that owe an answer."""

    test_id: UUID
    start: int
    end: int
    points: Mapping[int, tuple[UUID, Telling]]
    before: Mapping[int, float]
    last: bool


def tests_to_hear(session: Session) -> list[UUID]:
    """Tests whose readings have not been looked at to the end."""
    statement = select(WalkTest.id).where(WalkTest.settled.is_(False)).order_by(WalkTest.id)
    return list(session.scalars(statement.limit(_MOST)))


def what_to_hear(session: Session, test_id: UUID, now: datetime) -> Wanted:
    """The sensors that owe an answer, and since when they may have given it."""
    row = session.get_one(WalkTest, test_id)
    start, end = to_micros(row.starts_at), min(to_micros(now), to_micros(row.ends_at))
    sensors = sensors_in(session, row.site_id, row.space_id)
    answered = set(
        session.scalars(
            select(WalkSensor.device_id).where(
                WalkSensor.test_id == test_id, WalkSensor.answered_at.is_not(None)
            )
        )
    )
    points = {
        point.series: (device, point)
        for device, told in sensors.items()
        if device not in answered
        for point in told
    }
    last = is_over(row, now) and to_micros(now) >= to_micros(row.ends_at) + _SETTLES_AFTER
    # At the end everything once more, for what came late.
    since = start if last else max(start, row.heard_until - _OVERLAP)
    before: dict[int, float] = {}
    for one in session.scalars(select(WalkSensor).where(WalkSensor.test_id == test_id)):
        before |= {int(series): value for series, value in one.before.items()}
    return Wanted(test_id, since, end, points, before, last)


def listen(telemetry: TelemetryStore, wanted: Wanted) -> dict[UUID, tuple[Telling, Reading]]:
    """The first answer of each sensor that gave one, outside of any transaction.

    Yes and no, states: a value other than before the test, or any where none was known. Events
    and numbers: any reading.
    """
    found: dict[UUID, tuple[Telling, Reading]] = {}
    if not wanted.points:
        return found
    for batch in telemetry.scan(list(wanted.points), wanted.start, wanted.end + 1):
        for reading in batch:
            device, point = wanted.points[reading.series]
            before = None if point.any else wanted.before.get(reading.series)
            if device not in found and reading.value != before:
                found[device] = point, reading
    return found


def keep_answers(
    session: Session,
    wanted: Wanted,
    found: Mapping[UUID, tuple[Telling, Reading]],
    *,
    now: datetime,
    actor: events.Actor,
) -> int:
    """Write down who answered, and sensors that came to the place since; returns how many did."""
    row = session.get_one(WalkTest, wanted.test_id, with_for_update=True, populate_existing=True)
    if row.state == "signed":
        # What somebody put their name to stays as it was then.
        row.settled = True
        return 0
    known = {
        one.device_id: one
        for one in session.scalars(select(WalkSensor).where(WalkSensor.test_id == row.id))
    }
    if not is_over(row, now):
        for device in sensors_in(session, row.site_id, row.space_id):
            if device not in known:
                known[device] = sensor_of(row, device, {})
                session.add(known[device])
    done = 0
    for device, (point, reading) in found.items():
        sensor = known.get(device)
        if sensor is None or sensor.answered_at is not None:
            continue
        sensor.answered_at = from_micros(reading.received)
        sensor.answer = {
            "asset": str(point.asset_id),
            "point": str(_point_id(session, reading.series)),
            "code": point.code,
            "value": reading.value,
            "at": reading.at,
        }
        sensor.version += 1
        done += 1
        session.flush()
        events.append(
            session,
            "walk_test.answer",
            ("walk_test", row.id),
            actor=actor,
            happened_at=from_micros(reading.at),
            learned_at=now,
            site_id=row.site_id,
            after={"device": str(device), "point": sensor.answer["point"]},
        )
    row.heard_until = max(row.heard_until, wanted.end)
    row.settled = wanted.last
    return done


def _point_id(session: Session, series: int) -> UUID:
    return session.scalars(select(Point.id).where(Point.series == series)).one()
