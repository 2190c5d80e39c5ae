"""What Mosquitto threw away because somebody's queue was full, by its own count."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Beside the log, Mosquitto publishes its figures every few seconds, and keeps the newest.
DROPPED = "$SYS/broker/publish/messages/dropped"
# So long it is told after the last one.
TOLD = timedelta(hours=1)


@dataclass(slots=True)
class Losses:
    """Messages that were dropped since Mosquitto started, and when that was last seen to grow.

    Drops while nobody listened count from when we listen again.
    """

    total: int = 0
    seen_at: datetime | None = None

    def read(self, payload: bytes | bytearray, now: datetime) -> None:
        """Take the broker's figure in. A smaller one is of a Mosquitto that has begun anew."""
        try:
            total = int(payload)
        except ValueError:
            return
        if total not in (0, self.total):
            self.seen_at = now
        self.total = total

    def told(self, now: datetime) -> bool:
        """Whether people are to know."""
        return self.seen_at is not None and now - self.seen_at < TOLD
