"""Rows of privacy: what people agreed to, and spans of somebody's track that a ticket needs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id

_STANDS = text("withdrawn_at IS NULL")


class Consent(Base):
    """That a person agreed to a purpose, until they withdrew it; never changed otherwise.

    purpose: one of workflows.patrol.privacy.texts. version, language, digest: which text they were
    shown, and its SHA-256 in hex. given_by, withdrawn_by: `page` or `phone`.
    """

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(Integer)
    language: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime] = mapped_column(Instant)
    given_by: Mapped[str] = mapped_column(String(10))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_by: Mapped[str | None] = mapped_column(String(10))

    __table_args__ = (
        # Who taps twice, on two devices, has agreed once.
        Index(
            "uq_consent_standing",
            "person_id",
            "purpose",
            unique=True,
            sqlite_where=_STANDS,
            postgresql_where=_STANDS,
        ),
    )


class TrackHold(Base):
    """A span of somebody's track that is kept longer, for as long as a ticket needs it.

    released_at, released_by: when somebody let go of it before the ticket did.
    """

    __tablename__ = "track_hold"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[datetime | None] = mapped_column(Instant)
