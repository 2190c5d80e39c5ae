"""Telling people until they answer: what is due, each attempt before it is made, and its end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from core import events
from core.channels.message import Channel, Message, Outcome
from core.contacts import answered, asked, contacts_of, quiet_hours_of
from core.errors import NotFound
from core.lifecycle import move
from core.local_time import zone
from core.people import Caller, Person, first_time_zone
from core.places import Node
from core.push_devices import drop_push_device, push_addresses_of
from core.rosters import on_duty_anywhere
from rules.wording import worded
from workflows.notifications.asking import OVER, still_asks
from workflows.notifications.ending import repeat, settle, spend
from workflows.notifications.merging import say_what_is_left
from workflows.notifications.model import (
    KIND_OF_ONE,
    MENTION,
    NOTICE,
    Attempt,
    Notice,
    NoticeTicket,
)
from workflows.notifications.plans import PLANS, Plan, quiet_until
from workflows.notifications.texts import message
from workflows.tickets import Ticket
from workflows.tickets.contractors import ContractorLink
from workflows.tickets.fire_alarms import alarm_of
from workflows.tickets.followers import RESIDENT, Follower, lost_home
from workflows.tickets.scope import scope_of

AT_ONCE = 20
# An attempt that has not ended by then is one whose process died.
UNKNOWN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt that is to be made now."""

    attempt_id: UUID
    channel: Channel
    address: str
    message: Message


def give_up_unknown(session: Session, *, now: datetime, after: timedelta = UNKNOWN_AFTER) -> int:
    """Mark attempts whose end nobody knows, and repeat what they told; returns how many.

    after: how long ago such an attempt was begun at least.
    """
    lost = session.scalars(
        select(Attempt).where(Attempt.state == "sending", Attempt.begun_at <= now - after)
    ).all()
    for attempt in lost:
        attempt.state, attempt.ended_at = "unknown", now
        attempt.result = "the process ended before the answer came"
    # One try may have been several attempts.
    for notice_id in dict.fromkeys(attempt.notice_id for attempt in lost):
        notice = session.get_one(Notice, notice_id)
        if notice.state in ("waiting", "spent"):
            repeat(session, notice, now=now)
    return len(lost)


def begin(
    session: Session,
    channels: Sequence[Channel],
    *,
    base: str,
    now: datetime,
    only: UUID | None = None,
) -> list[Call]:
    """Write down the attempts that are due, the most urgent first; they are made once this is
    committed. only: of this notice alone."""
    statement = select(Notice).where(Notice.due_at <= now, Notice.follower_id.is_(None))
    if only is not None:
        statement = statement.where(Notice.id == only)
    urgency = case({"critical": 0, "urgent": 1}, value=Notice.urgency, else_=2)
    statement = statement.order_by(urgency, Notice.due_at).limit(AT_ONCE)
    due = session.scalars(statement.with_for_update(skip_locked=True)).all()
    return [call for notice in due for call in _begin(session, notice, channels, base, now)]


def all_due(session: Session, *, now: datetime) -> list[UUID]:
    """The notices that wait for their try, of ours and outside, the most urgent first."""
    urgency = case({"critical": 0, "urgent": 1}, value=Notice.urgency, else_=2)
    due = select(Notice.id).where(Notice.due_at <= now).order_by(urgency, Notice.due_at)
    return list(session.scalars(due.limit(2 * AT_ONCE)))


def put_off(session: Session, notice_id: UUID, until: datetime) -> None:
    """Have a notice wait for its try, whose attempts could not even be begun."""
    session.get_one(Notice, notice_id).due_at = until


def any_due(session: Session, *, now: datetime) -> bool:
    """Whether a notice waits for its try, of ours or outside, that nobody else holds just now."""
    due = select(Notice.id).where(Notice.due_at <= now).limit(1)
    return session.scalar(due.with_for_update(skip_locked=True)) is not None


def _begin(
    session: Session, notice: Notice, channels: Sequence[Channel], base: str, now: datetime
) -> list[Call]:
    if notice.state != "waiting":
        notice.due_at = None
        return []
    if _is_settled(session, notice, now):
        settle(session, notice, now=now)
        return []
    plan = PLANS["test" if notice.kind == "test" else notice.urgency]
    waits = _quiet(session, notice, now)
    if waits is not None:
        notice.due_at = waits
        return []
    number = notice.tries
    if number >= plan.tries:
        # What was urgent of it is taken; of the rest they were told.
        spend(session, notice, now=now)
        return []
    calls = _calls(session, notice, plan, channels, base, now)
    notice.tries = number + 1
    if notice.tries >= plan.tries:
        spend(session, notice, now=now)
    else:
        notice.due_at = now + plan.every
    session.flush()
    return calls


def _is_settled(session: Session, notice: Notice, now: datetime) -> bool:
    """Whether somebody already does what the notice asks for, or it is theirs no more."""
    if notice.kind in KIND_OF_ONE:
        return not say_what_is_left(session, notice)
    if "report" in notice.facts:
        # Whoever lives with it is told how it goes, also that it is done.
        return lost_home(session, UUID(notice.facts["report"]), now=now)
    if notice.ticket_id is None or notice.kind == MENTION:
        return False
    if "job" in notice.facts:
        link = session.get(ContractorLink, UUID(notice.facts["job"]))
        return link is None or link.state != "offered"
    ticket = session.get_one(Ticket, notice.ticket_id)
    fire = alarm_of(session, ticket)
    if fire is not None and fire.state in ("fire", "answered") and ticket.state not in OVER:
        # Until somebody took the fire on, whoever had the ticket before it was one.
        return fire.state == "answered"
    return not still_asks(session, [ticket], notice.kind, notice.person_id, notice.facts)


def _quiet(session: Session, notice: Notice, now: datetime) -> datetime | None:
    """When somebody may be told, if they sleep now; what is critical and duty never wait."""
    if notice.urgency == "critical" or notice.person_id is None or notice.kind == "test":
        return None
    hours = quiet_hours_of(session, notice.person_id)
    if hours is None or on_duty_anywhere(session, notice.person_id, now):
        return None
    site = session.get(Node, notice.site_id) if notice.site_id else None
    where = zone(site.time_zone if site else first_time_zone(session))
    return quiet_until(hours, now, where)


def _calls(
    session: Session,
    notice: Notice,
    plan: Plan,
    channels: Sequence[Channel],
    base: str,
    now: datetime,
) -> list[Call]:
    language, addresses = "zh", {"phone": [notice.phone]}
    if notice.person_id is not None:
        language = session.get_one(Person, notice.person_id).locale
        found = contacts_of(session, notice.person_id)
        addresses = {kind: [address] for kind, address in found.items()}
        addresses["push"] = push_addresses_of(session, notice.person_id)
    link = f"{base}/n/{notice.code}"
    text = message(notice.kind, notice.facts, language, link=link, reference=notice.code)
    calls = []
    for channel in channels:
        if not plan.uses(channel.name, notice.tries):
            continue
        for address in addresses.get(channel.address_kind, ()):
            attempt = Attempt(
                site_id=notice.site_id,
                notice_id=notice.id,
                channel=channel.name,
                state="sending",
                begun_at=now,
            )
            session.add(attempt)
            session.flush()
            one = replace(text, attempt=attempt.id.hex)
            calls.append(Call(attempt.id, channel, address, one))
    return calls


def finish_attempt(session: Session, attempt_id: UUID, outcome: Outcome, *, now: datetime) -> None:
    """Write down how an attempt ended."""
    attempt = session.get_one(Attempt, attempt_id)
    attempt.state = "sent" if outcome.sent else "failed"
    attempt.ended_at = now
    attempt.result = outcome.text[:300]
    attempt.reference = outcome.reference[:80]
    if outcome.gone:
        drop_push_device(session, UUID(outcome.reference), now=now)
    notice = session.get_one(Notice, attempt.notice_id)
    if outcome.sent and notice.follower_id is not None and notice.state == "waiting":
        # Somebody outside is told once; ours are told until they answer.
        spend(session, notice, now=now)


def notice_by_code(session: Session, code: str) -> Notice:
    """The notice behind a link of ours. NotFound when there is none."""
    # What people outside are sent is the link that they have, not one to answer a notice.
    statement = select(Notice).where(Notice.code == code, Notice.follower_id.is_(None))
    notice = session.scalars(statement).first()
    if notice is None:
        raise NotFound(worded("this link leads nowhere"), advice=worded("Look into your inbox."))
    return notice


def acknowledge(session: Session, notice: Notice, *, by: str, now: datetime) -> None:
    """Somebody answered: nobody is told of it again. by: link, call or page. Safe to repeat."""
    if notice.state not in NOTICE.moves["acknowledge"]:
        return
    person = notice.person_id
    actor = events.Actor.person(person) if person else events.Actor("system", "duty phone")
    notice.due_at = None
    facts: dict[str, Any] = {"by": by}
    if notice.ticket_id is not None:
        facts["ticket"] = str(notice.ticket_id)
    move(
        session,
        notice,
        NOTICE,
        "acknowledge",
        actor=actor,
        learned_at=now,
        values={"answered_at": now},
        facts=facts,
    )
    if notice.kind == "test" and person is not None:
        answered(session, person, now=now)


def ask(session: Session, person_id: UUID, *, now: datetime) -> Notice:
    """Send somebody a test that they have to answer; their shift begins with it."""
    asked(session, person_id, now=now)
    notice = Notice(
        person_id=person_id,
        kind="test",
        urgency="normal",
        state="waiting",
        version=1,
        created_at=now,
        due_at=now,
        facts={},
    )
    session.add(notice)
    session.flush()
    return notice


def inbox(session: Session, caller: Caller, limit: int = 30) -> list[Notice]:
    """What waits for the caller's answer, the most urgent first, then the newest.

    What is about a ticket that they may not see any more is left out.
    """
    seen = select(Ticket.id).where(scope_of(caller).condition())
    rows = session.scalars(
        select(Notice)
        .where(Notice.person_id == caller.person_id, Notice.state.in_(("waiting", "spent")))
        .where(or_(Notice.ticket_id.is_(None), Notice.ticket_id.in_(seen)))
        .order_by(Notice.created_at.desc())
        .limit(200)
    ).all()
    rank = {"critical": 0, "urgent": 1, "normal": 2, "info": 3}
    return sorted(rows, key=lambda one: rank[one.urgency])[:limit]


def at_home(session: Session, person_id: UUID) -> list[Notice]:
    """What somebody at home was told and has not seen, the last first; one of each report."""
    rows = session.scalars(
        select(Notice)
        .where(Notice.person_id == person_id, Notice.state.in_(("waiting", "spent")))
        .order_by(Notice.created_at.desc(), Notice.id.desc())
        .limit(200)
    )
    newest: dict[str, Notice] = {}
    for notice in rows:
        if "report" in notice.facts:
            newest.setdefault(notice.facts["report"], notice)
    return list(newest.values())


def see_at_home(session: Session, person_id: UUID, report_id: UUID, *, now: datetime) -> None:
    """Somebody looked at a report: what they were told of it has been seen."""
    rows = session.scalars(
        select(Notice).where(Notice.person_id == person_id, Notice.state.in_(("waiting", "spent")))
    ).all()
    for notice in rows:
        if notice.facts.get("report") == str(report_id):
            acknowledge(session, notice, by="page", now=now)


@dataclass(frozen=True, slots=True)
class Told:
    """An attempt to tell somebody. outside: resident or contractor, when they are none of ours."""

    attempt: Attempt
    notice: Notice
    name: str | None
    outside: str | None


def attempts_on(session: Session, ticket_id: UUID) -> list[Told]:
    """Every attempt to tell somebody of a ticket, alone or among others, in order."""
    of_many = select(NoticeTicket.notice_id).where(NoticeTicket.ticket_id == ticket_id)
    statement = (
        select(Attempt, Notice, Person.name, Follower.kind)
        .join(Notice, Notice.id == Attempt.notice_id)
        .outerjoin(Person, Person.id == Notice.person_id)
        .outerjoin(Follower, Follower.id == Notice.follower_id)
        .where(or_(Notice.ticket_id == ticket_id, Notice.id.in_(of_many)))
        .order_by(Attempt.begun_at, Attempt.id)
    )
    return [
        _told(attempt, notice, name, outside)
        for attempt, notice, name, outside in session.execute(statement)
    ]


def _told(attempt: Attempt, notice: Notice, name: str | None, outside: str | None) -> Told:
    if "report" in notice.facts:
        # Who lives where is not for everybody who reads the ticket.
        return Told(attempt, notice, None, RESIDENT)
    return Told(attempt, notice, name, outside)
