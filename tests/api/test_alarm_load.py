"""The alarm load over HTTP: the same figures, for whom they are meant."""

from datetime import date, timedelta

from fastapi.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from tests.api.conftest import User
from tests.fixtures import SmallSite
from tests.workflows.episodes import Put, put_alarm, put_episodes


def test_the_figures_come_with_targets_and_verdicts(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock, stranger: User
) -> None:
    alarm = put_alarm(database, site.id, site.assets["pump-1"], "hot")
    start = clock.now() - timedelta(days=3)
    puts = [Put(number / 3, 15, seen_after=30) for number in range(12)]
    put_episodes(database, site.id, alarm, start, [*puts, Put(600, None)])
    found = client.get("/api/v1/alarm-load").json()
    assert (found["first_day"], found["last_day"]) == ("2026-10-25", "2026-11-24")
    assert found["annunciations"] == 13
    assert found["metrics"]["stale"] == {
        "value": 1.0,
        "unit": "",
        "target": 5.0,
        "limit": 10.0,
        "at_least": False,
        "under": True,
        "verdict": "good",
        "source": "ISA-18.2 (16.4)",
        "own_limit": True,
    }
    assert found["metrics"]["peak_interval"]["verdict"] == "watch"
    assert found["top"][0]["relief"] == {"kind": "off_delay", "seconds": 10, "left": 2}
    assert [flood["count"] for flood in found["floods"]] == [12]
    assert {one["kind"] for one in found["advice"]} == {"off_delay", "flood_one_rule", "stale_bare"}
    assert [line["annunciations"] for line in found["sites"]] == [13, 0]
    assert sum(one["count"] for one in found["hours"]) == 13
    one = client.get("/api/v1/alarm-load", params={"site": str(site.id), "from": "2026-11-24"})
    assert one.json()["annunciations"] == 0
    # The same question of somebody of another site.
    theirs = client.get("/api/v1/alarm-load", headers=stranger.headers)
    assert theirs.json()["annunciations"] == 0
    refused = client.get(f"/api/v1/alarm-load?site={site.id}", headers=stranger.headers)
    assert refused.status_code == 404


def test_days_that_cannot_be_looked_at_are_refused_with_what_to_do(
    client: TestClient, clock: SimulatedClock
) -> None:
    tomorrow = clock.now().date() + timedelta(days=1)
    answer = client.get("/api/v1/alarm-load", params={"from": str(tomorrow)})
    assert answer.status_code == 422
    assert answer.json()["problems"] == [
        "from: a day that has begun",
        "until: the same day as `from` or a later one",
    ]
    far = client.get("/api/v1/alarm-load", params={"from": str(date(2024, 1, 1))})
    assert far.json()["problems"] == ["from: at most 365 days before `until`"]
    assert client.get("/api/v1/alarm-load?from=yesterday").status_code == 422
