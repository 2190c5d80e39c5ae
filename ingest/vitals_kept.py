"""Keeping how devices were heard: twice a minute, beside the work of deciding."""

import time

from core.clock import from_micros
from core.db import Database
from core.device_health import Heard, note_heard
from ingest.committing import Tenure
from ingest.pipeline.vitals import Vitals

KEEP_EVERY = 30.0
# A transaction must not hold the database for long.
_AT_ONCE = 200


class VitalsKept:
    """Writes down what was noted; what a kill or a failed write loses is no evidence."""

    def __init__(self, database: Database, tenure: Tenure) -> None:
        self._database = database
        self._tenure = tenure
        self._next = time.monotonic() + KEEP_EVERY

    def look(self, vitals: Vitals, *, now: bool = False) -> None:
        """Keep it if it is time. now: it is, whatever the clock says."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + KEEP_EVERY
        heard = [
            Heard(
                device_id,
                path,
                from_micros(vital.first),
                from_micros(vital.last),
                vital.messages,
                dict(vital.health),
            )
            # Copied at once: a message that came in this moment may still be noted in it.
            for (device_id, path), vital in list(vitals.collect().items())
        ]
        for begin in range(0, len(heard), _AT_ONCE):
            with self._database.write() as session:
                self._tenure.require(session)
                note_heard(session, heard[begin : begin + _AT_ONCE])
