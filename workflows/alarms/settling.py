"""What is seen only by looking back: the end of chatter, the begin and the end of floods."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from workflows.alarms.chatter import settle_chatter
from workflows.alarms.floods import settle_floods


def settle(
    session: Session, sites: Collection[UUID], quiet_since: datetime, *, now: datetime
) -> int:
    """Begin and end what is due on these sites; returns how much is left to look at again.

    quiet_since: chatter is over that was not heard of since then.
    """
    left = settle_chatter(session, sites, quiet_since, learned_at=now)
    return left + settle_floods(session, sites, now)
