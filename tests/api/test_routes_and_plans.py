"""Routes and plans of rounds over HTTP: made, read, changed, taken out of use; by whom."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.db import Database
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.api.guarded import put_checkpoints
from tests.fixtures import SmallSite

API = "/api/v1"
PLAN = {"times": ["22:00", "02:00", "22:00"], "team": "security", "duration_min": 60}


@pytest.fixture
def gates(database: Database, site: SmallSite) -> list[str]:
    """The ids of two checkpoints."""
    return [str(each) for each in put_checkpoints(database, site.id, "gate", "roof")]


@pytest.fixture
def route(client: TestClient, site: SmallSite, gates: list[str]) -> str:
    """The id of a route through both."""
    return str(make_route(client, site, gates)["id"])


def route_of(gates: list[str], **more: Any) -> dict[str, Any]:
    points = [{"checkpoint_id": gate} for gate in gates]
    return {"code": "night", "name": {"en": "Night", "zh": "夜巡"}, "points": points, **more}


def make_route(
    client: TestClient, site: SmallSite, gates: list[str], **more: Any
) -> dict[str, Any]:
    answer = client.post(f"{API}/routes", json={**route_of(gates, **more), "site_id": str(site.id)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def make_plan(client: TestClient, route: str, **more: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/round-plans", json={**PLAN, "route_id": route, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ids(client: TestClient, path: str, **query: str) -> list[str]:
    answer = client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_a_route_is_made_once_and_read(
    client: TestClient, site: SmallSite, gates: list[str]
) -> None:
    body = {**route_of(gates), "site_id": str(site.id)}
    body["points"][1] |= {"opens_min": 10, "closes_min": 40}
    key = {"Idempotency-Key": "one"}
    made = client.post(f"{API}/routes", json=body, headers=key)
    again = client.post(f"{API}/routes", json=body, headers=key)
    assert (made.status_code, made.json()) == (201, again.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    shown = client.get(made.headers["Location"])
    assert shown.json() == made.json()
    assert shown.headers["ETag"] == made.headers["ETag"] == '"1"'
    points = shown.json()["points"]
    assert [(each["code"], each["opens_min"], each["closes_min"]) for each in points] == [
        ("gate", None, None),
        ("roof", 10, 40),
    ]
    assert (shown.json()["order"], shown.json()["take"]) == ("ordered", None)
    taken = client.post(f"{API}/routes", json=body)
    assert (taken.status_code, "night" in taken.json()["detail"]) == (409, True)


def test_a_route_is_changed_as_it_was_read_and_retired(
    client: TestClient, route: str, gates: list[str]
) -> None:
    one = f"{API}/routes/{route}"
    change = route_of(gates[::-1], order="random", take=1, name={"en": "Late"})
    assert client.put(one, json=change).status_code == 428
    for nonsense in ("x", "9" * 5000):
        assert client.put(one, json=change, headers={"If-Match": nonsense}).status_code == 422
    tag = {"If-Match": client.get(one).headers["ETag"]}
    other_code = client.put(one, json={**change, "code": "other"}, headers=tag)
    assert (other_code.status_code, other_code.json()["problems"]) == (
        422,
        ["code: cannot be changed"],
    )
    changed = client.put(one, json=change, headers=tag)
    assert changed.status_code == 200, changed.text
    assert changed.json() == client.get(one).json()
    assert [each["checkpoint_id"] for each in changed.json()["points"]] == gates[::-1]
    assert (changed.json()["take"], changed.headers["ETag"]) == (1, '"2"')
    assert client.put(one, json=change, headers=tag).status_code == 412
    assert client.post(f"{one}/retire").json()["state"] == "retired"
    assert client.post(f"{one}/retire").status_code == 409
    assert client.put(one, json=change, headers={"If-Match": "*"}).status_code == 409
    assert client.post(f"{one}/reactivate").json()["state"] == "active"
    assert client.post(f"{one}/reactivate").status_code == 409


def test_routes_are_filtered_and_paged(
    client: TestClient, site: SmallSite, gates: list[str], other_site: UUID, database: Database
) -> None:
    here = [make_route(client, site, gates, code=code)["id"] for code in ("a", "b", "c")]
    theirs = [str(each) for each in put_checkpoints(database, other_site, "west")]
    body = {**route_of(theirs, code="a"), "site_id": str(other_site)}
    there = client.post(f"{API}/routes", json=body).json()["id"]
    client.post(f"{API}/routes/{here[0]}/retire")
    assert ids(client, "routes") == [there, *here[::-1]]
    assert ids(client, "routes", site=str(site.id)) == here[::-1]
    assert ids(client, "routes", state="retired") == [here[0]]
    first = client.get(f"{API}/routes?limit=3").json()
    rest = client.get(f"{API}/routes", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in rest["items"]] == [here[0]]
    assert rest["next"] is None
    for wrong in ("state=nice", "cursor=x", "limit=0"):
        assert client.get(f"{API}/routes?{wrong}").status_code == 422


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"code": "Night!"}, "code: small letters"),
        ({"code": ""}, "code"),
        ({"code": "n" * 41}, "code"),
        ({"name": {}}, "name: 1 to 120"),
        ({"name": {"en": "n" * 121}}, "name: 1 to 120"),
        ({"order": "fast"}, "order"),
        ({"take": 1}, "take: only a route"),
        ({"take": 0, "order": "random"}, "take"),
        ({"take": 3, "order": "random"}, "take: 1 to"),
        ({"take": 2**70, "order": "random"}, "take"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_route_is_told(
    client: TestClient, site: SmallSite, gates: list[str], more: dict[str, Any], told: str
) -> None:
    refused(client, {**route_of(gates, **more), "site_id": str(site.id)}, told)


def refused(client: TestClient, body: dict[str, Any], told: str) -> None:
    answer = client.post(f"{API}/routes", json=body)
    assert answer.status_code == 422, answer.text
    assert any(each.startswith(told) for each in answer.json()["problems"]), answer.text
    assert ids(client, "routes") == []


def test_a_route_goes_to_checkpoints_of_its_site_that_are_in_use(
    client: TestClient, site: SmallSite, gates: list[str], database: Database, other_site: UUID
) -> None:
    [west] = put_checkpoints(database, other_site, "west")
    assert client.post(f"{API}/checkpoints/{gates[1]}/retire").status_code == 200
    pump = site.assets["pump-1"]
    strange = "points.0: a checkpoint of this site"
    for through, order, told in (
        ([], "ordered", "points"),
        (gates[:1] * 201, "ordered", "points"),
        ([str(west)], "ordered", strange),
        ([str(pump)], "ordered", strange),
        ([str(new_id())], "ordered", strange),
        (gates, "ordered", "points.1: this checkpoint is out of use"),
        (gates[:1] * 2, "unordered", "points: only an ordered route"),
    ):
        refused(client, {**route_of(through, order=order), "site_id": str(site.id)}, told)
    assert make_route(client, site, gates[:1] * 2)["order"] == "ordered"


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ({"opens_min": -1}, "points.0.opens_min"),
        ({"closes_min": 1441}, "points.0.closes_min"),
        ({"opens_min": 10, "closes_min": 10}, "points.0: closes_min: later"),
        ({"opens": 10}, "points.0.opens"),
    ],
)
def test_what_is_wrong_with_the_window_of_a_point_is_told(
    client: TestClient, site: SmallSite, gates: list[str], window: dict[str, int], told: str
) -> None:
    body = {**route_of(gates), "site_id": str(site.id)}
    body["points"][0] |= window
    refused(client, body, told)


def test_a_plan_is_made_once_read_changed_and_retired(client: TestClient, route: str) -> None:
    body = {**PLAN, "route_id": route}
    key = {"Idempotency-Key": "one"}
    made = client.post(f"{API}/round-plans", json=body, headers=key)
    assert made.status_code == 201, made.text
    assert client.post(f"{API}/round-plans", json=body, headers=key).json() == made.json()
    one = made.headers["Location"]
    shown = client.get(one)
    assert shown.json() == made.json()
    plan = shown.json()
    assert (plan["times"], plan["weekdays"]) == (["02:00", "22:00"], [1, 2, 3, 4, 5, 6, 7])
    assert (plan["tolerance_min"], plan["settle_min"]) == (15, 720)
    assert (plan["route_code"], plan["route_name"]["zh"]) == ("night", "夜巡")
    # The next 36 hours are planned at once.
    assert len(ids(client, "rounds", route=route)) == 3
    change = {**PLAN, "times": ["12:30"], "weekdays": [2], "tolerance_min": 0}
    assert client.put(one, json=change).status_code == 428
    tag = {"If-Match": shown.headers["ETag"]}
    changed = client.put(one, json=change, headers=tag)
    assert changed.status_code == 200, changed.text
    assert changed.json() == client.get(one).json()
    assert client.put(one, json=change, headers=tag).status_code == 412
    assert len(ids(client, "rounds", route=route)) == 1
    assert client.post(f"{one}/retire").json()["state"] == "retired"
    assert client.post(f"{one}/retire").status_code == 409
    assert client.put(one, json=change, headers={"If-Match": "*"}).status_code == 409
    assert ids(client, "rounds") == []
    assert client.post(f"{one}/reactivate").json()["state"] == "active"
    assert len(ids(client, "rounds")) == 1


def test_plans_are_filtered(
    client: TestClient, site: SmallSite, route: str, gates: list[str]
) -> None:
    other = make_route(client, site, gates, code="day")["id"]
    plans = [make_plan(client, each)["id"] for each in (route, other)]
    client.post(f"{API}/round-plans/{plans[0]}/retire")
    assert ids(client, "round-plans") == plans[::-1]
    assert ids(client, "round-plans", site=str(site.id)) == plans[::-1]
    assert ids(client, "round-plans", site=str(new_id())) == []
    assert ids(client, "round-plans", route=route) == plans[:1]
    assert ids(client, "round-plans", state="active") == plans[1:]
    assert client.get(f"{API}/round-plans?state=nice").status_code == 422


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"times": []}, "times"),
        ({"times": ["12:00"] * 97}, "times"),
        ({"times": ["25:00"]}, "times: '25:00'"),
        ({"times": ["1٢:0٣"]}, "times: '1٢:0٣'"),
        ({"times": ["8:00"]}, "times: '8:00'"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [8]}, "weekdays"),
        ({"team": "nobody"}, "team: one of this site"),
        ({"team": ""}, "team"),
        ({"duration_min": 0}, "duration_min"),
        ({"duration_min": 1441}, "duration_min"),
        ({"tolerance_min": 61}, "tolerance_min: 0 to duration_min"),
        ({"tolerance_min": -1}, "tolerance_min"),
        ({"settle_min": 10081}, "settle_min"),
        ({"settle_min": 2**40}, "settle_min"),
        ({"hours": "nowhere"}, "hours: the code"),
        ({"outside": True}, "outside: needs hours"),
        ({"site_id": str(new_id())}, "site_id"),
    ],
)
def test_what_is_wrong_with_a_plan_is_told(
    client: TestClient, route: str, more: dict[str, Any], told: str
) -> None:
    made = client.post(f"{API}/round-plans", json={**PLAN, "route_id": route, **more})
    assert made.status_code == 422, made.text
    assert any(each.startswith(told) for each in made.json()["problems"]), made.text
    assert ids(client, "round-plans") == []
    one = f"{API}/round-plans/{make_plan(client, route)['id']}"
    kept = client.put(one, json={**PLAN, **more}, headers={"If-Match": '"1"'})
    assert (kept.status_code, client.get(one).json()["version"]) == (422, 1)


def test_who_only_scans_reads_routes_and_plans_and_strangers_know_of_none(
    client: TestClient, site: SmallSite, route: str, make_user: MakeUser, stranger: User
) -> None:
    plan = make_plan(client, route)["id"]
    guard = make_user("guard", site.id)
    etag = {"If-Match": '"1"'}
    whole = route_of([str(new_id())])
    for one, body in ((f"routes/{route}", whole), (f"round-plans/{plan}", PLAN)):
        address = f"{API}/{one}"
        assert client.get(address, headers=guard.headers).status_code == 200
        assert client.get(address, headers=stranger.headers).status_code == 404
        for user, wanted in ((guard, 403), (stranger, 404)):
            answer = client.put(address, json=body, headers={**user.headers, **etag})
            assert answer.status_code == wanted
            for action in ("retire", "reactivate"):
                answer = client.post(f"{address}/{action}", headers=user.headers)
                assert answer.status_code == wanted
    there = {**whole, "site_id": str(site.id)}
    of_ours = {**PLAN, "route_id": route}
    for user, wanted in ((guard, 403), (stranger, 403)):
        answer = client.post(f"{API}/routes", json=there, headers=user.headers)
        assert answer.status_code == wanted
    for user, wanted in ((guard, 403), (stranger, 404)):
        answer = client.post(f"{API}/round-plans", json=of_ours, headers=user.headers)
        assert answer.status_code == wanted
    for path in ("routes", "round-plans", "rounds"):
        answer = client.get(f"{API}/{path}", headers=stranger.headers)
        assert answer.json() == {"items": [], "next": None}
    unknown = {**PLAN, "route_id": str(new_id())}
    assert client.post(f"{API}/round-plans", json=unknown).status_code == 404


def test_bounds_stand_in_the_reference(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    route, plan = (schemas[name]["properties"] for name in ("RouteToMake", "PlanToMake"))
    assert (route["points"]["minItems"], route["points"]["maxItems"]) == (1, 200)
    assert plan["duration_min"]["maximum"] == 1440
    assert (plan["tolerance_min"]["default"], plan["settle_min"]["default"]) == (15, 720)


def test_a_plan_by_statute_is_made_read_and_judged(
    client: TestClient, site: SmallSite, gates: list[str], route: str, make_user: MakeUser
) -> None:
    listed = client.get(f"{API}/patrol-statutes").json()["items"]
    daily = next(one for one in listed if one["times_a_day"] == 1)
    looked_at = {item["code"]: ["*"] for item in daily["items"]}
    under = {"code": daily["code"], "hours": "", "items": {**looked_at, "exits": [gates[1]]}}
    made = make_plan(client, route, statute=under)
    assert made["statute"] == under
    assert make_plan(client, route)["statute"] is None
    (kept,) = client.get(f"{API}/patrol-coverage", params={"site": str(site.id)}).json()["items"]
    assert (kept["kept"], kept["findings"], kept["plan_ids"]) == (True, [], [made["id"]])
    # Taken out of the route, where the exits were looked at.
    etag = client.get(f"{API}/routes/{route}").headers["etag"]
    shorter = client.put(
        f"{API}/routes/{route}", json=route_of(gates[:1]), headers={"If-Match": etag}
    )
    assert shorter.status_code == 200, shorter.text
    (broken,) = client.get(f"{API}/patrol-coverage", params={"route": route}).json()["items"]
    assert (broken["kept"], broken["findings"][0]["code"]) == (False, "items")
    assert broken["findings"][0]["items"] == ["exits"]
    refused = client.post(
        f"{API}/round-plans",
        json={**PLAN, "route_id": route, "statute": {"code": "none-such"}},
    )
    assert refused.status_code == 422
    assert refused.json()["problems"][0].startswith("statute: one of")
    # Of sites that somebody does not see, nothing.
    stranger = make_user("resident", site.id)
    seen = client.get(f"{API}/patrol-coverage", headers=stranger.headers)
    assert seen.status_code == 403


def test_how_long_a_route_takes_is_not_said_before_it_is_known(
    client: TestClient, route: str
) -> None:
    made = make_plan(client, route)
    times = client.get(f"{API}/routes/{route}/times").json()
    assert (times["known"], times["usual_s"], times["legs"][0]["n"]) == (0, None, 0)
    assert times["plans"] == [{"plan_id": made["id"], "duration_min": 60, "short_min": 0}]
    assert client.get(f"{API}/routes/{new_id()}/times").status_code == 404


def test_the_search_finds_a_route_with_its_next_round(
    client: TestClient, site: SmallSite, route: str, make_user: MakeUser
) -> None:
    make_plan(client, route)
    for wanted in ("nig", "夜巡", "yexun"):
        (found,) = client.get(f"{API}/search", params={"q": wanted}).json()["routes"]
        assert (found["id"], found["site_id"]) == (route, str(site.id)), wanted
        first, second = found["rounds"]
        assert first["state"] == second["state"] == "planned"
        assert first["planned_at"] < second["planned_at"]
    assert client.get(f"{API}/search", params={"q": "day"}).json()["routes"] == []
    lodger = make_user("resident", site.id)
    seen = client.get(f"{API}/search", params={"q": "night"}, headers=lodger.headers)
    assert seen.json()["routes"] == []
    client.post(f"{API}/routes/{route}/retire")
    assert client.get(f"{API}/search", params={"q": "night"}).json()["routes"] == []
