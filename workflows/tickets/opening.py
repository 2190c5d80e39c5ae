"""Opening tickets: by people, and by a fault, which has at most one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Insert, Table, bindparam, insert, select
from sqlalchemy.orm import Session

from core import events
from core.ids import new_id
from core.lifecycle import move
from workflows.tickets.clocks import Commitment, commitment, started
from workflows.tickets.fire_alarms import begin, is_fire_alarm, ring_again
from workflows.tickets.guard_tasks import ask_again, asks_for_guard
from workflows.tickets.guard_tasks import begin as begin_task
from workflows.tickets.lifecycle import ENDED, TICKET
from workflows.tickets.model import (
    Fault,
    Ticket,
    TicketEvidence,
    next_number,
    searchable,
)
from workflows.tickets.sos import BUTTON, Call, is_sos, press_again
from workflows.tickets.sos import begin as begin_sos


@dataclass(frozen=True, slots=True)
class FaultKey:
    """What is broken: a rule on an asset."""

    rule_id: str
    asset_id: UUID


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything a new ticket needs. call: of a call for help, who calls and from where."""

    site_id: UUID
    kind: str
    priority: str
    title: Mapping[str, str]
    team: str
    happened_at: datetime
    learned_at: datetime
    category: str = ""
    description: str = ""
    space_id: UUID | None = None
    asset_id: UUID | None = None
    life_safety: bool = False
    reporter_id: UUID | None = None
    rule_id: str | None = None
    rule_version: int | None = None
    respond_within: timedelta | None = None
    resolve_within: timedelta | None = None
    previous_id: UUID | None = None
    id: UUID | None = None
    call: Call = BUTTON


class Outcome(StrEnum):
    """What became of a fault that showed itself."""

    OPENED = "opened"
    CONTINUED = "continued"
    REOPENED = "reopened"
    JOINED = "joined"


def open_ticket(session: Session, draft: Draft, *, actor: events.Actor) -> Ticket:
    """Open a ticket; both clocks start at the moment we learned of it."""
    session.flush()
    row = _ticket_row(session, draft)
    _insert(session, Ticket, row)
    events.append_all(session, [_opening(session, row["id"], draft, actor)])
    return session.get_one(Ticket, row["id"])


def _insert(session: Session, model: type, row: dict[str, Any]) -> None:
    # Without a unit of work, which costs more than the statement.
    session.connection().execute(_INSERT[model], row)


_INSERT: Mapping[type, Insert] = {
    model: insert(cast(Table, model.__table__)) for model in (Ticket, Fault, TicketEvidence)
}


def _ticket_row(session: Session, draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.id or new_id(),
        "number": next_number(session),
        "site_id": draft.site_id,
        "space_id": draft.space_id,
        "asset_id": draft.asset_id,
        "kind": draft.kind,
        "category": draft.category,
        "priority": draft.priority,
        "life_safety": draft.life_safety,
        "state": "open",
        "version": 1,
        "title": dict(draft.title),
        "search_text": searchable(draft.title),
        "description": draft.description,
        "team": draft.team,
        "former_teams": "",
        "reporter_id": draft.reporter_id,
        "rule_id": draft.rule_id,
        "rule_version": draft.rule_version,
        "happened_at": draft.happened_at,
        "learned_at": draft.learned_at,
        "repeats": 0,
        "announced_at": draft.learned_at,
        "held_seconds": 0,
        "over": False,
        "escalation": 0,
        "previous_id": draft.previous_id,
        **started(_commitment(session, draft), draft.learned_at),
    }


def _commitment(session: Session, draft: Draft) -> Commitment:
    return commitment(
        session,
        draft.site_id,
        kind=draft.kind,
        category=draft.category,
        priority=draft.priority,
        respond_within=draft.respond_within,
        resolve_within=draft.resolve_within,
    )


def _opening(
    session: Session, ticket_id: UUID, draft: Draft, actor: events.Actor
) -> dict[str, Any]:
    """The fact that a ticket was opened; of a fire alarm its short clock starts with it.

    A call for help begins to climb with it.
    """
    clock = {}
    if is_sos(draft.category, life_safety=draft.life_safety):
        begin_sos(
            session,
            ticket_id,
            draft.site_id,
            draft.team,
            draft.call,
            now=draft.learned_at,
            actor=actor,
        )
    if is_fire_alarm(draft.category, life_safety=draft.life_safety):
        clock = begin(session, ticket_id, draft.site_id, draft.learned_at)
    if _asks_for_guard(session, draft):
        begin_task(session, ticket_id, draft.site_id, draft.learned_at)
    return events.fact(
        "ticket.open",
        ("ticket", ticket_id),
        actor=actor,
        happened_at=draft.happened_at,
        learned_at=draft.learned_at,
        site_id=draft.site_id,
        after={
            "state": "open",
            "kind": draft.kind,
            "priority": draft.priority,
            "team": draft.team,
            **({"rule": draft.rule_id} if draft.rule_id else {}),
            **clock,
        },
    )


def _asks_for_guard(session: Session, draft: Draft) -> bool:
    return asks_for_guard(
        session,
        draft.site_id,
        rule_id=draft.rule_id,
        kind=draft.kind,
        category=draft.category,
        priority=draft.priority,
        life_safety=draft.life_safety,
    )


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket just opened, and the fact that the log is to hold of it."""

    id: UUID
    number: int
    fact: dict[str, Any]


def open_unseen(session: Session, key: FaultKey, draft: Draft, *, actor: events.Actor) -> NewTicket:
    """Open the ticket of a fault that the caller knows never had one.

    Three plain inserts: the first flood of a night must not wait for a unit of work each. The
    caller appends the fact together with its own. IntegrityError when the fault is held after all.
    """
    row = _ticket_row(session, draft)
    _insert(session, Ticket, row)
    hold(session, key, draft.site_id, row["id"])
    return NewTicket(row["id"], row["number"], _opening(session, row["id"], draft, actor))


def hold(session: Session, key: FaultKey, site_id: UUID, ticket_id: UUID) -> None:
    """Let a ticket stand for a fault. IntegrityError when another one holds it."""
    row = {
        "id": new_id(),
        "site_id": site_id,
        "rule_id": key.rule_id,
        "asset_id": key.asset_id,
        "ticket_id": ticket_id,
        "holds": True,
    }
    _insert(session, Fault, row)


_LAST_TICKET = (
    select(Ticket)
    .join(Fault, Fault.ticket_id == Ticket.id)
    .where(Fault.rule_id == bindparam("fault_rule"), Fault.asset_id == bindparam("fault_asset"))
    .order_by(Fault.holds.desc(), Ticket.number.desc())
    .limit(1)
    # Somebody may be closing it right now; then we see it closed, and not as we found it.
    # Its key stays: notices that point at it need not wait.
    .with_for_update(of=Ticket, key_share=True)
    .execution_options(populate_existing=True)
)


def open_for_fault(
    session: Session,
    key: FaultKey,
    draft: Draft,
    *,
    reopen_within: timedelta,
    realarm_after: timedelta,
    actor: events.Actor,
) -> tuple[Ticket, Outcome]:
    """The one ticket of a fault that has just shown itself.

    Continues the ticket that holds the fault, announcing it again when `realarm_after` passed since
    the last time, re-opens one resolved, verified or closed less than
    `reopen_within` ago, and otherwise opens a new one linked to the last. The closed ticket of an
    incident is done with: what was a part of it gets a ticket of its own when it comes again.
    """
    standing = _last_ticket(session, key)
    if standing is None:
        return _open_new(session, key, draft, None, actor), Outcome.OPENED
    if standing.state in ("cancelled", "merged") or _was_of_several(session, standing, key):
        return _open_new(session, key, draft, standing.id, actor), Outcome.OPENED
    if standing.state not in ("resolved", "verified", "closed"):
        _continue(session, standing, draft, realarm_after, actor)
        return standing, Outcome.CONTINUED
    since = standing.ended_at or standing.resolved_at or standing.learned_at
    if draft.learned_at - since < reopen_within:
        _reopen(session, key, standing, draft, actor)
        return standing, Outcome.REOPENED
    if standing.state != "closed":
        # Nobody closed it, so it still holds its fault; the fault passes on to the new ticket.
        _release_faults(session, standing.id)
    return _open_new(session, key, draft, standing.id, actor), Outcome.OPENED


def _was_of_several(session: Session, ticket: Ticket, key: FaultKey) -> bool:
    """Whether a ticket that is done with was about other equipment than this fault as well."""
    if ticket.state != "closed" or ticket.rule_id is None:
        return False
    if ticket.asset_id not in (None, key.asset_id):
        return True
    others = select(Fault.id).where(Fault.ticket_id == ticket.id, Fault.asset_id != key.asset_id)
    return session.scalars(others.limit(1)).first() is not None


def _last_ticket(session: Session, key: FaultKey) -> Ticket | None:
    given = {"fault_rule": key.rule_id, "fault_asset": key.asset_id}
    return session.scalars(_LAST_TICKET, given).first()


def _open_new(
    session: Session, key: FaultKey, draft: Draft, previous: UUID | None, actor: events.Actor
) -> Ticket:
    ticket = open_ticket(session, replace(draft, previous_id=previous), actor=actor)
    hold(session, key, draft.site_id, ticket.id)
    return ticket


def _continue(
    session: Session, ticket: Ticket, draft: Draft, realarm_after: timedelta, actor: events.Actor
) -> None:
    _count_repeat(session, ticket, draft)
    told = ticket.announced_at
    announce = told is None or draft.learned_at - told >= realarm_after
    if announce:
        ticket.announced_at = draft.learned_at
    events.append(
        session,
        "ticket.announce" if announce else "ticket.repeat",
        ("ticket", ticket.id),
        actor=actor,
        happened_at=draft.happened_at,
        learned_at=draft.learned_at,
        site_id=ticket.site_id,
        after={"repeats": ticket.repeats},
    )
    session.flush()
    ring_again(session, ticket, now=draft.learned_at, actor=actor, anew=False)
    press_again(session, ticket, now=draft.learned_at, actor=actor)
    if announce:
        ask_again(session, ticket, now=draft.learned_at, actor=actor)


def tell_still(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> bool:
    """Tell of a fault that still stands, with its ticket in hand; False where that is done with."""
    if ticket.state in ("resolved", "verified", *ENDED):
        return False
    ticket.announced_at = now
    events.append(
        session,
        "ticket.still",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
    )
    session.flush()
    ring_again(session, ticket, now=now, actor=actor, anew=False)
    return True


def count_repeats(session: Session, ticket: Ticket, number: int, last_at: datetime) -> None:
    """Count recurrences of an open ticket's fault that nobody was told of one by one."""
    ticket.repeats = Ticket.repeats + number
    ticket.version = Ticket.version + 1
    ticket.last_repeat_at = last_at
    session.flush()
    session.refresh(ticket)


def _count_repeat(session: Session, ticket: Ticket, draft: Draft) -> None:
    # Counted by the database: a person may change the ticket at the same moment.
    ticket.repeats = Ticket.repeats + 1
    ticket.version = Ticket.version + 1
    ticket.last_repeat_at = draft.happened_at
    ticket.recovered_at = None
    ticket.over = False
    session.flush()
    session.refresh(ticket)


def _reopen(
    session: Session, key: FaultKey, ticket: Ticket, draft: Draft, actor: events.Actor
) -> None:
    _count_repeat(session, ticket, draft)
    values: dict[str, Any] = {
        "resolved_at": None,
        "responded_at": None,
        "ended_at": None,
        "verdict": None,
        "verdict_cause": None,
        "doer_id": None,
        # Who mended it then may be asleep, or gone: it waits for whoever is on duty.
        "assignee_id": None,
        "net_seconds": None,
        "over": False,
        "escalation": 0,
        "announced_at": draft.learned_at,
        **started(_commitment(session, draft), draft.learned_at),
    }
    hold_faults(session, ticket.id, [key])
    move(
        session,
        ticket,
        TICKET,
        "reopen",
        actor=actor,
        happened_at=draft.happened_at,
        learned_at=draft.learned_at,
        values=values,
        facts={"repeats": ticket.repeats},
    )
    session.flush()
    ring_again(session, ticket, now=draft.learned_at, actor=actor, anew=True)
    press_again(session, ticket, now=draft.learned_at, actor=actor)
    ask_again(session, ticket, now=draft.learned_at, actor=actor)


def hold_faults(session: Session, ticket_id: UUID, keys: list[FaultKey] | None = None) -> None:
    """Let a ticket hold its faults again; all of them, or the given ones.

    A fault may be there twice, where a newer ticket of it was merged into this one: one holds it.
    """
    statement = select(Fault).where(Fault.ticket_id == ticket_id).order_by(Fault.id)
    faults = session.scalars(statement).all()
    held = {FaultKey(fault.rule_id, fault.asset_id) for fault in faults if fault.holds}
    for fault in faults:
        key = FaultKey(fault.rule_id, fault.asset_id)
        if key not in held and (keys is None or key in keys):
            fault.holds = True
            held.add(key)
    session.flush()


def _release_faults(session: Session, ticket_id: UUID) -> None:
    for fault in session.scalars(select(Fault).where(Fault.ticket_id == ticket_id)).all():
        fault.holds = False
    session.flush()


def release_if_ended(session: Session, ticket: Ticket) -> None:
    """A ticket that has ended holds no fault any more."""
    if ticket.state in ENDED:
        _release_faults(session, ticket.id)


def current_ticket(session: Session, ticket_id: UUID) -> Ticket | None:
    """The ticket, or the one that it was merged into, however often."""
    ticket = session.get(Ticket, ticket_id)
    while ticket is not None and ticket.merged_into_id is not None:
        ticket = session.get(Ticket, ticket.merged_into_id)
    return ticket


def with_merged(session: Session, ticket_id: UUID) -> list[UUID]:
    """The ticket and every one that was merged into it, directly or not."""
    found, fresh = [ticket_id], [ticket_id]
    while fresh:
        fresh = list(session.scalars(select(Ticket.id).where(Ticket.merged_into_id.in_(fresh))))
        found += fresh
    return found


def add_evidence(
    session: Session,
    ticket_id: UUID,
    site_id: UUID,
    kind: str,
    at_micros: int,
    data: Mapping[str, Any],
    *,
    chart_wanted: bool = False,
) -> None:
    """Copy proof into a ticket of the site. kind: trip or recovery; data: JSON values."""
    row = {
        "id": new_id(),
        "site_id": site_id,
        "ticket_id": ticket_id,
        "kind": kind,
        "at_micros": at_micros,
        "data": dict(data),
        "chart_wanted": chart_wanted,
    }
    _insert(session, TicketEvidence, row)
