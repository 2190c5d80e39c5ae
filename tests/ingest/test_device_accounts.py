"""The embedded broker lets each device speak as itself alone, and follows while it runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread
from uuid import uuid4

import bcrypt
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from core.device_credentials import Account, Wanted
from core.device_credentials.rights import rights_of
from ingest.broker import BrokerConfig, BrokerError, EmbeddedBroker
from ingest.broker.subjects import subjects_of
from ingest.session import BrokerAddress
from tests.ingest.session.conftest import Ingest

SECRETS = {"a": "secret-a", "b": "secret-b", "bridge": "secret-bridge"}


def account(name: str, devices: Sequence[str], filters: Sequence[str] = ()) -> Account:
    hashed = bcrypt.hashpw(SECRETS[name].encode(), bcrypt.gensalt(4)).decode()
    return Account(uuid4(), uuid4(), name, hashed, None, rights_of("site", devices, filters))


A, B = account("a", ["meter.1"]), account("b", ["meter.2"])
# With what NATS refuses, can't write as JSON does, or would take for a wildcard.
BRIDGE = account(
    "bridge",
    ["gateway", "meter.1", "一号井", "*", ">"],
    ["zigbee2mqtt/#", "an office/#", "a\b/\u3000"],
)


def wanted(*accounts: Account, shared: bool = False) -> Wanted:
    return Wanted({one.username: one for one in accounts}, shared)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """One broker for the file, which knows a, b and the bridge."""
    folder = tmp_path_factory.mktemp("accounts") / "broker"
    config = BrokerConfig(folder, port=0, ack_wait=0.5)
    embedded = EmbeddedBroker(config, wanted(A, B, BRIDGE))
    embedded.start()
    embedded.wait_ready(60)
    yield embedded
    embedded.stop()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Speaker:
    """A client that notes what the broker says to it."""

    def __init__(
        self, address: BrokerAddress, name: str | None, client_id: str | None = None
    ) -> None:
        self.granted: list[int] = []
        self.heard: list[tuple[str, bytes]] = []
        self.refused = False
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"client-{name}",
            clean_session=False,
            reconnect_on_failure=False,
        )
        if name is not None:
            client.username_pw_set(name, SECRETS[name])
        client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.extend(
            code.value for code in codes
        )
        client.on_message = lambda _c, _d, one: self.heard.append((one.topic, bytes(one.payload)))
        client.on_connect = lambda _c, _d, _f, code, _p: setattr(self, "refused", code.is_failure)
        client.connect(address.host, address.port)
        client.loop_start()
        self.client = client
        until(lambda: client.is_connected() or self.refused)

    def say(self, topic: str, body: str = "1", *, retain: bool = False) -> None:
        self.client.publish(topic, body, 1, retain).wait_for_publish(30)

    def ask(self, *filters: str) -> list[int]:
        self.granted.clear()
        self.client.subscribe([(one, 1) for one in filters])
        until(lambda: len(self.granted) == len(filters))
        return list(self.granted)

    def leave(self) -> None:
        client = self.client
        client.disconnect()
        client.loop_stop()
        # Else it would be garbage in a circle, with its sockets open.
        client.on_connect = client.on_subscribe = client.on_message = None


@pytest.fixture
def speak(broker: EmbeddedBroker) -> Iterator[Callable[..., Speaker]]:
    """Connects speakers, which leave at the end of the test."""
    speakers: list[Speaker] = []

    def one(name: str, client_id: str | None = None) -> Speaker:
        speakers.append(Speaker(broker.address, name, client_id))
        return speakers[-1]

    yield one
    for each in speakers:
        each.leave()


def heard_by_ingest(broker: EmbeddedBroker, say: Callable[[], None]) -> list[str]:
    """The topics that reach the product while `say` speaks and until the marker comes."""
    ingest = Ingest(broker.address, ["wk/v1/#", "zigbee2mqtt/#"], f"ingest-{uuid4()}").connect()
    say()
    ingest.session.publish("wk/v1/site/marker/readings", b"end", qos=1, retain=False)
    topics: list[str] = []

    def ended() -> bool:
        return "wk/v1/site/marker/readings" in topics

    deadline = time.monotonic() + 30
    while not ended():
        assert time.monotonic() < deadline
        topics += [message[0].decode() for message in ingest.session.poll(0.05)]
    ingest.session.close()
    return topics[:-1]


def test_a_device_publishes_only_as_itself(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    a = speak("a")

    def say() -> None:
        a.say("wk/v1/site/meter.1/readings")
        a.say("wk/v1/site/meter.2/readings", "forged")
        a.say("wk/v1/site/meter/1/readings", "forged")
        a.say("wk/v1/site/announce", "forged", retain=True)
        a.say("zigbee2mqtt/lamp", "forged")
        a.say("wk/v1/other/meter.1/readings", "forged")
        a.say("wk/v1/site/meter.1/status", "online")

    assert heard_by_ingest(broker, say) == [
        "wk/v1/site/meter.1/readings",
        "wk/v1/site/meter.1/status",
    ]


def test_a_device_hears_announcements_and_nothing_of_others(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    a = speak("a")
    refused = 0x80
    asked = ["wk/v1/site/meter.2/#", "wk/v1/#", "#", "wk/v1/+/announce", "wk/v1/other/announce"]
    assert a.ask(*asked) == [refused] * len(asked)
    assert a.ask("wk/v1/site/announce", "wk/v1/site/meter.1/#") == [1, 1]
    product = Ingest(broker.address, [], "announcer").connect()
    product.session.publish("wk/v1/site/announce", b"alarm", qos=1, retain=False)
    product.until(lambda: bool(a.heard))
    assert a.heard == [("wk/v1/site/announce", b"alarm")]
    product.session.close()


def test_a_bridge_speaks_for_its_list_alone(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    bridge = speak("bridge")

    def say() -> None:
        bridge.say("zigbee2mqtt/lamp")
        bridge.say("wk/v1/site/meter.1/readings")
        bridge.say("wk/v1/site/meter.2/readings", "forged")
        bridge.say("wk/v1/site/announce", "forged")
        bridge.say("wk/v1/site/gateway/status")
        bridge.say("wk/v1/site/一号井/readings")

    assert heard_by_ingest(broker, say) == [
        "zigbee2mqtt/lamp",
        "wk/v1/site/meter.1/readings",
        "wk/v1/site/gateway/status",
        "wk/v1/site/一号井/readings",
    ]


def test_revocation_cuts_who_is_connected_and_nobody_else(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    a, b = speak("a"), speak("b")
    broker.admit(wanted(B, BRIDGE))
    until(lambda: not a.client.is_connected())
    b.say("wk/v1/site/meter.2/readings")
    assert b.client.is_connected()
    assert speak("a", "again").refused
    broker.admit(wanted(A, B, BRIDGE))
    assert not speak("a", "later").refused


def test_the_shared_account_goes_when_everybody_must_sign_in(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    SECRETS["devices"] = str(broker.device_address.password)
    SECRETS["tools"] = str(broker.tools_address.password)
    assert speak("devices").refused
    broker.admit(wanted(A, B, BRIDGE, shared=True))
    shared = speak("devices")
    assert not shared.refused
    broker.admit(wanted(A, B, BRIDGE))
    until(lambda: not shared.client.is_connected())
    assert not speak("tools").refused


def test_the_product_s_session_loses_nothing_while_accounts_change(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    a = speak("a")
    count = 400
    ingest = Ingest(broker.address, ["wk/v1/+/+/readings"], "steady").connect()
    changed: list[int] = []

    def change() -> None:
        for turn in range(8):
            broker.admit(wanted(A, B, BRIDGE) if turn % 2 else wanted(A, BRIDGE))
            changed.append(turn)

    worker = Thread(target=change)
    worker.start()
    for number in range(count):
        a.client.publish("wk/v1/site/meter.1/readings", str(number), 1)
    got: list[bytes] = []
    deadline = time.monotonic() + 60
    while len(set(got)) < count or len(changed) < 8:
        assert time.monotonic() < deadline
        came = ingest.session.poll(0.05)
        got += [message[1] for message in came]
        ingest.session.acknowledge(ingest.session.generation, [message[2] for message in came])
    worker.join()
    assert sorted(map(int, set(got))) == list(range(count))
    assert ingest.session.generation == 1
    assert ingest.errors == []
    assert a.client.is_connected()
    ingest.session.close()


def test_the_broker_tells_who_is_connected_and_who_was_taken_over(
    broker: EmbeddedBroker, speak: Callable[..., Speaker]
) -> None:
    first, other = speak("b", "one"), speak("b", "two")
    first.say("wk/v1/site/meter.2/readings")
    mine = [one for one in broker.connections() if one.username == "b" and not one.taken_over]
    assert sorted(one.client_id for one in mine) == ["one", "two"]
    older, newer = sorted(mine, key=lambda one: one.number)
    assert older.client_id == "one"
    assert older.active is not None
    assert older.active > newer.since
    speak("b", "two")
    until(lambda: not other.client.is_connected())
    until(
        lambda: any(
            one.taken_over and one.client_id == "two" and one.username == "b"
            for one in broker.connections()
        )
    )


def test_accounts_outlive_the_server_and_wait_for_it(
    broker: EmbeddedBroker, tmp_path: Path, speak: Callable[..., Speaker]
) -> None:
    with pytest.raises(BrokerError, match="not been started"):
        EmbeddedBroker(replace(broker.config, directory=tmp_path)).admit(wanted(A))
    assert broker.pid is not None
    starts = broker.restarts
    broker._process.kill()  # type: ignore[union-attr]
    until(lambda: broker.restarts > starts and broker.alive)
    broker.wait_ready(60)
    assert not speak("b").refused
    broker.admit(wanted(A, B, BRIDGE))


def test_topics_become_subjects_as_nats_has_them() -> None:
    assert subjects_of(["wk/v1/s/a.b/#", "a//b/+"]) == ["wk.v1.s.a//b.>", "wk.v1.s.a//b", "a./.b.*"]


def test_letters_that_nats_takes_for_wildcards_open_nothing() -> None:
    subjects = subjects_of(["wk/v1/site/*/#", "*/v1/#", "a/>", "wk/v1/site/a*/>x/#"])
    assert subjects[:5] == ["wk.v1.site.*/.>", "wk.v1.site.*/", "*/.v1.>", "*/.v1", "a.>/"]
    assert subjects[5] == "wk.v1.site.a*.>x.>"
