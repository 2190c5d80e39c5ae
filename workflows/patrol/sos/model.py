"""Rows of what phones say of calls for help: each press, position and wish to call it off."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant

WHAT = ("press", "position", "cancel")


class SosSignal(Base):
    """Something that a phone said of a call for help. what: one of WHAT.

    kind: of a press, open or silent. occurred_at: by the phone's clock, as it said. sealed: where
    the phone said to be (latitude, longitude, accuracy_m, at), under the key of its person; NULL =
    it said nothing, or nothing usable. proof: of a cancel: phrase, wrong, none.
    """

    __tablename__ = "sos_signal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sos_id: Mapped[UUID] = mapped_column(ForeignKey("sos.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    what: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(8), default="")
    occurred_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    proof: Mapped[str] = mapped_column(String(8), default="")

    __table_args__ = (Index("ix_sos_signal_sos_received", "sos_id", "received_at", "id"),)
