"""Rows of frozen reports: clients, how a site reports, reports with editions, who read one."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

DAILY, INCIDENT = "daily", "incident"
# How people who work there are named in an edition.
NAMINGS = ("names", "initials", "badges", "nobody")
# What an edition of a client may hold beside posts and rounds.
PARTS = ("reports", "photos", "marks", "alarms", "tickets", "calls", "hand_overs")
USUAL_PARTS = ("reports", "photos", "alarms", "tickets", "calls")
LANGUAGES = ("en", "zh")
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
CLIENT = Lifecycle(
    "report_client",
    {
        "change": {"active": "active"},
        "end": {"active": "ended"},
        "resume": {"ended": "active"},
    },
)


class ReportClient(Base):
    """A company that a site is kept for, and what its editions of reports hold.

    language: of the messages that it gets. naming: one of NAMINGS. parts: some of PARTS.
    addresses: e-mail addresses that are sent a link to every report; they stand here only.
    """

    __tablename__ = "report_client"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(5), default="zh")
    naming: Mapped[str] = mapped_column(String(10), default="initials")
    parts: Mapped[list[str]] = mapped_column(JSON)
    addresses: Mapped[list[str]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)


class ReportSettings(Base):
    """How a site reports; a site without a row: by hand, and with names.

    closes_after_min: so many minutes after its end a day closes by itself; NULL: by hand only.
    naming: of the edition that stays in the house.
    """

    __tablename__ = "report_settings"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    closes_after_min: Mapped[int | None] = mapped_column(Integer)
    # Days before this one are never closed by themselves.
    since: Mapped[date | None] = mapped_column(Date)
    naming: Mapped[str] = mapped_column(String(10), default="names")
    version: Mapped[int] = mapped_column(Integer, default=1)


class FrozenReport(Base):
    """A report as it was closed, or an annex to one; none of it ever changes but `looked_at`.

    number: what people say. day: of a daily one, by the site's clock. subject_kind, subject_id: of
    an incident: ticket or guard_report. of_id, annex: what it is the how-manieth annex of; 0: none.
    closed_by: NULL: by itself. looked_at: up to when it is known what came later.
    """

    __tablename__ = "frozen_report"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(80), unique=True)
    day: Mapped[date | None] = mapped_column(Date)
    subject_kind: Mapped[str] = mapped_column(String(20), default="")
    subject_id: Mapped[UUID | None]
    of_id: Mapped[UUID | None] = mapped_column(ForeignKey("frozen_report.id"))
    annex: Mapped[int] = mapped_column(Integer, default=0)
    closed_at: Mapped[datetime] = mapped_column(Instant)
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    looked_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        # Of two who close a day at once one is too late; an annex has its number once.
        Index(
            "uq_frozen_report_day",
            "site_id",
            "day",
            unique=True,
            sqlite_where=text("kind = 'daily' AND annex = 0"),
            postgresql_where=text("kind = 'daily' AND annex = 0"),
        ),
        Index(
            "uq_frozen_report_subject",
            "subject_id",
            unique=True,
            sqlite_where=text("subject_id IS NOT NULL AND annex = 0"),
            postgresql_where=text("subject_id IS NOT NULL AND annex = 0"),
        ),
        Index("uq_frozen_report_annex", "of_id", "annex", unique=True),
        Index("ix_frozen_report_site_closed", "site_id", "closed_at", "id"),
    )


class ReportEdition(Base):
    """What a report says to somebody: to the house (client_id NULL) or to a client.

    content: all that it says, as JSON; digest: the SHA-256 of that in its canonical form. files:
    by form and language (`pdf-en`) the SHA-256 under which the store of files has it, and its size.
    """

    __tablename__ = "report_edition"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    report_id: Mapped[UUID] = mapped_column(ForeignKey("frozen_report.id"), index=True)
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("report_client.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    files: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON)


class ReportFileDigest(Base):
    """By the SHA-256 of each file the edition that it is of: how somebody checks a file."""

    __tablename__ = "report_file"

    edition_id: Mapped[UUID] = mapped_column(ForeignKey("report_edition.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True)


class ReportReader(Base):
    """That somebody of the house has read a report, and when first."""

    __tablename__ = "report_reader"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("frozen_report.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    read_at: Mapped[datetime] = mapped_column(Instant)


class ReportSending(Base):
    """An edition on its way to one address of its client, and the link that leads to it.

    state: waiting, sending, sent, failed, or revoked when its link was taken back. address: taken
    away once it is sent or given up. secret_hash: of the link; ends_at: until when that opens
    anything.
    """

    __tablename__ = "report_sending"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    edition_id: Mapped[UUID] = mapped_column(ForeignKey("report_edition.id"), index=True)
    address: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    result: Mapped[str] = mapped_column(String(300), default="")
    secret_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
