"""How devices are heard and how their batteries are: what a person who cares for them looks at.

It is no evidence: what was heard within the last half minute of a process that is killed is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Float, ForeignKey, Integer, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.devices import Device

LONGEST_PATH = 200
# Further paths of one device are noise: a roaming device is heard by a handful.
MOST_PATHS = 20


class DevicePath(Base):
    """A device as it is heard over one path: a source and, behind a slash, a gateway.

    rssi: dBm, snr: dB, link_quality: %; the newest of each. today: messages on the UTC day of
    `last_heard`, yesterday: on the day before it.
    """

    __tablename__ = "device_path"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(String(LONGEST_PATH), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    first_heard: Mapped[datetime] = mapped_column(Instant)
    last_heard: Mapped[datetime] = mapped_column(Instant)
    rssi: Mapped[float | None] = mapped_column(Float)
    snr: Mapped[float | None] = mapped_column(Float)
    link_quality: Mapped[float | None] = mapped_column(Float)
    today: Mapped[int] = mapped_column(Integer, default=0)
    yesterday: Mapped[int] = mapped_column(Integer, default=0)


class DeviceBattery(Base):
    """The battery of a device on one UTC day, as the device itself told: the lowest of the day.

    Of devices whose battery is a point, telemetry keeps all of it, and there is no row.
    """

    __tablename__ = "device_battery"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    percent: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one device over one path since the last time. health: as decoders tell it."""

    device_id: UUID
    path: str
    first: datetime
    last: datetime
    messages: int
    health: Mapping[str, float] = field(default_factory=dict)


def note_heard(session: Session, heard: Sequence[Heard]) -> None:
    """Keep how devices were heard; of a device that is gone meanwhile nothing."""
    ids = {one.device_id for one in heard}
    sites = dict(session.execute(select(Device.id, Device.site_id).where(Device.id.in_(ids))).all())
    standing = select(DevicePath).where(DevicePath.device_id.in_(ids))
    paths = {(row.device_id, row.path): row for row in session.scalars(standing)}
    for one in heard:
        if one.device_id not in sites:
            continue
        path = one.path[:LONGEST_PATH]
        row = paths.get((one.device_id, path))
        if row is None:
            _make_room(session, one.device_id, paths)
            row = DevicePath(
                device_id=one.device_id,
                path=path,
                site_id=sites[one.device_id],
                first_heard=one.first,
                last_heard=one.first,
                today=0,
                yesterday=0,
            )
            session.add(row)
            paths[one.device_id, path] = row
        _hear(row, one)
    _note_batteries(session, heard, sites)


def _hear(row: DevicePath, one: Heard) -> None:
    passed = (one.last.date() - row.last_heard.date()).days
    if passed:
        row.yesterday, row.today = (row.today if passed == 1 else 0), 0
    row.today += one.messages
    row.last_heard = max(row.last_heard, one.last)
    row.rssi = one.health.get("rssi", row.rssi)
    row.snr = one.health.get("snr", row.snr)
    row.link_quality = one.health.get("link_quality", row.link_quality)


def _make_room(
    session: Session, device_id: UUID, paths: dict[tuple[UUID, str], DevicePath]
) -> None:
    """The path that was silent longest gives way."""
    own = sorted(
        (row for (owner, _), row in paths.items() if owner == device_id),
        key=lambda row: row.last_heard,
    )
    for row in own[: max(0, len(own) - MOST_PATHS + 1)]:
        del paths[device_id, row.path]
        session.flush()
        session.delete(row)


def _note_batteries(session: Session, heard: Sequence[Heard], sites: Mapping[UUID, UUID]) -> None:
    told = [(one, one.health["battery"]) for one in heard if "battery" in one.health]
    known = select(DeviceBattery).where(
        DeviceBattery.device_id.in_([one.device_id for one, _ in told]),
        DeviceBattery.day.in_({one.last.date() for one, _ in told}),
    )
    rows = {(row.device_id, row.day): row for row in session.scalars(known)} if told else {}
    for one, percent in told:
        key = (one.device_id, one.last.date())
        if one.device_id not in sites or not 0 <= percent <= 100:
            continue
        row = rows.get(key)
        if row is None:
            row = rows[key] = DeviceBattery(
                device_id=key[0], day=key[1], site_id=sites[key[0]], percent=percent
            )
            session.add(row)
        row.percent = min(row.percent, percent)


def paths_of(session: Session, device_id: UUID) -> list[DevicePath]:
    """How a device is heard, the newest path first."""
    wanted = select(DevicePath).where(DevicePath.device_id == device_id)
    return list(session.scalars(wanted.order_by(DevicePath.last_heard.desc())))


def forget_batteries(session: Session, before: date) -> int:
    """Drop days before that one; returns how many rows."""
    gone = delete(DeviceBattery).where(DeviceBattery.day < before)
    return len(session.scalars(gone.returning(DeviceBattery.device_id)).all())
