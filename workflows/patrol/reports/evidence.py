"""Photos and voice notes of a report go to the ticket that it opened, once they are whole."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Conflict
from core.pictures import Picture
from core.voice import Voice
from workflows.patrol.journal.model import PHOTO, GuardFile
from workflows.patrol.reports.model import GuardReport
from workflows.tickets.model import Ticket
from workflows.tickets.photos import StoredPhoto, add_photo
from workflows.tickets.voices import StoredVoice, add_voice


def attach_to_ticket(session: Session, row: GuardReport, *, now: datetime) -> None:
    """Put every whole file of a report on its ticket; those that are there already stay."""
    if row.ticket_id is None:
        return
    # Two files with the same bytes may come at the same moment: one photo of both.
    ticket = session.get_one(Ticket, row.ticket_id, with_for_update=True)
    whole = select(GuardFile).where(GuardFile.report_id == row.id, GuardFile.state == "complete")
    # One that another transaction made whole a moment ago may have been read before that.
    fresh = whole.order_by(GuardFile.seq).execution_options(populate_existing=True)
    for file in session.scalars(fresh).all():
        try:
            _attach(session, ticket, file, now)
        except Conflict:
            # The ticket holds as many as it may; they stand with the report.
            return


def _attach(session: Session, ticket: Ticket, file: GuardFile, now: datetime) -> None:
    assert file.original is not None
    assert file.copy is not None
    assert file.media_type is not None
    if file.what == PHOTO:
        picture = Picture(file.media_type, file.width or 0, file.height or 0, b"")
        photo = StoredPhoto(picture, file.original, file.copy, file.size)
        add_photo(session, ticket, photo, author=file.person_id, now=now)
    else:
        voice = Voice(file.media_type, file.seconds or 1, b"")
        stored = StoredVoice(voice, file.original, file.copy, file.size)
        add_voice(session, ticket, stored, author=file.person_id, now=now)
