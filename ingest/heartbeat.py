"""Heartbeats: what we send ourselves through the broker, in line behind all readings."""

import json
import time
from uuid import uuid4

from core.clock import MICROS, Clock
from ingest.session import Phase, Session

BEAT_SECONDS = 1.0
# Two heartbeats further apart than this were not sent in between: for so long we took nothing in,
# because a store was away, the machine slept, or one batch took that long.
HOLE = 5 * MICROS


class Heartbeat:
    """The heartbeats of one run. Those of earlier runs that are still queued say nothing."""

    def __init__(self, shard: str, clock: Clock) -> None:
        self._clock = clock
        self._run = uuid4().hex
        self._topic = f"wk/v1/_beat/{shard}/beat"
        self._next = 0.0

    def send(self, session: Session) -> bool:
        """Send one when it is due; a simulated clock needs none, since it comes as a message."""
        now = time.monotonic()
        if now < self._next or self._clock.simulated:
            return False
        self._next = now + BEAT_SECONDS
        if session.state.phase is Phase.CONNECTED:
            beat = {"run": self._run, "at": self._clock.micros()}
            session.publish(self._topic, json.dumps(beat).encode(), qos=1)
        return True

    def sent_at(self, payload: bytes) -> int | None:
        """When a heartbeat that came back was sent, wall time in µs; None if it is not ours."""
        try:
            beat = json.loads(payload)
            run, at = beat["run"], int(beat["at"])
        except (ValueError, KeyError, TypeError):
            return None
        return at if run == self._run and at <= self._clock.micros() else None
