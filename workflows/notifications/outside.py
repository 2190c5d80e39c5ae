"""Telling people outside by SMS: residents how their report goes, contractors of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.channels.message import Channel
from core.companies import people_of
from core.contacts import QuietHours
from core.home_accounts import has_home
from core.local_time import zone
from core.places import Node
from core.vault import Vault, WrongKey
from workflows.notifications.ending import settle, spend
from workflows.notifications.model import Attempt, Notice
from workflows.notifications.outwards import place_outside
from workflows.notifications.plans import quiet_until
from workflows.notifications.telling import AT_ONCE, Call
from workflows.notifications.texts import outside_message
from workflows.tickets import Ticket, with_merged
from workflows.tickets.contractors import ContractorLink, is_needed, job_of
from workflows.tickets.followers import (
    CONTRACTOR,
    RESIDENT,
    Follower,
    at_home_of,
    code_of,
    follower_by,
    followers_of,
    lost_home,
)

TO_RESIDENTS: Mapping[str, str] = MappingProxyType(
    {
        "ticket.accept": "resident.accept",
        "ticket.start": "resident.start",
        "ticket.resolve": "resident.resolve",
        "ticket.close": "resident.close",
        "ticket.cancel": "resident.close",
        "ticket.reopen": "resident.reopen",
    }
)
OFFER = "contractor.offer"
# An SMS that could not be sent is tried again so often, so soon.
TRIES, EVERY = 3, timedelta(minutes=5)
# What somebody was not told by then is no news any more.
STALE = timedelta(hours=24)
DAY = timedelta(days=1)
# To one number. Providers refuse more than one a minute, five an hour and ten a day.
MOST = ((timedelta(minutes=1), 1), (timedelta(hours=1), 4), (DAY, 8))
# By the clocks of the site; what is urgent does not wait for the morning.
NIGHT = QuietHours(starts="22:00", ends="07:00")
AGAIN_WHEN_FULL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Outside:
    """How people outside are told. kinds: who of them is. daily: how many SMS a day altogether."""

    channel: Channel | None
    vault: Vault
    kinds: frozenset[str]
    daily: int
    base: str


def take_up_outside(session: Session, fact: events.Event, now: datetime) -> int:
    """Write a notice for everybody outside whom a fact concerns; returns how many."""
    offered = fact.kind == "ticket.contractor" and (fact.after or {}).get("state") == "offered"
    if not offered and fact.kind not in TO_RESIDENTS:
        return 0
    ticket = session.get(Ticket, UUID(fact.subject_id), populate_existing=True)
    if ticket is None:
        return 0
    if offered:
        link_id = UUID((fact.after or {})["link"])
        someone = follower_by(session, link_id, now=now)
        link = session.get_one(ContractorLink, link_id)
        urgent = link.urgent
        told = [someone] if someone is not None else []
        _tell_company(session, ticket, link, now)
    else:
        urgent = ticket.priority in ("high", "critical") or ticket.life_safety
        told = followers_of(session, with_merged(session, ticket.id), now=now)
    kind = _kind(fact)
    made = 0 if offered else _tell_at_home(session, ticket, kind, fact, now)
    for follower in told:
        if str(follower.of_id) != fact.actor_id:
            made += _note(session, ticket, follower, kind, urgent=urgent, now=now)
    session.flush()
    return made


def _tell_company(session: Session, ticket: Ticket, link: ContractorLink, now: datetime) -> None:
    """A notice for everybody of a hired company whose turn it is."""
    for person in people_of(session, link.company_id) if link.company_id else ():
        session.add(
            Notice(
                site_id=ticket.site_id,
                person_id=person,
                ticket_id=ticket.id,
                kind=OFFER,
                facts={"place": dict(place_outside(session, ticket)), "job": str(link.id)},
                urgency="urgent" if link.urgent else "normal",
                state="waiting",
                version=1,
                created_at=now,
                due_at=now,
            )
        )


def _tell_at_home(
    session: Session, ticket: Ticket, kind: str, fact: events.Event, now: datetime
) -> int:
    """A notice in the account of whoever reported it from a home that they still have."""
    made = 0
    for follower in at_home_of(session, with_merged(session, ticket.id), now=now):
        person, home = follower.person_id, follower.home_id
        if person is None or home is None or str(follower.of_id) == fact.actor_id:
            continue
        if not has_home(session, person, home, now=now):
            continue
        report = str(follower.of_id)
        earlier = [
            notice
            for notice in session.scalars(
                select(Notice)
                .where(Notice.person_id == person, Notice.ticket_id == ticket.id)
                .order_by(Notice.created_at, Notice.id)
            )
            if notice.facts.get("report") == report
        ]
        if earlier and earlier[-1].kind == kind:
            # As by SMS: another of ours accepts it, and for whoever waits nothing has changed.
            continue
        for notice in earlier:
            if notice.state == "waiting":
                settle(session, notice, now=now)
        session.add(
            Notice(
                site_id=ticket.site_id,
                person_id=person,
                ticket_id=ticket.id,
                kind=kind,
                facts={"place": dict(place_outside(session, ticket)), "report": report},
                urgency="normal",
                state="waiting",
                version=1,
                created_at=now,
                due_at=now,
            )
        )
        made += 1
    return made


def _kind(fact: events.Event) -> str:
    if fact.kind == "ticket.accept" and fact.actor_kind == "contractor":
        # Whoever takes an offered job sets out for it.
        return "resident.come"
    return TO_RESIDENTS.get(fact.kind, OFFER)


def _note(
    session: Session, ticket: Ticket, follower: Follower, kind: str, *, urgent: bool, now: datetime
) -> int:
    """One notice: it takes the place of an earlier one that is not sent yet."""
    earlier = session.scalars(
        select(Notice)
        .where(Notice.follower_id == follower.id)
        .order_by(Notice.created_at.desc(), Notice.id.desc())
        .limit(1)
    ).first()
    if earlier is not None and earlier.kind == kind:
        # Another of ours accepts it: for whoever waits nothing has changed.
        return 0
    if earlier is not None and earlier.state == "waiting":
        settle(session, earlier, now=now)
    session.add(
        Notice(
            site_id=ticket.site_id,
            follower_id=follower.id,
            ticket_id=ticket.id,
            kind=kind,
            facts={"place": dict(place_outside(session, ticket))},
            urgency="urgent" if urgent else "normal",
            state="waiting",
            version=1,
            created_at=now,
            due_at=now,
        )
    )
    session.flush()
    return 1


def begin_outside(
    session: Session, outside: Outside, *, now: datetime, only: UUID | None = None
) -> list[Call]:
    """Write down the SMS that are due; they are sent once this is committed. only: of this notice
    alone."""
    statement = select(Notice).where(Notice.due_at <= now, Notice.follower_id.is_not(None))
    if only is not None:
        statement = statement.where(Notice.id == only)
    statement = statement.order_by(Notice.due_at).limit(AT_ONCE)
    due = session.scalars(statement.with_for_update(skip_locked=True)).all()
    return [call for notice in due for call in _begin(session, notice, outside, now)]


def _begin(session: Session, notice: Notice, outside: Outside, now: datetime) -> list[Call]:
    if notice.state != "waiting":
        notice.due_at = None
        return []
    follower = session.get_one(Follower, notice.follower_id)
    channel, phone = outside.channel, follower.phone
    if channel is None or phone is None or _is_over(session, notice, follower, outside, now):
        settle(session, notice, now=now)
        return []
    waits = _waits_until(session, notice, phone, outside, now)
    if waits is not None:
        notice.due_at = waits
        return []
    notice.tries += 1
    last = notice.tries >= TRIES
    notice.due_at = None if last else now + EVERY
    attempt = Attempt(
        site_id=notice.site_id,
        notice_id=notice.id,
        channel=channel.name,
        state="sending",
        begun_at=now,
    )
    session.add(attempt)
    session.flush()
    try:
        link = f"{outside.base}/n/{code_of(outside.vault, follower)}"
    except WrongKey as error:
        attempt.state, attempt.ended_at, attempt.result = "failed", now, str(error)[:300]
        spend(session, notice, now=now)
        return []
    if last:
        spend(session, notice, now=now)
    text = outside_message(
        notice.kind, notice.facts, follower.language, link=link, reference=notice.code
    )
    return [Call(attempt.id, channel, phone, text)]


def _is_over(
    session: Session, notice: Notice, follower: Follower, outside: Outside, now: datetime
) -> bool:
    """Whether nobody is to be told of it any more."""
    if follower.kind not in outside.kinds or follower.ends_at <= now:
        return True
    if now - notice.created_at >= STALE:
        return True
    if follower.kind == RESIDENT and lost_home(session, follower.of_id, now=now):
        return True
    if follower.kind == CONTRACTOR:
        link = session.get_one(ContractorLink, follower.of_id)
        return link.state != "offered" or not is_needed(link, job_of(session, link))
    return False


def _waits_until(
    session: Session, notice: Notice, phone: str, outside: Outside, now: datetime
) -> datetime | None:
    """When an SMS may go out; None for at once."""
    if notice.urgency == "normal":
        site = session.get_one(Node, notice.site_id)
        morning = quiet_until(NIGHT, now, zone(site.time_zone))
        if morning is not None:
            return morning
    sent = (
        select(Attempt.begun_at)
        .join(Notice, Notice.id == Attempt.notice_id)
        .join(Follower, Follower.id == Notice.follower_id)
        .where(Attempt.begun_at > now - DAY)
    )
    total = session.scalar(select(func.count()).select_from(sent.subquery())) or 0
    if total >= outside.daily:
        return now + AGAIN_WHEN_FULL
    to_them = sent.where(Follower.phone == phone).order_by(Attempt.begun_at.desc())
    begun = list(session.scalars(to_them))
    frees = [
        within[most - 1] + span
        for span, most in MOST
        if len(within := [at for at in begun if at > now - span]) >= most
    ]
    return max(frees, default=None)
