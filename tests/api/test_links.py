"""Links between tickets over HTTP."""

from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from tests.api.building import put_ticket
from tests.fixtures import SmallSite


def test_tickets_are_linked_by_number_and_from_either_end_unlinked(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    first = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}"
    body = {"site_id": str(site.id), "title": "It drips"}
    other = client.post("/api/v1/tickets", json=body).json()
    wanted = {"kind": "follow_up_of", "number": other["number"]}
    made = client.post(f"{first}/links", json=wanted)
    assert made.status_code == 201, made.text
    [link] = made.json()["links"]
    assert (link["kind"], link["number"]) == ("follow_up_of", other["number"])
    second = f"/api/v1/tickets/{other['id']}"
    [back] = client.get(second).json()["links"]
    assert (back["kind"], back["id"]) == ("followed_up_by", link["id"])
    assert client.post(f"{first}/links", json=wanted).status_code == 409
    own = {"kind": "related_to", "number": client.get(first).json()["number"]}
    assert client.post(f"{first}/links", json=own).status_code == 422
    missing = {"kind": "related_to", "number": 999_999}
    assert client.post(f"{first}/links", json=missing).status_code == 404
    assert client.delete(f"{second}/links/{link['id']}").json()["links"] == []
    assert client.delete(f"{second}/links/{link['id']}").status_code == 404
