"""Ingest as a whole over a broker in this process: failures of its stores, poison, leases."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

import ingest.heartbeat
import ingest.pipeline.readings
import ingest.run
import ingest.settling
from core import shards
from core.db import Database
from core.devices import Device, Point
from core.leases import Lease
from core.quarantine import Quarantined
from core.schema import migrate
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.spool import SpooledStore
from core.telemetry.store import TelemetryError
from ingest.decoding import parse
from tests.ingest.building import NOON, fill
from tests.ingest.living import Make, ask_replay, tell, until
from tests.ingest.loop_broker import LoopBroker
from tests.servers.postgres import PostgresServer


def test_a_reading_becomes_a_ticket_and_is_acknowledged(broker: LoopBroker, make: Make) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=80)
    until(lambda: broker.unacknowledged() == 0)
    assert living.rules() == [("hot", "pump-1")]
    assert len(living.tickets()) == 1
    assert living.values("pump-1/motor_temperature") == [80.0]


def test_a_message_that_cannot_be_committed_stands_alone(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make()
    victim = living.names.assets["pump-2"].hex
    with building.write() as session:
        session.connection().exec_driver_sql(
            "CREATE TRIGGER poison BEFORE INSERT ON episode WHEN "
            f"(SELECT asset_id FROM alarm WHERE id = NEW.alarm_id) = '{victim}' "
            "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
    for number in range(40):
        tell(broker, living, "pump-3", temp=50 + number % 2, vib=1)
        tell(broker, living, "pump-1", temp=80 if number == 20 else 50)
        if number == 10:
            tell(broker, living, "pump-2", temp=80)
            tell(broker, living, "stranger", temp=20)
    living.start()
    until(lambda: broker.unacknowledged() == 0)
    assert living.rules() == [("hot", "pump-1")]
    assert len(living.values("pump-3/motor_temperature")) == 40
    assert len(living.values("pump-1/motor_temperature")) == 40
    assert living.reasons() == {"failed": 1, "unknown_device": 1}
    with building.write() as session:
        session.connection().exec_driver_sql("DROP TRIGGER poison")
        # The first sample went down with the batch.
        stranger = session.scalars(select(Device).where(Device.code == "stranger")).one()
        assert stranger.last_sample == {"temp": 20}
        row = session.scalars(select(Quarantined).where(Quarantined.reason == "failed")).one()
        assert (row.device_code, row.site_id is not None) == ("pump-2", True)
        assert "poison" in row.detail
        ask_replay(session, row)
    until(lambda: sorted(living.rules()) == [("hot", "pump-1"), ("hot", "pump-2")])
    until(lambda: living.reasons() == {"unknown_device": 1})
    assert living.values("pump-2/motor_temperature") == [80.0]


def test_a_message_that_breaks_the_decoder_stands_alone(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = parse

    def breaking(payload: bytes) -> Any:
        if b"bomb" in payload:
            raise LookupError("a mistake in our own code")
        return sound(payload)

    monkeypatch.setattr(ingest.pipeline.readings, "parse", breaking)
    living = make()
    for number in range(20):
        tell(broker, living, "pump-1", temp=50 + number)
        if number % 7 == 3:
            tell(broker, living, "pump-1", temp=80, bomb=1)
    living.start()
    until(lambda: broker.unacknowledged() == 0)
    assert living.values("pump-1/motor_temperature") == [float(50 + n) for n in range(20)]
    assert living.reasons() == {"failed": 3}


def test_while_telemetry_is_away_alarms_go_on_and_nothing_is_acknowledged(
    broker: LoopBroker, make: Make
) -> None:
    living = make().start()
    living.memory.away = True
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.rules() == [("hot", "pump-1")])
    until(lambda: "telemetry" in living.ill())
    assert broker.unacknowledged() == 1
    living.memory.away = False
    until(lambda: broker.unacknowledged() == 0)
    assert living.values("pump-1/motor_temperature") == [80.0]
    until(lambda: living.ill() == {})


def test_while_telemetry_is_away_readings_go_to_the_spool(
    broker: LoopBroker, make: Make, tmp_path: Path
) -> None:
    away = True

    def opened() -> DuckDBStore:
        if away:
            raise TelemetryError("not yet")
        return DuckDBStore(tmp_path / "telemetry.duckdb")

    spooled = SpooledStore(opened, tmp_path / "spool")
    living = make(telemetry=spooled).start()
    for number in range(10):
        tell(broker, living, "pump-1", temp=76 + number)
    until(lambda: broker.unacknowledged() == 0)
    assert living.rules() == [("hot", "pump-1")]
    away = False
    until(lambda: spooled.state().readings_waiting == 0)
    assert living.values("pump-1/motor_temperature") == [float(76 + n) for n in range(10)]
    assert living.stop()
    spooled.close()


def test_a_spool_that_fails_at_draining_says_so_until_it_goes_on(
    broker: LoopBroker, make: Make
) -> None:
    ill = True

    def drain() -> int:
        if ill:
            raise OSError("the disk is on fire")
        return 0

    living = make()
    living.stores = replace(living.stores, drain=drain)
    living.service = living._new()
    living.start()
    until(lambda: living.ill() == {"telemetry spool": "the disk is on fire"})
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.rules() == [("hot", "pump-1")])
    ill = False
    until(lambda: living.ill() == {})


def test_a_stop_does_not_wait_for_ever_for_telemetry(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.writer.DRAIN_SECONDS", 0.3)
    living = make().start()
    living.memory.away = True
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.rules() == [("hot", "pump-1")])
    assert living.stop()
    assert broker.unacknowledged() == 1


def test_a_clean_stop_drains_and_a_start_goes_on(broker: LoopBroker, make: Make) -> None:
    living = make().start()
    for number in range(200):
        tell(broker, living, "pump-1", temp=50 + number / 100)
    until(lambda: len(living.values("pump-1/motor_temperature")) > 0)
    assert living.stop()
    taken = 200 - broker.unacknowledged()
    assert len(living.values("pump-1/motor_temperature")) == taken
    living.service = living._new()
    living.start()
    until(lambda: broker.unacknowledged() == 0)
    assert len(living.values("pump-1/motor_temperature")) == 200


def test_a_clean_stop_is_remembered_with_when_we_last_listened(
    broker: LoopBroker, make: Make
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=50)
    until(lambda: broker.unacknowledged(b"wk/v1/_beat/") == 0 and broker.acknowledged > 5)
    # The heartbeats that count are not the few that were put on record while it ran.
    before, heard = living.clock.now(), broker.acknowledged
    until(lambda: broker.acknowledged > heard + 3)
    assert living.stop()
    with living.database.read() as session:
        (row,) = session.connection().exec_driver_sql("SELECT clean FROM shard").all()
        memory = shards.recall(session, "main")
    assert row == (1,)
    assert memory.last_beat is not None
    assert before <= memory.last_beat <= living.clock.now()


def test_a_broken_connection_loses_and_doubles_nothing(broker: LoopBroker, make: Make) -> None:
    living = make().start()
    for number in range(100):
        tell(broker, living, "pump-1", temp=80 if 30 < number < 60 else 50)
        if number == 50:
            broker.break_off(0.3)
        time.sleep(0.005)
    until(lambda: broker.unacknowledged() == 0)
    assert len(living.values("pump-1/motor_temperature")) == 100
    assert living.rules() == [("hot", "pump-1")]


def test_a_broker_that_has_forgotten_us_is_told_of(broker: LoopBroker, make: Make) -> None:
    with capture_logs() as logs:
        living = make().start()
        until(lambda: broker.known)
        living.stop()
        assert not [each for each in logs if "kept no session" in each["event"]]
        broker.known = False
        living.restart()
        until(lambda: any("kept no session" in each["event"] for each in logs))


def test_another_worker_waits_for_the_lease_and_goes_on_when_it_is_free(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.service._ASK_AGAIN", 0.2)
    first = make().start()
    second = make(owner="two", telemetry=first.telemetry)
    second.service.start()
    tell(broker, first, "pump-1", temp=80)
    until(lambda: broker.unacknowledged() == 0)
    assert not second.service.ready.is_set()
    assert first.stop()
    until(second.service.ready.is_set)
    tell(broker, first, "pump-1", temp=50)
    until(lambda: broker.unacknowledged() == 0)
    assert second.rules() == [("hot", "pump-1")]


def test_who_has_lost_the_lease_commits_nothing_and_does_not_reconnect(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=50)
    until(lambda: broker.unacknowledged() == 0)
    far = NOON.replace(year=2999)
    with building.write() as session:
        session.execute(update(Lease).values(owner="two", epoch=9, ends_at=far))
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.ill().get("ingest", "").startswith("LeaseLost"))
    opened = broker.sessions
    time.sleep(0.5)
    assert living.rules() == []
    assert broker.unacknowledged() == 1
    assert broker.sessions == opened
    with building.write() as session:
        session.execute(update(Lease).values(ends_at=NOON))
    until(lambda: broker.unacknowledged() == 0)
    assert living.rules() == [("hot", "pump-1")]


def test_a_broken_connection_is_not_taken_up_again_without_the_lease(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=50)
    until(lambda: broker.unacknowledged() == 0)
    broker.up = False
    with building.write() as session:
        session.execute(update(Lease).values(owner="two", epoch=9, ends_at=NOON.replace(year=2999)))
    until(lambda: living.ill().get("ingest", "").startswith("LeaseLost"))
    broker.up = True
    tell(broker, living, "pump-1", temp=60)
    time.sleep(0.5)
    assert broker.unacknowledged() == 1


def test_our_own_hold_up_is_nobodys_silence(
    broker: LoopBroker, make: Make, building: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.run, "HOLE", 500_000)
    with building.write() as session:
        session.execute(update(Point).values(expected_interval=0.3))
    living = make(flush_rows=1).start()
    done = threading.Event()

    def talk() -> None:
        while not done.wait(0.05):
            for device in ("pump-1", "pump-2"):
                tell(broker, living, device, temp=50, run=True)
            tell(broker, living, "pump-3", temp=50, vib=1)

    speaker = threading.Thread(target=talk)
    speaker.start()
    time.sleep(0.5)
    living.memory.away = True
    time.sleep(2.5)
    living.memory.away = False
    time.sleep(1.5)
    done.set()
    speaker.join()
    assert [rule for rule, asset in living.rules() if asset.startswith("pump")] == []


def test_while_the_database_is_away_nothing_is_acknowledged(
    broker: LoopBroker, make: Make, postgres: PostgresServer, template: Path
) -> None:
    name = postgres.create_database()
    database = Database(postgres.url(name))
    migrate(database)
    fill(database)
    living = make(database).start()
    tell(broker, living, "pump-1", temp=50)
    until(lambda: broker.unacknowledged() == 0)
    postgres.stop()
    try:
        tell(broker, living, "pump-1", temp=80)
        until(lambda: "database" in living.ill())
        assert broker.unacknowledged() == 1
    finally:
        postgres.start()
    until(lambda: broker.unacknowledged() == 0)
    assert living.rules() == [("hot", "pump-1")]
    assert living.values("pump-1/motor_temperature") == [50.0, 80.0]
    until(lambda: living.ill() == {})
    assert living.stop()
    database.close()
