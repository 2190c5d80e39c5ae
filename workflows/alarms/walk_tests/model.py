"""The tables of walk tests: a place whose sensors are triggered one by one, and what answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

CAUSE = "walk_test"
# While it runs its status says what the alarms about lives of the place do: they speak (running),
# they speak and somebody asked for their silence (asked), or two people agreed on it (silent).
# Whether one that runs is over is what its end says.
RUNS = ("running", "asked", "silent")
WALK_TEST = Lifecycle(
    "walk_test",
    {
        "change": {state: state for state in RUNS},
        "ask_lives": {"running": "asked"},
        "confirm_lives": {"asked": "silent"},
        "refuse_lives": {"asked": "running"},
        "finish": dict.fromkeys(RUNS, "finished"),
        "sign": dict.fromkeys((*RUNS, "finished"), "signed"),
    },
)


class WalkTest(Base):
    """A test of the sensors of a place, from a moment to another; who finishes early moves the end.

    patrol: who walks instead of the alarms about lives, once lives_confirmed_by agreed.
    heard_until: µs, up to where readings were looked at; settled: all of them were.
    signature, digest: SHA-256 of the drawing, and of what was signed. signer: their name, sealed
    under a key of its own.
    """

    __tablename__ = "walk_test"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    reason: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    started_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    patrol: Mapped[str] = mapped_column(String(120), default="")
    lives_asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    lives_confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    heard_until: Mapped[int] = mapped_column(BigInteger, default=0)
    settled: Mapped[bool] = mapped_column(default=False)
    signed_at: Mapped[datetime | None] = mapped_column(Instant)
    signed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    signer: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_walk_test_site_end", "site_id", "ends_at"),
        Index("ix_walk_test_settled", "settled"),
    )


class WalkSensor(Base):
    """A sensor in a walk test. before: the value of each of its points when the test began, by
    series, where it had one. answer: what it said first that counts: asset, point, value, at (µs).

    photo, copy: SHA-256 of the picture as it was taken, and of the small one for everybody.
    """

    __tablename__ = "walk_sensor"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    test_id: Mapped[UUID] = mapped_column(ForeignKey("walk_test.id"))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    version: Mapped[int] = mapped_column(Integer, default=1)
    before: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    ticked_at: Mapped[datetime | None] = mapped_column(Instant)
    ticked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    photo: Mapped[str | None] = mapped_column(String(64))
    copy: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (UniqueConstraint("test_id", "device_id"),)


class WalkSignerKey(Base):
    """The key under which the name of a signer stands; destroying it erases the name."""

    __tablename__ = "walk_signer_key"

    test_id: Mapped[UUID] = mapped_column(ForeignKey("walk_test.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    key: Mapped[bytes] = mapped_column(LargeBinary)
