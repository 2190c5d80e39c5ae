"""When chatter and floods are looked at again; quiet is measured on the receipt clock."""

from core.clock import MICROS, from_micros
from ingest.committing import Committed
from ingest.pipeline import Batch
from ingest.receipt_clock import ReceiptClock
from workflows import alarms

# How often; a commit each, and only after a decision or as long as something stands.
_LOOK_EVERY = 15 * MICROS


class Quieting:
    """Asks for a look at chatter and floods as long as there may be any."""

    def __init__(self, clock: ReceiptClock) -> None:
        self._clock = clock
        # What chattered when we were last stopped is not known before the first look.
        self._wanted = True
        self._looked = 0

    def look(self, batch: Batch, receipt: int) -> None:
        """The receipt clock has moved to `receipt`."""
        if not self._wanted or receipt - self._looked < _LOOK_EVERY:
            return
        self._looked = receipt
        batch.quiet_since = from_micros(self._clock.wall(receipt - alarms.SETTLE_AFTER))

    def committed(self, batch: Batch, done: Committed) -> None:
        """A batch is durable."""
        if done.unsettled is not None:
            self._wanted = done.unsettled > 0
        if batch.findings:
            self._wanted = True
