"""Devices with batteries at every state, and the round on which some of them are changed."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core import events
from core.clock import to_micros
from core.device_health import DeviceBattery, Heard, note_heard
from core.devices import Device, Point
from core.telemetry.readings import Quality, ReadingBatch
from tests.web.stage import Stage
from workflows.maintenance import BatteryState, buildings_due, judge_battery, put_on_round

DAY = timedelta(days=1)
# Start of the trend in %, and how much it falls a day.
FALLS = ((62.0, 0.6), (21.0, 0.04), (98.0, 0.15), (100.0, 0.0))


def pages_of_batteries(stage: Stage) -> dict[str, str]:
    """The addresses of their pages."""
    device_id, *_ = put_batteries(stage)
    return {
        "batteries": f"/batteries?site={stage.site_id}",
        "health of a device": f"/devices/{device_id}",
    }


def put_batteries(stage: Stage) -> list[UUID]:
    """Devices whose batteries were told for 70 days: falling, low, lasting, and full."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        batteries = select(Point.device_id).where(Point.code == "battery")
        devices = session.scalars(
            select(Device)
            .where(
                Device.site_id == stage.site_id,
                Device.state == "active",
                Device.asset_id.is_not(None),
                Device.id.not_in(batteries),
            )
            .order_by(Device.code)
            .limit(len(FALLS))
        ).all()
        for device, (start, falls) in zip(devices, FALLS, strict=True):
            for day in range(70):
                at = now - (70 - day) * DAY
                row = DeviceBattery(
                    device_id=device.id,
                    day=at.date(),
                    site_id=stage.site_id,
                    percent=round(start - falls * day + 0.4 * (day % 3), 1),
                )
                session.add(row)
            session.flush()
            judge_battery(session, device.id, None, now=now)
            session.get_one(BatteryState, device.id).cell = None if start == 21 else "ER14505"
        session.flush()
        for place, path in enumerate(("lorawan/gw-roof-2", "lorawan/gw-yard")):
            health = {"rssi": -71.0 - 20 * place, "snr": 6.5 - 9 * place, "link_quality": 88.0}
            for ago in (DAY, timedelta(minutes=4 + 50 * place)):
                at = now - ago
                note_heard(session, [Heard(devices[0].id, path, at, at, 140 - place, health)])
        for due in buildings_due(session, now=now):
            put_on_round(session, due, actor=events.SYSTEM, now=now)
        series = session.scalars(
            select(Point.series).where(Point.device_id == devices[0].id).order_by(Point.series)
        ).first()
    assert series is not None
    batch = ReadingBatch()
    for place in range(120):
        measured = to_micros(now - timedelta(minutes=11 * place + 3 * (place % 4)))
        batch.append(series, measured, 20.0, measured + 1_400_000, Quality.GOOD)
    stage.parts.telemetry.write(batch)
    return [device.id for device in devices]
