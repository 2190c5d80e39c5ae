"""Residents and contractors are sent their links by SMS: when, how often, and when not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.clock import SimulatedClock
from core.db import Database
from core.errors import NotFound
from core.settings import load
from core.vault import Vault
from jobs.customers import forget_guests
from jobs.telling import Telling
from tests.fixtures import NOON, Administrator, SmallSite
from tests.jobs.conftest import make_work
from tests.servers.providers import KEY_ID, KEY_SECRET, Providers, serving_providers
from tests.workflows.conftest import DAY, MINUTE, do, employ
from tests.workflows.test_customers import label, report_of, send
from workflows import customers, notifications
from workflows.notifications import Attempt, Notice
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import Contact, Job
from workflows.tickets.followers import Follower, mobile_of, secret_behind

HOUR = timedelta(hours=1)
PHONE = "138 0013 8000"


@dataclass
class Office:
    """An installation whose SMS go to a provider on this machine."""

    database: Database
    site: SmallSite
    clock: SimulatedClock
    person: UUID
    providers: Providers
    folder: Path

    def __post_init__(self) -> None:
        self.vault = Vault(load(data_dir=self.folder))
        self.worker = employ(self.database, self.site.id, "technician")
        self.telling = self.made()

    def made(self, **changes: Any) -> Telling:
        """What tells people, by other settings."""
        values: dict[str, Any] = {
            "public_url": "https://wk.example",
            "aliyun_key_id": KEY_ID,
            "aliyun_key_secret": KEY_SECRET,
            "aliyun_sms_url": self.providers.url,
            "sms_sign": "安居物业",
            "sms_outside_template": "SMS_2",
        }
        return Telling(load(data_dir=self.folder, **{**values, **changes}), self.clock)

    def tell(self, at: timedelta = timedelta(0)) -> int:
        """Look once, so long after noon."""
        return self.telling.tell(make_work(self.database, self.clock), NOON + at)

    def report(self, phone: str = PHONE, language: str = "zh", **wish: Any) -> str:
        """Report a noise by the sticker of a pump; returns the secret of the link."""
        sticker = label(self.database, self.site, self.person)
        secret = send(self.database, sticker, phone=phone, **wish)
        with self.database.write() as session:
            customers.follow(session, self.vault, secret, language, now=NOON)
        return secret

    def ticket_of(self, secret: str) -> UUID:
        return report_of(self.database, secret).ticket_id

    def do(self, secret: str, action: str, at: timedelta = timedelta(0)) -> None:
        """What one of ours does on the ticket of a report."""
        # Who did the work does not verify it.
        person = self.person if action in ("verify", "close") else self.worker
        do(self.database, self.ticket_of(secret), person, NOON + at, action)

    def offer(self, *contacts: Contact, urgent: bool = False) -> list[str]:
        """Offer a new ticket to contractors; returns the secrets of their links."""
        ticket_id = self.ticket_of(self.report(phone=""))
        job = Job(contacts, "Replace the bearing", urgent=urgent)
        with self.database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            made = contractors.offer(session, ticket, job, person=self.person, now=NOON)
            contractors.follow(session, self.vault, made, "zh", now=NOON)
        return [secret for _, secret in made]

    def said(self) -> list[str]:
        """The words of every SMS, in order."""
        return [json.loads(one["TemplateParam"])["what"] for one in self.providers.sms]

    def opens(self, number: int, at: timedelta = timedelta(0)) -> tuple[str, str]:
        """Where the link of an SMS leads."""
        code = json.loads(self.providers.sms[number]["TemplateParam"])["code"]
        with self.database.read() as session:
            return secret_behind(session, self.vault, code, now=NOON + at)

    def rows(self, model: Any) -> list[Any]:
        with self.database.read() as session:
            return list(session.scalars(select(model)))


@pytest.fixture
def office(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    clock: SimulatedClock,
    tmp_path: Path,
) -> Iterator[Office]:
    """It has told everything of the past already."""
    with serving_providers() as providers:
        yield Office(database, site, clock, administrator.person_id, providers, tmp_path)


def test_a_resident_is_told_at_every_step_with_the_link_they_have(office: Office) -> None:
    secret = office.report()
    assert office.tell() == 0
    steps = (("accept", 0), ("start", 10), ("resolve", 30), ("verify", 40), ("close", 60 * 2))
    for action, minute in steps:
        office.do(secret, action, minute * MINUTE)
        office.tell(minute * MINUTE)
    assert [one.partition(" ")[0] for one in office.said()] == [
        "您报的事已受理",
        "您报的事正在处理",
        "您报的事已处理",
        "您报的事已结案",
    ]
    assert {one["PhoneNumbers"] for one in office.providers.sms} == {"13800138000"}
    assert {one["TemplateCode"] for one in office.providers.sms} == {"SMS_2"}
    for number in range(4):
        assert office.opens(number) == ("resident", secret)
    assert {one.state for one in office.rows(Notice) if one.follower_id} == {"spent"}


def test_nothing_that_opens_a_link_can_be_read_in_the_database(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.tell()
    code = json.loads(office.providers.sms[0]["TemplateParam"])["code"]
    for model in (Follower, Notice, Attempt):
        for row in office.rows(model):
            text = repr(vars(row))
            assert code not in text
            assert secret not in text


def test_each_attempt_stands_on_the_ticket_also_the_one_that_failed(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.providers.refuse = "isv.BUSINESS_LIMIT_CONTROL"
    assert office.tell() == 1
    assert office.tell(MINUTE) == 0
    office.providers.refuse = ""
    assert office.tell(5 * MINUTE) == 1
    assert office.tell(30 * MINUTE) == 0
    with office.database.read() as session:
        found = notifications.attempts_on(session, office.ticket_of(secret))
    assert [(one.outside, one.attempt.channel, one.attempt.state) for one in found] == [
        ("resident", "sms", "failed"),
        ("resident", "sms", "sent"),
    ]
    assert "BUSINESS_LIMIT_CONTROL" in found[0].attempt.result


def test_it_is_given_up_after_three_failures(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.providers.refuse = "isv.MOBILE_NUMBER_ILLEGAL"
    assert [office.tell(minute * MINUTE) for minute in (0, 5, 10, 15, 60)] == [1, 1, 1, 0, 0]


def test_an_sms_whose_end_is_unknown_is_repeated(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.tell()
    with office.database.write() as session:
        attempt = session.scalars(select(Attempt)).one()
        notice = session.get_one(Notice, attempt.notice_id)
        # As a process leaves them that dies between writing down and sending.
        attempt.state, attempt.ended_at = "sending", None
        notice.state, notice.due_at = "waiting", NOON + 5 * MINUTE
    assert office.tell(2 * MINUTE) == 1
    assert sorted(one.state for one in office.rows(Attempt)) == ["sent", "unknown"]


def test_what_follows_quickly_is_told_as_one_and_no_number_is_flooded(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.do(secret, "start")
    office.tell()
    assert [one.partition(" ")[0] for one in office.said()] == ["您报的事正在处理"]
    steps = ("resolve", "reopen", "start", "resolve", "reopen")
    for number, action in enumerate(steps, 1):
        office.do(secret, action, number * 2 * MINUTE)
        office.tell(number * 2 * MINUTE)
    # Four an hour to one number.
    assert len(office.providers.sms) == 4
    assert office.tell(59 * MINUTE) == 0
    assert office.tell(HOUR + MINUTE) == 1
    assert office.said()[-1].startswith("您报的事已重新处理")


def test_the_same_news_is_told_once(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.tell()
    other = employ(office.database, office.site.id, "technician", "An")
    do(office.database, office.ticket_of(secret), other, NOON + HOUR, "assign", assignee_id=other)
    do(office.database, office.ticket_of(secret), other, NOON + HOUR, "accept")
    assert office.tell(HOUR) == 0


def test_news_waits_for_the_morning_unless_it_is_urgent(office: Office) -> None:
    calm = office.report(problem="noise")
    night = 11 * HOUR
    office.do(calm, "accept", night)
    assert office.tell(night) == 0
    assert office.tell(18 * HOUR + 59 * MINUTE) == 0
    assert office.tell(19 * HOUR) == 1
    office.report(phone="139 0013 9000", secret=send_secret())
    with office.database.write() as session:
        newest = session.scalars(select(Follower).where(Follower.phone == "13900139000")).one()
        ticket = session.get_one(Ticket, newest.ticket_id)
        ticket.priority = "critical"
    do(office.database, newest.ticket_id, office.worker, NOON + night + DAY, "accept")
    assert office.tell(night + DAY) == 1


def send_secret() -> str:
    """A secret of a link that nobody has."""
    return "wkr_" + "q" * 43


def test_whoever_joins_a_report_or_whose_ticket_was_merged_is_told_as_well(
    office: Office,
) -> None:
    first = office.report()
    second = office.report(
        phone="13900139000", language="en", join=office.ticket_of(first), secret=send_secret()
    )
    office.do(first, "accept")
    assert office.tell() == 2
    # Both are sent at the same moment.
    assert sorted(one.split()[0] for one in office.said()) == ["Your", "您报的事已受理"]
    assert {office.opens(0)[1], office.opens(1)[1]} == {first, second}


def test_contractors_get_their_link_when_it_is_their_turn(office: Office) -> None:
    first, second = office.offer(
        Contact("Pumps", "Li", PHONE), Contact("Lifts", "Wang", "+86 139-0013-9000")
    )
    assert office.tell() == 1
    assert office.opens(0) == ("contractor", first)
    assert office.said()[0].startswith("有新工单待您确认")
    with office.database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        contractors.decline(session, link, "No time", now=NOON + MINUTE)
    assert office.tell(MINUTE) == 1
    assert office.providers.sms[1]["PhoneNumbers"] == "13900139000"
    assert office.opens(1) == ("contractor", second)


def test_a_resident_hears_that_a_contractor_is_on_the_way(office: Office) -> None:
    secret = office.report()
    job = Job([Contact("Pumps", "Li", "0574 8800")], "Replace the bearing")
    with office.database.write() as session:
        ticket = session.get_one(Ticket, office.ticket_of(secret))
        [(link, _)] = contractors.offer(session, ticket, job, person=office.person, now=NOON)
        assert contractors.follow(session, office.vault, [(link, "x")], "zh", now=NOON) == set()
        contractors.accept(session, link, now=NOON)
    assert office.tell() == 1
    assert office.said()[0].startswith("维修人员正在赶来")


def test_a_job_that_was_taken_back_is_offered_to_nobody(office: Office) -> None:
    [secret] = office.offer(Contact("Pumps", "Li", PHONE))
    with office.database.write() as session:
        link = contractors.find_link(session, secret, now=NOON)
        contractors.revoke_offer(session, link, person=office.person, now=NOON)
    assert office.tell() == 0
    assert [one.phone for one in office.rows(Follower)] == [None]


def test_a_link_that_was_ended_is_told_and_opens_no_more(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.tell()
    ticket_id = office.ticket_of(secret)
    with office.database.write() as session:
        row = customers.find_report(session, secret, now=NOON)
        customers.revoke_report(session, row, person=office.person, now=NOON)
    do(office.database, ticket_id, office.worker, NOON + HOUR, "start")
    assert office.tell(HOUR) == 0
    with pytest.raises(NotFound):
        office.opens(0)


def test_numbers_are_erased_when_the_link_ends(office: Office) -> None:
    secret = office.report()
    office.do(secret, "accept")
    office.tell()
    work = make_work(office.database, office.clock)
    assert forget_guests(work, NOON + 89 * DAY) == 0
    assert forget_guests(work, NOON + 90 * DAY) == 2
    [row] = office.rows(Follower)
    assert (row.phone, row.sealed) == (None, None)


def nobody(office: Office) -> Telling:
    return office.made(sms_outside="nobody")


def only_contractors(office: Office) -> Telling:
    return office.made(sms_outside="contractors")


def no_template(office: Office) -> Telling:
    return office.made(sms_outside_template="")


def full(office: Office) -> Telling:
    return office.made(sms_outside_daily=0)


def another_key(office: Office) -> Telling:
    return office.made(secret_key="k" * 32)


@pytest.mark.parametrize("change", [nobody, only_contractors, no_template, full, another_key])
def test_residents_hear_nothing_where_the_settings_say_so(
    office: Office, change: Callable[[Office], Telling]
) -> None:
    secret = office.report()
    office.telling = change(office)
    office.do(secret, "accept")
    assert office.tell() == 0
    assert office.providers.sms == []


def test_a_key_that_was_lost_is_a_failed_attempt_that_says_so(office: Office) -> None:
    secret = office.report()
    office.telling = another_key(office)
    office.do(secret, "accept")
    office.tell()
    [attempt] = office.rows(Attempt)
    assert attempt.state == "failed"
    assert "another key" in attempt.result


def test_contractors_are_told_where_residents_are_not(office: Office) -> None:
    office.telling = only_contractors(office)
    office.offer(Contact("Pumps", "Li", PHONE))
    assert office.tell() == 1


def test_the_template_of_our_own_people_serves_where_there_is_no_other(office: Office) -> None:
    office.telling = office.made(sms_outside_template="", sms_template="SMS_1")
    office.offer(Contact("Pumps", "Li", PHONE))
    office.tell()
    assert [one["TemplateCode"] for one in office.providers.sms] == ["SMS_1"]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("138 0013 8000", "13800138000"),
        ("+86-138-0013-8000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("0574 8800 1234", None),
        ("+44 7911 123456", None),
        ("12800138000", None),
    ],
)
def test_sms_go_to_mobile_numbers_of_the_mainland_only(written: str, number: str | None) -> None:
    assert mobile_of(written) == number


def test_news_that_nobody_could_be_told_for_a_day_is_dropped(office: Office) -> None:
    secret = office.report()
    office.telling = full(office)
    office.do(secret, "accept")
    office.tell()
    office.telling = office.made()
    assert office.tell(25 * HOUR) == 0
    states = [one.state for one in office.rows(Notice) if one.follower_id]
    assert states == ["settled"]
