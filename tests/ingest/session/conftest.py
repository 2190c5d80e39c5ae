"""Both brokers, both paths."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ingest.session import DUPLICATE, BrokerAddress, Message, Phase, Session, SessionState
from tests.servers.broker_process import BrokerProcess
from tests.servers.mosquitto import mosquitto
from tests.servers.nats import nats


class Ingest:
    """A session as the pipeline holds it, with everything that it has said about itself."""

    def __init__(
        self, address: BrokerAddress, filters: Sequence[str], name: str, **options: Any
    ) -> None:
        self.states: list[SessionState] = []
        self._early: list[Message] = []
        self.session = Session(address, name, filters, on_state=self.states.append, **options)

    @property
    def errors(self) -> list[str]:
        """Why its connections ended or failed, so far."""
        return [one.error for one in self.states if one.error and one.phase is Phase.DISCONNECTED]

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> list[Message]:
        """Poll until something holds; returns what came meanwhile, fails when it never holds."""
        came: list[Message] = []
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.session.state, came[-3:])
            came += self.session.poll(0.05)
        return came

    def connect(self) -> "Ingest":
        """Poll until connected, and the subscriptions stand."""
        before = self.session.generation
        self._early += self.until(lambda: self.session.generation > before)
        self._early += self.until(lambda: self.session.subscribed)
        return self

    def _take_early(self) -> list[Message]:
        early, self._early = self._early, []
        return early

    def take(self, count: int, seconds: float = 60.0) -> list[Message]:
        """At least `count` messages; fails when they don't come."""
        came = self._take_early()
        deadline = time.monotonic() + seconds
        while len(came) < count:
            assert time.monotonic() < deadline, (self.session.state, len(came), count)
            came += self.session.poll(0.05)
        return came

    def quiet(self, seconds: float) -> list[Message]:
        """What comes within this time."""
        came = self._take_early()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            came += self.session.poll(0.05)
        return came

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages of the present connection, and let it go out."""
        self.session.acknowledge(self.session.generation, [message[2] for message in messages])
        self._early += self.session.poll(0.05)

    def settle(self, messages: Sequence[Message], seconds: float) -> list[Message]:
        """Acknowledge, also repeats that crossed with it; what else comes within this time."""
        self.acknowledge(messages)
        came = self.quiet(seconds)
        repeats = [message for message in came if message[3] & DUPLICATE]
        self.acknowledge(repeats)
        return [message for message in came if not message[3] & DUPLICATE] + (
            self.quiet(seconds) if repeats else []
        )


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A real broker; what it printed stands beside a failure."""
    of_kind = (
        mosquitto(tmp_path)
        if request.param == "mosquitto"
        else nats(tmp_path, max_payload=16 * 1024 * 1024)
    )
    with of_kind as running:
        yield running
        sys.stdout.write(running.output.read_text(errors="replace")[-4000:])


@pytest.fixture(params=[True, False], ids=["sieve", "paho"])
def fast(request: pytest.FixtureRequest) -> bool:
    """The path that messages take."""
    taken: bool = request.param
    return taken


class Sessions:
    """Makes sessions on the path under test."""

    def __init__(self, fast: bool, stack: ExitStack) -> None:
        self._fast = fast
        self._stack = stack

    def make(
        self, address: BrokerAddress, *filters: str, name: str = "wk-test", **options: Any
    ) -> Ingest:
        """A session that hasn't connected yet."""
        made = Ingest(address, filters, name, **{"fast": self._fast, **options})
        self._stack.callback(made.session.close, 1.0)
        return made

    def connect(self, address: BrokerAddress, *filters: str, **options: Any) -> Ingest:
        """A connected session, whose subscriptions stand."""
        return self.make(address, *filters, **options).connect()


@pytest.fixture
def sessions(fast: bool) -> Iterator[Sessions]:
    """Makes sessions on the path under test, and closes them when the test ends."""
    with ExitStack() as stack:
        yield Sessions(fast, stack)
