"""Credentials of devices: made, replaced, revoked; and what each device may say with them."""

from datetime import timedelta
from uuid import uuid4

import bcrypt
import pytest
from sqlalchemy import select

from core import events
from core.codes import filters_overlap
from core.db import Database
from core.device_credentials import (
    Account,
    DeviceCredential,
    Issued,
    change_identity,
    end_replaced,
    issue_credential,
    note_admitted,
    revoke_credentials,
    rotate_credential,
    wanted_accounts,
)
from core.device_credentials.rights import covers, filter_fault
from core.devices import Device, Source
from core.errors import Conflict, Invalid
from core.events import Event
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON, SmallSite

ACTOR = events.Actor.person(uuid4())


def issued(db: Database, site: SmallSite, code: str, vault: Vault | None = None) -> Issued:
    with db.write() as session:
        device = session.get_one(Device, site.devices[code])
        return issue_credential(session, device, vault=vault, actor=ACTOR, now=NOON)


def wanted(db: Database) -> dict[str, Account]:
    with db.read() as session:
        return dict(wanted_accounts(session, shared=False).accounts)


@pytest.fixture
def codes(site: SmallSite) -> list[str]:
    """Two devices of the small site."""
    return sorted(site.devices)[:2]


def test_a_device_may_say_what_is_its_own_and_nothing_else(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    made = issued(database, site, codes[0])
    account = wanted(database)[made.username]
    assert account.rights.publish == (f"wk/v1/{made.site}/{codes[0]}/#",)
    assert account.rights.subscribe == (
        f"wk/v1/{made.site}/announce",
        f"wk/v1/{made.site}/{codes[0]}/#",
    )
    assert bcrypt.checkpw(made.secret.encode(), account.hash.encode())
    with database.read() as session:
        row = session.get_one(DeviceCredential, made.credential_id)
        log = session.scalars(select(Event).where(Event.kind.startswith("device_cred"))).all()
        assert row.sealed is None
        kept = [row.hash, row.username, *(str(one.after) for one in log)]
        assert len(log) == 1
        assert not any(made.secret in one for one in kept)
    with pytest.raises(Conflict, match="has a credential already"):
        issued(database, site, codes[0])


def test_a_replaced_credential_is_good_until_the_new_one_is_used_or_its_time_is_up(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    first, other = issued(database, site, codes[0]), issued(database, site, codes[1])
    with database.write() as session:
        device = session.get_one(Device, site.devices[codes[0]])
        second = rotate_credential(session, device, vault=None, actor=ACTOR, now=NOON)
    both = {first.username, second.username}
    assert wanted(database).keys() == both | {other.username}
    with database.write() as session:
        assert end_replaced(session, now=NOON + timedelta(days=6)) == 0
        # Being seen with the old one says nothing.
        session.get_one(DeviceCredential, first.credential_id).first_used_at = NOON
        assert end_replaced(session, now=NOON + timedelta(days=6)) == 0
        session.get_one(DeviceCredential, second.credential_id).first_used_at = NOON
        assert end_replaced(session, now=NOON + timedelta(days=6)) == 1
    assert wanted(database).keys() == {second.username, other.username}
    with database.write() as session:
        device = session.get_one(Device, site.devices[codes[1]])
        third = rotate_credential(
            session, device, vault=None, actor=ACTOR, now=NOON, overlap=timedelta(hours=1)
        )
        assert end_replaced(session, now=NOON + timedelta(minutes=59)) == 0
        assert end_replaced(session, now=NOON + timedelta(minutes=60)) == 1
    assert wanted(database).keys() == {second.username, third.username}


def test_revoking_takes_all_of_a_device_and_the_sealed_secret_with_it(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    vault = Vault(load(secret_key="k" * 32))
    first = issued(database, site, codes[0], vault)
    assert wanted(database)[first.username].secret(vault) == first.secret
    with database.write() as session:
        device = session.get_one(Device, site.devices[codes[0]])
        rotate_credential(session, device, vault=vault, actor=ACTOR, now=NOON)
        assert revoke_credentials(session, device, actor=ACTOR, now=NOON) == 2
    assert wanted(database) == {}
    with database.write() as session:
        rows = session.scalars(select(DeviceCredential)).all()
        assert {(row.state, row.sealed) for row in rows} == {("revoked", None)}
        device = session.get_one(Device, site.devices[codes[0]])
        with pytest.raises(Conflict, match="no such credential"):
            revoke_credentials(session, device, actor=ACTOR, now=NOON)
        with pytest.raises(Conflict, match="has no credential"):
            rotate_credential(session, device, vault=vault, actor=ACTOR, now=NOON)
        # After a revocation it may begin anew.
        assert issue_credential(session, device, vault=None, actor=ACTOR, now=NOON).secret


def test_a_retired_device_is_let_in_no_more(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    issued(database, site, codes[0])
    with database.write() as session:
        device = session.get_one(Device, site.devices[codes[0]])
        device.state = "retired"
    assert wanted(database) == {}
    with database.write() as session:
        device = session.get_one(Device, site.devices[codes[0]])
        with pytest.raises(Conflict, match="is retired"):
            issue_credential(session, device, vault=None, actor=ACTOR, now=NOON)


def test_a_bridge_speaks_for_those_that_are_named_and_on_topics_of_its_sources(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    made = issued(database, site, codes[0])
    with database.write() as session:
        source = Source(site_id=site.id, code="z2m", topic_filter="zigbee2mqtt/#", dialect="x")
        session.add(source)
        session.flush()
        device = session.get_one(Device, site.devices[codes[0]])
        changes = {
            "speaks_for": [site.devices[codes[1]]],
            "sources": [source.id],
            "topics": ["zigbee2mqtt/bridge/+"],
            "reads": ["cmnd/#"],
        }
        identity = change_identity(session, device, changes, actor=ACTOR, now=NOON)
        assert identity.is_bridge
        assert identity.version == 2
        change_identity(session, device, changes, actor=ACTOR, now=NOON)
        assert identity.version == 2
    rights = wanted(database)[made.username].rights
    own = [f"wk/v1/{made.site}/{code}/#" for code in codes]
    assert list(rights.publish) == [*own, "zigbee2mqtt/#", "zigbee2mqtt/bridge/+"]
    assert "cmnd/#" in rights.subscribe
    assert "cmnd/#" not in rights.publish
    with database.write() as session:
        # Somebody widens the source later: it must not carry the bridge along.
        session.scalars(select(Source).where(Source.code == "z2m")).one().topic_filter = "#"
    assert "#" not in wanted(database)[made.username].rights.publish


def test_a_bridge_loses_the_topics_of_a_source_that_its_site_no_longer_has(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    made = issued(database, site, codes[0])
    with database.write() as session:
        source = Source(site_id=site.id, code="z2m", topic_filter="zigbee2mqtt/#", dialect="x")
        session.add(source)
        session.flush()
        device = session.get_one(Device, site.devices[codes[0]])
        changes = {"topics": ["zigbee2mqtt/hall/#"]}
        change_identity(session, device, changes, actor=ACTOR, now=NOON)
    assert "zigbee2mqtt/hall/#" in wanted(database)[made.username].rights.publish
    with database.write() as session:
        # Another site may take these topics from now on: as its devices no bridge of here speaks.
        session.scalars(select(Source).where(Source.code == "z2m")).one().topic_filter = "z2m/#"
    assert wanted(database)[made.username].rights.publish == (f"wk/v1/{made.site}/{codes[0]}/#",)


def test_what_a_bridge_may_not_be_given_is_told_all_at_once(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    with database.write() as session:
        wide = Source(site_id=site.id, code="wide", topic_filter="+/v1/#", dialect="x")
        session.add(wide)
        session.flush()
        device = session.get_one(Device, site.devices[codes[0]])
        changes = {
            "speaks_for": [device.id, uuid4(), "nonsense"],
            "sources": [wide.id, uuid4()],
            "topics": ["wk/v1/other-site/#", "unheard/#", "a/#/b"],
            "reads": ["#"],
        }
        with pytest.raises(Invalid) as refused:
            change_identity(session, device, changes, actor=ACTOR, now=NOON)
        with pytest.raises(Invalid, match="not saved"):
            change_identity(session, device, {"secret": ["x"]}, actor=ACTOR, now=NOON)
    assert len(refused.value.problems) == 9


def test_the_broker_s_word_is_kept_once(
    database: Database, site: SmallSite, codes: list[str]
) -> None:
    made = issued(database, site, codes[0])
    with database.write() as session:
        assert note_admitted(session, [made.username, "stranger"], now=NOON) == 1
        assert note_admitted(session, [made.username], now=NOON + timedelta(hours=1)) == 0
        assert session.get_one(DeviceCredential, made.credential_id).admitted_at == NOON


@pytest.mark.parametrize(
    ("wide", "narrow", "does"),
    [
        ("a/#", "a/b/+", True),
        ("a/#", "a", True),
        ("a/+", "a/b", True),
        ("a/+", "a/#", False),
        ("a/b", "a/+", False),
        ("+/b", "a/b/c", False),
        ("#", "#", True),
    ],
)
def test_a_filter_covers_another(wide: str, narrow: str, does: bool) -> None:
    assert covers(wide, narrow) is does


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        ("a/#", "a", True),
        ("+/v1/x", "wk/+/x", True),
        ("a/b", "a/c", False),
        ("a/b/c", "a/b", False),
    ],
)
def test_filters_overlap(one: str, other: str, do: bool) -> None:
    assert filters_overlap(one, other) is do
    assert filters_overlap(other, one) is do


@pytest.mark.parametrize("filter_", ["#", "wk/v1/b/#", "wk/v1/+/x/readings", "+/v1/a/#", "wk/#"])
def test_no_filter_may_take_another_site_along(filter_: str) -> None:
    assert filter_fault(filter_, "a") is not None
    assert filter_fault("wk/v1/a/#", "a") is None
    assert filter_fault("tele/#", "a") is None
