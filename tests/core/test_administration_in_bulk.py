"""Many things at once: the rows and facts are those of one at a time; and what refers to a row."""

from sqlalchemy import select

from core import events
from core.administration import NewAsset, create_asset, update_asset, update_device
from core.administration.many import Change, Doing, change_many, create_many, remove_many
from core.administration.uses import uses_of
from core.db import Base, Database
from core.devices import Device
from core.events import Event
from core.ids import new_id
from core.places import Asset, Space
from tests.fixtures import NOON, SmallSite

NAME = {"en": "Fan"}


def facts(database: Database, kind: str) -> list[tuple[object, object, object]]:
    with database.read() as session:
        rows = session.scalars(select(Event).where(Event.kind == kind).order_by(Event.seq))
        return [(row.site_id, row.before, row.after) for row in rows]


def test_in_bulk_the_log_says_what_it_says_of_one(database: Database, site: SmallSite) -> None:
    fan_id, other_id = new_id(), new_id()
    new = NewAsset("fan-1", "fan", NAME, id=fan_id)
    with database.write() as session:
        fan = create_asset(session, site.id, new, actor=events.SYSTEM, now=NOON)
        changes = {"name": {"en": "Other"}, "criticality": "high"}
        update_asset(session, fan, changes, actor=events.SYSTEM, now=NOON)
    with database.write() as session:
        doing = Doing(session, events.SYSTEM, NOON)
        row = {"id": other_id, "site_id": site.id, "code": "fan-1b", "type": "fan", "name": NAME}
        create_many(doing, "asset", [{**row, "space_id": None, "criticality": "medium"}])
        before = {"name": NAME, "criticality": "medium"}
        change_many(doing, "asset", [Change(other_id, site.id, before, changes)])
    first, second = facts(database, "asset.create")
    assert str(second).replace("fan-1b", "fan-1") == str(first)
    first, second = facts(database, "asset.update")
    assert first == second


def test_a_device_changed_in_bulk_counts_a_version(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        for code in ("pump-1", "pump-2"):
            device = session.get_one(Device, site.devices[code])
            if code == "pump-1":
                update_device(session, device, {"name": NAME}, actor=events.SYSTEM, now=NOON)
                continue
            change = Change(device.id, site.id, {"name": device.name}, {"name": NAME})
            change_many(Doing(session, events.SYSTEM, NOON), "device", [change])
    with database.read() as session:
        versions = {session.get_one(Device, each).version for each in site.devices.values()}
    assert versions == {1, 2}


def test_what_is_removed_is_told_by_its_code(database: Database, site: SmallSite) -> None:
    space_id = new_id()
    with database.write() as session:
        doing = Doing(session, events.SYSTEM, NOON)
        row = {"id": space_id, "site_id": site.id, "code": "roof", "kind": "area", "name": NAME}
        create_many(doing, "space", [{**row, "parent_id": None}])
        remove_many(doing, "space", [(space_id, site.id, "roof")])
    assert facts(database, "space.delete") == [(site.id, {"code": "roof"}, None)]
    with database.read() as session:
        assert session.get(Space, space_id) is None


def test_every_foreign_key_to_a_row_is_a_use(database: Database, site: SmallSite) -> None:
    with database.read() as session:
        spaces = {space.code: space.id for space in session.scalars(select(Space))}
        asset_ids = [site.assets["pump-1"], site.assets["gateway-1"]]
        of_assets = {(use.table, use.used) for use in uses_of(session, Asset, asset_ids)}
        of_spaces = [(use.table, use.user) for use in uses_of(session, Space, [spaces["b1"]])]
        nothing = uses_of(session, Asset, asset_ids, but=("point", "device", "supply"))
    assert of_assets == {
        ("point", site.assets["pump-1"]),
        ("point", site.assets["gateway-1"]),
        ("device", site.assets["pump-1"]),
        ("device", site.assets["gateway-1"]),
        ("supply", site.assets["pump-1"]),
    }
    assert sorted(table for table, _ in of_spaces) == ["asset", "asset", "space"]
    assert ("space", spaces["b1-pumproom"]) in of_spaces
    assert nothing == []


def test_whatever_names_a_place_or_a_person_says_so_to_the_database() -> None:
    """Undoing an import asks the foreign keys, so a column without one would be overlooked."""
    named = {"asset_id", "space_id", "device_id", "person_id", "assignee_id", "author_id"}
    without = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in named and not column.foreign_keys
    ]
    assert without == []
