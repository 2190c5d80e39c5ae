"""The thread that makes the registry anew when places, devices or rules have changed.

What new points were last is asked of telemetry, and a store that hangs answers only after a
minute. Whoever keeps the lease and has sirens sound must not wait for it.
"""

from collections.abc import Sequence
from uuid import UUID

from core.told_points import prepare
from ingest.beside import Beside
from ingest.committing import Tenure
from ingest.registry import Registry, Stored
from ingest.restoring import stored_states
from ingest.run import Run
from ingest.stores import Stores

PART = "ingest registry"
_LOOK_SECONDS = 1.0
# What the store has not answered by then nobody waits for at the end.
_LAST_SECONDS = 5.0
_PREPARED_AT_ONCE = 200


class Reloading(Beside):
    """Runs beside one `Run`."""

    def __init__(self, stores: Stores, tenure: Tenure, run: Run) -> None:
        super().__init__(stores, PART, "ingest-reloading", patience=_LAST_SECONDS)
        self._tenure = tenure
        self._run = run
        # How often it was wanted; what of that was begun, and what is in place.
        self._wanted = self._begun = self._in_place = 0

    def want(self) -> None:
        """The registry in place is an old one; only one thread may say so."""
        self._wanted += 1
        self.wake()

    @property
    def settled(self) -> bool:
        """Whether the registry in place knows of everything for which it was wanted."""
        return self._in_place == self._wanted

    def _turn(self) -> float:
        wanted = self._wanted
        if wanted != self._begun:
            self._reload(wanted)
            self._begun = wanted
        self._stores.health.report(PART, ok=True)
        return _LOOK_SECONDS

    def _reload(self, wanted: int) -> None:
        registry = self._run.load()
        if registry.untold:
            self._prepare(registry.untold)
            registry = self._run.load()
        known = {point.series for point in self._run.judge.registry.points()}
        fresh = [point.series for point in registry.points() if point.series not in known]
        stored = stored_states(self._stores, fresh)
        if not self._stop.is_set():
            self._run.submit(lambda: self._replace(registry, stored, wanted))

    def _prepare(self, untold: Sequence[tuple[UUID, str]]) -> None:
        """Make the points that rules listen to before anything is told: a first moment that had to
        wait for its point would have to wait for a whole new registry."""
        for begin in range(0, len(untold), _PREPARED_AT_ONCE):
            with self._stores.database.write() as session:
                self._tenure.require(session)
                some = untold[begin : begin + _PREPARED_AT_ONCE]
                prepare(session, some, now=self._stores.clock.now())

    def _replace(self, registry: Registry, stored: Stored, wanted: int) -> None:
        self._run.replace_registry(registry, stored)
        self._in_place = wanted
