"""Leaving: every way in ends, open work goes back to its team, the past keeps the name."""

import time
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.accounts import new_password, set_password, sign_in
from core.companies import CompanyPerson, hire_company, people_of
from core.db import Database
from core.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from core.events import Event
from core.home_accounts import invite_residents
from core.homes import Home
from core.households import Details, Resident, add_resident
from core.ids import new_id
from core.invitations import Invitation, invite, open_invitation
from core.people import Caller, Grant, Person, caller_for, identify, issue, redeem_link
from core.places import Space
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import do, employ, ticket_of, trip
from workflows import staff

GOOD = "three quiet pumps"
LATER = NOON + timedelta(hours=1)


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def let_go(database: Database, person_id: UUID, by: UUID) -> int:
    caller = caller_of(database, by)
    with database.write() as session:
        person = session.get_one(Person, person_id)
        return staff.leave(session, person, caller=caller, now=LATER)


def test_every_way_in_ends_at_once(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    wei = employ(database, site.id, "administrator")
    given = new_password("wei", GOOD)
    with database.write() as session:
        set_password(session, wei, given, now=NOON)
        secrets = {kind: issue(session, wei, kind, now=NOON) for kind in ("token", "session")}
        link = issue(session, wei, "link", now=NOON)
    with database.write() as session:
        _, invitation = invite(session, caller_of(database, wei), site.id, "guard", now=NOON)
    let_go(database, wei, administrator.person_id)
    for kind, secret in secrets.items():
        with database.read() as session, pytest.raises(NotSignedIn):
            identify(session, secret, kind, now=LATER)
    with database.write() as session, pytest.raises(NotSignedIn):
        redeem_link(session, link, now=LATER)
    with database.read() as session, pytest.raises(NotFound):
        open_invitation(session, invitation, now=LATER)
    with pytest.raises(NotSignedIn):
        sign_in(database, "wei", GOOD, "192.0.2.1", now=LATER)
    with database.read() as session:
        assert session.get_one(Person, wei).name == "Wei"
        assert session.scalars(select(Grant).where(Grant.person_id == wei)).all() == []
        kinds = list(session.scalars(select(Event.kind).order_by(Event.seq)))
        assert session.scalars(select(Invitation.ends_at)).one() == LATER
    assert kinds[-3:] == ["invitation.revoke", "person.revoke", "person.leave"]


@pytest.mark.parametrize("steps", [["accept"], ["start"], ["start", "hold"]])
def test_open_work_goes_back_to_its_team(
    database: Database, site: SmallSite, administrator: Administrator, steps: list[str]
) -> None:
    wei = employ(database, site.id, "technician")
    ticket_id = trip(database, site, NOON).ticket_id
    for action in steps:
        do(database, ticket_id, wei, NOON, action)
    assert let_go(database, wei, administrator.person_id) == 1
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.assignee_id, ticket.team) == ("assigned", None, "maintenance")


def test_what_is_done_stays_theirs(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    wei = employ(database, site.id, "technician")
    ticket_id = trip(database, site, NOON).ticket_id
    for action in ("start", "resolve"):
        do(database, ticket_id, wei, NOON, action)
    assert let_go(database, wei, administrator.person_id) == 0
    assert ticket_of(database, ticket_id).assignee_id == wei


def test_the_last_administrator_stays(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    with pytest.raises(Conflict, match="last administrator"):
        let_go(database, administrator.person_id, administrator.person_id)
    other = employ(database, site.company_id, "administrator")
    let_go(database, administrator.person_id, other)
    with pytest.raises(Conflict, match="left already"):
        let_go(database, administrator.person_id, other)


def test_of_two_administrators_who_let_each_other_go_at_once_one_stays(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    other = employ(database, site.company_id, "administrator")
    pairs = [(administrator.person_id, other), (other, administrator.person_id)]

    def leave(number: int) -> bool:
        person_id, by = pairs[number]
        caller = caller_of(database, by)
        try:
            with database.write() as session:
                person = session.get_one(Person, person_id)
                staff.leave(session, person, caller=caller, now=LATER)
                # Long enough for the other one to look as well.
                time.sleep(0.3)
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, leave)) == [False, True]


def test_who_answers_for_one_site_lets_nobody_of_the_company_go(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    local = employ(database, site.id, "administrator")
    regional = employ(database, site.company_id, "manager")
    with pytest.raises(NotAllowed):
        let_go(database, regional, local)
    assert caller_of(database, regional).sites_for("tickets.manage") == {site.id}


def live_in(database: Database, site: SmallSite, name: str, phone: str) -> UUID:
    with database.write() as session:
        flat = Space(id=new_id(), site_id=site.id, code="flat-1", name={"en": "1"}, kind="unit")
        session.add(flat)
        session.flush()
        details = Details(name, (phone,))
        return add_resident(session, flat, details, actor=events.SYSTEM, now=NOON).id


def test_a_colleague_who_lives_here_can_be_invited_to_their_home_again(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    """Leaving ends the account, and with it the way into the home: another one takes its place."""
    wei = employ(database, site.id, "technician")
    zhao = live_in(database, site, "Wei", "13800138000")
    with database.write() as session:
        row = session.get_one(Resident, zhao)
        session.add(
            Home(
                person_id=wei,
                resident_id=zhao,
                site_id=site.id,
                space_id=row.space_id,
                made_at=NOON,
            )
        )
        session.add(Grant(person_id=wei, node_id=site.id, role="resident"))
    let_go(database, wei, administrator.person_id)
    with database.write() as session:
        row = session.get_one(Resident, zhao)
        made = invite_residents(session, [row], by=administrator.person_id, now=LATER)
        assert [contact.name for contact, _ in made] == ["Wei"]
        kinds = list(session.scalars(select(Event.kind)))
    assert kinds.count("resident.access_end") == 1


def test_nobody_of_a_hired_company_is_left_who_left(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    wei = employ(database, site.id, "technician")
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        company = hire_company(session, caller, site.id, "Pumps Ltd", now=NOON)
        session.add(
            CompanyPerson(person_id=wei, company_id=company.id, site_id=site.id, made_at=NOON)
        )
        session.add(Grant(person_id=wei, node_id=site.id, role="contractor"))
    let_go(database, wei, administrator.person_id)
    with database.read() as session:
        assert people_of(session, company.id) == []
