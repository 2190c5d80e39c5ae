"""Planned work on equipment: what the rules that ask for it fall silent for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    bindparam,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import from_micros
from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle
from core.places import Asset, Space, Supply, is_within
from workflows.alarms.finding import Faulty
from workflows.alarms.model import Alarm
from workflows.alarms.withheld import Withheld

CAUSE = "planned_work"
# Whether it is ahead, in progress or over is what its times say of one that is planned.
PLANNED = Lifecycle(
    "planned_work",
    {
        "change": {"planned": "planned"},
        "finish": {"planned": "finished"},
        "cancel": {"planned": "cancelled"},
    },
)


class PlannedWork(Base):
    """Maintenance or an outage that somebody planned, from a moment to another.

    with_supplied: whether what its equipment supplies is affected as well, however far. What is
    finished early ends at that moment: ends_at is moved there.
    """

    __tablename__ = "planned_work"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str] = mapped_column(Text)
    with_supplied: Mapped[bool] = mapped_column(Boolean)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    planned_at: Mapped[datetime] = mapped_column(Instant)
    planned_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))

    __table_args__ = (Index("ix_planned_work_site_end", "site_id", "ends_at"),)


class PlannedTarget(Base):
    """One thing that planned work is on: an asset, or a space with everything in it."""

    __tablename__ = "planned_target"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    work_id: Mapped[UUID] = mapped_column(ForeignKey("planned_work.id"), index=True)
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))

    __table_args__ = (CheckConstraint("(asset_id IS NULL) <> (space_id IS NULL)", name="one"),)


_AT_THE_TIME = (
    select(PlannedWork)
    .where(
        PlannedWork.site_id == bindparam("of_site"),
        PlannedWork.state.in_(("planned", "finished")),
        PlannedWork.starts_at <= bindparam("at"),
        PlannedWork.ends_at > bindparam("at"),
    )
    .order_by(PlannedWork.ends_at.desc())
    # Somebody may be ending it right now: then it is over for this trip, or this trip is among
    # those that its end lets speak.
    .with_for_update(read=True, of=PlannedWork)
)


def planned_work(
    session: Session, fault: Faulty, alarm: Alarm | None, learned_at: datetime
) -> Withheld | None:
    """Work of a kind that the rule falls silent for was going on where and when it tripped.

    By the time of the trip, not by when we learned of it: what happened during the work belongs to
    it, however late its readings come; then `until` lies behind us, and it is judged again at once.
    """
    del alarm, learned_at
    if not fault.rule.suppress_while:
        return None
    given = {"of_site": fault.site_id, "at": from_micros(fault.at)}
    works = [
        work
        for work in session.scalars(_AT_THE_TIME, given)
        if work.kind in fault.rule.suppress_while
    ]
    for work in _covering(session, works, fault) if works else ():
        return Withheld(
            "suppressed", work.kind, work.ends_at, cause=(CAUSE, work.id), reason=work.reason
        )
    return None


def _covering(session: Session, works: Sequence[PlannedWork], fault: Faulty) -> list[PlannedWork]:
    """Of these works those on the asset of a fault, on what it stands in, or on what feeds it."""
    targets = session.scalars(
        select(PlannedTarget).where(PlannedTarget.work_id.in_([work.id for work in works]))
    ).all()
    of_work = defaultdict[UUID, list[PlannedTarget]](list)
    for target in targets:
        of_work[target.work_id].append(target)
    alone = {fault.asset_id: fault.space_id}
    fed_by = alone
    if any(work.with_supplied for work in works):
        fed_by = alone | _feeding(session, fault)
    parents = _parents(session, fault.site_id) if any(one.space_id for one in targets) else {}
    return [
        work
        for work in works
        if any(
            _is_on(target, fed_by if work.with_supplied else alone, parents)
            for target in of_work[work.id]
        )
    ]


def _is_on(
    target: PlannedTarget,
    affected: Mapping[UUID, UUID | None],
    parents: Mapping[UUID, UUID | None],
) -> bool:
    if target.space_id is None:
        return target.asset_id in affected
    return any(is_within(space, target.space_id, parents) for space in affected.values())


def _feeding(session: Session, fault: Faulty) -> dict[UUID, UUID | None]:
    """Everything that feeds an asset, directly or not, each with the space it stands in."""
    suppliers = defaultdict[UUID, list[tuple[UUID, UUID | None]]](list)
    rows = session.execute(
        select(Supply.consumer_id, Supply.supplier_id, Asset.space_id)
        .join(Asset, Asset.id == Supply.supplier_id)
        .where(Supply.site_id == fault.site_id)
    )
    for consumer, supplier, space in rows:
        suppliers[consumer].append((supplier, space))
    found: dict[UUID, UUID | None] = {}
    fresh = [fault.asset_id]
    while fresh:
        near = [one for asset in fresh for one in suppliers[asset] if one[0] not in found]
        found |= dict(near)
        fresh = [asset for asset, _ in near]
    return found


def _parents(session: Session, site_id: UUID) -> dict[UUID, UUID | None]:
    rows = session.execute(select(Space.id, Space.parent_id).where(Space.site_id == site_id))
    return {space: parent for space, parent in rows}
