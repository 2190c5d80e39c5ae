"""Offering a task: to the nearest who can be spared, to the next, and at last to supervisors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.ids import new_id
from core.lifecycle import move
from core.people import Person
from core.rosters import bosses
from workflows.patrol.tasks.candidates import Candidate, candidates, lock_posts, uses_guards
from workflows.patrol.tasks.pausing import pause_rounds, resume_rounds
from workflows.tickets.guard_tasks import (
    GUARD_OFFER,
    GUARD_TASK,
    OPEN,
    SEEKING,
    STANDING,
    GuardOffer,
    GuardTask,
)
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket
from workflows.tickets.promises import GuardTerms, terms_at

# Nobody has to go to a ticket any more.
DONE = (*ENDED, "resolved", "verified")
_CLEARED = and_(
    GuardTask.state.in_(SEEKING), Ticket.recovered_at.is_not(None), Ticket.life_safety.is_(False)
)


def due_tasks(session: Session, *, now: datetime) -> list[UUID]:
    """The tasks that something is to be done about now, what is about lives first.

    Of the rest the one that waits longest: guards are few, and whoever goes is not called back.
    """
    statement = (
        select(GuardTask.id)
        .join(Ticket, Ticket.id == GuardTask.id)
        .where(
            GuardTask.state != "over",
            or_(
                GuardTask.due_at <= now,
                Ticket.state.in_(DONE),
                _CLEARED,
                and_(
                    GuardTask.state == "offered",
                    Ticket.assignee_id == GuardTask.person_id,
                    Ticket.responded_at.is_not(None),
                ),
                and_(GuardTask.state.in_(STANDING), GuardTask.person_id.in_(_gone(now))),
            ),
        )
        .order_by(Ticket.life_safety.desc(), GuardTask.due_at, GuardTask.id)
    )
    return list(session.scalars(statement))


def _gone(now: datetime) -> Select[UUID]:
    """Those who are with us no more."""
    return select(Person.id).where(Person.left_at <= now)


def step(session: Session, task_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Do the one thing that time asks of a task, however late; returns whether it did something."""
    # The ticket is locked before its task; one that somebody holds is left to the next look.
    statement = (
        select(Ticket)
        .where(Ticket.id == task_id)
        .with_for_update(of=Ticket, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    ticket = session.scalars(statement).first()
    if ticket is None:
        return 0
    row = session.get_one(GuardTask, task_id, populate_existing=True)
    return _Step(session, ticket, row, now, actor).take()


class _Step:
    """One look at one task, whose ticket is locked."""

    def __init__(
        self,
        session: Session,
        ticket: Ticket,
        row: GuardTask,
        now: datetime,
        actor: events.Actor,
    ) -> None:
        self._session = session
        self._ticket = ticket
        self._row = row
        self._now = now
        self._actor = actor
        self._terms: GuardTerms = terms_at(session, row.site_id).terms.guards

    def take(self) -> int:
        """What is to be done now; 0 for nothing."""
        row, ticket = self._row, self._ticket
        if row.state not in OPEN:
            return 0
        if ticket.state in DONE:
            return end_task(self._session, row, "ended", now=self._now, actor=self._actor)
        if row.state in SEEKING and ticket.recovered_at is not None and not ticket.life_safety:
            return end_task(self._session, row, "cleared", now=self._now, actor=self._actor)
        if row.state == "offered" and ticket.responded_at and ticket.assignee_id == row.person_id:
            # They took the ticket itself, which says the same.
            take_on(self._session, row, now=self._now, actor=self._actor)
            return 1
        if row.state in STANDING and self._has_left():
            # The alarm waits for somebody else, and their round for nobody.
            return self._seek()
        if row.due_at is None or row.due_at > self._now:
            return 0
        if row.state == "accepted":
            return self._late()
        if row.state == "offered":
            pass_on(self._session, row, "lapse", "", now=self._now, actor=self._actor)
        return self._seek()

    def _has_left(self) -> bool:
        """Whether whoever has it left us; then it is taken from them."""
        row = self._row
        gone = select(Person.id).where(Person.id == row.person_id, Person.id.in_(_gone(self._now)))
        if self._session.scalar(gone) is None:
            return False
        if row.state == "offered":
            pass_on(self._session, row, "withdraw", "", now=self._now, actor=self._actor)
        else:
            give_up(self._session, row, "withdraw", "", now=self._now, actor=self._actor)
        return True

    def _seek(self) -> int:
        team = self._terms.team
        if not uses_guards(self._session, self._row.site_id, team, self._now):
            return end_task(self._session, self._row, "no_guards", now=self._now, actor=self._actor)
        posts = lock_posts(self._session, self._row.site_id)
        found = candidates(
            self._session, self._ticket, run=self._row.run, now=self._now, posts=posts
        )
        for one in found:
            if one.why_not is None and self._offer(one):
                return 1
        return self._pass_up(found)

    def _offer(self, one: Candidate) -> bool:
        """Offer it to somebody; False where somebody else took them up at this moment."""
        answer_by = self._now + self._terms.answer_within
        near = one.near.told(self._now)
        offer = make_offer(
            self._session, self._row, one.person_id, "offered", near, now=self._now,
            answer_by=answer_by,
        )  # fmt: skip
        if offer is None:
            return False
        move(
            self._session,
            self._row,
            GUARD_TASK,
            "offer",
            actor=self._actor,
            learned_at=self._now,
            values={"person_id": one.person_id, "offered_at": self._now, "due_at": answer_by},
            facts={
                "people": [str(one.person_id)],
                "number": offer.number,
                "answer_by": answer_by.isoformat(),
                "near": near,
            },
        )
        return True

    def _pass_up(self, found: Sequence[Candidate]) -> int:
        """Nobody can be sent: whoever leads them is told once, and it is looked again."""
        again = self._now + self._terms.again_every
        if self._row.state == "passed_up":
            self._row.due_at = again
            self._session.flush()
            return 0
        counts: dict[str, int] = {}
        for one in found:
            counts[one.why_not or "away"] = counts.get(one.why_not or "away", 0) + 1
        told = self._row.passed_up_at is not None
        people = [] if told else bosses(self._session, self._row.site_id)
        move(
            self._session,
            self._row,
            GUARD_TASK,
            "pass_up",
            actor=self._actor,
            learned_at=self._now,
            values={"passed_up_at": self._row.passed_up_at or self._now, "due_at": again},
            facts={"people": [str(one) for one in people], "on_duty": counts},
        )
        return 1

    def _late(self) -> int:
        """Whoever went is not there in time: those who lead them are told, once."""
        people = bosses(self._session, self._row.site_id)
        move(
            self._session,
            self._row,
            GUARD_TASK,
            "late",
            actor=self._actor,
            learned_at=self._now,
            values={"late_at": self._now, "due_at": None},
            facts={"people": [str(one) for one in people], "person": str(self._row.person_id)},
        )
        return 1


def make_offer(
    session: Session,
    row: GuardTask,
    person_id: UUID,
    state: str,
    near: Mapping[str, Any],
    *,
    now: datetime,
    answer_by: datetime | None = None,
    by: UUID | None = None,
) -> GuardOffer | None:
    """Write down that somebody is asked, or sent; None where they are taken up elsewhere."""
    last = select(func.max(GuardOffer.number)).where(GuardOffer.task_id == row.id)
    offer = GuardOffer(
        id=new_id(),
        site_id=row.site_id,
        task_id=row.id,
        person_id=person_id,
        run=row.run,
        number=(session.scalar(last) or 0) + 1,
        state=state,
        version=1,
        offered_at=now,
        answer_by=answer_by,
        answered_at=None if state == "offered" else now,
        by_id=by,
        near=dict(near),
        reason="",
    )
    try:
        with session.begin_nested():
            session.add(offer)
            session.flush()
    except IntegrityError:
        return None
    return offer


def standing_offer(session: Session, row: GuardTask) -> GuardOffer | None:
    """The offer of a task that is open, or was accepted and goes on."""
    statement = select(GuardOffer).where(
        GuardOffer.task_id == row.id, GuardOffer.state.in_(STANDING)
    )
    return session.scalars(statement.execution_options(populate_existing=True)).first()


def move_offer(
    session: Session,
    offer: GuardOffer,
    action: str,
    *,
    now: datetime,
    actor: events.Actor,
    reason: str = "",
) -> None:
    """Move an offer by its table; what somebody wrote stands in its row and not in the log."""
    values: dict[str, Any] = {"reason": reason} if reason else {}
    if offer.answered_at is None:
        values["answered_at"] = now
    move(
        session,
        offer,
        GUARD_OFFER,
        action,
        actor=actor,
        learned_at=now,
        values=values,
        facts={"task": str(offer.task_id), "person": str(offer.person_id)},
    )


def pass_on(
    session: Session,
    row: GuardTask,
    how: str,
    reason: str,
    *,
    now: datetime,
    actor: events.Actor,
) -> None:
    """Take the offer that stands from whoever has it; the next look asks the next. how: of it."""
    offer = standing_offer(session, row)
    if offer is not None:
        move_offer(session, offer, how, now=now, actor=actor, reason=reason)
    move(
        session,
        row,
        GUARD_TASK,
        "pass_on",
        actor=actor,
        learned_at=now,
        values={"person_id": None, "due_at": now},
        facts={"how": how, "person": str(offer.person_id) if offer else None},
    )


def free(
    session: Session, row: GuardTask, how: str, reason: str, *, now: datetime, actor: events.Actor
) -> None:
    """Whoever has it has it no more, and their round goes on. how: the move of their offer."""
    offer = standing_offer(session, row)
    if offer is not None:
        move_offer(session, offer, how, now=now, actor=actor, reason=reason)
        resume_rounds(session, offer.person_id, now=now, actor=actor, task_id=row.id)


def give_up(
    session: Session, row: GuardTask, how: str, reason: str, *, now: datetime, actor: events.Actor
) -> None:
    """Whoever goes does not go on; the next look asks the next. how: the move of their offer."""
    person = row.person_id
    free(session, row, how, reason, now=now, actor=actor)
    move(
        session,
        row,
        GUARD_TASK,
        "give_back",
        actor=actor,
        learned_at=now,
        values={"person_id": None, "accepted_at": None, "late_at": None, "due_at": now},
        facts={"person": str(person)},
    )


def take_on(session: Session, row: GuardTask, *, now: datetime, actor: events.Actor) -> None:
    """Whoever it is offered to goes, and their round waits for them."""
    offer = standing_offer(session, row)
    assert offer is not None
    move_offer(session, offer, "accept", now=now, actor=actor)
    within = terms_at(session, row.site_id).terms.guards.arrive_within
    move(
        session,
        row,
        GUARD_TASK,
        "accept",
        actor=actor,
        learned_at=now,
        values={"accepted_at": now, "due_at": now + within},
        facts={"person": str(row.person_id), "seconds": seconds_between(row.offered_at, now)},
    )
    pause_rounds(session, offer.person_id, now=now, actor=actor, task_id=row.id)


def end_task(
    session: Session,
    row: GuardTask,
    why: str,
    *,
    now: datetime,
    actor: events.Actor,
    reason: str = "",
) -> int:
    """A task is over; whoever was taken up by it is free again. why: finished, ended, cleared, …"""
    offer = standing_offer(session, row)
    if offer is not None:
        how = "finish" if offer.state == "accepted" else "withdraw"
        move_offer(session, offer, how, now=now, actor=actor)
        resume_rounds(session, offer.person_id, now=now, actor=actor, task_id=row.id)
    move(
        session,
        row,
        GUARD_TASK,
        "finish" if why == "finished" else "call_off",
        actor=actor,
        learned_at=now,
        values={"ended_at": now, "due_at": None, "why": why, "reason": reason},
        facts={"why": why, "person": str(row.person_id) if row.person_id else None},
    )
    return 1


def seconds_between(start: datetime | None, end: datetime | None) -> int | None:
    """How long lies between two moments; None where one of them never was."""
    if start is None or end is None:
        return None
    return max(0, round((end - start).total_seconds()))
