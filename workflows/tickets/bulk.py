"""One action on many tickets: each is judged by itself, and what became of each is on record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import from_micros
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale, WatchkeeperError
from core.local_time import resolve, zone
from core.people import Caller
from core.places import Node
from rules.wording import all_in_one, packed, unpacked, worded
from workflows.tickets.lifecycle import TICKET
from workflows.tickets.model import PRIORITIES, Ticket
from workflows.tickets.reading import find_ticket
from workflows.tickets.rights import LONG_HOLD, RIGHT_OF_ACTION
from workflows.tickets.scope import READ, holds, of_tickets, require
from workflows.tickets.working import NEEDS_REASON, Step, add_note, check_version, edit

# As many as a list shows at once: they are changed in one transaction, for which others wait.
MOST_AT_ONCE = 200
# The moves that make sense for many: each says the same of all of them.
MOVES = (
    *("accept", "assign", "hold", "resume", "resolve", "verify"),
    *("close", "reopen", "cancel", "merge"),
)
# How one ticket is acted on, as `working.act` does it; accepting may do more than that.
Doing = Callable[..., object]
RIGHT_OF: Mapping[str, str] = {
    **{action: RIGHT_OF_ACTION[action] for action in MOVES},
    "priority": "tickets.work",
    "note": "tickets.work",
}
UNDOABLE = ("accept", "assign", "hold", "priority")
UNDO_FOR = timedelta(minutes=15)
PROMISED = ("respond_within", "resolve_within", "calendar")
KEPT_FOR = timedelta(days=7)


class TicketBatch(Base):
    """Something that somebody did to many tickets at once.

    fingerprint: of the form that asked for it, so that another one under the same id is noticed.
    results: for each ticket what became of it (`Result`). undoes_id: which one this takes back.
    into_id: the ticket into which the others were merged.
    """

    __tablename__ = "ticket_batch"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket_batch.id"), unique=True)
    into_id: Mapped[UUID | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ticket of many. version: as it was read; None where that does not matter."""

    id: UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to many tickets. id: the same again does nothing twice.

    into_id: with merge, the one of the tickets that stays. until_local: the end of a hold by the
    clocks of each ticket's own site. The rest as in `Step`.
    """

    id: UUID
    action: str
    tickets: Sequence[Wanted]
    note: str = ""
    assignee_id: UUID | None = None
    team: str | None = None
    priority: str | None = None
    verdict: str | None = None
    cause: str | None = None
    until: datetime | None = None
    until_local: datetime | None = None
    public: bool = False
    fingerprint: str = ""
    into_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one ticket of many.

    reason: why nothing was done: not_found, not_allowed, changed, state or other; else empty.
    detail: the same in words. state: the ticket's status, where that is why. version: afterwards.
    before: what an undo puts back.
    """

    ticket_id: UUID
    number: int | None
    done: bool
    reason: str = ""
    detail: str = ""
    state: str = ""
    version: int | None = None
    before: Mapping[str, Any] | None = None

    def written(self) -> dict[str, Any]:
        """As a batch keeps it."""
        return {
            "ticket_id": str(self.ticket_id),
            "number": self.number,
            "done": self.done,
            "reason": self.reason,
            "detail": packed(self.detail),
            "state": self.state,
            "version": self.version,
            "before": dict(self.before) if self.before else None,
        }


def results_of(batch: TicketBatch) -> list[Result]:
    """What became of each ticket, by number."""
    return [
        Result(**{**row, "ticket_id": UUID(row["ticket_id"]), "detail": unpacked(row["detail"])})
        for row in batch.results
    ]


def act_on_many(
    session: Session, caller: Caller, order: Order, *, doing: Doing, now: datetime
) -> TicketBatch:
    """Do one thing to many tickets; each is refused or done by itself, wholly.

    doing: how one ticket is acted on.

    The same order again changes nothing and returns the first one's batch. Invalid when the order
    could be obeyed for no ticket at all.
    """
    caller.require_anywhere(READ)
    _require_sense(order, now)
    batch = TicketBatch(
        id=order.id,
        person_id=caller.person_id,
        action=order.action,
        at=now,
        fingerprint=order.fingerprint,
        results=[],
    )
    earlier = claim_batch(session, batch)
    if earlier is not None:
        return earlier
    if order.into_id is not None:
        _require_target(session, caller, order)
        batch.into_id = order.into_id
    versions = {wanted.id: wanted.version for wanted in order.tickets}
    # In the same order everywhere, so that two who change the same tickets never wait for each
    # other in a circle.
    results = [
        _try(session, caller, Wanted(ticket_id, versions[ticket_id]), order, doing, now)
        for ticket_id in sorted(versions)
        if ticket_id != order.into_id
    ]
    return keep_results(session, batch, results)


def _require_sense(order: Order, now: datetime) -> None:
    problems: list[str] = []
    if order.action not in RIGHT_OF:
        problems.append(worded("action: one of %(known)s", known=", ".join(RIGHT_OF)))
    if not 0 < len(order.tickets) <= MOST_AT_ONCE:
        problems.append(worded("tickets: 1 to %(most)s at once", most=MOST_AT_ONCE))
    if (order.action in NEEDS_REASON or order.action == "note") and not order.note.strip():
        problems.append(worded("note: missing"))
    if order.action == "assign" and order.assignee_id is None and not order.team:
        problems.append(worded("assignee_id: name a person or a team"))
    if order.action == "priority" and order.priority not in PRIORITIES:
        problems.append(worded("priority: one of %(known)s", known=", ".join(PRIORITIES)))
    if order.action == "hold" and order.until is None and order.until_local is None:
        problems.append(worded("until: missing"))
    if order.until is not None and order.until <= now:
        problems.append(worded("until: has passed"))
    problems += _merge_problems(order)
    if problems:
        raise Invalid(worded("nothing was changed"), problems=problems)


def _merge_problems(order: Order) -> list[str]:
    if order.action != "merge":
        return [] if order.into_id is None else [worded("into_id: only to merge")]
    chosen = {wanted.id for wanted in order.tickets}
    if order.into_id not in chosen:
        return [worded("into_id: one of the tickets")]
    return [] if len(chosen) > 1 else [worded("tickets: at least two")]


def _require_target(session: Session, caller: Caller, order: Order) -> None:
    """Lock what is merged and the ticket that stays. Invalid when the caller can't see that one.

    All of them before the first is changed, in one order: each merge writes to the one that stays.
    """
    ids = [wanted.id for wanted in order.tickets]
    statement = of_tickets(select(Ticket.id).where(Ticket.id.in_(ids)), caller)
    locked = statement.order_by(Ticket.id).with_for_update(of=Ticket, key_share=True)
    if order.into_id not in set(session.scalars(locked)):
        problem = worded("into_id: it is not there, or not yours to see")
        raise Invalid(worded("nothing was changed"), problems=[problem])


def claim_batch(session: Session, batch: TicketBatch) -> TicketBatch | None:
    """Begin a batch; the earlier one where the same was sent before, or is under way.

    Of two at the same moment the second waits for the first one's transaction. Conflict when the
    earlier one was something else.
    """
    session.execute(delete(TicketBatch).where(TicketBatch.undoes_id.in_(_old(batch.at))))
    session.execute(delete(TicketBatch).where(TicketBatch.id.in_(_old(batch.at))))
    try:
        with session.begin_nested():
            session.add(batch)
    except IntegrityError:
        same = TicketBatch.id == batch.id
        if batch.undoes_id is not None:
            same = TicketBatch.undoes_id == batch.undoes_id
        earlier = session.scalars(select(TicketBatch).where(same)).one()
        theirs = earlier.person_id != batch.person_id
        if theirs or earlier.fingerprint != batch.fingerprint:
            raise Conflict(
                worded("this form was used for something else"),
                advice=worded("Load the page again."),
            ) from None
        return earlier
    return None


def _old(now: datetime) -> Any:
    return select(TicketBatch.id).where(TicketBatch.at < now - KEPT_FOR)


def keep_results(session: Session, batch: TicketBatch, results: Sequence[Result]) -> TicketBatch:
    """Write down what became of each ticket, by number."""
    ranked = sorted(results, key=lambda result: (result.number is None, result.number))
    batch.results = [result.written() for result in ranked]
    session.flush()
    return batch


def _try(
    session: Session, caller: Caller, wanted: Wanted, order: Order, doing: Doing, now: datetime
) -> Result:
    """One ticket: done wholly, or refused with its reason and as it was."""
    number, state = None, ""
    try:
        with session.begin_nested():
            ticket = find_ticket(session, caller, wanted.id, to_change=True)
            number, state = ticket.number, ticket.state
            require(caller, RIGHT_OF[order.action], ticket)
            if order.action != "note":
                check_version(ticket, wanted.version)
            before = what_was(ticket, order.action)
            _do(session, caller, ticket, order, doing, now)
            return Result(wanted.id, number, done=True, version=ticket.version, before=before)
    except WatchkeeperError as error:
        return refused(wanted.id, number, state, order.action, error)


def refused(
    ticket_id: UUID, number: int | None, state: str, action: str, error: WatchkeeperError
) -> Result:
    """Why nothing was done to a ticket."""
    detail = error.detail
    if problems := all_in_one(getattr(error, "problems", ())):
        detail = worded("%(detail)s (%(problems)s)", detail=detail, problems=problems)
    if isinstance(error, NotFound):
        reason = "not_found"
    elif isinstance(error, Stale):
        reason = "changed"
    elif isinstance(error, NotAllowed) and action != "hold":
        reason = "not_allowed"
    elif action in TICKET.moves and state not in TICKET.moves[action]:
        reason = "state"
    else:
        reason = "other"
    return Result(ticket_id, number, done=False, reason=reason, detail=detail, state=state)


def what_was(ticket: Ticket, action: str) -> dict[str, Any] | None:
    """What an undo of the action puts back; None where there is no way back."""
    if action == "priority":
        # A rule may have promised something else than the terms of the site do.
        promised = {name: getattr(ticket, name) for name in PROMISED}
        return {"priority": ticket.priority, "promised": promised}
    if action == "hold":
        return {"state": ticket.state}
    if action in ("accept", "assign"):
        assignee = str(ticket.assignee_id) if ticket.assignee_id else None
        responded = ticket.responded_at.isoformat() if ticket.responded_at else None
        return {
            "state": ticket.state,
            "assignee_id": assignee,
            "team": ticket.team,
            "responded_at": responded,
        }
    return None


def _do(
    session: Session, caller: Caller, ticket: Ticket, order: Order, doing: Doing, now: datetime
) -> None:
    person = caller.person_id
    if order.action == "note":
        add_note(
            session,
            ticket,
            order.note,
            author=person,
            now=now,
            public=order.public,
            batch=order.id,
        )
    elif order.action == "priority":
        change_priority(
            session, ticket, order.priority or "", person=person, now=now, batch=order.id
        )
    else:
        if order.action == "accept" and ticket.responded_at and ticket.assignee_id == person:
            raise Conflict(worded("you have accepted it already"))
        doing(session, ticket, _step(session, caller, ticket, order), person=person, now=now)


def change_priority(
    session: Session,
    ticket: Ticket,
    priority: str,
    *,
    person: UUID,
    now: datetime,
    batch: UUID,
    expected_version: int | None = None,
) -> None:
    """Give a ticket another priority. Conflict when its work is done, or it has it already."""
    check_version(ticket, expected_version)
    if ticket.state not in TICKET.moves["cancel"]:
        raise Conflict(worded("a ticket that is %(state)s keeps its priority", state=ticket.state))
    if ticket.priority == priority:
        raise Conflict(worded("it has this priority already"))
    edit(
        session,
        ticket,
        {"priority": priority},
        person=person,
        now=now,
        expected_version=expected_version,
        batch=batch,
    )


def _step(session: Session, caller: Caller, ticket: Ticket, order: Order) -> Step:
    until = order.until
    if order.action == "hold" and until is None and order.until_local is not None:
        site = session.get_one(Node, ticket.site_id)
        until = from_micros(resolve(order.until_local, zone(site.time_zone)))
    return Step(
        order.action,
        order.note,
        assignee_id=order.assignee_id,
        team=order.team,
        into_id=order.into_id,
        verdict=order.verdict,
        cause=order.cause,
        until=until,
        long=holds(caller, LONG_HOLD, ticket),
        public=order.public,
        batch=order.id,
    )


def find_batch(session: Session, caller: Caller, batch_id: UUID) -> TicketBatch:
    """One of the caller's own batches. NotFound for any other."""
    statement = select(TicketBatch).where(
        TicketBatch.id == batch_id, TicketBatch.person_id == caller.person_id
    )
    batch = session.scalars(statement).first()
    if batch is None:
        raise NotFound(
            worded("there is no such batch"), advice=worded("Look at the tickets themselves.")
        )
    return batch
