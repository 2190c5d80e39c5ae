"""Checkpoints as whoever answers for them looks at them, and changes by what they had read."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database
from core.errors import Invalid, Stale
from core.people import Caller, Person, caller_for
from core.places import Asset, Space
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.patrolled import Post, make_post
from workflows.patrol import (
    Checkpoint,
    CheckpointToken,
    NewCheckpoint,
    NewToken,
    PrintedCode,
    Standing,
    StaticTag,
    Survey,
    create_checkpoint,
    lose_token,
    replace_token,
    retire_checkpoint,
    survey,
    tally,
)


@pytest.fixture
def post(database: Database, site: SmallSite) -> Post:
    return make_post(database, site)


@pytest.fixture
def boss(database: Database, site: SmallSite) -> Caller:
    person = employ(database, site.id, "supervisor")
    return caller_of(database, person)


def caller_of(database: Database, person: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def look(post: Post, caller: Caller, view: str = "active", **more: object) -> list[Standing]:
    wanted = Survey(post.site.id, view, timedelta(hours=8), **more)  # type: ignore[arg-type]
    with post.database.read() as session:
        return list(survey(session, caller, wanted, now=NOON).items)


def codes(found: list[Standing]) -> list[str]:
    return [one.row["code"] for one in found]


def another(post: Post, code: str, space: str | None = None) -> UUID:
    with post.database.write() as session:
        spaces = {row.code: row.id for row in session.scalars(select(Space))}
        new = NewCheckpoint(code, {"en": code.title()}, spaces[space] if space else None)
        return create_checkpoint(session, post.site.id, new, actor=events.SYSTEM, now=NOON).id


def test_what_stands_at_a_checkpoint_is_counted_with_what_proves_most_first(
    post: Post, boss: Caller
) -> None:
    post.put("printed_code", "one")
    post.put("printed_code", "two")
    post.put("signed_tag", "04A1B2C3D4E5F6")
    lost = post.put("static_tag", "99").token.id
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, lost)
        lose_token(session, row, actor=events.SYSTEM, now=NOON)
    [gate] = look(post, boss)
    assert list(gate.kinds.items()) == [("signed_tag", 1), ("printed_code", 2)]
    assert gate.last is None


def test_the_place_and_the_last_accepted_scan_are_told(post: Post, boss: Caller) -> None:
    post.put("printed_code", "one")
    earlier = post.show(
        PrintedCode(code="one", **post.about(occurred_at=NOON - timedelta(hours=2)))
    )
    later = post.show(PrintedCode(code="one", **post.about(occurred_at=NOON - timedelta(hours=1))))
    post.show(StaticTag(uid="nothing", **post.about()))
    another(post, "pumps", "b1-pumproom")
    gate, pumps = look(post, boss)
    assert gate.last is not None
    assert gate.last["id"] == later.id != earlier.id
    assert gate.last["person_name"] is not None
    assert (gate.space, pumps.space) == (None, {"en": "Pump room", "zh": "水泵房"})
    assert pumps.last is None


def test_who_may_not_see_who_scanned_sees_when(post: Post, database: Database) -> None:
    other = employ(database, post.site.id, "technician")
    post.put("printed_code", "one")
    post.show(PrintedCode(code="one", **post.about()))
    [gate] = look(post, caller_of(database, other))
    assert gate.last is not None
    assert (gate.last["occurred_at"], gate.last["person_name"]) == (NOON, None)


def test_those_without_a_token_and_those_long_not_scanned_are_found(
    post: Post, boss: Caller
) -> None:
    post.put("printed_code", "one")
    another(post, "roof")
    retired = another(post, "yard")
    with post.database.write() as session:
        row = session.get_one(Checkpoint, retired)
        retire_checkpoint(session, row, actor=events.SYSTEM, now=NOON)
    post.show(PrintedCode(code="one", **post.about(occurred_at=NOON - timedelta(hours=9))))
    assert codes(look(post, boss, "quiet")) == ["gate", "roof"]
    post.show(PrintedCode(code="one", **post.about(occurred_at=NOON - timedelta(hours=7))))
    assert codes(look(post, boss, "quiet")) == ["roof"]
    assert codes(look(post, boss, "bare")) == ["roof"]
    assert codes(look(post, boss)) == ["gate", "roof"]
    assert codes(look(post, boss, "retired")) == ["yard"]
    with post.database.read() as session:
        found = tally(session, boss, post.site.id, now=NOON, quiet_for=timedelta(hours=8))
    assert found == {"active": 2, "bare": 1, "quiet": 1, "retired": 1}


def test_they_are_found_by_code_and_by_either_name_and_come_page_by_page(
    post: Post, boss: Caller
) -> None:
    for code in ("a", "b", "c"):
        another(post, f"yard-{code}")
    assert codes(look(post, boss, text="大门")) == ["gate"]
    assert codes(look(post, boss, text="YARD")) == ["yard-a", "yard-b", "yard-c"]
    wanted = Survey(post.site.id)
    with post.database.read() as session:
        first = survey(session, boss, wanted, now=NOON, limit=2)
        assert first.next is not None
        rest = survey(session, boss, wanted, now=NOON, limit=2, after=first.next[0])
    assert codes([*first.items, *rest.items]) == ["gate", "yard-a", "yard-b", "yard-c"]
    assert rest.next is None


def test_an_asset_of_the_type_is_one_before_patrols_know_of_it(post: Post, boss: Caller) -> None:
    with post.database.write() as session:
        session.add(
            Asset(site_id=post.site.id, code="imported", type="checkpoint", name={"en": "Shed"})
        )
    assert codes(look(post, boss, "bare")) == ["gate", "imported"]


def test_an_unknown_list_is_refused(post: Post, boss: Caller) -> None:
    with pytest.raises(Invalid):
        look(post, boss, "loud")


def test_nobody_sees_checkpoints_of_a_site_that_is_not_theirs(
    post: Post, database: Database
) -> None:
    with database.read() as session:
        nobody = Caller(post.guard, "Nobody", "en")
        assert survey(session, nobody, Survey(post.site.id), now=NOON).items == []


def test_a_form_that_was_read_before_another_change_is_refused(post: Post) -> None:
    token = post.put("printed_code", "one").token
    by = {"actor": events.SYSTEM, "now": NOON}
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, token.id)
        lose_token(session, row, **by, expected_version=1)  # type: ignore[arg-type]
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, token.id)
        point = session.get_one(Checkpoint, post.checkpoint_id)
        new = NewToken("printed_code")
        with pytest.raises(Stale):
            replace_token(session, row, new, vault=post.vault, expected_version=1, **by)  # type: ignore[arg-type]
        with pytest.raises(Stale):
            retire_checkpoint(session, point, expected_version=7, **by)  # type: ignore[arg-type]
