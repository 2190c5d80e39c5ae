"""Replacing a device keeps points, series and rules; it can be taken back."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.adoption import Wish, adopt_as_proposed
from core.clock import SimulatedClock
from core.db import Database
from core.devices import Device, Point, note_waiting
from core.errors import Conflict, Invalid
from core.replacing import replace_device, undo_replacement
from tests.fixtures import SmallSite


def speaks(
    database: Database, site: SmallSite, clock: SimulatedClock, code: str, **said: Any
) -> UUID:
    with database.write() as session:
        return note_waiting(session, site.id, code, said, clock.now()).id


def adopted(database: Database, site: SmallSite, clock: SimulatedClock) -> UUID:
    """A Zigbee door contact: true says that its contact is closed."""
    device_id = speaks(database, site, clock, "door-7", contact=True, battery=80)
    with database.write() as session:
        device = session.get_one(Device, device_id)
        adopt_as_proposed(session, device, Wish(), actor=events.SYSTEM, now=clock.now())
    return device_id


def points(database: Database, device_id: UUID) -> dict[str, tuple[str, int, Any, Any]]:
    with database.read() as session:
        rows = session.scalars(select(Point).where(Point.device_id == device_id))
        return {one.code: (one.key, one.series, one.scale, one.states) for one in rows}


def states(database: Database, *ids: UUID) -> list[str]:
    with database.read() as session:
        return [session.get_one(Device, one).state for one in ids]


def change(database: Database, clock: SimulatedClock, how: Any, *ids: UUID) -> Any:
    with database.write() as session:
        devices = [session.get_one(Device, one) for one in ids]
        return how(session, *devices, actor=events.SYSTEM, now=clock.now())


def test_another_make_takes_over_points_by_its_profile_and_gives_them_back(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    old = adopted(database, site, clock)
    before = points(database, old)
    assert before["open"][0] == "contact"
    new = speaks(database, site, clock, "a84041ffff123456", magnet_status="close")
    handed = change(database, clock, replace_device, old, new)
    assert {one.code: one.key for one in handed} == {"open": "magnet_status", "battery": None}
    assert states(database, old, new) == ["retired", "active"]
    assert points(database, new) == {
        "open": ("magnet_status", before["open"][1], None, ["close", "open"])
    }
    # What the new one does not tell stays with the old one, as history.
    assert points(database, old) == {"battery": before["battery"]}
    with database.read() as session:
        assert session.get_one(Device, new).asset_id == session.get_one(Device, old).asset_id
        facts = session.scalars(select(events.Event).order_by(events.Event.seq.desc())).first()
    assert facts is not None
    assert facts.kind == "device.replace"
    change(database, clock, undo_replacement, new)
    assert states(database, old, new) == ["active", "retired"]
    assert points(database, old) == before
    with pytest.raises(Conflict, match="no replacement"):
        change(database, clock, undo_replacement, new)


def test_what_speaks_through_a_gateway_speaks_through_the_one_that_replaces_it(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    old = adopted(database, site, clock)
    new = speaks(database, site, clock, "door-8", contact=True)
    child = speaks(database, site, clock, "leak-1", water_leak=False)
    with database.write() as session:
        session.get_one(Device, child).path_id = old

    def path() -> UUID | None:
        with database.read() as session:
            return session.get_one(Device, child).path_id

    change(database, clock, replace_device, old, new)
    assert path() == new
    change(database, clock, undo_replacement, new)
    assert path() == old


def test_only_one_that_waits_replaces_only_one_that_works_and_says_the_same(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    old = adopted(database, site, clock)
    silent = speaks(database, site, clock, "other", co2=700)
    with pytest.raises(Invalid, match="nothing was replaced"):
        change(database, clock, replace_device, old, silent)
    with pytest.raises(Conflict):
        change(database, clock, replace_device, old, old)
    with pytest.raises(Conflict, match="is waiting"):
        change(database, clock, replace_device, silent, silent)
    assert states(database, old, silent) == ["active", "waiting"]
