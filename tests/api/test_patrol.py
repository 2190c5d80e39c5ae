"""Patrols over HTTP: set up, scanned, listed for who may see whom, imported from wands."""

from typing import Any
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.context import Parts
from core.clock import SimulatedClock
from core.db import Database
from core.idempotency import IdempotentAnswer
from core.ids import new_id
from tests.api.conftest import MakeUser, User
from tests.fixtures import NOON, SmallSite
from tests.workflows.agreed import may_be_located
from tests.workflows.patrolled import Tag
from workflows.patrol import REASONS

API = "/api/v1"
NOW = NOON.isoformat()
UID = "04A1B2C3D4E5F6"


@pytest.fixture
def gate(client: TestClient, site: SmallSite) -> str:
    """The id of a checkpoint."""
    return make(client, site, "gate")


@pytest.fixture
def guard(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("guard", site.id)


def make(client: TestClient, site: SmallSite, code: str, **more: Any) -> str:
    name = {"en": "Main gate", "zh": "大门"}
    body = {"site_id": str(site.id), "code": code, "name": name, **more}
    made = client.post(f"{API}/checkpoints", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def put(client: TestClient, gate: str, kind: str, value: str = "") -> dict[str, Any]:
    body = {"kind": kind, "value": value}
    answer = client.post(f"{API}/checkpoints/{gate}/tokens", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def written(secrets: dict[str, str]) -> Tag:
    """The tag that was written with what was shown."""
    meta_key, file_key = (
        bytes.fromhex(secrets[name]) for name in ("meta_read_key", "file_read_key")
    )
    return Tag(bytes.fromhex(UID), meta_key, file_key)


def scan(client: TestClient, user: User, kind: str, **more: Any) -> Any:
    body = {"id": str(new_id()), "occurred_at": NOW, "kind": kind, **more}
    return client.post(f"{API}/scans", json=body, headers=user.headers)


def listed(client: TestClient, user: User | None = None, **query: Any) -> list[dict[str, Any]]:
    headers = {} if user is None else user.headers
    answer = client.get(f"{API}/scans", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_checkpoint_is_made_once_read_changed_and_retired(
    client: TestClient, site: SmallSite
) -> None:
    body = {"site_id": str(site.id), "code": "gate", "name": {"en": "Gate"}}
    key = {"Idempotency-Key": "one"}
    made = client.post(f"{API}/checkpoints", json=body, headers=key)
    again = client.post(f"{API}/checkpoints", json=body, headers=key)
    assert made.json() == again.json()
    one = made.headers["Location"]
    shown = client.get(one)
    assert client.get(f"{API}/assets/{made.json()['id']}").json()["type"] == "checkpoint"
    change = {"latitude": 31.2, "longitude": 121.4, "name": {"zh": "大门"}}
    assert client.patch(one, json=change).status_code == 428
    tag = {"If-Match": shown.headers["ETag"]}
    changed = client.patch(one, json=change, headers=tag)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["radius_m"], changed.json()["name"]) == (30.0, {"zh": "大门"})
    assert client.patch(one, json=change, headers=tag).status_code == 412
    assert client.post(f"{one}/retire").json()["state"] == "retired"
    assert client.post(f"{one}/retire").status_code == 409
    assert [item["state"] for item in client.get(f"{API}/checkpoints?q=大").json()["items"]] == [
        "retired"
    ]
    assert client.get(f"{API}/checkpoints?state=active").json()["items"] == []
    assert client.post(f"{one}/reactivate").json()["state"] == "active"


def test_secrets_are_shown_once_and_kept_nowhere(
    client: TestClient, gate: str, database: Database
) -> None:
    answer = client.post(
        f"{API}/checkpoints/{gate}/tokens",
        json={"kind": "signed_tag", "value": UID},
        headers={"Idempotency-Key": "tag"},
    )
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    assert set(made["secrets"]) == {
        "application_key",
        "meta_read_key",
        "file_read_key",
        "query",
        "query_with_tamper",
    }
    shown = client.get(f"{API}/checkpoints/{gate}/tokens")
    assert [item["id"] for item in shown.json()["items"]] == [made["id"]]
    for secret in (made["secrets"]["file_read_key"], UID):
        assert secret not in shown.text
        assert secret.lower() not in shown.text
    with database.read() as session:
        assert session.scalars(select(IdempotentAnswer).filter_by(key="tag")).all() == []


def test_a_guard_taps_and_everybody_sees_what_they_may(
    client: TestClient, gate: str, guard: User, make_user: MakeUser, site: SmallSite
) -> None:
    secrets = put(client, gate, "signed_tag", UID)["secrets"]
    tag = written(secrets)
    body = {"id": str(new_id()), "occurred_at": NOW, "kind": "signed_tag", "address": tag.tap()}
    first = client.post(f"{API}/scans", json=body, headers=guard.headers)
    assert first.status_code == 200, first.text
    taken = first.json()
    assert (taken["verdict"], taken["grade"]) == ("accepted", "signed")
    assert (taken["person_id"], taken["evidence"]["counter"]) == (str(guard.person_id), 1)
    late = {**body, "channel": "sync"}
    assert client.post(f"{API}/scans", json=late, headers=guard.headers).json() == taken
    other = {**body, "address": tag.tap()}
    assert client.post(f"{API}/scans", json=other, headers=guard.headers).status_code == 409
    replayed = scan(client, guard, "signed_tag", address=body["address"]).json()
    assert replayed["verdict"] == "replayed"
    assert replayed["verdict"] in REASONS
    colleague = make_user("guard", site.id)
    auditor = make_user("auditor", site.id)
    for user, name, refused in (
        (guard, "A guard", 1),
        (auditor, "A guard", 1),
        (None, "A guard", 1),
    ):
        [item] = listed(client, user)
        assert item["person_name"] == name
        assert len(listed(client, user, verdict="refused")) == refused
    [item] = listed(client, colleague)
    assert (item["person_id"], item["person_name"], item["evidence"]) == (None, None, {})
    assert (item["checkpoint_code"], item["checkpoint_id"]) == ("gate", gate)
    assert listed(client, colleague, verdict="refused") == []
    assert listed(client, colleague, person=str(guard.person_id), why="pay") == []
    assert len(listed(client, colleague, verdict="all")) == 1
    hidden = client.get(f"{API}/scans/{replayed['id']}", headers=colleague.headers)
    assert hidden.status_code == 404
    assert client.get(f"{API}/scans/{replayed['id']}", headers=guard.headers).json() == replayed


def test_scans_are_paged_and_filtered(
    client: TestClient, gate: str, guard: User, site: SmallSite
) -> None:
    put(client, gate, "static_tag", "04BEEF")
    roof = make(client, site, "roof")
    put(client, roof, "static_tag", "04CAFE")
    moments = ["2026-11-24T01:00:00Z", "2026-11-24T02:00:00Z", "2026-11-24T03:00:00Z"]
    for moment, uid in zip(moments, ("04BEEF", "04CAFE", "04BEEF"), strict=True):
        assert scan(client, guard, "static_tag", uid=uid, occurred_at=moment).status_code == 200
    assert scan(client, guard, "static_tag", uid="FF", site_id=str(site.id)).status_code == 200
    first = client.get(f"{API}/scans?limit=2").json()
    rest = client.get(f"{API}/scans", params={"limit": 2, "cursor": first["next"]}).json()
    seen = [item["occurred_at"][11:13] for item in first["items"] + rest["items"]]
    assert (seen, rest["next"]) == (["03", "02", "01"], None)
    assert len(listed(client, checkpoint=gate)) == 2
    assert len(listed(client, person=str(guard.person_id), why="pay")) == 3
    assert len(listed(client, since=moments[1], until=moments[2])) == 1
    assert len(listed(client, verdict="unknown")) == 1
    assert client.get(f"{API}/scans?verdict=nice").status_code == 422
    assert client.get(f"{API}/scans?cursor=x").status_code == 422


def test_each_kind_of_a_phone_is_presented(
    client: TestClient, site: SmallSite, guard: User, parts: Parts, clock: SimulatedClock
) -> None:
    gate = make(client, site, "gate", latitude=31.2, longitude=121.4)
    secret = put(client, gate, "rotating_code")["secrets"]["secret"]
    code = put(client, gate, "printed_code")["secrets"]["code"]
    put(client, gate, "static_tag", "04BEEF")
    put(client, gate, "position")
    with parts.database.write() as session:
        may_be_located(session, guard.person_id, site.id, clock.now())
    shown: list[dict[str, Any]] = [
        {
            "kind": "rotating_code",
            "checkpoint_id": gate,
            "code": pyotp.TOTP(secret).at(clock.now()),
        },
        {"kind": "printed_code", "code": code},
        {"kind": "static_tag", "uid": "04:be:ef"},
        {
            "kind": "position",
            "checkpoint_id": gate,
            "latitude": 31.2,
            "longitude": 121.4,
            "accuracy_m": 8,
        },
    ]
    for body in shown:
        answer = scan(client, guard, **body)
        assert (answer.status_code, answer.json().get("verdict")) == (200, "accepted"), answer.text


@pytest.mark.parametrize("kind", ["fixed_reader", "beacon", "wand"])
def test_what_only_devices_can_say_no_phone_says(
    client: TestClient, guard: User, kind: str
) -> None:
    more = {"card": "1", "badge": "1", "point": "1", "device_id": str(new_id())}
    assert scan(client, guard, kind, **more).status_code == 422


def test_nothing_is_used_up_by_who_may_not_scan_there(
    client: TestClient, gate: str, guard: User, stranger: User, site: SmallSite
) -> None:
    secrets = put(client, gate, "signed_tag", UID)["secrets"]
    address = written(secrets).tap()
    assert scan(client, stranger, "signed_tag", address=address).status_code == 404
    there = scan(client, stranger, "signed_tag", address=address, site_id=str(site.id))
    assert there.status_code == 403
    assert scan(client, stranger, "signed_tag", address="nothing").status_code == 404
    assert scan(client, guard, "signed_tag", address=address).json()["verdict"] == "accepted"


def test_a_lost_tag_is_replaced_by_the_same_one_with_new_keys(
    client: TestClient, gate: str
) -> None:
    first = put(client, gate, "signed_tag", UID)
    one = f"{API}/checkpoint-tokens/{first['id']}"
    assert client.post(f"{one}/lose").json()["state"] == "lost"
    assert client.post(f"{one}/lose").status_code == 409
    assert client.post(f"{one}/find").json()["state"] == "active"
    body = {"kind": "signed_tag", "value": UID}
    answer = client.post(f"{one}/replace", json=body)
    assert answer.status_code == 201, answer.text
    second = answer.json()
    assert (second["key_version"], second["state"]) == (2, "active")
    assert second["secrets"]["file_read_key"] != first["secrets"]["file_read_key"]
    items = client.get(f"{API}/checkpoints/{gate}/tokens").json()["items"]
    assert [item["replaced_by"] for item in items] == [None, second["id"]]
    assert client.post(f"{one}/replace", json=body).status_code == 409


def test_badges_are_issued_once_listed_and_ended(
    client: TestClient, guard: User, site: SmallSite, make_user: MakeUser
) -> None:
    body = {
        "site_id": str(site.id),
        "person_id": str(guard.person_id),
        "kind": "card",
        "number": "04:11:22:33",
        "label": "card 17",
    }
    key = {"Idempotency-Key": "badge"}
    made = client.post(f"{API}/badges", json=body, headers=key)
    assert made.status_code == 201, made.text
    assert client.post(f"{API}/badges", json=body, headers=key).json() == made.json()
    assert client.post(f"{API}/badges", json=body).status_code == 409
    shown = client.get(f"{API}/badges", params={"person": str(guard.person_id)})
    assert [item["person_name"] for item in shown.json()["items"]] == ["A guard"]
    assert "112233" not in shown.text
    assert client.get(f"{API}/badges", headers=guard.headers).status_code == 403
    auditor = make_user("auditor", site.id)
    end = f"{API}/badges/{made.json()['id']}/end"
    assert client.post(end, headers=auditor.headers).status_code == 403
    assert client.post(end).json()["ends_at"] is not None
    assert client.post(end).status_code == 409
    assert client.post(f"{API}/badges/{new_id()}/end").status_code == 404


def test_an_export_of_a_wand_is_shown_then_taken_in(
    client: TestClient, gate: str, site: SmallSite
) -> None:
    put(client, gate, "wand", "0012345678")
    [desk, *_] = client.get(f"{API}/wand-profiles").json()["items"]
    assert desk["code"] == "desk"
    assert "巡更时间" in desk["headings"]["time"]
    text = (
        "Point,Guard,Time\n12345678,7,2026-11-24 08:00:00\n99,7,2026-11-24 08:10:00\n"
        "12345678,7,never\n"
    )
    query: dict[str, Any] = {"site": str(site.id), "profile": "desk", "filename": "export.csv"}

    def send(**more: Any) -> Any:
        return client.post(f"{API}/scans/wand", content=text, params={**query, **more})

    preview = send().json()
    assert preview["applied"] is False
    assert preview["counts"]["new"] == 1
    assert [(each["row"], set(each["text"])) for each in preview["problems"]] == [
        (3, {"en", "zh"}),
        (4, {"en", "zh"}),
    ]
    assert listed(client) == []
    refused = send(apply=True)
    assert (refused.status_code, len(refused.json()["problems"])) == (422, 2)
    done = send(apply=True, skip_wrong=True).json()
    assert (done["applied"], done["items"][0]["action"]) == (True, "new")
    assert send(apply=True, skip_wrong=True).json()["items"][0]["action"] == "known"
    [item] = listed(client)
    assert (item["id"], item["channel"]) == (done["items"][0]["scan_id"], "import")
    assert send(profile="other").status_code == 404
    larger = client.post(f"{API}/scans/wand", content=b"x" * 11_000_000, params=query)
    assert larger.status_code == 413


def test_what_each_kind_proves_is_published_in_both_languages(client: TestClient) -> None:
    proof = client.get(f"{API}/checkpoint-proof").json()
    assert [grade["code"] for grade in proof["grades"]] == ["signed", "present", "weak"]
    assert len(proof["kinds"]) == 8
    for kind in proof["kinds"]:
        assert all(kind[part][language] for part in ("proves", "cannot") for language in kind[part])
    assert proof["verdicts"][0]["code"] == "accepted"


def test_a_scan_of_a_token_of_another_region_is_not_ours(
    client: TestClient, gate: str, make_user: MakeUser, other_site: UUID
) -> None:
    put(client, gate, "static_tag", "04BEEF")
    theirs = make_user("guard", other_site)
    answer = scan(client, theirs, "static_tag", uid="04BEEF", site_id=str(other_site))
    assert (answer.json()["verdict"], answer.json()["checkpoint_id"]) == ("unknown", None)
