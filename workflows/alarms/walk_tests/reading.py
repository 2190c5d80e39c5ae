"""Walk tests as lists and pages show them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from core.clock import to_micros
from core.devices import Device, Point
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Node, Space
from workflows.alarms.model import Alarm, Episode, Withholding
from workflows.alarms.walk_tests.model import RUNS, WalkSensor, WalkTest
from workflows.alarms.walk_tests.running import READ
from workflows.alarms.walk_tests.sensors import assets_in

_BY, _ASKED, _CONFIRMED = aliased(Person), aliased(Person), aliased(Person)
_TESTS = (
    rows_of(
        WalkTest.id,
        WalkTest.site_id,
        Node.name.label("site_name"),
        WalkTest.space_id,
        Space.code.label("space_code"),
        Space.name.label("space_name"),
        WalkTest.state,
        WalkTest.version,
        WalkTest.reason,
        WalkTest.starts_at,
        WalkTest.ends_at,
        WalkTest.started_by,
        _BY.name.label("started_by_name"),
        WalkTest.patrol,
        WalkTest.lives_asked_by,
        _ASKED.name.label("lives_asked_by_name"),
        WalkTest.lives_confirmed_by,
        _CONFIRMED.name.label("lives_confirmed_by_name"),
        WalkTest.signed_at,
        WalkTest.digest,
    )
    .join(Node, Node.id == WalkTest.site_id)
    .join(Space, Space.id == WalkTest.space_id)
    .join(_BY, _BY.id == WalkTest.started_by)
    .outerjoin(_ASKED, _ASKED.id == WalkTest.lives_asked_by)
    .outerjoin(_CONFIRMED, _CONFIRMED.id == WalkTest.lives_confirmed_by)
)


def list_tests(
    session: Session, caller: Caller, wish: Wish, *, now: datetime, site_id: UUID | None = None
) -> Page[dict[str, Any]]:
    """Walk tests on the caller's sites, the last to begin first. Keys: starts_at, id."""
    statement = scoped(_TESTS, WalkTest.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(WalkTest.site_id == site_id)
    page = newest_first(session, statement, (WalkTest.starts_at, WalkTest.id), wish, dict)
    _complete(session, page.items, now)
    return page


def describe_test(session: Session, caller: Caller, row: WalkTest, now: datetime) -> dict[str, Any]:
    """One test as the list shows it; the caller found it already."""
    statement = scoped(_TESTS.where(WalkTest.id == row.id), WalkTest.site_id, caller, READ)
    item = dict(session.execute(statement).mappings().one())
    _complete(session, [item], now)
    return item


def _complete(session: Session, items: Sequence[dict[str, Any]], now: datetime) -> None:
    """phase: running, over or signed; how many sensors there are, answered and were ticked."""
    counted = session.execute(
        select(
            WalkSensor.test_id,
            func.count(),
            func.count(WalkSensor.answered_at),
            func.count(WalkSensor.ticked_at),
        )
        .where(WalkSensor.test_id.in_([item["id"] for item in items]))
        .group_by(WalkSensor.test_id)
    )
    counts = {test: tuple(rest) for test, *rest in counted}
    for item in items:
        item["sensors"], item["answered"], item["ticked"] = counts.get(item["id"], (0, 0, 0))
        running = item["state"] in RUNS and item["ends_at"] > now
        item["phase"] = "running" if running else "over"
        if item["state"] == "signed":
            item["phase"] = "signed"


def sensors_of(session: Session, row: WalkTest) -> list[dict[str, Any]]:
    """The sensors of a test: those that owe an answer first, then those to tick, then the rest.

    alarms: what tripped meanwhile on what they watch, and whether people were told of it.
    """
    watched = _watched(session, row)
    alarms = _alarms(session, row)
    points = _points(session, row)
    found = []
    statement = (
        select(WalkSensor, Device.code, Device.name, Person.name)
        .join(Device, Device.id == WalkSensor.device_id)
        .outerjoin(Person, Person.id == WalkSensor.ticked_by)
        .where(WalkSensor.test_id == row.id)
        .order_by(Device.code)
    )
    for one, code, name, ticked_by in session.execute(statement):
        assets = watched[one.device_id]
        answer = one.answer or {}
        found.append(
            {
                "device_id": one.device_id,
                "code": code,
                "name": dict(name or {}),
                "assets": assets,
                "answered_at": one.answered_at,
                "point": points.get(answer.get("point", "")),
                "value": answer.get("value"),
                "ticked_at": one.ticked_at,
                "ticked_by_name": ticked_by,
                "photo": one.copy is not None,
                "copy": one.copy,
                "note": one.note,
                "alarms": [alarm for asset in assets for alarm in alarms[asset["id"]]],
            }
        )
    return sorted(found, key=lambda one: (one["ticked_at"] is not None, one["answered_at"] is None))


def _watched(session: Session, row: WalkTest) -> Mapping[UUID, list[dict[str, Any]]]:
    """What each device watches in the place."""
    inside = {asset.id: asset for asset in assets_in(session, row.site_id, row.space_id)}
    pairs = session.execute(
        select(Point.device_id, Point.asset_id).where(Point.site_id == row.site_id).distinct()
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for device_id, asset_id in pairs:
        asset = inside.get(asset_id)
        if asset is not None:
            found[device_id].append(_said_of(asset))
    # Whose points another device feeds by now is shown with what it was tested for: a sheet is
    # looked at for years, and a sensor that never answered is replaced the next day.
    for device_id, assets in _watched_then(session, row).items():
        if device_id not in found:
            found[device_id] = [_said_of(inside[one]) for one in assets if one in inside]
    return found


def _said_of(asset: Asset) -> dict[str, Any]:
    return {"id": asset.id, "code": asset.code, "name": dict(asset.name)}


def _watched_then(session: Session, row: WalkTest) -> Mapping[UUID, list[UUID]]:
    """By device the assets of the points that it had when the test began, or answered with."""
    sensors = session.scalars(select(WalkSensor).where(WalkSensor.test_id == row.id)).all()
    series = {int(one) for sensor in sensors for one in sensor.before}
    rows = session.execute(select(Point.series, Point.asset_id).where(Point.series.in_(series)))
    assets = {number: asset_id for number, asset_id in rows}
    found = {}
    for sensor in sensors:
        then = [assets[int(one)] for one in sensor.before if int(one) in assets]
        answered = [UUID(sensor.answer["asset"])] if sensor.answer else []
        found[sensor.device_id] = list(dict.fromkeys(then + answered))
    return found


def _points(session: Session, row: WalkTest) -> Mapping[str, Point]:
    answers = session.scalars(select(WalkSensor.answer).where(WalkSensor.test_id == row.id))
    ids = [UUID(answer["point"]) for answer in answers if answer]
    return {str(point.id): point for point in session.scalars(_points_of(ids))}


def _points_of(ids: Sequence[UUID]) -> Any:
    return select(Point).where(Point.id.in_(ids))


def _alarms(session: Session, row: WalkTest) -> Mapping[UUID, list[dict[str, Any]]]:
    """By asset what tripped while the test ran; withheld: nobody was called, at least at first."""
    from_, until = _micros(row)
    statement = (
        select(
            Alarm.asset_id, Alarm.id, Alarm.title, Alarm.life_safety, Withholding.cause_id,
            Episode.tripped_micros,
        )
        .join(Alarm, Alarm.id == Episode.alarm_id)
        .outerjoin(Withholding, Withholding.id == Episode.withholding_id)
        .where(
            Episode.site_id == row.site_id,
            Episode.tripped_micros >= from_,
            Episode.tripped_micros < until,
        )
        .order_by(Episode.tripped_micros)
        .limit(2_000)
    )  # fmt: skip
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    seen = set[UUID]()
    for asset_id, alarm_id, title, life_safety, cause, at in session.execute(statement):
        if alarm_id not in seen:
            seen.add(alarm_id)
            said = {"id": alarm_id, "title": dict(title), "life_safety": life_safety, "at": at}
            found[asset_id].append({**said, "test": cause == row.id})
    return found


def _micros(row: WalkTest) -> tuple[int, int]:
    return to_micros(row.starts_at), to_micros(row.ends_at)
