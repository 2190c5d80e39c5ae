"""Rows of rounds: routes, plans, rounds with their points, and when phones were heard of."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# How a round goes through the points of its route.
ORDERS = ("ordered", "unordered", "random", "risk_weighted")
# These are drawn anew for each round.
DRAWN = ("random", "risk_weighted")
_IN_USE = {
    "change": {"active": "active"},
    "retire": {"active": "retired"},
    "reactivate": {"retired": "active"},
}
ROUTE = Lifecycle("route", _IN_USE)
PLAN = Lifecycle("round_plan", _IN_USE)
ROUND = Lifecycle(
    "round",
    {
        "start": {"planned": "running"},
        "complete": {"running": "complete"},
        "close": {"running": "incomplete", "planned": "missed"},
        "cancel": {"planned": "cancelled", "running": "cancelled"},
    },
)
# While one is in these, scans are joined to it and time goes on for it.
OPEN = ("planned", "running")
# From the opening of a round to its end: a day with a day of tolerance to either side.
LONGEST = timedelta(days=3)
# Instead of checkpoints: at every one of the route.
EVERYWHERE = "*"
POINT_STATES = ("open", "scanned", "unknown", "missed", "excused")


class Route(Base):
    """Checkpoints that a round goes to. order: one of ORDERS.

    take: how many of its points a random or risk-weighted round draws; none = all of them.
    """

    __tablename__ = "route"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    order: Mapped[str] = mapped_column("visit_order", String(15))
    take: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class RoutePoint(Base):
    """A checkpoint of a route. opens_min, closes_min: minutes after the planned start of a round.

    None: from the start of the round, and to its end.
    """

    __tablename__ = "route_point"

    route_id: Mapped[UUID] = mapped_column(ForeignKey("route.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    checkpoint_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoint.id"), index=True)
    opens_min: Mapped[int | None] = mapped_column(Integer)
    closes_min: Mapped[int | None] = mapped_column(Integer)


class RoundPlan(Base):
    """When rounds of a route begin.

    times: local times of day, as `22:00`. weekdays: ISO numbers, 1 = Monday; of the day on which a
    round begins. hours: code of a calendar or a shift; only rounds that begin within it (or, with
    `outside`, without it) are made. team: whose people on duty go. duration_min: from the planned
    start to the end. tolerance_min: how much earlier or later than planned still counts.
    settle_min: how long after its end a point that nobody knows of stays unknown.
    made_until: up to when its rounds are made.
    statute: what it is made under, if anything: {"code": of workflows.patrol.statutes, "hours": the
    calendar or shift in which it counts, "items": by what has to be looked at the ids of the
    checkpoints where that is done, or EVERYWHERE}.
    """

    __tablename__ = "round_plan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    route_id: Mapped[UUID] = mapped_column(ForeignKey("route.id"), index=True)
    times: Mapped[list[str]] = mapped_column(JSON)
    weekdays: Mapped[list[int]] = mapped_column(JSON)
    hours: Mapped[str] = mapped_column(String(40), default="")
    outside: Mapped[bool] = mapped_column(default=False)
    team: Mapped[str] = mapped_column(String(40))
    duration_min: Mapped[int] = mapped_column(Integer)
    tolerance_min: Mapped[int] = mapped_column(Integer)
    settle_min: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)
    made_until: Mapped[datetime | None] = mapped_column(Instant)
    statute: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Round(Base):
    """A round to be gone, or that was gone.

    planned_at: when it should begin; begin_by: when it counts as not begun; ends_at: by when all of
    it must be scanned; settles_at: when what nobody knows of counts as missed. Scans by a clock
    from `opens_at` to `ends_at` count. person_id: who goes it, from the first scan or the start on.
    next_look: when time alone may change something about it; none once it is over.
    next_check: when it is to be asked whether it was gone as it is told (workflows.patrol.honesty).
    late_told_at, passed_up_at: when it was told that it did not begin. paused_at: since when its
    guard is called away (workflows.patrol.tasks); paused_s: for how long they were before that, by
    which its end and the windows that were open then were moved.
    """

    __tablename__ = "round"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    route_id: Mapped[UUID] = mapped_column(ForeignKey("route.id"), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("round_plan.id"), index=True)
    team: Mapped[str] = mapped_column(String(40))
    order: Mapped[str] = mapped_column("visit_order", String(15))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    planned_at: Mapped[datetime] = mapped_column(Instant)
    opens_at: Mapped[datetime] = mapped_column(Instant)
    begin_by: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    settles_at: Mapped[datetime] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    began_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    next_look: Mapped[datetime | None] = mapped_column(Instant, index=True)
    next_check: Mapped[datetime | None] = mapped_column(Instant, index=True)
    late_told_at: Mapped[datetime | None] = mapped_column(Instant)
    passed_up_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")
    paused_at: Mapped[datetime | None] = mapped_column(Instant)
    paused_s: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    __table_args__ = (
        Index("ix_round_site_planned", "site_id", "planned_at", "id"),
        UniqueConstraint("plan_id", "planned_at"),
    )


class RoundPoint(Base):
    """A checkpoint that a round goes to. state: one of POINT_STATES.

    opens_at, closes_at: its window with the tolerance of the plan. scan_id, scanned_at: the scan
    that counts for it, by the scanner's clock. judged_at: when it was last said to be unknown or
    missed. annexed: the scan was told after the round was closed, which it does not change.
    told_at, passed_up_at: when people were told that it is missed. reason: why it is excused.
    """

    __tablename__ = "round_point"

    round_id: Mapped[UUID] = mapped_column(ForeignKey("round.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    checkpoint_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoint.id"))
    state: Mapped[str] = mapped_column(String(10), default="open")
    opens_at: Mapped[datetime] = mapped_column(Instant)
    closes_at: Mapped[datetime] = mapped_column(Instant)
    scan_id: Mapped[UUID | None] = mapped_column(ForeignKey("scan.id"), index=True)
    scanned_at: Mapped[datetime | None] = mapped_column(Instant)
    judged_at: Mapped[datetime | None] = mapped_column(Instant)
    annexed: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    passed_up_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("ix_round_point_checkpoint", "checkpoint_id", "opens_at"),)


class PatrolContact(Base):
    """When a guard's phone was heard of last, and up to when it has told all it knows.

    told_until: every scan by its clock until then has reached us; none where it never said so.
    """

    __tablename__ = "patrol_contact"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(Instant)
    told_until: Mapped[datetime | None] = mapped_column(Instant)
