"""Tasmota devices: cards at readers, badges, sensors, and whether they are there."""

import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from core import events, inventory
from core.badges import NewBadge, issue_badge
from core.db import Database
from core.devices import Device
from core.places import Asset
from core.quarantine import Quarantined
from core.site_file import import_site, read_site_file
from ingest.decoding import Problem
from ingest.dialects import Decoded, ForeignSource, Spoken, Told
from ingest.dialects.tasmota import decode
from ingest.session import DUPLICATE, RETAINED
from tests.ingest.building import NOON, SITE
from tests.ingest.stage import VAULT, Stage
from tests.workflows.agreed import may_be_located
from tests.workflows.conftest import employ
from workflows.patrol import SCAN, NewToken, Scan, checkpoint_of, put_token

SHANGHAI = ZoneInfo("Asia/Shanghai")
WHEN = {"ts": "2026-11-24T04:00:01+00:00"}
TASMOTA = SITE.replace(
    "sources:\n",
    "  - {code: gate, type: checkpoint, space: b1, name: {en: Gate, zh: 大门}}\n"
    "  - {code: roof, type: checkpoint, space: b1, name: {en: Roof, zh: 楼顶}}\n"
    "  - {code: bridge, type: gateway, space: b1, name: {en: Bridge, zh: 网桥}}\nsources:\n"
    "  - {code: wall, topic: tele/#, dialect: tasmota}\n",
) + (
    "  - {code: reader-gate, asset: gate}\n"
    "  - {code: ble-roof, asset: roof}\n"
    "  - {code: bridge-1, asset: bridge, gateway: true, points: {online: online}}\n"
    "  - {code: probe, asset: pump-2, points: {ANALOG.Range1: vibration}}\n"
)


@pytest.mark.parametrize("epoch", ["true", "null", "NaN", "1e999", '"soon"', "{}"])
def test_an_epoch_that_is_no_time_takes_nothing_away_from_the_text_beside_it(epoch: str) -> None:
    payload = f'{{"Time":"2026-11-24T12:00:01","Epoch":{epoch},"Switch1":"ON"}}'
    found = told("tele/reader-gate/SENSOR", payload.encode())
    assert found == Told("reader-gate", [Spoken("readings", {**WHEN, "Switch1": True})])


@pytest.mark.parametrize("uid", [0, True, 1.5, [], {"a": 1}, "  ", "9" * 200])
def test_a_number_that_no_card_has_is_no_scan_and_stops_nothing(uid: Any) -> None:
    found = told("tele/reader-gate/SENSOR", {"PN532": {"UID": uid}, "Switch1": "ON"})
    assert found.messages[-1] == Spoken("readings", {"Switch1": True})


def told(topic: str, document: Any, *, wanted: str = "tele/#") -> Any:
    """What one device told, without what it is described as; a problem or None as it is."""
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = decode(ForeignSource("wall", wanted, SHANGHAI, decode), topic, payload, {})
    if isinstance(found, Decoded):
        (found,) = found.told
    return replace(found, described=None) if isinstance(found, Told) else found


@pytest.mark.parametrize(
    ("wanted", "topic", "device"),
    [
        ("tele/#", "tele/reader-gate/SENSOR", "reader-gate"),
        ("tele/+/SENSOR", "tele/reader-gate/SENSOR", "reader-gate"),
        ("tele/reader-gate/#", "tele/reader-gate/SENSOR", "reader-gate"),
        ("tasmota/+/tele/#", "tasmota/reader-gate/tele/SENSOR", "reader-gate"),
        ("tele/east/#", "tele/east/b1/reader-gate/SENSOR", "b1.reader-gate"),
        ("tele/#", "tele/tele/SENSOR", "tele"),
        ("#", "tele//SENSOR", "tele"),
    ],
)
def test_a_device_is_what_its_topic_holds_beside_the_filter(
    wanted: str, topic: str, device: str
) -> None:
    found = told(topic, {"Switch1": "ON"}, wanted=wanted)
    assert found == Told(device, [Spoken("readings", {"Switch1": True})])


@pytest.mark.parametrize(
    ("document", "spoken"),
    [
        ({"PN532": {"UID": "94D8FC5F", "DATA": ""}}, [Spoken("scan", {"guard": "94D8FC5F"})]),
        (
            {"PN532": {"UID": "53BB1F05110001", "Data": "mine", "Auth": "NOk"}},
            [Spoken("scan", {"guard": "53BB1F05110001"})],
        ),
        ({"RDM6300": {"UID": "8CD17700"}}, [Spoken("scan", {"guard": "8CD17700"})]),
        ({"PN532": {"UID": ""}}, []),
        ({"PN532": "none"}, []),
        (
            {"IBEACON": {"MAC": "A4C1387FC1E1", "RSSI": -56, "STATE": "ON"}},
            [Spoken("scan", {"badge": "A4C1387FC1E1", "rssi": -56})],
        ),
        ({"IBEACON": {"MAC": "A4C1387FC1E1", "RSSI": -56, "STATE": "OFF"}}, []),
        (
            {"DS18B20": {"Id": "030597946B04", "Temperature": 20.9}, "TempUnit": "C"},
            [Spoken("readings", {"DS18B20.Temperature": 20.9})],
        ),
        (
            {"ENERGY": {"Current": [1.5, 0], "TotalStartTime": "2020-01-01T00:00:00"}},
            [Spoken("readings", {"ENERGY.Current.1": 1.5, "ENERGY.Current.2": 0})],
        ),
        (
            {"PN532": {"UID": "1"}, "SI7021": {"Humidity": 40}},
            [Spoken("scan", {"guard": "1"}), Spoken("readings", {"SI7021.Humidity": 40})],
        ),
        ({"A": {"B": {"C": {"D": {"E": {"F": 1}}}}}}, []),
    ],
)
def test_sensors_tell_cards_badges_and_readings(
    document: dict[str, Any], spoken: list[Spoken]
) -> None:
    timed = [Spoken(each.kind, {**WHEN, **each.fields}) for each in spoken]
    found = told("tele/x/SENSOR", {"Time": "2026-11-24T12:00:01", **document})
    assert found == Told("x", timed)


@pytest.mark.parametrize(
    ("said", "ts"),
    [
        ({"Time": "2026-11-24T12:00:01"}, "2026-11-24T04:00:01+00:00"),
        ({"Time": "2026-11-24T12:00:01+02:00"}, "2026-11-24T12:00:01+02:00"),
        ({"Time": "2026-11-24T12:00:01", "Epoch": 1795492801}, 1795492801),
        ({"Time": "soon"}, "soon"),
        ({"Time": 7}, 7),
        ({}, None),
    ],
)
def test_times_are_those_of_the_sources_zone(said: dict[str, Any], ts: Any) -> None:
    (found,) = told("tele/x/SENSOR", {**said, "Switch1": "OFF"}).messages
    assert (found.fields.get("ts"), found.fields["Switch1"]) == (ts, False)


def test_what_devices_tell_of_themselves_and_commands_are_nobodys_business() -> None:
    for topic in ("tele/x/INFO1", "stat/x/LOGGING", "cmnd/x/POWER", "tele/x/UPTIME", "SENSOR"):
        assert told(topic, b"ON", wanted="#") is None
    assert told("tele/x/LWT", b"Online") == Told("x", [Spoken("status", {"online": True})])
    assert told("tele/x/LWT", b"Offline") == Told("x", [Spoken("status", {"online": False})])
    for topic, payload in (("LWT", b"perhaps"), ("SENSOR", b"{"), ("STATE", b"[1]")):
        assert isinstance(told(f"tele/x/{topic}", payload), Problem)


@pytest.fixture
def walls(building: Database) -> Stage:
    """Two checkpoints with a reader and a gateway on Tasmota, and a guard with card and badge."""
    with building.write() as session:
        import_site(session, read_site_file(TASMOTA, "site.yaml"), actor=events.SYSTEM, now=NOON)
    with building.write() as session:
        for code, kind in (("reader-gate", "fixed_reader"), ("ble-roof", "beacon")):
            device = session.scalars(select(Device).where(Device.code == code)).one()
            checkpoint = checkpoint_of(
                session, session.get_one(Asset, device.asset_id), actor=events.SYSTEM, now=NOON
            )
            new = NewToken(kind, device_id=device.id)
            put_token(session, checkpoint, new, vault=VAULT, actor=events.SYSTEM, now=NOON)
        site_id = device.site_id
    guard = employ(building, site_id, "guard")
    with building.write() as session:
        for kind, number in (("card", "94D8FC5F"), ("beacon", "A4C1387FC1E1")):
            badge = NewBadge(guard, kind, number)
            issue_badge(
                session, site_id, badge, needs=SCAN, vault=VAULT, actor=events.SYSTEM, now=NOON
            )
        may_be_located(session, guard, site_id, NOON)
    return Stage(building)


def at(second: int, **document: Any) -> dict[str, Any]:
    return {"Time": f"2026-11-24T12:00:{second:02}", **document}


def test_a_card_at_a_pn532_is_a_scan_of_its_guard(walls: Stage) -> None:
    card = at(1, PN532={"UID": "94D8FC5F", "DATA": ""})
    walls.hear(b"tele/reader-gate/SENSOR", card)
    walls.hear(b"tele/reader-gate/SENSOR", card, DUPLICATE)
    walls.hear(b"tele/reader-gate/SENSOR", at(2, PN532={"UID": "FFFFFFFF"}))
    walls.hear(b"tele/ble-roof/SENSOR", at(3, IBEACON={"MAC": "A4C1387FC1E1", "RSSI": -56}))
    walls.hear(b"tele/ble-roof/SENSOR", at(4, IBEACON={"MAC": "C0FFEEC0FFEE", "RSSI": -56}))
    walls.hear(b"tele/reader-gate/SENSOR", at(5, PN532={"UID": "94D8FC5F"}), RETAINED)
    walls.wait(2)
    walls.finish()
    with walls.database.read() as session:
        scans = list(session.scalars(select(Scan).order_by(Scan.occurred_at)))
        assert list(session.scalars(select(Quarantined))) == []
    said = [(row.kind, row.verdict, (row.occurred_at - NOON).total_seconds()) for row in scans]
    assert said == [
        ("fixed_reader", "accepted", 1.0),
        ("fixed_reader", "unknown_badge", 2.0),
        ("beacon", "accepted", 3.0),
    ]
    assert [row.channel for row in scans] == ["mqtt"] * 3


def test_sensors_are_read_and_what_nobody_asked_is_left(walls: Stage) -> None:
    walls.hear(b"tele/probe/SENSOR", at(1, ANALOG={"Range1": 4.5, "A2": 1}, TempUnit="C"))
    walls.hear(b"tele/probe/STATE", at(2, Vcc=3.4, POWER="OFF", Wifi={"RSSI": 100}))
    walls.hear(b"stat/probe/RESULT", {"POWER": "OFF"})
    walls.finish()
    assert [row[:2] for row in walls.readings("pump-2/vibration")] == [(1.0, 4.5)]
    with walls.database.read() as session:
        reasons = list(session.scalars(select(Quarantined.reason)))
    # No source of the site takes what commands are answered.
    assert reasons == ["no_source"]


def test_a_last_will_says_whether_a_reader_is_there(walls: Stage) -> None:
    walls.hear(b"tele/bridge-1/LWT", b"Online", RETAINED)
    walls.wait(2)
    walls.hear(b"tele/bridge-1/LWT", b"Offline")
    walls.hear(b"tele/bridge-1/LWT", b"perhaps")
    walls.finish()
    with walls.database.read() as session:
        assert [row.reason for row in session.scalars(select(Quarantined))] == ["wrong_shape"]
    assert [value for _, value, _ in walls.readings("bridge/online")] == [0.0]


def test_a_new_device_waits_with_what_it_says_and_becomes_history(walls: Stage) -> None:
    walls.hear(b"tele/attic/SENSOR", at(1, DS18B20={"Temperature": 20.5}))
    walls.hear(b"tele/attic/SENSOR", at(2, PN532={"UID": "94D8FC5F"}))
    walls.finish()
    with walls.database.read() as session:
        device = session.scalars(select(Device).where(Device.code == "attic")).one()
        assert device.state == "waiting"
        waiting = {row.reason for row in session.scalars(select(Quarantined))}
    assert waiting == {"unknown_device"}


def test_what_came_before_its_source_is_taken_in_when_it_is_replayed(walls: Stage) -> None:
    body = json.dumps(at(1, ANALOG={"Range1": 4.5})).encode()
    assert walls.taker.replay("tele/probe/SENSOR", body, walls.now, judged=True) == []
    # Of a device that nobody adopted it waits with that device, and no more under its topic.
    assert walls.taker.replay("tele/nobody/SENSOR", body, walls.now, judged=True) == []
    (moved,) = walls.judge.batch.rejected
    assert (moved.device_code, moved.reason) == ("nobody", "unknown_device")
    assert moved.topic == "wk/v1/riverside/nobody/readings"
    assert walls.taker.replay("tele/probe/INFO1", b"{}", walls.now, judged=True) == [
        "unknown_device"
    ]
    walls.finish()
    assert [row[:2] for row in walls.readings("pump-2/vibration")] == [(1.0, 4.5)]
    with walls.database.read() as session:
        filters = [row.topic_filter for row in inventory.sources(session)]
    assert "tele/#" in filters
