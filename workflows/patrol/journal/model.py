"""Rows of journals: entries, what did not fit them, and the files that they tell of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.lifecycle import Lifecycle

PHOTO, VOICE = "photo", "voice"
FILE = Lifecycle(
    "guard_file",
    {
        "complete": {"waiting": "complete"},
        "set_aside": {"waiting": "unusable"},
        "refuse": {"waiting": "wrong"},
        "retry": {"wrong": "waiting"},
    },
)


class JournalEntry(Base):
    """An entry of a phone's journal, and what became of it.

    id: the phone's own; that of the scan or report that came from it. sealed: its very text, under
    the key of its person; of nobody, by the vault. hash: SHA-256 of that text; the chain can be
    checked by these alone once a person is erased. signature: of the batch that ended with it.
    verdict: accepted, refused, kept or not_understood; reason: why it was refused. marks: what is
    odd about it, which refuses nothing. outcome: ids of what came of it. coarse_at: since when its
    text is no longer kept; sealed is empty then, and hashes and signatures hold the chain.
    """

    __tablename__ = "journal_entry"

    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[UUID] = mapped_column(index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[str | None] = mapped_column(String(100))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    device_at: Mapped[datetime] = mapped_column(Instant)
    offset_ms: Mapped[int | None] = mapped_column(BigInteger)
    mono_ms: Mapped[int] = mapped_column(BigInteger)
    boot: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime] = mapped_column(Instant)
    verdict: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(20))
    marks: Mapped[list[str]] = mapped_column(JSON)
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON)
    coarse_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(
            "ix_journal_entry_whole",
            "received_at",
            sqlite_where=text("coarse_at IS NULL"),
            postgresql_where=text("coarse_at IS NULL"),
        ),
        Index("ix_journal_entry_site_occurred", "site_id", "occurred_at"),
        Index("ix_journal_entry_person_occurred", "person_id", "occurred_at"),
    )


class JournalFork(Base):
    """An entry that continues a journal otherwise than we know it: kept, and counts for nothing."""

    __tablename__ = "journal_fork"

    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(Instant)


class JournalOrphan(Base):
    """An entry of an earlier key of a phone, which it could not hand in then: counts for nothing.

    phone_id: which phone handed it in; of_phone: which it was when it was written, known or not.
    file_id: the document that it came in. seq, kind, person_id, occurred_at: as it says, where it
    can be read. hash, sealed: as of an entry. proved: whether the key of that phone has signed it.
    """

    __tablename__ = "journal_orphan"

    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    file_id: Mapped[UUID] = mapped_column(ForeignKey("guard_file.id"))
    of_phone: Mapped[UUID]
    seq: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    occurred_at: Mapped[datetime | None] = mapped_column(Instant)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    proved: Mapped[bool]
    received_at: Mapped[datetime] = mapped_column(Instant)


class GuardFile(Base):
    """A photo or voice note that a journal tells of, and how much of it is here.

    sha256, size: as the phone hashed and measured it when it was taken. received: how many bytes
    from the beginning are here. original, copy: SHA-256 under which it and its small or plain copy
    stand in the store of files, once it is whole. report_id, addition_id: what it belongs to, or
    log_id: the entry of a post's pass-down log.
    annexed: it became whole after that report was closed.
    """

    __tablename__ = "guard_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"))
    seq: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    what: Mapped[str] = mapped_column(String(10))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(Integer)
    received: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    version: Mapped[int] = mapped_column(Integer, default=1)
    taken_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    original: Mapped[str | None] = mapped_column(String(64))
    copy: Mapped[str | None] = mapped_column(String(64))
    media_type: Mapped[str | None] = mapped_column(String(40))
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[int | None] = mapped_column(Integer)
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("guard_report.id"), index=True)
    addition_id: Mapped[UUID | None] = mapped_column(ForeignKey("guard_report_addition.id"))
    log_id: Mapped[UUID | None] = mapped_column(ForeignKey("post_log.id"), index=True)
    annexed: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("ix_guard_file_phone_state", "phone_id", "state"),)


class GuardFilePiece(Base):
    """A piece of a file that is not whole yet."""

    __tablename__ = "guard_file_piece"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("guard_file.id"), primary_key=True)
    offset: Mapped[int] = mapped_column("starts_at", Integer, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    content: Mapped[bytes] = mapped_column(LargeBinary)
