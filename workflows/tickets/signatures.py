"""Signatures on a ticket: drawn by whom the work was done for, on the phone of who did it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.ids import new_id
from core.people import Caller, Person
from core.personal import new_key, seal, unseal
from core.pictures import require_drawing
from rules.wording import worded
from workflows.tickets.model import Ticket
from workflows.tickets.scope import holds, on_tickets

RIGHT, EVIDENCE = "tickets.work", "evidence.read"
# The work is being finished, or is done.
SIGNED_IN = ("in_progress", "resolved", "verified")
MOST_SIGNATURES = 20
LARGEST_SIGNATURE = 256 * 1024
LONGEST_NAME = 60


class TicketSignature(Base):
    """A signature; nothing changes it. picture: the SHA-256 of the PNG.

    name: who signed, sealed under a key of this signer alone: without the key nobody reads it.
    shown_by: whose phone it was signed on.
    """

    __tablename__ = "ticket_signature"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    picture: Mapped[str] = mapped_column(String(64))
    name: Mapped[bytes] = mapped_column(LargeBinary)
    shown_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class SignerKey(Base):
    """The key under which the name of a signer stands; destroying it erases the name."""

    __tablename__ = "signer_key"

    signature_id: Mapped[UUID] = mapped_column(ForeignKey("ticket_signature.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    key: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class StoredDrawing:
    """A drawn signature whose file is stored. picture: its SHA-256."""

    picture: str


def store_drawing(files: FileStore, content: bytes) -> StoredDrawing:
    """Store a drawn signature, before any transaction. Invalid for an empty one or no PNG."""
    require_drawing(content, field="signature", largest=LARGEST_SIGNATURE)
    return StoredDrawing(files.put(content))


def sign(
    session: Session,
    ticket: Ticket,
    drawing: StoredDrawing,
    name: str,
    *,
    shown_by: UUID,
    now: datetime,
) -> TicketSignature:
    """Put a signature on a ticket; the log holds the hash of its picture, not the name.

    Conflict when nobody is finishing the work, or the ticket holds as many as it may.
    """
    if ticket.state not in SIGNED_IN:
        raise Conflict(
            worded(
                "ticket %(number)s is %(state)s: nothing was finished that can be signed",
                number=ticket.number,
                state=ticket.state,
            ),
            advice=worded("Start the work; it is signed when it is done."),
        )
    written = " ".join(name.split())
    if not 1 <= len(written) <= LONGEST_NAME:
        raise Invalid(
            worded("the signature was not kept"),
            problems=[worded("name: 1 to %(most)s characters", most=LONGEST_NAME)],
        )
    statement = select(func.count()).where(TicketSignature.ticket_id == ticket.id)
    if (session.scalar(statement) or 0) >= MOST_SIGNATURES:
        raise Conflict(
            worded("a ticket holds at most %(most)s signatures", most=MOST_SIGNATURES),
            advice=worded("Open another ticket."),
        )
    key = new_key()
    row = TicketSignature(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        picture=drawing.picture,
        name=seal(key, written),
        shown_by=shown_by,
        at=now,
    )
    session.add(row)
    session.flush()
    session.add(SignerKey(signature_id=row.id, site_id=ticket.site_id, key=key))
    session.flush()
    events.append(
        session,
        "ticket.sign",
        ("ticket", ticket.id),
        actor=events.Actor.person(shown_by),
        learned_at=now,
        site_id=ticket.site_id,
        after={"signature": str(row.id), "sha256": row.picture},
    )
    return row


def may_see(caller: Caller, ticket: Ticket) -> bool:
    """Whether somebody sees who signed and how: who works the ticket, or may prove."""
    return any(holds(caller, right, ticket) for right in (RIGHT, EVIDENCE))


def list_signatures(session: Session, caller: Caller, ticket_id: UUID) -> Sequence[dict[str, Any]]:
    """The signatures of a ticket in their order; name: None for whom it is none of their business,
    and once its key was destroyed.
    """
    statement = (
        select(TicketSignature, Person.name, SignerKey.key)
        .join(Person, Person.id == TicketSignature.shown_by)
        .outerjoin(SignerKey, SignerKey.signature_id == TicketSignature.id)
        .where(TicketSignature.ticket_id == ticket_id)
        .order_by(TicketSignature.at, TicketSignature.id)
    )
    named = may_see(caller, session.get_one(Ticket, ticket_id))
    return [
        {
            "id": row.id,
            "at": row.at,
            "name": unseal(key, row.name) if named else None,
            "shown_by": row.shown_by,
            "shown_by_name": shown_by,
            "sha256": row.picture,
        }
        for row, shown_by, key in session.execute(statement)
    ]


def find_signature(session: Session, caller: Caller, signature_id: UUID) -> TicketSignature:
    """A signature of a ticket that the caller may read and see signed. NotFound otherwise."""
    statement = select(TicketSignature).where(TicketSignature.id == signature_id)
    statement = on_tickets(statement, TicketSignature.ticket_id, TicketSignature.site_id, caller)
    found = session.scalars(statement).first()
    if found is None or not may_see(caller, session.get_one(Ticket, found.ticket_id)):
        raise NotFound(
            worded("there is no such signature"), advice=worded("Look for it on its ticket.")
        )
    return found
