"""The bar that takes back what the reader just did to one ticket."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.db import Session
from core.errors import NotFound
from web.pages.ticket_bulk import action_word
from web.visit import Visit
from workflows.tickets import Ticket
from workflows.tickets.bulk import UNDO_FOR, find_batch
from workflows.tickets.undoing import offers_undo


@dataclass(frozen=True, slots=True)
class UndoBar:
    """What was done, and for how many minutes it can still be taken back."""

    batch_id: UUID
    done: str
    minutes: int


def undo_bar(
    session: Session, visit: Visit, ticket: Ticket, batch_id: UUID | None
) -> UndoBar | None:
    """The bar of a ticket; None where there is no way back, or no longer."""
    if batch_id is None:
        return None
    try:
        batch = find_batch(session, visit.caller, batch_id)
    except NotFound:
        # An address that somebody kept, or passed on.
        return None
    if not offers_undo(session, batch, ticket, now=visit.reader.now):
        return None
    left = batch.at + UNDO_FOR - visit.reader.now
    minutes = left // timedelta(minutes=1) + 1
    return UndoBar(batch.id, action_word(visit.reader, batch.action), minutes)
