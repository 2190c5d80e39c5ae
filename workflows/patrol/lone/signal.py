"""Where phones have no signal: as somebody said, or as late scans have shown."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.places import Asset, Space
from workflows.patrol.lone.model import DeadZone
from workflows.patrol.model import ACCEPTED, BY_PHONE, Scan

# Of the last so many scans of phones at a checkpoint, within so long.
LOOKED_AT, WITHIN = 10, timedelta(days=30)
# That came so much later than they were made, so many make it a place without signal.
LATE, ENOUGH = timedelta(minutes=2), 3


def has_no_signal(session: Session, checkpoint_id: UUID | None, *, now: datetime) -> bool:
    """Whether a checkpoint is known to be without signal: it, its space or one around it is
    flagged, or at least three of the last ten scans there, and half of them, came minutes late."""
    if checkpoint_id is None:
        return False
    return _is_flagged(session, checkpoint_id) or _is_learned(session, checkpoint_id, now)


def _is_flagged(session: Session, checkpoint_id: UUID) -> bool:
    asset = session.get(Asset, checkpoint_id)
    places = [checkpoint_id]
    space_id = asset.space_id if asset is not None else None
    while space_id is not None and space_id not in places:
        places.append(space_id)
        space_id = session.scalar(select(Space.parent_id).where(Space.id == space_id))
    found = select(DeadZone.place_id).where(DeadZone.place_id.in_(places)).limit(1)
    return session.scalar(found) is not None


def _is_learned(session: Session, checkpoint_id: UUID, now: datetime) -> bool:
    statement = (
        select(Scan.occurred_at, Scan.received_at)
        .where(
            Scan.checkpoint_id == checkpoint_id,
            Scan.occurred_at >= now - WITHIN,
            Scan.verdict == ACCEPTED,
            Scan.channel.in_(BY_PHONE),
        )
        .order_by(Scan.occurred_at.desc(), Scan.id.desc())
        .limit(LOOKED_AT)
    )
    rows = session.execute(statement).all()
    late = sum(received - occurred > LATE for occurred, received in rows)
    return late >= ENOUGH and 2 * late >= len(rows)
