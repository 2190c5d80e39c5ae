"""Rows of patrols: checkpoints, what stands at them to be scanned, and scans."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, synonym

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# The type of the assets that patrols go to.
ASSET_TYPE = "checkpoint"
ACCEPTED = "accepted"
CHANNELS = ("online", "sync", "mqtt", "import")
# A scanner's clock may be so far ahead of ours before a scan is marked, and counts for no round.
AHEAD = timedelta(minutes=5)
# Handed in by the phone of whoever scanned.
BY_PHONE = ("online", "sync")
CHECKPOINT = Lifecycle(
    "checkpoint",
    {
        "change": {"active": "active"},
        "retire": {"active": "retired"},
        "reactivate": {"retired": "active"},
    },
)
TOKEN = Lifecycle(
    "checkpoint_token",
    {
        "lose": {"active": "lost"},
        "find": {"lost": "active"},
        "replace": {"active": "replaced", "lost": "replaced"},
    },
)
_ACTIVE = text("state = 'active'")


class Checkpoint(Base):
    """What patrols need to know of an asset of the type `checkpoint`; it has the asset's own id.

    latitude, longitude: degrees (WGS 84); radius_m: how far from there still counts. All or none.
    """

    __tablename__ = "checkpoint"

    id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    asset_id: Mapped[UUID] = synonym("id")
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    radius_m: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (
        CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_m IS NULL)",
            name="whole_position",
        ),
    )


class CheckpointToken(Base):
    """What is scanned at a checkpoint: a tag, a display, a reader, a code on paper, a place.

    derived_id: a keyed hash of what it shows of itself (UID, code, number), never that itself.
    sealed: the secret of a rotating code under the vault. key_version: which of its keys a signed
    tag was given. last_counter, last_step: the newest that was taken; smaller ones never are.
    device_id: our reader on the wall, or the gateway that hears badges.
    weakest_dbm: how weak the gateway may hear a badge that counts as here.
    """

    __tablename__ = "checkpoint_token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    checkpoint_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoint.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)
    label: Mapped[str] = mapped_column(String(80), default="")
    derived_id: Mapped[str | None] = mapped_column(String(64), index=True)
    key_version: Mapped[int] = mapped_column(Integer, default=1)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_counter: Mapped[int | None] = mapped_column(BigInteger)
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    weakest_dbm: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Instant)
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("checkpoint_token.id"))

    __table_args__ = (
        # What is scanned leads to one checkpoint, whoever sets it up at the same moment.
        Index(
            "uq_checkpoint_token_derived",
            "site_id",
            "kind",
            "derived_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(
            "uq_checkpoint_token_device",
            "kind",
            "device_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )


class Scan(Base):
    """Something presented at a checkpoint. Only an accepted one counts for rounds and rules.

    verdict: `accepted`, or why not (workflows.patrol.proof.REASONS). occurred_at: by the scanner's
    clock; received_at: by ours. checkpoint_id, token_id: none where nothing of ours was presented.
    person_id: none where nobody knows who; credential_hash: a keyed hash of what was presented of
    them (card, badge), kept where it is no badge of ours. sequence: the counter or time step.
    fingerprint: a keyed hash of all that was presented, to know a repetition from a mistake.
    coarse_at: since when no more is kept of it than the record of work needs (see docs/privacy.md).
    """

    __tablename__ = "scan"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("checkpoint.id"))
    token_id: Mapped[UUID | None] = mapped_column(ForeignKey("checkpoint_token.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    credential_hash: Mapped[str | None] = mapped_column(String(64))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    channel: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(20))
    grade: Mapped[str] = mapped_column(String(10))
    verdict: Mapped[str] = mapped_column(String(20))
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)
    fingerprint: Mapped[str] = mapped_column(String(64))
    coarse_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(
            "ix_scan_whole",
            "received_at",
            sqlite_where=text("coarse_at IS NULL"),
            postgresql_where=text("coarse_at IS NULL"),
        ),
        Index("ix_scan_site_occurred", "site_id", "occurred_at", "id"),
        Index("ix_scan_checkpoint_occurred", "checkpoint_id", "occurred_at", "id"),
        Index("ix_scan_person_occurred", "person_id", "occurred_at", "id"),
        Index("ix_scan_person_received", "person_id", "received_at"),
        Index("ix_scan_token_sequence", "token_id", "sequence"),
    )


class PatrolKey(Base):
    """The master key of a company, from which each signed tag's own keys come; sealed."""

    __tablename__ = "patrol_key"

    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
