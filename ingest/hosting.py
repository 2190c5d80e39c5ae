"""Being the host that others wait for, of Sparkplug or Home Assistant, while ingest listens."""

import hashlib
import threading
from collections.abc import Iterator

import structlog

from core.errors import WatchkeeperError
from ingest.dialects import ForeignSource
from ingest.dialects.homeassistant import births
from ingest.dialects.sparkplug import host_states
from ingest.run import Run
from ingest.session import BrokerAddress, Phase
from ingest.session.presence import Presence, Words
from ingest.stores import Stores

log = structlog.get_logger(__name__)

PART = "hosts"
_LOOK_SECONDS = 0.25
_DIGEST = 8


class Hosts:
    """A thread that says for one run of ingest which hosts are there.

    A host is there from when ingest has subscribed until its connection ends: so whoever begins
    when it hears of the host finds somebody who listens.
    """

    def __init__(self, stores: Stores, run: Run, address: BrokerAddress) -> None:
        self._stores = stores
        self._run = run
        self._address = address
        self._present: dict[Words, Presence] = {}
        self._reported = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingest-hosts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Say that every host is gone, and end the thread."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except Exception as error:
                # The thread's edge: whatever it was, it is reported and tried again.
                if not isinstance(error, WatchkeeperError):
                    log.exception("hosts could not be looked after")
                self._stores.health.report(PART, ok=False, detail=str(error)[:300])
                self._stop.wait(1.0)
        for presence in self._present.values():
            presence.leave()

    def _look(self) -> None:
        listeners = self._run.judge.registry.listeners
        wanted = {state for each in listeners for state in _hosts(each.source)}
        if (wanted or self._present) and self._run.session.state.phase is not Phase.CONNECTED:
            # Nobody would hear what is said to a host now.
            wanted = set()
        for state in self._present.keys() - wanted:
            self._present.pop(state).leave()
        fresh = wanted - self._present.keys()
        if fresh and self._run.session.subscribed:
            self._present |= {state: self._presence(state) for state in fresh}
        for presence in self._present.values():
            presence.look(_LOOK_SECONDS / len(self._present))
        self._report()
        if not self._present:
            self._stop.wait(_LOOK_SECONDS)

    def _presence(self, state: Words) -> Presence:
        return Presence(self._address, self._client_id(state), state, self._now)

    def _report(self) -> None:
        away = {
            state.topic: presence.error
            for state, presence in self._present.items()
            if presence.error is not None
        }
        if away or self._reported:
            detail = "; ".join(f"{topic}: {error}" for topic, error in away.items())
            self._stores.health.report(PART, ok=not away, detail=detail[:300])
        self._reported = bool(away)

    def _client_id(self, state: Words) -> str:
        digest = hashlib.sha256(state.topic.encode()).hexdigest()[:_DIGEST]
        return f"wk-host-{self._stores.settings.shard}-{digest}"

    def _now(self) -> int:
        return self._stores.clock.micros() // 1000


def _hosts(source: ForeignSource) -> Iterator[Words]:
    """What a source says of itself, as far as its options ask for it."""
    yield from host_states(source)
    yield from births(source)
