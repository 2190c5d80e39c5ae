"""What the tests of tasks for guards share on pages: smoke in a pump room, and guards on duty."""

from datetime import timedelta
from uuid import UUID

from core import events
from core.places import space_by_code
from core.rosters import Shift
from tests.web.patrolling import put
from tests.web.stage import Fault, Stage
from workflows import patrol
from workflows.patrol import tasks

SMOKE = Fault(
    "smoke-pump-room",
    {"en": "Smoke in the pump room", "zh": "水泵房烟感报警"},
    "critical",
    "smoke > 0",
    "smoke 1 > 0 held 10s",
    {},
    life_safety=True,
    category="fire",
)
TAG = "04FEED00000001"


def on_duty(stage: Stage, person: UUID) -> None:
    """Somebody has a shift of the guards."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        session.add(
            Shift(
                site_id=stage.site_id,
                team="security",
                person_id=person,
                kind="duty",
                starts_at=now - timedelta(hours=1),
                ends_at=now + timedelta(hours=11),
            )
        )


def pump_room(stage: Stage) -> UUID:
    """A checkpoint in the pump room of building 1, with a tag."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        space = space_by_code(session, stage.site_id, "b1-pumproom")
        names = {"en": "Pump room door", "zh": "水泵房门口"}
        new = patrol.NewCheckpoint("pump-room-door", names, space)
        row = patrol.create_checkpoint(session, stage.site_id, new, actor=events.SYSTEM, now=now)
    put(stage, row.id, "static_tag", TAG)
    return row.id


def step(stage: Stage) -> None:
    """What the sweep does."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        for one in tasks.due_tasks(session, now=now):
            tasks.step(session, one, now=now, actor=events.SYSTEM)
