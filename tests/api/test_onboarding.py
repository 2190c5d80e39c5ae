"""Onboarding over HTTP: proposals, announced devices, profiles of one's own, replacement."""

from uuid import uuid4

from fastapi.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.devices import note_waiting
from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite

BASE = "/api/v1"
OWN = """\
name: {en: Our cellar box, zh: 自研水浸盒}
asset: water_leak
known: [{maker: Ours, model: [CB-1]}]
points:
  leak: {keys: [wet]}
interval: 1h
rules: [water-leak]
"""


def test_waiting_devices_are_adopted_as_proposed_each_by_itself(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, database: Database,
    clock: SimulatedClock,
) -> None:  # fmt: skip
    manager = make_user("manager", site.id)
    with database.write() as session:
        leak = note_waiting(session, site.id, "leak-1", {"water_leak": False}, clock.now()).id
        odd = note_waiting(session, site.id, "odd-1", {"flux": 1}, clock.now()).id
    shown = anonymous.get(f"{BASE}/devices/{leak}/suggestion", headers=manager.headers).json()
    assert shown["profile"] == "water-leak"
    assert shown["battery"] == {"cell": "CR2032", "count": 1}
    ids = [leak, odd, uuid4()]
    body = {"items": [{"device_id": str(one)} for one in ids]}
    made = anonymous.post(f"{BASE}/device-adoptions", headers=manager.headers, json=body)
    told = made.json()["items"]
    assert [one["adopted"] for one in told] == [True, False, False]
    assert "fits one" in told[1]["problems"][0]
    device = anonymous.get(f"{BASE}/devices/{leak}", headers=manager.headers).json()
    assert device["state"] == "active"


def test_announcing_is_idempotent_and_one_wrong_line_announces_nothing(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    manager = make_user("manager", site.id)
    body = {"site_id": str(site.id), "devices": [{"code": "24:E1:24:13:6B:32:41:85"}]}
    headers = {**manager.headers, "Idempotency-Key": "box-7"}
    made = [
        anonymous.post(f"{BASE}/expected-devices", headers=headers, json=body) for _ in range(2)
    ]
    assert [one.status_code for one in made] == [201, 201]
    assert made[0].json() == made[1].json()
    listed = anonymous.get(f"{BASE}/expected-devices", headers=manager.headers).json()["items"]
    assert [one["key"] for one in listed] == ["24E124136B324185"]
    assert [(one["problem"], one["problem_code"]) for one in listed] == [("", None)]
    wrong = {**body, "devices": [{"code": "new"}, {"code": "new-2", "profile": "no-such"}]}
    refused = anonymous.post(f"{BASE}/expected-devices", headers=manager.headers, json=wrong)
    assert refused.status_code == 422
    assert "devices[1].profile" in refused.text
    drop = f"{BASE}/expected-devices/{listed[0]['id']}/drop"
    assert anonymous.post(drop, headers=manager.headers).status_code == 204
    assert anonymous.post(drop, headers=manager.headers).status_code == 409


def test_a_profile_of_ones_own_is_known_at_once_and_may_replace_a_shipped_one(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite,
    database: Database, clock: SimulatedClock,
) -> None:  # fmt: skip
    admin = make_user("administrator", site.company_id)
    address = f"{BASE}/device-profiles/cellar-box"
    made = anonymous.put(address, headers=admin.headers, json={"document": OWN})
    assert made.status_code == 200, made.text
    assert (made.json()["own"], made.json()["version"]) == (True, 1)
    with database.write() as session:
        box = note_waiting(session, site.id, "box-1", {"wet": True}, clock.now()).id
    shown = anonymous.get(f"{BASE}/devices/{box}/suggestion", headers=admin.headers).json()
    assert (shown["profile"], shown["asset_type"]) == ("cellar-box", "water_leak")
    stale = {**admin.headers, "If-Match": '"7"'}
    again = anonymous.put(address, headers=stale, json={"document": OWN})
    assert again.status_code == 412
    bad = anonymous.put(address, headers=admin.headers, json={"document": "asset: watr_leak\n"})
    assert bad.status_code == 422
    assert "did you mean 'water_leak'" in bad.text
    # Whoever administers one site alone writes nothing for all.
    local = make_user("administrator", site.id)
    refused = anonymous.put(address, headers=local.headers, json={"document": OWN})
    assert refused.status_code == 403
    assert anonymous.delete(address, headers=admin.headers).status_code == 204
    assert anonymous.delete(address, headers=admin.headers).status_code == 404
    listed = anonymous.get(f"{BASE}/device-profiles", headers=admin.headers).json()["items"]
    assert len(listed) >= 40
    assert not any(one["own"] for one in listed)


def test_a_replacement_is_seen_before_done_and_taken_back(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, database: Database,
    clock: SimulatedClock,
) -> None:  # fmt: skip
    manager = make_user("manager", site.id)
    with database.write() as session:
        said = {"temp": 55.0, "run": True}
        new = note_waiting(session, site.id, "pump-new", said, clock.now()).id
    old = site.devices["pump-1"]
    path = f"{BASE}/devices/{new}/replacement"
    seen = anonymous.get(path, headers=manager.headers, params={"old": str(old)}).json()
    assert {one["old_key"]: one["key"] for one in seen["points"]} == {"temp": "temp", "run": "run"}
    done = anonymous.post(path, headers=manager.headers, json={"old_id": str(old)})
    assert done.json()["state"] == "active"
    assert anonymous.post(f"{path}/undo", headers=manager.headers).json()["id"] == str(old)
    assert anonymous.post(f"{path}/undo", headers=manager.headers).status_code == 409
