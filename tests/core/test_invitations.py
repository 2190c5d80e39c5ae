"""Joining by invitation, roles that are given and taken, and who may do so."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core.accounts import new_password, sign_in
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.events import Actor, Event
from core.ids import new_id
from core.invitations import (
    LIFETIME,
    Invitation,
    NewColleague,
    find_node,
    invite,
    join,
    require_may_give,
    revoke,
    roles_to_give,
)
from core.people import Caller, Grant, Person, caller_for
from core.permissions import ROLES, STAFF_ROLES
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads

GOOD = "three quiet pumps"


def colleague(login: str = "li.na") -> NewColleague:
    return NewColleague("Li Na", "zh", new_password(login, GOOD))


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def with_role(database: Database, site: SmallSite, role: str) -> Caller:
    person = Person(id=new_id(), name=role, locale="en")
    with database.write() as session:
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=site.id, role=role))
    return caller_of(database, person.id)


def invited(
    database: Database, site: SmallSite, by: UUID, role: str = "technician"
) -> tuple[UUID, str]:
    with database.write() as session:
        row, secret = invite(session, caller_of(database, by), site.id, role, now=NOON)
        return row.id, secret


def test_who_is_invited_joins_and_signs_in(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    _, secret = invited(database, site, administrator.person_id)
    with database.write() as session:
        person_id = join(session, secret, colleague(), now=NOON)
    assert sign_in(database, "li.na", GOOD, "192.0.2.1", now=NOON)
    caller = caller_of(database, person_id)
    assert caller.name == "Li Na"
    assert caller.sites_for("tickets.work") == {site.id}
    assert not caller.sites_for("people.write")
    with database.read() as session:
        kinds = list(session.scalars(select(Event.kind).order_by(Event.seq)))
        said = str([(row.before, row.after) for row in session.scalars(select(Event))])
    joined = ["person.join", "person.grant", "person.password", "person.sign_in"]
    assert kinds[-5:] == ["invitation.create", *joined]
    assert "Li Na" not in said
    assert "li.na" not in said


def test_of_two_who_open_one_invitation_one_joins(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    _, secret = invited(database, site, administrator.person_id)
    people = [colleague("first.one"), colleague("second.one")]

    def attempt(number: int) -> bool:
        try:
            with database.write() as session:
                join(session, secret, people[number], now=NOON)
        except NotFound:
            return False
        return True

    assert sorted(in_threads(2, attempt)) == [False, True]
    with database.read() as session:
        assert len(session.scalars(select(Person).where(Person.name == "Li Na")).all()) == 1


def test_a_login_that_is_taken_uses_no_invitation_up(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    _, first = invited(database, site, administrator.person_id)
    _, second = invited(database, site, administrator.person_id)
    with database.write() as session:
        join(session, first, colleague(), now=NOON)

    def again() -> None:
        with database.write() as session:
            join(session, second, colleague(), now=NOON)

    with pytest.raises(Conflict, match="taken"):
        again()
    with database.write() as session:
        assert join(session, second, colleague("another"), now=NOON)


@pytest.mark.parametrize("end", ["late", "revoked", "unknown"])
def test_an_invitation_that_has_ended_lets_nobody_in(
    database: Database, site: SmallSite, administrator: Administrator, end: str
) -> None:
    row_id, secret = invited(database, site, administrator.person_id)
    now = NOON + LIFETIME if end == "late" else NOON + timedelta(minutes=1)
    if end == "revoked":
        with database.write() as session:
            row = session.get_one(Invitation, row_id)
            revoke(session, row, actor=Actor.person(administrator.person_id), now=NOON)
    given = "wki_unknown" if end == "unknown" else secret
    with database.write() as session, pytest.raises(NotFound):
        join(session, given, colleague(), now=now)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_invitation_that_somebody_was_quicker_to_use_is_not_revoked(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    row_id, secret = invited(database, site, administrator.person_id)
    with database.read() as session:
        seen = session.get_one(Invitation, row_id)
    with database.write() as session:
        join(session, secret, colleague(), now=NOON)
    with database.write() as session:
        seen = session.merge(seen, load=False)
        assert not revoke(session, seen, actor=Actor.person(administrator.person_id), now=NOON)
    with database.read() as session:
        assert session.get_one(Invitation, row_id).ends_at == NOON + LIFETIME
        assert "invitation.revoke" not in session.scalars(select(Event.kind)).all()


def test_nobody_gives_more_than_they_hold(database: Database, site: SmallSite) -> None:
    administrator = with_role(database, site, "administrator")
    with database.write() as session:
        node = find_node(session, administrator, site.id)
        # Residents and contractors come by their household and their company.
        assert set(roles_to_give(administrator, node)) == set(STAFF_ROLES)
        company = find_node(session, administrator, site.company_id)
        with pytest.raises(NotAllowed):
            require_may_give(administrator, company, "guard")
        with pytest.raises(Invalid, match="no such role"):
            require_may_give(administrator, node, "emperor")


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_only_who_answers_for_people_invites(
    database: Database, site: SmallSite, role: str
) -> None:
    caller = with_role(database, site, role)
    with database.write() as session, pytest.raises(NotAllowed):
        invite(session, caller, site.id, "guard", now=NOON)


def test_a_site_out_of_sight_is_refused_whether_it_exists_or_not(
    database: Database, site: SmallSite
) -> None:
    stranger = Caller(new_id(), "Nobody", "en")
    for node_id in (site.id, new_id()):
        with database.read() as session, pytest.raises(NotAllowed):
            find_node(session, stranger, node_id)
