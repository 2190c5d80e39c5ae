"""Messages to outside channels carry no name, no telephone number, and nobody's door."""

from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, Session
from core.ids import new_id
from core.places import Asset, Space
from tests.fixtures import NOON, SmallSite
from workflows import notifications
from workflows.notifications.asking import about
from workflows.notifications.outwards import place_outside, title_outside
from workflows.notifications.texts import WHAT, WHAT_OF_MANY, message, outside_message
from workflows.tickets import Draft, Ticket, open_ticket

NAME, PHONE, DOOR = "Zhang Canary 张金丝", "13912345678", "1204"
CANARIES = ("Canary", "金丝", PHONE, DOOR)
# Where nothing differs between the engines.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def home(database: Database, site: SmallSite) -> Space:
    """A home with a detector, and a room in it, on a floor of a building."""
    with database.write() as session:
        parent = None
        for kind, code, name in (
            ("building", "b3", "Building 3"),
            ("unit", "b3-1204", f"Flat {DOOR}"),
            ("room", "b3-1204-k", f"Kitchen of {NAME}"),
        ):
            row = Space(
                id=new_id(),
                site_id=site.id,
                parent_id=parent,
                kind=kind,
                code=code,
                name={"en": name, "zh": name},
            )
            session.add(row)
            session.flush()
            parent = row.id
        detector = {"en": f"Smoke detector {DOOR}", "zh": f"{DOOR} 烟感"}
        session.add(
            Asset(site_id=site.id, space_id=row.id, type="smoke_detector", code="d1", name=detector)
        )
        session.expunge(row)
    return row


def ticket(session: Session, site: SmallSite, home: Space, **more: Any) -> Ticket:
    said: dict[str, Any] = {
        "title": {"und": f"{NAME}, {PHONE}: leak in {DOOR}"},
        "space_id": home.id,
        "description": f"{NAME} {PHONE} {DOOR}",
        **more,
    }
    draft = Draft(
        site_id=site.id,
        kind="repair",
        priority="critical",
        team="maintenance",
        happened_at=NOON,
        learned_at=NOON,
        **said,
    )
    return open_ticket(session, draft, actor=events.SYSTEM)


def test_no_message_of_any_kind_carries_a_canary(
    database: Database, site: SmallSite, home: Space
) -> None:
    with database.write() as session:
        detector = session.scalars(select(Asset.id).where(Asset.code == "d1")).one()
        rows = [
            ticket(session, site, home),
            ticket(session, site, home, category="plumbing"),
            ticket(session, site, home, asset_id=detector),
        ]
        facts = [about(session, row) for row in rows]
        places = [place_outside(session, row) for row in rows]
    said = []
    for one, place in zip(facts, places, strict=True):
        for language in ("en", "zh"):
            ours: dict[str, Any] = {"link": "https://wk.example/n/x", "reference": "x"}
            said += [
                message(kind, {**one, "count": count}, language, **ours)
                for kind in (*WHAT, *WHAT_OF_MANY)
                for count in (1, 50)
            ]
            said += [outside_message(kind, {"place": place}, language, **ours) for kind in WHAT]
    told = "\n".join(map(str, said))
    assert len(said) > 400
    assert "Building 3" in told
    for canary in CANARIES:
        assert canary not in told
    # What stands in the inbox is ours, and whole.
    assert DOOR in str(facts[0]["place"]) or NAME in str(facts[0]["place"])
    with database.read() as session:
        lines = notifications.group_lines(
            session, events.read_after(database, events.START, 5_000), 10
        )
    assert lines[0].startswith("3 new")
    for canary in CANARIES:
        assert canary not in "\n".join(lines)


def test_what_was_administered_is_said_in_full(
    database: Database, site: SmallSite, home: Space
) -> None:
    with database.write() as session:
        pit = {"en": "Flooded pit", "zh": "集水坑水浸"}
        pump = site.assets["pump-1"]
        known = ticket(session, site, home, title=pit, space_id=None, asset_id=pump)
        assert title_outside(session, known) == pit
        name = session.get_one(Asset, pump).name
        assert place_outside(session, known) == name
        written = ticket(session, site, home, category="plumbing")
        assert set(title_outside(session, written)) == {"en", "zh"}
        assert title_outside(session, ticket(session, site, home, category="")) == {}


@pytest.mark.parametrize(
    ("name", "shown"), [("Pump room", True), ("Pump room 2", True), ("Room 1204", False)]
)
def test_a_room_that_is_called_by_a_number_may_be_a_door(
    database: Database, site: SmallSite, home: Space, name: str, shown: bool
) -> None:
    with database.write() as session:
        row = Space(
            id=new_id(), site_id=site.id, kind="room", code="r", name={"en": name, "zh": name}
        )
        session.add(row)
        session.flush()
        place = place_outside(session, ticket(session, site, home, space_id=row.id))
    assert (name in place.values()) is shown


def test_a_notice_from_before_says_its_number_alone(database: Database) -> None:
    """It was put down before what may be said was; nothing is guessed."""
    del database
    facts = {"number": 7, "title": {"und": NAME}, "place": {"en": DOOR}, "priority": "high"}
    said = message("ticket.open", facts, "en", link="l", reference="r")
    assert said.title == "New ticket: #7"
    assert not any(canary in str(said) for canary in CANARIES)
