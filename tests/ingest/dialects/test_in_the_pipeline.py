"""Dialects of networks, plants and panels in the pipeline: what becomes of late history, of deaths,
and of what waited."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.devices import Device
from core.quarantine import Quarantined
from core.site_file import import_site, read_site_file
from core.telemetry.readings import Quality
from ingest.session import DUPLICATE
from tests.ingest.building import NOON, SITE
from tests.ingest.dialects import sparks
from tests.ingest.dialects.sparks import born, died, metric, payload
from tests.ingest.stage import Stage

EUI = "24e124136c123456"
UP = f"application/1/device/{EUI}/event/up".encode()
NODE = b"spBv1.0/plant/%s/edge"
TEXT = SITE.replace(
    "sources:\n",
    "  - {code: box, type: gateway, space: b1, name: {en: Box, zh: 网关}}\n"
    "  - {code: pump-4, type: pump, space: b1, name: {en: Pump 4, zh: 4号泵}}\nsources:\n"
    "  - {code: lora, topic: application/#, dialect: chirpstack, options: {codec: milesight}}\n"
    "  - {code: plant, topic: spBv1.0/#, dialect: sparkplug}\n",
) + (
    f"  - {{code: {EUI}, asset: pump-4, points: {{temperature: motor_temperature}}}}\n"
    "  - {code: plant.edge, asset: box, gateway: true, points: {online: online}}\n"
)


@pytest.fixture
def stage(building: Database) -> Stage:
    """The building with a LoRaWAN sensor at a pump, and an edge node."""
    with building.write() as session:
        import_site(session, read_site_file(TEXT, "site.yaml"), actor=events.SYSTEM, now=NOON)
    return Stage(building)


def uplink(second: int, digits: str, model: str = "EM300-TH") -> dict[str, Any]:
    """An event of ChirpStack, so many seconds after noon."""
    return {
        "deduplicationId": f"{second:08}",
        "time": f"{(NOON + timedelta(seconds=second)).isoformat()}".replace("+", ".123456789+"),
        "deviceInfo": {"devEui": EUI, "deviceProfileName": model},
        "data": base64.b64encode(bytes.fromhex(digits)).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
    }


def stored(second: int, tenths: int) -> str:
    """An entry of Milesight's history, so many seconds after noon."""
    at = int((NOON + timedelta(seconds=second)).timestamp())
    return f"20CE{at.to_bytes(4, 'little').hex()}{tenths.to_bytes(2, 'little').hex()}5D00"


def test_history_in_an_uplink_is_drawn_and_what_is_late_of_it_judges_nothing(stage: Stage) -> None:
    stage.wait(30)
    stage.hear(UP, uplink(20, "036700 01".replace(" ", "")))
    # Hot an hour before: stored by the sensor, sent late, and no alarm of now.
    stage.hear(UP, uplink(25, stored(-3600, 900) + "0367FF00"))
    stage.wait(300)
    stage.finish()
    rows = stage.readings("pump-4/motor_temperature")
    assert [(round(second), value) for second, value, _ in rows] == [
        (-3600, 90.0),
        (20, 25.6),
        (25, 25.5),
    ]
    assert rows[0][2] is Quality.LATE
    assert [each for each in stage.incidents() if each.rule == "hot"] == []
    stage.hear(UP, uplink(325, "03678403"))
    stage.finish()
    assert [each.asset for each in stage.incidents() if each.rule == "hot"] == ["pump-4"]


def test_an_uplink_that_is_delivered_twice_is_one_reading_and_leaves_the_time_alone(
    stage: Stage,
) -> None:
    stage.wait(30)
    for flags in (0, DUPLICATE, 0):
        stage.hear(UP, uplink(20, "0367FF00"), flags)
    stage.finish()
    assert [value for _, value, _ in stage.readings("pump-4/motor_temperature")] == [25.5]


def test_the_clock_of_a_sensor_that_tells_old_things_beside_new_ones_stays_trusted(
    stage: Stage,
) -> None:
    for minute in range(1, 30):
        stage.wait(60, step=10)
        at = minute * 60 - 5
        stage.hear(UP, uplink(at, stored(at - 7200, 200) + "0367FF00"))
    stage.finish()
    live = [row for row in stage.readings("pump-4/motor_temperature") if row[1] == 25.5]
    assert {quality for _, _, quality in live} == {Quality.GOOD}


def test_what_a_network_did_not_decode_waits_and_a_codec_brings_it_back(stage: Stage) -> None:
    broken = {**uplink(20, "0367FF00"), "data": "&"}
    stage.hear(UP, broken)
    stage.hear(UP, {**uplink(21, "FFEE"), "rxInfo": []})
    stage.finish()
    assert set(stage.reasons()) == {"wrong_shape"}


def test_an_edge_node_that_dies_is_offline_and_aliases_outlive_a_restart(stage: Stage) -> None:
    at = int(NOON.timestamp() * 1000)
    level = metric("Level", ("double", 1.5), sparks.DOUBLE, alias=4)
    stage.hear(NODE % b"NBIRTH", born(7, level, at=at))
    stage.hear(NODE.replace(b"edge", b"edge/tank") % b"DBIRTH", payload(level, seq=1, at=at))
    first = stage.finish()
    assert first.answers == []
    stage.restart()
    data = payload(metric(said=("double", 2.5), alias=4), seq=2, at=at + 1000)
    stage.hear(NODE.replace(b"edge", b"edge/tank") % b"DDATA", data)
    again = stage.finish()
    assert [each.topic for each in again.answers] == ["spBv1.0/plant/NCMD/edge"]
    stage.hear(NODE % b"NDEATH", died(6))
    stage.hear(NODE % b"NDEATH", died(7))
    stage.finish()
    assert [value for _, value, _ in stage.readings("box/online")] == [1.0, 0.0]
    with stage.database.read() as session:
        tank = session.scalars(select(Device).where(Device.code == "plant.edge.tank")).one()
        assert tank.last_sample is not None
        assert tank.last_sample["Level"] in (1.5, 2.5)
        reasons = set(session.scalars(select(Quarantined.reason)))
    # Nobody adopted the tank yet; what its aliases meant was known over the restart.
    assert reasons == {"unknown_device"}
