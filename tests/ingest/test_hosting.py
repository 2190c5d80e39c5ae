"""Sources that are the host that others wait for, on real brokers: Sparkplug and Home Assistant."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select, update

import ingest.hosting
import ingest.settling
from core import events
from core.db import Database
from core.devices import Device, Source
from core.errors import Invalid
from core.site_file import import_site, read_site_file
from ingest.hosting import PART, Hosts
from ingest.session.presence import Presence
from tests.ingest.building import NOON, SITE
from tests.ingest.living import Living, until
from tests.ingest.session.publishing import publish
from tests.servers.broker_process import BrokerProcess
from tests.servers.mosquitto import mosquitto
from tests.servers.nats import nats
from tests.simulators.listener import Listener, address_of, listening

STATE, OLD_STATE = "spBv1.0/STATE/riverside-host", "STATE/riverside-host"
TEXT = SITE.replace(
    "sources:\n",
    "sources:\n  - {code: plant, topic: spBv1.0/#, dialect: sparkplug,"
    " options: {host: riverside-host}}\n"
    "  - {code: doors, topic: homeassistant/#, dialect: homeassistant,"
    " options: {birth_topic: homeassistant/status}}\n",
)
BIRTH = "homeassistant/status"


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with (mosquitto if request.param == "mosquitto" else nats)(folder) as started:
        yield started


@pytest.fixture
def living(
    building: Database, tmp_path: Path, broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Living]:
    """Ingest on the broker, with sources that are hosts; not started yet."""
    monkeypatch.setattr(ingest.settling, "SETTLE", 0.2)
    with building.write() as session:
        import_site(session, read_site_file(TEXT, "site.yaml"), actor=events.SYSTEM, now=NOON)
    living = Living(building, tmp_path, address=broker.address)
    yield living
    living.stop()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Presence]:
    """The connections by which ingest says that it is there, as it makes them."""
    made: list[Presence] = []

    def make(*args: Any) -> Presence:
        made.append(Presence(*args))
        return made[-1]

    monkeypatch.setattr(ingest.hosting, "Presence", make)
    return made


@contextmanager
def waiting_node(broker: BrokerProcess, topic_filter: str = "#") -> Iterator[Listener]:
    with listening(address_of(broker), topic_filter) as listener:
        yield listener


def states(listener: Listener, topic: str = STATE) -> list[dict[str, Any]]:
    return listener.bodies(topic)


def cut_off(connection: Any) -> None:
    """The network goes, and no DISCONNECT with it."""
    connection.shutdown(socket.SHUT_RDWR)


def test_a_node_is_told_that_its_host_is_there_and_when_it_goes(
    broker: BrokerProcess, living: Living
) -> None:
    before = time.time_ns() // 1_000_000
    with waiting_node(broker) as node:
        living.start()
        node.wait_for(lambda: bool(states(node)))
        (birth,) = states(node)
        assert birth["online"] is True
        assert before <= birth["timestamp"] <= time.time_ns() // 1_000_000
        assert set(birth) == {"online", "timestamp"}
        # Version 2.2 had another topic, and words.
        node.wait_for(lambda: (OLD_STATE, b"ONLINE", False) in node.heard)
        assert living.stop()
        node.wait_for(lambda: len(states(node)) == 2)
        death = states(node)[1]
        assert death["online"] is False
        assert death["timestamp"] >= birth["timestamp"]
        node.wait_for(lambda: (OLD_STATE, b"OFFLINE", False) in node.heard)
        with waiting_node(broker, STATE) as late:
            late.wait_for(lambda: bool(late.heard))
            assert late.heard == [(STATE, json.dumps(death, separators=(",", ":")).encode(), True)]
        # It does not contradict itself.
        assert [said for topic, said, _ in node.heard if topic == OLD_STATE] == [
            b"ONLINE",
            b"OFFLINE",
        ]


def test_a_host_that_is_lost_is_gone_by_its_will_with_the_time_of_its_birth(
    broker: BrokerProcess, living: Living, made: list[Presence]
) -> None:
    with waiting_node(broker, STATE) as node:
        living.start()
        node.wait_for(lambda: bool(states(node)))
        for presence in made:
            assert presence._client is not None
            cut_off(presence._client.socket())
        node.wait_for(lambda: len(states(node)) >= 3)
        birth, death, again = states(node)[:3]
    assert [each["online"] for each in (birth, death, again)] == [True, False, True]
    assert death["timestamp"] == birth["timestamp"] <= again["timestamp"]


def test_who_says_that_the_host_is_gone_is_contradicted(
    broker: BrokerProcess, living: Living
) -> None:
    with waiting_node(broker, STATE) as node:
        living.start()
        node.wait_for(lambda: bool(states(node)))
        (birth,) = states(node)
        stale = {"online": False, "timestamp": birth["timestamp"] - 5}
        publish(broker.address, [(STATE, json.dumps(stale).encode())], retain=True)
        node.wait_for(lambda: len(states(node)) == 3)
        assert states(node)[1:] == [stale, birth]
        # As of a clock that was ahead: with an older time no node would believe the host.
        ahead = {"online": False, "timestamp": birth["timestamp"] + 3_600_000}
        publish(broker.address, [(STATE, json.dumps(ahead).encode())], retain=True)
        node.wait_for(lambda: len(states(node)) >= 5)
        assert states(node)[-1] == {"online": True, "timestamp": ahead["timestamp"] + 1}


def test_a_host_comes_again_with_the_broker_and_a_source_without_one_is_none(
    broker: BrokerProcess, living: Living, building: Database
) -> None:
    living.start()
    with waiting_node(broker, STATE) as node:
        node.wait_for(lambda: bool(states(node)))
        first = states(node)[0]["timestamp"]
    broker.stop()
    broker.start()
    with waiting_node(broker, STATE) as node:
        # What the broker kept may say that the host is there, too.
        node.wait_for(lambda: states(node)[-1:] != [] and states(node)[-1]["timestamp"] > first)
        assert states(node)[-1]["online"]
        until(lambda: PART not in living.ill())
        with building.write() as session:
            session.execute(update(Source).where(Source.code == "plant").values(options={}))
            events.append(
                session,
                "source.change",
                ("source", "plant"),
                actor=events.SYSTEM,
                learned_at=NOON,
            )
        node.wait_for(lambda: not states(node)[-1]["online"])


@contextmanager
def publisher(broker: BrokerProcess) -> Iterator[Listener]:
    """One that announces a door, not retained, when it starts and when Home Assistant is born."""
    door = {
        "dev": {"ids": ["front-1"], "name": "Front door"},
        "dev_cla": "door",
        "stat_t": "doors/front/state",
    }

    def announce(client: Client) -> None:
        client.publish("homeassistant/binary_sensor/front-1/config", json.dumps(door), qos=1)
        client.publish("doors/front/state", "ON", qos=1)

    def on_message(client: Client, userdata: Any, message: MQTTMessage) -> None:
        if message.payload == b"online":
            announce(client)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.on_subscribe = lambda client, *_: announce(client)
    client.on_connect = lambda client, *_: client.subscribe(BIRTH)
    address = address_of(broker)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    with listening(address, "homeassistant/#") as listener:
        client.connect(address.host, address.port)
        client.loop_start()
        try:
            listener.wait_for(lambda: bool(listener.heard))
            yield listener
        finally:
            client.disconnect()
            client.loop_stop()


def births(listener: Listener) -> list[tuple[bytes, bool]]:
    return [(payload, kept) for topic, payload, kept in listener.heard if topic == BIRTH]


def test_what_was_announced_before_is_told_again_to_a_newborn_home_assistant(
    broker: BrokerProcess, living: Living, building: Database
) -> None:
    def doors() -> list[str]:
        wanted = select(Device.code).where(Device.code == "front-1", Device.state == "waiting")
        with building.read() as session:
            return list(session.scalars(wanted))

    with publisher(broker) as listener:
        living.start()
        until(lambda: doors() == ["front-1"])
        assert births(listener) == [(b"online", False)]
        assert living.stop()
        listener.wait_for(lambda: len(births(listener)) == 2)
        assert births(listener)[1] == (b"offline", False)
    with waiting_node(broker, BIRTH) as late:
        publish(broker.address, [(BIRTH, b"the end")])
        late.wait_for(lambda: bool(late.heard))
        assert late.heard == [(BIRTH, b"the end", False)]


def test_a_home_assistant_that_is_lost_is_gone_by_its_will_and_born_again(
    broker: BrokerProcess, living: Living, made: list[Presence]
) -> None:
    with waiting_node(broker, BIRTH) as listener:
        living.start()
        listener.wait_for(lambda: bool(listener.heard))
        for presence in made:
            assert presence._client is not None
            cut_off(presence._client.socket())
        listener.wait_for(lambda: len(listener.heard) >= 3)
        assert [payload for payload, _ in births(listener)[:3]] == [
            b"online",
            b"offline",
            b"online",
        ]


def test_what_kept_a_turn_from_being_taken_is_over_with_the_next(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, mended = Hosts._look, threading.Event()

    def stumbled(hosts: Hosts) -> None:
        if not mended.is_set():
            raise Invalid("a source that can't be read")
        look(hosts)

    monkeypatch.setattr(Hosts, "_look", stumbled)
    living.start()
    until(lambda: PART in living.ill())
    mended.set()
    until(lambda: PART not in living.ill())
