"""Rows of posts: where guards stand, who was there when, orders, keys, and what is passed down."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

POST = Lifecycle(
    "post",
    {
        "change": {"active": "active"},
        "retire": {"active": "retired"},
        "reactivate": {"retired": "active"},
    },
)
# Somebody at a post. `forget`: nobody said that they left, and their shift is long over.
DUTY = Lifecycle(
    "post_duty",
    {
        "leave": {"present": "left", "forgotten": "left"},
        "forget": {"present": "forgotten"},
    },
)
ORDERS = Lifecycle(
    "post_orders",
    {
        "change": {"draft": "draft"},
        "publish": {"draft": "published"},
        "replace": {"published": "replaced"},
    },
)
# How somebody came to a post, or left it.
WAYS = ("scan", "card", "supervisor", "self", "forgotten")
# Who taps twice within this has not come and gone.
TWICE = timedelta(minutes=5)
# Without a shift of their own nobody stays longer.
LONGEST_DUTY = timedelta(hours=12)
_PRESENT = text("state = 'present'")


class Post(Base):
    """Where guards stand: a gate, a control room, or a team that walks.

    team: whose people stand there. hours: codes of the calendars and shifts in which it is to be
    manned; none = at all times. minimum_crew: how many must be there then. for_rounds: whether
    whoever is there counts as on duty for rounds of the team. checkpoint_id: what is scanned to
    come and to go. tolerance_min: how long after the end of a shift somebody may still leave.
    short_since: since when too few are there; told_at: when that was told.
    """

    __tablename__ = "post"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    team: Mapped[str] = mapped_column(String(40))
    hours: Mapped[list[str]] = mapped_column(JSON)
    minimum_crew: Mapped[int] = mapped_column(Integer)
    for_rounds: Mapped[bool] = mapped_column(default=False)
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("checkpoint.id"))
    tolerance_min: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)
    short_since: Mapped[datetime | None] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        # A scan leads to one post, whoever sets up two at the same moment.
        Index(
            "uq_post_checkpoint",
            "checkpoint_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )


class PostDuty(Base):
    """Somebody at a post, from when to when by the clock of whatever told it.

    came_by, left_by: one of WAYS; the scan, who put it down and why, where there is one. shift_end:
    when their shift ends; ends_by: when they count as gone although nobody said so.
    """

    __tablename__ = "post_duty"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10), default="present")
    version: Mapped[int] = mapped_column(Integer, default=1)
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    came_by: Mapped[str] = mapped_column(String(10))
    left_by: Mapped[str | None] = mapped_column(String(10))
    came_scan_id: Mapped[UUID | None] = mapped_column(ForeignKey("scan.id"))
    left_scan_id: Mapped[UUID | None] = mapped_column(ForeignKey("scan.id"))
    came_reason: Mapped[str] = mapped_column(Text, default="")
    left_reason: Mapped[str] = mapped_column(Text, default="")
    shift_end: Mapped[datetime] = mapped_column(Instant)
    ends_by: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        # Nobody is at two posts at once, whoever lets them in at the same moment.
        Index(
            "uq_post_duty_present",
            "person_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        Index("ix_post_duty_post_started", "post_id", "started_at", "id"),
        Index("ix_post_duty_person_started", "person_id", "started_at", "id"),
        Index("ix_post_duty_due", "state", "ends_by"),
        CheckConstraint("(state = 'present') = (ended_at IS NULL)", name="ended"),
    )


class PostOrders(Base):
    """A version of what is to be done at a post. body: Markdown by language.

    digest: SHA-256 of the text in hex, fixed when it is published; what guards acknowledge.
    """

    __tablename__ = "post_orders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    version: Mapped[int] = mapped_column(Integer, default=1)
    body: Mapped[dict[str, str]] = mapped_column(JSON)
    digest: Mapped[str | None] = mapped_column(String(64))
    written_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime] = mapped_column(Instant)
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("post_id", "number"),
        *(
            Index(
                f"uq_post_orders_{state}",
                "post_id",
                unique=True,
                sqlite_where=text(f"state = '{state}'"),
                postgresql_where=text(f"state = '{state}'"),
            )
            for state in ("draft", "published")
        ),
    )


class OrdersRead(Base):
    """That somebody has read a version of orders, by the digest of what they were shown."""

    __tablename__ = "post_orders_read"

    orders_id: Mapped[UUID] = mapped_column(ForeignKey("post_orders.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    digest: Mapped[str] = mapped_column(String(64))
    read_at: Mapped[datetime] = mapped_column(Instant)


class PostItem(Base):
    """A key or a piece of equipment of a post. number: how many should be there.

    counted, counted_at: what the last hand-over found. ticket_id: of a difference that was found.
    """

    __tablename__ = "post_item"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(80))
    number: Mapped[int] = mapped_column(Integer)
    counted: Mapped[int | None] = mapped_column(Integer)
    counted_at: Mapped[datetime | None] = mapped_column(Instant)
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))

    __table_args__ = (UniqueConstraint("post_id", "kind", "name"),)


class PostLog(Base):
    """What one shift passes down to the next in words. Never changed, and never taken away."""

    __tablename__ = "post_log"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime] = mapped_column(Instant)
    text: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_post_log_post", "post_id", "id"),)


class PostLogRead(Base):
    """That somebody has read an entry of the pass-down log."""

    __tablename__ = "post_log_read"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("post_log.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    read_at: Mapped[datetime] = mapped_column(Instant)
