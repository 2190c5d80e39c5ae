"""Identities of devices on the broker: what each may say, and the credentials it signs in with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# A replaced credential is good until the device was seen with the newer one, or its time is up.
CREDENTIAL = Lifecycle(
    "device_credential",
    {
        "replace": {"standing": "leaving"},
        "end": {"leaving": "ended"},
        "revoke": {"standing": "revoked", "leaving": "revoked"},
    },
)
# What the broker still lets in.
ADMITTED = ("standing", "leaving")


class DeviceIdentity(Base):
    """What a device may say beside its own topics: then it is a bridge.

    speaks_for: ids of further devices of its site whose own topics it may publish. sources: ids of
    sources whose topics it may publish. topics: filters, each within a source of the site, for
    whom a whole source would be too much. reads: further filters that it may subscribe to.
    twice_since: since when a credential of it is used twice at once; twice: by whom, as the broker
    knows them.
    """

    __tablename__ = "device_identity"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    speaks_for: Mapped[list[str]] = mapped_column(JSON, default=list)
    sources: Mapped[list[str]] = mapped_column(JSON, default=list)
    topics: Mapped[list[str]] = mapped_column(JSON, default=list)
    reads: Mapped[list[str]] = mapped_column(JSON, default=list)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    twice_since: Mapped[datetime | None] = mapped_column(Instant)
    twice: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def is_bridge(self) -> bool:
        """Whether it may speak for others."""
        return bool(self.speaks_for or self.sources or self.topics)


class DeviceCredential(Base):
    """One user name and secret of a device. The secret is shown once, when it is made.

    hash: bcrypt, which the embedded broker compares with. sealed: the secret under the vault's key,
    for a broker that must be told it; none where the hash is enough.
    valid_until: of a replaced one, when it ends at the latest. admitted_at: when the broker first
    had it. connections: who is signed in with it now.
    """

    __tablename__ = "device_credential"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="standing")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    hash: Mapped[str] = mapped_column(String(80))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    replaced_at: Mapped[datetime | None] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    admitted_at: Mapped[datetime | None] = mapped_column(Instant)
    first_used_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    connections: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


class BrokerAccounts(Base):
    """How far the broker's accounts follow ours; one row.

    reached_at: when it last did what we want. fault: why it does not; since fault_since.
    unknown: accounts on it that we did not make. shared: who is signed in without a credential of
    its own, as of reached_at.
    """

    __tablename__ = "broker_accounts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), default="")
    reached_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[str | None] = mapped_column(String(500))
    fault_since: Mapped[datetime | None] = mapped_column(Instant)
    unknown: Mapped[list[str]] = mapped_column(JSON, default=list)
    shared: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
