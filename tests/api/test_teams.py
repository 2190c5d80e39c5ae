"""Teams and rosters over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.people import Grant, Person
from tests.fixtures import Administrator, SmallSite

TUESDAY = {
    "weekdays": [1],
    "starts": "08:00:00",
    "ends": "18:00:00",
    "first": "2026-11-24",
}


@pytest.fixture
def worker(database: Database, site: SmallSite) -> UUID:
    """A technician of the site."""
    with database.write() as session:
        person = Person(name="An")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="technician"))
        return person.id


def test_a_roster_is_filled_read_and_taken_back(
    client: TestClient, site: SmallSite, worker: UUID, administrator: Administrator
) -> None:
    base = f"/api/v1/sites/{site.id}/teams"
    assert [one["code"] for one in client.get(base).json()["items"]] == [
        "maintenance",
        "security",
        "service",
    ]
    nobody = client.get(f"{base}/maintenance/duty").json()
    assert (nobody["items"], nobody["level"]) == ([], "supervisor")
    assert nobody["people"] == [str(administrator.person_id)]
    made = client.post(f"{base}/maintenance/shifts", json={**TUESDAY, "people": [str(worker)]})
    assert (made.status_code, made.json()) == (201, {"made": 1})
    again = client.post(f"{base}/maintenance/shifts", json={**TUESDAY, "people": [str(worker)]})
    assert again.status_code == 409
    duty = client.get(f"{base}/maintenance/duty").json()
    assert [one["name"] for one in duty["items"]] == ["An"]
    evening = client.get(f"{base}/maintenance/duty", params={"at": "2026-11-24T20:00:00+08:00"})
    assert evening.json()["items"] == []
    [shift] = client.get(f"{base}/maintenance/shifts").json()["items"]
    assert shift["ends_at"] == "2026-11-24T10:00:00.000000Z"
    assert client.delete(f"/api/v1/shifts/{shift['id']}").status_code == 204
    assert client.delete(f"/api/v1/shifts/{shift['id']}").status_code == 404


def test_bad_rosters_say_what_is_wrong(
    client: TestClient, site: SmallSite, worker: UUID, clock: SimulatedClock
) -> None:
    base = f"/api/v1/sites/{site.id}/teams/maintenance/shifts"
    good = {**TUESDAY, "people": [str(worker)]}
    wrongs: list[dict[str, Any]] = [{"weekdays": [9]}, {"weeks": 99}, {"people": []}]
    wrongs += [{"starts": "08:00Z"}, {"first": "9999-12-31"}]
    for wrong in [*wrongs, {"kind": "party"}, {"x": 1}]:
        assert client.post(base, json={**good, **wrong}).status_code == 422, wrong
    now = clock.now()
    far = {"start": now.isoformat(), "end": (now + timedelta(days=93)).isoformat()}
    assert client.get(base, params=far).status_code == 422
    assert client.get(f"/api/v1/sites/{site.company_id}/teams").status_code == 404
