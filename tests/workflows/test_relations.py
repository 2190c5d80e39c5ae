"""Links between tickets: seen from both ends, said once, and only between what one may see."""

from uuid import UUID

import pytest

from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.places import Node
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ, facts_of, write_ticket
from workflows.tickets import Ticket
from workflows.tickets.relations import INVERSE, KINDS, list_relations, relate, unrelate


def link(database: Database, first: UUID, kind: str, second: UUID, person: UUID) -> UUID:
    with database.write() as session:
        one, other = (session.get_one(Ticket, each) for each in (first, second))
        return relate(session, one, kind, other, person=person, now=NOON).id


def caller_of(database: Database, person: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def links_of(database: Database, caller: Caller, ticket: UUID) -> list[tuple[str, UUID]]:
    with database.read() as session:
        return [(one["kind"], one["ticket_id"]) for one in list_relations(session, caller, ticket)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_seen_from_both_ends_and_in_the_log_of_both(
    database: Database, site: SmallSite, administrator: Administrator, kind: str
) -> None:
    first, second = (write_ticket(database, site, NOON) for _ in range(2))
    caller = caller_of(database, administrator.person_id)
    made = link(database, first, kind, second, administrator.person_id)
    inverse = {**INVERSE, **{other: key for key, other in INVERSE.items()}}[kind]
    assert links_of(database, caller, first) == [(kind, second)]
    assert links_of(database, caller, second) == [(inverse, first)]
    subjects = {fact.subject_id for fact in facts_of(database, "ticket.relate")}
    assert subjects == {str(first), str(second)}
    with pytest.raises(Conflict):
        link(database, first, kind, second, administrator.person_id)
    with pytest.raises(Conflict):
        link(database, second, inverse, first, administrator.person_id)
    with database.write() as session:
        # From the other end than it was made.
        unrelate(session, caller, session.get_one(Ticket, second), made, now=NOON)
    assert links_of(database, caller, first) == []
    assert len(facts_of(database, "ticket.unrelate")) == 2


def test_a_ticket_is_not_linked_to_itself_or_by_an_unknown_word(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    first, second = (write_ticket(database, site, NOON) for _ in range(2))
    for kind, other in (("related_to", first), ("married_to", second)):
        with pytest.raises(Invalid):
            link(database, first, kind, other, administrator.person_id)


def test_links_close_no_circle_and_a_ticket_has_one_parent(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    one, two, three = (write_ticket(database, site, NOON) for _ in range(3))
    link(database, one, "caused_by", two, person)
    link(database, two, "caused_by", three, person)
    for first, second in ((two, one), (three, one)):
        with pytest.raises(Conflict, match="circle"):
            link(database, first, "caused_by", second, person)
    link(database, one, "child_of", two, person)
    with pytest.raises(Conflict, match="parent"):
        link(database, three, "parent_of", one, person)


def test_who_may_not_see_the_other_ticket_sees_no_link_and_removes_none(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    first, second = (write_ticket(database, site, NOON) for _ in range(2))
    made = link(database, first, "related_to", second, person)
    elsewhere = Node(
        id=new_id(), parent_id=site.company_id, kind="site", code="x", name={}, path="acme/x/"
    )
    with database.write() as session:
        session.add(elsewhere)
        session.flush()
        session.get_one(Ticket, second).site_id = elsewhere.id
    local = caller_of(database, employ(database, site.id, "technician"))
    assert links_of(database, local, first) == []
    assert links_of(database, caller_of(database, person), first) == [("related_to", second)]
    with database.write() as session:
        ticket = session.get_one(Ticket, first)
        for wrong in (made, new_id()):
            with pytest.raises(NotFound):
                unrelate(session, local, ticket, wrong, now=NOON)
