"""Signatures on tickets: kept for good, their names readable only with the key of the signer."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete

from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.ids import new_id
from core.people import Caller, Person, caller_for
from tests.fixtures import NOON, Administrator, SmallSite
from tests.pictures import drawing, photo, signature
from tests.workflows.conftest import do, employ, facts_of, write_ticket
from workflows.tickets import Ticket
from workflows.tickets.signatures import (
    LARGEST_SIGNATURE,
    MOST_SIGNATURES,
    SignerKey,
    StoredDrawing,
    TicketSignature,
    find_signature,
    list_signatures,
    sign,
    store_drawing,
)


@pytest.fixture
def drawn(tmp_path: Path) -> StoredDrawing:
    return store_drawing(FileStore(str(tmp_path / "files")), signature())


def caller_of(database: Database, person: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def put(database: Database, ticket_id: UUID, drawn: StoredDrawing, person: UUID, name: str) -> UUID:
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        return sign(session, ticket, drawn, name, shown_by=person, now=NOON).id


def test_a_ticket_is_signed_by_several_and_says_who_showed_it(
    database: Database, site: SmallSite, administrator: Administrator, drawn: StoredDrawing
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, person, NOON, "start")
    first = put(database, ticket_id, drawn, person, " 王  女士 ")
    put(database, ticket_id, drawn, person, "Mr Li")
    caller = caller_of(database, person)
    with database.read() as session:
        shown = list_signatures(session, caller, ticket_id)
        kept = session.get_one(TicketSignature, first)
        assert "王".encode() not in kept.name
    assert [one["name"] for one in shown] == ["王 女士", "Mr Li"]
    assert {one["shown_by"] for one in shown} == {person}
    facts = [fact.after or {} for fact in facts_of(database, "ticket.sign")]
    assert [fact["sha256"] for fact in facts] == [drawn.picture] * 2
    assert "王" not in str(facts)


def test_without_its_key_the_name_is_gone_and_the_signature_stays(
    database: Database, site: SmallSite, administrator: Administrator, drawn: StoredDrawing
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, person, NOON, "start")
    put(database, ticket_id, drawn, person, "Mr Li")
    with database.write() as session:
        session.execute(delete(SignerKey))
    with database.read() as session:
        [shown] = list_signatures(session, caller_of(database, person), ticket_id)
    assert (shown["name"], shown["sha256"]) == (None, drawn.picture)


def test_only_who_works_tickets_or_may_prove_sees_who_signed(
    database: Database, site: SmallSite, administrator: Administrator, drawn: StoredDrawing
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    do(database, ticket_id, administrator.person_id, NOON, "start")
    signed = put(database, ticket_id, drawn, administrator.person_id, "Mr Li")
    for role, sees in (("technician", True), ("auditor", True), ("accountant", False)):
        caller = caller_of(database, employ(database, site.id, role))
        with database.read() as session:
            [shown] = list_signatures(session, caller, ticket_id)
            assert (shown["name"] == "Mr Li") is sees, role
            if sees:
                assert find_signature(session, caller, signed).id == signed
            else:
                with pytest.raises(NotFound):
                    find_signature(session, caller, signed)
            with pytest.raises(NotFound):
                find_signature(session, caller, new_id())


def test_what_is_not_done_or_not_named_is_not_signed(
    database: Database, site: SmallSite, administrator: Administrator, drawn: StoredDrawing
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    with pytest.raises(Conflict):
        put(database, ticket_id, drawn, person, "Mr Li")
    do(database, ticket_id, person, NOON, "start")
    for name in ("  ", "x" * 61):
        with pytest.raises(Invalid):
            put(database, ticket_id, drawn, person, name)
    for _ in range(MOST_SIGNATURES):
        put(database, ticket_id, drawn, person, "Mr Li")
    with pytest.raises(Conflict):
        put(database, ticket_id, drawn, person, "Mr Li")


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", photo(), drawing(), b"\0" * (LARGEST_SIGNATURE + 1)],
    ids=["nothing", "text", "photo", "blank", "large"],
)
def test_what_is_no_drawn_signature_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        store_drawing(FileStore(str(tmp_path / "files")), content)
    assert caught.value.problems[0].startswith("signature: ")
