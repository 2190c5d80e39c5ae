"""What administrators change stands in the rows and in the event log."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import administration as admin
from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.devices import Device, Point, Source
from core.errors import Conflict, Invalid
from core.events import Event
from core.places import Asset
from core.told_points import not_ours, told_point
from tests.fixtures import NOON, SmallSite

BY: dict[str, Any] = {"actor": events.SYSTEM, "now": NOON}


def last_event(session: Session) -> Event:
    session.flush()
    return session.scalars(select(Event).order_by(Event.seq.desc()).limit(1)).one()


def test_an_asset_is_created_and_changed_with_its_facts(
    database: Database, site: SmallSite
) -> None:
    new = admin.NewAsset("fan-1", "fan", {"en": "Fan", "zh": "风机"}, criticality="low")
    with database.write() as session:
        asset = admin.create_asset(session, site.id, new, **BY)
        assert last_event(session).kind == "asset.create"
        admin.update_asset(session, asset, {"name": {"en": "Big fan"}, "criticality": "high"}, **BY)
        fact = last_event(session)
    assert (fact.kind, fact.site_id, fact.subject_id) == ("asset.update", site.id, str(asset.id))
    assert fact.before == {"criticality": "low"}
    assert fact.after == {"criticality": "high", "fields": ["criticality", "name"]}


def test_a_change_that_changes_nothing_appends_nothing(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        before = last_event(session).seq
        asset = session.get_one(Asset, site.assets["pump-1"])
        admin.update_asset(session, asset, {"criticality": "high"}, **BY)
        assert last_event(session).seq == before


def test_an_asset_keeps_a_type_that_has_its_points(database: Database, site: SmallSite) -> None:
    with database.read() as session:
        asset = session.get_one(Asset, site.assets["pump-1"])
        with pytest.raises(Invalid) as caught:
            admin.update_asset(session, asset, {"type": "fan", "colour": "red"}, **BY)
    assert caught.value.problems == ("colour: cannot be changed",)
    with database.read() as session:
        asset = session.get_one(Asset, site.assets["pump-1"])
        with pytest.raises(Invalid) as caught:
            admin.update_asset(session, asset, {"type": "fan"}, **BY)
    assert caught.value.problems == (
        "type: fan has no point 'motor_temperature', which this asset has",
    )


def test_what_the_product_tells_itself_is_fed_by_no_device_of_others(
    database: Database, site: SmallSite
) -> None:
    with database.read() as session:
        device = session.get_one(Device, site.devices["pump-1"])
        asset = session.get_one(Asset, site.assets["pump-1"])
        point = admin.NewPoint(key="t", code="ticket_opened")
        with pytest.raises(Invalid) as caught:
            admin.create_points(session, device, asset, [point], **BY)
    assert caught.value.problems == (
        "points[0].code: ticket_opened is told by Watchkeeper itself, not by a device",
    )
    with database.write() as session:
        told = told_point(session, asset.id, "ticket_opened", "lift", now=NOON)
        again = told_point(session, asset.id, "ticket_opened", "fire", now=NOON)
    assert told is not None
    assert again is not None
    assert (told.device, told.value, again.value) == ("watchkeeper/pump-1", 0.0, 1.0)
    with database.read() as session:
        codes = list(session.scalars(select(Device.code).where(not_ours())))
    assert told.device not in codes
    assert "pump-1" in codes


def test_an_event_has_neither_range_nor_interval(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        new = admin.NewAsset(code="door-9", type="door", name={"en": "Door"})
        door = admin.create_asset(session, site.id, new, **BY)
        device = admin.create_device(session, site.id, admin.NewDevice("d-9"), **BY)
        bad = admin.NewPoint(key="h", code="door_held", low=0, expected_interval=5)
        with pytest.raises(Invalid) as caught:
            admin.create_points(session, device, door, [bad], **BY)
        assert caught.value.problems == (
            "points[0].low: door_held is an event, which has none; leave it out",
            "points[0].expected_interval: door_held is an event, which has none; leave it out",
        )
        good = admin.NewPoint(key="h", code="door_held", kind="event")
        (point,) = admin.create_points(session, device, door, [good], **BY)
        with pytest.raises(Invalid, match="was not saved") as caught:
            admin.update_point(session, point, {"expected_interval": 5}, **BY)
    assert caught.value.problems == ("expected_interval: an event has none",)


def test_a_source_is_checked_created_changed_and_deleted(
    database: Database, site: SmallSite
) -> None:
    bad = admin.NewSource("own", "a/#/b", dialect="wx", options={"zone": "Mars", "x": 1})
    with database.write() as session, pytest.raises(Invalid) as caught:
        admin.create_source(session, site.id, bad, **BY)
    assert len(caught.value.problems) == 5
    with database.write() as session:
        new = admin.NewSource("other", "plant/#", options={"zone": "Asia/Shanghai"})
        source = admin.create_source(session, site.id, new, **BY)
        admin.update_source(session, source, {"enabled": False}, **BY)
        assert last_event(session).after == {"enabled": False, "fields": ["enabled"]}
        admin.delete_source(session, source, **BY)
        assert last_event(session).kind == "source.delete"
    with database.read() as session:
        assert list(session.scalars(select(Source.code))) == ["own"]


def test_two_sources_of_a_site_never_share_a_topic(database: Database, site: SmallSite) -> None:
    new = admin.NewSource("again", "wk/v1/riverside/#")
    with database.write() as session, pytest.raises(Invalid) as caught:
        admin.create_source(session, site.id, new, **BY)
    assert caught.value.problems == ("topic_filter: source 'own' has it already",)


def test_a_source_with_devices_cannot_be_deleted(database: Database, site: SmallSite) -> None:
    with database.write() as session, pytest.raises(Conflict, match="3 devices belong"):
        admin.delete_source(session, session.scalars(select(Source)).one(), **BY)


def test_a_path_cannot_be_bent_into_a_circle(database: Database, site: SmallSite) -> None:
    with database.read() as session:
        gateway = session.get_one(Device, site.devices["gw-1"])
        with pytest.raises(Invalid) as caught:
            admin.update_device(session, gateway, {"path_id": site.devices["pump-1"]}, **BY)
    assert caught.value.problems == ("path_id: the path would lead round in a circle",)


def test_a_device_is_created_retired_and_put_back(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        new = admin.NewDevice("d-9", asset_id=site.assets["board-1"])
        device = admin.create_device(session, site.id, new, **BY)
        admin.retire_device(session, device, **BY)
        assert (device.state, last_event(session).kind) == ("retired", "device.retire")
        with pytest.raises(Conflict):
            admin.retire_device(session, device, **BY)
        admin.reactivate_device(session, device, **BY)
        assert device.state == "active"


def test_points_are_added_to_a_device_and_changed(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    del clock
    with database.write() as session:
        device = session.get_one(Device, site.devices["pump-1"])
        asset = session.get_one(Asset, site.assets["pump-1"])
        [point] = admin.create_points(session, device, asset, [admin.NewPoint("f", "flow")], **BY)
        assert (point.unit, last_event(session).kind) == ("m³/h", "point.create")
        admin.update_point(session, point, {"high": 50.0, "expected_interval": 5.0}, **BY)
        assert last_event(session).before == {"expected_interval": None, "high": 2000.0}
        with pytest.raises(Invalid) as caught:
            admin.update_point(session, point, {"key": "temp", "low": 60.0}, **BY)
    assert caught.value.problems == (
        "low: must be below high",
        "key: 'temp' feeds point 'motor_temperature' already",
    )
    with database.read() as session:
        assert session.get_one(Point, point.id).high == 50
