"""Back-tests over HTTP: begun, followed, kept for their person, one after another."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock, to_micros
from core.telemetry.readings import Quality, Reading
from tests.api.conftest import MakeUser, User
from tests.api.memory_telemetry import MemoryTelemetry
from tests.api.test_doors import TRIED
from tests.fixtures import SmallSite

ADDRESS = "/api/v1/rules/backtest"


@pytest.fixture
def manager(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("manager", site.id)


def ended(client: TestClient, user: User, run: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while run["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        run = client.get(f"{ADDRESS}/{run['id']}", headers=user.headers).json()
    return run


def test_a_draft_is_tried(
    anonymous: TestClient, manager: User, telemetry: MemoryTelemetry, site: SmallSite,
    clock: SimulatedClock,
) -> None:  # fmt: skip
    hour = 3_600_000_000
    now = to_micros(clock.now())
    telemetry.readings += [
        Reading(site.series["pump-1/motor_temperature"], at, value, at, Quality.GOOD)
        for at, value in ((now - 9 * hour, 60.0), (now - 8 * hour, 80.0), (now - 7 * hour, 60.0))
    ]
    begun = anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED, "days": 2})
    assert begun.status_code == 202
    run = ended(anonymous, manager, begun.json())
    assert (run["state"], run["progress"], run["readings"]) == ("finished", 1.0, 3)
    (asset,) = run["result"]["assets"]
    assert asset["asset_id"] == str(site.assets["pump-1"])
    assert asset["episodes"][0]["reason"] == "motor_temperature 80 °C > 75 °C"


def test_it_belongs_to_whoever_began_it(
    anonymous: TestClient, manager: User, make_user: MakeUser, site: SmallSite
) -> None:
    run = anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED}).json()
    colleague = make_user("manager", site.id)
    for method in ("GET", "DELETE"):
        answer = anonymous.request(method, f"{ADDRESS}/{run['id']}", headers=colleague.headers)
        assert answer.status_code == 404
    ended(anonymous, manager, run)


def test_it_covers_nothing_but_the_sites_of_the_caller(
    anonymous: TestClient, make_user: MakeUser, other_site: UUID
) -> None:
    stranger = make_user("manager", other_site)
    begun = anonymous.post(ADDRESS, headers=stranger.headers, json={"document": TRIED})
    run = ended(anonymous, stranger, begun.json())
    assert (run["state"], run["result"]["assets_judged"]) == ("finished", 0)


def test_who_may_not_read_rules_tries_none(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    resident = make_user("resident", site.id)
    answer = anonymous.post(ADDRESS, headers=resident.headers, json={"document": TRIED})
    assert answer.status_code == 403


@pytest.fixture
def slow(telemetry: MemoryTelemetry, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Telemetry that answers bit by bit until it is told to go on."""
    going_on = threading.Event()
    scan = telemetry.scan

    def wait(*asked: Any) -> Any:
        while not going_on.wait(0.01):
            yield from scan(*asked)
        yield from scan(*asked)

    monkeypatch.setattr(telemetry, "scan", wait)
    yield going_on
    going_on.set()


def test_others_wait_their_turn_and_can_be_stopped(
    anonymous: TestClient, manager: User, slow: threading.Event
) -> None:
    def begin() -> Any:
        return anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED})

    first = begin().json()
    # As long as nobody has taken it up, it waits like the others and is counted among them.
    while first["state"] == "waiting":
        first = anonymous.get(f"{ADDRESS}/{first['id']}", headers=manager.headers).json()
    others = [begin().json() for _ in range(5)]
    assert {run["state"] for run in others} == {"waiting"}
    refused = begin()
    assert refused.status_code == 409
    assert "5 back-tests of yours wait already" in refused.text
    stopped = anonymous.delete(f"{ADDRESS}/{others[0]['id']}", headers=manager.headers).json()
    assert stopped["state"] == "stopped"
    anonymous.delete(f"{ADDRESS}/{first['id']}", headers=manager.headers)
    assert ended(anonymous, manager, first)["state"] == "stopped"
    slow.set()
    assert ended(anonymous, manager, others[-1])["state"] == "finished"


def test_telemetry_that_is_away_ends_it(
    anonymous: TestClient, manager: User, telemetry: MemoryTelemetry
) -> None:
    telemetry.away = True
    begun = anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED})
    run = ended(anonymous, manager, begun.json())
    assert (run["state"], run["why"]) == ("failed", "the telemetry store is away")


def test_it_is_forgotten_an_hour_after_its_end(
    anonymous: TestClient, manager: User, clock: SimulatedClock
) -> None:
    first = anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED}).json()
    ended(anonymous, manager, first)
    clock.advance_to(to_micros(clock.now() + timedelta(hours=1, seconds=1)))
    second = anonymous.post(ADDRESS, headers=manager.headers, json={"document": TRIED}).json()
    ended(anonymous, manager, second)
    assert anonymous.get(f"{ADDRESS}/{first['id']}", headers=manager.headers).status_code == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "nothing is to be tried"),
        ({"document": "id: x"}, "the rule has problems"),
        ({"document": TRIED, "begin": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
         "the span ends before it begins"),
        ({"document": TRIED, "days": 401}, "less than or equal to 400"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    anonymous: TestClient, manager: User, body: dict[str, Any], told: str
) -> None:
    answer = anonymous.post(ADDRESS, headers=manager.headers, json=body)
    assert answer.status_code == 422
    assert told in answer.text


def test_a_version_and_a_draft_are_tried_and_asked_why(
    anonymous: TestClient, manager: User, site: SmallSite
) -> None:
    """A draft is of the place it is for; of whom nothing is known is asked as little."""
    made = anonymous.post(
        "/api/v1/rule-drafts", headers=manager.headers,
        json={"document": TRIED, "node_id": str(site.id)},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    draft = made.json()
    run = anonymous.post(ADDRESS, headers=manager.headers, json={"draft_id": draft["id"]}).json()
    assert ended(anonymous, manager, run)["state"] == "finished"
    none = anonymous.post(ADDRESS, headers=manager.headers, json={"rule_id": draft["rule_id"]})
    assert none.status_code == 404
    address = f"/api/v1/assets/{site.assets['pump-1']}/rules/{draft['rule_id']}/why"
    why = anonymous.get(address, headers=manager.headers, params={"draft_id": draft["id"]}).json()
    assert (why["phase"], why["draft_id"], why["version"]) == ("normal", draft["id"], None)
    assert why["withheld"] is None
    old = anonymous.get(address, headers=manager.headers, params={"version": 7})
    assert old.status_code == 404
