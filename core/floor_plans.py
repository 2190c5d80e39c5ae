"""Floor plans: a picture of a site or of one of its spaces, and where its assets stand on it."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.ids import new_id
from core.people import Caller, scoped
from core.pictures import Picture, read_picture
from core.places import Asset, Space, is_within
from rules.wording import worded

READ, WRITE = "places.read", "places.write"
# Thin lines and small print must still be read on a wall.
LONGEST_SIDE = 2560
ADVICE = worded("Save the drawing as a JPEG, PNG, WebP or HEIC picture and choose that.")
_OF_SITE = text("space_id IS NULL")


class FloorPlan(Base):
    """The picture of a space; space_id is empty for that of the site as a whole.

    original, copy: the SHA-256 of the file as it came, and of the JPEG that pages show.
    """

    __tablename__ = "floor_plan"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    original: Mapped[str] = mapped_column(String(64))
    copy: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (
        UniqueConstraint("space_id"),
        Index(
            "uq_floor_plan_site",
            "site_id",
            unique=True,
            sqlite_where=_OF_SITE,
            postgresql_where=_OF_SITE,
        ),
    )


class PlanPosition(Base):
    """Where an asset stands on a plan, as fractions of its width and height from the top left."""

    __tablename__ = "plan_position"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("floor_plan.id"), primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), primary_key=True, index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    x: Mapped[float] = mapped_column(Float)
    y: Mapped[float] = mapped_column(Float)

    __table_args__ = (CheckConstraint("x >= 0 AND x <= 1 AND y >= 0 AND y <= 1", name="within"),)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A picture whose two files are stored. original, copy: their SHA-256."""

    picture: Picture
    original: str
    copy: str


def store_plan(files: FileStore, content: bytes) -> StoredPlan:
    """Store a picture and its copy, before any transaction. Invalid when it is none."""
    picture = read_picture(content, longest_side=LONGEST_SIDE, field="plan", advice=ADVICE)
    return StoredPlan(picture, files.put(content), files.put(picture.copy))


def plan_of(session: Session, site_id: UUID, space_id: UUID | None) -> FloorPlan | None:
    """The plan of a space, or of the site as a whole. The caller has judged who may see it."""
    statement = select(FloorPlan).where(
        FloorPlan.site_id == site_id, FloorPlan.space_id.is_not_distinct_from(space_id)
    )
    return session.scalars(statement).first()


def spaces_with_plan(session: Session, site_id: UUID) -> frozenset[UUID | None]:
    """The spaces of a site that have a plan; None among them stands for the site as a whole."""
    return frozenset(
        session.scalars(select(FloorPlan.space_id).where(FloorPlan.site_id == site_id))
    )


def positions_of(session: Session, plan_id: UUID) -> dict[UUID, tuple[float, float]]:
    """(x, y) of every asset that was placed on a plan."""
    statement = select(PlanPosition.asset_id, PlanPosition.x, PlanPosition.y)
    rows = session.execute(statement.where(PlanPosition.plan_id == plan_id))
    return {asset_id: (x, y) for asset_id, x, y in rows}


def find_plan(
    session: Session, caller: Caller, plan_id: UUID, *, to_change: bool = False
) -> FloorPlan:
    """A plan of a site that the caller sees. NotFound otherwise; NotAllowed to change it."""
    statement = select(FloorPlan).where(FloorPlan.id == plan_id)
    plan = session.scalars(scoped(statement, FloorPlan.site_id, caller, READ)).first()
    if plan is None:
        raise NotFound(
            worded("there is no such floor plan"), advice=worded("Choose the space again.")
        )
    if to_change:
        caller.require(WRITE, plan.site_id)
    return plan


def put_plan(
    session: Session,
    caller: Caller,
    site_id: UUID,
    space_id: UUID | None,
    stored: StoredPlan,
    *,
    now: datetime,
) -> FloorPlan:
    """Give a space, or the site as a whole, its plan, or another picture for the one it has.

    What was placed stays where it is. Conflict when somebody else does the same at this moment.
    """
    caller.require(WRITE, site_id)
    if space_id is not None:
        space = session.get(Space, space_id)
        if space is None or space.site_id != site_id:
            raise NotFound(
                worded("there is no such space"), advice=worded("Choose the space again.")
            )
    plan = plan_of(session, site_id, space_id)
    if plan is None:
        plan = FloorPlan(id=new_id(), site_id=site_id, space_id=space_id)
    plan.original, plan.copy = stored.original, stored.copy
    plan.media_type = stored.picture.media_type
    plan.width, plan.height, plan.at = stored.picture.width, stored.picture.height, now
    try:
        with session.begin_nested():
            session.add(plan)
    except IntegrityError as error:
        raise Conflict(
            worded("somebody has just given it another plan"), advice=worded("Look at it first.")
        ) from error
    _log(session, "floor_plan.put", plan, caller, now, {"sha256": stored.original})
    return plan


def remove_plan(session: Session, caller: Caller, plan: FloorPlan, *, now: datetime) -> None:
    """Take a plan away, and with it where everything stood on it."""
    caller.require(WRITE, plan.site_id)
    session.execute(delete(PlanPosition).where(PlanPosition.plan_id == plan.id))
    session.delete(plan)
    _log(session, "floor_plan.remove", plan, caller, now, {})


def place_asset(
    session: Session,
    caller: Caller,
    plan: FloorPlan,
    asset_id: UUID,
    at: tuple[float, float],
    *,
    now: datetime,
) -> None:
    """Put an asset on a plan, or move it there. Who comes last is right.

    at: fractions 0 to 1 of width and height. Invalid for any other, NotFound for an asset that
    is not within the space of the plan.
    """
    caller.require(WRITE, plan.site_id)
    if not all(math.isfinite(share) and 0 <= share <= 1 for share in at):
        raise Invalid(worded("nothing was placed"), problems=[worded("x, y: numbers from 0 to 1")])
    _require_within(session, plan, asset_id)
    x, y = (round(share, 4) for share in at)
    if not _move(session, plan, asset_id, x, y):
        row = PlanPosition(plan_id=plan.id, asset_id=asset_id, site_id=plan.site_id, x=x, y=y)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            _move(session, plan, asset_id, x, y)
    _log(session, "floor_plan.place", plan, caller, now, {"asset": str(asset_id), "x": x, "y": y})


def lift_asset(
    session: Session, caller: Caller, plan: FloorPlan, asset_id: UUID, *, now: datetime
) -> None:
    """Take an asset off a plan; one that is not on it stays off."""
    caller.require(WRITE, plan.site_id)
    gone = session.execute(
        delete(PlanPosition).where(
            PlanPosition.plan_id == plan.id, PlanPosition.asset_id == asset_id
        )
    )
    assert isinstance(gone, CursorResult)
    if gone.rowcount:
        _log(session, "floor_plan.lift", plan, caller, now, {"asset": str(asset_id)})


def _move(session: Session, plan: FloorPlan, asset_id: UUID, x: float, y: float) -> bool:
    moved = session.execute(
        update(PlanPosition)
        .where(PlanPosition.plan_id == plan.id, PlanPosition.asset_id == asset_id)
        .values(x=x, y=y)
    )
    assert isinstance(moved, CursorResult)
    return moved.rowcount == 1


def _require_within(session: Session, plan: FloorPlan, asset_id: UUID) -> None:
    asset = session.get(Asset, asset_id)
    within = asset is not None and asset.site_id == plan.site_id
    if asset is not None and within and plan.space_id is not None:
        rows = session.execute(
            select(Space.id, Space.parent_id).where(Space.site_id == plan.site_id)
        )
        within = is_within(asset.space_id, plan.space_id, {row[0]: row[1] for row in rows})
    if not within:
        raise NotFound(
            worded("there is no such asset on this plan"), advice=worded("Load the page again.")
        )


def _log(
    session: Session,
    kind: str,
    plan: FloorPlan,
    caller: Caller,
    now: datetime,
    after: dict[str, Any],
) -> None:
    session.flush()
    events.append(
        session,
        kind,
        ("floor_plan", plan.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=plan.site_id,
        after={"space": str(plan.space_id) if plan.space_id else None, **after},
    )
