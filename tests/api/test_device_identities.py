"""Who devices are, over HTTP."""

from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from core import events
from core.administration import NewSource, create_source
from core.db import Database
from core.devices import Device
from core.hearings import note_hearing
from tests.api.conftest import MakeUser
from tests.fixtures import NOON, SmallSite


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def test_a_credential_is_made_replaced_and_revoked(client: TestClient, site: SmallSite) -> None:
    code, device_id = sorted(site.devices.items())[0]
    at = f"/api/v1/devices/{device_id}"
    assert client.get(f"{at}/identity").json()["credentials"] == []
    first = client.post(f"{at}/credential")
    assert first.status_code == 201
    assert first.headers["Cache-Control"] == "no-store"
    made = first.json()
    assert made["topic"].endswith(f"/{code}/")
    assert made["secret"] in made["address"]
    assert "has a credential already" in refused(client.post(f"{at}/credential"), 409)
    second = client.post(f"{at}/credential/rotate", json={"overlap_days": 1}).json()
    shown = client.get(f"{at}/identity")
    states = [(one["username"], one["state"]) for one in shown.json()["credentials"]]
    assert states == [(second["username"], "standing"), (made["username"], "leaving")]
    assert made["secret"] not in shown.text
    listed = client.get("/api/v1/device-identities", params={"site": str(site.id)}).json()["items"]
    assert [one["code"] for one in listed] == [code]
    gone = client.post(f"{at}/credential/revoke").json()["credentials"]
    assert {one["state"] for one in gone} == {"revoked"}
    assert "no such credential" in refused(client.post(f"{at}/credential/revoke"), 409)
    assert refused(client.post(f"{at}/credential/rotate", json={"overlap_days": 91}), 422)


def test_a_bridge_is_given_its_list_by_who_has_read_it(client: TestClient, site: SmallSite) -> None:
    first, second = sorted(site.devices.values(), key=str)[:2]
    at = f"/api/v1/devices/{first}/identity"
    body = {"speaks_for": [str(second)]}
    assert refused(client.patch(at, json=body), 428)
    read = client.get(at)
    changed = client.patch(at, json=body, headers={"If-Match": read.headers["ETag"]})
    assert changed.json()["speaks_for"] == [str(second)]
    assert refused(client.patch(at, json=body, headers={"If-Match": read.headers["ETag"]}), 412)
    wrong = {"topics": ["#"], "reads": ["wk/v1/other/#"], "sources": [str(first)]}
    answer = client.patch(at, json=wrong, headers={"If-Match": changed.headers["ETag"]})
    assert len(answer.json()["problems"]) == 3


def test_a_bridge_is_given_nothing_to_read_of_another_site_s_source(
    client: TestClient, site: SmallSite, other_site: UUID, make_user: MakeUser, database: Database
) -> None:
    with database.write() as session:
        new = NewSource("theirs", "theirs/#", "zigbee2mqtt")
        create_source(session, other_site, new, actor=events.SYSTEM, now=NOON)
    device_id = sorted(site.devices.values(), key=str)[0]
    at = f"/api/v1/devices/{device_id}/identity"
    of_this_site = make_user("administrator", site.id).headers
    tag, body = client.get(at).headers["ETag"], {"reads": ["theirs/+/state"]}
    answer = client.patch(at, json=body, headers={**of_this_site, "If-Match": tag})
    assert "of another site" in refused(answer, 403)
    assert client.patch(at, json=body, headers={"If-Match": tag}).status_code == 200
    # What stands already is not asked again.
    tag = client.get(at).headers["ETag"]
    again = client.patch(at, json=body, headers={**of_this_site, "If-Match": tag})
    assert again.status_code == 200


def test_another_way_is_shown_and_accepted(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    device_id = sorted(site.devices.values(), key=str)[0]
    at = f"/api/v1/devices/{device_id}"
    assert refused(client.post(f"{at}/accept-way"), 409)
    with database.write() as session:
        session.get_one(Device, device_id).source_id = None
        note_hearing(session, device_id, ("", None), ("z2m", "bridge"), at=NOON)
    way = client.get(f"{at}/identity").json()["way"]
    assert (way["source"], way["stray_source"], way["stray_through"]) == ("", "z2m", "bridge")
    accepted = client.post(f"{at}/accept-way").json()["way"]
    assert (accepted["source"], accepted["through"]) == ("z2m", "bridge")
    assert client.get("/api/v1/broker-accounts").json()["shared"] == []
