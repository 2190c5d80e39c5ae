"""Ingest from end to end on real brokers, on both paths that messages take."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import ingest.settling
from core import events
from core.db import Database
from core.device_health import DevicePath
from core.devices import Source
from core.people import Person
from core.site_file import import_site, read_site_file
from core.telemetry.duckdb_store import DuckDBStore
from ingest.session import Session
from tests.ingest.building import NOON, SITE, Names
from tests.ingest.living import Living, until
from tests.ingest.session.publishing import publish, publish_retained
from tests.servers.broker_process import BrokerProcess
from tests.servers.mosquitto import mosquitto
from tests.servers.nats import nats
from tests.simulators.listener import Listener, address_of
from tests.simulators.listener import listening as heard
from workflows.tickets import Step, Ticket, act

Make = Callable[..., Living]
LARGE = 16 * 1024 * 1024


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brokers of the tests repeat after half a second, so settling may be short."""
    monkeypatch.setattr(ingest.settling, "SETTLE", 1.5)
    monkeypatch.setattr(ingest.settling, "QUIET", 0.3)


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A real broker that allows large messages."""
    folder = tmp_path / "broker"
    folder.mkdir()
    # One that is patient repeats nothing while a busy machine works through what a test sends: what
    # crosses with its acknowledgement comes again as a message of its own (docs/mqtt.md).
    ack_wait = 60.0 if request.param == "patient nats" else 0.5
    running = (
        mosquitto(folder)
        if request.param == "mosquitto"
        else nats(folder, max_payload=LARGE, ack_wait=ack_wait)
    )
    with running as started:
        yield started


@pytest.fixture
def make(building: Database, tmp_path: Path, broker: BrokerProcess) -> Iterator[Make]:
    """Makes services over the broker, each ended and closed when the test ends."""
    with ExitStack() as stack:

        def build(fast: bool = True, **options: Any) -> Living:
            if "telemetry" not in options:
                options["telemetry"] = DuckDBStore(tmp_path / "telemetry.duckdb")
                stack.callback(options["telemetry"].close)
            # As the product does: the embedded broker is NATS.
            session = partial(Session, together=broker.name == "nats-server")
            living = Living(
                building,
                tmp_path,
                address=broker.address,
                open_session=session,
                mqtt_fast=fast,
                **options,
            )
            stack.callback(living.stop)
            return living

        yield build


def listening(living: Living) -> bool:
    """Whether a heartbeat has come back: the subscription stands, and settling is over."""
    run = living.service._run
    return run is not None and run.last_beat is not None and not living.ill()


@pytest.mark.parametrize("broker", ["mosquitto", "patient nats"], indirect=True)
@pytest.mark.parametrize("fast", [True, False], ids=["sieve", "paho"])
def test_a_storm_of_bad_input_leaves_the_good_readings_and_one_ticket(
    broker: BrokerProcess, make: Make, fast: bool
) -> None:
    living = make(fast).start()
    until(lambda: listening(living))
    storm: list[tuple[str, bytes]] = []
    topic = "wk/v1/riverside/pump-3/readings"
    for number in range(300):
        storm.append(living.message("pump-1", temp=80 if number >= 200 else 50))
        good = living.message("pump-3", temp=50 + number / 100, vib="?" if number % 3 else 1)
        storm.append(good)
        storm.append((topic, good[1][: number % len(good[1])]))
        storm.append((topic, b"\xff\xfe" + good[1]))
        storm.append(("wk/v1/atlantis/pump-1/readings", good[1]))
        storm.append((f"wk/v1/riverside/ghost-{number % 5}/readings", good[1]))
        storm.append((topic, b'{"temp": NaN, "vib": -1e999}'))
    storm.append((topic, b"[" * 100_000))
    good = living.message("pump-3", temp=50)
    storm.append((topic, good[1][:-1] + b', "note": "' + b"x" * 10_000_000 + b'"}'))
    publish(broker.address, storm)
    publish(broker.address, [living.message("pump-3", temp=33, vib=3)])
    until(lambda: living.values("pump-3/motor_temperature")[-1:] == [33.0])
    assert len(living.values("pump-1/motor_temperature")) == 300
    # The reading beside ten megabytes of nonsense is kept, too.
    assert len(living.values("pump-3/motor_temperature")) == 302
    assert len(living.values("pump-3/vibration")) == 101
    assert living.rules() == [("hot", "pump-1")]
    assert len(living.tickets()) == 1
    reasons = living.reasons()
    assert reasons["unknown_device"] == reasons["unknown_site"] == reasons["not_utf8"] == 300
    # 200 texts as numbers, and 300 messages whose two values are no numbers at all.
    assert reasons["wrong_type"] == 500
    assert reasons["too_deep"] == reasons["unknown_point"] == 1
    assert "failed" not in reasons


@pytest.mark.parametrize("fast", [True, False], ids=["sieve", "paho"])
def test_a_restarted_broker_loses_and_doubles_nothing(
    broker: BrokerProcess, make: Make, fast: bool
) -> None:
    living = make(fast).start()
    until(lambda: listening(living))
    publish(broker.address, [living.message("pump-1", temp=50 + n / 10) for n in range(100)])
    publish(broker.address, [living.message("pump-1", temp=80)])
    broker.stop()
    until(lambda: "broker" in living.ill())
    broker.start()
    publish(broker.address, [living.message("pump-1", temp=76 + n / 100) for n in range(100)])
    until(lambda: len(living.values("pump-1/motor_temperature")) == 201)
    assert living.rules() == [("hot", "pump-1")]
    assert len(living.tickets()) == 1
    until(lambda: living.ill() == {})


def test_what_came_while_ingest_was_down_is_judged_in_its_order(
    broker: BrokerProcess, make: Make
) -> None:
    living = make().start()
    until(lambda: listening(living))
    publish(broker.address, [living.message("pump-1", temp=50)])
    until(lambda: living.values("pump-1/motor_temperature") == [50.0])
    assert living.stop()
    publish(broker.address, [living.message("pump-1", temp=value) for value in (80, 81, 50, 82)])
    living.service = living._new()
    living.start()
    until(lambda: len(living.values("pump-1/motor_temperature")) == 5)
    assert living.rules() == [("hot", "pump-1"), ("hot", "pump-1")]
    assert len(living.tickets()) == 1


def test_a_retained_leak_that_nobody_heard_opens_one_ticket(
    broker: BrokerProcess, make: Make
) -> None:
    publish_retained(broker.address, [("wk/v1/riverside/leak-1/readings", b'{"leak": true}')])
    living = make().start()
    until(lambda: living.rules() == [("leaking", "leak-1")])
    living.restart()
    until(lambda: listening(living))
    time.sleep(0.5)
    assert living.rules() == [("leaking", "leak-1")]
    assert len(living.tickets()) == 1
    assert living.values("leak-1/leak") == []


def is_found(living: Living, times: int) -> bool:
    """Whether the alarm has come so many times, and has a ticket."""
    return len(living.rules()) == times and len(living.tickets()) == 1


def test_a_reading_is_a_ticket_within_a_second(broker: BrokerProcess, make: Make) -> None:
    living = make().start()
    until(lambda: listening(living))
    # A machine that runs other tests beside this one is slow now and then, but not each time.
    for times in range(1, 31):
        started = time.monotonic()
        publish(broker.address, [living.message("pump-1", temp=80)])
        until(partial(is_found, living, times))
        if time.monotonic() - started < 1:
            break
        publish(broker.address, [living.message("pump-1", temp=50)])
        until(lambda: living.values("pump-1/motor_temperature")[-1:] == [50.0])
    else:
        pytest.fail("not once within a second")
    (ticket,) = living.tickets()
    assert json.loads(json.dumps(ticket.title))["en"] == "Hot"


ANNOUNCE = "wk/v1/riverside/announce"


def test_what_nobody_accepted_is_heard_on_site(broker: BrokerProcess, make: Make) -> None:
    living = make().start()
    until(lambda: listening(living))
    with heard(address_of(broker), ANNOUNCE) as siren:
        publish(broker.address, [("wk/v1/riverside/leak-1/readings", b'{"leak": true}')])
        siren.wait_for(lambda: _levels(siren)[-1:] == ["alarm"])
    # A siren that was without power hears it when it comes back.
    with heard(address_of(broker), ANNOUNCE) as siren:
        siren.wait_for(lambda: len(siren.heard) == 1)
        [said] = siren.bodies(ANNOUNCE)
        [ticket] = living.tickets()
        assert (said["level"], said["ticket"]) == ("alarm", ticket.number)
        assert (said["text"]["zh"], said["life_safety"]) == ("漏水", True)
        with living.database.write() as session:
            person = Person(name="Wei")
            session.add(person)
            session.flush()
            act(
                session,
                session.get_one(Ticket, ticket.id),
                Step("accept"),
                person=person.id,
                now=living.clock.now(),
            )
        siren.wait_for(lambda: _levels(siren) == ["alarm", "clear"])
    # The quarantine holds nothing of it: these are not for us.
    kinds = [fact.kind for fact in events.read_after(living.database, events.START, 1000)]
    assert [kind for kind in kinds if kind.startswith("announce.")] == [
        "announce.alarm",
        "announce.clear",
    ]


def _levels(siren: Listener) -> list[str]:
    return [said["level"] for said in siren.bodies(ANNOUNCE)]


def test_other_dialects_are_subscribed_to_as_their_sources_come_and_go(
    broker: BrokerProcess, make: Make, building: Database
) -> None:
    site = SITE.replace(
        "sources:\n",
        "sources:\n  - {code: wall, topic: tele/#, dialect: tasmota, options: {zone: UTC}}\n",
    )
    site += "  - {code: probe, asset: pump-2, points: {ANALOG.Range1: vibration}}\n"
    loud = ("tele/probe/SENSOR", b'{"ANALOG": {"Range1": 4.5}}')
    living = make().start()
    until(lambda: listening(living))
    with building.write() as session:
        import_site(session, read_site_file(site, "site.yaml"), actor=events.SYSTEM, now=NOON)
    living.names = Names(building)

    def arrived() -> bool:
        publish(broker.address, [loud])
        return bool(living.values("pump-2/vibration"))

    until(arrived)
    assert set(living.values("pump-2/vibration")) == {4.5}
    living.stop()
    with building.read() as session:
        # How it was heard is kept at a clean stop, however short the run was.
        assert session.scalars(select(DevicePath.path)).all() == ["wall"]
    # What came while nobody was there waits in the broker's session.
    publish(broker.address, [("tele/probe/SENSOR", b'{"ANALOG": {"Range1": 5.5}}')])
    living.restart()
    until(lambda: 5.5 in living.values("pump-2/vibration"))
    living.stop()
    with building.write() as session:
        session.execute(update(Source).where(Source.code == "wall").values(enabled=False))
    living.restart()
    until(lambda: listening(living) and living.service._run.session.subscribed)  # type: ignore[union-attr]
    publish(broker.address, [("tele/probe/SENSOR", b'{"ANALOG": {"Range1": 6.5}}')])
    publish(broker.address, [living.message("pump-1", temp=55)])
    until(lambda: 55.0 in living.values("pump-1/motor_temperature"))
    assert living.reasons() == {}


def test_devices_of_platforms_speak_and_are_answered_below_topics_with_a_dollar(
    broker: BrokerProcess, make: Make, building: Database
) -> None:
    sources = (
        "  - {code: mobile, topic: $sys/#, dialect: onenet}\n"
        "  - {code: huawei, topic: $oc/devices/#, dialect: iotda}\n"
    )
    site = SITE.replace("sources:\n", f"sources:\n{sources}")
    site += "  - {code: probe, asset: pump-2, points: {level: vibration}}\n"
    site += "  - {code: p1_air, asset: pump-1, points: {Air.level: vibration}}\n"
    with building.write() as session:
        import_site(session, read_site_file(site, "site.yaml"), actor=events.SYSTEM, now=NOON)
    living = make().start()
    until(lambda: listening(living))
    post = "$sys/p1/probe/thing/property/post"
    with heard(address_of(broker), f"{post}/reply") as device:
        publish(broker.address, [(post, b'{"id": "1", "params": {"level": {"value": "4.5"}}}')])
        device.wait_for(lambda: len(device.heard) == 1)
    until(lambda: living.values("pump-2/vibration") == [4.5])
    assert device.bodies(f"{post}/reply") == [{"id": "1", "code": 200, "msg": "success"}]
    services = b'{"services": [{"service_id": "Air", "properties": {"level": 3}}]}'
    publish(broker.address, [("$oc/devices/p1_air/sys/properties/report", services)])
    until(lambda: living.values("pump-1/vibration") == [3.0])
