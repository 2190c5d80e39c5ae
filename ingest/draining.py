"""Bringing home what waits in telemetry's spool, whoever works on the shard, and whatever comes."""

from ingest.beside import Beside
from ingest.stores import Stores

PART = "telemetry spool"
_LOOK_SECONDS = 0.5


class Draining(Beside):
    """A thread of its own: a store that hangs, or catches up, must not hold up what comes now."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores, PART, "telemetry-drain")

    def _turn(self) -> float:
        moved = self._stores.drain()
        self._stores.health.report(PART, ok=True)
        return 0.0 if moved else _LOOK_SECONDS
