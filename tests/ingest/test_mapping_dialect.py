"""A source with a mapping: from foreign bytes to readings, alarms, waiting devices, quarantine."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.devices import Device
from core.errors import Invalid
from core.site_file import import_site, read_site_file
from tests.ingest.building import NOON, SITE
from tests.ingest.stage import Stage

MAPPED = SITE.replace(
    "sources:\n",
    """\
sources:
  - code: boxes
    topic: plant/#
    dialect: mapping
    options:
      mapping:
        topic: plant/{device}/up
        payload: modbus
        encoding: hex
        device: "{device}"
        frames:
          - start: 0x10
            readings:
              - {key: temp, register: 0x10, type: s16, scale: 0.1, unit: °F, to: °C}
              - {key: run, register: 0x11, bit: 0}
  - {code: blank, topic: blank/#, dialect: mapping}
  - code: lines
    topic: lines/+
    dialect: mapping
    options:
      zone: Asia/Shanghai
      mapping:
        each: $[*]
        device: "{@.d}"
        time: {path: "@.t", format: "%Y-%m-%d %H:%M:%S"}
        readings:
          - {key: temp, path: "@.temp"}
          - {key: online, path: "@.s", words: {up: true, down: false}, as: online}
""",
)
FAULTY = MAPPED.replace('path: "@.temp"', 'path: "temp"')


@pytest.fixture
def stage(building: Database) -> Stage:
    with building.write() as session:
        import_site(session, read_site_file(MAPPED, "site.yaml"), actor=events.SYSTEM, now=NOON)
    return Stage(building)


def crc(frame: bytes) -> bytes:
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return frame + value.to_bytes(2, "little")


def registers(*values: int) -> bytes:
    data = b"".join(value.to_bytes(2, "big", signed=value < 0) for value in values)
    return crc(bytes([1, 3, len(data)]) + data).hex().encode()


def test_registers_of_a_box_become_readings_in_the_units_of_the_points(stage: Stage) -> None:
    stage.hear(b"plant/pump-1/up", registers(2120, 1))
    stage.finish()
    [(_, celsius, _)] = stage.readings("pump-1/motor_temperature")
    [(_, running, _)] = stage.readings("pump-1/running")
    assert (celsius, running) == (100.0, 1.0)
    assert not stage.reasons()


def test_a_box_that_nobody_adopted_waits_with_its_values(stage: Stage) -> None:
    stage.hear(b"plant/pump-9/up", registers(680, 0))
    stage.finish()
    with stage.database.read() as session:
        device = session.scalars(select(Device).where(Device.code == "pump-9")).one()
    assert device.last_sample == {"temp": 20.0, "run": False}
    assert stage.reasons() == {"unknown_device": 1}


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "said"),
    [
        (b"plant/pump-1/up", b"0103", "wrong_shape", "2 bytes are too short for a frame"),
        (b"plant/pump-1/up", b"zz", "wrong_shape", "this is no hex"),
        (b"blank/x", b"{}", "unsupported", "the source has no mapping yet"),
        (b"lines/x", b"{", "bad_json", ""),
        (b"lines/x", b'[{"d": "a b", "temp": 1}]', "wrong_shape", "can't be a device"),
    ],
)
def test_what_a_mapping_cannot_read_is_kept_with_its_reason(
    stage: Stage, topic: bytes, payload: bytes, reason: str, said: str
) -> None:
    stage.hear(topic, payload)
    stage.finish()
    [row] = stage.quarantined()
    assert (row.reason, row.topic) == (reason, topic.decode())
    assert said in row.detail


def test_a_message_that_the_pattern_leaves_out_leaves_no_trace(stage: Stage) -> None:
    stage.hear(b"plant/pump-1/down", registers(2120))
    stage.finish()
    assert not stage.reasons()
    assert not stage.rows()


def test_many_devices_of_one_message_have_their_own_times(stage: Stage) -> None:
    def line(device: str, time: str, **more: Any) -> dict[str, Any]:
        return {"d": device, "t": f"2026-11-24 {time}", **more}

    lines = [
        line("pump-1", "12:00:05", temp=50),
        line("pump-2", "12:00:07", temp=51),
        line("pump-2", "soon", temp=52),
        line("gw-1", "12:00:09", s="up"),
    ]
    stage.hear(b"lines/all", json.dumps(lines).encode())
    stage.finish()
    assert [row[:2] for row in stage.readings("pump-1/motor_temperature")] == [(5.0, 50.0)]
    assert (7.0, 51.0) in [row[:2] for row in stage.readings("pump-2/motor_temperature")]
    assert stage.reasons() == {"bad_time": 1}
    assert stage.readings("gateway-1/online")


def test_a_fault_of_a_mapping_in_a_site_file_is_told_at_its_line() -> None:
    with pytest.raises(Invalid) as caught:
        read_site_file(FAULTY, "site.yaml")
    line = FAULTY[: FAULTY.index('path: "temp"')].count("\n") + 1
    [problem] = caught.value.problems
    assert str(problem).startswith(f"site.yaml:{line}:")
    assert "mapping.readings[0].path: a path begins with $" in str(problem)
