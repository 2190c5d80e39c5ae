"""Being the host that others wait for, of Sparkplug or Home Assistant, while ingest listens."""

import hashlib
from collections.abc import Iterator

from ingest.beside import Beside
from ingest.dialects import ForeignSource
from ingest.dialects.homeassistant import births
from ingest.dialects.sparkplug import host_states
from ingest.run import Run
from ingest.session import BrokerAddress, Phase
from ingest.session.presence import Presence, Words
from ingest.stores import Stores

PART = "hosts"
_LOOK_SECONDS = 0.25
_DIGEST = 8


class Hosts(Beside):
    """A thread that says for one run of ingest which hosts are there.

    A host is there from when ingest has subscribed until its connection ends: so whoever begins
    when it hears of the host finds somebody who listens.
    """

    def __init__(self, stores: Stores, run: Run, address: BrokerAddress) -> None:
        super().__init__(stores, PART, "ingest-hosts")
        self._run = run
        self._address = address
        self._present: dict[Words, Presence] = {}
        self._reported = False

    def _turn(self) -> float:
        reported, self._reported = self._reported, True
        self._look()
        # Had it failed, the next turn would have that to take back.
        self._report(reported)
        return 0.0 if self._present else _LOOK_SECONDS

    def _end(self) -> None:
        """Say that every host is gone."""
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

    def _presence(self, state: Words) -> Presence:
        return Presence(self._address, self._client_id(state), state, self._now)

    def _report(self, reported: bool) -> None:
        away = {
            state.topic: presence.error
            for state, presence in self._present.items()
            if presence.error is not None
        }
        if away or reported:
            detail = "; ".join(f"{topic}: {error}" for topic, error in away.items())
            self._stores.health.report(PART, ok=not away, detail=detail[:300], faults=len(away))
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
