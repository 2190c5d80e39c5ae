"""Posts over HTTP: set up, come to, left, with orders that are acknowledged; who may see whom."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.patrol.post_shapes import DutyItem, OrdersItem, PostWhole
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.api.guarded import put_checkpoints
from tests.fixtures import NOON, SmallSite
from workflows.patrol.posts import WAYS

API = "/api/v1"
UID = "04BEEF"


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


@pytest.fixture
def gate(client: TestClient, database: Database, site: SmallSite) -> str:
    """The id of a post with a tag at its checkpoint."""
    [point] = put_checkpoints(database, site.id, "gate")
    tag = {"kind": "static_tag", "value": UID}
    assert client.post(f"{API}/checkpoints/{point}/tokens", json=tag).status_code == 201
    made = client.post(f"{API}/posts", json=body(site, checkpoint_id=str(point)))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def body(site: SmallSite, **more: Any) -> dict[str, Any]:
    name = {"en": "North gate", "zh": "北门岗"}
    return {"site_id": str(site.id), "code": "north", "name": name, "team": "security", **more}


def read(client: TestClient, gate: str, user: User | None = None) -> dict[str, Any]:
    answer = client.get(f"{API}/posts/{gate}", headers=user.headers if user else {})
    assert answer.status_code == 200, answer.text
    PostWhole.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def post(client: TestClient, path: str, user: User | None = None, /, **fields: Any) -> Any:
    return client.post(f"{API}/{path}", json=fields, headers=user.headers if user else {})


def test_a_post_is_made_once_changed_by_version_and_retired(
    client: TestClient, site: SmallSite, gate: str
) -> None:
    key = {"Idempotency-Key": "one"}
    twice = [
        client.post(f"{API}/posts", json=body(site, code="south"), headers=key) for _ in range(2)
    ]
    assert twice[0].json() == twice[1].json()
    assert post(client, "posts", **body(site)).status_code == 409
    wrong = post(client, "posts", **body(site, code="x", team="nobody", hours=["never"]))
    assert wrong.status_code == 422
    assert len(wrong.json()["problems"]) == 2
    change = body(site, minimum_crew=2)
    del change["site_id"]
    assert client.put(f"{API}/posts/{gate}", json=change).status_code == 428
    tag = {"If-Match": client.get(f"{API}/posts/{gate}").headers["ETag"]}
    changed = client.put(f"{API}/posts/{gate}", json=change, headers=tag)
    assert (changed.json()["minimum_crew"], changed.json()["missing"]) == (2, 2)
    assert client.put(f"{API}/posts/{gate}", json=change, headers=tag).status_code == 412
    assert post(client, f"posts/{gate}/retire").json()["state"] == "retired"
    refused = post(client, f"posts/{gate}/retire")
    assert (refused.status_code, refused.json()["title"]) == (409, "Conflict")
    listed = client.get(f"{API}/posts", params={"site": str(site.id), "state": "active"})
    assert [item["code"] for item in listed.json()["items"]] == ["south"]
    assert post(client, f"posts/{gate}/reactivate").json()["state"] == "active"


def test_a_guard_comes_by_a_scan_and_leaves_by_themselves(
    client: TestClient,
    clock: SimulatedClock,
    gate: str,
    guard: User,
    make_user: MakeUser,
    site: SmallSite,
) -> None:
    scan = {"id": str(new_id()), "occurred_at": NOON.isoformat(), "kind": "static_tag", "uid": UID}
    said = post(client, "scans", guard, site_id=str(site.id), **scan)
    assert said.json()["evidence"]["post"] == "came"
    whole = read(client, gate, guard)
    [here] = whole["crew"]
    assert (here["person_id"], here["came_by"]) == (str(guard.person_id), "scan")
    assert (whole["needed"], whole["missing"]) == (1, 0)
    # Times of others are for who may see whose scans are whose, and so is who is there.
    other = make_user("guard", site.id)
    assert (whole["present"], read(client, gate, other)["crew"]) == (1, [])
    assert [read(client, gate, user)["present"] for user in (other, None)] == [1, 1]
    assert [one["person_id"] for one in read(client, gate)["crew"]] == [str(guard.person_id)]

    def times(user: User | None) -> list[dict[str, Any]]:
        answer = client.get(f"{API}/post-duties", headers=user.headers if user else {})
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    assert [len(times(user)) for user in (guard, other, None)] == [1, 0, 1]
    duty = here["duty_id"]
    assert post(client, f"post-duties/{duty}/leave", other).status_code == 404
    clock.advance_to(to_micros(NOON) + 60_000_000)
    assert post(client, f"post-duties/{duty}/leave", guard).json()["left_by"] == "self"
    again = post(client, f"post-duties/{duty}/leave", guard)
    assert again.status_code == 200
    DutyItem.model_validate(again.json())
    assert again.json()["left_by"] in WAYS
    assert read(client, gate)["missing"] == 1


def test_a_supervisor_lets_in_by_name_or_by_card(
    client: TestClient, gate: str, guard: User, site: SmallSite
) -> None:
    path, who = f"posts/{gate}/clock-in", dict[str, Any](person_id=str(guard.person_id))
    assert post(client, path, guard, **who, reason="Late").status_code == 403
    assert post(client, path).status_code == 422
    assert post(client, path, **who, card="7").status_code == 422
    assert post(client, path, **who).json()["problems"] == ["reason: 1 to 500 characters"]
    assert post(client, path, card="7").status_code == 404
    badge: dict[str, Any] = {"site_id": str(site.id), **who, "kind": "card", "number": "7"}
    assert post(client, "badges", **badge).status_code == 201
    assert post(client, path, card="007").json()["came_by"] == "card"
    # Somewhere else they can't be at the same time, and the answer says what to do.
    other = post(client, "posts", **body(site, code="south")).json()["id"]
    refused = post(client, f"posts/{other}/clock-in", **who, reason="Late")
    assert refused.status_code == 409
    assert "north" in refused.json()["detail"]
    assert "leave" in refused.json()["advice"]


def test_orders_are_drafted_published_and_acknowledged(
    client: TestClient, gate: str, guard: User
) -> None:
    path, text = f"{API}/posts/{gate}/orders", {"en": "Watch the barrier.", "zh": "看守道闸。"}
    first = client.put(f"{path}/draft", json={"en": text["en"]})
    assert (first.status_code, first.json()["number"]) == (200, 1)
    OrdersItem.model_validate(first.json())
    assert client.put(f"{path}/draft", json=text).status_code == 428
    tag = {"If-Match": first.headers["ETag"]}
    refused = client.post(f"{path}/publish", headers=tag)
    assert refused.json()["problems"] == ["body.zh: write it in both languages"]
    assert client.get(path, headers=guard.headers).json()["items"] == []
    whole = client.put(f"{path}/draft", json=text, headers=tag)
    assert client.put(f"{path}/draft", json=text, headers=tag).status_code == 412
    stale = client.post(f"{path}/publish", headers=tag)
    assert stale.status_code == 412
    out = client.post(f"{path}/publish", headers={"If-Match": whole.headers["ETag"]})
    assert out.json()["state"] == "published"
    gone = client.put(f"{path}/draft", json=text, headers={"If-Match": whole.headers["ETag"]})
    assert gone.status_code == 412
    post(client, f"posts/{gate}/clock-in", person_id=str(guard.person_id), reason="No tag")
    readers = client.get(f"{path}/readers").json()
    assert (readers["number"], readers["items"][0]["read_at"]) == (1, None)
    assert client.get(f"{path}/readers", headers=guard.headers).status_code == 403
    [orders] = client.get(path, headers=guard.headers).json()["items"]
    seen = f"post-orders/{orders['id']}/acknowledge"
    assert post(client, seen, guard, digest="0" * 64).status_code == 409
    done = post(client, seen, guard, digest=orders["digest"])
    assert done.json() == post(client, seen, guard, digest=orders["digest"]).json()
    assert read(client, gate)["crew"][0]["knows_orders"]
    assert client.get(path).json()["items"][0]["reads"] == 1


def test_a_shift_counts_hands_over_and_passes_down(
    client: TestClient, gate: str, guard: User, make_user: MakeUser, site: SmallSite
) -> None:
    path = f"{API}/posts/{gate}"
    tag = {"If-Match": client.get(f"{path}/items").headers["ETag"]}
    keys = {"items": [{"kind": "key", "name": "Master key", "number": 3}]}
    assert client.put(f"{path}/items", json=keys).status_code == 428
    [item] = client.put(f"{path}/items", json=keys, headers=tag).json()["items"]
    assert client.put(f"{path}/items", json=keys, headers=tag).status_code == 412
    mine = {"counted": [{"item_id": item["id"], "number": 3}], "note": "Quiet"}
    assert post(client, f"posts/{gate}/hand-overs", guard, **mine).status_code == 409
    post(client, f"posts/{gate}/clock-in", person_id=str(guard.person_id), reason="No tag")
    headers = {**guard.headers, "Idempotency-Key": "one"}
    twice = [client.post(f"{path}/hand-overs", json=mine, headers=headers).json() for _ in range(2)]
    assert twice[0] == twice[1]
    assert twice[0]["lists"]["items"][0]["counted"] == 3
    accept = f"hand-overs/{twice[0]['id']}/accept"
    assert post(client, accept, guard).status_code == 409
    other = make_user("guard", site.id)
    assert post(client, accept, other, remark="Fine").json()["state"] == "accepted"
    [listed] = client.get(f"{path}/hand-overs", headers=guard.headers).json()["items"]
    assert (listed["remark"], listed["post_id"]) == ("Fine", gate)
    assert post(client, f"posts/{gate}/log", guard, text="Barrier sticks").status_code == 201
    [entry] = client.get(f"{path}/log", headers=other.headers).json()["items"]
    post(client, f"posts/{gate}/log", guard, text="Key is back")
    seen = {"up_to": entry["id"]}
    assert post(client, f"posts/{gate}/log/read", other, **seen).json() == {
        "entries": 1,
        "unread": 1,
    }
    assert post(client, f"posts/{gate}/log/read", other).status_code == 422
    [_, entry] = client.get(f"{path}/log").json()["items"]
    assert (entry["text"], len(entry["readers"])) == ("Barrier sticks", 1)
