"""The lists of problems of stickers over HTTP."""

from starlette.testclient import TestClient

from tests.fixtures import SmallSite

BODY = {
    "problems": [
        {"code": "drips", "name": {"en": "It drips", "zh": "滴水"}, "priority": "low"},
        {"code": "smokes", "name": {"zh": "冒烟"}, "kind": "hazard", "priority": "critical"},
    ]
}


def test_a_list_is_kept_and_inherited(client: TestClient, site: SmallSite) -> None:
    kept = f"/api/v1/nodes/{site.company_id}/sticker-problems"
    made = client.put(f"{kept}/asset:pump", json=BODY)
    assert made.status_code == 200, made.text
    assert made.headers["ETag"] == '"1"'
    stale = client.put(f"{kept}/asset:pump", json=BODY, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    items = client.get(f"/api/v1/nodes/{site.id}/sticker-problems").json()["items"]
    shown = {item["about"]: item for item in items}
    assert [one["code"] for one in shown["asset:pump"]["problems"]] == ["drips", "smokes"]
    assert shown["asset:pump"]["node_id"] == str(site.company_id)
    assert shown["asset:lift"]["node_id"] is None


def test_a_list_that_makes_no_sense_is_refused(client: TestClient, site: SmallSite) -> None:
    kept = f"/api/v1/nodes/{site.id}/sticker-problems"
    assert client.put(f"{kept}/asset:spaceship", json=BODY).status_code == 422
    assert client.put(f"{kept}/asset", json={**BODY, "retired": True}).status_code == 422
