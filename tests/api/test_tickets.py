"""Tickets over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from core import events
from core.clock import MICROS, SimulatedClock, to_micros
from core.db import Database
from core.ids import new_id
from tests.api.building import put_alarm, put_ticket
from tests.api.conftest import MakeUser
from tests.fixtures import Administrator, SmallSite
from workflows.alarms import Alarm
from workflows.tickets import TICKET, Ticket, TicketEvidence
from workflows.tickets.rights import RIGHT_OF_ACTION

BASE = "/api/v1/tickets"


def put_many(database: Database, site: SmallSite, clock: SimulatedClock, count: int) -> list[str]:
    """Tickets a minute apart, two at each minute; the newest id first."""
    made = []
    for number in range(count):
        if number % 2 == 0:
            clock.advance_to(clock.micros() + 60 * MICROS)
        made.append(put_ticket(database, site, clock.now(), title=f"Fault {number}"))
    return [str(ticket_id) for ticket_id in reversed(made)]


def pages(client: TestClient, url: str, limit: int) -> list[list[dict[str, Any]]]:
    found, cursor = [], ""
    while True:
        answer = client.get(url, params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def test_pages_show_every_ticket_once_newest_first(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    newest_first = put_many(database, site, clock, 7)
    found = pages(client, BASE, 3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [item["id"] for page in found for item in page] == newest_first


def test_a_ticket_opened_meanwhile_moves_no_page(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    put_many(database, site, clock, 4)
    first = client.get(BASE, params={"limit": 2}).json()
    put_many(database, site, clock, 1)
    second = client.get(BASE, params={"limit": 2, "cursor": first["next"]}).json()
    shown = [item["title"]["und"] for item in first["items"] + second["items"]]
    assert shown == ["Fault 3", "Fault 2", "Fault 1", "Fault 0"]
    assert second["next"] is None


def test_the_list_filters(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    make_user: MakeUser,
) -> None:
    worker = make_user("technician", site.id).person_id
    drip = str(put_ticket(database, site, clock.now(), title="水管漏水 100%"))
    noise = str(put_ticket(database, site, clock.now(), title="Noise"))
    with database.write() as session:
        session.execute(
            update(Ticket)
            .where(Ticket.id == UUID(noise))
            .values(state="closed", kind="complaint", rule_id="r1", asset_id=None, priority="low")
        )
        session.execute(update(Ticket).where(Ticket.id == UUID(drip)).values(assignee_id=worker))
    pump = site.assets["pump-1"]
    number = client.get(f"{BASE}/{noise}").json()["number"]
    expected: dict[str, set[str]] = {
        "": {drip, noise},
        "state=open": {drip},
        "state=ended": {noise},
        "state=all": {drip, noise},
        "state=closed,on_hold": {noise},
        "kind=complaint": {noise},
        "priority=high": {drip},
        "rule=r1": {noise},
        f"assignee={worker}": {drip},
        f"assignee={new_id()}": set(),
        f"asset={pump}": {drip},
        f"site={site.id}": {drip, noise},
        f"site={new_id()}": set(),
        "q=漏水": {drip},
        "q=noise": {noise},
        "q=1号泵": {drip},
        "q=pump-1": {drip},
        "q=100%25": {drip},
        "q=%25": {drip},
        "q=_": set(),
        f"q=%23{number}": {noise},
        "q=99999999999999": set(),
    }
    for query, ids in expected.items():
        items = client.get(f"{BASE}?{query}").json()["items"]
        assert {item["id"] for item in items} == ids, query


def test_times_are_utc_to_the_microsecond(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    put_ticket(database, site, clock.now())
    put_ticket(database, site, clock.now() + timedelta(microseconds=7))
    times = [item["learned_at"] for item in client.get(BASE).json()["items"]]
    assert times == ["2026-11-24T04:00:00.000007Z", "2026-11-24T04:00:00.000000Z"]


def new_ticket(site: SmallSite, **more: object) -> dict[str, object]:
    return {"site_id": str(site.id), "title": " The gate squeaks ", **more}


def test_somebody_opens_a_ticket(
    client: TestClient, site: SmallSite, administrator: Administrator
) -> None:
    asset = str(site.assets["pump-1"])
    body = new_ticket(site, asset_id=asset, happened_at="2026-11-24T09:00:00+08:00")
    answer = client.post(BASE, json=body)
    assert answer.status_code == 201
    ticket = answer.json()
    assert ticket["title"] == {"und": "The gate squeaks"}
    assert ticket["happened_at"] == "2026-11-24T01:00:00.000000Z"
    assert ticket["asset_code"] == "pump-1"
    assert ticket["reporter_id"] == str(administrator.person_id)
    assert answer.headers["ETag"] == '"1"'
    assert client.get(answer.headers["Location"]).json() == ticket


def test_nobody_reports_what_lies_in_the_future(client: TestClient, site: SmallSite) -> None:
    ticket = client.post(BASE, json=new_ticket(site, happened_at="2030-01-01T00:00:00Z")).json()
    assert ticket["happened_at"] == ticket["learned_at"]


def test_places_of_another_site_are_refused(
    client: TestClient, site: SmallSite, other_site: UUID
) -> None:
    body = new_ticket(site, asset_id=str(site.assets["pump-1"]), space_id=str(new_id()))
    answer = client.post(BASE, json={**body, "site_id": str(other_site)})
    assert answer.status_code == 422
    assert {line.split(":")[0] for line in answer.json()["problems"]} == {"asset_id", "space_id"}


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count(Ticket.id))) or 0


def test_the_same_key_opens_one_ticket(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = client.post(BASE, json=new_ticket(site), headers=headers)
    second = client.post(BASE, json=new_ticket(site), headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert count(database) == 1


def test_a_key_used_for_something_else_is_a_conflict(client: TestClient, site: SmallSite) -> None:
    headers = {"Idempotency-Key": "k1"}
    client.post(BASE, json=new_ticket(site), headers=headers)
    other = client.post(BASE, json=new_ticket(site, kind="complaint"), headers=headers)
    assert other.status_code == 409


def test_a_key_belongs_to_its_sender_and_ends_after_a_day(
    client: TestClient,
    site: SmallSite,
    make_user: MakeUser,
    database: Database,
    clock: SimulatedClock,
) -> None:
    key = {"Idempotency-Key": "k1"}
    client.post(BASE, json=new_ticket(site), headers=key)
    other = make_user("manager", site.id)
    client.post(BASE, json=new_ticket(site), headers={**key, **other.headers})
    assert count(database) == 2
    clock.advance_to(clock.micros() + 25 * 3600 * MICROS)
    client.post(BASE, json=new_ticket(site), headers=key)
    assert count(database) == 3


def test_a_refused_request_may_be_mended_under_its_key(client: TestClient, site: SmallSite) -> None:
    headers = {"Idempotency-Key": "k1"}
    wrong = new_ticket(site, asset_id=str(new_id()))
    assert client.post(BASE, json=wrong, headers=headers).status_code == 422
    assert client.post(BASE, json=new_ticket(site), headers=headers).status_code == 201


def test_an_edit_names_its_version(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{BASE}/{put_ticket(database, site, clock.now())}"
    change = {"priority": "low", "title": "Drips", "description": "Under the sink"}
    tag = client.get(url).headers["ETag"]
    assert client.patch(url, json=change).status_code == 428
    assert client.patch(url, json=change, headers={"If-Match": "x"}).status_code == 422
    changed = client.patch(url, json=change, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["title"] == {"und": "Drips"}
    assert changed.headers["ETag"] != tag
    assert client.patch(url, json=change, headers={"If-Match": tag}).status_code == 412
    assert client.patch(url, json={}, headers={"If-Match": "*"}).status_code == 422
    nothing = client.patch(url, json={"priority": None}, headers={"If-Match": "*"})
    assert nothing.json()["problems"] == ["priority: can't be null"]


def test_notes_are_shown_with_their_author(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{BASE}/{put_ticket(database, site, clock.now())}"
    assert client.post(f"{url}/notes", json={"body": " \n"}).status_code == 422
    key = {"Idempotency-Key": "n1"}
    for _twice in range(2):
        answer = client.post(f"{url}/notes", json={"body": "Called the owner"}, headers=key)
        assert answer.status_code == 201
    notes = client.get(url).json()["notes"]
    assert [(note["author_name"], note["body"]) for note in notes] == [
        ("Ada Admin", "Called the owner")
    ]
    events_ = client.get(url).json()["events"]
    assert [event["kind"] for event in events_] == ["ticket.open", "ticket.note"]


def test_evidence_comes_with_its_chart(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    chart = {"1": {"point": "motor_temperature", "unit": "°C", "at": [1], "value": [82.1]}}
    row = TicketEvidence(
        site_id=site.id,
        ticket_id=ticket_id,
        kind="trip",
        at_micros=to_micros(clock.now()),
        data={"reason": "hot", "chart": chart},
    )
    with database.write() as session:
        session.add(row)
    (shown,) = client.get(f"{BASE}/{ticket_id}").json()["evidence"]
    assert (shown["kind"], shown["at"]) == ("trip", "2026-11-24T04:00:00.000000Z")
    assert shown["data"] == {"reason": "hot"}
    assert shown["chart"] == chart


def act(
    client: TestClient, ticket_id: UUID, action: str, site: SmallSite, into: UUID
) -> httpx2.Response:
    body = {"note": "Because", "team": "night shift"}
    needed = {"merge": {"into_id": str(into)}, "hold": {"until": "2026-11-25T09:00:00+08:00"}}
    extra = needed.get(action, {})
    del site
    return client.post(f"{BASE}/{ticket_id}/actions/{action}", json={**body, **extra})


def test_every_action_from_every_status_does_what_the_table_says(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    into = put_ticket(database, site, clock.now())
    for status in TICKET.statuses:
        for action in TICKET.moves:
            with database.write() as session:
                session.execute(
                    update(Ticket)
                    .where(Ticket.id == ticket_id)
                    .values(state=status, version=Ticket.version + 1, doer_id=None)
                )
            before = client.get(f"{BASE}/{ticket_id}").json()
            answer = act(client, ticket_id, action, site, into)
            target = TICKET.moves[action].get(status)
            assert (action in before["actions"]) == (target is not None)
            if target is None:
                assert answer.status_code == 409, (status, action, answer.text)
            else:
                assert answer.status_code == 200, (status, action, answer.text)
                assert answer.json()["state"] == target
                assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'


def test_an_unknown_action_does_not_exist(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{BASE}/{put_ticket(database, site, clock.now())}/actions/explode"
    assert client.post(url, json={}).status_code == 404


def test_an_action_may_name_the_version_it_was_decided_on(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{BASE}/{put_ticket(database, site, clock.now())}/actions/start"
    assert client.post(url, headers={"If-Match": '"9"'}).status_code == 412
    assert client.post(url, headers={"If-Match": '"1"'}).status_code == 200


def test_some_actions_need_a_reason(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{BASE}/{put_ticket(database, site, clock.now())}/actions/cancel"
    assert client.post(url).status_code == 422
    assert client.post(url, json={"note": "Twice reported"}).status_code == 200


def test_starting_a_ticket_acknowledges_its_alarm(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    alarm_id = put_alarm(database, site, clock.now(), ticket_id=ticket_id)
    client.post(f"{BASE}/{ticket_id}/actions/start")
    with database.read() as session:
        assert session.get_one(Alarm, alarm_id).state == "acknowledged"


def test_a_technician_works_and_a_manager_decides(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    make_user: MakeUser,
) -> None:
    technician = make_user("technician", site.id).headers
    ticket_id = put_ticket(database, site, clock.now())
    shown = client.get(f"{BASE}/{ticket_id}", headers=technician).json()["actions"]
    assert shown == ["accept", "start"]
    for action, right in RIGHT_OF_ACTION.items():
        url = f"{BASE}/{ticket_id}/actions/{action}"
        status = client.post(url, json={"note": "x"}, headers=technician).status_code
        assert (status == 403) == (right in {"tickets.dispatch", "tickets.manage"}), action


def test_every_action_has_its_right() -> None:
    assert set(RIGHT_OF_ACTION) == set(TICKET.moves)


def test_reading_and_refusing_append_no_event(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    before = events.newest(database)
    client.get(BASE)
    client.get(f"{BASE}/{ticket_id}")
    client.post(f"{BASE}/{ticket_id}/actions/verify")
    assert events.newest(database) == before


def test_work_and_findings_stand_on_the_ticket(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    lists = client.get("/api/v1/finding-lists", params={"asset_type": "pump"}).json()
    assert lists["causes"]["bearing"]["zh"] == "轴承"
    part = {"kind": "part", "what": "Bearing 6204", "quantity": "2", "cost": "64.00"}
    made = client.post(f"{BASE}/{ticket_id}/work", json=part)
    assert made.status_code == 201, made.text
    [line] = made.json()["work"]
    assert (line["quantity"], line["cost"]) == ("2", "64.00")
    assert client.post(f"{BASE}/{ticket_id}/work", json={**part, "cost": "-1"}).status_code == 422
    assert client.post(f"{BASE}/{ticket_id}/work", json={**part, "kind": "x"}).status_code == 422
    found = client.put(f"{BASE}/{ticket_id}/findings", json={"fault": "leak", "remedy": "cleaned"})
    assert (found.status_code, found.json()["fault_code"]) == (200, "leak")
    assert client.put(f"{BASE}/{ticket_id}/findings", json={"fault": "x"}).status_code == 422
    gone = client.delete(f"{BASE}/{ticket_id}/work/{line['id']}")
    assert (gone.status_code, gone.json()["work"]) == (200, [])
    assert client.delete(f"{BASE}/{ticket_id}/work/{line['id']}").status_code == 404
