"""Files of a journal: taken in pieces, whole only if they are what was hashed when taken."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotFound, Refused
from core.files import FileStore
from core.lifecycle import move
from core.pictures import read_picture
from core.vault import Vault
from core.voice import read_voice
from rules.wording import worded
from workflows.patrol.journal.chain import Flawed
from workflows.patrol.journal.model import FILE, PHOTO, GuardFile, GuardFilePiece
from workflows.patrol.journal.orphans import (
    DOCUMENT,
    keep_document,
    owed_by_earlier_key,
    read_document,
)
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.evidence import attach_to_ticket
from workflows.patrol.reports.model import GuardReport

PIECE = 256 * 1024


class OffsetConflict(Conflict):
    """The piece does not begin where the last one ended."""

    def __init__(self, received: int) -> None:
        super().__init__(
            f"{received} bytes are here", advice=f"Send the next piece from {received} on."
        )
        self.members = {"code": "offset", "received": received}


class TooLarge(Refused):
    """More than a piece may hold, or than the file was said to have."""

    status = 413
    title = "Content too large"


def find_file(
    session: Session, phone: Phone, file_id: UUID, *, for_update: bool = False
) -> GuardFile:
    """A file that this phone told of. NotFound otherwise."""
    row = session.get(GuardFile, file_id, with_for_update=for_update)
    if row is None or row.phone_id != phone.id:
        raise NotFound(
            worded("nothing is known of this file"), advice=worded("Hand the journal in first.")
        )
    return row


def waiting_files(session: Session, phone: Phone) -> Sequence[GuardFile]:
    """Files that a phone told of and that are not whole, in the order of its journal."""
    statement = select(GuardFile).where(
        GuardFile.phone_id == phone.id, GuardFile.state.in_(("waiting", "wrong"))
    )
    return session.scalars(statement.order_by(GuardFile.seq)).all()


def describe_file(row: GuardFile) -> dict[str, Any]:
    """How far a file is, as a phone is told."""
    return {"id": row.id, "received": row.received, "bytes": row.size, "state": row.state}


def put_piece(
    session: Session, phone: Phone, file_id: UUID, offset: int, content: bytes, *, now: datetime
) -> GuardFile:
    """Take the next piece of a file; one that is here already changes nothing.

    Raises OffsetConflict for one that begins behind what is here, TooLarge, and NotFound.
    """
    row = find_file(session, phone, file_id, for_update=True)
    if row.state in ("complete", "unusable"):
        return row
    if len(content) > PIECE or offset + len(content) > row.size:
        raise TooLarge(
            worded("the piece is too large"),
            advice=worded(
                "At most %(piece)s bytes, and no more than the journal says of the file.",
                piece=PIECE,
            ),
        )
    if offset + len(content) <= row.received:
        return row
    if offset != row.received:
        raise OffsetConflict(row.received)
    if row.state == "wrong":
        actor = events.Actor("phone", str(phone.id))
        move(session, row, FILE, "retry", actor=actor, learned_at=now)
    session.add(GuardFilePiece(file_id=row.id, offset=offset, site_id=row.site_id, content=content))
    row.received = offset + len(content)
    session.flush()
    return row


def finish_file(
    database: Database, files: FileStore, file_id: UUID, *, vault: Vault, now: datetime
) -> GuardFile:
    """Judge a file all of whose pieces are here; safe to repeat, and to be killed in.

    What is made of its bytes is stored before the transaction that says so.
    """
    with database.read() as session:
        row = session.get_one(GuardFile, file_id)
        if row.state != "waiting" or row.received < row.size:
            return row
        pieces = select(GuardFilePiece.content).where(GuardFilePiece.file_id == file_id)
        content = b"".join(session.scalars(pieces.order_by(GuardFilePiece.offset)))
    if hashlib.sha256(content).hexdigest() != row.sha256:
        action, found = "refuse", {"received": 0}
    elif row.what == DOCUMENT:
        return _keep_orphans(database, row.id, content, vault, now)
    else:
        action, found = _stored(files, row.what, content)
    with database.write() as session:
        return _settle(session, file_id, action, found, now)


def _keep_orphans(
    database: Database, file_id: UUID, content: bytes, vault: Vault, now: datetime
) -> GuardFile:
    """Of a document nothing is stored but its entries, each sealed for its person."""
    try:
        document = read_document(content)
    except Flawed:
        document = None
    with database.write() as session:
        action = "set_aside" if document is None else "complete"
        row = _settle(session, file_id, action, {}, now)
        if document is not None and row.completed_at == now:
            keep_document(session, row, document, vault=vault, now=now)
        return row


def _stored(files: FileStore, what: str, content: bytes) -> tuple[str, dict[str, Any]]:
    original = files.put(content)
    try:
        if what == PHOTO:
            picture = read_picture(content)
            shown = {"width": picture.width, "height": picture.height}
            return "complete", {
                "original": original,
                "copy": files.put(picture.copy),
                "media_type": picture.media_type,
                **shown,
            }
        voice = read_voice(content)
        return "complete", {
            "original": original,
            "copy": files.put(voice.copy),
            "media_type": voice.media_type,
            "seconds": voice.seconds,
        }
    except Invalid:
        return "set_aside", {"original": original}


def _settle(
    session: Session, file_id: UUID, action: str, found: dict[str, Any], now: datetime
) -> GuardFile:
    row = session.get_one(GuardFile, file_id, with_for_update=True, populate_existing=True)
    if row.state != "waiting" or row.received < row.size:
        # Somebody who judged it at the same moment was quicker.
        return row
    _judge(session, row, action, found, now)
    if action != "refuse":
        for owed in owed_by_earlier_key(session, row):
            _judge(session, owed, action, {**found, "received": owed.size}, now)
    return row


def _judge(
    session: Session, row: GuardFile, action: str, found: dict[str, Any], now: datetime
) -> None:
    report = session.get(GuardReport, row.report_id) if row.report_id else None
    if action != "refuse":
        found = {**found, "completed_at": now}
        if report is not None and report.state == "closed":
            found["annexed"] = True
    move(
        session,
        row,
        FILE,
        action,
        actor=events.Actor("phone", str(row.phone_id)),
        learned_at=now,
        happened_at=row.taken_at,
        values=found,
        facts={"sha256": row.sha256},
    )
    session.execute(delete(GuardFilePiece).where(GuardFilePiece.file_id == row.id))
    if report is not None and action == "complete":
        attach_to_ticket(session, report, now=now)
