"""By which way each device is heard: the source that took its messages, the gateway in between."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant


class DeviceHearing(Base):
    """The way by which a device was heard first, and another one by which it is heard since.

    source: the source's code; empty for topics of ours. through: the code of the gateway that
    passed the message on, where the message names one.
    stray_…: the other way; stray_since: none while all is well.
    """

    __tablename__ = "device_hearing"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    source: Mapped[str] = mapped_column(String(60))
    through: Mapped[str | None] = mapped_column(String(120))
    heard_at: Mapped[datetime] = mapped_column(Instant)
    stray_source: Mapped[str | None] = mapped_column(String(60))
    stray_through: Mapped[str | None] = mapped_column(String(120))
    stray_since: Mapped[datetime | None] = mapped_column(Instant)
    stray_last: Mapped[datetime | None] = mapped_column(Instant)
