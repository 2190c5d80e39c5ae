"""A role limited to a team: no page shows a ticket of another one, or does anything to it."""

import asyncio
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.people import Grant, Person, caller_for, issue
from core.places import Asset, Node
from core.teams import Team, TeamShown, save_team
from tests.web.conftest import signed_in
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_isolation import PUMP, choices, outside, photo_of, routes
from web.live import Message
from workflows.alarms.model import Alarm
from workflows.dispatch import Handover
from workflows.notifications.model import Notice
from workflows.tickets import Draft, Step, Ticket, act, open_ticket
from workflows.tickets.scope import scope_of

WORDS = "Rope frayed in shaft 7"
LIFT = "lift"


def give(stage: Stage, role: str, team: str) -> tuple[UUID, TestClient]:
    """Somebody whose role on our site counts for one team."""
    person = stage.person("Zhou Jie", role, node=stage.site_id)
    with stage.parts.database.write() as session:
        grant = session.scalars(select(Grant).where(Grant.person_id == person)).one()
        grant.team = team
    return person, signed_in(stage, stage.secret(person, "session"))


def ticket_for(stage: Stage, team: str, *, words: str = WORDS, **given: object) -> Ticket:
    """A critical ticket by hand: it stands in every list and in the control room."""
    now = stage.parts.clock.now()
    draft = Draft(
        site_id=stage.site_id,
        kind="repair",
        priority="critical",
        title={"und": words},
        team=team,
        happened_at=now,
        learned_at=now,
        **given,  # type: ignore[arg-type]
    )
    with stage.parts.database.write() as session:
        ticket = open_ticket(session, draft, actor=events.SYSTEM)
        session.expunge(ticket)
    return ticket


def walk(stage: Stage, ticket: Ticket) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Every address that can name the ticket, and every page without a parameter."""
    theirs = {"number": str(ticket.number), "photo_id": str(photo_of(stage, ticket.number))}
    theirs |= {name: value for name, value in outside(stage, ticket.number).items()}
    theirs |= {"site_id": str(stage.site_id), "asset_id": str(stage.assets[PUMP])}
    parts = ("line_id", "item_id", "signature_id")
    known = {**dict.fromkeys(parts, str(stage.site_id)), **theirs}
    found = []
    for method, path in routes(stage):
        names = set(re.findall(r"{(\w+)}", path)) - {"panel", "part", "action"}
        if names <= known.keys():
            found += [
                (method, re.sub(r"{(\w+)}", lambda match: known[match[1]], each))
                for each in choices(path)
            ]
    return found, theirs


def test_no_page_shows_a_ticket_of_another_team_or_changes_it(stage: Stage) -> None:
    with stage.parts.database.read() as session:
        pump = session.get_one(Asset, stage.assets[PUMP])
    ticket = ticket_for(stage, "maintenance", asset_id=pump.id, space_id=pump.space_id)
    found, theirs = walk(stage, ticket)
    _, client = give(stage, "supervisor", LIFT)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "version": "1", "note": "Because"}
    form |= {"body": "Because", "minutes": "5"}
    its = {theirs[name] for name in ("number", "photo_id", "link_id", "report_id")}
    before = events.newest(stage.parts.database)
    walked = 0
    for method, address in found:
        if address.endswith("/stream"):
            continue
        of_it = not its.isdisjoint(address.partition("?")[0].split("/"))
        if method == "GET":
            answer = client.get(address)
        elif of_it:
            answer = client.request(method, address, data=form)
        else:
            continue
        if of_it:
            assert answer.status_code in (403, 404), (method, address, answer.status_code)
            walked += 1
        assert WORDS not in answer.text, (method, address)
        assert "Pumps Ltd" not in answer.text, (method, address)
    assert walked > 20
    assert events.newest(stage.parts.database) == before


def test_the_walk_would_find_it_for_whom_it_is_not_hidden(stage: Stage) -> None:
    with stage.parts.database.read() as session:
        pump = session.get_one(Asset, stage.assets[PUMP])
    ticket = ticket_for(stage, LIFT, asset_id=pump.id, space_id=pump.space_id)
    found, _ = walk(stage, ticket)
    _, client = give(stage, "supervisor", LIFT)
    seen = [
        address
        for method, address in found
        if method == "GET" and not address.endswith("/stream") and WORDS in client.get(address).text
    ]
    assert "/" in seen
    assert "/control-room" in seen
    assert "/tickets" in seen
    assert f"/tickets/{ticket.number}" in seen


@pytest.mark.parametrize(
    "how", ["assigned", "reported", "passed_on"], ids=lambda how: f"what_was_{how}"
)
def test_what_is_theirs_stays_theirs(stage: Stage, how: str) -> None:
    person, client = give(stage, "technician", LIFT)
    given: dict[str, Callable[[], Ticket]] = {
        "reported": lambda: ticket_for(stage, "maintenance", reporter_id=person),
        "assigned": lambda: ticket_for(stage, "maintenance"),
        "passed_on": lambda: ticket_for(stage, LIFT),
    }
    ticket = given[how]()
    step = {
        "assigned": Step("assign", assignee_id=person),
        "passed_on": Step("assign", team="maintenance"),
    }.get(how)
    if step is not None:
        with stage.parts.database.write() as session:
            row = session.get_one(Ticket, ticket.id)
            act(session, row, step, person=None, now=stage.parts.clock.now())
    assert WORDS in client.get(f"/tickets/{ticket.number}").text
    assert WORDS in client.get("/tickets").text


def test_an_alarm_is_seen_without_the_ticket_of_another_team(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    _, client = give(stage, "technician", LIFT)
    page = client.get("/").text
    assert "Pump motor overheating" in page
    assert f"/tickets/{number}" not in page


def test_accepting_an_alarm_takes_no_ticket_of_another_team(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    with stage.parts.database.read() as session:
        alarm = session.scalars(select(Alarm.id)).one()
    _, client = give(stage, "technician", LIFT)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    client.post(f"/control-room/alarms/{alarm}/accept", data=form)
    assert (stage.ticket(number).state, stage.ticket(number).assignee_id) == ("open", None)


def test_a_notice_takes_no_ticket_of_another_team(stage: Stage) -> None:
    """Who was told of it while their role reached further does no more by its link than by hand."""
    person, client = give(stage, "technician", LIFT)
    ticket = ticket_for(stage, "maintenance")
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        notice = Notice(
            site_id=stage.site_id,
            person_id=person,
            ticket_id=ticket.id,
            kind="ticket.open",
            facts={"number": ticket.number, "title": {"und": WORDS}},
            urgency="normal",
            state="waiting",
            version=1,
            created_at=now,
        )
        session.add(notice)
        session.flush()
        code, notice_id = notice.code, notice.id
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    client.post(f"/account/inbox/{notice_id}/answer", data=form)
    client.post(f"/n/{code}")
    assert (stage.ticket(ticket.number).state, stage.ticket(ticket.number).assignee_id) == (
        "open",
        None,
    )


def test_nobody_hands_over_for_a_team_that_their_role_does_not_reach(stage: Stage) -> None:
    """It would close the hand-over of that team to those who are in it."""
    ticket_for(stage, "maintenance")
    _, client = give(stage, "technician", LIFT)
    with stage.parts.database.write() as session:
        session.add(Team(site_id=stage.site_id, code=LIFT, name={"en": "Lifts"}))
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "note": "All quiet"}
    address = f"/teams/{stage.site_id}/hand-over"
    assert client.post(address, data={**form, "team": "maintenance"}).status_code == 403
    assert client.post(address, data={**form, "team": LIFT}).status_code == 303
    with stage.parts.database.read() as session:
        assert list(session.scalars(select(Handover.team))) == [LIFT]


def test_who_works_for_another_team_accepts_no_hand_over_of_this_one(stage: Stage) -> None:
    giver = stage.person("Li Na", "technician", node=stage.site_id)
    other = signed_in(stage, stage.secret(giver, "session"))
    form = {"csrf": csrf_token(other.cookies[SESSION_COOKIE]), "team": "maintenance"}
    address = other.post(f"/teams/{stage.site_id}/hand-over", data=form).headers["location"]
    person, client = give(stage, "technician", LIFT)
    with stage.parts.database.write() as session:
        # They read everything, and work for one team.
        session.add(Grant(person_id=person, node_id=stage.site_id, role="auditor"))
    own = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/accept", data=own).status_code == 403


def test_a_token_without_a_right_to_tickets_reads_no_hand_over(stage: Stage) -> None:
    ticket_for(stage, "maintenance")
    person = stage.person("Li Na", "supervisor", node=stage.site_id)
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        secret = issue(session, person, "token", now=now, scope=["people.read", "places.read"])
    headers = {"Authorization": f"Bearer {secret}"}
    answer = TestClient(stage.app).get("/hand-over", headers=headers)
    assert WORDS not in answer.text
    assert answer.status_code == 403


def test_a_stream_names_no_ticket_of_another_team(stage: Stage) -> None:
    person, _ = give(stage, "technician", LIFT)
    with stage.parts.database.read() as session:
        scope = scope_of(caller_for(session, session.get_one(Person, person)))

    async def run() -> list[str]:
        stream = stage.live.join(stage.site_id, person, scope=scope)
        told: list[str] = []
        try:
            async with asyncio.timeout(60):
                async for message in stream.messages():
                    if message.kind == "following":
                        loop = asyncio.get_running_loop()
                        await loop.run_in_executor(None, lambda: ticket_for(stage, "maintenance"))
                        mine = await loop.run_in_executor(None, lambda: ticket_for(stage, LIFT))
                    told += _tickets(message)
                    if told:
                        assert told == [str(mine.id)]
                        return told
        finally:
            stage.live.leave(stream)
        raise AssertionError("the stream ended")

    stage.live.start()
    asyncio.run(run())


def _tickets(message: Message) -> list[str]:
    named = message.body.get("tickets", [])
    assert isinstance(named, list)
    return named


def test_an_administrator_limits_a_role_to_a_team_and_the_log_holds_it(stage: Stage) -> None:
    admin = stage.person("Li Na", "administrator")
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, admin))
        site = session.get_one(Node, stage.site_id)
        team = TeamShown(LIFT, {"en": "Lifts", "zh": "电梯班"}, "grab", None, 0)
        save_team(session, caller, site, team, {}, now=stage.parts.clock.now())
    client = signed_in(stage, stage.secret(admin, "session"))
    person = stage.person("Zhou Jie", "auditor", node=stage.site_id)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "node": str(stage.site_id)}
    given = client.post(
        f"/people/{person}/roles", data={**form, "role": "technician", "team": LIFT}
    )
    assert given.status_code == 303
    assert "Only of the team Lifts" in client.get(f"/people/{person}").text
    with stage.parts.database.read() as session:
        fact = session.scalars(
            select(events.Event).where(events.Event.kind == "person.grant")
        ).all()[-1]
        assert (fact.after or {})["team"] == LIFT
    refused = client.post(f"/people/{person}/roles", data={**form, "role": "manager", "team": LIFT})
    assert refused.status_code == 422
    unknown = client.post(
        f"/people/{person}/roles", data={**form, "role": "guard", "team": "ghosts"}
    )
    assert unknown.status_code == 422


def test_whoever_joins_by_an_invitation_for_a_team_sees_its_tickets_only(stage: Stage) -> None:
    admin = signed_in(stage, stage.secret(stage.person("Li Na", "administrator"), "session"))
    form = {"csrf": csrf_token(admin.cookies[SESSION_COOKIE]), "node": str(stage.site_id)}
    page = admin.post(
        "/people/invitations", data={**form, "role": "technician", "team": "security"}
    ).text
    assert "Only of the team Security" in page
    path = re.search(r"/join/\S+?(?=<)", page)
    assert path is not None
    ticket_for(stage, "maintenance")
    guest = TestClient(stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', guest.get(path[0]).text)
    joined = guest.post(
        path[0],
        data={
            "name": "Zhou Jie",
            "login": "zhou.jie",
            "password": "correct horse battery",
            "again": "correct horse battery",
            "csrf": token[1] if token else "",
        },
    )
    assert joined.status_code == 303, joined.text
    assert WORDS not in guest.get("/tickets").text
