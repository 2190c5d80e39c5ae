"""Rows of lone workers: who has to say that they are well, how often, and where no signal is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

PLAN = Lifecycle(
    "lone_plan",
    {
        "change": {"active": "active"},
        "retire": {"active": "retired"},
        "reactivate": {"retired": "active"},
    },
)
LIVING = ("well", "due", "out_of_signal", "missed")
WATCH = Lifecycle(
    "lone_worker",
    {
        # They were scanned, wrote something down, or said so; or somebody has seen to them.
        "check_in": dict.fromkeys(LIVING, "well"),
        # Their time is over; they are told first.
        "remind": {"well": "due"},
        # Where they were last there is no signal: it is shown, and not an alarm yet.
        "wait": {"due": "out_of_signal"},
        "miss": {"due": "missed", "out_of_signal": "missed"},
        # Their shift is over, or the plan.
        "end": dict.fromkeys(LIVING, "over"),
    },
)
# What counted as a sign of life.
SIGNS = ("start", "scan", "journal", "check_in", "contact", "answered")


class LonePlan(Base):
    """Who of a site has to check in, and how often.

    team: whose people on duty. hours: code of a calendar or a shift; only within it (or, with
    `outside`, outside of it). every_min: how long one sign of life lasts. grace_min: how long
    after they were reminded they count as missed. wait_min: how much longer where there is known
    to be no signal. contact_counts: whether a phone that is heard by itself is a sign of life; it
    goes on being heard in the pocket of somebody who lies there.
    """

    __tablename__ = "lone_plan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    team: Mapped[str] = mapped_column(String(40))
    hours: Mapped[str] = mapped_column(String(40), default="")
    outside: Mapped[bool] = mapped_column(default=False)
    every_min: Mapped[int] = mapped_column(Integer)
    grace_min: Mapped[int] = mapped_column(Integer)
    wait_min: Mapped[int] = mapped_column(Integer)
    contact_counts: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)


class LoneWatch(Base):
    """Somebody on duty who has to check in.

    ends_at: when their shift ends. heard_at: their last sign of life, by which of SIGNS it was;
    checkpoint_id: where that was, if anybody knows. due_at: when the next one is due. reminded_at:
    when they were told that it is. sos_id: the alarm that a missed one became. next_look: when
    time alone may change something; none once it is over.
    """

    __tablename__ = "lone_watch"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("lone_plan.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(15), default="well")
    version: Mapped[int] = mapped_column(Integer, default=1)
    began_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    heard_at: Mapped[datetime] = mapped_column(Instant)
    heard_by: Mapped[str] = mapped_column(String(10), default="start")
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    due_at: Mapped[datetime] = mapped_column(Instant)
    reminded_at: Mapped[datetime | None] = mapped_column(Instant)
    missed_at: Mapped[datetime | None] = mapped_column(Instant)
    sos_id: Mapped[UUID | None] = mapped_column(ForeignKey("sos.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    next_look: Mapped[datetime | None] = mapped_column(Instant, index=True)

    __table_args__ = (
        # Whoever is watched is watched once, whichever process saw their shift begin.
        Index(
            "uq_lone_watch_living",
            "person_id",
            unique=True,
            sqlite_where=text("state <> 'over'"),
            postgresql_where=text("state <> 'over'"),
        ),
    )


class DeadZone(Base):
    """A checkpoint or a space where somebody said that phones have no signal; by its id."""

    __tablename__ = "dead_zone"

    place_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    set_at: Mapped[datetime] = mapped_column(Instant)
    set_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
