"""Time passes for tickets: warnings, missed deadlines, escalation, and holds that end."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core import events
from core.calendars import OFFICE
from core.clock import from_micros, to_micros
from core.colleagues import people_in_role
from core.lifecycle import move
from workflows.tickets.clocks import UP, WARN, coming, next_moment, recompute
from workflows.tickets.lifecycle import ENDED, TICKET
from workflows.tickets.model import Ticket
from workflows.tickets.promises import terms_at

SWEEP_LIMIT = 500


def mark_passed(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> int:
    """Append an event for each moment of one ticket's clocks that has passed and is not marked.

    Compare-and-swap on `next_due`, so that two who notice at once mark it once.
    """
    marked = 0
    while ticket.state != "on_hold" and ticket.next_due is not None and ticket.next_due <= now:
        due = ticket.next_due
        keys = [key for at, key in coming(ticket) if from_micros(at) <= due]
        marks = [*(ticket.marks or ()), *keys]
        rest = [at for at, key in coming(ticket) if key not in keys]
        swap = (
            update(Ticket)
            .where(Ticket.id == ticket.id, Ticket.next_due == due)
            .values(next_due=from_micros(rest[0]) if rest else None, marks=marks)
            .execution_options(synchronize_session=False)
        )
        result = session.execute(swap)
        assert isinstance(result, CursorResult)
        session.refresh(ticket, ["next_due", "marks"])
        if result.rowcount != 1:
            continue
        for key in keys:
            _tell(session, ticket, key, due, now=now, actor=actor)
        marked += len(keys)
    return marked


def _tell(
    session: Session,
    ticket: Ticket,
    key: str,
    due: datetime,
    *,
    now: datetime,
    actor: events.Actor,
) -> None:
    clock, _, what = key.partition(".")
    kind = "ticket.overdue"
    facts: dict[str, object] = {"clock": clock, "due": due.isoformat()}
    if what == WARN:
        deadline = ticket.respond_due if clock == "response" else ticket.resolve_due
        kind, facts = "ticket.warn", {"clock": clock, "due": (deadline or due).isoformat()}
    elif what.startswith(UP):
        kind = "ticket.escalate"
        facts = {"clock": clock, **_escalate(session, ticket, clock, int(what[len(UP) :]))}
    events.append(
        session,
        kind,
        ("ticket", ticket.id),
        actor=actor,
        happened_at=due,
        learned_at=now,
        site_id=ticket.site_id,
        after=facts,
    )


def _escalate(session: Session, ticket: Ticket, clock: str, level: int) -> dict[str, object]:
    """Whom the rung tells: those of its role at the nearest node, else of the rungs above it."""
    rungs = getattr(terms_at(session, ticket.site_id).terms.escalation, clock)
    ticket.escalation = max(ticket.escalation, level)
    roles = [rung.to for rung in rungs[level - 1 :]] + ["administrator"]
    for role in roles:
        people = people_in_role(session, ticket.site_id, role, team=ticket.team)
        if people:
            return {"level": level, "role": role, "people": [str(one) for one in people]}
    return {"level": level, "role": roles[0], "people": []}


def due_tickets(session: Session, *, now: datetime) -> Sequence[UUID]:
    """The tickets of which time asks something by now, the longest due first."""
    due = select(Ticket.id).where(Ticket.next_due <= now)
    return session.scalars(due.order_by(Ticket.next_due, Ticket.id)).all()


def mark_moments(
    session: Session, *, now: datetime, actor: events.Actor, only: UUID | None = None
) -> int:
    """Do everything that time alone asks of tickets by `now`, each once, however late.

    The next moment is a column, so a sweep that was down catches up with everything it missed.
    only: of this ticket. Returns how much was done, of at most SWEEP_LIMIT tickets; one that
    somebody holds right now is left to the next look.
    """
    statement = (
        select(Ticket)
        .where(Ticket.next_due <= now)
        .order_by(Ticket.next_due)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    )
    if only is not None:
        statement = statement.where(Ticket.id == only)
    done = 0
    for ticket in session.scalars(statement).all():
        if ticket.state == "on_hold":
            done += end_hold(session, ticket, now=now, actor=actor)
        done += mark_passed(session, ticket, now=now, actor=actor)
    return done


def end_hold(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> int:
    """Let a ticket on hold go on, as of when its hold ends, else at once; returns how many."""
    until = min(ticket.hold_until or now, now)
    move(
        session,
        ticket,
        TICKET,
        "resume",
        actor=actor,
        learned_at=now,
        happened_at=until,
        values=resumed(ticket, until),
        facts={"hold_until": until.isoformat()},
    )
    recompute(session, ticket, now=now, actor=actor, why="resume")
    return 1


def resumed(ticket: Ticket, at: datetime) -> dict[str, object]:
    """The columns of a ticket whose hold ends at a moment: the clocks stood still meanwhile.

    They stood no longer than until the hold was to end, however late somebody looks.
    """
    at = min(at, ticket.hold_until or at)
    since = ticket.held_at or at
    held = int((at - since).total_seconds())
    return {
        "held_at": None,
        "hold_until": None,
        "held_seconds": ticket.held_seconds + held,
        "pauses": [*(ticket.pauses or ()), [to_micros(since), to_micros(at)]],
    }


def recompute_open(
    session: Session,
    sites: Sequence[UUID],
    *,
    now: datetime,
    actor: events.Actor,
    why: str,
    calendar: str | None = None,
) -> int:
    """Compute the clocks of all open tickets of the sites again; returns how many moved.

    calendar: only those that count in it; else their spans are taken from what is promised now,
    except where a rule gave them.
    """
    statement = select(Ticket).where(Ticket.site_id.in_(sites), Ticket.state.not_in(ENDED))
    if calendar is not None:
        statement = statement.where(Ticket.calendar == calendar)
    moved = 0
    for ticket in session.scalars(statement.with_for_update()).all():
        anew = calendar is None and ticket.rule_id is None
        moved += recompute(session, ticket, now=now, actor=actor, why=why, anew=anew)
        ticket.next_due = next_moment(ticket)
    session.flush()
    return moved


def note_if_over(
    session: Session, ticket: Ticket, cleared_at: datetime, *, now: datetime, actor: events.Actor
) -> None:
    """What had cleared itself before we learned of it is to be inspected and wakes nobody.

    Its clocks count in office hours from when we learned; a life-safety ticket keeps its own.
    """
    if ticket.life_safety or ticket.state != "open" or ticket.repeats:
        return
    if cleared_at > ticket.learned_at or ticket.over:
        return
    ticket.over = True
    ticket.calendar = OFFICE
    events.append(
        session,
        "ticket.over",
        ("ticket", ticket.id),
        actor=actor,
        happened_at=cleared_at,
        learned_at=now,
        site_id=ticket.site_id,
    )
    recompute(session, ticket, now=now, actor=actor, why="over")
