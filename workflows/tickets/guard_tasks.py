"""Tasks for guards: an alarm asks for somebody on duty who goes and looks.

A ticket of a rule that the terms of its site name has a row here, with the ticket's own id. It says
what is to happen next and when, so whoever restarts finds the same moment. Whom it is offered to
and what follows is done in workflows/patrol/tasks.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Table, Text, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from workflows.tickets.model import Ticket
from workflows.tickets.promises import terms_at
from workflows.tickets.sos import CATEGORIES as CALLS

# Nobody goes yet.
SEEKING = ("seeking", "offered", "passed_up")
GOING = ("accepted", "arrived")
OPEN = (*SEEKING, *GOING)
# What a guard is taken up by.
STANDING = ("offered", "accepted")

GUARD_TASK = Lifecycle(
    "guard_task",
    {
        "offer": {"seeking": "offered", "passed_up": "offered"},
        # They said no, did not answer in time, or are needed where they stand.
        "pass_on": {"offered": "seeking"},
        # Nobody is left who could go: whoever leads them is told.
        "pass_up": {"seeking": "passed_up"},
        # A supervisor sends somebody, or goes; whoever had it before has it no more.
        "send": dict.fromkeys((*SEEKING, "accepted"), "accepted"),
        "accept": {"offered": "accepted"},
        # Whoever went can't go on.
        "give_back": {"accepted": "seeking"},
        # They are not there in time.
        "late": {"accepted": "accepted"},
        "arrive": {"accepted": "arrived"},
        # What was scanned without signal is told after it was over.
        "annex": {"over": "over"},
        # Whoever went says that it is done.
        "finish": dict.fromkeys(GOING, "over"),
        # The ticket is done with, its alarm cleared, nobody is here, or a supervisor says so.
        "call_off": dict.fromkeys(OPEN, "over"),
        # The fault showed itself anew.
        "again": {"over": "seeking"},
    },
)
GUARD_OFFER = Lifecycle(
    "guard_offer",
    {
        "accept": {"offered": "accepted"},
        # Also on the way: who gives it back is not asked again.
        "pass": dict.fromkeys(STANDING, "passed"),
        "lapse": {"offered": "lapsed"},
        "withdraw": dict.fromkeys(STANDING, "withdrawn"),
        "finish": {"accepted": "done"},
    },
)
_STANDS = text("state <> 'over'")
_TAKEN_UP = text("state IN ('offered', 'accepted')")


class GuardTask(Base):
    """That somebody goes and looks at the alarm of a ticket. id: that of the ticket.

    run: how often the fault asked for somebody anew. due_at: when the next step is taken; NULL =
    time asks for nothing. began_at: when it was asked for. person_id: whom it is offered to, or who
    goes. why: of one that is over, what ended it. arrived_by: scan, or said by hand. proof: of an
    arrival by scan: checkpoint, grade, kind, and how near that is to what raised the alarm.
    """

    __tablename__ = "guard_task"

    id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    run: Mapped[int] = mapped_column(Integer, default=1)
    began_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    offered_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    late_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived_by: Mapped[str | None] = mapped_column(String(8))
    scan_id: Mapped[UUID | None] = mapped_column(ForeignKey("scan.id"))
    proof: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    passed_up_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str | None] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        # Few stand among all that ever were; each look goes through these.
        Index("ix_guard_task_standing", "id", sqlite_where=_STANDS, postgresql_where=_STANDS),
        Index("ix_guard_task_site_began", "site_id", "began_at", "id"),
    )


class GuardOffer(Base):
    """That a task was offered to somebody, or given to them, and what they answered.

    number: the how-manieth of the task. by_id: the supervisor who sent them; NULL = nearest.
    near: why they are thought to be near: {"how", "seconds", "age_s", "checkpoint"}. reason: why
    they passed it on, or why it was taken from them.
    """

    __tablename__ = "guard_offer"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    task_id: Mapped[UUID] = mapped_column(ForeignKey("guard_task.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    run: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    offered_at: Mapped[datetime] = mapped_column(Instant)
    answer_by: Mapped[datetime | None] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    near: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        Index("uq_guard_offer_task_number", "task_id", "number", unique=True),
        # Nobody is sent to two places at once, whoever sends them at the same moment.
        Index(
            "uq_guard_offer_taken_up",
            "person_id",
            unique=True,
            sqlite_where=_TAKEN_UP,
            postgresql_where=_TAKEN_UP,
        ),
    )


_INSERT = insert(cast(Table, GuardTask.__table__))


def asks_for_guard(
    session: Session,
    site_id: UUID,
    *,
    rule_id: str | None,
    kind: str,
    category: str,
    priority: str,
    life_safety: bool,
) -> bool:
    """Whether somebody is to go and look at what a ticket is about, by the terms of its site.

    Only alarms send guards; a call for help has a chain of its own.
    """
    if rule_id is None or (life_safety and category in CALLS):
        return False
    terms = terms_at(session, site_id).terms.guards
    return any(line.fits(kind, category, priority, life_safety) for line in terms.send)


def begin(session: Session, ticket_id: UUID, site_id: UUID, now: datetime) -> None:
    """Let a ticket that was just opened ask for a guard, at the next look."""
    row = {"id": ticket_id, "site_id": site_id, "state": "seeking", "version": 1, "run": 1}
    session.connection().execute(_INSERT, {**row, "began_at": now, "due_at": now, "reason": ""})


def task_of(session: Session, ticket_id: UUID) -> GuardTask | None:
    """The task of a ticket as it stands; None where it never asked for a guard."""
    session.flush()
    return session.get(GuardTask, ticket_id, populate_existing=True)


# What one run wrote down, and the next begins without.
_OF_A_RUN = (
    *("person_id", "offered_at", "accepted_at", "late_at", "arrived_at", "arrived_by", "scan_id"),
    *("proof", "passed_up_at", "ended_at", "why"),
)


def ask_again(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> None:
    """The fault of a ticket showed itself anew: somebody is to look once more."""
    row = task_of(session, ticket.id)
    if row is None or row.state != "over":
        return
    values = {**dict.fromkeys(_OF_A_RUN), "run": row.run + 1, "began_at": now, "due_at": now}
    move(
        session,
        row,
        GUARD_TASK,
        "again",
        actor=actor,
        learned_at=now,
        values={**values, "reason": ""},
        facts={"run": row.run + 1},
    )


def called_away(session: Session, people: Collection[UUID]) -> set[UUID]:
    """Who of some people is asked to go somewhere, or goes."""
    statement = select(GuardOffer.person_id).where(
        GuardOffer.person_id.in_(people), GuardOffer.state.in_(STANDING)
    )
    return set(session.scalars(statement))
