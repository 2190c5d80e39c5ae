"""A broker in this process: a small real queue with acknowledgements, repeats and breaks."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from ingest.session import DUPLICATE, BrokerAddress, Message, Phase, SessionState
from ingest.session.state import wall_clock

NOWHERE = BrokerAddress("127.0.0.1", 1)


class LoopBroker:
    """Keeps the messages of one persistent session until they are acknowledged."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._kept: dict[int, tuple[bytes, bytes]] = {}
        self._next = 1
        self.up = True
        self.known = False
        self.acknowledged = 0
        self.sessions = 0

    def open_session(self, address: BrokerAddress, *args: Any, **options: Any) -> "LoopSession":
        """Called like `ingest.session.Session`."""
        self.sessions += 1
        return LoopSession(self, options["on_state"])

    def publish(self, topic: str, payload: bytes) -> None:
        """Queue a message with QoS 1."""
        with self._changed:
            self._kept[self._next] = (topic.encode(), payload)
            self._next += 1
            self._changed.notify_all()

    def after(self, mid: int, timeout: float) -> list[tuple[int, bytes, bytes]]:
        """Messages newer than `mid`, as soon as there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._next - 1 > mid or not self.up, timeout)
            return [(key, *message) for key, message in self._kept.items() if key > mid]

    def unacknowledged(self, prefix: bytes = b"wk/v1/riverside/") -> int:
        """How many messages wait, heartbeats aside."""
        with self._changed:
            return sum(topic.startswith(prefix) for topic, _ in self._kept.values())

    def settle(self, mids: Iterable[int]) -> None:
        """Forget what was acknowledged."""
        with self._changed:
            for mid in mids:
                self.acknowledged += self._kept.pop(mid, None) is not None

    def break_off(self, seconds: float) -> None:
        """Be away for a while."""
        self.up = False
        time.sleep(seconds)
        self.up = True


class LoopSession:
    """What `Run` uses of a Session, over a LoopBroker."""

    def __init__(self, broker: LoopBroker, on_state: Callable[[SessionState], None]) -> None:
        self._broker = broker
        self._on_state = on_state
        self._given = 0
        self._repeats = 0
        self.generation = 0
        self.session_present = False
        self.subscribed = False
        self.filters: list[str] = []
        self.state = SessionState(Phase.DISCONNECTED, wall_clock())

    def _enter(self, phase: Phase) -> None:
        self.state = SessionState(phase, wall_clock())
        self._on_state(self.state)

    def _connect(self) -> None:
        self.generation += 1
        self.session_present = self._broker.known
        self._broker.known = True
        self._repeats = self._given = 0
        self._repeats = max((mid for mid, _, _ in self._broker.after(0, 0)), default=0)
        self._enter(Phase.CONNECTED)

    def poll(self, timeout: float) -> list[Message]:
        """New messages, or after a reconnect all that were not acknowledged."""
        if not self._broker.up:
            if self.state.phase is Phase.CONNECTED:
                self._enter(Phase.DISCONNECTED)
            time.sleep(timeout)
            return []
        if self.state.phase is not Phase.CONNECTED:
            self._connect()
        came = self._broker.after(self._given, timeout)[:4_000]
        if came:
            self._given = came[-1][0]
        repeats = self._repeats if self.session_present else 0
        return [
            (topic, payload, mid, DUPLICATE if mid <= repeats else 0)
            for mid, topic, payload in came
        ]

    def keep_alive(self) -> None:
        """Nothing to keep."""

    def set_subscriptions(self, filters: Iterable[str]) -> None:
        """Keep them; everything is delivered."""
        self.filters = list(filters)

    def merges(self, filters: Iterable[str]) -> bool:
        """It has one queue, whatever is asked for."""
        return False

    def acknowledge(self, generation: int, mids: Iterable[int]) -> None:
        """As the real one: those of an older connection are ignored."""
        if generation == self.generation and self.state.phase is Phase.CONNECTED:
            self._broker.settle(mids)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Send to ourselves."""
        self._broker.publish(topic, payload)

    def close(self, drain: float = 5.0) -> None:
        """End the connection; the broker keeps the session."""
        self._enter(Phase.DISCONNECTED)
