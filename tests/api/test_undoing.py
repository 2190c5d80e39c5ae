"""The way back of what was done to many tickets: accepting and holding them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.clock import MICROS, SimulatedClock
from core.db import Database
from tests.api.conftest import MakeUser
from tests.api.test_bulk import ask, facts_of, now_of, opened
from tests.fixtures import SmallSite


def undo(client: TestClient, batch: dict[str, Any], user: Any = None) -> dict[str, Any]:
    headers = user.headers if user else {}
    answer = client.post(f"/api/v1/ticket-batches/{batch['id']}/undo", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_was_accepted_is_given_back_and_waits_again(
    client: TestClient, site: SmallSite, make_user: MakeUser, database: Database
) -> None:
    worker, other = make_user("technician", site.id), make_user("technician", site.id)
    fresh, given, begun, moved = opened(client, site.id, 4)
    before = [now_of(client, one) for one in (fresh, given)]
    ask(client, "assign", [given], assignee_id=str(other.person_id))
    client.post(f"/api/v1/tickets/{begun['id']}/actions/accept", headers=other.headers)
    batch = ask(client, "accept", [fresh, given, begun, moved], worker)
    assert batch["done"] == 4
    assert batch["undo_until"] is not None
    client.post(f"/api/v1/tickets/{moved['id']}/actions/start", headers=worker.headers)
    undone = undo(client, batch, worker)
    reasons = {row["ticket_id"]: row["reason"] for row in undone["results"]}
    assert reasons == {fresh["id"]: "", given["id"]: "", begun["id"]: "", moved["id"]: "changed"}
    shown = [now_of(client, one) for one in (fresh, given, begun)]
    assert [(one["state"], one["assignee_id"]) for one in shown] == [
        ("open", None),
        ("assigned", str(other.person_id)),
        ("assigned", str(other.person_id)),
    ]
    # The clock of the response goes on, but not where somebody had answered before.
    assert [one["responded_at"] is None for one in shown] == [True, True, False]
    for name in ("respond_due", "resolve_due"):
        assert [one[name] for one in shown[:2]] == [one[name] for one in before]
    kinds = sorted(kind for kind, _ in facts_of(database, undone["id"]))
    assert kinds == ["ticket.assign", "ticket.assign", "ticket.release"]
    assert undo(client, batch, worker)["id"] == undone["id"]


@pytest.mark.parametrize("state", ["assigned", "in_progress"])
def test_a_hold_is_taken_back_with_the_time_that_it_took(
    client: TestClient, site: SmallSite, clock: SimulatedClock, state: str
) -> None:
    tickets = opened(client, site.id, 2)
    ask(client, "assign", tickets, team="maintenance")
    if state == "in_progress":
        for ticket in tickets:
            client.post(f"/api/v1/tickets/{ticket['id']}/actions/start")
    until = datetime.fromtimestamp(clock.micros() / MICROS, UTC) + timedelta(days=1)
    batch = ask(client, "hold", tickets, note="Parts", until=until.isoformat())
    held = now_of(client, tickets[0])
    assert held["state"] == "on_hold"
    clock.advance_to(clock.micros() + 5 * 60 * MICROS)
    assert undo(client, batch)["done"] == 2
    shown = now_of(client, tickets[0])
    assert (shown["state"], shown["hold_until"]) == (state, None)
    client.post(f"/api/v1/tickets/{tickets[1]['id']}/actions/start")
    assert now_of(client, tickets[1])["state"] == "in_progress"


def test_a_hold_that_somebody_ended_is_not_ended_twice(client: TestClient, site: SmallSite) -> None:
    tickets = opened(client, site.id, 2)
    ask(client, "assign", tickets, team="maintenance")
    batch = ask(client, "hold", tickets, note="Parts", until="2099-01-01T00:00:00Z")
    ask(client, "resume", tickets[:1])
    reasons = [row["reason"] for row in undo(client, batch)["results"]]
    assert sorted(reasons) == ["", "changed"]


@pytest.mark.parametrize("action", ["resume", "verify", "close", "reopen", "cancel", "merge"])
def test_what_has_no_natural_way_back_offers_none(
    client: TestClient, site: SmallSite, make_user: MakeUser, action: str
) -> None:
    worker = make_user("technician", site.id)
    tickets = opened(client, site.id, 2)
    way: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "resume": [("hold", {"note": "Parts", "until": "2099-01-01T00:00:00Z"})],
        "verify": [("resolve", {})],
        "close": [("resolve", {}), ("verify", {})],
        "reopen": [("resolve", {})],
    }
    ask(client, "assign", tickets, team="maintenance")
    for step, more in way.get(action, []):
        ask(client, step, tickets, worker if step == "resolve" else None, **more)
    more = {"note": "x"} | ({"into_id": tickets[0]["id"]} if action == "merge" else {})
    batch = ask(client, action, tickets, **more)
    assert batch["done"] > 0
    assert batch["undo_until"] is None
    assert client.post(f"/api/v1/ticket-batches/{batch['id']}/undo").status_code == 409
