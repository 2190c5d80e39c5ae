"""Categories of tickets over HTTP."""

from starlette.testclient import TestClient

from tests.fixtures import SmallSite

POOL = {"name": {"en": "Pool", "zh": "泳池"}, "team": "pool-team", "priority": "high"}


def test_a_category_is_kept_inherited_and_gives_a_ticket_its_team(
    client: TestClient, site: SmallSite
) -> None:
    kept = f"/api/v1/nodes/{site.company_id}/ticket-categories/pool"
    made = client.put(kept, json=POOL)
    assert made.status_code == 200, made.text
    assert client.put(kept, json=POOL, headers={"If-Match": '"9"'}).status_code == 412
    items = client.get(f"/api/v1/nodes/{site.id}/ticket-categories").json()["items"]
    assert {"pool", "fire"} <= {item["code"] for item in items}
    body = {"site_id": str(site.id), "title": "It drips", "category": "pool"}
    ticket = client.post("/api/v1/tickets", json=body).json()
    assert (ticket["team"], ticket["priority"]) == ("pool-team", "high")
    given = client.post("/api/v1/tickets", json={**body, "team": "service", "priority": "low"})
    assert (given.json()["team"], given.json()["priority"]) == ("service", "low")
    found = client.get("/api/v1/tickets", params={"category": "pool"}).json()["items"]
    assert len(found) == 2
    assert client.get("/api/v1/tickets", params={"category": "fire"}).json()["items"] == []


def test_an_unknown_or_retired_category_is_refused_with_advice(
    client: TestClient, site: SmallSite
) -> None:
    kept = f"/api/v1/nodes/{site.id}/ticket-categories"
    assert client.put(f"{kept}/lift", json={**POOL, "retired": True}).status_code == 200
    for code in ("sauna", "lift"):
        body = {"site_id": str(site.id), "title": "It drips", "category": code}
        refused = client.post("/api/v1/tickets", json=body)
        assert refused.status_code == 422
        assert "take one of" in refused.json()["problems"][0]
    assert client.put(f"{kept}/The%20Pool", json=POOL).status_code == 422
