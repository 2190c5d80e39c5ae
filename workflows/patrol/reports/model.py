"""Rows of guards' reports: as they were written, and what was added."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.lifecycle import Lifecycle

REPORT = Lifecycle("guard_report", {"close": {"open": "closed"}})


class GuardReport(Base):
    """What a guard reported; what it says never changes. id: that of its entry in the journal.

    choice, kind: from choices.yaml. checks: what was ticked, by code. closing: the word with which
    a supervisor closed it. ticket_id: the ticket that it opened, or that its writer was sent for.
    """

    __tablename__ = "guard_report"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"))
    seq: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    choice: Mapped[str] = mapped_column(String(40))
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    round_id: Mapped[UUID | None] = mapped_column(ForeignKey("round.id"), index=True)
    checks: Mapped[dict[str, bool]] = mapped_column(JSON)
    text: Mapped[str] = mapped_column(Text, default="")
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(10), default="open")
    version: Mapped[int] = mapped_column(Integer, default=1)
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    closing: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("ix_guard_report_site_occurred", "site_id", "occurred_at", "id"),)


class GuardReportAddition(Base):
    """Something that a guard added to a report. annexed: the report was closed when it came."""

    __tablename__ = "guard_report_addition"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    report_id: Mapped[UUID] = mapped_column(ForeignKey("guard_report.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(Text, default="")
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    annexed: Mapped[bool]
