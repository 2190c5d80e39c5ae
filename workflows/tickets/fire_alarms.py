"""Fire alarms: each runs a short clock of its own until somebody has seen that it is no fire.

A ticket about lives of the category `fire_alarm` has a row here. It says by when somebody has to
have seen the alarm, and by when somebody has to have looked on the spot; both moments are written
down when the alarm comes, so whoever restarts finds the same ones. What follows from them is done
in workflows/tickets/fire_watch.py.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Table, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict
from core.lifecycle import Lifecycle, move
from rules.wording import worded
from workflows.tickets.model import FALSE_CAUSES, Ticket
from workflows.tickets.promises import terms_at

CATEGORY = "fire_alarm"
# What it was when it was no fire: a cause of a false alarm, or a verdict of another kind.
CAUSES = (*FALSE_CAUSES, "test", "sensor_fault")
# The clock runs, and nobody may end the ticket or let it rest.
RUNNING = ("unseen", "seen")
# It stands as a fire.
BURNING = ("fire", "answered")

FIRE_ALARM = Lifecycle(
    "fire_alarm",
    {
        # The control room, or whoever takes the ticket, knows of it and somebody is on the way.
        "see": dict.fromkeys(RUNNING, "seen"),
        # Somebody looked on the spot: it is no fire.
        "clear": dict.fromkeys(RUNNING, "not_fire"),
        # Somebody pressed FIRE; who said before that it is none may have been wrong.
        "fire": dict.fromkeys((*RUNNING, "not_fire"), "fire"),
        # Nobody saw it, or nobody looked, in time.
        "lapse": dict.fromkeys(RUNNING, "fire"),
        # Somebody has taken the fire on.
        "answer": {"fire": "answered"},
        # Who answers for the site calls it off.
        "stand_down": dict.fromkeys(BURNING, "not_fire"),
        # The detector went off again.
        "again": {"not_fire": "unseen", "answered": "unseen"},
    },
)


class FireAlarm(Base):
    """The short clock of a ticket, and how far it came. id: that of its ticket.

    began_at: when we learned of the alarm. due_at: the moment after which it counts as a fire;
    NULL = the clock stands. sent_id: who was sent to look. why: of a fire, what made it one:
    pressed, unseen or unconfirmed. cause, photo_id: what it was instead, and what shows it.
    rounds: how often the detector went off anew.
    """

    __tablename__ = "fire_alarm"

    id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    rounds: Mapped[int] = mapped_column(Integer, default=1)
    began_at: Mapped[datetime] = mapped_column(Instant)
    seen_due: Mapped[datetime] = mapped_column(Instant)
    confirm_due: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    sent_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    why: Mapped[str | None] = mapped_column(String(12))
    fire_at: Mapped[datetime | None] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    cause: Mapped[str | None] = mapped_column(String(20))
    photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket_photo.id"))

    __table_args__ = (
        Index(
            "ix_fire_alarm_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        # Few stand as a fire among all that ever rang.
        Index(
            "ix_fire_alarm_standing",
            "site_id",
            sqlite_where=text("state <> 'not_fire'"),
            postgresql_where=text("state <> 'not_fire'"),
        ),
    )


_INSERT = insert(cast(Table, FireAlarm.__table__))
# What one round of an alarm wrote down, and the next one begins without.
_OF_A_ROUND = (
    *("seen_at", "seen_by", "sent_id", "why", "fire_at", "answered_at", "answered_by"),
    *("decided_at", "decided_by", "cause", "photo_id"),
)


def is_fire_alarm(category: str, *, life_safety: bool) -> bool:
    """Whether a ticket is one that runs the short clock."""
    return life_safety and category == CATEGORY


def _clock(session: Session, site_id: UUID, now: datetime) -> dict[str, datetime]:
    promised = terms_at(session, site_id).terms.fire_alarm
    return {
        "began_at": now,
        "seen_due": now + promised.seen_within,
        "confirm_due": now + promised.confirmed_within,
        "due_at": now + promised.seen_within,
    }


def begin(session: Session, ticket_id: UUID, site_id: UUID, now: datetime) -> dict[str, str]:
    """Start the clock of a ticket that was just opened; returns what its log says of it."""
    clock = _clock(session, site_id, now)
    row = {"id": ticket_id, "site_id": site_id, "state": "unseen", "version": 1, "rounds": 1}
    session.connection().execute(_INSERT, {**row, **clock})
    return {name: clock[name].isoformat() for name in ("seen_due", "confirm_due")}


def alarm_of(session: Session, ticket: Ticket) -> FireAlarm | None:
    """The short clock of a ticket; None where it is no fire alarm."""
    if not ticket.life_safety:
        # What is not about lives never has one, and this is asked for with every action.
        return None
    session.flush()
    return session.get(FireAlarm, ticket.id, populate_existing=True)


def ring_again(
    session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor, anew: bool
) -> None:
    """The detector of a standing ticket went off: what was no fire is looked at once more.

    anew: the ticket was done with, so that even a fire that was answered begins from the start.
    """
    row = alarm_of(session, ticket)
    if row is None or row.state not in ("not_fire", *(("answered",) if anew else ())):
        return
    clock = _clock(session, ticket.site_id, now)
    move(
        session,
        row,
        FIRE_ALARM,
        "again",
        actor=actor,
        learned_at=now,
        values={**dict.fromkeys(_OF_A_ROUND), **clock, "rounds": row.rounds + 1},
        facts={name: clock[name].isoformat() for name in ("seen_due", "confirm_due")},
    )


# What may not be done with a ticket while its alarm is in one of these states.
_REFUSED: Mapping[str, tuple[str, ...]] = {
    "hold": (*RUNNING, *BURNING),
    "resolve": (*RUNNING, "fire"),
    "cancel": (*RUNNING, *BURNING),
    "merge": (*RUNNING, *BURNING),
}


def refuse_silence(session: Session, ticket: Ticket, action: str, verdict: str | None) -> None:
    """Conflict for an action that would end a fire alarm which nobody has looked at.

    A fire is resolved only as real, once somebody took it on; who knows better stands it down.
    """
    if action not in _REFUSED:
        return
    row = alarm_of(session, ticket)
    if row is None:
        return
    if row.state in _REFUSED[action]:
        raise Conflict(
            worded(
                "to %(action)s a fire alarm somebody has to look on the spot first", action=action
            ),
            advice=worded(
                "Say on the ticket that it is no fire, with a photo taken there, or press FIRE."
            ),
        )
    if action == "resolve" and row.state in BURNING and verdict != "real":
        raise Conflict(
            worded("a fire is resolved as real, or stood down first"),
            advice=worded("Resolve it as real, or stand it down with a photo and what it was."),
        )


def refuse_belittling(session: Session, ticket: Ticket, changes: Mapping[str, Any]) -> None:
    """Conflict for an edit that would make less of a fire that stands."""
    row = alarm_of(session, ticket) if {"kind", "priority"} & set(changes) else None
    if row is not None and row.state in BURNING:
        raise Conflict(
            worded("kind and priority of a fire stay as they are"),
            advice=worded("Stand it down first, with a photo and what it was."),
        )


def refuse_other_target(session: Session, ticket: Ticket, target: Ticket) -> None:
    """Conflict when a fire alarm would be merged into a ticket that runs no short clock."""
    if alarm_of(session, ticket) is not None and alarm_of(session, target) is None:
        raise Conflict(
            worded("ticket %(number)s is no fire alarm", number=target.number),
            advice=worded(
                "Merge the other one into this, so that the next alarm is looked at in time."
            ),
        )


def note_taken(
    session: Session,
    ticket: Ticket,
    *,
    by: UUID,
    given_to: UUID,
    now: datetime,
) -> None:
    """Somebody took the ticket or gave it out: its alarm is seen, or its fire taken on."""
    row = alarm_of(session, ticket)
    if row is None:
        return
    if row.state == "unseen" or (row.state == "seen" and given_to != row.sent_id):
        _see(session, row, by=by, sent=given_to, now=now)
    elif row.state == "fire" and by == given_to:
        take_on(session, row, person=by, now=now)


def _see(session: Session, row: FireAlarm, *, by: UUID, sent: UUID, now: datetime) -> None:
    """The clock now runs to the look on the spot, whoever is sent after the first one."""
    first = {} if row.seen_at else {"seen_at": now, "seen_by": by}
    move(
        session,
        row,
        FIRE_ALARM,
        "see",
        actor=events.Actor.person(by),
        learned_at=now,
        values={**first, "sent_id": sent, "due_at": row.confirm_due},
        facts={"sent": str(sent)},
    )


def take_on(session: Session, row: FireAlarm, *, person: UUID, now: datetime) -> None:
    """Somebody answers for a fire from now on: it sounds no more."""
    move(
        session,
        row,
        FIRE_ALARM,
        "answer",
        actor=events.Actor.person(person),
        learned_at=now,
        values={"answered_at": now, "answered_by": person},
    )
