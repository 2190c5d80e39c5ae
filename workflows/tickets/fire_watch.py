"""What people do about a fire alarm, and what is done when nobody does anything in time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import able_people
from core.errors import Conflict, Invalid
from core.lifecycle import move
from core.people import Caller
from rules.wording import worded
from workflows.tickets.fire_alarms import (
    BURNING,
    CAUSES,
    FIRE_ALARM,
    RUNNING,
    FireAlarm,
    alarm_of,
    take_on,
)
from workflows.tickets.fire_climbing import become_fire, lapse_if_due
from workflows.tickets.lifecycle import ENDED, TICKET
from workflows.tickets.model import FALSE_CAUSES, Ticket, TicketPhoto
from workflows.tickets.scope import require
from workflows.tickets.working import Step, act

ACT, WORK, MANAGE = "alarms.act", "tickets.work", "tickets.manage"
# Who mends a detector that rang without a reason.
MENDS = "maintenance"


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody found on the spot. photo_id: a photo of the ticket, taken there."""

    cause: str
    photo_id: UUID | None
    note: str = ""


def _row(session: Session, ticket: Ticket) -> FireAlarm:
    row = alarm_of(session, ticket)
    if row is None:
        raise Conflict(
            worded("ticket %(number)s is no fire alarm", number=ticket.number),
            advice=worded("Work it by the actions of its status."),
        )
    return row


def send_somebody(
    session: Session, caller: Caller, ticket: Ticket, sent: UUID, *, now: datetime
) -> None:
    """The control room has seen the alarm and sends somebody to look.

    Invalid for somebody who can't work tickets there; Conflict when it is past being seen.
    """
    caller.require(ACT, ticket.site_id)
    lapse_if_due(session, ticket, now=now)
    FIRE_ALARM.target("see", _row(session, ticket).state)
    if sent not in {one.id for one in able_people(session, ticket.site_id, WORK)}:
        raise Invalid(
            worded("nobody was sent"), problems=[worded("sent_id: choose somebody of this site")]
        )
    # Whoever takes or is given the ticket is on the way; see `note_taken`.
    own = sent == caller.person_id and ticket.state in TICKET.moves["accept"]
    step = Step("accept") if own else Step("assign", assignee_id=sent)
    act(session, ticket, step, person=caller.person_id, now=now)


def call_it_no_fire(
    session: Session, caller: Caller, ticket: Ticket, look: Look, *, now: datetime
) -> None:
    """Somebody looked on the spot: no fire, shown by a photo taken there, and what it was.

    The ticket is resolved as that, but for a faulty detector, which has to be mended. Invalid
    without a cause or a photo of one's own since the alarm began; Conflict when it is too late.
    """
    require(caller, WORK, ticket)
    lapse_if_due(session, ticket, now=now)
    row = _row(session, ticket)
    FIRE_ALARM.target("clear", row.state)
    _require_look(session, row, look, by=caller.person_id)
    _decide(session, ticket, row, "clear", look, person=caller.person_id, now=now)


def stand_down(
    session: Session, caller: Caller, ticket: Ticket, look: Look, *, now: datetime
) -> None:
    """Who answers for the site calls a fire off, with a photo since the alarm and what it was."""
    require(caller, MANAGE, ticket)
    lapse_if_due(session, ticket, now=now)
    row = _row(session, ticket)
    FIRE_ALARM.target("stand_down", row.state)
    _require_look(session, row, look, by=None)
    _decide(session, ticket, row, "stand_down", look, person=caller.person_id, now=now)


def _require_look(session: Session, row: FireAlarm, look: Look, *, by: UUID | None) -> None:
    problems = (
        [] if look.cause in CAUSES else [worded("cause: one of %(known)s", known=", ".join(CAUSES))]
    )
    photo = session.get(TicketPhoto, look.photo_id) if look.photo_id else None
    taken = photo is not None and photo.ticket_id == row.id and photo.at >= row.began_at
    if not taken or (by is not None and photo is not None and photo.author_id != by):
        problems.append(worded("photo: take one there, after the alarm"))
    if problems:
        raise Invalid(worded("the fire alarm stands"), problems=problems)


def _decide(
    session: Session,
    ticket: Ticket,
    row: FireAlarm,
    action: str,
    look: Look,
    *,
    person: UUID,
    now: datetime,
) -> None:
    seen = {} if row.seen_at else {"seen_at": now, "seen_by": person, "sent_id": person}
    decided = {"decided_at": now, "decided_by": person, "cause": look.cause}
    move(
        session,
        row,
        FIRE_ALARM,
        action,
        actor=events.Actor.person(person),
        learned_at=now,
        values={**seen, **decided, "photo_id": look.photo_id, "due_at": None},
        facts={"cause": look.cause, "photo": str(look.photo_id)},
    )
    _finish(session, ticket, look, person=person, now=now)


def _finish(session: Session, ticket: Ticket, look: Look, *, person: UUID, now: datetime) -> None:
    """End the search: resolved as what it was, or with those who mend the detector."""
    if ticket.state == "on_hold":
        act(session, ticket, Step("resume"), person=person, now=now)
    if look.cause == "sensor_fault":
        step = Step("assign", look.note, team=MENDS)
        act(session, ticket, step, person=person, now=now)
        return
    if ticket.state == "open":
        act(session, ticket, Step("start"), person=person, now=now)
    false = look.cause in FALSE_CAUSES
    step = Step(
        "resolve",
        look.note,
        verdict="false" if false else look.cause,
        cause=look.cause if false else None,
    )
    act(session, ticket, step, person=person, now=now)


def press_fire(session: Session, caller: Caller, ticket: Ticket, *, now: datetime) -> None:
    """FIRE: one press, and everybody is told. Pressing it again changes nothing.

    Also after somebody said that it was none, as long as the ticket has not ended.
    """
    require(caller, WORK, ticket)
    lapse_if_due(session, ticket, now=now)
    row = _row(session, ticket)
    if row.state in BURNING:
        return
    if ticket.state in ENDED:
        raise Conflict(
            worded(
                "ticket %(number)s has ended (%(state)s)", number=ticket.number, state=ticket.state
            ),
            advice=worded("Open a ticket of the category fire_alarm."),
        )
    if ticket.state in TICKET.moves["reopen"]:
        act(session, ticket, Step("reopen", "FIRE"), person=caller.person_id, now=now)
    become_fire(
        session,
        ticket,
        row,
        "fire",
        why="pressed",
        happened_at=now,
        now=now,
        actor=events.Actor.person(caller.person_id),
    )


def answer_fire(session: Session, ticket: Ticket, *, person: UUID, now: datetime) -> None:
    """Somebody takes the fire on: it sounds no more. Conflict when there is none to take on.

    The ticket becomes theirs unless somebody has it. The caller has judged that they may.
    """
    lapse_if_due(session, ticket, now=now)
    FIRE_ALARM.target("answer", _row(session, ticket).state)
    free = ticket.state in TICKET.moves["accept"] and ticket.assignee_id in (None, person)
    if free:
        # Taking the ticket answers its fire; see `note_taken`.
        act(session, ticket, Step("accept"), person=person, now=now)
    else:
        take_on(session, _row(session, ticket), person=person, now=now)


def due_alarms(session: Session, *, now: datetime) -> list[UUID]:
    """The tickets whose short clock has run out, the first one first."""
    statement = (
        select(FireAlarm.id)
        .where(FireAlarm.due_at <= now, FireAlarm.state.in_(RUNNING))
        .order_by(FireAlarm.due_at)
    )
    return list(session.scalars(statement))


def pass_on(session: Session, ticket_id: UUID, *, now: datetime, actor: events.Actor) -> bool:
    """Pass an alarm whose clock ran out on as a fire; returns whether it did.

    The ticket is locked before its alarm, as every other step does it; one that somebody holds
    right now is left to the next look.
    """
    statement = (
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .with_for_update(of=Ticket, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    ticket = session.scalars(statement).first()
    return ticket is not None and lapse_if_due(session, ticket, now=now, actor=actor)
