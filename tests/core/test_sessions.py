"""Web sessions: a secret is renewed while it is used, the old one ends, nobody falls out."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from core import sessions
from core.accounts import new_password, set_password
from core.db import Database
from core.errors import NotSignedIn
from core.events import Event
from core.people import (
    CREDENTIAL_LIFETIME,
    LONGEST_SESSION,
    RENEWED_AFTER,
    Credential,
    find_credential,
    hash_secret,
)
from tests.core.test_accounts import put_person
from tests.fixtures import NOON
from tests.threads import in_threads

DUE = NOON + RENEWED_AFTER
IDLE = CREDENTIAL_LIFETIME["session"]


def begun(database: Database) -> str:
    person = put_person(database)
    with database.write() as session:
        return sessions.begin(session, person, by="password", now=NOON)


def renewed(database: Database, secret: str, now: datetime) -> str | None:
    with database.write() as session:
        return sessions.renew(session, secret, now=now)


def use(database: Database, secret: str, now: datetime) -> None:
    """As a request does: look who it is, and settle a secret that is used for the first time."""
    with database.write() as session:
        credential, _ = find_credential(session, secret, "session", now=now)
        if credential.used_at is None:
            sessions.settle(session, credential, now=now)


def is_open(database: Database, secret: str, now: datetime) -> bool:
    with database.read() as session:
        try:
            find_credential(session, secret, "session", now=now)
        except NotSignedIn:
            return False
        return True


def test_a_secret_is_renewed_after_an_hour_and_not_before(database: Database) -> None:
    secret = begun(database)
    assert renewed(database, secret, DUE - timedelta(seconds=1)) is None
    fresh = renewed(database, secret, DUE)
    assert fresh is not None
    assert fresh != secret
    assert fresh.partition(".")[0] == secret.partition(".")[0]
    with database.read() as session:
        kept = set(session.scalars(select(Credential.secret_hash)))
    assert kept == {hash_secret(secret), hash_secret(fresh)}


def test_of_requests_side_by_side_one_renews_and_all_go_on(database: Database) -> None:
    secret = begun(database)
    answers = in_threads(6, lambda _: renewed(database, secret, DUE))
    assert sum(answer is not None for answer in answers) == 1
    assert is_open(database, secret, DUE)


def test_the_old_secret_ends_a_minute_after_the_new_one_is_used(database: Database) -> None:
    secret = begun(database)
    fresh = renewed(database, secret, DUE)
    assert fresh
    later = DUE + timedelta(minutes=30)
    assert is_open(database, secret, later)
    use(database, fresh, later)
    assert is_open(database, secret, later + timedelta(seconds=59))
    assert not is_open(database, secret, later + sessions.OVERLAP)
    assert is_open(database, fresh, later + sessions.OVERLAP)


def test_an_answer_that_was_lost_signs_nobody_out(database: Database) -> None:
    secret = begun(database)
    lost = renewed(database, secret, DUE)
    assert lost
    assert renewed(database, secret, DUE + timedelta(seconds=59)) is None
    again = renewed(database, secret, DUE + sessions.OVERLAP)
    assert again
    now = DUE + timedelta(hours=1)
    use(database, again, now)
    for old in (secret, lost):
        assert not is_open(database, old, now + sessions.OVERLAP)
    assert is_open(database, again, now + sessions.OVERLAP)


def test_who_stole_a_secret_loses_it_when_its_owner_goes_on(database: Database) -> None:
    stolen = begun(database)
    owners = renewed(database, stolen, DUE)
    assert owners
    use(database, owners, DUE)
    after = DUE + sessions.OVERLAP
    assert renewed(database, stolen, after) is None
    assert not is_open(database, stolen, after)


def test_a_session_lives_while_it_is_used_and_at_most_seven_days(database: Database) -> None:
    secret, now = begun(database), NOON
    while now < NOON + LONGEST_SESSION - timedelta(hours=12):
        now += timedelta(hours=11)
        fresh = renewed(database, secret, now)
        assert fresh, now
        use(database, fresh, now)
        secret = fresh
    assert is_open(database, secret, NOON + LONGEST_SESSION - timedelta(seconds=1))
    assert not is_open(database, secret, NOON + LONGEST_SESSION)
    assert renewed(database, secret, NOON + LONGEST_SESSION) is None


def test_a_session_that_nobody_uses_ends_after_twelve_hours(database: Database) -> None:
    secret = begun(database)
    assert is_open(database, secret, NOON + IDLE - timedelta(seconds=1))
    assert not is_open(database, secret, NOON + IDLE)
    assert renewed(database, secret, NOON + IDLE) is None


def test_a_new_password_makes_every_session_due_at_once(database: Database) -> None:
    secret = begun(database)
    with database.write() as session:
        person = find_credential(session, secret, "session", now=NOON)[1].id
        given = new_password("wei", "five loud valves")
        set_password(session, person, given, now=NOON)
    assert renewed(database, secret, NOON)


def test_signing_out_ends_every_secret_of_the_session_and_no_other(database: Database) -> None:
    secret = begun(database)
    fresh = renewed(database, secret, DUE)
    assert fresh
    with database.write() as session:
        person = find_credential(session, secret, "session", now=DUE)[1].id
        other = sessions.begin(session, person, by="password", now=DUE)
    with database.read() as session:
        assert sessions.open_sessions(session, person, now=DUE) == 2
    with database.write() as session:
        assert sessions.end(session, fresh, now=DUE)
        assert not sessions.end(session, "unknown", now=DUE)
    assert [is_open(database, each, DUE) for each in (secret, fresh, other)] == [False, False, True]


def test_a_sign_out_ends_what_a_renewal_made_at_the_same_moment(database: Database) -> None:
    secret, made, signing_out = begun(database), threading.Event(), threading.Event()

    def renew_slowly() -> str | None:
        with database.write() as session:
            fresh = sessions.renew(session, secret, now=DUE)
            made.set()
            signing_out.wait(10)
            # Long enough for the other one to wait for this transaction.
            time.sleep(0.3)
        return fresh

    def sign_out() -> bool:
        made.wait(10)
        signing_out.set()
        with database.write() as session:
            return sessions.end(session, secret, now=DUE)

    with ThreadPoolExecutor(2) as pool:
        renewing, ending = pool.submit(renew_slowly), pool.submit(sign_out)
        fresh = renewing.result()
        assert ending.result()
    assert fresh
    assert not is_open(database, fresh, DUE)


def test_a_session_that_was_ended_is_renewed_by_nobody_who_looked_at_the_clock_before(
    database: Database,
) -> None:
    secret = begun(database)
    with database.write() as session:
        assert sessions.end(session, secret, now=DUE + timedelta(milliseconds=5))
    assert renewed(database, secret, DUE) is None


def test_ending_the_others_keeps_both_secrets_of_ones_own(database: Database) -> None:
    secret = begun(database)
    fresh = renewed(database, secret, DUE)
    assert fresh
    with database.write() as session:
        person = find_credential(session, secret, "session", now=DUE)[1].id
        other = sessions.begin(session, person, by="password", now=DUE)
        sessions.end_others(session, person, fresh, now=DUE)
    assert [is_open(database, each, DUE) for each in (secret, fresh, other)] == [True, True, False]


def test_who_came_by_a_link_counts_from_the_beginning(database: Database) -> None:
    person = put_person(database)
    with database.write() as session:
        by_link = sessions.BY_LINK
        secret = sessions.begin(session, person, by="link", now=NOON, label=by_link)
        sessions.renew_soon(session, person, now=NOON)
        fresh = sessions.renew(session, secret, now=NOON)
        assert fresh
        late = NOON + sessions.FRESH
        assert sessions.came_by_link(session, person, fresh, now=late - timedelta(seconds=1))
        assert not sessions.came_by_link(session, person, fresh, now=late)
        assert not sessions.came_by_link(session, person, "unknown", now=NOON)


@pytest.mark.parametrize("by", ["password", "link", "invitation", "identity"])
def test_every_way_of_signing_in_is_on_record(database: Database, by: str) -> None:
    person = put_person(database)
    with database.write() as session:
        secret = sessions.begin(session, person, by=by, now=NOON)
    with database.read() as session:
        fact = session.scalars(select(Event).where(Event.kind == "person.sign_in")).one()
    assert (fact.subject_id, fact.actor_id, fact.after) == (str(person), str(person), {"by": by})
    assert secret not in str(fact.after)
