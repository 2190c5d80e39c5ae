"""Leaving: every way in ends, open work goes back to its team, the past keeps the name."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.accounts import new_password, set_password, sign_in
from core.companies import CompanyPerson, hire_company, people_of
from core.company_accounts import invite_to_company, open_company_invitation
from core.db import Database
from core.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from core.events import Event
from core.home_accounts import invite_residents, open_home_invitation
from core.homes import Home
from core.households import Details, Resident, add_resident
from core.ids import new_id
from core.invitations import Invitation, invite, open_invitation
from core.people import Caller, Credential, Grant, Person, caller_for, identify, issue
from core.places import Space
from core.sign_in_links import make_link, redeem_link
from core.unfounded import take_role
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


ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass(frozen=True, slots=True)
class Made:
    """What somebody made that lets others in, by its secrets."""

    link: str
    colleague: str
    home: str
    company: str

    def standing(self, database: Database) -> set[str]:
        """What of it still opens; nothing is used up."""
        opens: dict[str, Callable[[Session], object]] = {
            "link": lambda session: redeem_link(session, self.link, now=LATER),
            "colleague": lambda session: open_invitation(session, self.colleague, now=LATER),
            "home": lambda session: open_home_invitation(session, self.home, now=LATER),
            "company": lambda session: open_company_invitation(session, self.company, now=LATER),
        }
        found = set()
        for what, tried in opens.items():
            with database.read() as session:
                try:
                    tried(session)
                except (NotFound, NotSignedIn):
                    continue
                finally:
                    session.rollback()
            found.add(what)
        return found


def make_everything(database: Database, site: SmallSite, by: UUID) -> Made:
    caller = caller_of(database, by)
    forgot = employ(database, site.id, "guard")
    zhao = live_in(database, site, "Zhao", "13800138000")
    with database.write() as session:
        company = hire_company(session, caller, site.id, "Pumps Ltd", now=NOON)
        [(_, home)] = invite_residents(session, [session.get_one(Resident, zhao)], by=by, now=NOON)
        return Made(
            make_link(session, caller, session.get_one(Person, forgot), now=NOON),
            invite(session, caller, site.id, "guard", now=NOON)[1],
            home,
            invite_to_company(session, company, by=by, now=NOON)[1],
        )


@ONE_ENGINE
def test_what_a_leaver_made_and_nobody_used_lets_nobody_in(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    wei = employ(database, site.id, "administrator")
    made = make_everything(database, site, wei)
    assert made.standing(database) == {"link", "colleague", "home", "company"}
    let_go(database, wei, administrator.person_id)
    assert made.standing(database) == set()
    with database.read() as session:
        ends = select(Credential.ends_at).where(Credential.made_by == wei)
        assert session.scalars(ends).one() == LATER
        kinds = list(session.scalars(select(Event.kind)))
    assert {"invitation.revoke", "company.invite_end"} <= set(kinds)


@ONE_ENGINE
@pytest.mark.parametrize(
    ("left", "stands"),
    [("service_desk", {"home"}), ("manager", {"home", "company"}), ("guard", set())],
)
def test_what_somebody_made_ends_with_the_right_to_make_it(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    left: str,
    stands: set[str],
) -> None:
    wei = employ(database, site.id, "administrator")
    made = make_everything(database, site, wei)
    with database.write() as session:
        session.add(Grant(person_id=wei, node_id=site.id, role=left))
        grant = session.scalars(
            select(Grant).where(Grant.person_id == wei, Grant.role == "administrator")
        ).one()
        take_role(session, grant, actor=events.SYSTEM, now=LATER)
    assert made.standing(database) == stands
    # Ended, not at rest: the right that comes back brings nothing back.
    with database.write() as session:
        session.add(Grant(person_id=wei, node_id=site.id, role="administrator"))
    assert made.standing(database) == stands


@ONE_ENGINE
def test_a_link_opens_no_role_that_its_maker_does_not_answer_for(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    """Whom it signs in may have got one since it was made."""
    local = employ(database, site.id, "administrator")
    made = make_everything(database, site, local)
    with database.write() as session:
        signed_in = select(Credential.person_id).where(Credential.made_by == local)
        person = session.scalars(signed_in).one()
        session.add(Grant(person_id=person, node_id=site.company_id, role="manager"))
    assert "link" not in made.standing(database)


@ONE_ENGINE
def test_a_limited_token_makes_no_link_that_is_not_limited(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    caller = caller_of(database, administrator.person_id)
    limited = caller.within({"people.read", "people.write"})
    with database.write() as session:
        themselves = session.get_one(Person, administrator.person_id)
        with pytest.raises(NotAllowed, match="limited token"):
            make_link(session, limited, themselves, now=NOON)
        assert make_link(session, caller, themselves, now=NOON)
