"""Signatures over HTTP."""

from base64 import b64encode

from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.ids import new_id
from tests.api.building import put_ticket
from tests.fixtures import SmallSite
from tests.pictures import signature


def test_a_signature_is_kept_and_read(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket = f"/api/v1/tickets/{put_ticket(database, site, clock.now())}"
    body = {"name": "王女士", "picture": b64encode(signature()).decode()}
    assert client.post(f"{ticket}/signatures", json=body).status_code == 409
    assert client.post(f"{ticket}/actions/start", json={}).status_code == 200
    for wrong in ({"picture": "no base64"}, {"picture": "aGVsbG8="}, {"name": " "}):
        refused = client.post(f"{ticket}/signatures", json={**body, **wrong})
        assert refused.status_code == 422, refused.text
    made = client.post(f"{ticket}/signatures", json=body)
    assert made.status_code == 201, made.text
    [signed] = made.json()["signatures"]
    assert signed["name"] == "王女士"
    shown = client.get(f"/api/v1/signatures/{signed['id']}")
    assert (shown.content, shown.headers["Content-Type"]) == (signature(), "image/png")
    assert client.get(f"/api/v1/signatures/{new_id()}").status_code == 404
