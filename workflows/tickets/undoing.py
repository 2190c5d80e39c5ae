"""Taking back what was done to tickets a moment ago, to many at once or to one."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import able_people
from core.errors import Conflict, WatchkeeperError
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller
from rules.wording import worded
from workflows.tickets.bulk import (
    RIGHT_OF,
    UNDO_FOR,
    UNDOABLE,
    Doing,
    Result,
    TicketBatch,
    change_priority,
    claim_batch,
    find_batch,
    keep_results,
    refused,
    results_of,
    what_was,
)
from workflows.tickets.clocks import next_moment, recompute
from workflows.tickets.lifecycle import UNDOING
from workflows.tickets.model import Ticket
from workflows.tickets.passing import resumed
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require
from workflows.tickets.working import Step, act, check_version, edit

UNDO = "undo"


def undo_until(session: Session, batch: TicketBatch) -> datetime | None:
    """Until when a batch can be taken back; None where it can't be, or was."""
    if batch.action not in UNDOABLE or not any(result.done for result in results_of(batch)):
        return None
    taken = session.scalar(select(TicketBatch.id).where(TicketBatch.undoes_id == batch.id))
    return None if taken else batch.at + UNDO_FOR


def undo_many(session: Session, caller: Caller, batch_id: UUID, *, now: datetime) -> TicketBatch:
    """Put back what a batch of the caller's own changed, ticket by ticket.

    A ticket that was changed since is refused. Taken back twice it is the first time's batch.
    Conflict for what has no way back, or when it is too late.
    """
    batch = find_batch(session, caller, batch_id)
    if batch.action not in UNDOABLE:
        raise Conflict(
            worded("this can't be taken back"), advice=worded("Change the tickets one by one.")
        )
    undo = TicketBatch(
        id=new_id(),
        person_id=caller.person_id,
        action=UNDO,
        at=now,
        fingerprint="",
        results=[],
        undoes_id=batch.id,
    )
    earlier = claim_batch(session, undo)
    if earlier is not None:
        return earlier
    if now > batch.at + UNDO_FOR:
        minutes = int(UNDO_FOR.total_seconds() // 60)
        raise Conflict(
            worded("this can be taken back for %(minutes)s minutes only", minutes=minutes),
            advice=worded("Change the tickets one by one."),
        )
    done = sorted((one for one in results_of(batch) if one.done), key=lambda one: one.ticket_id)
    results = [_try(session, caller, one, batch.action, undo.id, now) for one in done]
    return keep_results(session, undo, results)


def _try(
    session: Session, caller: Caller, was: Result, action: str, undo_id: UUID, now: datetime
) -> Result:
    number, state = was.number, ""
    try:
        with session.begin_nested():
            ticket = find_ticket(session, caller, was.ticket_id, to_change=True)
            state = ticket.state
            require(caller, RIGHT_OF[action], ticket)
            check_version(ticket, was.version)
            if action == "priority":
                _put_priority_back(session, caller, ticket, was, undo_id, now)
            elif action == "hold":
                _end_hold(session, caller, ticket, was, undo_id, now)
            else:
                _put_assignment_back(session, caller, ticket, was, undo_id, now, action)
            return Result(was.ticket_id, number, done=True, version=ticket.version)
    except WatchkeeperError as error:
        return refused(was.ticket_id, number, state, UNDO, error)


def _put_priority_back(
    session: Session, caller: Caller, ticket: Ticket, was: Result, undo_id: UUID, now: datetime
) -> None:
    before = was.before or {}
    edit(
        session,
        ticket,
        {"priority": before["priority"]},
        person=caller.person_id,
        now=now,
        expected_version=None,
        batch=undo_id,
    )
    # Batches of before this was kept leave what the terms promise.
    for name, value in before.get("promised", {}).items():
        setattr(ticket, name, value)
    by = events.Actor.person(caller.person_id)
    recompute(session, ticket, now=now, actor=by, why="edit")
    session.flush()


def _end_hold(
    session: Session, caller: Caller, ticket: Ticket, was: Result, undo_id: UUID, now: datetime
) -> None:
    """The clocks stood still meanwhile, as for any hold."""
    if (was.before or {})["state"] != "assigned":
        step = Step("resume", batch=undo_id)
        act(session, ticket, step, person=caller.person_id, now=now)
        return
    actor = events.Actor.person(caller.person_id)
    move(
        session,
        ticket,
        UNDOING,
        "unhold",
        actor=actor,
        learned_at=now,
        values=resumed(ticket, now),
        facts={"batch": str(undo_id)},
    )
    recompute(session, ticket, now=now, actor=actor, why="resume")
    session.flush()


def _put_assignment_back(
    session: Session,
    caller: Caller,
    ticket: Ticket,
    was: Result,
    undo_id: UUID,
    now: datetime,
    action: str,
) -> None:
    """It is with whoever had it, and waits for them or for hands if it did before."""
    before = was.before or {}
    if ticket.life_safety:
        raise Conflict(
            worded("somebody was sent to look because of it; assign it to another instead")
        )
    if before["state"] == "on_hold":
        raise Conflict(worded("it was on hold before; put it on hold again"))
    person = UUID(before["assignee_id"]) if before["assignee_id"] else None
    # Batches of before this was kept did not touch it.
    responded = ticket.responded_at
    if action == "accept":
        responded = datetime.fromisoformat(was_at) if (was_at := before["responded_at"]) else None
    if before["state"] == "assigned":
        step = Step("assign", assignee_id=person, team=before["team"], batch=undo_id)
        act(session, ticket, step, person=caller.person_id, now=now)
        _wait_again(session, ticket, responded)
        return
    able = {one.id for one in able_people(session, ticket.site_id, "tickets.work")}
    if person is not None and person not in able:
        raise Conflict(worded("whoever had it works here no more"))
    move(
        session,
        ticket,
        UNDOING,
        _way_back(before["state"], action),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"assignee_id": person, "team": before["team"]},
        facts={"batch": str(undo_id)},
    )
    _wait_again(session, ticket, responded)


def _way_back(state: str, action: str) -> str:
    if state != "open":
        return "give_back"
    return "release" if action == "accept" else "unassign"


def _wait_again(session: Session, ticket: Ticket, responded: datetime | None) -> None:
    """The clock of the response goes on, where what answered it is taken back."""
    ticket.responded_at = responded
    ticket.next_due = next_moment(ticket)
    session.flush()


def act_undoably(
    session: Session,
    caller: Caller,
    ticket: Ticket,
    step: Step,
    *,
    doing: Doing,
    now: datetime,
    expected_version: int | None = None,
) -> TicketBatch:
    """One of the actions of UNDOABLE on one ticket, kept like one on many so that it can be undone.

    doing: how the ticket is acted on. Raises whatever refuses it.
    """
    batch, before = _one(caller, step.action, now), what_was(ticket, step.action)
    step = replace(step, batch=batch.id)
    doing(
        session,
        ticket,
        step,
        person=caller.person_id,
        now=now,
        expected_version=expected_version,
    )
    return _keep_one(session, batch, ticket, before)


def edit_priority_undoably(
    session: Session,
    caller: Caller,
    ticket: Ticket,
    priority: str,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> TicketBatch:
    """Change the priority of one ticket so that it can be undone; refused by `change_priority`."""
    batch, before = _one(caller, "priority", now), what_was(ticket, "priority")
    change_priority(
        session,
        ticket,
        priority,
        person=caller.person_id,
        now=now,
        batch=batch.id,
        expected_version=expected_version,
    )
    return _keep_one(session, batch, ticket, before)


def _one(caller: Caller, action: str, now: datetime) -> TicketBatch:
    return TicketBatch(
        id=new_id(),
        person_id=caller.person_id,
        action=action,
        at=now,
        fingerprint="",
        results=[],
    )


def _keep_one(
    session: Session, batch: TicketBatch, ticket: Ticket, before: dict[str, Any] | None
) -> TicketBatch:
    claim_batch(session, batch)
    done = Result(ticket.id, ticket.number, done=True, version=ticket.version, before=before)
    return keep_results(session, batch, [done])


def offers_undo(session: Session, batch: TicketBatch, ticket: Ticket, *, now: datetime) -> bool:
    """Whether what was done to one ticket can be taken back now, as far as one can tell."""
    until = undo_until(session, batch)
    results = {result.ticket_id: result for result in results_of(batch)}
    was = results.get(ticket.id)
    if until is None or until <= now or len(results) != 1 or was is None:
        return False
    lost = ticket.life_safety or (was.before or {}).get("state") == "on_hold"
    if lost and batch.action in ("accept", "assign"):
        return False
    return was.version == ticket.version
