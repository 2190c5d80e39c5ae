"""What tests of positions and badges need: somebody who agreed to them, and is on duty."""

from datetime import datetime, timedelta
from uuid import UUID

from core.db import Session
from core.rosters import Shift
from workflows.patrol.privacy.consenting import Shown, agree
from workflows.patrol.privacy.texts import PURPOSES


def agree_to(session: Session, person_id: UUID, *purposes: str, now: datetime) -> None:
    """Let somebody agree to purposes; to all where none is named."""
    for code in purposes or PURPOSES:
        purpose = PURPOSES[code]
        shown = Shown(purpose.version, "zh", purpose.digest("zh"))
        agree(session, person_id, code, shown, now=now)


def on_shift(session: Session, person_id: UUID, site_id: UUID, start: datetime, hours: int) -> None:
    """Put somebody on duty."""
    session.add(
        Shift(
            site_id=site_id,
            team="security",
            person_id=person_id,
            kind="duty",
            starts_at=start,
            ends_at=start + timedelta(hours=hours),
        )
    )
    session.flush()


def may_be_located(session: Session, person_id: UUID, site_id: UUID, now: datetime) -> None:
    """Somebody agrees to everything, and is on duty half a day around a moment."""
    agree_to(session, person_id, now=now)
    on_shift(session, person_id, site_id, now - timedelta(hours=12), 24)
