"""Offering a ticket to contractors, one after the other, and taking the offer back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.companies import company_named
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller, hash_secret, new_secret
from core.vault import Vault
from rules.wording import worded
from workflows.tickets import followers
from workflows.tickets.contractors.model import CONTRACTOR_LINK, LIVE, ContractorLink
from workflows.tickets.lifecycle import RUNNING
from workflows.tickets.model import Ticket
from workflows.tickets.opening import current_ticket
from workflows.tickets.scope import on_tickets
from workflows.tickets.working import Step, act

MOST_CONTACTS = 5
LONGEST_TEXT = 4000
SHORTEST_ANSWER, LONGEST_ANSWER = timedelta(minutes=5), timedelta(hours=24)
SHORTEST_LIFE, LONGEST_LIFE = timedelta(hours=1), timedelta(days=30)
_PHONE = re.compile(r"\+?[0-9][0-9 -]{3,30}[0-9]")


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody outside who may do a job."""

    company: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Job:
    """What is offered to whom. contacts: who is asked first, second, …

    task, access: what is to be done, and how to get in; what a contractor reads, so nothing about
    residents. answer_within: how long each may leave an urgent job unaccepted; lasts: how long the
    links hold.
    """

    contacts: Sequence[Contact]
    task: str
    access: str = ""
    urgent: bool = False
    answer_within: timedelta = timedelta(minutes=30)
    lasts: timedelta = timedelta(days=7)


def offer(
    session: Session, ticket: Ticket, job: Job, *, person: UUID, now: datetime
) -> list[tuple[ContractorLink, str]]:
    """Offer a ticket to a list of contractors; returns each link with its secret, shown once.

    The first may accept at once, each other one when the one before has not. The ticket is with
    nobody of ours meanwhile. Invalid with every wrong field; Conflict when it is with a contractor
    already, or when there is nothing left to do.
    """
    job = _checked(job)
    if live_links(session, ticket.id):
        raise Conflict(
            worded("a contractor has this ticket already"),
            advice=worded("Take that link back first."),
        )
    # By the ticket's own table: what is resolved or has ended is offered to nobody.
    act(session, ticket, Step("assign", team=ticket.team), person=person, now=now)
    chain = new_id()
    made = []
    for rank, contact in enumerate(job.contacts):
        secret = new_secret("contractor")
        row = ContractorLink(
            id=new_id(),
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            chain_id=chain,
            rank=rank,
            secret_hash=hash_secret(secret),
            state="waiting",
            version=1,
            company=contact.company,
            company_id=company_named(session, ticket.site_id, contact.company),
            name=contact.name,
            phone=contact.phone,
            task=job.task,
            access=job.access,
            urgent=job.urgent,
            answer_within=round(job.answer_within.total_seconds()) if job.urgent else None,
            made_by=person,
            created_at=now,
            expires_at=now + job.lasts,
        )
        session.add(row)
        made.append((row, secret))
    session.flush()
    give_turn(session, made[0][0], now=now, actor=events.Actor.person(person))
    return made


def follow(
    session: Session,
    vault: Vault,
    made: Sequence[tuple[ContractorLink, str]],
    language: str,
    *,
    now: datetime,
) -> set[UUID]:
    """Send each contact their link by SMS when their turn comes; returns the links of those whose
    number takes one."""
    told = set[UUID]()
    for link, secret in made:
        ticket = session.get_one(Ticket, link.ticket_id)
        if followers.follow(
            session,
            vault,
            ticket,
            followers.CONTRACTOR,
            link.id,
            phone=link.phone,
            secret=secret,
            language=language,
            ends_at=link.expires_at,
            now=now,
        ):
            told.add(link.id)
    return told


def _checked(job: Job) -> Job:
    contacts = [
        Contact(" ".join(one.company.split()), " ".join(one.name.split()), one.phone.strip())
        for one in job.contacts
    ]
    problems: list[str] = (
        [] if 1 <= len(contacts) <= MOST_CONTACTS else [worded("contacts: 1 to 5 of them")]
    )
    for number, one in enumerate(contacts, 1):
        problems += [
            worded("contact %(number)s, %(problem)s", number=number, problem=problem)
            for problem in _bad_fields(one)
        ]
    if not 1 <= len(job.task.strip()) <= LONGEST_TEXT:
        problems.append(worded("task: say what is to be done, in at most 4,000 characters"))
    if len(job.access) > LONGEST_TEXT:
        problems.append(worded("access: at most 4,000 characters"))
    if job.urgent and not SHORTEST_ANSWER <= job.answer_within <= LONGEST_ANSWER:
        problems.append(worded("answer_within: 5 minutes to 24 hours"))
    if not SHORTEST_LIFE <= job.lasts <= LONGEST_LIFE:
        problems.append(worded("lasts: 1 hour to 30 days"))
    if problems:
        raise Invalid(worded("nothing was offered"), problems=problems)
    return Job(
        contacts, job.task.strip(), job.access.strip(), job.urgent, job.answer_within, job.lasts
    )


def _bad_fields(one: Contact) -> list[str]:
    problems: list[str] = (
        [] if 1 <= len(one.company) <= 120 else [worded("company: 1 to 120 characters")]
    )
    if not 1 <= len(one.name) <= 120:
        problems.append(worded("name: 1 to 120 characters"))
    if not _PHONE.fullmatch(one.phone):
        problems.append(worded("phone: digits, such as 138 0013 8000"))
    return problems


def give_turn(
    session: Session, link: ContractorLink, *, now: datetime, actor: events.Actor
) -> None:
    """Let a waiting link be accepted from now on."""
    within = link.answer_within
    values: dict[str, Any] = {"offered_at": now, "answer_by": None}
    if within is not None:
        values["answer_by"] = min(now + timedelta(seconds=within), link.expires_at)
    step(session, link, "offer", now=now, actor=actor, values=values)


def step(
    session: Session,
    link: ContractorLink,
    action: str,
    *,
    now: datetime,
    actor: events.Actor,
    values: Mapping[str, Any] | None = None,
    happened_at: datetime | None = None,
) -> None:
    """Move a link, and say so in the history of its ticket."""
    facts = {"ticket": str(link.ticket_id)}
    move(
        session,
        link,
        CONTRACTOR_LINK,
        action,
        actor=actor,
        learned_at=now,
        happened_at=happened_at,
        values=values,
        facts=facts,
    )
    say(session, link, link.state, now=now, actor=actor, happened_at=happened_at)


def say(
    session: Session,
    link: ContractorLink,
    state: str,
    *,
    now: datetime,
    actor: events.Actor,
    happened_at: datetime | None = None,
) -> None:
    """Append to the ticket's history what became of the job outside."""
    events.append(
        session,
        "ticket.contractor",
        ("ticket", link.ticket_id),
        actor=actor,
        learned_at=now,
        happened_at=happened_at,
        site_id=link.site_id,
        after={"link": str(link.id), "state": state},
    )


def go_on(session: Session, link: ContractorLink, *, now: datetime, actor: events.Actor) -> None:
    """After a link has ended without the work: the next contact's turn, or back to the team."""
    following = session.scalars(
        select(ContractorLink)
        .where(ContractorLink.chain_id == link.chain_id, ContractorLink.state == "waiting")
        .order_by(ContractorLink.rank)
        .limit(1)
        .with_for_update()
    ).first()
    ticket = current_ticket(session, link.ticket_id)
    if ticket is None or ticket.state not in (*RUNNING, "on_hold"):
        return
    if live_links(session, link.ticket_id, but="waiting"):
        return
    if ticket.assignee_id is not None:
        # Somebody of ours has it: nobody else is asked, and whoever has it may ask anew.
        _end_waiting(session, link.ticket_id, now=now, actor=actor)
    elif following is not None:
        give_turn(session, following, now=now, actor=actor)
    elif ticket.state != "open":
        back = Step("assign", team=ticket.team)
        act(session, ticket, back, person=None, now=now, actor=actor)
        say(session, link, "back", now=now, actor=actor)


def _end_waiting(session: Session, ticket_id: UUID, *, now: datetime, actor: events.Actor) -> None:
    for link in live_links(session, ticket_id):
        step(session, link, "expire", now=now, actor=actor)


def live_links(session: Session, ticket_id: UUID, *, but: str = "") -> list[ContractorLink]:
    """The links of a ticket by which somebody may still come."""
    states = [state for state in LIVE if state != but]
    statement = select(ContractorLink).where(
        ContractorLink.ticket_id == ticket_id, ContractorLink.state.in_(states)
    )
    return list(session.scalars(statement.order_by(ContractorLink.rank)))


def find_offer(session: Session, caller: Caller, link_id: UUID) -> ContractorLink:
    """A link of a ticket that the caller may read, locked. NotFound otherwise."""
    statement = select(ContractorLink).where(ContractorLink.id == link_id).with_for_update()
    statement = on_tickets(statement, ContractorLink.ticket_id, ContractorLink.site_id, caller)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(worded("there is no such link"), advice=worded("Look for it on its ticket."))
    return row


def revoke_offer(session: Session, link: ContractorLink, *, person: UUID, now: datetime) -> None:
    """Take a link back; the next contact of its list gets their turn, or the team."""
    actor = events.Actor.person(person)
    step(session, link, "revoke", now=now, actor=actor)
    followers.end_following(session, link.id, now=now)
    go_on(session, link, now=now, actor=actor)


def list_offers(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The links of a ticket as its page shows them, the last made first."""
    names = (
        *("id", "ticket_id", "state", "company", "name", "phone", "task", "access", "urgent"),
        *("created_at", "expires_at", "offered_at", "answer_by", "accepted_at", "arrived_at"),
        *("arrived_by", "done_at"),
    )
    statement = (
        select(*(getattr(ContractorLink, name) for name in names))
        .where(ContractorLink.ticket_id == ticket_id)
        .order_by(ContractorLink.created_at.desc(), ContractorLink.rank)
    )
    return [dict(row) for row in session.execute(statement).mappings()]
