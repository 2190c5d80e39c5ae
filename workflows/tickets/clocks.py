"""The two clocks of a ticket: response and resolution, each in the calendar of its promise.

What a clock does is computed whenever what it stands on changes, and kept as `moments`: the
warning before the deadline, the deadline, and each rung of the escalation behind it. `next_due` is
the nearest one that is still to come, so that a sweep finds it by an index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import events
from core.calendars import ALWAYS, Calendar, find_calendar
from core.clock import from_micros, to_micros
from core.errors import Invalid
from core.working_time import FURTHEST
from workflows.tickets.lifecycle import RUNNING
from workflows.tickets.model import PRIORITIES, Ticket
from workflows.tickets.promises import NEVER_WAITS, Rung, Terms, terms_at

# What a moment is: "response.warn", "response.due", "response.up1", and the same of resolution.
Moment = tuple[int, str]
WARN, DUE, UP = "warn", "due", "up"


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is promised of one ticket; `code` names the calendar in which it counts."""

    respond_within: timedelta | None
    resolve_within: timedelta | None
    code: str
    calendar: Calendar
    terms: Terms


def commitment(
    session: Session,
    site_id: Any,
    *,
    kind: str,
    category: str,
    priority: str,
    respond_within: timedelta | None = None,
    resolve_within: timedelta | None = None,
    calendar: str | None = None,
) -> Commitment:
    """What is promised of such a ticket; spans that a rule or person gives take precedence.

    calendar: the code of the one to count in, instead of the promise's.
    """
    terms = terms_at(session, site_id).terms
    line = terms.promise(kind, category, priority)
    given = respond_within is not None or resolve_within is not None
    code = calendar or (ALWAYS if given and priority in NEVER_WAITS else line.calendar)
    return Commitment(
        respond_within or line.respond_within,
        resolve_within or line.resolve_within,
        code,
        find_calendar(session, site_id, code),
        terms,
    )


def started(
    promised: Commitment, start: datetime, pauses: Sequence[tuple[datetime, datetime]] = ()
) -> dict[str, Any]:
    """The columns of a ticket whose clocks started at a moment, nothing met or marked yet."""
    respond_due, responding = _clock("response", promised, start, pauses)
    resolve_due, resolving = _clock("resolution", promised, start, pauses)
    moments = sorted([*responding, *resolving])
    return {
        "respond_within": _seconds(promised.respond_within),
        "resolve_within": _seconds(promised.resolve_within),
        "calendar": promised.code,
        "clock_from": start,
        "pauses": [[to_micros(begin), to_micros(end)] for begin, end in pauses],
        "respond_due": respond_due,
        "resolve_due": resolve_due,
        "moments": [list(moment) for moment in moments],
        "marks": [],
        "next_due": from_micros(moments[0][0]) if moments else None,
    }


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())


def _clock(
    name: str,
    promised: Commitment,
    start: datetime,
    pauses: Sequence[tuple[datetime, datetime]],
) -> tuple[datetime | None, list[Moment]]:
    span = promised.respond_within if name == "response" else promised.resolve_within
    if span is None:
        return None, []
    rungs: Sequence[Rung] = getattr(promised.terms.escalation, name)
    calendar = promised.calendar
    worked = calendar.span(span)
    ends = {WARN: worked * promised.terms.warn_at / 100, DUE: worked}
    for level, rung in enumerate(rungs, 1):
        ends[f"{UP}{level}"] = worked + calendar.span(rung.after)
    at = {what: _after(calendar, start, end, pauses) for what, end in ends.items()}
    return at[DUE], [(to_micros(moment), f"{name}.{what}") for what, moment in at.items()]


def _after(
    calendar: Calendar,
    start: datetime,
    span: timedelta,
    pauses: Sequence[tuple[datetime, datetime]],
) -> datetime:
    """When a span has passed; what no calendar reaches must keep no fault from its ticket."""
    try:
        return calendar.after(start, span, pauses)
    except Invalid:
        return start + FURTHEST


def pauses_of(ticket: Ticket) -> list[tuple[datetime, datetime]]:
    """The spans in which the clocks stood still."""
    return [(from_micros(begin), from_micros(end)) for begin, end in ticket.pauses or ()]


def _met(ticket: Ticket, key: str) -> bool:
    clock = key.partition(".")[0]
    return (ticket.responded_at if clock == "response" else ticket.resolved_at) is not None


def coming(ticket: Ticket) -> list[Moment]:
    """The moments that are neither met nor marked, the nearest first; none while nothing runs."""
    if ticket.state not in RUNNING:
        return []
    marked = set(ticket.marks or ())
    found = [(at, key) for at, key in ticket.moments or () if key not in marked]
    return sorted((at, key) for at, key in found if not _met(ticket, key))


def next_moment(ticket: Ticket) -> datetime | None:
    """When something is to happen to a ticket by itself; of one on hold, when the hold ends."""
    if ticket.state == "on_hold":
        return ticket.hold_until
    left = coming(ticket)
    return from_micros(left[0][0]) if left else None


def recompute(
    session: Session,
    ticket: Ticket,
    *,
    now: datetime,
    actor: events.Actor,
    why: str,
    anew: bool = False,
) -> bool:
    """Compute both clocks again from their start; returns whether a deadline moved.

    anew: take the spans from what is promised now instead of those the ticket has. A moment that
    lies ahead again counts as not yet marked. The log holds which deadlines moved, and why.
    """
    promised = commitment(
        session,
        ticket.site_id,
        kind=ticket.kind,
        category=ticket.category,
        priority=ticket.priority,
        respond_within=None if anew else _delta(ticket.respond_within),
        resolve_within=None if anew else _delta(ticket.resolve_within),
        calendar=None if anew else ticket.calendar,
    )
    before = _dues(ticket)
    # A deadline that was met stays what it was when it was met.
    kept = {"marks", "next_due"}
    kept |= {"respond_due"} if ticket.responded_at else set()
    kept |= {"resolve_due"} if ticket.resolved_at else set()
    for name, value in started(promised, ticket.clock_from, pauses_of(ticket)).items():
        if name not in kept:
            setattr(ticket, name, value)
    ahead = {key for at, key in ticket.moments if at > to_micros(now)}
    ticket.marks = [key for key in ticket.marks or () if key not in ahead]
    ticket.next_due = next_moment(ticket)
    after = _dues(ticket)
    if before == after:
        return False
    events.append(
        session,
        "ticket.clocks",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        before=before,
        after={**after, "why": why},
    )
    return True


def _delta(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _dues(ticket: Ticket) -> Mapping[str, str | None]:
    dues = {"respond_due": ticket.respond_due, "resolve_due": ticket.resolve_due}
    return {name: due.isoformat() if due else None for name, due in dues.items()}


def net_seconds(session: Session, ticket: Ticket, until: datetime) -> int:
    """The working time from the start of the clocks to a moment, without pauses."""
    calendar = find_calendar(session, ticket.site_id, ticket.calendar)
    spent = calendar.between(ticket.clock_from, until, pauses_of(ticket))
    return round(spent.total_seconds())


def raise_priority(
    session: Session, ticket: Ticket, priority: str, *, now: datetime, actor: events.Actor
) -> bool:
    """Let a ticket weigh as much as the worst that it stands for; False where it does already."""
    before = ticket.priority
    if PRIORITIES.index(priority) <= PRIORITIES.index(before):
        return False
    ticket.priority = priority
    ticket.version = Ticket.version + 1
    session.flush()
    session.refresh(ticket)
    recompute(session, ticket, now=now, actor=actor, why="edit", anew=True)
    events.append(
        session,
        "ticket.edit",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        before={"priority": before},
        after={"priority": priority, "fields": ["priority"]},
    )
    return True
