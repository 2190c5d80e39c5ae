"""Shift codes over HTTP."""

from starlette.testclient import TestClient

from tests.fixtures import SmallSite

BODY = {"name": {"zh": "两头班"}, "starts": "06:00", "ends": "10:00", "written": ["两"]}


def test_a_shift_code_is_kept_and_inherited(client: TestClient, site: SmallSite) -> None:
    kept = f"/api/v1/nodes/{site.company_id}/shift-codes"
    made = client.put(f"{kept}/split", json=BODY)
    assert made.status_code == 200, made.text
    assert made.headers["ETag"] == '"1"'
    stale = client.put(f"{kept}/split", json=BODY, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    listed = client.get(f"/api/v1/nodes/{site.id}/shift-codes").json()["items"]
    assert listed[0]["code"] == "early"
    assert listed[0]["node_id"] is None
    assert (listed[-1]["code"], listed[-1]["node_id"]) == ("split", str(site.company_id))


def test_a_shift_code_that_means_another_is_refused(client: TestClient, site: SmallSite) -> None:
    kept = f"/api/v1/nodes/{site.id}/shift-codes"
    refused = client.put(f"{kept}/split", json={**BODY, "written": ["夜"]})
    assert refused.status_code == 422
    assert "night" in refused.json()["problems"][0]
    assert client.put(f"{kept}/split", json={**BODY, "starts": "6"}).status_code == 422


def test_a_template_of_a_roster_is_given(client: TestClient, site: SmallSite) -> None:
    answer = client.get("/api/v1/import-template?language=zh&sheet=roster")
    assert answer.status_code == 200
    assert "排班" not in answer.text.splitlines()[0]
    assert "月份,1,2,3" in answer.text
