"""Checklists over HTTP."""

from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.ids import new_id
from tests.api.building import put_ticket
from tests.fixtures import SmallSite

ITEMS = [
    {"text": {"en": "Main switch is off", "zh": "总开关已断开"}},
    {
        "text": {"zh": "压力"},
        "kind": "number",
        "unit": "bar",
        "low": "2",
        "high": 6.5,
        "required": False,
    },
]


@pytest.fixture
def address(database: Database, site: SmallSite, clock: SimulatedClock) -> str:
    now: datetime = clock.now()
    return f"/api/v1/tickets/{put_ticket(database, site, now)}"


def test_a_checklist_is_put_on_a_ticket_and_answered(client: TestClient, address: str) -> None:
    made = client.post(f"{address}/checklist", json={"items": ITEMS})
    assert made.status_code == 201, made.text
    tick, number = made.json()["checklist"]
    assert (number["low"], number["high"], number["answer"]) == ("2", "6.5", None)
    client.post(f"{address}/actions/start", json={})
    refused = client.post(f"{address}/actions/resolve", json={})
    assert refused.status_code == 409
    assert "Main switch is off" in refused.json()["detail"]
    for item, value in ((tick, "yes"), (number, "9")):
        told = client.put(f"{address}/checklist/{item['id']}/answer", json={"value": value})
        assert told.status_code == 200, told.text
    tick, number = told.json()["checklist"]
    assert (tick["answer"], tick["outside"], number["outside"]) == ("yes", False, True)
    assert number["answered_name"]
    assert client.delete(f"{address}/checklist/{tick['id']}").status_code == 409
    back = client.put(f"{address}/checklist/{number['id']}/answer", json={"value": None})
    assert back.json()["checklist"][1]["answer"] is None
    left = client.delete(f"{address}/checklist/{number['id']}").json()["checklist"]
    assert [item["id"] for item in left] == [tick["id"]]
    assert client.post(f"{address}/actions/resolve", json={}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"text": {}}]},
        {"items": [{"text": {"en": "Look"}, "kind": "choice"}]},
        {"items": [{"text": {"en": "Look"}, "kind": "number", "low": 3, "high": 2}]},
    ],
)
def test_a_checklist_that_makes_no_sense_is_refused(
    client: TestClient, address: str, body: dict[str, Any]
) -> None:
    assert client.post(f"{address}/checklist", json=body).status_code == 422


def test_an_unknown_item_is_not_found(client: TestClient, address: str) -> None:
    item = f"{address}/checklist/{new_id()}"
    assert client.put(f"{item}/answer", json={"value": "yes"}).status_code == 404
    assert client.delete(item).status_code == 404
