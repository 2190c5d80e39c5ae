"""Ticking a sensor that answered, with a photo of it where it hangs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.people import Caller, scoped
from rules.wording import worded
from workflows.alarms.walk_tests.model import RUNS, WalkSensor, WalkTest
from workflows.alarms.walk_tests.running import READ, TICK
from workflows.tickets.photos import StoredPhoto

LONGEST_NOTE = 500


def tick(
    session: Session,
    caller: Caller,
    test: WalkTest,
    device_id: UUID,
    photo: StoredPhoto,
    *,
    note: str = "",
    now: datetime,
) -> WalkSensor:
    """The sensor was triggered, its answer seen, and its photo taken; once more replaces the photo.

    Conflict while it has not answered, and once the sheet is signed. A test that is over can still
    be ticked: the photos were taken while it ran.
    """
    caller.require(TICK, test.site_id)
    if test.state not in (*RUNS, "finished"):
        raise Conflict(
            worded("the sheet of this test is signed"), advice=worded("Start another test.")
        )
    if len(note) > LONGEST_NOTE:
        raise Invalid(
            worded("it was not ticked"),
            problems=[worded("note: at most %(most)s characters", most=LONGEST_NOTE)],
        )
    statement = select(WalkSensor).where(
        WalkSensor.test_id == test.id, WalkSensor.device_id == device_id
    )
    sensor = session.scalars(statement.with_for_update()).first()
    if sensor is None:
        raise NotFound(
            worded("there is no such sensor in this test"), advice=worded("Look at its list.")
        )
    if sensor.answered_at is None:
        raise Conflict(
            worded("this sensor has not answered since the test began"),
            advice=worded("Trigger it, wait until it shows, and tick it then."),
        )
    sensor.ticked_at, sensor.ticked_by = now, caller.person_id
    sensor.photo, sensor.copy = photo.original, photo.copy
    sensor.note = note.strip()
    sensor.version += 1
    session.flush()
    events.append(
        session,
        "walk_test.tick",
        ("walk_test", test.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=test.site_id,
        after={"device": str(device_id), "sha256": photo.original},
    )
    return sensor


def find_photo(session: Session, caller: Caller, test_id: UUID, device_id: UUID) -> str:
    """The SHA-256 of the small copy of a sensor's photo. NotFound where there is none."""
    statement = select(WalkSensor.copy).where(
        WalkSensor.test_id == test_id, WalkSensor.device_id == device_id
    )
    found = session.scalar(scoped(statement, WalkSensor.site_id, caller, READ))
    if found is None:
        raise NotFound(
            worded("there is no such photo"), advice=worded("Look at the list of the test.")
        )
    return found
