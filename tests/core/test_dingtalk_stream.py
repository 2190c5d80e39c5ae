"""DingTalk's Stream mode: frames answered as published, and a connection that comes back."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from core.channels.dingtalk_stream import PART, Application, DingTalkStream
from core.channels.pressing import Press
from core.clock import SystemClock
from core.errors import NotAllowed
from core.health import Health, PartState
from tests.servers.dingtalk_gateway import (
    CARDS,
    KEY,
    SECRET,
    Gateway,
    answered,
    frame,
    serving_gateway,
)

Start = Callable[..., DingTalkStream]


class Desk:
    """Who decides presses, for once."""

    def __init__(self) -> None:
        self.taken: list[Press] = []
        self.fails: Exception | None = None

    def take(self, pressed: Press) -> str:
        self.taken.append(pressed)
        if self.fails is not None:
            raise self.fails
        return "已接单"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serving_gateway() as found:
        yield found


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def health() -> Health:
    return Health(SystemClock())


@pytest.fixture
def start(gateway: Gateway, desk: Desk, health: Health) -> Iterator[Start]:
    started = []

    def begin(secret: str = SECRET) -> DingTalkStream:
        application = Application(gateway.url, KEY, secret)
        stream = DingTalkStream(application, desk.take, health, first_wait=0.05)
        stream.start()
        started.append(stream)
        return stream

    yield begin
    for stream in started:
        stream.stop()


def pressed(card: str = "card-1", user: str = "manager7", action: str = "accept") -> str:
    content = {"cardPrivateData": {"actionIds": ["1"], "params": {"action": action}}}
    event = {"type": "actionCallback", "outTrackId": card, "userId": user}
    return json.dumps({**event, "content": json.dumps(content)})


def state_of(health: Health, *, ok: bool) -> PartState:
    for _ in range(1200):
        [found] = [one for one in health.snapshot() if one.part == PART]
        if found.ok is ok and found.detail != "not connected yet":
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_a_press_is_decided_and_answered_with_its_own_number(
    gateway: Gateway, desk: Desk, health: Health, start: Start
) -> None:
    start()
    connection = gateway.next()
    assert gateway.asked[0]["subscriptions"] == [{"type": "CALLBACK", "topic": CARDS}]
    connection.send(frame(CARDS, pressed(), number="m-7"))
    answer = answered(connection)
    assert (answer["code"], answer["headers"]["messageId"]) == (200, "m-7")
    response = json.loads(answer["data"])["response"]
    assert response["cardData"]["cardParamMap"] == {"said": "已接单"}
    assert desk.taken == [Press("dingtalk", "manager7", "card-1")]
    assert state_of(health, ok=True).detail == "connected"


def test_a_ping_comes_back_as_it_was(gateway: Gateway, start: Start) -> None:
    start()
    connection = gateway.next()
    connection.send(frame("ping", '{"opaque":"x-1"}', kind="SYSTEM", number="p-1"))
    answer = answered(connection)
    assert (answer["code"], answer["headers"]["messageId"]) == (200, "p-1")
    assert answer["data"] == '{"opaque":"x-1"}'


def test_what_is_no_press_of_ours_is_answered_and_decides_nothing(
    gateway: Gateway, desk: Desk, start: Start
) -> None:
    start()
    connection = gateway.next()
    connection.send("no frame")
    connection.send(frame(CARDS, pressed(action="other"), number="1"))
    connection.send(frame(CARDS, "no json", number="2"))
    connection.send(frame("/v1.0/im/bot/messages/get", "{}", number="3"))
    found = [answered(connection) for _ in range(3)]
    assert [(one["headers"]["messageId"], one["code"]) for one in found] == [
        ("1", 200),
        ("2", 200),
        ("3", 404),
    ]
    assert desk.taken == []


@pytest.mark.parametrize("data", [{"outTrackId": "card-1"}, 7, ["x"]])
def test_data_that_is_no_text_decides_nothing_and_the_connection_goes_on(
    gateway: Gateway, desk: Desk, start: Start, data: object
) -> None:
    start()
    connection = gateway.next()
    odd = json.loads(frame(CARDS, "", number="1"))
    connection.send(json.dumps({**odd, "data": data}))
    connection.send(frame(CARDS, pressed(), number="2"))
    found = [answered(connection) for _ in range(2)]
    assert [one["headers"]["messageId"] for one in found] == ["1", "2"]
    assert desk.taken == [Press("dingtalk", "manager7", "card-1")]


def test_a_press_that_is_refused_or_fails_does_not_end_the_connection(
    gateway: Gateway, desk: Desk, start: Start
) -> None:
    start()
    connection = gateway.next()
    desk.fails = NotAllowed("this message was sent to somebody else", advice="Look.")
    connection.send(frame(CARDS, pressed(), number="1"))
    assert json.loads(answered(connection)["data"]) == {"response": {}}
    desk.fails = RuntimeError("the database is away")
    connection.send(frame(CARDS, pressed(), number="2"))
    # So it is sent again.
    assert answered(connection)["code"] == 500
    desk.fails = None
    connection.send(frame(CARDS, pressed(), number="2"))
    assert answered(connection)["code"] == 200


def test_asked_to_disconnect_it_connects_anew(gateway: Gateway, start: Start) -> None:
    start()
    gateway.next().send(frame("disconnect", '{"reason":"persistent"}', kind="SYSTEM"))
    again = gateway.next()
    again.send(frame(CARDS, pressed()))
    assert answered(again)["code"] == 200


def test_a_connection_that_breaks_comes_back_with_a_new_ticket(
    gateway: Gateway, health: Health, start: Start
) -> None:
    start()
    first = gateway.next()
    gateway.down = True
    first.socket.close()
    first.close()
    assert "ServiceUnavailable" in state_of(health, ok=False).detail or gateway.down
    gateway.down = False
    second = gateway.next()
    second.send(frame(CARDS, pressed()))
    assert answered(second)["code"] == 200
    assert state_of(health, ok=True).ok


def test_wrong_credentials_are_told_and_not_hammered(
    gateway: Gateway, health: Health, start: Start
) -> None:
    start("another secret")
    assert "authFailed" in state_of(health, ok=False).detail
    time.sleep(1)
    assert len(gateway.asked) < 12


def test_it_ends_when_it_is_asked_to(gateway: Gateway, start: Start) -> None:
    stream = start()
    gateway.next()
    stream.stop()
    stream._thread.join(60)
    assert not stream._thread.is_alive()
