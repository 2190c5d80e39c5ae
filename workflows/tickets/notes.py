"""What people say on a ticket: a note with those whom it names, a voice note, or both in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid
from core.people import Person
from rules.wording import worded
from workflows.tickets.mentions import keep_names, names_on, read_names, with_names
from workflows.tickets.model import Ticket, TicketNote
from workflows.tickets.voices import StoredVoice, add_voice
from workflows.tickets.working import add_note


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says. named: people by id, besides those whom the text names by itself.

    public: residents read the text; the voice and the names are never theirs.
    """

    body: str = ""
    named: Sequence[UUID] = ()
    public: bool = False
    voice: StoredVoice | None = None


def say(session: Session, ticket: Ticket, saying: Saying, *, author: UUID, now: datetime) -> None:
    """Write a note, put a voice note on the ticket, or both; who is named is told of it once.

    Invalid when nothing is said, or somebody is named who may not see the ticket.
    """
    note_id = None
    if saying.body.strip() or saying.voice is None:
        note_id = _write(session, ticket, saying, author, now)
    elif saying.named:
        raise Invalid(
            worded("nothing was added"),
            problems=[worded("mentions: a name needs a text around it")],
        )
    if saying.voice is not None:
        add_voice(session, ticket, saying.voice, author=author, now=now, note=note_id)


def _write(session: Session, ticket: Ticket, saying: Saying, author: UUID, now: datetime) -> UUID:
    named = read_names(session, ticket, saying.body, saying.named)
    note = add_note(session, ticket, named.body, author=author, now=now, public=saying.public)
    session.flush()
    keep_names(session, ticket, note.id, named.people)
    # Whoever names themselves knows of it.
    told = [str(person) for person in named.people if person != author]
    if told:
        events.append(
            session,
            "ticket.mention",
            ("ticket", ticket.id),
            actor=events.Actor.person(author),
            learned_at=now,
            site_id=ticket.site_id,
            after={"note": str(note.id), "people": told},
        )
    return note.id


def list_notes(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The notes of a ticket, in the order in which they were written."""
    statement = (
        select(
            TicketNote.id,
            TicketNote.at,
            TicketNote.action,
            TicketNote.author_id,
            Person.name.label("author_name"),
            TicketNote.author_kind,
            TicketNote.body,
            TicketNote.public,
        )
        .outerjoin(Person, Person.id == TicketNote.author_id)
        .where(TicketNote.ticket_id == ticket_id)
        .order_by(TicketNote.at, TicketNote.id)
    )
    named = names_on(session, ticket_id)
    return [
        {
            **row,
            "body": with_names(row["body"], named.get(row["id"], ())),
            "mentions": named.get(row["id"], []),
        }
        for row in session.execute(statement).mappings()
    ]
