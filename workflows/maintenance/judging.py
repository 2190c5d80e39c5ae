"""How long the battery of each device lasts: judged once a day, kept for pages and rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Date,
    Float,
    ForeignKey,
    Integer,
    String,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import MICROS, to_micros
from core.db import Base, Instant
from core.device_health import DeviceBattery
from core.devices import Device, Point
from core.profile_use import working_fit
from core.profiles import Battery
from core.telemetry.store import TelemetryStore
from workflows.maintenance.forecast import MOST_DAYS, Forecast, forecast

BATTERY = "battery"
DAY = timedelta(days=1)
# A day is over before it is judged, so an hour sooner or later makes no difference.
_AGAIN_AFTER = timedelta(hours=20)
_MOST_AT_ONCE = 500


class BatteryState(Base):
    """The battery of a device as it was judged last; see `Forecast`.

    cell, cells: what is in it, as people order it, and how many; None where nobody knows.
    changed_on: when somebody said that it was changed.
    """

    __tablename__ = "battery_state"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    judged_at: Mapped[datetime] = mapped_column(Instant)
    percent: Mapped[float | None] = mapped_column(Float)
    low: Mapped[bool] = mapped_column(Boolean, default=False)
    since: Mapped[date | None] = mapped_column(Date)
    per_day: Mapped[float | None] = mapped_column(Float)
    empty_on: Mapped[date | None] = mapped_column(Date, index=True)
    cell: Mapped[str | None] = mapped_column(String(40))
    cells: Mapped[int] = mapped_column(Integer, default=1)
    changed_on: Mapped[date | None] = mapped_column(Date)


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A device with a battery. series: of the point that tells it; None where no point does."""

    device_id: UUID
    series: int | None


def devices_to_judge(
    session: Session, *, now: datetime, behind: UUID | None = None
) -> list[ToJudge]:
    """Devices whose battery was not judged within the last day, some at a time.

    Those that telemetry need not be asked for come first: they wait for nothing. The others begin
    behind the device `behind`; the ones before it follow at the end.
    """
    tells = (
        select(Point.device_id, func.min(Point.series).label("series"))
        .where(Point.code == BATTERY)
        .group_by(Point.device_id)
        .subquery()
    )
    told = select(DeviceBattery.device_id).where(DeviceBattery.device_id == Device.id).exists()
    asks = tells.c.series.is_not(None)
    turn = [case((asks, 1), else_=0)]
    if behind is not None:
        turn.append(case((and_(asks, Device.id <= behind), 1), else_=0))
    statement = (
        select(Device.id, tells.c.series)
        .outerjoin(tells, tells.c.device_id == Device.id)
        .outerjoin(BatteryState, BatteryState.device_id == Device.id)
        .where(
            Device.state == "active",
            or_(asks, told),
            or_(BatteryState.judged_at.is_(None), BatteryState.judged_at <= now - _AGAIN_AFTER),
        )
        .order_by(*turn, Device.id)
        .limit(_MOST_AT_ONCE)
    )
    return [ToJudge(*row) for row in session.execute(statement)]


def days_of(telemetry: TelemetryStore, series: int, *, now: datetime) -> list[tuple[date, float]]:
    """The lowest value of each UTC day that is stored. TelemetryError while it can't tell."""
    start = (now - MOST_DAYS * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    step = 86_400 * MICROS
    buckets = telemetry.series(series, to_micros(start), to_micros(now), step)
    return [
        (datetime.fromtimestamp(at / MICROS, UTC).date(), lowest)
        for at, lowest in zip(buckets.start, buckets.minimum, strict=True)
    ]


def told_days(session: Session, device_id: UUID) -> list[tuple[date, float]]:
    """The lowest level of each day of a device whose battery is no point."""
    told = select(DeviceBattery.day, DeviceBattery.percent).where(
        DeviceBattery.device_id == device_id
    )
    return [(day, percent) for day, percent in session.execute(told.order_by("day"))]


def judge_battery(
    session: Session,
    device_id: UUID,
    days: Sequence[tuple[date, float]] | None,
    *,
    changed: date | None = None,
    now: datetime,
) -> Forecast | None:
    """Judge one battery and keep what came of it. days: None for those the device told itself."""
    device = session.get(Device, device_id)
    if device is None:
        return None
    if days is None:
        days = told_days(session, device_id)
    row = session.get(BatteryState, device_id)
    if row is None:
        row = BatteryState(device_id=device_id, site_id=device.site_id, judged_at=now)
        session.add(row)
    row.changed_on = max((one for one in (row.changed_on, changed) if one), default=None)
    found = forecast(days, row.changed_on)
    battery = battery_of(session, device)
    row.judged_at = now
    row.cell, row.cells = (battery.cell, battery.count) if battery else (None, 1)
    row.percent = found.percent if found else None
    row.low = found.low if found else False
    row.since = found.since if found else row.changed_on
    row.per_day = found.per_day if found else None
    row.empty_on = found.empty_on if found else None
    return found


def battery_of(session: Session, device: Device) -> Battery | None:
    """What is in a device, by its profile."""
    fit = working_fit(session, device)
    return fit.battery if fit else None
