"""Naming colleagues in notes over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from core.clock import SimulatedClock
from core.db import Database
from core.events import Event
from core.ids import new_id
from core.people import Grant, Person
from tests.api.building import put_ticket
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite
from workflows.tickets.model import TicketNote


@pytest.fixture
def ticket_id(database: Database, site: SmallSite, clock: SimulatedClock) -> UUID:
    return put_ticket(database, site, clock.now())


@pytest.fixture
def writer(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("technician", site.id)


def employ(database: Database, node: UUID, name: str, role: str = "guard") -> UUID:
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name=name, locale="zh"))
        session.flush()
        session.add(Grant(id=new_id(), person_id=person_id, node_id=node, role=role))
    return person_id


def write(
    client: TestClient, user: User, ticket_id: UUID, body: str, *mentions: UUID
) -> dict[str, Any]:
    answer = client.post(
        f"/api/v1/tickets/{ticket_id}/notes",
        json={"body": body, "mentions": [str(one) for one in mentions]},
        headers=user.headers,
    )
    assert answer.status_code == 201, answer.text
    note: dict[str, Any] = answer.json()["notes"][-1]
    return note


def told_of(database: Database) -> list[list[str]]:
    with database.read() as session:
        facts = session.query(Event).filter(Event.kind == "ticket.mention").order_by(Event.seq)
        return [(fact.after or {})["people"] for fact in facts]


def test_a_whole_name_behind_an_at_is_kept_by_id_and_shown_as_it_is_now(
    anonymous: TestClient, writer: User, ticket_id: UUID, database: Database, site: SmallSite
) -> None:
    chen, li = employ(database, site.id, "陈伟"), employ(database, site.id, "Li Na")
    note = write(
        anonymous, writer, ticket_id, "@陈伟请来看一下，＠Li Na, too. li@Li Nabob.cn @nobody"
    )
    assert {one["person_id"] for one in note["mentions"]} == {str(chen), str(li)}
    assert note["body"] == "@陈伟请来看一下，@Li Na, too. li@Li Nabob.cn @nobody"
    assert [set(people) for people in told_of(database)] == [{str(chen), str(li)}]
    with database.write() as session:
        kept = session.query(TicketNote).one().body
        assert "陈伟" not in kept
        session.execute(update(Person).where(Person.id == chen).values(name="陈大伟"))
    url = f"/api/v1/tickets/{ticket_id}"
    [later] = anonymous.get(url, headers=writer.headers).json()["notes"]
    assert later["body"].startswith("@陈大伟请来看一下")


def test_a_name_that_two_bear_stays_text_unless_one_is_chosen(
    anonymous: TestClient, writer: User, ticket_id: UUID, database: Database, site: SmallSite
) -> None:
    one, _other = (employ(database, site.id, "王芳") for _ in range(2))
    note = write(anonymous, writer, ticket_id, "@王芳 来一下")
    assert (note["body"], note["mentions"]) == ("@王芳 来一下", [])
    note = write(anonymous, writer, ticket_id, "@王芳 来一下", one)
    assert [each["person_id"] for each in note["mentions"]] == [str(one)]
    assert told_of(database) == [[str(one)]]


def test_the_longer_name_is_meant_where_both_fit(
    anonymous: TestClient, writer: User, ticket_id: UUID, database: Database, site: SmallSite
) -> None:
    employ(database, site.id, "Li Na")
    longer = employ(database, site.id, "Li Na Wang")
    note = write(anonymous, writer, ticket_id, "@Li Na Wang: done")
    assert [each["person_id"] for each in note["mentions"]] == [str(longer)]


def test_who_may_not_see_the_ticket_can_not_be_named(
    anonymous: TestClient,
    writer: User,
    ticket_id: UUID,
    database: Database,
    site: SmallSite,
    other_site: UUID,
    clock: SimulatedClock,
) -> None:
    far = employ(database, other_site, "Far Away")
    left = employ(database, site.id, "Left Long")
    with database.write() as session:
        session.get_one(Person, left).left_at = clock.now()
    for person_id in (far, left, new_id()):
        answer = anonymous.post(
            f"/api/v1/tickets/{ticket_id}/notes",
            json={"body": "Look", "mentions": [str(person_id)]},
            headers=writer.headers,
        )
        assert answer.status_code == 422
        assert "may see this ticket" in answer.text
        assert "Far Away" not in answer.text
    note = write(anonymous, writer, ticket_id, "@Far Away @Left Long")
    assert (note["body"], note["mentions"]) == ("@Far Away @Left Long", [])
    assert told_of(database) == []


def test_a_colleague_who_left_keeps_the_name_of_old_notes(
    anonymous: TestClient, writer: User, ticket_id: UUID, database: Database, site: SmallSite
) -> None:
    person = employ(database, site.id, "赵敏")
    write(anonymous, writer, ticket_id, "@赵敏 谢谢")
    with database.write() as session:
        session.query(Grant).filter(Grant.person_id == person).delete()
        found = session.get_one(Person, person)
        found.left_at = session.query(TicketNote).one().at
    [note] = anonymous.get(f"/api/v1/tickets/{ticket_id}", headers=writer.headers).json()["notes"]
    assert note["body"] == "@赵敏 谢谢"


def test_the_same_request_again_names_nobody_twice(
    anonymous: TestClient, writer: User, ticket_id: UUID, database: Database, site: SmallSite
) -> None:
    employ(database, site.id, "陈伟")
    headers = {**writer.headers, "Idempotency-Key": "a-key-of-a-note"}
    url = f"/api/v1/tickets/{ticket_id}/notes"
    for _ in range(2):
        answer = anonymous.post(url, json={"body": "@陈伟"}, headers=headers)
        assert answer.status_code == 201
    assert len(told_of(database)) == 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [("陈", ["陈伟"]), ("cw", ["陈伟"]), ("c", ["陈伟"]), ("chenw", ["陈伟"]), ("li n", ["Li Na"])],
)
def test_colleagues_are_found_as_they_are_spelled(
    anonymous: TestClient,
    writer: User,
    ticket_id: UUID,
    database: Database,
    site: SmallSite,
    other_site: UUID,
    typed: str,
    found: list[str],
) -> None:
    employ(database, site.id, "陈伟")
    employ(database, site.id, "Li Na")
    employ(database, other_site, "陈远")
    url = f"/api/v1/tickets/{ticket_id}/colleagues"
    answer = anonymous.get(url, params={"q": typed}, headers=writer.headers)
    assert [one["name"] for one in answer.json()] == found
    everybody = anonymous.get(url, headers=writer.headers).json()
    assert {"陈伟", "Li Na"} <= {one["name"] for one in everybody}
    assert str(writer.person_id) not in {one["id"] for one in everybody}
