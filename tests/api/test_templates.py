"""Templates of tickets over HTTP."""

from starlette.testclient import TestClient

from tests.fixtures import SmallSite

BODY = {
    "name": {"en": "Pump service", "zh": "水泵保养"},
    "title": {"en": "Service the pump", "zh": "保养水泵"},
    "description": {"en": "Twice a year"},
    "priority": "low",
    "items": [{"text": {"zh": "压力"}, "kind": "number", "unit": "bar", "low": 2, "high": 6}],
}


def test_a_template_is_kept_inherited_and_opens_a_ticket(
    client: TestClient, site: SmallSite
) -> None:
    kept = f"/api/v1/nodes/{site.company_id}/ticket-templates"
    made = client.put(f"{kept}/pump-service", json=BODY)
    assert made.status_code == 200, made.text
    assert made.headers["ETag"] == '"1"'
    stale = client.put(f"{kept}/pump-service", json=BODY, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    [shown] = client.get(f"/api/v1/nodes/{site.id}/ticket-templates").json()["items"]
    assert (shown["code"], shown["node_id"]) == ("pump-service", str(site.company_id))
    wanted = {"site_id": str(site.id), "template": "pump-service", "kind": "hazard"}
    opened = client.post("/api/v1/tickets", json=wanted)
    assert opened.status_code == 201, opened.text
    ticket = opened.json()
    assert (ticket["kind"], ticket["priority"]) == ("hazard", "low")
    assert ticket["title"] == BODY["title"]
    assert ticket["description"] == "Twice a year"
    assert [item["unit"] for item in ticket["checklist"]] == ["bar"]


def test_an_unknown_template_or_no_title_is_refused(client: TestClient, site: SmallSite) -> None:
    for more in ({"template": "nothing", "title": "It drips"}, {}):
        refused = client.post("/api/v1/tickets", json={"site_id": str(site.id), **more})
        assert refused.status_code == 422, refused.text
        assert refused.json()["problems"]


def test_a_template_that_makes_no_sense_is_refused(client: TestClient, site: SmallSite) -> None:
    kept = f"/api/v1/nodes/{site.id}/ticket-templates"
    assert client.put(f"{kept}/Pump%20Service", json=BODY).status_code == 422
    assert client.put(f"{kept}/pump", json={**BODY, "title": {}}).status_code == 422
