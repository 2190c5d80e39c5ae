"""The sweeps, each run by hand at the moments that matter."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core import accounts, events, quarantine, shards
from core.clock import SimulatedClock, to_micros
from core.db import Database, Session
from core.errors import NotSignedIn
from core.events import Event
from core.idempotency import Answer, Claim, keep, recall
from core.ids import new_id
from core.people import Credential, Person, issue
from core.sign_in_links import redeem_link
from jobs.deadlines import mark_deadlines
from jobs.ingest_watch import IngestWatch
from jobs.outbox import channel_of, send_facts
from jobs.retention import (
    bound_quarantine,
    forget_credentials,
    forget_imports,
    keep_up_telemetry,
)
from jobs.work import Work
from tests.api.building import put_import
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.jobs.conftest import Receiver, make_work, open_one
from workflows.notifications import Delivery
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.tickets import Ticket, passing

MINUTE = timedelta(minutes=1)


def facts_of(database: Database, prefix: str) -> list[Event]:
    with database.read() as session:
        statement = select(Event).where(Event.kind.startswith(prefix)).order_by(Event.seq)
        return list(session.scalars(statement))


def test_a_sweep_that_was_down_marks_every_missed_deadline_once(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    open_one(database, site, NOON, respond=30 * MINUTE, resolve=240 * MINUTE)
    open_one(database, site, NOON, respond=30 * MINUTE, resolve=30 * MINUTE)
    work = make_work(database, clock)
    # The warnings at three quarters of three spans; of four clocks then all that is left.
    assert mark_deadlines(work, NOON + 29 * MINUTE) == 3
    assert mark_deadlines(work, NOON + timedelta(days=2)) == 4 * 4 - 3
    assert mark_deadlines(work, NOON + timedelta(days=3)) == 0
    facts = facts_of(database, "ticket.overdue")
    clocks = sorted((fact.after or {})["clock"] for fact in facts)
    assert clocks == ["resolution", "resolution", "response", "response"]
    assert {fact.happened_at for fact in facts} == {NOON + 30 * MINUTE, NOON + 240 * MINUTE}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_ticket_whose_deadline_cannot_be_marked_holds_no_other_back(
    database: Database, site: SmallSite, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        open_one(database, site, NOON, respond=span * MINUTE, resolve=240 * MINUTE)
        for span in (10, 20)
    )
    mark = passing.mark_passed

    def fails(session: Session, ticket: Ticket, **more: Any) -> int:
        if ticket.id == first:
            raise ValueError("a row that nobody thought of")
        return mark(session, ticket, **more)

    monkeypatch.setattr(passing, "mark_passed", fails)
    with pytest.raises(ValueError, match="nobody thought of"):
        mark_deadlines(make_work(database, clock), NOON + 20 * MINUTE)
    overdue = facts_of(database, "ticket.overdue")
    assert [fact.subject_id for fact in overdue] == [str(second)]


def test_webhooks_are_signed_and_carry_the_fact(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    work = make_work(database, clock, webhook_url=receiver.url, webhook_secret="s3cret")
    assert send_facts(work, NOON) == 0
    ticket_id = open_one(database, site, NOON)
    assert send_facts(work, NOON) == 1
    [(headers, body)] = receiver.posts
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Watchkeeper-Signature"] == f"sha256={expected}"
    message = json.loads(body)
    assert headers["X-Watchkeeper-Delivery"] == message["id"]
    assert (message["kind"], message["subject"]["id"]) == ("ticket.open", str(ticket_id))


def test_a_new_receiver_hears_nothing_of_the_past_and_nothing_twice(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    open_one(database, site, NOON)
    work = make_work(database, clock, webhook_url=receiver.url)
    assert send_facts(work, NOON) == 0
    open_one(database, site, NOON)
    assert [send_facts(work, NOON), send_facts(work, NOON)] == [1, 0]
    assert receiver.kinds() == ["ticket.open"]
    assert "X-Watchkeeper-Signature" not in receiver.posts[0][0]


def test_more_facts_than_one_batch_all_go_out(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    work = make_work(database, clock, webhook_url=receiver.url)
    send_facts(work, NOON)
    for _ in range(45):
        open_one(database, site, NOON)
    assert send_facts(work, NOON) == 45
    assert len({headers["X-Watchkeeper-Delivery"] for headers, _ in receiver.posts}) == 45


def test_a_refused_webhook_is_tried_again_after_a_growing_pause(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    work = make_work(database, clock, webhook_url=receiver.url)
    send_facts(work, NOON)
    open_one(database, site, NOON)
    receiver.status = 500
    assert send_facts(work, NOON) == 0
    assert send_facts(work, NOON + timedelta(seconds=1)) == 0
    assert len(receiver.posts) == 1
    assert send_facts(work, NOON + timedelta(seconds=3)) == 0
    with database.read() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert (delivery.attempts, delivery.last_result) == (2, "HTTP 500")
    receiver.status = 200
    assert send_facts(work, NOON + MINUTE) == 1


def test_an_absent_receiver_costs_one_try_and_gets_everything_when_it_is_back(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    work = make_work(database, clock, webhook_url=receiver.url)
    away = make_work(database, clock, webhook_url="http://127.0.0.1:9/hook")
    for one in (work, away):
        send_facts(one, NOON)
    for _ in range(3):
        open_one(database, site, NOON)
    assert send_facts(away, NOON) == 0
    with database.read() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.event_seq)).all()
    assert [row.attempts for row in rows] == [1, 0, 0]
    assert rows[0].last_result.startswith("ConnectError")
    # Trying goes on at the same address; another address is another receiver.
    assert {row.channel for row in rows} == {channel_of("http://127.0.0.1:9/hook")}
    assert send_facts(work, NOON) == 3


def test_a_changed_receiver_ends_what_waited_for_the_old_one(
    database: Database, site: SmallSite, clock: SimulatedClock, receiver: Receiver
) -> None:
    away = make_work(database, clock, webhook_url="http://127.0.0.1:9/hook")
    send_facts(away, NOON)
    open_one(database, site, NOON)
    send_facts(away, NOON)
    send_facts(make_work(database, clock, webhook_url=receiver.url), NOON)
    with database.read() as session:
        delivery = session.scalars(select(Delivery)).one()
    assert (delivery.state, delivery.last_result) == ("given_up", "the receiver was changed")


def test_without_an_address_nothing_is_sent_or_remembered(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    open_one(database, site, NOON)
    assert send_facts(make_work(database, clock), NOON) == 0
    with database.read() as session:
        assert session.scalar(select(func.count(Delivery.id))) == 0


def beat(database: Database, seconds: float) -> None:
    with database.write() as session:
        shards.beat(session, "main", NOON + timedelta(seconds=seconds), clean=False)


def look(watch: IngestWatch, work: Work, seconds: float) -> int:
    return watch.look(work, NOON + timedelta(seconds=seconds))


def health_of(work: Work) -> bool:
    [state] = [state for state in work.health.snapshot() if state.part == "ingest watch"]
    return state.ok


def test_a_silent_ingest_is_said_once_and_so_is_its_return(
    database: Database, clock: SimulatedClock
) -> None:
    watch, work = IngestWatch(), make_work(database, clock)
    assert look(watch, work, 0) == 0
    beat(database, 0)
    assert [look(watch, work, second) for second in range(0, 70, 10)] == [0] * 7
    assert health_of(work)
    assert [look(watch, work, second) for second in range(70, 140, 10)] == [1] + [0] * 6
    assert not health_of(work)
    beat(database, 140)
    assert [look(watch, work, second) for second in (141, 151)] == [1, 0]
    assert health_of(work)
    facts = facts_of(database, "ingest.")
    assert [fact.kind for fact in facts] == ["ingest.silent", "ingest.back"]
    assert facts[0].happened_at == NOON


def test_a_watch_that_was_away_itself_does_not_blame_ingest(
    database: Database, clock: SimulatedClock
) -> None:
    beat(database, 0)
    watch, work = IngestWatch(), make_work(database, clock)
    hour = 3600
    assert [look(watch, work, hour), look(watch, work, hour + 30)] == [0, 0]
    # The whole machine slept for another hour.
    assert look(watch, work, 2 * hour) == 0
    assert [look(watch, work, 2 * hour + second) for second in (20, 40, 60, 61)] == [0, 0, 0, 1]


def test_a_watch_that_could_not_see_does_not_blame_ingest_either(
    database: Database, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(database, 0)
    watch, work = IngestWatch(), make_work(database, clock)
    assert look(watch, work, 1) == 0

    def away(session: Session) -> dict[str, datetime]:
        raise OSError("the database does not answer")

    with monkeypatch.context() as outage:
        outage.setattr("core.shards.last_beats", away)
        for second in range(10, 80, 10):
            with pytest.raises(OSError, match="does not answer"):
                look(watch, work, second)
    # The heartbeat on record is the one from before the outage.
    assert [look(watch, work, second) for second in (80, 90)] == [0, 0]
    assert health_of(work)


def test_a_silence_that_was_said_is_not_taken_back_by_a_restart_of_the_watch(
    database: Database, clock: SimulatedClock
) -> None:
    beat(database, 0)
    watch, work = IngestWatch(), make_work(database, clock)
    assert sum(look(watch, work, second) for second in range(0, 100, 20)) == 1
    again = IngestWatch()
    assert [look(again, work, 120), look(again, work, 140)] == [0, 0]
    assert not health_of(work)


def test_an_ingest_that_never_listened_is_not_missed(
    database: Database, clock: SimulatedClock
) -> None:
    watch, work = IngestWatch(), make_work(database, clock)
    assert [look(watch, work, second) for second in range(0, 200, 20)] == [0] * 10


def test_ended_credentials_are_forgotten_and_living_ones_stay(
    database: Database, clock: SimulatedClock
) -> None:
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name="Ada"))
        session.flush()
        issue(session, person_id, "session", now=NOON)
        issue(session, person_id, "token", now=NOON, label="stays")
        link = issue(session, person_id, "link", now=NOON, lifetime=timedelta(days=300))
        redeem_link(session, link, now=NOON)
    work = make_work(database, clock)
    assert forget_credentials(work, NOON + timedelta(days=29)) == 0
    assert forget_credentials(work, NOON + timedelta(days=31)) == 2
    with database.read() as session:
        assert session.scalars(select(Credential.label)).all() == ["stays"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_token_that_a_phone_was_given_is_forgotten_like_others(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    """Of a guard who never signed out: it ended by itself, and the phone's row still names it."""
    phone, guard = GuardPhone(), new_id()
    with database.write() as session:
        session.add(Person(id=guard, name="Zhou"))
        session.flush()
        issue(session, guard, "token", now=NOON, lifetime=timedelta(hours=12))
        session.flush()
        token = session.scalars(select(Credential.id).where(Credential.person_id == guard)).one()
        row = Phone(id=phone.id, site_id=site.id, kind="post", label="Gate phone", key=phone.key)
        row.browser = row.app = row.head_hash = ""
        row.enrolled_at = row.heard_at = NOON
        session.add(row)
        session.flush()
        user = PhoneUser(phone_id=phone.id, person_id=guard, site_id=site.id, credential_id=token)
        user.online_at = user.offline_until = NOON
        session.add(user)
    assert forget_credentials(make_work(database, clock), NOON + timedelta(days=31)) == 1
    with database.read() as session:
        assert session.get_one(PhoneUser, (phone.id, guard)).credential_id is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_answers_that_were_kept_for_who_sends_twice_are_forgotten_by_themselves(
    database: Database, clock: SimulatedClock
) -> None:
    """They may name people, and nobody may ever send such a request again."""
    ada = new_id()
    with database.write() as session:
        session.add(Person(id=ada, name="Ada"))
        session.flush()
        claim = Claim(ada, "POST /spaces/x/household", "key", b"{}", NOON)
        assert recall(session, claim) is None
        keep(session, claim, Answer(201, b'{"name": "Zhao Lei"}'))
    work = make_work(database, clock)
    assert forget_credentials(work, NOON + timedelta(hours=24)) == 0
    assert forget_credentials(work, NOON + timedelta(hours=25)) == 1


def test_wrong_tries_are_forgotten_when_they_count_no_more(
    database: Database, clock: SimulatedClock
) -> None:
    for number in range(3):
        with pytest.raises(NotSignedIn):
            accounts.sign_in(database, f"guess{number}", "x", f"192.0.2.{number}", now=NOON)
    work = make_work(database, clock)
    assert forget_credentials(work, NOON + timedelta(days=1)) == 0
    assert forget_credentials(work, NOON + timedelta(days=1, seconds=1)) == 6


def test_a_file_that_nobody_applied_is_forgotten(
    database: Database, clock: SimulatedClock, site: SmallSite
) -> None:
    put_import(database, site, NOON)
    work = make_work(database, clock)
    assert forget_imports(work, NOON + timedelta(hours=23)) == 0
    assert forget_imports(work, NOON + timedelta(hours=25)) == 1


def test_quarantine_is_bounded_and_what_was_dropped_is_on_record(
    database: Database, clock: SimulatedClock
) -> None:
    items = [
        quarantine.Rejected(None, f"d{n}", "t", "bad_json", "x", b"{", NOON + n * MINUTE)
        for n in range(105)
    ]
    with database.write() as session:
        quarantine.keep(session, items)
    work = make_work(database, clock, quarantine_rows=100, quarantine_days=1)
    assert bound_quarantine(work, NOON + 110 * MINUTE) == 5
    assert bound_quarantine(work, NOON + timedelta(days=3)) == 100
    counts = [(fact.after or {})["dropped"] for fact in facts_of(database, "quarantine.prune")]
    assert counts == [5, 100]


class NotingStore:
    """Notes what it is asked; the real store's upkeep is tested with the store."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def roll_up(self, now: int) -> int:
        self.asked.append(("roll_up", now))
        return 1

    def expire(self, before_received: int) -> int:
        self.asked.append(("expire", before_received))
        return 7


@pytest.mark.parametrize(("days", "expected"), [(None, 0), (30, 7)])
def test_readings_are_dropped_only_when_an_age_is_set(
    database: Database, clock: SimulatedClock, days: int | None, expected: int
) -> None:
    store: Any = NotingStore()
    plain = make_work(database, clock, readings_days=days)
    work = Work(database, store, plain.settings, plain.health)
    assert keep_up_telemetry(work, NOON) == expected
    asked = [("roll_up", to_micros(NOON))]
    if days:
        asked.append(("expire", to_micros(NOON - timedelta(days=30))))
    assert store.asked == asked


def test_the_events_of_a_sweep_name_it(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    open_one(database, site, NOON, respond=MINUTE)
    mark_deadlines(make_work(database, clock), NOON + 2 * MINUTE)
    [fact] = facts_of(database, "ticket.overdue")
    assert events.Actor(fact.actor_kind, fact.actor_id) == events.Actor("job", "deadlines")
