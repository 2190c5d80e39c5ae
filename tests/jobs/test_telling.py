"""Telling as it runs: facts become messages at real providers, merged ones in groups."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.clock import SimulatedClock
from core.contacts import set_reaching
from core.db import Database
from core.ids import new_id
from core.people import Person, caller_for
from core.settings import Settings, load
from jobs.telling import CURSOR, TAKEN_UP_AT_ONCE, Telling, TellingGroups
from jobs.work import Work
from tests.fixtures import NOON, Administrator, SmallSite
from tests.jobs.conftest import make_work, open_one
from tests.servers.providers import APP_KEY, APP_SECRET, CORP, CORP_SECRET, serving_providers
from tests.workflows.conftest import employ
from workflows import notifications
from workflows.alarms import accept_tickets
from workflows.notifications import Attempt, Notice, take_up
from workflows.notifications.telling import AT_ONCE, Call
from workflows.tickets import Ticket
from workflows.tickets.bulk import Order, Wanted

MINUTE = timedelta(minutes=1)


def settings(**values: Any) -> Settings:
    """Settings of an installation."""
    return load(data_dir=Path("var"), public_url="https://wk.example/", **values)


def test_a_ticket_becomes_a_message_with_a_link(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        work = make_work(database, clock)
        # What lies in the past is not told; what happened just now is.
        open_one(database, site, NOON - 11 * MINUTE)
        assert telling.tell(work, NOON) == 0
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"wecom": "ada"}, None, now=NOON)
        open_one(database, site, NOON)
        assert telling.tell(work, NOON) == 1
        assert telling.tell(work, NOON) == 0
        [card] = providers.wecom
        with database.read() as session:
            notice = session.scalars(select(Notice)).one()
            attempt = session.scalars(select(Attempt)).one()
        assert card["textcard"]["url"] == f"https://wk.example/n/{notice.code}"
        assert (attempt.state, attempt.reference) == ("sent", "m1")
        assert telling.tell(work, NOON + 10 * MINUTE) == 1


def test_dingtalk_which_shows_the_same_once_a_day_shows_each_try(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    with serving_providers() as providers:
        dingtalk = {"dingtalk_key": APP_KEY, "dingtalk_secret": APP_SECRET, "dingtalk_agent": 7}
        telling = Telling(settings(**dingtalk, dingtalk_url=providers.url), clock)
        work = make_work(database, clock)
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"dingtalk": "ada"}, None, now=NOON)
        open_one(database, site, NOON)
        for tries in range(3):
            assert telling.tell(work, NOON + tries * 10 * MINUTE) == 1
        assert len(providers.dingtalk) == 3


def test_what_a_killed_process_was_sending_the_next_one_sends_at_once(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        work = make_work(database, clock)
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"wecom": "ada"}, None, now=NOON)
        open_one(database, site, NOON)
        killed = Telling(settings(**wecom, wecom_url=providers.url), clock)

        def die(*_: Any) -> None:
            raise SystemExit

        monkeypatch.setattr(killed, "_make", die)
        with pytest.raises(SystemExit):
            killed.tell(work, NOON)
        assert providers.wecom == []
        soon = NOON + timedelta(seconds=5)
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        assert telling.tell(work, soon) == 1
        assert len(providers.wecom) == 1
        with database.read() as session:
            states = session.scalars(select(Attempt.state).order_by(Attempt.begun_at)).all()
        assert states == ["unknown", "sent"]
        assert telling.tell(work, soon) == 0


def test_a_fire_does_not_wait_until_all_who_were_to_be_told_of_less_are(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A channel that hangs takes a minute for each portion of a storm."""
    told: list[str] = []
    work = make_work(database, clock)
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"wecom": "ada"}, None, now=NOON)
        for _ in range(3 * AT_ONCE):
            open_one(database, site, NOON)
        make = telling._make

        def make_and_burn(work: Work, calls: list[Call]) -> None:
            make(work, calls)
            told.extend(call.message.title for call in calls)
            if len(told) == AT_ONCE:
                open_one(database, site, NOON, priority="critical")

        monkeypatch.setattr(telling, "_make", make_and_burn)
        assert telling.tell(work, NOON) == 3 * AT_ONCE + 1
    number = 3 * AT_ONCE + 1
    assert f"#{number} " in told[AT_ONCE]


def test_an_installation_without_channels_still_has_an_inbox(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    telling = Telling(settings(), clock)
    work = make_work(database, clock)
    telling.tell(work, NOON)
    open_one(database, site, NOON)
    assert telling.tell(work, NOON) == 0
    with database.read() as session:
        notice = session.scalars(select(Notice)).one()
        assert session.scalars(select(Attempt)).all() == []
    assert notice.person_id == administrator.person_id


def test_groups_are_told_merged_and_again_when_they_did_not_take_it(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    work = make_work(database, clock)
    with serving_providers() as providers:
        address = providers.url.replace("http://", "json://") + "/hook"
        groups = TellingGroups(settings(group_urls=address))
        assert groups.tell(work, NOON) == 0
        for _ in range(3):
            open_one(database, site, NOON)
        providers.refuse = "garbage"
        with pytest.raises(RuntimeError, match="did not take it"):
            groups.tell(work, NOON)
        providers.refuse = ""
        groups.tell(work, NOON)
        assert groups.tell(work, NOON) == 0
        [told] = providers.hooks
    assert told["title"] == "3 new / 3 张新工单"
    assert events.newest(database)


def test_a_group_that_is_gone_does_not_let_the_others_hear_the_same_again(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    work = make_work(database, clock)
    with serving_providers() as gone, serving_providers() as there:
        addresses = [one.url.replace("http://", "json://") + "/hook" for one in (gone, there)]
        groups = TellingGroups(settings(group_urls=" ".join(addresses)))
        assert groups.tell(work, NOON) == 0
        open_one(database, site, NOON)
        gone.refuse = "garbage"
        for _ in range(3):
            with pytest.raises(RuntimeError, match="did not take it"):
                groups.tell(work, NOON)
        assert len(there.hooks) == 1
        open_one(database, site, NOON)
        gone.refuse = ""
        assert TellingGroups(settings(group_urls=" ".join(addresses))).tell(work, NOON) == 3
    assert [told["title"] for told in there.hooks] == ["1 new / 1 张新工单"] * 2
    assert [told["title"] for told in gone.hooks] == ["2 new / 2 张新工单"]


def test_a_group_that_is_added_hears_from_then_on(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    work = make_work(database, clock)
    with serving_providers() as providers:
        first, second = (
            providers.url.replace("http://", "json://") + f"/hook?n={n}" for n in (1, 2)
        )
        TellingGroups(settings(group_urls=first)).tell(work, NOON)
        open_one(database, site, NOON)
        assert TellingGroups(settings(group_urls=first)).tell(work, NOON) == 1
        open_one(database, site, NOON)
        assert TellingGroups(settings(group_urls=f"{first} {second}")).tell(work, NOON) == 2
    assert [told["title"] for told in providers.hooks] == ["1 new / 1 张新工单"] * 3


def test_fifty_tickets_of_one_action_are_one_message_although_the_process_dies_between(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    worker = employ(database, site.id, "technician")
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        work = make_work(database, clock)
        with database.write() as session:
            set_reaching(session, worker, {"wecom": "an"}, None, now=NOON)
        for _ in range(50):
            open_one(database, site, NOON)
        telling.tell(work, NOON)
        providers.wecom.clear()
        with database.write() as session:
            caller = caller_for(session, session.get_one(Person, administrator.person_id))
            tickets = [Wanted(one) for one in session.scalars(select(Ticket.id))]
            order = Order(new_id(), "assign", tickets, assignee_id=worker)
            accept_tickets(session, caller, order, now=NOON)
        # It stops after the first facts; whoever comes next goes on where it stood.
        cursor_before = cursor_at(database)
        facts = events.read_after(database, cursor_before, TAKEN_UP_AT_ONCE)
        with database.write() as session:
            notifications.take_up(session, facts, now=NOON)
            notifications.set_cursor(session, CURSOR, (facts[-1].txid, facts[-1].seq))
        again = Telling(settings(**wecom, wecom_url=providers.url), clock)
        assert again.tell(work, NOON) == 1
        assert again.tell(work, NOON + MINUTE) == 0
        [card] = providers.wecom
    assert card["textcard"]["title"] == "50 张工单派给了您"
    with database.read() as session:
        [notice] = session.scalars(select(Notice).where(Notice.person_id == worker))
    assert notice.kind == "tickets.assign"


def test_a_fact_that_cannot_be_taken_up_keeps_nobody_from_those_after_it(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    telling, work = Telling(settings(), clock), make_work(database, clock)
    telling.tell(work, NOON)
    bad, _ = open_one(database, site, NOON), open_one(database, site, NOON)
    tried: list[int] = []

    def breaking(session: Session, facts: Sequence[events.Event], *, now: datetime) -> int:
        if any(fact.subject_id == str(bad) for fact in facts):
            tried.append(len(facts))
            raise LookupError("a mistake in our own code")
        return take_up(session, facts, now=now)

    def told() -> set[UUID | None]:
        with database.read() as session:
            return set(session.scalars(select(Notice.ticket_id)))

    with monkeypatch.context() as patched:
        patched.setattr(notifications, "take_up", breaking)
        for _ in range(3):
            with pytest.raises(RuntimeError, match=r"1, the newest ticket\.open .*LookupError"):
                telling.tell(work, NOON)
        assert len(told()) == 1
        assert bad not in told()
        # Once with all of them and once alone: it is put off, and not tried with each look.
        assert tried[1:] == [1]
        with pytest.raises(RuntimeError):
            telling.tell(work, NOON + MINUTE)
        assert tried[1:] == [1, 1]
    telling.tell(work, NOON + 2 * MINUTE)
    assert bad in told()


def test_a_notice_that_cannot_be_told_keeps_nobody_from_the_others(
    database: Database, site: SmallSite, administrator: Administrator, clock: SimulatedClock
) -> None:
    with serving_providers() as providers:
        wecom = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
        telling = Telling(settings(**wecom, wecom_url=providers.url), clock)
        work = make_work(database, clock)
        with database.write() as session:
            set_reaching(session, administrator.person_id, {"wecom": "ada"}, None, now=NOON)
        open_one(database, site, NOON)
        bad = open_one(database, site, NOON)
        with database.write() as session:
            facts = events.read_after(database, events.newest_before(database, NOON - MINUTE), 50)
            take_up(session, facts, now=NOON)
            notifications.set_cursor(session, CURSOR, (facts[-1].txid, facts[-1].seq))
            notice = session.scalars(select(Notice).where(Notice.ticket_id == bad)).one()
            sound, notice.urgency = notice.urgency, "whatever"
        for _ in range(2):
            with pytest.raises(RuntimeError, match="notices put off: 1"):
                telling.tell(work, NOON)
        assert len(providers.wecom) == 1
        with database.write() as session:
            row = session.get_one(Notice, notice.id)
            assert row.due_at == NOON + MINUTE
            row.urgency = sound
        assert telling.tell(work, NOON + MINUTE) == 1
        assert telling.tell(work, NOON + MINUTE) == 0


def cursor_at(database: Database) -> events.Cursor:
    """How far telling has read the log."""
    with database.read() as session:
        cursor = notifications.cursor_of(session, CURSOR)
    assert cursor is not None
    return cursor
