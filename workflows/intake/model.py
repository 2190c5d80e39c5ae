"""The row of an import: what file it was, who handed it in, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

IMPORT = Lifecycle(
    "import",
    {
        "apply": {"previewed": "applied"},
        "undo": {"applied": "undone"},
        "discard": {"previewed": "discarded"},
    },
)


class Intake(Base):
    """A file that somebody handed in.

    site_id: the one site that it is about; none when there are several, or people.
    file_hash: SHA-256 of the file, in hex. counts: kind of thing → action → how many.
    fingerprint: of the plan that the preview shows.
    preview: while it is not applied, the lines of the file, its plan and its findings, sealed
    under the key of who handed it in. plan: once it is applied, what it did, with the values
    before; what is personal in it is sealed under the key of the person it is about.
    kept: once it is undone, what was in use and stays.
    """

    __tablename__ = "intake"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="previewed")
    version: Mapped[int] = mapped_column(Integer, default=1)
    filename: Mapped[str] = mapped_column(String(200))
    file_hash: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    uploaded_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    uploaded_at: Mapped[datetime] = mapped_column(Instant, index=True)
    applied_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    fingerprint: Mapped[str] = mapped_column(String(64))
    preview: Mapped[bytes | None] = mapped_column(LargeBinary)
    plan: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    kept: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
