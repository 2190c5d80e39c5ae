"""One action on many tickets over HTTP: what became of each, once, and the way back."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.events import Event
from core.ids import new_id
from core.teams import Certificate
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from tests.threads import in_threads

BULK = "/api/v1/tickets/bulk"


def opened(client: TestClient, site: UUID, count: int = 3) -> list[dict[str, Any]]:
    return [
        client.post("/api/v1/tickets", json={"site_id": str(site), "title": f"Job {number}"}).json()
        for number in range(count)
    ]


def ask(
    client: TestClient,
    action: str,
    tickets: list[dict[str, Any]],
    user: User | None = None,
    **more: Any,
) -> dict[str, Any]:
    named = [{"id": one["id"]} for one in tickets]
    headers = user.headers if user else {}
    answer = client.post(BULK, json={"action": action, "tickets": named, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def now_of(client: TestClient, ticket: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/tickets/{ticket['id']}").json()
    return found


def facts_of(database: Database, batch: str) -> list[tuple[str, str]]:
    with database.read() as session:
        facts = session.scalars(select(Event).where(Event.after.is_not(None)).order_by(Event.seq))
        return [
            (fact.kind, fact.subject_id)
            for fact in facts
            if (fact.after or {}).get("batch") == batch
        ]


def test_many_tickets_are_assigned_with_one_event_each(
    client: TestClient, site: SmallSite, make_user: MakeUser, database: Database
) -> None:
    worker = make_user("technician", site.id)
    tickets = opened(client, site.id)
    batch = ask(client, "assign", tickets, assignee_id=str(worker.person_id), team="security")
    assert (batch["done"], batch["refused"]) == (3, 0)
    for ticket in tickets:
        now = now_of(client, ticket)
        assert (now["state"], now["team"], now["assignee_id"]) == (
            "assigned",
            "security",
            str(worker.person_id),
        )
    assert sorted(facts_of(database, batch["id"])) == sorted(
        ("ticket.assign", ticket["id"]) for ticket in tickets
    )
    assert client.get(f"/api/v1/ticket-batches/{batch['id']}").json() == batch


def test_each_ticket_is_judged_by_itself(
    client: TestClient, site: SmallSite, other_site: UUID, make_user: MakeUser
) -> None:
    worker = make_user("technician", site.id)
    [good, ended, changed] = opened(client, site.id)
    [theirs] = opened(client, other_site, 1)
    client.post(f"/api/v1/tickets/{ended['id']}/actions/cancel", json={"note": "Not needed"})
    client.patch(
        f"/api/v1/tickets/{changed['id']}", json={"priority": "low"}, headers={"If-Match": "*"}
    )
    named = [{"id": one["id"], "version": 1} for one in (good, ended, changed, theirs)]
    named.append({"id": str(new_id()), "version": 1})
    body = {"action": "priority", "tickets": named, "priority": "critical"}
    answer = client.post(BULK, json=body, headers=worker.headers).json()
    reasons = {row["ticket_id"]: row["reason"] for row in answer["results"]}
    assert (answer["done"], answer["refused"]) == (1, 4)
    assert reasons[good["id"]] == ""
    assert reasons[changed["id"]] == "changed"
    assert reasons[ended["id"]] == "changed"
    # What one may not see is like what there is not.
    assert [row["reason"] for row in answer["results"] if row["number"] is None] == [
        "not_found"
    ] * 2
    assert now_of(client, changed)["priority"] == "low"


def test_who_may_not_do_it_there_is_told_for_each(
    client: TestClient, site: SmallSite, make_user: MakeUser
) -> None:
    worker = make_user("technician", site.id)
    tickets = opened(client, site.id, 2)
    batch = ask(client, "cancel", tickets, worker, note="No")
    assert [row["reason"] for row in batch["results"]] == ["not_allowed"] * 2
    batch = ask(client, "verify", tickets)
    assert [row["reason"] for row in batch["results"]] == ["state"] * 2


def test_the_same_order_twice_does_nothing_twice(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    tickets = opened(client, site.id, 2)
    body = {
        "action": "note",
        "tickets": [{"id": one["id"]} for one in tickets],
        "note": "Power cut",
    }
    headers = {"Idempotency-Key": "once"}
    answers = in_threads(4, lambda _: client.post(BULK, json=body, headers=headers).json()["id"])
    assert len(set(answers)) == 1
    with database.read() as session:
        notes = session.scalar(select(func.count()).where(Event.kind == "ticket.note"))
    assert notes == 2


def test_holding_resuming_and_ending_many(client: TestClient, site: SmallSite) -> None:
    tickets = opened(client, site.id, 2)
    ask(client, "assign", tickets, team="maintenance")
    until = "2099-01-01T00:00:00Z"
    assert ask(client, "hold", tickets, note="Parts", until=until)["done"] == 2
    assert ask(client, "resume", tickets)["done"] == 2
    assert ask(client, "resolve", tickets, verdict="real")["done"] == 2
    refused = ask(client, "verify", tickets)
    assert refused["done"] == 0
    assert "does not verify" in refused["results"][0]["detail"]
    ends = opened(client, site.id, 2)
    assert ask(client, "cancel", ends, note="A test", verdict="test")["done"] == 2
    assert {now_of(client, one)["state"] for one in ends} == {"cancelled"}


def test_an_assignment_is_taken_back_but_not_where_somebody_went_on(
    client: TestClient, site: SmallSite, make_user: MakeUser, database: Database
) -> None:
    worker, other = make_user("technician", site.id), make_user("technician", site.id)
    fresh, given, begun, moved = opened(client, site.id, 4)
    ask(client, "assign", [given], assignee_id=str(other.person_id))
    client.post(f"/api/v1/tickets/{begun['id']}/actions/start", headers=other.headers)
    batch = ask(client, "assign", [fresh, given, begun, moved], assignee_id=str(worker.person_id))
    client.post(f"/api/v1/tickets/{moved['id']}/actions/start", headers=worker.headers)
    undo = client.post(f"/api/v1/ticket-batches/{batch['id']}/undo")
    assert undo.status_code == 200, undo.text
    reasons = {row["ticket_id"]: row["reason"] for row in undo.json()["results"]}
    assert reasons == {fresh["id"]: "", given["id"]: "", begun["id"]: "", moved["id"]: "changed"}
    shown = [now_of(client, one) for one in (fresh, given, begun, moved)]
    assert [(one["state"], one["assignee_id"]) for one in shown] == [
        ("open", None),
        ("assigned", str(other.person_id)),
        ("in_progress", str(other.person_id)),
        ("in_progress", str(worker.person_id)),
    ]
    kinds = sorted(kind for kind, _ in facts_of(database, undo.json()["id"]))
    assert kinds == ["ticket.assign", "ticket.give_back", "ticket.unassign"]
    # A second press finds the first one's answer.
    again = client.post(f"/api/v1/ticket-batches/{batch['id']}/undo")
    assert again.json()["id"] == undo.json()["id"]
    assert client.get(f"/api/v1/ticket-batches/{batch['id']}").json()["undo_until"] is None


def test_a_priority_is_put_back_with_its_deadlines(client: TestClient, site: SmallSite) -> None:
    tickets = opened(client, site.id, 2)
    before = [now_of(client, one) for one in tickets]
    batch = ask(client, "priority", tickets, priority="critical")
    assert now_of(client, tickets[0])["resolve_due"] != before[0]["resolve_due"]
    client.post(f"/api/v1/ticket-batches/{batch['id']}/undo")
    after = [now_of(client, one) for one in tickets]
    for name in ("priority", "respond_due", "resolve_due"):
        assert [one[name] for one in after] == [one[name] for one in before]


def test_what_is_too_old_or_has_no_way_back_is_refused(
    client: TestClient, site: SmallSite, clock: SimulatedClock, make_user: MakeUser
) -> None:
    tickets = opened(client, site.id, 1)
    noted = ask(client, "note", tickets, note="Seen")
    assert noted["undo_until"] is None
    assert client.post(f"/api/v1/ticket-batches/{noted['id']}/undo").status_code == 409
    batch = ask(client, "priority", tickets, priority="low")
    colleague = make_user("manager", site.id)
    one = f"/api/v1/ticket-batches/{batch['id']}"
    assert client.get(one, headers=colleague.headers).status_code == 404
    clock.advance_to(clock.micros() + 16 * 60 * MICROS)
    assert client.post(f"{one}/undo").status_code == 409
    assert now_of(client, tickets[0])["priority"] == "low"


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "merge", "note": "Same"},
        {"action": "merge", "note": "Same", "into_id": str(new_id())},
        {"action": "reopen"},
        {"action": "accept", "into_id": str(new_id())},
        {"action": "assign"},
        {"action": "cancel"},
        {"action": "note"},
        {"action": "hold", "note": "Parts"},
        {"action": "hold", "note": "Parts", "until": "2001-01-01T00:00:00Z"},
        {"action": "priority"},
        {"action": "resume", "tickets": []},
        {"action": "resume", "tickets": [{"id": str(new_id())}] * 201},
    ],
)
def test_an_order_that_fits_no_ticket_is_refused_as_a_whole(
    client: TestClient, site: SmallSite, wrong: dict[str, Any]
) -> None:
    [ticket] = opened(client, site.id, 1)
    body = {"tickets": [{"id": ticket["id"]}], **wrong}
    assert client.post(BULK, json=body).status_code == 422
    assert now_of(client, ticket)["version"] == 1


def test_many_are_taken_for_oneself_once(
    client: TestClient, site: SmallSite, make_user: MakeUser
) -> None:
    worker = make_user("technician", site.id)
    fresh, given, ended = opened(client, site.id)
    ask(client, "assign", [given], assignee_id=str(worker.person_id))
    ask(client, "cancel", [ended], note="A test")
    batch = ask(client, "accept", [fresh, given, ended], worker)
    assert (batch["done"], batch["refused"]) == (2, 1)
    for ticket in (fresh, given):
        now = now_of(client, ticket)
        assert (now["state"], now["assignee_id"]) == ("assigned", str(worker.person_id))
        assert now["responded_at"] is not None
    again = ask(client, "accept", [fresh, given], worker)
    assert {row["detail"] for row in again["results"]} == {"you have accepted it already"}


def test_what_lacks_a_certificate_is_not_taken_with_the_rest(
    client: TestClient, site: SmallSite, make_user: MakeUser, database: Database
) -> None:
    worker, licensed = make_user("technician", site.id), make_user("technician", site.id)
    with database.write() as session:
        day = date(2099, 1, 1)
        row = Certificate(person_id=licensed.person_id, kind="electrician", valid_until=day)
        session.add(row)
    [plain, electrical] = opened(client, site.id, 2)
    client.patch(
        f"/api/v1/tickets/{electrical['id']}",
        json={"category": "electrical"},
        headers={"If-Match": "*"},
    )
    batch = ask(client, "accept", [plain, electrical], worker)
    details = {row["ticket_id"]: row["detail"] for row in batch["results"]}
    assert details[plain["id"]] == ""
    assert "certificate" in details[electrical["id"]]


def test_many_are_opened_again_with_their_reason(client: TestClient, site: SmallSite) -> None:
    *done, running = opened(client, site.id)
    ask(client, "assign", done, team="maintenance")
    ask(client, "resolve", done)
    batch = ask(client, "reopen", [*done, running], note="It drips again")
    assert (batch["done"], batch["refused"]) == (2, 1)
    assert [row["reason"] for row in batch["results"] if not row["done"]] == ["state"]
    for ticket in done:
        now = now_of(client, ticket)
        assert (now["state"], now["notes"][-1]["body"]) == ("open", "It drips again")


def test_the_chosen_are_merged_into_one_of_them(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    tickets = opened(client, site.id, 4)
    stays = tickets[2]
    body = {
        "action": "merge",
        "note": "One burst pipe",
        "into_id": stays["id"],
        "tickets": [{"id": one["id"], "version": one["version"]} for one in tickets],
    }
    headers = {"Idempotency-Key": "merge"}
    answers = in_threads(3, lambda _: client.post(BULK, json=body, headers=headers).json())
    assert len({answer["id"] for answer in answers}) == 1
    batch = answers[0]
    assert (batch["done"], batch["refused"], batch["into_id"]) == (3, 0, stays["id"])
    assert stays["id"] not in {row["ticket_id"] for row in batch["results"]}
    for ticket in (one for one in tickets if one is not stays):
        now = now_of(client, ticket)
        assert (now["state"], now["merged_into_id"]) == ("merged", stays["id"])
    assert now_of(client, stays)["state"] == "open"
    assert len(facts_of(database, batch["id"])) == 3


def test_a_merge_is_judged_for_each_like_a_single_one(
    client: TestClient, site: SmallSite, other_site: UUID, make_user: MakeUser
) -> None:
    stays, other, ended = opened(client, site.id)
    [elsewhere] = opened(client, other_site, 1)
    ask(client, "cancel", [ended], note="A test")
    batch = ask(client, "merge", [stays, other, ended, elsewhere], note="Same", into_id=stays["id"])
    said = {row["ticket_id"]: (row["reason"], row["detail"]) for row in batch["results"]}
    assert said[other["id"]] == ("", "")
    assert said[ended["id"]][0] == "state"
    assert "another one of the same site" in said[elsewhere["id"]][1]
    fresh = opened(client, site.id, 1)[0]
    batch = ask(client, "merge", [fresh, ended], note="Same", into_id=ended["id"])
    assert "has ended" in batch["results"][0]["detail"]
    assert now_of(client, fresh)["state"] == "open"
    manager = make_user("manager", site.id)
    hidden = {
        "action": "merge",
        "note": "Same",
        "into_id": elsewhere["id"],
        "tickets": [{"id": fresh["id"]}, {"id": elsewhere["id"]}],
    }
    assert client.post(BULK, json=hidden, headers=manager.headers).status_code == 422
    worker = make_user("technician", site.id)
    batch = ask(client, "merge", [fresh, stays], worker, note="Same", into_id=stays["id"])
    assert [row["reason"] for row in batch["results"]] == ["not_allowed"]
