"""Keys of sources to which platforms push, what they pushed, and which deliveries are known."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id


class SourceKey(Base):
    """By what a platform proves that it may push to a source.

    secret, cipher_key: sealed. former: the secret before, which counts until `former_until`, so
    that a change loses nothing. received_at: when something was last accepted, about.
    """

    __tablename__ = "source_key"

    source_id: Mapped[UUID] = mapped_column(
        ForeignKey("source.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    profile: Mapped[str] = mapped_column(String(20))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    cipher_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    former: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[datetime | None] = mapped_column(Instant)
    set_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime | None] = mapped_column(Instant)


class HttpMessage(Base):
    """A message that was accepted and not yet taken in. It goes once its readings are durable.

    again: the same content came a short while ago under no name of its own. No foreign key: what
    was accepted is taken in whatever becomes of its source.
    """

    __tablename__ = "http_message"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID] = mapped_column(index=True)
    topic: Mapped[str] = mapped_column(String(500))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(Instant)
    again: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    __table_args__ = (Index("ix_http_message_received_at_id", "received_at", "id"),)


class HttpDelivery(Base):
    """That something was accepted, by a hash of its source and of what tells it from others."""

    __tablename__ = "http_delivery"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime] = mapped_column(Instant, index=True)
