"""What is inhibited by nothing any more is judged again, whatever became of its inhibitor.

Whoever clears, shelves or takes out an inhibitor lets go of what it inhibited at once
(`inhibition.release_inhibited`). Two ways lead past that: a trip that is withheld in the very
moment in which somebody shelves its inhibitor, and an inhibitor that was explained itself and is
withheld by planned work when its own cause is gone.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session, aliased

from workflows.alarms.inhibition import GRACE, INHIBITS
from workflows.alarms.model import Alarm, Withholding

_HELD = aliased(Withholding)
# One that is over lets go by itself, and may explain what comes after it for a while.
_STANDS_UNTOLD = (
    select(Alarm.id)
    .where(Alarm.id == _HELD.cause_id, Alarm.returned_at.is_(None), ~INHIBITS)
    .correlate(_HELD)
    .exists()
)
_UNEXPLAINED = and_(_HELD.state == "standing", _HELD.why == "inhibited", _STANDS_UNTOLD)


def unexplained(session: Session, *, now: datetime) -> list[UUID]:
    """Withholdings by an alarm that explains nothing, which end later than they need to."""
    statement = select(_HELD.id).where(_UNEXPLAINED, _HELD.until > now + GRACE)
    return list(session.scalars(statement))


def let_speak(session: Session, withholding_id: UUID, *, now: datetime) -> int:
    """Judge one again after the usual grace; 0 where that was seen to meanwhile."""
    wanted = select(_HELD.id).where(_HELD.id == withholding_id, _UNEXPLAINED)
    if session.scalar(wanted) is None:
        return 0
    # By whoever is quicker: of two who say so the earlier end counts.
    found = session.execute(
        update(Withholding)
        .where(
            Withholding.id == withholding_id,
            Withholding.state == "standing",
            Withholding.until > now + GRACE,
        )
        .values(until=now + GRACE)
        .returning(Withholding.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())
