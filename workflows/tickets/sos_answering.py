"""What people do about a call for help, and who is told next when nobody does anything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import people_in_role
from core.errors import Conflict, Invalid, NotFound
from core.lifecycle import move
from core.people import Caller
from rules.wording import worded
from workflows.tickets.lifecycle import TICKET
from workflows.tickets.model import Ticket
from workflows.tickets.promises import SosTerms, terms_at
from workflows.tickets.sos import OUTCOMES, SOS, UNANSWERED, Sos, acknowledge_row
from workflows.tickets.working import Step, act

# Who hears and answers an open call; a silent one is for those who lead others to a place.
ANSWER, ANSWER_SILENT = "alarms.act", "tickets.dispatch"


def may_answer(caller: Caller, row: Sos) -> bool:
    """Whether a call is somebody's to answer: not their own, and on a site where they may."""
    right = ANSWER_SILENT if row.silent else ANSWER
    return row.person_id != caller.person_id and row.site_id in caller.sites_for(right)


def find_sos(session: Session, caller: Caller, sos_id: UUID) -> Sos:
    """A call that the caller may answer, locked behind its ticket. NotFound otherwise.

    The sender is answered as if there were none: what is done about it is not for who may stand
    over them.
    """
    # The ticket is locked before its call, as every other step does it.
    session.get(Ticket, sos_id, with_for_update=True)
    row = session.get(Sos, sos_id, with_for_update=True, populate_existing=True)
    if row is None or not may_answer(caller, row):
        raise NotFound(
            worded("there is no such call for help"), advice=worded("Look at those that stand.")
        )
    return row


def see(session: Session, row: Sos, *, person: UUID, now: datetime) -> bool:
    """It stands on somebody's screen. Returns whether it is the first; safe to repeat."""
    if row.state != "received":
        return False
    move(
        session,
        row,
        SOS,
        "see",
        actor=events.Actor.person(person),
        learned_at=now,
        values={"seen_at": now, "seen_by": person},
    )
    return True


def acknowledge(session: Session, row: Sos, *, person: UUID, now: datetime) -> None:
    """Somebody answers for it from now on: it sounds no more, and its ticket is theirs.

    Again changes nothing. Conflict for one that is over.
    """
    if row.state in ("acknowledged", "coming"):
        return
    SOS.target("acknowledge", row.state)
    ticket = _ticket(session, row)
    if ticket is not None and ticket.state in TICKET.moves["accept"]:
        # Taking the ticket answers its call; see `note_taken`.
        act(session, ticket, Step("accept"), person=person, now=now)
    else:
        acknowledge_row(session, row, person=person, now=now)


def come(session: Session, row: Sos, *, person: UUID, now: datetime) -> None:
    """Somebody is on the way, which answers it, too. Again changes nothing."""
    if row.state == "coming":
        return
    SOS.target("come", row.state)
    acknowledge(session, row, person=person, now=now)
    move(
        session,
        row,
        SOS,
        "come",
        actor=events.Actor.person(person),
        learned_at=now,
        values={"coming_at": now, "coming_by": person},
    )


def end(
    session: Session, row: Sos, outcome: str, note: str, *, person: UUID, now: datetime
) -> None:
    """Somebody has seen to whoever called, and says what it was; the ticket is resolved as that.

    outcome: one of OUTCOMES. Invalid without it or without a note. Conflict for one that is over.
    """
    problems = (
        []
        if outcome in OUTCOMES
        else [worded("outcome: one of %(known)s", known=", ".join(OUTCOMES))]
    )
    if not row.practice and not note.strip():
        problems.append(worded("note: say what it was and how the person is"))
    if problems:
        raise Invalid(worded("the call goes on"), problems=problems)
    if person == row.person_id:
        raise Conflict(worded("who called does not end it"), advice=worded("Ask a colleague to."))
    if row.state in UNANSWERED:
        acknowledge(session, row, person=person, now=now)
    move(
        session,
        row,
        SOS,
        "end",
        actor=events.Actor.person(person),
        learned_at=now,
        values={"ended_at": now, "ended_by": person, "outcome": outcome, "due_at": None},
        facts={"outcome": outcome},
    )
    ticket = _ticket(session, row)
    if ticket is not None:
        _resolve(session, ticket, outcome, note, person=person, now=now)


def _ticket(session: Session, row: Sos) -> Ticket | None:
    return None if row.ticket_id is None else session.get_one(Ticket, row.ticket_id)


def _resolve(
    session: Session, ticket: Ticket, outcome: str, note: str, *, person: UUID, now: datetime
) -> None:
    """The ticket follows its call, from wherever it stood."""
    if ticket.state == "on_hold":
        act(session, ticket, Step("resume"), person=person, now=now)
    if ticket.state == "open":
        act(session, ticket, Step("start"), person=person, now=now)
    if ticket.state not in TICKET.moves["resolve"]:
        return
    cause = "other" if outcome == "false" else None
    step = Step("resolve", note, verdict=outcome, cause=cause)
    act(session, ticket, step, person=person, now=now)


def due_calls(session: Session, *, now: datetime) -> list[UUID]:
    """The calls of which the chain is to be told now, the one that waits longest first."""
    statement = (
        select(Sos.id)
        .where(Sos.due_at.is_not(None), Sos.due_at <= now, Sos.state.in_(UNANSWERED))
        .order_by(Sos.due_at)
    )
    return list(session.scalars(statement))


def escalate(session: Session, sos_id: UUID, *, now: datetime, actor: events.Actor) -> bool:
    """Tell the next in the chain of a call that nobody answered; returns whether it did.

    However late it looks, every rung that was due by then is told, in one fact, once. Behind the
    last rung all of them are told again and again.
    """
    statement = (
        select(Ticket)
        .where(Ticket.id == sos_id)
        .with_for_update(of=Ticket, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    # The ticket is locked before its call; one that somebody holds is left to the next look.
    ticket = session.scalars(statement).first()
    row = session.get(Sos, sos_id, populate_existing=True) if ticket else None
    if row is None or row.state not in UNANSWERED or row.due_at is None or row.due_at > now:
        return False
    assert ticket is not None
    terms = terms_at(session, row.site_id).terms.sos
    values = _next(terms, row, now)
    reached = terms.escalation[: values["rung"]]
    people = [
        one
        for rung in reached
        for one in people_in_role(session, row.site_id, rung.to, team=ticket.team)
        if one != row.person_id
    ]
    move(
        session,
        row,
        SOS,
        "escalate",
        actor=actor,
        learned_at=now,
        happened_at=row.due_at,
        values=values,
        facts={
            "rung": values["rung"],
            "people": [str(one) for one in dict.fromkeys(people)],
            "posts": not row.silent,
        },
    )
    return True


def _next(terms: SosTerms, row: Sos, now: datetime) -> Mapping[str, Any]:
    rungs = terms.escalation
    reached = row.rung
    while reached < len(rungs) and row.opened_at + rungs[reached].after <= now:
        reached += 1
    if reached == row.rung:
        # All of them were told; or the terms have become slower since.
        reached = min(max(reached, 1), len(rungs))
    due = now + terms.repeat
    if reached < len(rungs):
        due = max(row.opened_at + rungs[reached].after, now)
    return {"rung": reached, "due_at": due}
