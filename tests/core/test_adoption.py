"""Adoption: what a waiting device probably is, and what makes it so."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.administration import NewAsset, NewPoint, retire_device
from core.adoption import Suggestion, Wish, adopt, adopt_as_proposed, suggest
from core.clock import SimulatedClock
from core.db import Database
from core.devices import Device, Point, note_waiting
from core.errors import Conflict, Invalid
from core.events import Event
from core.places import Asset
from tests.fixtures import SmallSite


def waiting(database: Database, site: SmallSite, clock: SimulatedClock, **sample: Any) -> UUID:
    with database.write() as session:
        return note_waiting(session, site.id, "new-1", sample, clock.now()).id


def suggestion(database: Database, device_id: UUID) -> Suggestion:
    with database.read() as session:
        return suggest(session, session.get_one(Device, device_id))


def adopt_it(
    database: Database,
    device_id: UUID,
    clock: SimulatedClock,
    asset: NewAsset | UUID,
    *points: NewPoint,
) -> None:
    with database.write() as session:
        device = session.get_one(Device, device_id)
        chosen = session.get_one(Asset, asset) if isinstance(asset, UUID) else asset
        adopt(session, device, asset=chosen, points=points, actor=events.SYSTEM, now=clock.now())


ROOM = NewAsset(code="room-9", type="room", name={"en": "Room 9"})


@pytest.mark.parametrize(
    ("sample", "asset_type", "codes"),
    [
        ({"temperature": 21.5, "humidity": 40}, "room", ["temperature", "humidity"]),
        ({"temp": 21.5, "rh": 40}, "room", ["temperature", "humidity"]),
        ({"motorTemp": 60.0, "vib": 2.0}, "pump", ["motor_temperature", "vibration"]),
        ({"leak": False, "battery": 90}, "water_leak", ["leak", "battery"]),
        ({"mode": "moving", "floor": 3}, "lift", ["mode", "floor"]),
        ({"value": 5}, "machine", ["value"]),
        ({"flux_capacitor": 88}, None, [None]),
        ({}, None, []),
    ],
)
def test_type_and_points_are_guessed_from_what_the_device_said(
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    sample: dict[str, Any],
    asset_type: str | None,
    codes: list[str | None],
) -> None:
    found = suggestion(database, waiting(database, site, clock, **sample))
    assert found.asset_type == asset_type
    assert [point.code for point in found.points] == codes
    assert [point.key for point in found.points] == list(sample)


def test_a_value_that_cannot_be_is_not_matched_to_its_name(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    found = suggestion(database, waiting(database, site, clock, humidity=400, temperature=20))
    assert [point.code for point in found.points] == [None, "temperature"]


def test_an_asset_of_the_same_code_is_suggested_with_its_type(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    with database.write() as session:
        device_id = note_waiting(session, site.id, "board-1", {"voltage": 230}, clock.now()).id
    found = suggestion(database, device_id)
    assert (found.asset_id, found.asset_type) == (site.assets["board-1"], "distribution_board")


def test_adopting_creates_asset_and_points_and_says_so(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock, t=21.5)
    point = NewPoint("t", "temperature", unit="°C", low=-10, expected_interval=60)
    adopt_it(database, device_id, clock, ROOM, point)
    with database.read() as session:
        device = session.get_one(Device, device_id)
        stored = session.scalars(select(Point).where(Point.device_id == device_id)).one()
        asset = session.get_one(Asset, device.asset_id)
        last = session.scalars(select(Event).order_by(Event.seq.desc())).first()
    assert (device.state, asset.code, asset.type) == ("active", "room-9", "room")
    assert (stored.key, stored.unit, stored.low, stored.high) == ("t", "°C", -10, 120)
    assert stored.series > 10
    assert last is not None
    assert (last.kind, last.subject_id) == ("device.adopt", str(device_id))
    assert last.after is not None
    assert last.after["points"] == [str(stored.id)]


def test_all_problems_of_an_adoption_come_at_once_and_nothing_is_written(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock, t=21.5)
    wrong = NewAsset(code="pump-1", type="room", name={}, criticality="huge")
    points = [
        NewPoint("t", "temprature"),
        NewPoint("t", "humidity", unit="°C", kind="boolean"),
        NewPoint("", "co2", low=5, high=1, expected_interval=0),
    ]
    with pytest.raises(Invalid) as caught:
        adopt_it(database, device_id, clock, wrong, *points)
    assert set(caught.value.problems) == {
        "asset.code: there is an asset 'pump-1' on this site already",
        "asset.name: give it in at least one language",
        "asset.criticality: one of low, medium, high, critical",
        "points: key 't' stands 2 times",
        "points[0].code: room has no point 'temprature'; did you mean 'temperature'?",
        "points[1].kind: humidity is a number",
        "points[1].unit: humidity is measured in %",
        "points[2].key: between 1 and 120 characters",
        "points[2].low: must be below high",
        "points[2].expected_interval: seconds, more than 0 and at most a year",
    }
    with database.read() as session:
        assert session.get_one(Device, device_id).state == "waiting"


def test_a_point_that_another_device_feeds_is_refused(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock, temp=60)
    with pytest.raises(Invalid) as caught:
        adopt_it(
            database, device_id, clock, site.assets["pump-1"], NewPoint("temp", "motor_temperature")
        )
    assert caught.value.problems == (
        "points[0].code: point 'motor_temperature' of pump-1 is fed by 'pump-1' already",
    )


def test_a_replaced_sensor_goes_on_with_the_point_of_the_retired_one(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    point_id = site.points["pump-1/motor_temperature"]
    with database.write() as session:
        series = session.get_one(Point, point_id).series
        old = session.get_one(Device, site.devices["pump-1"])
        retire_device(session, old, actor=events.SYSTEM, now=clock.now())
    device_id = waiting(database, site, clock, t=60)
    adopt_it(database, device_id, clock, site.assets["pump-1"], NewPoint("t", "motor_temperature"))
    with database.read() as session:
        point = session.get_one(Point, point_id)
        assert (point.device_id, point.key, point.series) == (device_id, "t", series)


def test_only_a_waiting_device_can_be_adopted(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    with pytest.raises(Conflict, match="a device that is active cannot adopt"):
        adopt_it(database, site.devices["pump-1"], clock, ROOM, NewPoint("t", "temperature"))


def test_an_adoption_needs_a_point(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock)
    with pytest.raises(Invalid) as caught:
        adopt_it(database, device_id, clock, ROOM)
    assert caught.value.problems == ("points: choose at least one",)


def test_a_profile_wins_over_guessing_and_brings_polarity_words_and_interval(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    found = suggestion(database, waiting(database, site, clock, contact=True, battery=90))
    assert (found.profile, found.asset_type) == ("door-contact", "door")
    contact = next(point for point in found.points if point.key == "contact")
    assert (contact.code, contact.scale, contact.shift) == ("open", -1.0, 1.0)
    # Shut: true says that its contact is closed.
    assert contact.reading == 0.0
    assert contact.expected_interval == 43_200
    assert "door-left-open" in found.rules


def test_a_device_is_adopted_as_it_is_proposed_with_what_it_calls_itself(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock, leakage_status="normal")
    with database.write() as session:
        device = session.get_one(Device, device_id)
        device.described = {"name": "Cellar", "maker": "Milesight", "model": "EM300-SLD"}
        adopt_as_proposed(session, device, Wish(), actor=events.SYSTEM, now=clock.now())
    with database.read() as session:
        device = session.get_one(Device, device_id)
        point = session.scalars(select(Point).where(Point.device_id == device_id)).one()
        asset = session.get_one(Asset, device.asset_id)
    assert (device.state, asset.type, asset.name["en"]) == ("active", "water_leak", "Cellar")
    assert (point.code, point.kind, point.states) == ("leak", "boolean", ["normal", "leak"])


def test_who_chooses_a_profile_decides_and_what_fits_none_waits_for_a_person(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = waiting(database, site, clock, flux_capacitor=88)
    with database.write() as session:
        device = session.get_one(Device, device_id)
        with pytest.raises(Invalid, match="not adopted"):
            adopt_as_proposed(session, device, Wish(), actor=events.SYSTEM, now=clock.now())
    with database.write() as session:
        device = session.get_one(Device, device_id)
        device.last_sample = {"leak": True, "co2": 700}
        wish = Wish("water-leak", {"en": "Cellar"})
        adopt_as_proposed(session, device, wish, actor=events.SYSTEM, now=clock.now())
        assert session.scalars(select(Point.code).where(Point.device_id == device_id)).all() == [
            "leak"
        ]
