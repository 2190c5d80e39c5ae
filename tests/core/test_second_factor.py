"""The second factor: a code is used once, a lost phone is not the end, a guesser waits."""

from datetime import timedelta
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select

from core import second_factor
from core.accounts import finish_sign_in, sign_in
from core.db import Database
from core.errors import Conflict, Invalid, NotSignedIn, TooManyTries
from core.events import Event
from core.people import identify
from core.settings import load
from core.vault import Vault
from tests.core.test_accounts import GOOD, HERE, put_person
from tests.fixtures import NOON
from tests.threads import in_threads

VAULT = Vault(load(secret_key="a key that only these tests know"))
STEP = timedelta(seconds=30)
LATER = NOON + 10 * STEP


def turn_on(database: Database, person: UUID) -> tuple[pyotp.TOTP, list[str]]:
    with database.write() as session:
        secret, uri = second_factor.begin(session, VAULT, person, "wei")
    assert uri.startswith("otpauth://totp/Watchkeeper:wei?secret=")
    app = pyotp.TOTP(secret)
    with database.write() as session:
        return app, second_factor.confirm(session, VAULT, person, app.at(NOON), now=NOON)


def half(database: Database) -> str:
    signed_in = sign_in(database, "wei", GOOD, HERE, now=LATER)
    assert signed_in.needs_code
    return signed_in.secret


def test_the_password_alone_opens_nothing_any_more(database: Database) -> None:
    person = put_person(database)
    app, _ = turn_on(database, person)
    secret = half(database)
    for kind in ("session", "token"):
        with database.read() as session, pytest.raises(NotSignedIn):
            identify(session, secret, kind, now=LATER)
    whole = finish_sign_in(database, VAULT, secret, app.at(LATER), now=LATER)
    with database.read() as session:
        assert identify(session, whole, "session", now=LATER).person_id == person
    with pytest.raises(NotSignedIn):
        finish_sign_in(database, VAULT, secret, app.at(LATER + STEP), now=LATER + STEP)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(database: Database, steps: int, right: bool) -> None:
    app, _ = turn_on(database, put_person(database))
    secret = half(database)
    code = app.at(LATER + steps * STEP)
    if right:
        assert finish_sign_in(database, VAULT, secret, f"{code[:3]} {code[3:]}", now=LATER)
    else:
        with pytest.raises(Invalid, match="not right"):
            finish_sign_in(database, VAULT, secret, code, now=LATER)


def test_a_code_is_used_once_even_by_two_at_once(database: Database) -> None:
    app, _ = turn_on(database, put_person(database))
    halves = [half(database) for _ in range(2)]

    def attempt(number: int) -> bool:
        try:
            finish_sign_in(database, VAULT, halves[number], app.at(LATER), now=LATER)
        except Invalid:
            return False
        return True

    assert sorted(in_threads(2, attempt)) == [False, True]


def test_the_code_that_turned_it_on_is_used_up(database: Database) -> None:
    app, _ = turn_on(database, put_person(database))
    signed_in = sign_in(database, "wei", GOOD, HERE, now=NOON)
    with pytest.raises(Invalid):
        finish_sign_in(database, VAULT, signed_in.secret, app.at(NOON), now=NOON)


def test_each_recovery_code_stands_in_once(database: Database) -> None:
    person = put_person(database)
    _, codes = turn_on(database, person)
    assert len(set(codes)) == 10
    assert finish_sign_in(database, VAULT, half(database), codes[0].upper(), now=LATER)
    assert finish_sign_in(database, VAULT, half(database), codes[1].replace("-", " "), now=LATER)
    with pytest.raises(Invalid):
        finish_sign_in(database, VAULT, half(database), codes[0], now=LATER)
    with database.read() as session:
        assert second_factor.codes_left(session, person) == 8
        said = str([(row.kind, row.before, row.after) for row in session.scalars(select(Event))])
    assert "person.recovery_code" in said
    assert not any(code in said for code in codes)


def test_who_guesses_codes_waits_longer_and_longer(database: Database) -> None:
    app, _ = turn_on(database, put_person(database))
    secret = half(database)
    for _ in range(5):
        with pytest.raises(Invalid):
            finish_sign_in(database, VAULT, secret, "000000", now=LATER)
    with pytest.raises(TooManyTries):
        finish_sign_in(database, VAULT, secret, app.at(LATER), now=LATER)


def test_until_a_first_code_it_asks_nobody(database: Database) -> None:
    person = put_person(database)
    with database.write() as session:
        second_factor.begin(session, VAULT, person, "wei")
    with database.write() as session, pytest.raises(Invalid):
        second_factor.confirm(session, VAULT, person, "000000", now=NOON)
    assert not sign_in(database, "wei", GOOD, HERE, now=NOON).needs_code


def test_it_is_not_replaced_without_being_turned_off(database: Database) -> None:
    person = put_person(database)
    turn_on(database, person)
    with database.write() as session, pytest.raises(Conflict):
        second_factor.begin(session, VAULT, person, "wei")
    with database.write() as session:
        second_factor.turn_off(session, person, now=NOON)
    assert not sign_in(database, "wei", GOOD, HERE, now=LATER).needs_code
    turn_on(database, person)


def test_half_a_sign_in_ends_after_ten_minutes(database: Database) -> None:
    app, _ = turn_on(database, put_person(database))
    secret = half(database)
    late = LATER + timedelta(minutes=10)
    with pytest.raises(NotSignedIn):
        finish_sign_in(database, VAULT, secret, app.at(late), now=late)
