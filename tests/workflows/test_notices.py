"""Telling people: who, how urgently, until they answer, and each attempt on record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from core import events
from core.channels.message import Message, Outcome
from core.contacts import QuietHours, contacts_of, quiet_hours_of, set_reaching
from core.db import Database, Session
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Node
from core.rosters import add_shifts, set_duty_phone
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import MINUTE, clear, do, employ, facts_of, ticket_of, trip
from web.pages.notices import respond
from workflows import notifications, staff
from workflows.alarms import accept_ticket, accept_tickets
from workflows.notifications import Attempt, Notice
from workflows.notifications.plans import PLANS, quiet_until
from workflows.notifications.texts import WHAT, message
from workflows.tickets import Draft, Step, Ticket, edit, mark_moments, open_ticket
from workflows.tickets.bulk import Order, Wanted
from workflows.tickets.contractors import Contact, ContractorLink, Job, accept, decline, offer
from workflows.tickets.notes import Saying, say

SHANGHAI = ZoneInfo("Asia/Shanghai")
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass
class Pretended:
    """A channel that keeps what it was given."""

    name: str
    address_kind: str
    sent: list[tuple[str, Message]] = field(default_factory=list)
    works: bool = True

    def send(self, address: str, message: Message) -> Outcome:
        """Keep a message."""
        self.sent.append((address, message))
        return Outcome(self.works, "ok" if self.works else "busy", "ref")


@pytest.fixture
def channels() -> dict[str, Pretended]:
    """One channel of each kind."""
    kinds = {"email": "email", "wecom": "wecom", "sms": "phone", "voice": "phone"}
    return {name: Pretended(name, kind) for name, kind in kinds.items()}


@dataclass
class House:
    """The site with somebody on duty at noon."""

    database: Database
    site: SmallSite
    worker: UUID
    supervisor: UUID
    cursor: events.Cursor = events.START

    def take_up(self, now: datetime = NOON) -> int:
        """Turn new facts into notices."""
        facts = events.read_after(self.database, self.cursor)
        self.cursor = (facts[-1].txid, facts[-1].seq) if facts else self.cursor
        with self.database.write() as session:
            return notifications.take_up(session, facts, now=now)

    def tell(self, channels: dict[str, Pretended], now: datetime) -> int:
        """Make every attempt that is due."""
        with self.database.write() as session:
            notifications.give_up_unknown(session, now=now)
        with self.database.write() as session:
            listed: Sequence[Any] = list(channels.values())
            calls = notifications.begin(session, listed, base="https://wk.example", now=now)
        for call in calls:
            outcome = call.channel.send(call.address, call.message)
            with self.database.write() as session:
                notifications.finish_attempt(session, call.attempt_id, outcome, now=now)
        return len(calls)

    def notices(self) -> list[Notice]:
        """Every notice."""
        with self.database.read() as session:
            return list(session.scalars(select(Notice).order_by(Notice.created_at, Notice.id)))

    def notice(self, notice_id: UUID) -> Notice:
        """A notice as it stands."""
        return next(one for one in self.notices() if one.id == notice_id)

    def caller(self, person: UUID) -> Caller:
        """Somebody as a caller."""
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, person))

    def open(self, now: datetime = NOON, **changes: Any) -> UUID:
        """Open a ticket of the team."""
        values = {"priority": "critical", "team": "maintenance", **changes}
        draft = Draft(
            site_id=self.site.id,
            kind="repair",
            title={"en": "Flooded pit", "zh": "集水坑水浸"},
            happened_at=now,
            learned_at=now,
            **values,
        )
        with self.database.write() as session:
            return open_ticket(session, draft, actor=events.SYSTEM).id


@pytest.fixture
def house(database: Database, site: SmallSite, administrator: Administrator) -> House:
    """Somebody is on duty from eight to six, and reached on every channel."""
    worker = employ(database, site.id, "technician", "An")
    supervisor = employ(database, site.id, "supervisor", "Lin")
    reach = {"phone": "13800138000", "wecom": "an", "email": "an@example.com"}
    with database.write() as session:
        boss = caller_for(session, session.get_one(Person, administrator.person_id))
        add_shifts(
            session,
            boss,
            session.get_one(Node, site.id),
            "maintenance",
            [worker],
            kind="duty",
            weekdays=range(7),
            hours=(time(8), time(18)),
            first=NOON.astimezone(SHANGHAI).date(),
            weeks=1,
            now=NOON,
        )
        set_reaching(session, worker, reach, None, now=NOON)
        set_reaching(session, supervisor, {"wecom": "lin"}, None, now=NOON)
    found = House(database, site, worker, supervisor)
    found.take_up()
    return found


def test_a_critical_ticket_reaches_who_is_on_duty_on_every_channel(
    house: House, channels: dict[str, Pretended]
) -> None:
    house.open()
    assert house.take_up() == 1
    assert house.tell(channels, NOON) == 4
    assert {name: len(one.sent) for name, one in channels.items()} == dict.fromkeys(channels, 1)
    address, text = channels["sms"].sent[0]
    [notice] = house.notices()
    assert (address, text.link) == ("13800138000", f"https://wk.example/n/{notice.code}")
    assert notice.person_id == house.worker
    assert len(notice.code) <= 15
    with house.database.read() as session:
        states = session.scalars(select(Attempt.state)).all()
    assert set(states) == {"sent"}


def test_it_is_repeated_until_somebody_accepts(
    house: House, channels: dict[str, Pretended]
) -> None:
    ticket_id = house.open()
    house.take_up()
    for minute in range(5):
        house.tell(channels, NOON + minute * MINUTE)
    # Every two minutes; the phone rings at the first and the third try.
    assert len(channels["wecom"].sent) == 3
    assert len(channels["voice"].sent) == 2
    do(house.database, ticket_id, house.worker, NOON + 5 * MINUTE, "accept")
    assert house.tell(channels, NOON + 6 * MINUTE) == 0
    [notice] = house.notices()
    assert (notice.state, notice.due_at) == ("settled", None)
    assert len(facts_of(house.database, "notice.settle")) == 1


def test_it_ends_some_time_and_stays_in_the_inbox(
    house: House, channels: dict[str, Pretended]
) -> None:
    house.open(priority="high")
    house.take_up()
    for number in range(12):
        house.tell(channels, NOON + number * 10 * MINUTE)
    assert len(channels["wecom"].sent) == PLANS["urgent"].tries == 6
    assert len(channels["voice"].sent) == 2
    [notice] = house.notices()
    assert notice.state == "spent"
    with house.database.read() as session:
        worker = caller_for(session, session.get_one(Person, house.worker))
        assert [one.id for one in notifications.inbox(session, worker)] == [notice.id]


def test_an_ordinary_ticket_is_told_once_and_rings_nobody(
    house: House, channels: dict[str, Pretended]
) -> None:
    house.open(priority="low")
    house.take_up()
    house.tell(channels, NOON)
    house.tell(channels, NOON + timedelta(hours=5))
    assert {name: len(one.sent) for name, one in channels.items()} == {
        "email": 1,
        "wecom": 1,
        "sms": 0,
        "voice": 0,
    }


def test_what_is_over_wakes_nobody(house: House, channels: dict[str, Pretended]) -> None:
    opened = trip(house.database, house.site, NOON - timedelta(hours=2), learned_at=NOON)
    clear(house.database, house.site, NOON - timedelta(hours=1))
    house.take_up()
    house.tell(channels, NOON)
    assert channels["voice"].sent == channels["sms"].sent == []
    assert opened.ticket_id == house.notices()[0].ticket_id


def test_nobody_on_duty_falls_through_to_the_supervisor_and_the_duty_phone(
    house: House, administrator: Administrator, channels: dict[str, Pretended]
) -> None:
    with house.database.write() as session:
        boss = caller_for(session, session.get_one(Person, administrator.person_id))
        set_duty_phone(session, boss, session.get_one(Node, house.site.id), "0215550000", now=NOON)
    night = NOON + timedelta(hours=12)
    house.open(night)
    house.take_up(night)
    assert {(one.person_id, one.phone) for one in house.notices()} == {
        (house.supervisor, ""),
        (None, "0215550000"),
    }
    house.tell(channels, night)
    assert [address for address, _ in channels["voice"].sent] == ["0215550000"]
    assert [address for address, _ in channels["wecom"].sent] == ["lin"]


def test_who_does_not_answer_the_test_of_their_shift_is_passed_over(
    house: House, channels: dict[str, Pretended]
) -> None:
    with house.database.write() as session:
        notice = notifications.ask(session, house.worker, now=NOON)
        code = notice.code
    house.tell(channels, NOON)
    assert channels["voice"].sent == []
    assert "测试" in channels["sms"].sent[0][1].title
    later = NOON + 11 * MINUTE
    house.open(later)
    house.take_up(later)
    assert house.notices()[-1].person_id == house.supervisor
    with house.database.write() as session:
        answer = notifications.notice_by_code(session, code)
        notifications.acknowledge(session, answer, by="link", now=later)
        notifications.acknowledge(session, answer, by="link", now=later)
    assert len(facts_of(house.database, "person.reached")) == 1
    house.open(later)
    house.take_up(later)
    assert house.notices()[-1].person_id == house.worker


def test_an_escalation_tells_those_whom_it_names(
    house: House, channels: dict[str, Pretended]
) -> None:
    house.open()
    house.take_up()
    with house.database.write() as session:
        mark_moments(session, now=NOON + 15 * MINUTE, actor=events.SYSTEM)
    house.take_up(NOON + 15 * MINUTE)
    told = {(one.person_id, one.kind) for one in house.notices()}
    assert (house.supervisor, "ticket.escalate") in told
    # One ticket is one notice to a person: it says the latest.
    assert len([one for one in house.notices() if one.person_id == house.worker]) == 1


def test_a_handed_ticket_tells_its_person_and_not_who_took_it_themselves(house: House) -> None:
    ticket_id = house.open(priority="medium", team="security")
    do(house.database, ticket_id, house.supervisor, NOON, "assign", assignee_id=house.worker)
    house.take_up()
    assert [(one.person_id, one.kind) for one in house.notices()][-1] == (
        house.worker,
        "ticket.assign",
    )
    other = house.open(priority="medium", team="security")
    before = len(house.notices())
    do(house.database, other, house.worker, NOON, "assign", assignee_id=house.worker)
    house.take_up()
    assert [one.kind for one in house.notices()[before:]] == ["ticket.open"]


@ONE_ENGINE
def test_a_ticket_that_goes_to_a_team_is_told_there_until_somebody_takes_it(house: House) -> None:
    ticket_id = house.open(priority="medium", team="security")
    do(house.database, ticket_id, house.supervisor, NOON, "accept")
    house.take_up()
    do(house.database, ticket_id, house.supervisor, NOON, "assign", team="maintenance")
    house.take_up()
    notice = house.notices()[-1]
    assert (notice.person_id, notice.kind) == (house.worker, "colleagues.assign")
    # Whoever accepted it before did so for another team.
    assert house.tell({}, NOON) == 0
    assert house.notice(notice.id).state == "spent"
    with house.database.write() as session:
        came = respond(session, session.get_one(Notice, notice.id), by="link", now=NOON)
    assert came == "accepted"
    assert ticket_of(house.database, ticket_id).assignee_id == house.worker


@ONE_ENGINE
def test_a_program_that_moves_a_ticket_to_a_team_tells_that_team(house: House) -> None:
    ticket_id = house.open(priority="medium", team="security")
    for changes in ({"team": "maintenance"}, {"team": "maintenance", "priority": "low"}):
        house.take_up()
        before = len(house.notices())
        with house.database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            who = house.supervisor
            edit(session, ticket, changes, person=who, now=NOON, expected_version=None)
        house.take_up()
        told = [(one.person_id, one.kind) for one in house.notices()[before:]]
        first = ticket.priority == "medium"
        assert told == ([(house.worker, "colleagues.assign")] if first else [])


@ONE_ENGINE
def test_many_tickets_that_go_to_a_team_are_told_there_as_one(house: House) -> None:
    tickets = [house.open(priority="medium", team="security") for _ in range(3)]
    house.take_up()
    caller = house.caller(house.supervisor)
    order = Order(new_id(), "assign", [Wanted(one) for one in tickets], team="maintenance")
    with house.database.write() as session:
        accept_tickets(session, caller, order, now=NOON)
    house.take_up()
    told = [one for one in house.notices() if one.person_id == house.worker]
    assert [(one.kind, one.facts["count"]) for one in told] == [("tickets.to_team", 3)]


@ONE_ENGINE
def test_a_ticket_that_goes_to_a_contractor_is_told_its_team_only_when_it_comes_back(
    house: House,
) -> None:
    ticket_id = house.open(priority="medium", team="security")
    house.take_up()
    job = Job([Contact("Pumps Ltd", "Wang", "0574-8800")], "Mend it")
    with house.database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        edit(session, ticket, {"team": "maintenance"}, person=house.supervisor, now=NOON,
             expected_version=None)  # fmt: skip
        [(link, _)] = offer(session, ticket, job, person=house.supervisor, now=NOON)
        accept(session, link, now=NOON)
    house.take_up()
    assert [one for one in house.notices() if one.person_id == house.worker] == []
    with house.database.write() as session:
        decline(session, session.get_one(ContractorLink, link.id), "No pump", now=NOON)
    house.take_up()
    house.tell({}, NOON)
    [notice] = [one for one in house.notices() if one.person_id == house.worker]
    # Their having accepted it answers nothing now.
    assert (notice.kind, notice.state) == ("ticket.contractor", "spent")


@ONE_ENGINE
def test_a_fault_that_comes_back_finds_those_on_duty_and_not_who_mended_it(
    house: House,
) -> None:
    other = employ(house.database, house.site.id, "technician", "Bo")
    ticket_id = trip(house.database, house.site, NOON).ticket_id
    for action in ("start", "resolve"):
        do(house.database, ticket_id, other, NOON, action)
    clear(house.database, house.site, NOON + MINUTE)
    house.take_up()
    assert trip(house.database, house.site, NOON + 2 * MINUTE).ticket_id == ticket_id
    assert ticket_of(house.database, ticket_id).assignee_id is None
    house.take_up()
    told = {one.person_id for one in house.notices() if one.kind == "ticket.reopen"}
    assert told == {house.worker}


@ONE_ENGINE
@pytest.mark.parametrize("leaves", ["before", "after"])
def test_work_that_was_not_in_order_goes_to_the_team_of_who_has_left(
    house: House, leaves: str
) -> None:
    other = employ(house.database, house.site.id, "technician", "Bo")
    boss = house.caller(employ(house.database, house.site.company_id, "administrator", "Ada"))
    ticket_id = house.open()
    for action in ("start", "resolve"):
        do(house.database, ticket_id, other, NOON, action)
    house.take_up()
    steps = [("reopen", house.supervisor), ("leave", other)]
    for step, person in steps if leaves == "after" else steps[::-1]:
        if step == "reopen":
            do(house.database, ticket_id, person, NOON, step)
            continue
        with house.database.write() as session:
            gone = session.get_one(Person, person)
            assert staff.leave(session, gone, caller=boss, now=NOON) == (leaves == "after")
    assert ticket_of(house.database, ticket_id).assignee_id is None
    house.take_up()
    told = {one.person_id: one.kind for one in house.notices() if one.person_id == house.worker}
    assert told == {house.worker: "colleagues.assign" if leaves == "after" else "ticket.reopen"}


@ONE_ENGINE
def test_who_works_elsewhere_by_now_is_not_the_only_one_to_hear_of_a_deadline(
    house: House,
) -> None:
    other = employ(house.database, house.site.id, "technician", "Bo")
    ticket_id = house.open(priority="medium", respond_within=20 * MINUTE, team="security")
    do(house.database, ticket_id, house.supervisor, NOON, "assign", team="maintenance",
       assignee_id=other)  # fmt: skip
    house.take_up()
    with house.database.write() as session:
        session.query(Grant).filter_by(person_id=other).delete()
        mark_moments(session, now=NOON + 20 * MINUTE, actor=events.SYSTEM)
    house.take_up(NOON + 20 * MINUTE)
    told = {one.person_id for one in house.notices() if one.kind == "ticket.overdue"}
    assert house.worker in told


def test_the_reporter_hears_how_it_goes(house: House, channels: dict[str, Pretended]) -> None:
    reporter = employ(house.database, house.site.id, "guard", "Zhao")
    ticket_id = house.open(reporter_id=reporter)
    for action in ("accept", "start", "resolve"):
        do(house.database, ticket_id, house.worker, NOON, action)
    house.take_up()
    [notice] = [one for one in house.notices() if one.person_id == reporter]
    # One ticket is one line in the inbox, and it rings nobody.
    assert (notice.kind, notice.urgency, notice.due_at) == ("ticket.resolve", "info", None)
    house.tell(channels, NOON)
    assert [address for address, _ in channels["sms"].sent] == []


def test_who_reported_what_was_merged_hears_how_that_one_goes(house: House) -> None:
    reporters = [employ(house.database, house.site.id, "guard", name) for name in ("Zhao", "Qian")]
    first, second = (
        house.open(reporter_id=reporter, team="security", priority="low") for reporter in reporters
    )
    do(house.database, second, house.supervisor, NOON, "merge", note="Same", into_id=first)
    house.take_up()
    do(house.database, first, house.worker, NOON, "accept")
    house.take_up()
    told = {
        one.person_id: (one.kind, one.ticket_id)
        for one in house.notices()
        if one.kind == "ticket.accept"
    }
    # Each of the ticket that they opened, which they see whatever team has the other.
    assert told == {
        reporters[0]: ("ticket.accept", first),
        reporters[1]: ("ticket.accept", second),
    }


def test_quiet_hours_never_mute_what_is_critical_or_duty(
    house: House, channels: dict[str, Pretended]
) -> None:
    with house.database.write() as session:
        reach = {"wecom": "lin", "phone": "13900139000"}
        set_reaching(session, house.supervisor, reach, ("22:00", "07:00"), now=NOON)
        reach = {"wecom": "an", "phone": "13800138000"}
        set_reaching(session, house.worker, reach, ("00:00", "23:59"), now=NOON)
    house.open(priority="high")
    house.take_up()
    assert house.tell(channels, NOON) == 2
    night = NOON + timedelta(hours=12)
    house.open(night, priority="high")
    house.take_up(night)
    house.tell({"sms": channels["sms"]}, night)
    assert len(channels["sms"].sent) == 1
    [sleeping] = [one for one in house.notices() if one.person_id == house.supervisor]
    assert sleeping.due_at == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    house.open(night, priority="critical")
    house.take_up(night)
    house.tell({"sms": channels["sms"]}, night)
    assert channels["sms"].sent[-1][0] == "13900139000"


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-24 21:59", None),
        ("2026-11-24 22:00", "2026-11-25 07:00"),
        ("2026-11-25 03:00", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
    ],
)
def test_quiet_hours_go_over_midnight(at: str, until: str | None) -> None:
    hours = QuietHours(starts="22:00", ends="07:00")
    now = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    wanted = datetime.fromisoformat(until).replace(tzinfo=SHANGHAI) if until else None
    assert quiet_until(hours, now, SHANGHAI) == wanted
    day = QuietHours(starts="12:00", ends="14:00")
    noon = datetime(2026, 11, 24, 13, 0, tzinfo=SHANGHAI)
    assert quiet_until(day, noon, SHANGHAI) == datetime(2026, 11, 24, 14, 0, tzinfo=SHANGHAI)
    assert quiet_until(None, noon, SHANGHAI) is None


@pytest.mark.parametrize(
    "quiet",
    [("T22:00", "07:00"), ("22", "07:00"), ("22:00+01:00", "07:00"), ("22:00:10", "22:00:50")],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_quiet_hours_are_what_a_clock_reads(house: House, quiet: tuple[str, str]) -> None:
    with house.database.write() as session, pytest.raises(Invalid):
        set_reaching(session, house.worker, {}, quiet, now=NOON)
    with house.database.write() as session:
        set_reaching(session, house.worker, {}, ("22:00:10", "07:00"), now=NOON)
        hours = quiet_hours_of(session, house.worker)
        assert hours is not None
        assert (hours.starts, hours.ends) == ("22:00", "07:00")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_hours_that_no_clock_reads_keep_nobody_from_being_told(
    house: House, channels: dict[str, Pretended]
) -> None:
    """Such as were kept once: one person's stopped every notice of everybody."""
    with house.database.write() as session:
        session.add(QuietHours(person_id=house.supervisor, starts="T22:0", ends="07:00"))
    night = NOON + timedelta(hours=12)
    house.open(night, priority="high")
    house.take_up(night)
    assert house.tell(channels, night) >= 1


def test_an_attempt_is_written_before_it_is_sent_and_repeated_when_its_end_is_unknown(
    house: House, channels: dict[str, Pretended]
) -> None:
    house.open()
    house.take_up()
    listed: Sequence[Any] = [channels["sms"]]
    with house.database.write() as session:
        # The process dies right after this.
        notifications.begin(session, listed, base="", now=NOON)
    with house.database.read() as session:
        assert session.scalars(select(Attempt.state)).all() == ["sending"]
    assert house.tell({"sms": channels["sms"]}, NOON + timedelta(seconds=59)) == 0
    assert house.tell({"sms": channels["sms"]}, NOON + timedelta(seconds=61)) == 1
    with house.database.read() as session:
        assert sorted(session.scalars(select(Attempt.state))) == ["sent", "unknown"]
        rows = notifications.attempts_on(session, house.notices()[0].ticket_id or UUID(int=0))
    assert [one.name for one in rows] == ["An", "An"]


def test_a_channel_that_fails_is_shown_and_the_others_go_on(
    house: House, channels: dict[str, Pretended]
) -> None:
    channels["sms"].works = False
    house.open()
    house.take_up()
    house.tell(channels, NOON)
    with house.database.read() as session:
        states = dict(session.execute(select(Attempt.channel, Attempt.state)).all())
        assert session.scalars(select(Attempt.result).where(Attempt.state == "failed")).all() == [
            "busy"
        ]
    assert states == {"sms": "failed", "voice": "sent", "wecom": "sent", "email": "sent"}


def test_a_link_that_was_never_made_leads_nowhere(house: House) -> None:
    with house.database.read() as session, pytest.raises(NotFound):
        notifications.notice_by_code(session, "nonsense")


@pytest.mark.parametrize(
    ("contacts", "quiet"),
    [
        ({"phone": "call me"}, None),
        ({"email": "nobody"}, None),
        ({"wecom": "a b/c"}, None),
        ({}, ("late", "07:00")),
        ({}, ("07:00", "07:00")),
        ({}, ("22:00", "")),
    ],
)
def test_addresses_that_make_no_sense_are_refused(
    house: House, contacts: dict[str, str], quiet: tuple[str, str] | None
) -> None:
    with house.database.write() as session:
        with pytest.raises(Invalid):
            set_reaching(session, house.worker, contacts, quiet, now=NOON)
        assert contacts_of(session, house.worker)["wecom"] == "an"


def test_the_log_holds_no_address_and_who_leaves_takes_theirs_along(
    house: House, administrator: Administrator
) -> None:
    for fact in facts_of(house.database, "person.contact"):
        assert "13800138000" not in str(fact.after)
    with house.database.write() as session:
        boss = caller_for(session, session.get_one(Person, administrator.person_id))
        staff.leave(session, session.get_one(Person, house.worker), caller=boss, now=NOON)
        assert contacts_of(session, house.worker) == {}
        assert quiet_hours_of(session, house.worker) is None


def test_groups_hear_of_new_tickets_merged_and_without_names(house: House) -> None:
    for _ in range(12):
        house.open()
    with house.database.read() as session:
        facts = events.read_after(house.database, house.cursor)
        lines = notifications.group_lines(session, facts, 10)
        assert notifications.group_lines(session, [], 10) == []
    assert lines[0] == "12 new / 12 张新工单"
    assert lines[1].endswith("Flooded pit / 集水坑水浸")
    assert (len(lines), lines[-1]) == (12, "+ 2")


def test_every_notice_has_words_in_both_languages() -> None:
    facts = {"number": 7, "title": {"zh": "水浸"}, "place": {"en": "Pit"}, "priority": "critical"}
    for kind in WHAT:
        for language in ("en", "zh"):
            text = message(kind, facts, language, link="l", reference="r")
            assert text.title
            assert len(text.short) <= 35
    assert "优先级：紧急" in message("ticket.open", facts, "zh", link="", reference="").body


def test_a_gap_in_the_roster_tells_the_supervisor(house: House) -> None:
    with house.database.write() as session:
        _append_gap(session, house.site.id)
    house.take_up()
    [notice] = house.notices()
    assert (notice.person_id, notice.urgency) == (house.supervisor, "urgent")


def test_the_team_hears_of_a_resident_who_waits_and_of_contractors_who_do_not_come(
    house: House,
) -> None:
    told = []
    for kind, after in (
        ("ticket.urge", {"times": 1}),
        ("ticket.contractor", {"state": "declined"}),
        ("ticket.contractor", {"state": "back"}),
    ):
        ticket_id = house.open(priority="medium")
        house.take_up()
        with house.database.write() as session:
            events.append(
                session,
                kind,
                ("ticket", ticket_id),
                actor=events.SYSTEM,
                learned_at=NOON,
                site_id=house.site.id,
                after=after,
            )
        house.take_up()
        told += [one.kind for one in house.notices() if one.ticket_id == ticket_id]
    assert told == ["ticket.urge", "ticket.open", "ticket.contractor"]


def _append_gap(session: Session, site_id: UUID) -> None:
    events.append(
        session,
        "roster.gap",
        ("site", site_id),
        actor=events.SYSTEM,
        learned_at=NOON,
        site_id=site_id,
        after={"team": "maintenance", "from": NOON.isoformat(), "to": NOON.isoformat()},
    )


def named(house: House, ticket_id: UUID, text: str, author: UUID, now: datetime = NOON) -> None:
    with house.database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        say(session, ticket, Saying(text), author=author, now=now)


def test_who_is_named_in_a_note_is_told_once_beside_what_they_are_asked_to_do(
    house: House, channels: dict[str, Pretended]
) -> None:
    ticket_id = house.open()
    house.take_up()
    named(house, ticket_id, "Does it drip, @An? @An!", house.supervisor)
    assert house.take_up() == 1
    asked, mentioned = house.notices()
    assert (asked.kind, asked.urgency) == ("ticket.open", "critical")
    assert (mentioned.kind, mentioned.urgency) == ("ticket.mention", "normal")
    assert mentioned.person_id == house.worker
    house.tell(channels, NOON)
    titles = [message.title for _, message in channels["wecom"].sent]
    what = WHAT["ticket.mention"]
    assert len([title for title in titles if title.startswith(what)]) == 1
    assert not any(message.title.startswith(what) for _, message in channels["sms"].sent)
    # Nothing personal goes along: the note itself is read on its ticket.
    assert all("drip" not in message.body for _, message in channels["wecom"].sent)
    before = len(channels["email"].sent)
    house.tell(channels, NOON + timedelta(minutes=3))
    assert len(channels["email"].sent) == before
    named(house, ticket_id, "Again, @An", house.supervisor)
    assert house.take_up() == 1


def test_a_name_is_told_although_the_ticket_is_long_answered(
    house: House, channels: dict[str, Pretended]
) -> None:
    ticket_id = house.open(priority="low")
    with house.database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        accept_ticket(session, ticket, Step("accept"), person=house.worker, now=NOON)
    house.take_up()
    named(house, ticket_id, "@Lin please look", house.worker)
    house.take_up()
    house.tell(channels, NOON)
    assert [address for address, _ in channels["wecom"].sent] == ["lin"]


def test_nobody_is_told_of_naming_themselves(house: House) -> None:
    ticket_id = house.open()
    house.take_up()
    named(house, ticket_id, "@An looks at it", house.worker)
    assert house.take_up() == 0
