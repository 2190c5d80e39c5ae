"""Rules over HTTP: written with entity tags, reviewed, compared, rolled back and retired."""

from uuid import UUID

from starlette.testclient import TestClient

from core.db import Database
from core.ids import new_id
from core.people import Grant
from tests.api.conftest import MakeUser
from tests.core.test_rulebook_review import HOT, WARM
from tests.fixtures import SmallSite

DRAFTS = "/api/v1/rule-drafts"


def test_a_rule_is_written_reviewed_compared_and_put_back(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    other = make_user("safety_officer", site.company_id).headers
    body = {"document": HOT + "extra: 1\n", "node_id": str(site.company_id), "reason": "Summer"}
    made = anonymous.post(DRAFTS, json=body, headers={**writer, "Idempotency-Key": "one"})
    again = anonymous.post(DRAFTS, json=body, headers={**writer, "Idempotency-Key": "one"})
    assert (made.status_code, again.json()["id"]) == (201, made.json()["id"])
    assert made.json()["problems"] == ["draft.yaml:8:1: unknown key 'extra'"]
    address = made.headers["Location"]
    refused = anonymous.post(f"{address}/actions/submit", json={}, headers=writer)
    assert (refused.status_code, refused.json()["problems"]) == (422, made.json()["problems"])
    text = {"document": HOT, "node_id": str(site.company_id), "reason": "Summer"}
    assert anonymous.put(address, json=text, headers=writer).status_code == 428
    tag = {"If-Match": made.headers["ETag"]}
    saved = anonymous.put(address, json=text, headers={**writer, **tag})
    assert saved.json()["problems"] == []
    assert anonymous.put(address, json=text, headers={**writer, **tag}).status_code == 412
    submitted = anonymous.post(f"{address}/actions/submit", json={}, headers=writer)
    assert submitted.status_code == 200, submitted.text
    read = {**other, "If-Match": submitted.headers["ETag"]}
    answer = anonymous.post(f"{address}/actions/approve", json={}, headers=read)
    assert answer.status_code == 200, answer.text
    assert answer.json()["published_version"] == 1
    second = {"rule_id": "pump-hot", "version": 1, "document": WARM, "reason": "Cooler"}
    place = anonymous.post(DRAFTS, json=second, headers=writer).headers["Location"]
    anonymous.post(f"{place}/actions/submit", json={}, headers=writer)
    anonymous.post(
        f"{place}/actions/approve", json={"reason": "Fine"}, headers={**other, "If-Match": "*"}
    )
    compared = anonymous.get("/api/v1/rules/pump-hot/diff?old=1&new=2", headers=writer).json()
    changed = [
        (line["kind"], part["text"])
        for line in compared["lines"]
        for part in line["parts"]
        if part["changed"]
    ]
    assert changed == [("removed", "75"), ("added", "70")]
    back = anonymous.post(
        "/api/v1/rules/pump-hot/roll-back", json={"version": 1, "reason": "Noise"}, headers=other
    )
    assert (back.json()["state"], back.json()["published_version"]) == ("approved", 3)
    history = anonymous.get("/api/v1/rules/pump-hot/history", headers=writer).json()["items"]
    assert [one["reason"] for one in history if one["kind"] == "rule.publish"] == [
        "Noise",
        "Cooler",
        "Summer",
    ]
    found = anonymous.get("/api/v1/rules?asset_type=pump&q=过热", headers=writer).json()["items"]
    assert [(one["rule_id"], one["version"]) for one in found] == [("pump-hot", 3)]
    assert anonymous.get("/api/v1/rules?q=nothing-like-it", headers=writer).json()["items"] == []
    gone = anonymous.post(
        "/api/v1/rules/pump-hot/retire",
        json={"node_id": str(site.company_id), "reason": "Sold"},
        headers=other,
    )
    assert gone.json()["state"] == "approved"
    assert anonymous.get("/api/v1/rules", headers=writer).json()["items"] == []


def test_who_approves_names_what_they_read(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    other = make_user("safety_officer", site.company_id).headers
    body = {"document": HOT, "node_id": str(site.company_id), "reason": "Summer"}
    place = anonymous.post(DRAFTS, json=body, headers=writer).headers["Location"]
    approval = f"{place}/actions/approve"
    anonymous.post(f"{place}/actions/submit", json={}, headers=writer)
    read = anonymous.get(place, headers=other).headers["ETag"]
    anonymous.post(f"{place}/actions/withdraw", json={}, headers=writer)
    anonymous.put(place, json={**body, "document": WARM}, headers={**writer, "If-Match": "*"})
    anonymous.post(f"{place}/actions/submit", json={}, headers=writer)
    assert anonymous.post(approval, json={}, headers=other).status_code == 428
    late = anonymous.post(approval, json={}, headers={**other, "If-Match": read})
    assert late.status_code == 412
    assert anonymous.get("/api/v1/rules", headers=writer).json()["items"] == []
    # The other steps put nothing into force, and may name a version like those of a ticket.
    late = anonymous.post(
        f"{place}/actions/reject", json={"reason": "No"}, headers={**other, "If-Match": read}
    )
    assert late.status_code == 412
    again = anonymous.get(place, headers=other).headers["ETag"]
    done = anonymous.post(approval, json={}, headers={**other, "If-Match": again})
    assert (done.status_code, done.json()["published_version"]) == (200, 1)


def test_a_document_is_checked_without_being_kept(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    wrong = HOT.replace("motor_temperature", "motor_temprature")
    answer = anonymous.post("/api/v1/rule-checks", json={"document": wrong}, headers=writer)
    [problem] = answer.json()["problems"]
    assert problem.startswith("draft.yaml:4:7: ")
    assert "motor_temperature" in problem
    assert anonymous.get(DRAFTS, headers=writer).json()["items"] == []


def test_drafts_are_seen_by_who_edits_rules_and_by_nobody_else(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    body = {"document": HOT, "node_id": str(site.company_id)}
    place = anonymous.post(DRAFTS, json=body, headers=writer).headers["Location"]
    guard = make_user("guard", site.id).headers
    assert anonymous.get(place, headers=guard).status_code == 403
    manager = make_user("manager", site.id).headers
    assert anonymous.get(place, headers=manager).status_code == 200
    # Who manages one site may read the company's draft, and may not write on it.
    answer = anonymous.post(f"{place}/actions/discard", json={}, headers=manager)
    assert answer.status_code == 403


def test_a_right_on_one_site_shows_no_drafts_of_another(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, other_site: UUID,
    database: Database,
) -> None:  # fmt: skip
    writer = make_user("manager", site.id).headers
    body = {"document": HOT, "node_id": str(site.id)}
    place = anonymous.post(DRAFTS, json=body, headers=writer).headers["Location"]
    # Elsewhere they manage rules, and here they only read them.
    guard = make_user("manager", other_site)
    with database.write() as session:
        session.add(Grant(id=new_id(), person_id=guard.person_id, node_id=site.id, role="guard"))
    assert anonymous.get(place, headers=guard.headers).status_code == 404
    assert anonymous.get(DRAFTS, headers=guard.headers).json()["items"] == []
    assert len(anonymous.get(DRAFTS, headers=writer).json()["items"]) == 1


def test_a_draft_is_tried_in_the_shadow_compared_and_ended(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    body = {"document": HOT, "node_id": str(site.company_id)}
    place = anonymous.post(DRAFTS, json=body, headers=writer).headers["Location"]
    begun = anonymous.post(f"{place}/shadows", headers={**writer, "Idempotency-Key": "once"})
    again = anonymous.post(f"{place}/shadows", headers={**writer, "Idempotency-Key": "once"})
    assert (begun.status_code, begun.json()) == (201, again.json())
    assert anonymous.post(f"{place}/shadows", headers=writer).status_code == 409
    shadow = begun.headers["Location"]
    compared = anonymous.get(shadow, headers=writer).json()
    assert (compared["state"], compared["both"], compared["pairs"]) == ("running", 0, [])
    listed = anonymous.get("/api/v1/rules/pump-hot/shadows", headers=writer).json()["items"]
    assert [one["id"] for one in listed] == [compared["id"]]
    ended = anonymous.post(f"{shadow}/end", headers=writer)
    assert ended.json()["state"] == "ended"
    assert anonymous.post(f"{shadow}/end", headers=writer).status_code == 409


def test_a_rule_about_silence_is_not_tried_in_the_shadow(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    writer = make_user("manager", site.company_id).headers
    silent = HOT.replace("motor_temperature > 75 °C", "age(motor_temperature) > 10m")
    body = {"document": silent, "node_id": str(site.company_id)}
    place = anonymous.post(DRAFTS, json=body, headers=writer).headers["Location"]
    refused = anonymous.post(f"{place}/shadows", headers=writer)
    assert (refused.status_code, "Back-test" in refused.json()["advice"]) == (409, True)
