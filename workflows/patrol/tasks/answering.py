"""What people do with a task: take it, pass it on, give it back, finish it; send somebody."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.lifecycle import move
from core.local_time import zone
from core.people import Caller
from core.places import Node
from core.teams import may_do
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.posts.manning import can_be_spared
from workflows.patrol.rounds.model import Round
from workflows.patrol.tasks.candidates import candidates, lock_posts
from workflows.patrol.tasks.offering import (
    end_task,
    free,
    give_up,
    make_offer,
    pass_on,
    take_on,
)
from workflows.patrol.tasks.pausing import pause_rounds
from workflows.tickets.guard_tasks import GOING, GUARD_TASK, OPEN, GuardOffer, GuardTask
from workflows.tickets.lifecycle import TICKET
from workflows.tickets.model import Ticket
from workflows.tickets.promises import terms_at
from workflows.tickets.scope import scope_of
from workflows.tickets.working import Step, act

# Who sends guards, and calls a task off.
SEND = "tickets.dispatch"
# Why somebody passes a task on, in the order of their buttons.
REASONS = ("busy", "too_far", "post", "unwell", "other")
LONGEST_REASON = 500


def find_task(session: Session, caller: Caller, task_id: UUID) -> tuple[GuardTask, Ticket]:
    """A task that the caller may see, locked behind its ticket. NotFound otherwise.

    Seen is it by whoever sees its ticket, and by whoever it is, or was, offered to.
    """
    statement = select(Ticket).where(Ticket.id == task_id).with_for_update(of=Ticket)
    ticket = session.scalars(statement.execution_options(populate_existing=True)).first()
    row = session.get(GuardTask, task_id, populate_existing=True) if ticket else None
    if row is None or ticket is None or not may_see(session, caller, row):
        raise NotFound(
            worded("there is no such task"), advice=worded("Look at the tickets of the site.")
        )
    return row, ticket


def own_task(session: Session, caller: Caller, task_id: UUID) -> tuple[GuardTask, Ticket]:
    """The same, for somebody who goes there: NotAllowed for whoever may not scan at its site."""
    row, ticket = find_task(session, caller, task_id)
    caller.require(SCAN, row.site_id)
    return row, ticket


def may_see(session: Session, caller: Caller, row: GuardTask) -> bool:
    """Whether somebody may know of a task."""
    seen = select(GuardTask.id).join(Ticket, Ticket.id == GuardTask.id)
    return session.scalar(seen.where(GuardTask.id == row.id, shown_to(caller))) is not None


def shown_to(caller: Caller) -> ColumnElement[bool]:
    """Which tasks somebody may know of, in SQL, where their tickets are joined."""
    asked = select(GuardOffer.task_id).where(GuardOffer.person_id == caller.person_id)
    mine = and_(GuardTask.id.in_(asked), GuardTask.site_id.in_(caller.sites_for(SCAN)))
    return or_(mine, scope_of(caller).condition())


def accept(session: Session, caller: Caller, task_id: UUID, *, now: datetime) -> GuardTask:
    """Whoever it is offered to goes. Again changes nothing.

    Conflict where it is not theirs any more. Where they are needed at their post by now it is
    passed on: whoever calls commits that, and then refuses with `needed`.
    """
    row, ticket = own_task(session, caller, task_id)
    person = caller.person_id
    if row.person_id == person and row.state in GOING:
        return row
    if row.person_id != person or row.state != "offered":
        raise passed_on()
    # Scans lock rounds before posts.
    _lock_rounds(session, [person])
    lock_posts(session, row.site_id)
    actor = events.Actor.person(person)
    if not can_be_spared(session, person, now):
        pass_on(session, row, "withdraw", "needed", now=now, actor=events.SYSTEM)
        return row
    take_on(session, row, now=now, actor=actor)
    _follow(session, row, ticket, person, now=now)
    return row


def passed_on() -> Conflict:
    """The refusal of whoever answers too late."""
    return Conflict(
        worded("this task is not yours to answer any more"),
        advice=worded("It was passed on, or somebody else goes. Stay where you are."),
    )


def needed() -> Conflict:
    """The refusal of whoever would leave their post with too few."""
    return Conflict(
        worded("you are needed where you stand: your post has no more than its minimum crew"),
        advice=worded("Stay there. Somebody else is asked."),
    )


def _lock_rounds(session: Session, people: Collection[UUID]) -> None:
    """The rounds that they go, or that wait for them, whatever became of these meanwhile."""
    statement = select(Round.id).where(
        Round.person_id.in_(people),
        or_(Round.state == "running", Round.paused_at.is_not(None)),
    )
    session.scalars(statement.order_by(Round.id).with_for_update()).all()


def _follow(
    session: Session, row: GuardTask, ticket: Ticket, person: UUID, *, now: datetime
) -> None:
    """A ticket of the guards' own team is whose it is who goes.

    That of another team stays with it: its pump is not repaired by whoever looks first.
    """
    ours = ticket.team == terms_at(session, row.site_id).terms.guards.team
    site = session.get_one(Node, row.site_id)
    today = now.astimezone(zone(site.time_zone)).date()
    free = ticket.assignee_id in (None, person) and ticket.state in TICKET.moves["accept"]
    if ours and free and may_do(session, person, ticket.category, today):
        act(session, ticket, Step("accept"), person=person, now=now)


def decline(
    session: Session, caller: Caller, task_id: UUID, reason: str, *, now: datetime
) -> GuardTask:
    """Pass it on; the next is asked at once. Again, or too late, changes nothing.

    reason: one of REASONS. Invalid for another one.
    """
    if reason not in REASONS:
        problems = [worded("reason: one of %(known)s", known=", ".join(REASONS))]
        raise Invalid(worded("it was not passed on"), problems=problems)
    row, _ = own_task(session, caller, task_id)
    if row.person_id == caller.person_id and row.state == "offered":
        actor = events.Actor.person(caller.person_id)
        pass_on(session, row, "pass", reason, now=now, actor=actor)
    return row


def give_back(
    session: Session, caller: Caller, task_id: UUID, reason: str, *, now: datetime
) -> GuardTask:
    """Whoever went can't go on, and the next is asked. Conflict for whoever is there already.

    reason: one of REASONS. Invalid for another one.
    """
    if reason not in REASONS:
        problems = [worded("reason: one of %(known)s", known=", ".join(REASONS))]
        raise Invalid(worded("it is still yours"), problems=problems)
    row, _ = own_task(session, caller, task_id)
    if row.person_id != caller.person_id:
        raise passed_on()
    actor = events.Actor.person(caller.person_id)
    GUARD_TASK.target("give_back", row.state)
    give_up(session, row, "pass", reason, now=now, actor=actor)
    return row


def finish(session: Session, caller: Caller, task_id: UUID, *, now: datetime) -> GuardTask:
    """Whoever went says that it is done, and is free again. Again changes nothing."""
    row, _ = own_task(session, caller, task_id)
    if row.state == "over" and row.person_id == caller.person_id:
        return row
    if row.person_id != caller.person_id:
        raise passed_on()
    if row.state not in GOING:
        GUARD_TASK.target("finish", row.state)
    actor = events.Actor.person(caller.person_id)
    end_task(session, row, "finished", now=now, actor=actor)
    return row


def send(
    session: Session, caller: Caller, task_id: UUID, person_id: UUID, *, now: datetime
) -> GuardTask:
    """A supervisor sends somebody, or goes themselves; whoever had it before has it no more.

    Conflict for who is needed at their post, calls for help or goes elsewhere, Invalid for somebody
    who is not on duty here; who sends themselves need not be.
    """
    row, ticket = find_task(session, caller, task_id)
    caller.require(SEND, row.site_id)
    GUARD_TASK.target("send", row.state)
    if row.state == "accepted" and row.person_id == person_id:
        return row
    # Of whoever had it, too, whose round goes on.
    _lock_rounds(session, [person_id, *([row.person_id] if row.person_id else [])])
    posts = lock_posts(session, row.site_id)
    found = candidates(session, ticket, run=row.run, now=now, posts=posts)
    chosen = next((one for one in found if one.person_id == person_id), None)
    own_offer = row.state == "offered" and row.person_id == person_id
    if chosen is None and person_id != caller.person_id:
        raise Invalid(
            worded("nobody was sent"), problems=[worded("person_id: nobody who is on duty here")]
        )
    if chosen is not None and chosen.why_not not in (None, "asked") and not own_offer:
        raise Conflict(_WHY_NOT[chosen.why_not], advice=worded("Send somebody else."))
    actor = events.Actor.person(caller.person_id)
    free(session, row, "withdraw", "sent", now=now, actor=actor)
    near = chosen.near.told(now) if chosen else {"how": "unknown"}
    by = caller.person_id
    offer = make_offer(session, row, person_id, "accepted", near, now=now, by=by)
    if offer is None:
        raise Conflict(_WHY_NOT["away"], advice=worded("Send somebody else."))
    within = terms_at(session, row.site_id).terms.guards.arrive_within
    values = {"person_id": person_id, "offered_at": now, "accepted_at": now, "late_at": None}
    told = [] if person_id == caller.person_id else [str(person_id)]
    move(
        session,
        row,
        GUARD_TASK,
        "send",
        actor=actor,
        learned_at=now,
        values={**values, "due_at": now + within},
        facts={"people": told, "person": str(person_id), "number": offer.number},
    )
    pause_rounds(session, person_id, now=now, actor=actor, task_id=row.id)
    _follow(session, row, ticket, person_id, now=now)
    return row


_WHY_NOT = {
    "away": worded("they are on the way to something else"),
    "needed": worded(
        "they are needed where they stand: the post has no more than its minimum crew"
    ),
    "calls": worded("they call for help themselves"),
}


def call_off(
    session: Session, caller: Caller, task_id: UUID, reason: str, *, now: datetime
) -> GuardTask:
    """Nobody has to go: a supervisor says why. Invalid without a reason, Conflict for one over."""
    row, _ = find_task(session, caller, task_id)
    caller.require(SEND, row.site_id)
    text = " ".join(reason.split())
    if not 1 <= len(text) <= LONGEST_REASON:
        problems = [worded("reason: 1 to %(most)s characters", most=LONGEST_REASON)]
        raise Invalid(worded("it was not called off"), problems=problems)
    if row.state not in OPEN:
        GUARD_TASK.target("call_off", row.state)
    actor = events.Actor.person(caller.person_id)
    end_task(session, row, "called_off", now=now, actor=actor, reason=text)
    return row
