"""Rows of marks: what is asked of a round, what was answered, and what was decided."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

KINDS = (
    "speed",
    "burst",
    "dwell",
    "harvest",
    "replay",
    "shared_phone",
    "two_phones",
    "clock",
    "photo",
)
MARK = Lifecycle(
    "patrol_mark",
    {
        "answer": {"open": "answered"},
        "uphold": {"open": "upheld", "answered": "upheld"},
        "dismiss": {"open": "dismissed", "answered": "dismissed"},
    },
)
# While a mark is in one of these, what is learned later is added to it.
UNDECIDED = ("open", "answered")


class PatrolMark(Base):
    """A question about a round. One of each kind a round; see docs/honesty.md.

    person_id: whom it is about, who may answer; none where nobody is known. scans: the ids of those
    that it is about. evidence: figures, as detectors give them. answer, reason: words, sealed under
    the key of whom it is about (of who decided, where nobody is known).
    """

    __tablename__ = "patrol_mark"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    round_id: Mapped[UUID] = mapped_column(ForeignKey("round.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="open")
    version: Mapped[int] = mapped_column(Integer, default=1)
    scans: Mapped[list[str]] = mapped_column(JSON)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("round_id", "kind"),
        Index("ix_patrol_mark_site_made", "site_id", "made_at", "id"),
        Index("ix_patrol_mark_person_made", "person_id", "made_at", "id"),
    )
