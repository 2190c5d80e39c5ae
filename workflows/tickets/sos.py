"""Calls for help: each sounds, and climbs the chain, until somebody has answered it.

A ticket about lives of the category `sos` or `silent_sos` has a row here with its own id, whoever
opened it: a phone, a button on the wall, or a check-in that did not come. The next moment at which
the chain is told is written down, so whoever restarts finds the same one. A practice has a row and
no ticket: nobody is told of it, and it counts nowhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Table, insert, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.colleagues import people_in_role
from core.db import Base, Instant
from core.errors import Conflict
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.rosters import who_answers
from rules.wording import worded
from workflows.tickets.model import Ticket
from workflows.tickets.promises import terms_at

CATEGORY, SILENT_CATEGORY = "sos", "silent_sos"
CATEGORIES = (CATEGORY, SILENT_CATEGORY)
KINDS = ("open", "silent")
ORIGINS = ("phone", "button", "lone_worker", "ticket")
# Nobody has answered it, so that the chain goes on being told.
UNANSWERED = ("received", "seen")
STANDING = (*UNANSWERED, "acknowledged", "coming")
OUTCOMES = ("real", "false", "test")
# Who is told of a silent call: those who lead others to a place, and do not stand there themselves.
_TOLD_SILENTLY = ("service_desk", "safety_officer", "supervisor")
_CHAIN = ("supervisor", "manager", "administrator")
_SAME = {state: state for state in STANDING}

SOS = Lifecycle(
    "sos",
    {
        # It stands on the screen of somebody who may answer.
        "see": {"received": "seen"},
        "acknowledge": dict.fromkeys(UNANSWERED, "acknowledged"),
        "come": dict.fromkeys((*UNANSWERED, "acknowledged"), "coming"),
        # Pressed once more, or made silent; a position; called off by whoever sent it.
        "press": _SAME,
        "cancel": _SAME,
        "escalate": {state: state for state in UNANSWERED},
        # Somebody else than the sender has seen to it.
        "end": dict.fromkeys(STANDING, "over"),
        # A button on the wall was pressed anew, and its ticket goes on.
        "again": {"over": "received"},
    },
)


class Sos(Base):
    """A call for help, and how far its answer came. id: that of its ticket, or of the practice.

    origin: one of ORIGINS. person_id: whose call it is; NULL = of a button. phone: which of their
    phones sent it, as that names itself. pressed_at: by the phone's clock. checkpoint_id: where
    they were last known to be when it came. due_at: when the chain is told next; NULL = never.
    rung: how many rungs were told. cancel_proof: of whoever called it off: phrase, wrong, none.
    """

    __tablename__ = "sos"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), unique=True)
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    kind: Mapped[str] = mapped_column(String(8))
    origin: Mapped[str] = mapped_column(String(12))
    practice: Mapped[bool] = mapped_column(default=False)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    phone: Mapped[str] = mapped_column(String(64), default="")
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    presses: Mapped[int] = mapped_column(Integer, default=1)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    pressed_at: Mapped[datetime | None] = mapped_column(Instant)
    last_press_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    rung: Mapped[int] = mapped_column(Integer, default=0)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    coming_at: Mapped[datetime | None] = mapped_column(Instant)
    coming_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)
    cancel_proof: Mapped[str | None] = mapped_column(String(8))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None] = mapped_column(String(8))

    __table_args__ = (
        Index(
            "ix_sos_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        # Whoever presses again adds to the call that stands, also from two phones at once.
        Index(
            "uq_sos_standing",
            "person_id",
            "practice",
            unique=True,
            sqlite_where=text("state <> 'over' AND person_id IS NOT NULL"),
            postgresql_where=text("state <> 'over' AND person_id IS NOT NULL"),
        ),
        Index(
            "ix_sos_site_standing",
            "site_id",
            sqlite_where=text("state <> 'over'"),
            postgresql_where=text("state <> 'over'"),
        ),
        Index("ix_sos_site_opened", "site_id", "opened_at", "id"),
    )

    @property
    def silent(self) -> bool:
        """Whether it must show and sound nowhere near whoever sent it."""
        return self.kind == "silent"


_INSERT = insert(cast(Table, Sos.__table__))
# What the answer to one call wrote down, and the next begins without.
_OF_AN_ANSWER = (
    *("seen_at", "seen_by", "acknowledged_at", "acknowledged_by", "coming_at", "coming_by"),
    *("cancelled_at", "cancel_proof", "ended_at", "ended_by", "outcome"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls for help, and from where; see Sos for what the fields mean."""

    person_id: UUID | None = None
    kind: str = "open"
    origin: str = "button"
    phone: str = ""
    checkpoint_id: UUID | None = None
    pressed_at: datetime | None = None


# Nobody knows whose call it is: somebody pressed a button on the wall.
BUTTON = Call()


def is_sos(category: str, *, life_safety: bool) -> bool:
    """Whether a ticket is a call for help."""
    return life_safety and category in CATEGORIES


def begin(
    session: Session,
    ticket_id: UUID,
    site_id: UUID,
    team: str,
    call: Call,
    *,
    now: datetime,
    actor: events.Actor,
) -> None:
    """Let a ticket that was just opened sound and climb, and name who is told at once."""
    rungs = terms_at(session, site_id).terms.sos.escalation
    _write(session, ticket_id, site_id, call, now, ticket_id=ticket_id, due_at=now + rungs[0].after)
    told = _first(session, site_id, team, call, now)
    events.append(
        session,
        "sos.raise",
        ("sos", ticket_id),
        actor=actor,
        learned_at=now,
        site_id=site_id,
        after={"state": "received", "origin": call.origin, **_named(told, call.kind)},
    )


def begin_practice(
    session: Session, site_id: UUID, call: Call, *, now: datetime, sos_id: UUID | None = None
) -> UUID:
    """Let somebody practise: no ticket, and nobody is told."""
    made = sos_id or new_id()
    _write(session, made, site_id, call, now, practice=True)
    events.append(
        session,
        "sos.practise",
        ("sos", made),
        actor=events.Actor.person(call.person_id) if call.person_id else events.SYSTEM,
        learned_at=now,
        site_id=site_id,
        after={"state": "received", "practice": True},
    )
    return made


def _write(
    session: Session, sos_id: UUID, site_id: UUID, call: Call, now: datetime, **more: Any
) -> None:
    row = {
        "id": sos_id,
        "site_id": site_id,
        "ticket_id": None,
        "state": "received",
        "version": 1,
        "kind": call.kind,
        "origin": call.origin,
        "practice": False,
        "person_id": call.person_id,
        "phone": call.phone,
        "checkpoint_id": call.checkpoint_id,
        "presses": 1,
        "opened_at": now,
        "pressed_at": call.pressed_at,
        "last_press_at": now,
        "due_at": None,
        "rung": 0,
    }
    session.connection().execute(_INSERT, {**row, **more})


def _named(people: Sequence[UUID], kind: str) -> dict[str, Any]:
    """Whom a fact names; the duty phone of a post may lie beside whoever stands over the sender."""
    return {"people": [str(one) for one in people], "posts": kind != "silent"}


def _first(session: Session, site_id: UUID, team: str, call: Call, now: datetime) -> Sequence[UUID]:
    """Who is told at once, never the sender; the whole chain where nobody else is there."""
    if call.kind == "silent":
        found = _in_roles(session, site_id, _TOLD_SILENTLY)
    else:
        found = list(who_answers(session, site_id, team, now).people)
    if not set(found) - {call.person_id}:
        found = _in_roles(session, site_id, _CHAIN)
    return [one for one in dict.fromkeys(found) if one != call.person_id]


def _in_roles(session: Session, site_id: UUID, roles: Sequence[str]) -> list[UUID]:
    return [one for role in roles for one in people_in_role(session, site_id, role)]


def sos_of(session: Session, ticket: Ticket) -> Sos | None:
    """The call for help that a ticket is; None where it is none."""
    if not ticket.life_safety:
        # What is not about lives never has one, and this is asked for with every action.
        return None
    session.flush()
    return session.get(Sos, ticket.id, populate_existing=True)


def press_again(session: Session, ticket: Ticket, *, now: datetime, actor: events.Actor) -> None:
    """The fault of a ticket showed itself again: the button was pressed once more.

    One that is over sounds anew from the first rung on.
    """
    row = sos_of(session, ticket)
    if row is None:
        return
    if row.state != "over":
        count_press(session, row, {}, now=now, actor=actor)
        return
    rungs = terms_at(session, row.site_id).terms.sos.escalation
    call = Call(row.person_id, row.kind, row.origin)
    told = _first(session, row.site_id, ticket.team, call, now)
    anew = {"due_at": now + rungs[0].after, "rung": 0, "opened_at": now, "last_press_at": now}
    move(
        session,
        row,
        SOS,
        "again",
        actor=actor,
        learned_at=now,
        values={**dict.fromkeys(_OF_AN_ANSWER), **anew, "presses": row.presses + 1},
        facts=_named(told, row.kind),
    )


def count_press(
    session: Session, row: Sos, values: Mapping[str, Any], *, now: datetime, actor: events.Actor
) -> None:
    """A further press adds to a call that stands, which the caller holds locked."""
    counted = {"presses": row.presses + 1, "last_press_at": now, **values}
    kind = {"kind": values["kind"]} if "kind" in values else {}
    move(session, row, SOS, "press", actor=actor, learned_at=now, values=counted, facts=kind)


def refuse_to_end(session: Session, ticket: Ticket, action: str) -> None:
    """Conflict for an action that would end or rest a call for help that nobody saw to."""
    if action not in ("hold", "resolve", "cancel", "merge"):
        return
    row = sos_of(session, ticket)
    if row is not None and row.state != "over":
        raise Conflict(
            worded(
                "to %(action)s a call for help somebody has to see to the person first",
                action=action,
            ),
            advice=worded("End it on its own page, with what it was; its ticket follows."),
        )


def refuse_to_change(session: Session, ticket: Ticket, changes: Mapping[str, Any]) -> None:
    """Conflict for an edit that would make a call for help something else."""
    if not {"kind", "priority", "category"} & set(changes):
        return
    kept = [name for name in ("kind", "priority", "category") if name in changes]
    if all(changes[name] == getattr(ticket, name) for name in kept):
        return
    if changes.get("category") in CATEGORIES or sos_of(session, ticket) is not None:
        raise Conflict(
            worded("kind, category and priority of a call for help stay as they are"),
            advice=worded("Open another ticket for what is left to do."),
        )


def note_taken(session: Session, ticket: Ticket, *, by: UUID, now: datetime) -> None:
    """Somebody took the ticket or gave it to somebody: the call is answered."""
    row = sos_of(session, ticket)
    if row is not None and row.state in UNANSWERED and by != row.person_id:
        acknowledge_row(session, row, person=by, now=now)


def acknowledge_row(session: Session, row: Sos, *, person: UUID, now: datetime) -> None:
    """Somebody has answered a call: it sounds and climbs no more."""
    first = {} if row.seen_at else {"seen_at": now, "seen_by": person}
    move(
        session,
        row,
        SOS,
        "acknowledge",
        actor=events.Actor.person(person),
        learned_at=now,
        values={**first, "acknowledged_at": now, "acknowledged_by": person, "due_at": None},
    )
