"""Households over HTTP."""

import pytest
from starlette.testclient import TestClient

from tests.api.conftest import MakeUser
from tests.fixtures import SmallSite

ZHAO = {"name": "Zhao Lei", "phones": ["138 0013 8000"], "relation": "tenant"}


def test_somebody_is_added_changed_moved_out_and_erased(
    client: TestClient, theirs: dict[str, str]
) -> None:
    path = f"/api/v1/spaces/{theirs['space_id']}/household"
    made = client.post(path, json=ZHAO, headers={"Idempotency-Key": "a"})
    again = client.post(path, json=ZHAO, headers={"Idempotency-Key": "a"})
    assert (made.status_code, again.json()) == (201, made.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    shown = {item["id"]: item for item in client.get(path).json()["items"]}
    assert shown[made.json()["id"]]["phones"] == ["13800138000"]
    one = f"/api/v1/residents/{made.json()['id']}"
    assert client.patch(one, json={"relation": "owner"}).status_code == 428
    changed = client.patch(one, json={"relation": "owner"}, headers={"If-Match": "*"})
    assert (changed.json()["relation"], changed.json()["version"]) == ("owner", 2)
    stale = {"If-Match": '"1"'}
    assert client.patch(one, json={"name": "Zhao"}, headers=stale).status_code == 412
    out = client.post(f"{one}/move-out")
    assert out.json()["until"] is not None
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"phones": ["call me"]}, {"since": "2026-02-02", "until": "2026-01-01"}]
)
def test_what_is_wrong_is_told_by_field(
    client: TestClient, theirs: dict[str, str], wrong: dict[str, object]
) -> None:
    refused = client.post(f"/api/v1/spaces/{theirs['space_id']}/household", json={**ZHAO, **wrong})
    assert refused.status_code == 422
    assert any(field in refused.text for field in wrong)


def test_the_search_finds_a_household_by_part_of_a_number(
    anonymous: TestClient, theirs: dict[str, str], make_user: MakeUser, site: SmallSite
) -> None:
    desk, guard = make_user("service_desk", site.id), make_user("guard", site.id)
    found = anonymous.get("/api/v1/search?q=0013", headers=desk.headers).json()["households"]
    assert [home["place"]["id"] for home in found] == [theirs["space_id"]]
    assert found[0]["residents"][0]["phones"] == ["13800138000"]
    assert anonymous.get("/api/v1/search?q=0013", headers=guard.headers).json()["households"] == []
    named = anonymous.get("/api/v1/search?q=Zhao", headers=guard.headers).json()["households"]
    assert named[0]["residents"][0]["phones"] == ["138****8000"]
