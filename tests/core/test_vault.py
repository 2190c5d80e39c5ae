"""The vault: what it keeps is read only with its key, in its place, as it was."""

import stat
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from core import second_factor
from core.db import Database, sqlite_url
from core.schema import migrate
from core.settings import load
from core.vault import FILE, Vault, WrongKey
from tests.core.test_accounts import put_person
from tests.fixtures import NOON
from tests.threads import in_threads

ROOT = Path(__file__).resolve().parents[2]


def with_key(text: str) -> Vault:
    return Vault(load(secret_key=text * 32))


def test_what_is_sealed_is_read_by_the_same_key_only() -> None:
    sealed = with_key("a").seal("JBSWY3DP", "second_factor:1")
    assert b"JBSWY3DP" not in sealed
    assert with_key("a").unseal(sealed, "second_factor:1") == "JBSWY3DP"
    with pytest.raises(WrongKey, match="under another key") as caught:
        with_key("b").unseal(sealed, "second_factor:1")
    assert FILE in caught.value.advice
    assert with_key("a").seal("JBSWY3DP", "second_factor:1") != sealed


def test_a_derived_id_is_the_same_for_the_same_text_of_the_same_kind_and_key_only() -> None:
    one = with_key("a").derived_id("04A1B2", "tag")
    assert one == with_key("a").derived_id("04A1B2", "tag")
    others = [("b", "04A1B2", "tag"), ("a", "04A1B3", "tag"), ("a", "04A1B2", "card")]
    # The kind and the text do not run into each other.
    others.append(("a", "A1B2", "tag04"))
    found = {with_key(key).derived_id(text, kind) for key, text, kind in others}
    assert len(found | {one}) == 5
    assert len(one) == 64


def test_what_was_moved_or_changed_is_refused() -> None:
    vault = with_key("a")
    sealed = vault.seal("JBSWY3DP", "second_factor:1")
    for other, about in ((sealed, "second_factor:2"), (sealed[:-1] + b"x", "second_factor:1")):
        with pytest.raises(WrongKey, match="was changed"):
            vault.unseal(other, about)


def test_without_a_setting_the_key_is_drawn_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "var")
    sealed = in_threads(8, lambda number: Vault(settings).seal(str(number), "test"))
    found = [Vault(settings).unseal(each, "test") for each in sealed]
    assert found == [str(number) for number in range(8)]
    assert [path.name for path in settings.data_dir.iterdir()] == [FILE]
    assert stat.S_IMODE((settings.data_dir / FILE).stat().st_mode) == 0o600


def test_the_secret_of_an_authenticator_is_not_in_the_database(database: Database) -> None:
    person = put_person(database)
    with database.write() as session:
        secret, _ = second_factor.begin(session, with_key("a"), person, "wei")
        stored = session.scalars(sa.select(second_factor.SecondFactor.sealed)).one()
    assert secret.encode() not in stored
    with database.read() as session, pytest.raises(WrongKey):
        second_factor.drawn(session, with_key("b"), person, "wei")


def test_a_recovery_code_helps_when_the_key_is_lost(database: Database) -> None:
    person, vault = put_person(database), with_key("a")
    with database.write() as session:
        secret, _ = second_factor.begin(session, vault, person, "wei")
        code = pyotp.TOTP(secret).at(NOON)
        recovery = second_factor.confirm(session, vault, person, code, now=NOON)
    with database.write() as session:
        lost = with_key("b")
        assert second_factor.take_code(session, lost, person, recovery[0], now=NOON)
        with pytest.raises(WrongKey):
            second_factor.take_code(session, lost, person, "000000", now=NOON)


def _migrate_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    config.attributes["database"] = database
    command.upgrade(config, revision)


def test_a_migration_seals_what_older_versions_wrote_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.sqlite"
    database = Database(sqlite_url(path))
    _migrate_to(database, "0009")
    person = "0192f0c000007000800000000000000a"
    with database.write() as session:
        for statement in (
            f"INSERT INTO person (id, name, locale) VALUES ('{person}', 'Wei', 'zh')",
            "INSERT INTO second_factor (person_id, secret, confirmed_at, last_step) VALUES "
            f"('{person}', 'JBSWY3DPEHPK3PXP', '2026-11-24 04:00:00.000000', 7)",
            "INSERT INTO credential (id, person_id, kind, label, secret_hash, created_at, ends_at) "
            f"VALUES ('{person[:-1]}b', '{person}', 'token', '', 'after', "
            "'2026-11-25 04:00:00.000000', '2027-11-25 04:00:00.000000'), "
            f"('{person[:-1]}c', '{person}', 'token', '', 'before', "
            "'2026-11-23 04:00:00.000000', '2027-11-25 04:00:00.000000'), "
            f"('{person[:-1]}d', '{person}', 'session', 'console', 'open', "
            "'2026-11-25 04:00:00.000000', '2026-11-25 16:00:00.000000')",
        ):
            session.execute(sa.text(statement))
    vault = with_key("a")
    migrate(database, vault)
    with database.read() as session:
        row = session.scalars(sa.select(second_factor.SecondFactor)).one()
        proved = session.execute(sa.text("SELECT secret_hash, proved FROM credential"))
        assert dict(proved.all()) == {"after": 1, "before": 0, "open": 0}
        opened = session.execute(
            sa.text(
                "SELECT session_id = id, began_at = created_at FROM credential WHERE "
                "kind = 'session'"
            )
        )
        assert tuple(opened.one()) == (1, 1)
    assert vault.unseal(row.sealed, second_factor.about(row.person_id)) == "JBSWY3DPEHPK3PXP"
    assert row.last_step == 7
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert b"JBSWY3DPEHPK3PXP" not in path.read_bytes()
