"""Devices: sources of messages, devices behind them, and the points they feed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Identity,
    Integer,
    String,
    UniqueConstraint,
    bindparam,
    func,
    select,
    text,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle
from core.places import Node

DEVICE = Lifecycle(
    "device",
    {
        "adopt": {"waiting": "active"},
        "retire": {"waiting": "retired", "active": "retired"},
        "reactivate": {"retired": "active"},
    },
)
DEVICE_STATES = DEVICE.statuses
# Values that are shown of a device that waits.
_MOST_SAMPLED = 100


class Source(Base):
    """Ties a topic filter to a site and a dialect; subscriptions come from the sources."""

    __tablename__ = "source"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    code: Mapped[str] = mapped_column(String(60))
    topic_filter: Mapped[str] = mapped_column(String(200))
    dialect: Mapped[str] = mapped_column(String(40), default="wk")
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class Device(Base):
    """A thing that speaks. `code` is its name in topics; `path_id` the gateway it speaks through.

    asset_id: the asset a message of this device is about where a point says nothing else; for a
    gateway, the asset that stands for the path.
    clock_trusted: whether its own time stamps are believed. described: what it, or its bridge,
    says of it: `name`, `maker`, `model` and `points`, each with `key`, `kind` and what is known of
    `unit`, `states`, `name` and `means` (the device class of its dialect).
    """

    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    source_id: Mapped[UUID | None] = mapped_column(ForeignKey("source.id"))
    path_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"), index=True)
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"), index=True)
    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    clock_trusted: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    first_seen: Mapped[datetime | None] = mapped_column(Instant)
    last_sample: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    described: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class Point(Base):
    """One measured or switched value of an asset, fed by one key of a device.

    series: the number under which telemetry keeps its readings.
    low, high: physically possible range in `unit`; states: text states in order of their number.
    expected_interval: seconds between readings when all is well; none when it speaks on change.
    scale, shift: what the device says, times scale and plus shift, is the value; of a boolean that
    it says the other way round they are -1 and 1.
    """

    __tablename__ = "point"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    series: Mapped[int] = mapped_column(Integer, unique=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    code: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(120))
    name: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    kind: Mapped[str] = mapped_column(String(10), default="number")
    unit: Mapped[str | None] = mapped_column(String(20))
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    states: Mapped[list[str] | None] = mapped_column(JSON)
    expected_interval: Mapped[float | None] = mapped_column(Float)
    scale: Mapped[float | None] = mapped_column(Float)
    shift: Mapped[float | None] = mapped_column(Float)

    __table_args__ = (
        UniqueConstraint("asset_id", "code"),
        UniqueConstraint("device_id", "key", "asset_id"),
    )


class PresentValue(Base):
    """A point's state known from a retained message: its time is unknown, so it is no history.

    at_micros: when we learned it. It counts until a reading newer than that is stored.
    """

    __tablename__ = "present_value"

    series: Mapped[int] = mapped_column(ForeignKey("point.series"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    value: Mapped[float] = mapped_column(Float)
    at_micros: Mapped[int] = mapped_column(BigInteger)


def device_by_code(session: Session, site_id: UUID, code: str) -> Device | None:
    """The device of a site with this code."""
    wanted = select(Device).where(Device.site_id == site_id, Device.code == code)
    return session.scalars(wanted).first()


def note_waiting(
    session: Session, site_id: UUID, code: str, sample: dict[str, Any], at: datetime
) -> Device:
    """A device that nobody adopted has spoken: show it, with what it said last."""
    device = device_by_code(session, site_id, code)
    if device is None:
        device = Device(
            id=new_id(),
            site_id=site_id,
            code=code,
            name={},
            state="waiting",
            first_seen=at,
            last_sample=sample,
        )
        session.add(device)
        events.append(
            session,
            "device.appear",
            ("device", device.id),
            actor=events.SYSTEM,
            learned_at=at,
            site_id=site_id,
            after={"state": "waiting"},
        )
    elif device.state == "waiting":
        # It may tell each of its values in a message of its own.
        told = {**(device.last_sample or {}), **sample}
        device.last_sample = dict(list(told.items())[-_MOST_SAMPLED:])
    return device


def note_described(
    session: Session, site_id: UUID, code: str, described: dict[str, Any], at: datetime
) -> None:
    """Keep what a device says it is; one that was never heard waits from now on.

    What it does not say this time, it has said before: it may tell its name and its points apart.
    """
    device = device_by_code(session, site_id, code)
    if device is None:
        device = note_waiting(session, site_id, code, {}, at)
    now = {**(device.described or {}), **{key: value for key, value in described.items() if value}}
    if device.described != now:
        device.described = now


def set_clock_trust(session: Session, device_id: UUID, trusted: bool, *, now: datetime) -> None:
    """Believe a device's time stamps, or not."""
    device = session.get_one(Device, device_id)
    if device.clock_trusted == trusted:
        return
    device.clock_trusted = trusted
    events.append(
        session,
        "device.trust" if trusted else "device.distrust",
        ("device", device_id),
        actor=events.SYSTEM,
        learned_at=now,
        site_id=device.site_id,
        after={"clock_trusted": trusted},
    )


def sites_of_device(session: Session, code: str) -> list[str]:
    """The codes of the sites that have a device of this code."""
    statement = (
        select(Node.code)
        .join(Device, Device.site_id == Node.id)
        .where(Device.code == code)
        .order_by(Node.code)
    )
    return list(session.scalars(statement))


def remember_present(
    session: Session, site_id: UUID, series: int, value: float, at_micros: int
) -> None:
    """Keep what a retained message said, so that a restart does not forget it."""
    row = session.get(PresentValue, series)
    if row is None:
        session.add(PresentValue(series=series, site_id=site_id, value=value, at_micros=at_micros))
    else:
        row.value, row.at_micros = value, at_micros


class SeriesNumber(Base):
    """Hands out the numbers under which telemetry keeps points; a number is never used twice."""

    __tablename__ = "series_number"

    number: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it so


def next_series(session: Session) -> int:
    """A telemetry series number that no point ever had."""
    row = SeriesNumber()
    session.add(row)
    session.flush()
    return row.number


def reserve_series(session: Session, count: int) -> list[int]:
    """`count` telemetry series numbers that no point ever had, for an import in bulk."""
    if count <= 0:
        return []
    if session.get_bind().dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence("series_number", "number")
        numbers = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
        return [int(number) for number in session.scalars(numbers)]
    # SQLite has one writer, and AUTOINCREMENT goes on from the highest number there ever was.
    first = next_series(session)
    if count > 1:
        session.add(SeriesNumber(number=first + count - 1))
        session.flush()
    return list(range(first, first + count))


_POINT_IDS = select(Point.series, Point.id).where(
    Point.series.in_(bindparam("some_series", expanding=True))
)


def point_ids(session: Session, series: Sequence[int]) -> dict[int, UUID]:
    """The ids of the points that telemetry keeps under these numbers."""
    if not series:
        return {}
    return dict(session.execute(_POINT_IDS, {"some_series": list(series)}).all())


def count_points(session: Session) -> int:
    """How many points there are."""
    return session.scalar(select(func.count(Point.id))) or 0
