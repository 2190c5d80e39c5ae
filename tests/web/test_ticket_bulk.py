"""Doing one thing to many tickets from the list, and a list that follows what happens."""

import io
import json
import re
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, update

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.errors import Invalid
from core.ids import new_id
from core.teams import Certificate
from rules.wording import Message, worded
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage
from web.languages import translations
from web.pages.ticket_bulk import DETAILS, REASONS
from workflows.alarms import Alarm
from workflows.tickets import Draft, Ticket, open_ticket
from workflows.tickets.bulk import MOST_AT_ONCE, TicketBatch, refused, results_of


def opened(stage: Stage, count: int, *, site: UUID | None = None, **more: object) -> list[Ticket]:
    now = stage.parts.clock.now()
    made = []
    with stage.parts.database.write() as session:
        for number in range(count):
            draft = Draft(
                site_id=site or stage.site_id,
                kind="repair",
                priority="medium",
                title={"und": f"Job {number}"},
                team="maintenance",
                happened_at=now,
                learned_at=now,
            )
            ticket = open_ticket(session, draft, actor=events.SYSTEM)
            for name, value in more.items():
                setattr(ticket, name, value)
            made.append(ticket)
    return made


def read(stage: Stage, ticket: Ticket) -> Ticket:
    with stage.parts.database.read() as session:
        return session.get_one(Ticket, ticket.id)


def send(
    client: TestClient, tickets: Sequence[Ticket], action: str = "", **fields: str
) -> Response:
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "batch": str(new_id()),
        "action": action,
        "ticket": [f"{one.id}:{one.version}" for one in tickets],
        **fields,
    }
    return client.post(fields.get("to", "/tickets/bulk"), data=form)


def test_chosen_tickets_are_assigned_and_the_page_says_so(stage: Stage, client: TestClient) -> None:
    tickets = opened(stage, 3)
    person = stage.person("Bo Technician", "technician")
    done = send(client, tickets, "assign", team="security", assignee=str(person), view="late")
    assert done.status_code == 303, done.text
    page = client.get(done.headers["location"]).text
    assert "3 tickets done." in page
    assert "None was refused." in page
    assert 'href="/tickets?view=late"' in page
    assert {(read(stage, one).team, read(stage, one).assignee_id) for one in tickets} == {
        ("security", person)
    }
    undo = re.search(r'action="(/tickets/bulk/[0-9a-f-]+/undo)"', page)
    assert undo is not None
    back = client.post(undo[1], data={"csrf": csrf_token(client.cookies[SESSION_COOKIE])})
    assert "3 tickets done." in client.get(back.headers["location"]).text
    assert {read(stage, one).state for one in tickets} == {"open"}
    assert "/undo" not in client.get(done.headers["location"]).text


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_each_refused_ticket_is_named_with_its_reason(stage: Stage, locale: str) -> None:
    client = client_of(stage, "manager", locale)
    [fine, changed], [ended] = opened(stage, 2), opened(stage, 1, state="closed")
    with stage.parts.database.write() as session:
        session.execute(update(Ticket).where(Ticket.id == changed.id).values(version=7))
    done = send(client, [fine, ended, changed], "cancel", note="Twice")
    page = client.get(done.headers["location"]).text
    wanted = {
        "en": ("1 ticket done.", "Its state does not allow this: Closed.", "changed it meanwhile"),
        "zh": ("已处理 1 条工单。", "当前状态不允许此操作：已关闭。", "期间工单已有变动。"),
    }
    for text in wanted[locale]:
        assert text in page, text
    assert read(stage, fine).state == "cancelled"
    assert read(stage, changed).state == "open"


def test_the_same_form_twice_does_nothing_twice_and_another_is_refused(
    stage: Stage, client: TestClient
) -> None:
    tickets = opened(stage, 2)
    batch = str(new_id())
    first, second = (send(client, tickets, "note", note="Seen", batch=batch) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    with stage.parts.database.read() as session:
        count = select(func.count()).where(events.Event.kind == "ticket.note")
        assert session.scalar(count) == 2
    assert send(client, tickets, "note", note="Something else", batch=batch).status_code == 409


def test_all_of_a_list_means_its_first_two_hundred(stage: Stage, client: TestClient) -> None:
    opened(stage, MOST_AT_ONCE + 5, category="lift")
    others = opened(stage, 1)
    choices = client.get("/tickets/bulk-choices?view=open&category=lift").json()
    assert (choices["total"], choices["most"]) == (MOST_AT_ONCE + 5, MOST_AT_ONCE)
    assert len(choices["tickets"]) == MOST_AT_ONCE
    assert str(others[0].id) not in str(choices["tickets"])
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "batch": str(new_id()),
        "action": "priority",
        "to_priority": "low",
        "ticket": choices["tickets"],
    }
    done = client.post("/tickets/bulk", data=form)
    assert f"{MOST_AT_ONCE} tickets done." in client.get(done.headers["location"]).text
    too_many = {**form, "batch": str(new_id()), "ticket": [*choices["tickets"], str(others[0].id)]}
    assert client.post("/tickets/bulk", data=too_many).status_code == 422


def test_a_hold_ends_by_the_clocks_of_the_site(stage: Stage, client: TestClient) -> None:
    [ticket] = opened(stage, 1, state="assigned")
    day = stage.parts.clock.now() + timedelta(days=2)
    send(client, [ticket], "hold", note="Parts", until=day.strftime("%Y-%m-%dT09:00"))
    until = read(stage, ticket).hold_until
    # Nine o'clock in Shanghai.
    assert until is not None
    assert (until.hour, until.minute) == (1, 0)


def test_chosen_tickets_go_to_a_spreadsheet(stage: Stage, client: TestClient) -> None:
    chosen, other = opened(stage, 2), opened(stage, 1)
    with stage.parts.database.write() as session:
        session.execute(
            update(Ticket).where(Ticket.id == other[0].id).values(title={"und": "Not this one"})
        )
    answer = send(client, chosen, to="/tickets/chosen.xlsx")
    assert answer.status_code == 200
    with ZipFile(io.BytesIO(answer.content)) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "Job 1" in texts
    assert "Not this one" not in texts
    assert send(client, [], to="/tickets/chosen.xlsx").status_code == 422


def test_who_may_do_nothing_is_offered_nothing(stage: Stage) -> None:
    tickets = opened(stage, 1)
    auditor = client_of(stage, "auditor")
    page = auditor.get("/tickets").text
    assert 'id="bulk-action"' not in page
    assert "/tickets/chosen.xlsx" in page
    assert send(auditor, tickets, "note", note="x").status_code == 403
    guard = client_of(stage, "guard")
    offered = re.findall(r'<option value="(\w+)">', guard.get("/tickets").text)
    assert "hold" in offered
    assert "cancel" not in offered
    done = send(guard, tickets, "cancel", note="x")
    assert "may not do this" in guard.get(done.headers["location"]).text


def test_nobody_else_sees_a_batch_or_its_tickets(stage: Stage, client: TestClient) -> None:
    tickets = opened(stage, 1)
    where = send(client, tickets, "note", note="x").headers["location"]
    stranger = stage.person("Stranger", "manager", node=stage.other_site_id)
    other = signed_in(stage, stage.secret(stranger, "session"))
    assert other.get(where).status_code == 404
    theirs = send(other, tickets, "cancel", note="x").headers["location"]
    page = other.get(theirs).text
    assert "not yours to see" in page
    assert "Job 0" not in page
    assert f"#{tickets[0].number}" not in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket": "x"},
        {"ticket": f"{uuid4()}:x"},
        {"batch": "x"},
        {"action": "merge"},
        {"action": "note", "note": " "},
        {"action": "hold", "until": "soon"},
        {"action": "assign", "assignee": "x"},
    ],
)
def test_what_no_form_of_ours_sends_is_refused(
    stage: Stage, client: TestClient, wrong: dict[str, str]
) -> None:
    tickets = opened(stage, 1)
    fields = {"action": "note", "note": "x", **wrong}
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "batch": str(new_id()),
        "ticket": str(tickets[0].id),
        **fields,
    }
    assert client.post("/tickets/bulk", data=form).status_code == 422


def changes(client: TestClient, query: str = "view=open", **more: str) -> dict[str, object]:
    answer = (
        client.get(f"/tickets/changes?{query}", params=more)
        if not more
        else client.get(
            f"/tickets/changes?{query}&"
            + "&".join(f"{name}={value}" for name, value in more.items())
        )
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_list_learns_what_changed_in_it_and_what_came_into_it(
    stage: Stage, client: TestClient
) -> None:
    [shown, ended] = opened(stage, 2)
    [new] = opened(stage, 1)
    with stage.parts.database.write() as session:
        session.execute(
            update(Ticket).where(Ticket.id == ended.id).values(state="closed", version=2)
        )
    found = changes(client, rows=f"{shown.id},{ended.id}", others=str(new.id))
    rows = found["rows"]
    assert isinstance(rows, dict)
    assert "no longer in this list" not in rows[str(shown.id)]
    assert "no longer in this list" in rows[str(ended.id)]
    assert f'value="{ended.id}:2"' in rows[str(ended.id)]
    assert found["entered"] == [str(new.id)]
    # What does not fit the filters is no news.
    assert changes(client, "view=open&priority=low", others=str(new.id))["entered"] == []
    since = (stage.parts.clock.now() - timedelta(minutes=1)).isoformat().replace("+", "%2B")
    assert len(changes(client, since=since)["entered"]) == 2  # type: ignore[arg-type]


def test_what_changed_elsewhere_is_nobody_elses_news(stage: Stage) -> None:
    [ours] = opened(stage, 1)
    stranger = stage.person("Stranger", "manager", node=stage.other_site_id)
    client = signed_in(stage, stage.secret(stranger, "session"))
    found = changes(client, rows=str(ours.id), others=str(ours.id))
    assert (found["rows"], found["entered"]) == ({}, [])


@pytest.mark.parametrize(
    "wrong", ["rows=x", "others=x", "since=x", "since=2026-01-01T00:00:00", "view=x"]
)
def test_a_question_about_changes_that_no_list_asks_is_refused(
    client: TestClient, wrong: str
) -> None:
    assert client.get(f"/tickets/changes?{wrong}").status_code == 422
    many = ",".join(str(uuid4()) for _ in range(101))
    assert client.get(f"/tickets/changes?rows={many}").status_code in (404, 422)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_chosen_tickets_are_merged_and_the_page_names_the_one_that_stays(
    stage: Stage, locale: str
) -> None:
    client = client_of(stage, "manager", locale)
    tickets = opened(stage, 3)
    assert 'id="bulk-into"' in client.get("/tickets").text
    stays = tickets[1]
    done = send(client, tickets, "merge", note="One pipe", into=str(stays.id))
    page = client.get(done.headers["location"]).text
    wanted = {"en": "They are in this one now", "zh": "均已并入此工单"}
    assert wanted[locale] in page
    assert f'href="/tickets/{stays.number}"' in page
    assert {read(stage, one).merged_into_id for one in tickets} == {stays.id, None}
    assert send(client, tickets, "merge", note="One pipe").status_code == 422
    assert send(client, tickets, "merge", note="One pipe", into="x").status_code == 422


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_who_takes_many_hears_what_they_lack(stage: Stage, locale: str) -> None:
    client = client_of(stage, "technician", locale)
    [fine] = opened(stage, 1)
    [electrical] = opened(stage, 1, category="electrical")
    colleague = stage.person("Bo Electrician", "technician")
    with stage.parts.database.write() as session:
        day = date(2099, 1, 1)
        session.add(Certificate(person_id=colleague, kind="electrician", valid_until=day))
    done = send(client, [fine, electrical], "accept")
    page = client.get(done.headers["location"]).text
    wanted = {"en": "You lack a certificate", "zh": "您没有此类作业所需的证书"}
    assert wanted[locale] in page
    assert read(stage, fine).state == "assigned"
    assert read(stage, electrical).state == "open"


def test_taking_many_acknowledges_their_alarms(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    with stage.parts.database.read() as session:
        ticket = session.scalars(select(Ticket).where(Ticket.number == number)).one()
    send(client, [ticket], "accept")
    with stage.parts.database.read() as session:
        alarm = session.scalars(select(Alarm).where(Alarm.ticket_id == ticket.id)).one()
    assert alarm.state == "acknowledged"


def test_why_a_ticket_was_refused_is_kept_in_no_language() -> None:
    problems = [worded("until: missing"), worded("items: at most %(most)s", most=50)]
    error = Invalid(worded("the ticket was not changed"), problems=problems)
    result = refused(new_id(), 7, "open", "hold", error)
    [kept] = results_of(TicketBatch(results=json.loads(json.dumps([result.written()]))))
    assert kept.detail == "the ticket was not changed (until: missing; items: at most 50)"
    assert isinstance(kept.detail, Message)
    told = kept.detail.told(translations("zh").gettext)
    assert told == "工单未更改（截止时间：必填；条目：最多 50 项）"


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == {"not_found", "not_allowed", "changed", "state"}
    assert all(DETAILS.values())
