"""Photos of a ticket: a small copy for everybody who reads it, the original for who may prove."""

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
from core.pictures import Picture, read_picture
from rules.wording import worded
from workflows.tickets.model import Ticket, TicketPhoto
from workflows.tickets.scope import on_tickets, require

MOST_PHOTOS = 50
EVIDENCE = "evidence.read"


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo whose two files are stored. original, copy: their SHA-256."""

    picture: Picture
    original: str
    copy: str
    size: int


def store_photo(files: FileStore, content: bytes) -> StoredPhoto:
    """Store a picture and its small copy, before any transaction. Invalid when it is none."""
    picture = read_picture(content)
    return StoredPhoto(picture, files.put(content), files.put(picture.copy), len(content))


def add_photo(
    session: Session,
    ticket: Ticket,
    photo: StoredPhoto,
    *,
    author: UUID | None,
    now: datetime,
    actor: events.Actor | None = None,
) -> TicketPhoto:
    """Put a photo on a ticket; the same one again changes nothing.

    The log holds the hash of the original, so that it can be proven later. Conflict when the
    ticket holds as many as it may. actor: who took it, where that is nobody of ours.
    """
    standing = session.scalars(select(TicketPhoto).where(TicketPhoto.ticket_id == ticket.id)).all()
    for one in standing:
        if one.original == photo.original:
            return one
    if len(standing) >= MOST_PHOTOS:
        raise Conflict(
            worded("a ticket holds at most %(most)s photos", most=MOST_PHOTOS),
            advice=worded("Open another ticket."),
        )
    if actor is None:
        actor = events.Actor.person(author) if author else events.SYSTEM
    row = TicketPhoto(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        author_id=author,
        author_kind=None if author else actor.kind,
        at=now,
        original=photo.original,
        copy=photo.copy,
        media_type=photo.picture.media_type,
        size=photo.size,
        width=photo.picture.width,
        height=photo.picture.height,
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "ticket.photo",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        after={"photo": str(row.id), "sha256": photo.original},
    )
    return row


def list_photos(session: Session, ticket_id: UUID) -> Sequence[dict[str, Any]]:
    """The photos of a ticket, in the order in which they came."""
    statement = (
        select(
            TicketPhoto.id,
            TicketPhoto.at,
            TicketPhoto.author_id,
            Person.name.label("author_name"),
            TicketPhoto.author_kind,
            TicketPhoto.media_type,
            TicketPhoto.size,
            TicketPhoto.width,
            TicketPhoto.height,
            TicketPhoto.original.label("sha256"),
        )
        .outerjoin(Person, Person.id == TicketPhoto.author_id)
        .where(TicketPhoto.ticket_id == ticket_id)
        .order_by(TicketPhoto.at, TicketPhoto.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def find_original(session: Session, caller: Caller, photo_id: UUID) -> TicketPhoto:
    """A photo that the caller may have as it was taken. NotFound, and NotAllowed without that."""
    photo = find_photo(session, caller, photo_id)
    require(caller, EVIDENCE, session.get_one(Ticket, photo.ticket_id))
    return photo


def find_photo(session: Session, caller: Caller, photo_id: UUID) -> TicketPhoto:
    """A photo of a ticket that the caller may read. NotFound otherwise."""
    statement = select(TicketPhoto).where(TicketPhoto.id == photo_id)
    statement = on_tickets(statement, TicketPhoto.ticket_id, TicketPhoto.site_id, caller)
    photo = session.scalars(statement).first()
    if photo is None:
        raise NotFound(
            worded("there is no such photo"), advice=worded("Look for it on its ticket.")
        )
    return photo
