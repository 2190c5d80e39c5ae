"""How a device is: when and how it was heard, how often, and how its battery is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import MICROS, from_micros, to_micros
from core.device_health import DevicePath, paths_of
from core.devices import Device, Point
from core.telemetry.readings import Last, Quality
from core.telemetry.store import TelemetryError, TelemetryStore
from workflows.maintenance.forecast import EMPTY
from workflows.maintenance.judging import BATTERY, BatteryState, days_of, told_days
from workflows.maintenance.rounds_told import tickets_of

HOURS = 24
HOUR = timedelta(hours=1)
# Each is asked for by itself; what has more is a panel, and its first ones tell as much.
MOST_SERIES = 40


@dataclass(frozen=True, slots=True)
class Watched:
    """What the database knows of a device's health.

    series: of its points, by code. battery_series: of the one that tells its battery.
    """

    device_id: UUID
    paths: Sequence[DevicePath]
    series: Sequence[int]
    battery_series: int | None
    battery: BatteryState | None
    told: Sequence[tuple[date, float]]
    ticket: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What telemetry knows of it.

    newest: of its points the reading that came last. hours: readings that it measured in each of
    the last 24 hours, (start, number), the running hour last. days: of its battery.
    """

    newest: Last | None
    hours: Sequence[tuple[datetime, int]]
    days: Sequence[tuple[date, float]] | None


def watched(session: Session, device: Device) -> Watched:
    """What the database knows; the caller has judged who may see it."""
    points = session.execute(
        select(Point.code, Point.series).where(Point.device_id == device.id).order_by(Point.code)
    ).all()
    batteries = [series for code, series in points if code == BATTERY]
    return Watched(
        device.id,
        paths_of(session, device.id),
        [series for _, series in points[:MOST_SERIES]],
        min(batteries, default=None),
        session.get(BatteryState, device.id),
        told_days(session, device.id),
        tickets_of(session, [device.id]).get(device.id),
    )


def heard(telemetry: TelemetryStore, known: Watched, *, now: datetime) -> Hearing | None:
    """What telemetry knows; None while it is away. Without a transaction, for it may take long."""
    begin = now.replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    counts = dict.fromkeys((begin + place * HOUR for place in range(HOURS)), 0)
    try:
        lasts = telemetry.last(known.series) if known.series else {}
        for series in lasts:
            buckets = telemetry.series(
                series, to_micros(begin), to_micros(begin + HOURS * HOUR), 3_600 * MICROS
            )
            for at, count in zip(buckets.start, buckets.count, strict=True):
                counts[from_micros(at)] += count
        battery = known.battery_series
        days = days_of(telemetry, battery, now=now) if battery is not None else None
    except TelemetryError:
        return None
    newest = max(lasts.values(), key=lambda last: (last.received, last.at), default=None)
    return Hearing(newest, list(counts.items()), days)


def clock_skew(newest: Last | None) -> float | None:
    """Seconds by which its clock is ahead of ours, as far as its newest reading tells.

    It is the reading's own time less its receipt: behind zero stands the way, too, and how long a
    device kept what it measured. None where the time is our own, or not to be believed.
    """
    if newest is None or newest.quality != Quality.GOOD or newest.at == newest.received:
        return None
    return (newest.at - newest.received) / MICROS


def describe_health(known: Watched, found: Hearing | None) -> dict[str, Any]:
    """Its health, for programs. found: None while telemetry is away."""
    newest = found.newest if found else None
    moments = [path.last_heard for path in known.paths]
    if newest:
        moments.append(from_micros(newest.received))
    return {
        "device_id": known.device_id,
        "last_seen": max(moments, default=None),
        "newest": newest
        and {
            "at": from_micros(newest.at),
            "received": from_micros(newest.received),
            "quality": Quality(newest.quality).name.lower(),
        },
        "clock_skew": clock_skew(newest),
        "paths": [_path(row) for row in known.paths],
        "hours": [{"start": start, "readings": number} for start, number in found.hours]
        if found
        else None,
        "battery": _battery(known, found),
    }


def _path(row: DevicePath) -> dict[str, Any]:
    names = ("path", "first_heard", "last_heard", "rssi", "snr", "link_quality")
    return {
        **{name: getattr(row, name) for name in names},
        "today": row.today,
        "yesterday": row.yesterday,
    }


def _battery(known: Watched, found: Hearing | None) -> dict[str, Any] | None:
    state = known.battery
    if state is None:
        return None
    names = ("percent", "low", "since", "per_day", "empty_on", "cell", "cells", "changed_on")
    days = known.told
    if known.battery_series is not None:
        days = found.days or () if found else ()
    return {
        **{name: getattr(state, name) for name in names},
        "judged_at": state.judged_at,
        "empty_at": EMPTY,
        "ticket_id": known.ticket["ticket_id"] if known.ticket else None,
        "days": [{"day": day, "percent": percent} for day, percent in days],
    }
