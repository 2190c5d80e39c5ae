"""Voice notes of a ticket: the plain sound for who reads it, the original for who may prove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, NotFound
from core.files import FileStore
from core.ids import new_id
from core.people import Caller, Person
from core.voice import Voice, read_voice
from rules.wording import worded
from workflows.tickets.model import Ticket, TicketVoice
from workflows.tickets.scope import on_tickets, require

MOST_VOICES = 50
EVIDENCE = "evidence.read"


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """A voice note whose two files are stored. original, copy: their SHA-256."""

    voice: Voice
    original: str
    copy: str
    size: int


def store_voice(files: FileStore, content: bytes) -> StoredVoice:
    """Store a recording and its copy, before any transaction. Invalid when it is none."""
    voice = read_voice(content)
    return StoredVoice(voice, files.put(content), files.put(voice.copy), len(content))


def add_voice(
    session: Session,
    ticket: Ticket,
    stored: StoredVoice,
    *,
    author: UUID | None,
    now: datetime,
    note: UUID | None = None,
    actor: events.Actor | None = None,
) -> TicketVoice:
    """Put a voice note on a ticket; the same one again changes nothing.

    The log holds the hash of the original, so that it can be proven later. Conflict when the
    ticket holds as many as it may. note: the note that it was sent with. actor: who said it, where
    that is nobody of ours.
    """
    standing = session.scalars(select(TicketVoice).where(TicketVoice.ticket_id == ticket.id)).all()
    for one in standing:
        if one.original == stored.original:
            return one
    if len(standing) >= MOST_VOICES:
        raise Conflict(
            worded("a ticket holds at most %(most)s voice notes", most=MOST_VOICES),
            advice=worded("Open another ticket."),
        )
    if actor is None:
        actor = events.Actor.person(author) if author else events.SYSTEM
    row = TicketVoice(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        note_id=note,
        author_id=author,
        author_kind=None if author else actor.kind,
        at=now,
        original=stored.original,
        copy=stored.copy,
        media_type=stored.voice.media_type,
        size=stored.size,
        seconds=stored.voice.seconds,
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "ticket.voice",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        after={"voice": str(row.id), "sha256": stored.original},
    )
    return row


def list_voices(session: Session, ticket_id: UUID) -> Sequence[dict[str, Any]]:
    """The voice notes of a ticket, in the order in which they came."""
    statement = (
        select(
            TicketVoice.id,
            TicketVoice.at,
            TicketVoice.note_id,
            TicketVoice.author_id,
            Person.name.label("author_name"),
            TicketVoice.author_kind,
            TicketVoice.media_type,
            TicketVoice.size,
            TicketVoice.seconds,
            TicketVoice.original.label("sha256"),
        )
        .outerjoin(Person, Person.id == TicketVoice.author_id)
        .where(TicketVoice.ticket_id == ticket_id)
        .order_by(TicketVoice.at, TicketVoice.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def find_voice(session: Session, caller: Caller, voice_id: UUID) -> TicketVoice:
    """A voice note of a ticket that the caller may read. NotFound otherwise."""
    statement = select(TicketVoice).where(TicketVoice.id == voice_id)
    statement = on_tickets(statement, TicketVoice.ticket_id, TicketVoice.site_id, caller)
    voice = session.scalars(statement).first()
    if voice is None:
        raise NotFound(
            worded("there is no such voice note"), advice=worded("Look for it on its ticket.")
        )
    return voice


def find_original_voice(session: Session, caller: Caller, voice_id: UUID) -> TicketVoice:
    """A voice note that the caller may have as handed in. NotFound, and NotAllowed without that."""
    voice = find_voice(session, caller, voice_id)
    require(caller, EVIDENCE, session.get_one(Ticket, voice.ticket_id))
    return voice
