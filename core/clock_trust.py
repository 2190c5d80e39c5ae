"""Whether the machine's clock can be right: it can't stand before what was recorded by it.

A machine without a battery for its clock begins in the past when the power was away, and without a
network nobody tells it. Whoever judged by such a clock would take everything for late.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.db import Database
from core.events import Event
from core.kept_file import keep, kept
from core.shards import Shard

# A clock that was set back by so little was corrected, not lost.
TOLERANCE = timedelta(minutes=2)
_ACCEPTED = "clock.accepted"


@dataclass(frozen=True, slots=True)
class Doubt:
    """The clock stands at `now`, although `known` is past already."""

    now: datetime
    known: datetime

    def __str__(self) -> str:
        return f"it stands at {_shown(self.now)}, but it was {_shown(self.known)} UTC already"


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


class ClockTrust:
    """What is known of the time besides the clock.

    built_at: when this release was built, if it says so. folder: the data folder, where a decision
    of people is kept that what is on record was written by a clock that ran ahead.
    """

    def __init__(
        self, clock: Clock, database: Database, folder: Path, built_at: datetime | None = None
    ) -> None:
        self._clock = clock
        self._database = database
        self._accepted = folder / _ACCEPTED
        self._built_at = built_at

    def now(self) -> datetime:
        """What the clock says, right or wrong."""
        return self._clock.now()

    def doubt(self) -> Doubt | None:
        """Why the clock can't be right; None when nothing speaks against it."""
        if self._clock.simulated:
            return None
        with self._database.read() as session:
            recorded = newest_recorded(session)
        if recorded is not None and recorded <= self._overruled():
            recorded = None
        known = max((at for at in (self._built_at, recorded) if at is not None), default=None)
        now = self._clock.now()
        return Doubt(now, known) if known is not None and now < known - TOLERANCE else None

    def accept(self) -> None:
        """The clock is right, and what is on record ran ahead: nothing of it counts any more.

        What is recorded from now on is older than that, until the clock has come so far.
        """
        with self._database.read() as session:
            recorded = newest_recorded(session)
        if recorded is not None:
            keep(self._accepted, recorded.isoformat())

    def _overruled(self) -> datetime:
        said = kept(self._accepted)
        return datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=UTC)


def newest_recorded(session: Session) -> datetime | None:
    """The newest moment on record: of the last facts, and of ingest's heartbeat."""
    last = select(Event.learned_at).order_by(Event.seq.desc()).limit(100).subquery()
    moments = (
        session.scalar(select(func.max(last.c.learned_at))),
        session.scalar(select(func.max(Shard.last_beat))),
    )
    return max((moment for moment in moments if moment is not None), default=None)
