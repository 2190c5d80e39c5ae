"""People: what they may do where, and secrets that work once or until they end."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.errors import NotAllowed, NotSignedIn
from core.ids import new_id
from core.people import (
    Caller,
    Credential,
    Grant,
    Person,
    administrator_of,
    caller_for,
    end_credential,
    hash_secret,
    identify,
    issue,
    scoped,
)
from core.permissions import MEANING, PERMISSIONS, ROLES
from core.places import Asset, Node
from core.sign_in_links import redeem_link
from core.site_file import import_site, read_site_file
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads

TREE = """\
company: {code: acme}
regions: [{code: east}, {code: east2}]
sites:
  - {code: one, region: east, time_zone: UTC, assets: [{code: p1, type: pump}]}
  - {code: two, region: east2, time_zone: UTC, assets: [{code: p2, type: pump}]}
  - {code: three, region: east, time_zone: UTC, assets: [{code: p3, type: pump}]}
"""


@pytest.fixture
def nodes(database: Database) -> dict[str, UUID]:
    with database.write() as session:
        site_file = read_site_file(TREE, "tree.yaml")
        import_site(session, site_file, actor=events.SYSTEM, now=NOON)
    with database.read() as session:
        return {node.code: node.id for node in session.scalars(select(Node))}


def caller_with(database: Database, *grants: tuple[str, UUID]) -> Caller:
    with database.write() as session:
        person = Person(id=new_id(), name="Ada", locale="zh")
        session.add(person)
        session.flush()
        for role, node_id in grants:
            session.add(Grant(id=new_id(), person_id=person.id, node_id=node_id, role=role))
        session.flush()
        return caller_for(session, person)


@pytest.mark.parametrize(
    ("where", "sites"),
    [
        ("acme", {"one", "two", "three"}),
        ("east", {"one", "three"}),
        ("east2", {"two"}),
        ("three", {"three"}),
    ],
)
def test_a_role_counts_on_its_node_and_below_and_nowhere_else(
    database: Database, nodes: dict[str, UUID], where: str, sites: set[str]
) -> None:
    caller = caller_with(database, ("technician", nodes[where]))
    assert caller.sites_for("tickets.work") == {nodes[code] for code in sites}
    assert caller.sites_for("people.write") == frozenset()
    assert ("tickets.work" in caller.company_wide) == (where == "acme")


def test_a_query_sees_only_what_the_caller_may(database: Database, nodes: dict[str, UUID]) -> None:
    caller = caller_with(database, ("auditor", nodes["east"]), ("manager", nodes["two"]))
    statement = select(Asset.code).order_by(Asset.code)
    with database.read() as session:
        read = scoped(statement, Asset.site_id, caller, "places.read")
        write = scoped(statement, Asset.site_id, caller, "devices.write")
        nothing = scoped(statement, Asset.site_id, caller, "people.write")
        assert session.scalars(read).all() == ["p1", "p2", "p3"]
        assert session.scalars(write).all() == ["p2"]
        assert session.scalars(nothing).all() == []


def test_who_has_no_grant_may_nothing(database: Database, nodes: dict[str, UUID]) -> None:
    caller = caller_with(database)
    for permission in PERMISSIONS:
        with pytest.raises(NotAllowed):
            caller.require(permission, nodes["one"])
        with pytest.raises(NotAllowed):
            caller.require_anywhere(permission)
        with pytest.raises(NotAllowed):
            caller.require_company_wide(permission)


def test_a_right_on_one_site_is_none_on_the_company(
    database: Database, nodes: dict[str, UUID]
) -> None:
    caller = caller_with(database, ("administrator", nodes["one"]))
    caller.require("people.write", nodes["one"])
    caller.require_anywhere("people.write")
    with pytest.raises(NotAllowed):
        caller.require("people.write", nodes["three"])
    with pytest.raises(NotAllowed):
        caller.require_company_wide("people.write")


def test_readers_hold_no_right_to_change_anything() -> None:
    changing = {right for right in PERMISSIONS if not right.endswith(".read")}
    assert ROLES["auditor"] & changing == frozenset()
    assert ROLES["technician"] < ROLES["manager"] < ROLES["administrator"]


def test_a_token_stands_for_its_person_until_it_ends(
    database: Database, administrator: Administrator, clock: SimulatedClock
) -> None:
    now = clock.now()
    with database.read() as session:
        caller = identify(session, administrator.token, "token", now=now)
        assert (caller.person_id, caller.name) == (administrator.person_id, "Ada Admin")
        for secret, kind, moment in (
            (administrator.token, "session", now),
            (administrator.token + "x", "token", now),
            (administrator.token, "token", now + timedelta(days=365)),
        ):
            with pytest.raises(NotSignedIn):
                identify(session, secret, kind, now=moment)
    with database.write() as session:
        assert end_credential(session, administrator.token, now=now)
        assert not end_credential(session, administrator.token, now=now)
        with pytest.raises(NotSignedIn):
            identify(session, administrator.token, "token", now=now)


def test_who_has_left_is_not_let_in(
    database: Database, administrator: Administrator, clock: SimulatedClock
) -> None:
    with database.write() as session:
        session.get_one(Person, administrator.person_id).left_at = clock.now()
    with database.read() as session, pytest.raises(NotSignedIn):
        identify(session, administrator.token, "token", now=clock.now())


def test_secrets_are_stored_as_hashes_only(
    database: Database, administrator: Administrator
) -> None:
    with database.read() as session:
        stored = session.scalars(select(Credential.secret_hash)).all()
    assert stored == [hash_secret(administrator.token)]
    assert len(administrator.token) > 40


def test_a_sign_in_link_works_once_whoever_opens_it_at_once(
    database: Database, administrator: Administrator
) -> None:
    with database.write() as session:
        link = issue(session, administrator.person_id, "link", now=NOON)

    def redeem(_: int) -> str:
        try:
            with database.write() as session:
                redeem_link(session, link, now=NOON)
        except NotSignedIn:
            return "refused"
        return "in"

    assert sorted(in_threads(6, redeem)) == ["in"] + ["refused"] * 5


def test_a_sign_in_link_ends_after_a_day_and_is_no_token(
    database: Database, administrator: Administrator
) -> None:
    with database.write() as session:
        link = issue(session, administrator.person_id, "link", now=NOON)
        with pytest.raises(NotSignedIn):
            redeem_link(session, link, now=NOON + timedelta(hours=24))
        with pytest.raises(NotSignedIn):
            redeem_link(session, administrator.token, now=NOON)
        assert redeem_link(session, link, now=NOON) == administrator.person_id


def test_the_first_administrator_is_made_once(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        first = administrator_of(session)
        again = administrator_of(session)
    assert first is not None
    assert again is not None
    assert first.id == again.id
    del site


def test_every_permission_is_asked_for_somewhere_and_explained() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [
        path
        for room in ("api", "web", "workflows", "core")
        for path in root.glob(f"{room}/**/*.py")
    ]
    text = "".join(path.read_text() for path in files if path.name != "permissions.py")
    assert {right for right in PERMISSIONS if f'"{right}"' not in text} == set()
    assert set(MEANING) == PERMISSIONS


def test_programs_are_told_which_right_is_missing() -> None:
    caller = Caller(new_id(), "Guard Sun", "zh")
    with pytest.raises(NotAllowed, match="open new tickets") as refused:
        caller.require("tickets.create", new_id())
    assert refused.value.members == {"permission": "tickets.create"}
