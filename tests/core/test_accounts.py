"""Passwords: what is taken, what is refused, and how long a guesser waits."""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from types import ModuleType
from uuid import UUID

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from core import accounts
from core.accounts import (
    Password,
    login_of,
    new_password,
    require_password,
    set_password,
    sign_in,
)
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotSignedIn, TooManyTries
from core.ids import new_id
from core.people import Person, find_credential, identify, issue
from core.slow_hash import AT_ONCE
from core.tries import SignInTries
from tests.fixtures import HASHERS, NOON
from tests.threads import in_threads

GOOD = "three quiet pumps"
HERE = "192.0.2.7"


def put_person(database: Database, login: str = "Wei", name: str = "Wei Chen") -> UUID:
    person_id = new_id()
    given = new_password(login, GOOD)
    with database.write() as session:
        session.add(Person(id=person_id, name=name, locale="zh"))
        session.flush()
        set_password(session, person_id, given, now=NOON)
    return person_id


def wrong(database: Database, *, login: str = "wei", address: str = HERE, after: float = 0) -> None:
    now = NOON + timedelta(seconds=after)
    with pytest.raises(NotSignedIn, match="login or password are wrong"):
        sign_in(database, login, "not the password", address, now=now)


def test_the_right_password_gives_a_session_of_the_person(database: Database) -> None:
    person_id = put_person(database)
    signed_in = sign_in(database, " WEI ", GOOD, HERE, now=NOON)
    assert not signed_in.needs_code
    with database.read() as session:
        assert identify(session, signed_in.secret, "session", now=NOON).person_id == person_id
        assert GOOD not in session.scalars(select(Password.hash)).one()


def test_a_wrong_password_and_a_wrong_login_are_told_alike(database: Database) -> None:
    put_person(database)
    told = []
    for login in ("wei", "nobody", "", "two words"):
        with pytest.raises(NotSignedIn) as caught:
            sign_in(database, login, "not the password", HERE, now=NOON)
        told.append((caught.value.detail, caught.value.advice))
    assert len(set(told)) == 1


def test_each_wrong_try_after_the_fifth_doubles_the_wait(database: Database) -> None:
    put_person(database)
    for _ in range(5):
        wrong(database)
    after = 0.0
    for wait in (15, 30, 60):
        with pytest.raises(TooManyTries) as caught:
            sign_in(database, "wei", GOOD, HERE, now=NOON + timedelta(seconds=after + wait - 1))
        assert caught.value.until == NOON + timedelta(seconds=after + wait)
        after += wait
        wrong(database, after=after)


def test_the_right_password_after_the_wait_forgives(database: Database) -> None:
    put_person(database)
    for _ in range(5):
        wrong(database)
    later = NOON + timedelta(seconds=15)
    assert sign_in(database, "wei", GOOD, HERE, now=later)
    for second in range(4):
        wrong(database, after=20 + second)


def test_an_account_that_does_not_exist_is_locked_like_one_that_does(database: Database) -> None:
    for _ in range(5):
        wrong(database, login="nobody")
    with pytest.raises(TooManyTries):
        sign_in(database, "nobody", GOOD, HERE, now=NOON + timedelta(seconds=1))


def test_who_tries_many_accounts_from_one_network_is_stopped(database: Database) -> None:
    for number in range(50):
        address = f"2001:db8:1:1::{number}"
        with pytest.raises(NotSignedIn):
            sign_in(database, f"guess{number}", GOOD, address, now=NOON)
    with pytest.raises(TooManyTries):
        sign_in(database, "guess50", GOOD, "2001:db8:1:1::ffff", now=NOON)
    with pytest.raises(NotSignedIn):
        sign_in(database, "guess50", GOOD, "2001:db8:1:2::1", now=NOON)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_comes_by_ipv4_to_a_socket_for_both_is_told_from_others(database: Database) -> None:
    for number in range(50):
        with pytest.raises(NotSignedIn):
            sign_in(database, f"guess{number}", GOOD, "::ffff:192.0.2.7", now=NOON)
    with pytest.raises(TooManyTries):
        sign_in(database, "guess50", GOOD, "192.0.2.7", now=NOON)
    with pytest.raises(NotSignedIn):
        sign_in(database, "guess50", GOOD, "::ffff:198.51.100.1", now=NOON)


def test_tries_at_once_are_all_counted(database: Database) -> None:
    put_person(database)
    outcomes = in_threads(8, lambda _: _outcome(database))
    assert outcomes.count("wrong") == 5
    assert outcomes.count("locked") == 3


def _outcome(database: Database) -> str:
    try:
        sign_in(database, "wei", "not the password", HERE, now=NOON)
    except NotSignedIn:
        return "wrong"
    except TooManyTries:
        return "locked"
    return "in"


def test_a_night_later_old_mistakes_are_forgotten(database: Database) -> None:
    put_person(database)
    for _ in range(4):
        wrong(database)
    wrong(database, after=25 * 3600)
    with database.read() as session:
        counts = set(session.scalars(select(SignInTries.failures)))
    assert counts == {1}


def test_who_has_left_does_not_get_in(database: Database) -> None:
    person_id = put_person(database)
    with database.write() as session:
        session.get_one(Person, person_id).left_at = NOON
    with pytest.raises(NotSignedIn):
        sign_in(database, "wei", GOOD, HERE, now=NOON)


class _Meanwhile(PasswordHash):
    """A hasher during whose work something happens."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(accounts._hasher.hashers)
        self._work = work

    def verify_and_update(
        self,
        password: str | bytes,
        hash: str | bytes,  # noqa: A002 - the library's own name
    ) -> tuple[bool, str | None]:
        judged = super().verify_and_update(password, hash)
        self._work()
        return judged


def test_a_password_that_is_changed_while_it_is_judged_lets_nobody_in(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person_id = put_person(database)
    fresh = new_password("wei", "five loud valves")

    def change() -> None:
        with database.write() as session:
            set_password(session, person_id, fresh, now=NOON)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(accounts, "_hasher", _Meanwhile(change))
        with pytest.raises(NotSignedIn, match="login or password are wrong"):
            sign_in(database, "wei", GOOD, HERE, now=NOON)
    assert sign_in(database, "wei", "five loud valves", HERE, now=NOON)


def test_the_same_password_hashed_anew_meanwhile_still_lets_in(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person_id, again = put_person(database), new_password("wei", GOOD)

    def hash_anew() -> None:
        with database.write() as session:
            session.get_one(Password, person_id).hash = again.hash

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(accounts, "_hasher", _Meanwhile(hash_anew))
        assert sign_in(database, "wei", GOOD, HERE, now=NOON)


@pytest.mark.parametrize("kind", ["link", "half"])
def test_a_new_password_ends_what_was_begun_before_it(database: Database, kind: str) -> None:
    person_id = put_person(database)
    with database.write() as session:
        secret = issue(session, person_id, kind, now=NOON)
    with database.read() as session:
        assert find_credential(session, secret, kind, now=NOON)
    with database.write() as session:
        set_password(session, person_id, new_password("wei", "five loud valves"), now=NOON)
    with database.read() as session, pytest.raises(NotSignedIn):
        find_credential(session, secret, kind, now=NOON)


def test_a_login_belongs_to_one_person_however_it_is_written(database: Database) -> None:
    put_person(database, "Wei")
    given = new_password("ＷＥＩ", GOOD)
    with database.write() as session:
        other = Person(id=new_id(), name="Wei Li", locale="zh")
        session.add(other)
        session.flush()
        with pytest.raises(Conflict, match="taken"):
            set_password(session, other.id, given, now=NOON)


@pytest.mark.parametrize("text", ["", "a", "two words", "x" * 81, "tab\there", "nul\0nul"])
def test_what_can_be_no_login(text: str) -> None:
    with pytest.raises(Invalid, match="can't be a login"):
        login_of(text)


@pytest.mark.parametrize("text", ["13800138000", "王伟", "wei.chen@example.com", "w2"])
def test_what_can_be_a_login(text: str) -> None:
    assert login_of(text) == text


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "12 to 200"),
        ("x" * 201, "12 to 200"),
        ("aaaaaaaaaaaab", "guessed"),
        ("Password1234", "guessed"),
        ("138001380001", "guessed"),
        ("my name is wei", "guessed"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        new_password("wei", password)
    assert told in caught.value.problems[0]


@pytest.mark.parametrize("module", HASHERS, ids=lambda module: module.__name__)
def test_a_hash_costs_a_guesser_as_much_as_rfc_9106_recommends(module: ModuleType) -> None:
    # Section 4, its second recommended option: for where two gigabytes are not at hand.
    strength = "$argon2id$v=19$m=65536,t=3,p=4$"
    assert HASHERS[module].hash(GOOD).startswith(strength)


def test_a_hash_of_older_settings_is_renewed_at_sign_in(
    database: Database, monkeypatch: pytest.MonkeyPatch, clock: SimulatedClock
) -> None:
    monkeypatch.setattr(accounts, "_hasher", HASHERS[accounts])
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8192),))
    with monkeypatch.context() as old:
        old.setattr(accounts, "_hasher", weak)
        put_person(database)
    with database.read() as session:
        before = session.scalars(select(Password.hash)).one()
    assert sign_in(database, "wei", GOOD, HERE, now=clock.now())
    with database.read() as session:
        assert session.scalars(select(Password.hash)).one() != before
    assert sign_in(database, "wei", GOOD, HERE, now=clock.now())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_present_password_is_guessed_no_more_often_than_at_the_sign_in(
    database: Database,
) -> None:
    """From wherever: whoever holds a session of the person counts on their account."""
    person_id = put_person(database)
    wrong(database)
    for number in range(4):
        with pytest.raises(NotAllowed):
            require_password(database, person_id, "a guess", f"192.0.2.{number}", now=NOON)
    for present in ("another guess", GOOD):
        with pytest.raises(TooManyTries):
            require_password(database, person_id, present, "198.51.100.1", now=NOON)
    with pytest.raises(TooManyTries):
        sign_in(database, "wei", GOOD, HERE, now=NOON)
    later = NOON + timedelta(seconds=15)
    require_password(database, person_id, GOOD, HERE, now=later)
    wrong(database, after=20)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_tries_many_present_passwords_from_one_network_is_stopped(
    database: Database,
) -> None:
    person_id = put_person(database)
    for number in range(50):
        with pytest.raises(NotSignedIn):
            sign_in(database, f"guess{number}", GOOD, HERE, now=NOON)
    with pytest.raises(TooManyTries):
        require_password(database, person_id, GOOD, HERE, now=NOON)


def test_only_a_few_hashes_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 MiB each: everybody who signs in at once would take more than the machine has."""
    under_way, most, guard = [0], [0], Lock()
    make = Argon2Hasher.hash

    def counted(self: Argon2Hasher, password: str | bytes, *, salt: bytes | None = None) -> str:
        with guard:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        made = make(self, password, salt=salt)
        with guard:
            under_way[0] -= 1
        return made

    monkeypatch.setattr(Argon2Hasher, "hash", counted)
    monkeypatch.setattr(accounts, "_hasher", HASHERS[accounts])
    in_threads(3 * AT_ONCE, lambda number: new_password(f"login{number}", GOOD))
    assert 1 <= most[0] <= AT_ONCE
