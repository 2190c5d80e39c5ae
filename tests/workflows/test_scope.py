"""Whose tickets somebody sees: the one place decides, in SQL and for one ticket alike."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.permissions import OF_TICKETS, ROLES, ROLES_OF_A_TEAM
from tests.fixtures import NOON, SmallSite
from workflows.tickets import Draft, Step, Ticket, act, open_ticket
from workflows.tickets.scope import holds, of_tickets, scope_of
from workflows.tickets.working import edit

ROOT = Path(__file__).resolve().parents[2]
TEAMS = ("lift", "maintenance", "50%_off")


def hire(database: Database, site: SmallSite, *roles: tuple[str, str]) -> UUID:
    """Somebody with roles on the site, each with its team."""
    person = new_id()
    with database.write() as session:
        session.add(Person(id=person, name="Zhou Jie"))
        session.flush()
        for role, team in roles:
            session.add(Grant(person_id=person, node_id=site.id, role=role, team=team))
    return person


def caller_of(database: Database, person: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def put(database: Database, site: SmallSite, team: str, reporter: UUID | None = None) -> UUID:
    draft = Draft(
        site_id=site.id,
        kind="repair",
        priority="low",
        title={"und": "A lamp is out"},
        team=team,
        reporter_id=reporter,
        happened_at=NOON,
        learned_at=NOON,
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id


def test_sql_and_the_judgement_of_one_ticket_say_the_same(
    database: Database, site: SmallSite
) -> None:
    person = hire(database, site, ("technician", "lift"))
    tickets = {
        "of the team": put(database, site, "lift"),
        "of another": put(database, site, "maintenance"),
        "of one that matches like a pattern": put(database, site, "lif_"),
        "opened by them": put(database, site, "maintenance", person),
        "assigned to them": put(database, site, "maintenance"),
        "passed on": put(database, site, "lift"),
        "passed on twice": put(database, site, "lift"),
        "edited away": put(database, site, "lift"),
    }
    steps = [
        ("assigned to them", Step("assign", assignee_id=person)),
        ("passed on", Step("assign", team="security")),
        ("passed on twice", Step("assign", team="security")),
        ("passed on twice", Step("assign", team="maintenance")),
    ]
    with database.write() as session:
        for name, step in steps:
            act(session, session.get_one(Ticket, tickets[name]), step, person=None, now=NOON)
        edited = session.get_one(Ticket, tickets["edited away"])
        edit(session, edited, {"team": "security"}, person=person, now=NOON, expected_version=None)
    caller = caller_of(database, person)
    with database.read() as session:
        seen = set(session.scalars(of_tickets(select(Ticket.id), caller)))
        rows = {name: session.get_one(Ticket, one) for name, one in tickets.items()}
        judged = {row.id for row in rows.values() if holds(caller, "tickets.read", row)}
    assert seen == judged
    hidden = {"of another", "of one that matches like a pattern"}
    assert {name for name, one in tickets.items() if one not in seen} == hidden


@pytest.mark.parametrize("team", TEAMS)
def test_a_team_is_no_pattern(database: Database, site: SmallSite, team: str) -> None:
    ticket = put(database, site, team)
    with database.write() as session:
        row = session.get_one(Ticket, ticket)
        act(session, row, Step("assign", team="security"), person=None, now=NOON)
    for other in TEAMS:
        caller = caller_of(database, hire(database, site, ("guard", other)))
        with database.read() as session:
            seen = list(session.scalars(of_tickets(select(Ticket.id), caller)))
        assert (seen == [ticket]) == (other == team)


def test_a_role_for_every_team_makes_one_for_a_team_wider(
    database: Database, site: SmallSite
) -> None:
    caller = caller_of(database, hire(database, site, ("technician", "lift"), ("guard", "")))
    assert caller.teams == {}
    assert scope_of(caller).whole == {site.id}


def test_each_permission_is_narrowed_for_itself(database: Database, site: SmallSite) -> None:
    """An auditor of the whole site who works for the lift team reads all and works some."""
    caller = caller_of(database, hire(database, site, ("technician", "lift"), ("auditor", "")))
    ticket = put(database, site, "maintenance")
    with database.read() as session:
        row = session.get_one(Ticket, ticket)
        assert holds(caller, "tickets.read", row)
        assert not holds(caller, "tickets.work", row)


def test_two_teams_are_two_roles(database: Database, site: SmallSite) -> None:
    person = hire(database, site, ("technician", "lift"), ("technician", "security"))
    caller = caller_of(database, person)
    assert caller.teams["tickets.read"] == {site.id: frozenset({"lift", "security"})}
    assert "places.read" not in caller.teams


def test_a_role_for_a_team_holds_nothing_about_tickets_company_wide(
    database: Database, site: SmallSite
) -> None:
    person = new_id()
    with database.write() as session:
        session.add(Person(id=person, name="Zhou Jie"))
        session.flush()
        session.add(
            Grant(person_id=person, node_id=site.company_id, role="supervisor", team="lift")
        )
    caller = caller_of(database, person)
    assert not caller.company_wide & OF_TICKETS
    assert caller.teams["tickets.manage"] == {site.id: frozenset({"lift"})}


def test_no_role_of_a_team_can_change_rights() -> None:
    assert not any("people.write" in ROLES[role] for role in ROLES_OF_A_TEAM)


def test_nothing_but_the_scope_asks_where_tickets_are_read() -> None:
    """Whoever asks for the sites alone forgets the teams."""
    right = r"tickets\.(read|work|dispatch|manage)"
    asks = re.compile(rf"(scoped|on_sites|sites_for)\([^)]*[\"']{right}")
    by_site = {
        # Opening a page at all, and choosing a site: about no ticket.
        "workflows/alarms/operating.py",
        "web/pages/control_room/panels.py",
    }
    found = {
        str(path.relative_to(ROOT))
        for room in ("core", "workflows", "api", "web", "jobs", "ingest")
        for path in (ROOT / room).rglob("*.py")
        if asks.search(path.read_text(encoding="utf-8"))
    }
    assert found - by_site == set()
