"""The health of devices over HTTP."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.device_health import Heard, note_heard
from core.devices import Device
from core.ids import new_id
from core.telemetry.readings import Quality, ReadingBatch
from tests.api.building import put_battery
from tests.api.conftest import User
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import SmallSite

SECOND = 1_000_000
DAY = timedelta(days=1)


def test_a_device_tells_when_it_was_heard_how_often_and_by_which_ways(
    client: TestClient,
    site: SmallSite,
    database: Database,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
) -> None:
    device_id = site.devices["pump-1"]
    at = f"/api/v1/devices/{device_id}/health"
    nothing = client.get(at).json()
    assert (nothing["last_seen"], nothing["clock_skew"], nothing["battery"]) == (None, None, None)
    assert [one["readings"] for one in nothing["hours"]] == [0] * 24

    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    batch = ReadingBatch()
    for moment in (hour, hour - timedelta(hours=1), hour - 3 * DAY):
        for code in ("pump-1/motor_temperature", "pump-1/running"):
            ahead = to_micros(moment) + 2 * SECOND
            batch.append(site.series[code], ahead, 1.0, to_micros(moment), Quality.GOOD)
    telemetry.write(batch)
    with database.write() as session:
        health = {"rssi": -71.0, "snr": 6.5}
        note_heard(session, [Heard(device_id, "lora/gw-1", now - DAY, now - DAY, 3, health)])
    found = client.get(at).json()
    assert found["clock_skew"] == 2.0
    assert found["newest"]["quality"] == "good"
    assert found["last_seen"] == found["newest"]["received"]
    assert [one["readings"] for one in found["hours"]] == [0] * 22 + [2, 2]
    (path,) = found["paths"]
    assert (path["path"], path["rssi"], path["snr"], path["today"]) == ("lora/gw-1", -71, 6.5, 3)

    telemetry.away = True
    away = client.get(at)
    assert away.status_code == 200
    assert (away.json()["hours"], away.json()["newest"]) == (None, None)
    assert away.json()["last_seen"] == path["last_heard"]


@pytest.mark.parametrize(
    ("ahead", "quality"),
    [(0, Quality.GOOD), (5 * SECOND, Quality.LATE), (0, Quality.CLOCK_UNSET)],
    ids=["our own time", "late", "unset"],
)
def test_a_time_that_tells_nothing_of_its_clock_is_no_skew(
    client: TestClient,
    site: SmallSite,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
    ahead: int,
    quality: Quality,
) -> None:
    now = to_micros(clock.now())
    batch = ReadingBatch()
    batch.append(site.series["pump-1/running"], now + ahead, 1.0, now, quality)
    telemetry.write(batch)
    found = client.get(f"/api/v1/devices/{site.devices['pump-1']}/health").json()
    assert found["clock_skew"] is None
    assert found["newest"] is not None


def test_batteries_are_listed_to_be_changed_soonest_first(
    client: TestClient,
    site: SmallSite,
    other_site: UUID,
    stranger: User,
    database: Database,
    clock: SimulatedClock,
) -> None:
    now = clock.now()
    # The clock of these tests stands in November 2026.
    states: dict[str, dict[str, Any]] = {
        "lasts": {"low": False, "percent": 90},
        "december": {"low": False, "percent": 40, "empty_on": date(2026, 12, 31), "per_day": 1.0},
        "january": {"low": False, "percent": 50, "empty_on": date(2027, 1, 1), "per_day": 1.0},
        "flat": {"low": True, "percent": 18},
        "falls": {"low": True, "percent": 15, "empty_on": date(2026, 12, 2), "per_day": 2.0},
    }
    for place, node, prefix in ((0, site.id, ""), (1, other_site, "their-")):
        for code, state in list(states.items())[: None if place == 0 else 1]:
            device = Device(id=new_id(), site_id=node, code=f"{prefix}{code}", state="active")
            device.name = {}
            device.version = 1
            with database.write() as session:
                session.add(device)
            put_battery(database, device.id, node, now, **state)

    def codes(**wanted: str | int) -> list[str]:
        read, cursor = [], None
        while True:
            parameters = wanted | ({"cursor": cursor} if cursor else {})
            page = client.get("/api/v1/batteries", params=parameters)
            assert page.status_code == 200, page.text
            read += [one["code"] for one in page.json()["items"]]
            cursor = page.json()["next"]
            if cursor is None:
                return read

    mine = ["falls", "flat", "december", "january", "lasts"]
    assert codes(site=str(site.id)) == mine
    assert codes(site=str(site.id), limit=1) == mine
    assert codes(site=str(site.id), which="low") == mine[:2]
    assert codes(which="due", limit=2) == mine[:3]
    assert set(codes()) == {*mine, "their-lasts"}
    assert client.get("/api/v1/batteries", params={"cursor": "WzEsMSwxXQ"}).status_code == 422

    theirs = client.get("/api/v1/batteries", headers=stranger.headers).json()["items"]
    assert [one["code"] for one in theirs] == ["their-lasts"]
    mine_alone = {"site": str(site.id)}
    seen = client.get("/api/v1/batteries", params=mine_alone, headers=stranger.headers).json()
    assert seen["items"] == []


def test_nobody_else_reads_how_a_device_is(
    client: TestClient, site: SmallSite, stranger: User
) -> None:
    at = f"/api/v1/devices/{site.devices['pump-1']}/health"
    assert client.get(at, headers=stranger.headers).status_code == 404
