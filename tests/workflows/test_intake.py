"""Imports: planned without changing anything, applied at once or not at all, undone as a whole."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.accounts import has_password, holders_of, require_password, sign_in
from core.administration import NewPoint, create_points, retire_device, update_asset
from core.db import Database
from core.devices import Device, Point, note_waiting
from core.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Stale
from core.events import Event
from core.ids import new_id
from core.paging import Wish
from core.people import Grant, Person
from core.places import Asset, Node, Space
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ, write_ticket
from tests.workflows.spreadsheets import Desk, found, reasons, workbook
from workflows.intake import IMPORT, Intake, discard, forget_previews, plan_again
from workflows.intake.faults import Fault
from workflows.intake.plan import Plan
from workflows.intake.reading import find_import, list_imports, plan_of
from workflows.tickets import Draft, Step, Ticket, act, open_ticket

SPACES = ["Code", "Name in English", "Name in Chinese", "Kind", "Inside"]
ASSETS = ["Code", "Type", "Name in English", "Space", "Criticality"]
DEVICES = ["Code", "Asset", "Gateway", "All points", "Interval"]
POINTS = ["Device", "Asset", "Point", "Key", "Interval", "Lowest", "Highest"]
BUILDING: dict[str, list[Any]] = {
    "Spaces": [
        SPACES,
        ["b2-f1", "Floor 1", "一层", "Floor", "b2"],
        ["b2", "Building 2", "2号楼", "Building", "-"],
        ["2-1-301", "Flat 301", "301室", "Unit", "b2-f1"],
    ],
    "Assets": [
        ASSETS,
        ["b2-pump", "Pump", "Pump of building 2", "b2", "High"],
        ["b2-gw", "gateway", "Gateway", "b2", None],
    ],
    "Devices": [
        DEVICES,
        ["ctl-2", "b2-pump", "gw-2", "Yes", "10s"],
        ["gw-2", "b2-gw", None, None, None],
    ],
    "Points": [POINTS, ["ctl-2", None, "Motor temperature", "temp", "1m", -20, "180"]],
}


@pytest.fixture
def desk(database: Database, administrator: Administrator) -> Desk:
    """The desk of somebody who may change everything."""
    return Desk(database, administrator.person_id)


def desk_of(database: Database, node_id: UUID, role: str) -> Desk:
    return Desk(database, employ(database, node_id, role))


def faults_of(plan: Plan) -> list[Fault]:
    assert all("%(" not in fault.text for fault in plan.faults)
    return plan.faults


def kinds(database: Database, after: int = 0) -> Counter[str]:
    with database.read() as session:
        return Counter(session.scalars(select(Event.kind).where(Event.seq > after)))


def last_event(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.max(Event.seq))) or 0


def second_site(database: Database, company_id: UUID) -> UUID:
    site_id = new_id()
    with database.write() as session:
        session.add(
            Node(
                id=site_id,
                parent_id=company_id,
                kind="site",
                code="hillside",
                name={"en": "Hillside"},
                path="acme/hillside/",
                time_zone="UTC",
            )
        )
    return site_id


# Planning


def test_a_preview_changes_nothing_and_tells_what_is_new(desk: Desk, site: SmallSite) -> None:
    before = last_event(desk.database)
    plan = desk.plan(workbook(BUILDING))
    assert faults_of(plan) == []
    created = {kind: counts["create"] for kind, counts in plan.counts().items()}
    # A pump has six points, of which one is described by a row of its own.
    assert created == {"space": 3, "asset": 2, "device": 2, "point": 6}
    assert "b2" not in desk.all(Space)
    assert last_event(desk.database) == before


def test_changes_are_told_field_by_field(desk: Desk, site: SmallSite) -> None:
    rows = [ASSETS, ["pump-1", "Pump", "Booster", "b1", "Critical"], ["pump-2"] + [None] * 4]
    plan = desk.plan(workbook({"Assets": rows}))
    changed, same = plan.items
    assert [(one.field, one.before, one.after) for one in changed.shown] == [
        ("name_en", "Pump 1", "Booster"),
        ("space", "b1-pumproom", "b1"),
        ("criticality", "high", "critical"),
    ]
    assert (same.action, same.shown) == ("same", ())


def test_an_empty_cell_keeps_and_a_dash_empties(desk: Desk, site: SmallSite) -> None:
    desk.bring_in({"Assets": [ASSETS, ["pump-1", None, None, "-", None]]})
    pump = desk.all(Asset)["pump-1"]
    assert (pump.space_id, pump.type, pump.criticality) == (None, "pump", "high")
    plan = desk.plan(workbook({"Assets": [ASSETS, ["pump-1", "-", "-", None, None]]}))
    assert found(faults_of(plan))[0] == ("Assets!B2", "choice")


WRONG: dict[str, list[Any]] = {
    "Spaces": [
        SPACES,
        ["b 2", "x", None, None, None],
        ["b3", None, None, None, "b1-pumpromo"],
        ["b3", None, None, None, None],
        ["c1", None, None, None, "c2"],
        ["c2", None, None, None, "c1"],
    ],
    "Assets": [
        ASSETS,
        ["fan-1", "Spaceship", None, "nowhere", "Extreme"],
        ["fan-2", None, None, None, None],
        ["board-1", "Gateway", None, None, None],
        ["pump-2", "Room", None, None, None],
    ],
    "Devices": [
        DEVICES,
        ["a/b", None, None, None, None],
        ["new-1", "pump-9", "gw-1", "Maybe", "soon"],
        ["new-2", None, None, "Yes", None],
        ["gw-1", None, "pump-1", None, None],
    ],
    "Points": [
        POINTS,
        ["pump-1", None, "depth", None, None, None, None],
        ["pump-2", "pump-1", "running", None, None, None, None],
        ["pump-1", None, "flow", "temp", None, 5, "x"],
        ["pump-1", None, "vibration", None, None, 9, 5],
        ["nobody", None, "flow", None, None, None, None],
    ],
}


def test_every_cell_that_is_wrong_is_told_at_once(desk: Desk, site: SmallSite) -> None:
    plan = desk.plan(workbook(WRONG))
    assert found(faults_of(plan)) == [
        ("Spaces!A2", "code"),
        ("Spaces!E3", "unknown_near"),
        ("Spaces!A4", "twice"),
        ("Spaces!E5", "circle"),
        ("Assets!B2", "choice"),
        ("Assets!D2", "unknown"),
        ("Assets!E2", "choice"),
        ("Assets!B3", "missing"),
        *[("Assets!B5", "type_points")] * 6,
        ("Devices!A2", "device_code"),
        ("Devices!B3", "unknown_near"),
        ("Devices!D3", "choice"),
        ("Devices!E3", "duration"),
        ("Devices!D4", "needs_asset"),
        ("Devices!C5", "circle"),
        ("Points!C2", "no_point"),
        ("Points!C3", "fed"),
        ("Points!D4", "key_taken"),
        ("Points!G4", "number"),
        ("Points!F5", "range"),
        ("Points!A6", "unknown"),
    ]
    assert plan.refused == 16


def test_a_number_that_lost_its_zeros_is_not_taken_for_another_code(
    desk: Desk, site: SmallSite
) -> None:
    desk.bring_in({"Spaces": [SPACES, ["007", "Seven", None, None, None]]})
    rows = [SPACES, [7, "Seven", None, None, None], ["room", "Room", None, None, 7]]
    plan = desk.plan(workbook({"Spaces": rows}))
    assert found(faults_of(plan)) == [("Spaces!A2", "zeros"), ("Spaces!E3", "zeros")]
    assert "“007”" in plan.faults[0].text


def test_a_retired_device_is_left_alone_and_its_points_can_be_taken_over(
    desk: Desk, site: SmallSite
) -> None:
    with desk.database.write() as session:
        device = session.get_one(Device, site.devices["pump-2"])
        retire_device(session, device, actor=events.SYSTEM, now=NOON)
    plan = desk.plan(workbook({"Devices": [DEVICES, ["pump-2", None, None, None, None]]}))
    assert found(faults_of(plan)) == [("Devices!A2", "retired")]
    rows = {
        "Devices": [DEVICES, ["pump-2b", "pump-2", None, None, None]],
        "Points": [POINTS, ["pump-2b", None, "running", "run", None, None, None]],
    }
    import_id = desk.bring_in(rows)
    with desk.database.read() as session:
        point = session.get_one(Point, site.points["pump-2/running"])
        assert point.device_id == desk.all(Device)["pump-2b"].id
        assert point.series == site.series["pump-2/running"]
    assert desk.undo(import_id) == []
    with desk.database.read() as session:
        point = session.get_one(Point, site.points["pump-2/running"])
        assert (point.device_id, point.key) == (site.devices["pump-2"], "running")


# Applying


def test_an_import_writes_everything_with_a_fact_for_each_thing(
    desk: Desk, site: SmallSite
) -> None:
    before = last_event(desk.database)
    import_id = desk.bring_in(BUILDING)
    spaces, assets, devices = desk.all(Space), desk.all(Asset), desk.all(Device)
    assert spaces["2-1-301"].parent_id == spaces["b2-f1"].id
    assert (spaces["2-1-301"].kind, spaces["2-1-301"].name["zh"]) == ("unit", "301室")
    assert (assets["b2-pump"].type, assets["b2-pump"].criticality) == ("pump", "high")
    assert devices["ctl-2"].path_id == devices["gw-2"].id
    # The site has one source, so a device without one belongs to it.
    assert devices["ctl-2"].source_id == devices["pump-1"].source_id
    with desk.database.read() as session:
        rows = session.scalars(select(Point).where(Point.asset_id == assets["b2-pump"].id))
        points = {point.code: point for point in rows}
    assert len({point.series for point in points.values()}) == 6
    hot = points["motor_temperature"]
    assert (hot.key, hot.low, hot.high, hot.expected_interval) == ("temp", -20, 180, 60)
    assert (points["flow"].key, points["flow"].expected_interval) == ("flow", 10)
    assert kinds(desk.database, before) == {
        "space.create": 3,
        "asset.create": 2,
        "device.create": 2,
        "point.create": 6,
        "import.apply": 1,
    }
    row = desk.row(import_id)
    assert (row.state, row.site_id, row.preview) == ("applied", site.id, None)
    assert (row.uploaded_by, row.applied_by) == (desk.person_id, desk.person_id)


def test_the_same_file_again_changes_nothing(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(BUILDING)
    plan = desk.plan(workbook(BUILDING))
    assert plan.changes == []
    with pytest.raises(Conflict, match="everything stands"):
        desk.bring_in(BUILDING)


def test_a_file_with_a_wrong_cell_is_not_applied_at_all(desk: Desk, site: SmallSite) -> None:
    rows = [SPACES, ["good", None, None, None, None], ["b!d", None, None, None, None]]
    import_id = desk.hand_in(workbook({"Spaces": rows}))
    with pytest.raises(Invalid) as caught:
        desk.apply(import_id)
    assert caught.value.problems[0].startswith("Spaces!A3: “b!d” can't be a code")
    assert "good" not in desk.all(Space)
    assert desk.row(import_id).state == "previewed"


def test_points_may_swap_their_keys(desk: Desk, site: SmallSite) -> None:
    rows = [
        POINTS,
        ["pump-1", None, "motor_temperature", "run", None, None, None],
        ["pump-1", None, "running", "temp", None, None, None],
    ]
    import_id = desk.bring_in({"Points": rows})

    def keys() -> tuple[str, str]:
        with desk.database.read() as session:
            hot = session.get_one(Point, site.points["pump-1/motor_temperature"])
            return hot.key, session.get_one(Point, site.points["pump-1/running"]).key

    assert keys() == ("run", "temp")
    assert desk.undo(import_id) == []
    assert keys() == ("temp", "run")


def test_a_device_that_waits_is_adopted(desk: Desk, site: SmallSite) -> None:
    with desk.database.write() as session:
        note_waiting(session, site.id, "leak-7", {"leak": False}, NOON)
    rows = {
        "Assets": [ASSETS, ["leak-7", "Water leak sensor", "Leak 7", "b1", None]],
        "Devices": [DEVICES, ["leak-7", "leak-7", None, "Yes", None]],
    }
    import_id = desk.bring_in(rows)
    device = desk.all(Device)["leak-7"]
    assert (device.state, device.asset_id) == ("active", desk.all(Asset)["leak-7"].id)
    assert kinds(desk.database)["device.adopt"] == 1
    assert reasons(desk.undo(import_id)) == [("device", "adopted", "")]
    assert desk.all(Device)["leak-7"].asset_id is None
    assert "leak-7" not in desk.all(Asset)


def test_a_preview_that_has_become_stale_is_refused_and_planned_again(
    desk: Desk, site: SmallSite
) -> None:
    import_id = desk.hand_in(
        workbook({"Assets": [ASSETS, ["pump-1", None, "Booster", None, None]]})
    )
    with desk.database.write() as session:
        asset = session.get_one(Asset, site.assets["pump-1"])
        changes = {"name": {"en": "Main pump", "zh": "主泵"}}
        update_asset(session, asset, changes, actor=events.SYSTEM, now=NOON)
    with pytest.raises(Stale):
        desk.apply(import_id)
    with desk.database.write() as session:
        row = find_import(session, desk.caller, import_id, to_change=True)
        [item] = plan_again(session, desk.caller, row).items
        assert item.shown[0].before == "Main pump"
    with pytest.raises(Stale):
        desk.apply(import_id, version=1)
    desk.apply(import_id, version=2)
    assert desk.all(Asset)["pump-1"].name == {"en": "Booster", "zh": "主泵"}


def test_an_import_is_applied_once(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(BUILDING)
    with pytest.raises(Conflict, match="an import that is applied cannot apply"):
        desk.apply(import_id)
    for status in IMPORT.statuses:
        for action, table in IMPORT.moves.items():
            if status in table:
                assert IMPORT.target(action, status) in IMPORT.statuses
            else:
                with pytest.raises(Conflict):
                    IMPORT.target(action, status)


def test_of_two_who_apply_at_once_one_does_and_one_is_refused(
    database: Database, site: SmallSite
) -> None:
    desks = [desk_of(database, site.company_id, "administrator") for _ in range(2)]
    # Two files that add the same things, and one of them handed to two people at once.
    ids = [desk.hand_in(workbook(BUILDING)) for desk in desks]
    tries = [(desks[0], ids[0]), (desks[1], ids[1]), (desks[1], ids[0])]

    def attempt(number: int) -> str:
        desk, import_id = tries[number]
        try:
            desk.apply(import_id)
        except (Conflict, Stale):
            return "refused"
        return "applied"

    assert sorted(in_threads(len(tries), attempt)) == ["applied", "refused", "refused"]
    assert kinds(database)["space.create"] == 3


def test_the_same_file_handed_in_again_takes_the_place_of_its_preview(
    desk: Desk, site: SmallSite
) -> None:
    content = workbook(BUILDING)
    first = desk.hand_in(content)
    desk.now = NOON + timedelta(hours=23)
    assert desk.hand_in(content) == first
    assert desk.row(first).version == 2
    # And has a day again.
    with desk.database.write() as session:
        assert forget_previews(session, now=NOON + timedelta(hours=25)) == 0


def test_a_discarded_file_is_gone_and_one_that_waits_is_forgotten(
    desk: Desk, site: SmallSite
) -> None:
    import_id = desk.hand_in(workbook(BUILDING))
    with desk.database.write() as session:
        row = find_import(session, desk.caller, import_id, to_change=True)
        discard(session, desk.caller, row, now=NOON)
    assert (desk.row(import_id).state, desk.row(import_id).preview) == ("discarded", None)
    desk.hand_in(workbook(BUILDING))
    with desk.database.write() as session:
        assert forget_previews(session, now=NOON + timedelta(hours=23)) == 0
        assert forget_previews(session, now=NOON + timedelta(hours=25)) == 1


# Undoing


def test_a_whole_import_is_undone(desk: Desk, site: SmallSite) -> None:
    before = {model: desk.all(model).keys() for model in (Space, Asset, Device)}
    rows = {**BUILDING, "Assets": [*BUILDING["Assets"], ["pump-1", None, "Moved", "b2", "Low"]]}
    import_id = desk.bring_in(rows)
    event = last_event(desk.database)
    assert desk.undo(import_id) == []
    assert {model: desk.all(model).keys() for model in (Space, Asset, Device)} == before
    pump = desk.all(Asset)["pump-1"]
    assert (pump.name["en"], pump.criticality) == ("Pump 1", "high")
    assert pump.space_id == desk.all(Space)["b1-pumproom"].id
    assert kinds(desk.database, event) == {
        "point.delete": 6,
        "device.delete": 2,
        "asset.delete": 2,
        "asset.update": 1,
        "space.delete": 3,
        "import.undo": 1,
    }
    with pytest.raises(Conflict):
        desk.undo(import_id)


def test_what_has_readings_stays_with_all_that_it_stands_on(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(BUILDING)
    with desk.database.read() as session:
        asset_id = desk.all(Asset)["b2-pump"].id
        series = session.scalars(
            select(Point.series).where(Point.asset_id == asset_id, Point.code == "flow")
        ).one()
    kept = desk.undo(import_id, spoken=[series])
    assert reasons(kept) == [
        # The gateway's asset stays because the gateway does, and that because of the device.
        *[("asset", "used", "device")] * 2,
        ("device", "used", "device"),
        ("device", "used", "point"),
        ("point", "readings", ""),
        ("space", "used", "asset"),
    ]
    assert {"b2", "b2-f1"} & desk.all(Space).keys() == {"b2"}
    assert {"b2-pump", "b2-gw"} <= desk.all(Asset).keys()


def test_what_a_ticket_is_about_stays(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(BUILDING)
    draft = Draft(
        site_id=site.id,
        space_id=desk.all(Space)["2-1-301"].id,
        kind="repair",
        priority="high",
        title={"und": "It drips"},
        team="maintenance",
        happened_at=NOON,
        learned_at=NOON,
    )
    with desk.database.write() as session:
        open_ticket(session, draft, actor=events.SYSTEM)
    kept = desk.undo(import_id)
    assert reasons(kept) == [("space", "used", "space")] * 2 + [("space", "used", "ticket")]
    assert desk.all(Asset).keys() == site.assets.keys()
    assert [one.reason for one in kept] == [one["reason"] for one in desk.row(import_id).kept or []]


def test_what_somebody_changed_since_stays_as_they_left_it(desk: Desk, site: SmallSite) -> None:
    rows = [ASSETS, ["pump-1", None, "Booster", None, None], ["pump-2", None, "Other", None, None]]
    import_id = desk.bring_in({"Assets": [*rows, ["fan-1", "Fan", "Fan", None, None]]})
    with desk.database.write() as session:
        for code in ("pump-1", "fan-1"):
            asset = session.get_one(Asset, desk.all(Asset)[code].id)
            changes = {"name": {"en": "Mine"}}
            update_asset(session, asset, changes, actor=events.SYSTEM, now=NOON)
    assert reasons(desk.undo(import_id)) == [("asset", "changed", "")] * 2
    names = {code: asset.name["en"] for code, asset in desk.all(Asset).items()}
    assert (names["pump-1"], names["pump-2"], names["fan-1"]) == ("Mine", "Pump 2", "Mine")


def test_a_type_comes_back_only_if_it_knows_the_points_made_since(
    desk: Desk, site: SmallSite
) -> None:
    desk.bring_in({"Assets": [ASSETS, ["thing", "Fan", "Thing", None, None]]})
    import_id = desk.bring_in({"Assets": [ASSETS, ["thing", "Pump", None, None, None]]})
    with desk.database.write() as session:
        device = session.get_one(Device, site.devices["pump-1"])
        asset = session.get_one(Asset, desk.all(Asset)["thing"].id)
        points = [NewPoint(key="f", code="flow")]
        create_points(session, device, asset, points, actor=events.SYSTEM, now=NOON)
    assert reasons(desk.undo(import_id)) == [("asset", "used", "")]


def test_imports_are_undone_in_any_order(desk: Desk, site: SmallSite) -> None:
    first = desk.bring_in({"Spaces": [SPACES, ["b9", "Nine", None, None, None]]})
    second = desk.bring_in({"Assets": [ASSETS, ["pump-1", None, None, "b9", None]]})
    third = desk.bring_in({"Assets": [ASSETS, ["pump-1", None, None, "b1", None]]})
    assert desk.undo(first) == []
    # The space that the pump stood in for a while is gone, so it can't go back there.
    assert reasons(desk.undo(third)) == [("asset", "gone", "")]
    assert reasons(desk.undo(second)) == [("asset", "changed", "")]


# Who may


def test_a_site_that_is_not_ones_own_does_not_exist(database: Database, site: SmallSite) -> None:
    second_site(database, site.company_id)
    desk = desk_of(database, site.id, "administrator")
    rows = [["Site", *SPACES], ["hillside", "x", "X", None, None, None], ["nowhere", "y"]]
    plan = desk.plan(workbook({"Spaces": rows}))
    ours, none = faults_of(plan)
    assert ours.text.replace("hillside", "") == none.text.replace("nowhere", "")
    assert (ours.code, ours.cell) == ("no_site", "A2")


def test_who_has_several_sites_names_one(desk: Desk, site: SmallSite) -> None:
    second_site(desk.database, site.company_id)
    rows = [["Site", *SPACES], [None, "x"], ["Hillside", "x"], ["滨江苑", "x"]]
    plan = desk.plan(workbook({"Spaces": rows}))
    assert found(faults_of(plan)) == [("Spaces!A2", "which_site")]
    assert [item.label for item in plan.items] == ["hillside / x", "riverside / x"]


def test_each_sheet_needs_its_own_permission(database: Database, site: SmallSite) -> None:
    manager = desk_of(database, site.id, "manager")
    plan = manager.plan(workbook(BUILDING))
    assert {(f.sheet, f.code) for f in faults_of(plan)} >= {("Spaces", "no_right")}
    device = {"Devices": [DEVICES, ["new", "pump-1", None, None, None]]}
    assert faults_of(manager.plan(workbook(device))) == []
    people = {"People": [PEOPLE, ["new", "New", None, "Guard", "riverside"]]}
    assert found(faults_of(manager.plan(workbook(people)))) == [("People!A2", "no_right")]
    guard = desk_of(database, site.id, "guard")
    assert found(faults_of(guard.plan(workbook(device)))) == [("Devices!A2", "no_right")]


def test_an_import_is_seen_by_who_handed_it_in_and_by_who_administers_all(
    database: Database, site: SmallSite, desk: Desk
) -> None:
    local = desk_of(database, site.id, "administrator")
    colleague = desk_of(database, site.id, "administrator")
    import_id = local.hand_in(workbook(BUILDING))
    with database.read() as session:
        assert find_import(session, local.caller, import_id).id == import_id
        assert find_import(session, desk.caller, import_id).id == import_id
        with pytest.raises(NotFound):
            find_import(session, colleague.caller, import_id)
        assert len(list_imports(session, desk.caller, Wish()).items) == 1
        assert len(list_imports(session, colleague.caller, Wish()).items) == 0


def test_who_lost_the_right_undoes_nothing(database: Database, site: SmallSite) -> None:
    desk = desk_of(database, site.id, "administrator")
    import_id = desk.bring_in(BUILDING)
    with database.write() as session:
        session.scalars(select(Grant).where(Grant.person_id == desk.person_id)).one().role = "guard"
    with pytest.raises(NotAllowed):
        desk.undo(import_id)


# People

PEOPLE = ["Login", "Name", "Language", "Role", "Where"]
STAFF: dict[str, list[Any]] = {
    "People": [
        PEOPLE,
        [13800000001, "Chen Wei", "Chinese", "Guard", "riverside"],
        ["13800000001", None, None, "Technician", "滨江苑"],
        ["g-017", "Li Na", "英文", "客服前台", "riverside"],
    ]
}


def person_of(desk: Desk, login: str) -> UUID | None:
    with desk.database.read() as session:
        return holders_of(session, [login]).get(login)


def roles_of(desk: Desk, person_id: UUID) -> list[str]:
    with desk.database.read() as session:
        return sorted(session.scalars(select(Grant.role).where(Grant.person_id == person_id)))


def test_people_come_with_login_and_roles_and_are_told_apart_by_login(
    desk: Desk, site: SmallSite
) -> None:
    before = last_event(desk.database)
    import_id = desk.bring_in(STAFF)
    wei = person_of(desk, "13800000001")
    assert wei is not None
    assert roles_of(desk, wei) == ["guard", "technician"]
    with desk.database.read() as session:
        assert session.get_one(Person, wei).name == "Chen Wei"
    assert kinds(desk.database, before) == {
        "person.create": 2,
        "person.grant": 3,
        "import.apply": 1,
    }
    # Neither the log nor the row of the import holds a word about them.
    with desk.database.read() as session:
        log = str([(e.before, e.after) for e in session.scalars(select(Event))])
        kept = str(session.get_one(Intake, import_id).plan)
        shown = [item.label for item in plan_of(session, desk.row(import_id)).items]
    for word in ("Chen", "13800000001", "g-017"):
        assert word not in log + kept
    assert shown == ["13800000001", "g-017", "13800000001", "13800000001", "g-017"]


def test_a_role_of_a_file_counts_for_the_team_that_it_names(desk: Desk, site: SmallSite) -> None:
    rows = [
        ["Login", "Name", "Role", "Where", "Team"],
        ["13800000009", "Lu Yan", "Technician", "riverside", "maintenance"],
    ]
    desk.bring_in({"People": rows})
    person = person_of(desk, "13800000009")
    with desk.database.read() as session:
        grant = session.scalars(select(Grant).where(Grant.person_id == person)).one()
        assert (grant.role, grant.team) == ("technician", "maintenance")
    wrong = [
        rows[0],
        ["13800000010", "He Ping", "Technician", "riverside", "ghosts"],
        ["13800000011", "Ma Li", "Manager", "riverside", "maintenance"],
    ]
    faults = found(faults_of(desk.plan(workbook({"People": wrong}))))
    assert faults == [("People!E2", "no_such_team"), ("People!E3", "every_team")]


def test_a_waiting_file_is_sealed(desk: Desk, site: SmallSite) -> None:
    row = desk.row(desk.hand_in(workbook(STAFF)))
    assert row.preview is not None
    assert b"13800000001" not in row.preview


def test_people_change_and_keep_what_the_file_does_not_say(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(STAFF)
    rows = [PEOPLE, ["13800000001", "陈伟", "English", None, None], ["g-017"] + [None] * 4]
    import_id = desk.bring_in({"People": rows})
    wei = person_of(desk, "13800000001")
    assert wei is not None
    with desk.database.read() as session:
        person = session.get_one(Person, wei)
        assert (person.name, person.locale) == ("陈伟", "en")
    assert desk.undo(import_id) == []
    with desk.database.read() as session:
        person = session.get_one(Person, wei)
        assert (person.name, person.locale) == ("Chen Wei", "zh")


def test_every_wrong_cell_about_people_is_told(
    database: Database, site: SmallSite, desk: Desk
) -> None:
    hillside = second_site(database, site.company_id)
    other = desk_of(database, hillside, "administrator")
    other.bring_in({"People": [PEOPLE, ["taken", "Somebody", None, "Guard", "hillside"]]})
    desk.bring_in({"People": [PEOPLE, ["shared", "Shared", None, "Guard", "riverside"]]})
    desk.bring_in({"People": [PEOPLE, ["shared", None, None, "Guard", "hillside"]]})
    local = desk_of(database, site.id, "administrator")
    rows = [
        ["a b", "X", None, "Guard", "riverside"],
        ["new-1", None, None, "Guard", "riverside"],
        ["new-2", "X", None, None, None],
        ["new-3", "X", None, "King", "riverside"],
        ["new-4", "X", None, "Guard", "hillside"],
        ["new-5", "X", "Latin", "Guard", "riverside"],
        ["new-5", "Y", None, "Guard", "riverside"],
        ["taken", "X", None, "Guard", "riverside"],
        ["shared", "Renamed", None, None, "riverside"],
    ]
    plan = local.plan(workbook({"People": [PEOPLE, *rows]}))
    assert found(faults_of(plan)) == [
        ("People!A2", "login"),
        ("People!B3", "missing"),
        ("People!D4", "needs_role"),
        ("People!D5", "choice"),
        ("People!E6", "no_place"),
        ("People!C7", "choice"),
        ("People!B8", "other_name"),
        ("People!D8", "twice"),
        ("People!A9", "login_taken"),
        ("People!B10", "not_yours"),
        ("People!D10", "half_role"),
    ]


def test_nobody_gives_more_than_they_hold(database: Database, site: SmallSite) -> None:
    local = desk_of(database, site.id, "administrator")
    rows = [PEOPLE, ["boss", "Boss", None, "Administrator", "acme"]]
    assert found(faults_of(local.plan(workbook({"People": rows})))) == [("People!E2", "no_place")]
    rows = [PEOPLE, ["boss", "Boss", None, "Administrator", "riverside"]]
    assert faults_of(local.plan(workbook({"People": rows}))) == []


def test_people_who_never_came_go_and_who_acted_stays(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(STAFF)
    wei, na = person_of(desk, "13800000001"), person_of(desk, "g-017")
    assert wei
    assert na
    with desk.database.write() as session:
        events.append(
            session,
            "ticket.note",
            ("ticket", "1"),
            actor=events.Actor.person(na),
            learned_at=NOON,
        )
    event = last_event(desk.database)
    assert reasons(desk.undo(import_id)) == [("person", "acted", "")]
    assert person_of(desk, "13800000001") is None
    assert roles_of(desk, wei) == []
    assert roles_of(desk, na) == ["service_desk"]
    assert kinds(desk.database, event) == {"person.delete": 1, "import.undo": 1}
    # What was sealed about who is gone can't be read any more.
    with desk.database.read() as session:
        labels = [item.label for item in plan_of(session, desk.row(import_id)).items]
    assert labels == ["", "g-017", "", "", "g-017"]


def test_who_has_a_ticket_or_another_role_stays(desk: Desk, site: SmallSite) -> None:
    import_id = desk.bring_in(STAFF)
    wei, na = person_of(desk, "13800000001"), person_of(desk, "g-017")
    assert wei
    assert na
    ticket_id = write_ticket(desk.database, site, NOON)
    with desk.database.write() as session:
        session.add(Grant(id=new_id(), person_id=na, node_id=site.id, role="guard"))
        ticket = session.get_one(Ticket, ticket_id)
        step = Step("assign", assignee_id=wei)
        act(session, ticket, step, person=desk.person_id, now=NOON)
    assert reasons(desk.undo(import_id)) == [
        ("person", "changed", ""),
        ("person", "used", "ticket"),
    ]


def test_roles_of_who_was_here_before_are_taken_back(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(STAFF)
    rows = [
        PEOPLE,
        ["g-017", None, None, "Auditor", "acme"],
        ["g-017", None, None, "Guard", "acme"],
    ]
    import_id = desk.bring_in({"People": rows})
    na = person_of(desk, "g-017")
    assert na is not None
    assert roles_of(desk, na) == ["auditor", "guard", "service_desk"]
    assert desk.undo(import_id) == []
    assert roles_of(desk, na) == ["service_desk"]
    assert kinds(desk.database)["person.revoke"] == 2


def test_the_last_administrator_stays_one(database: Database, site: SmallSite, desk: Desk) -> None:
    desk.bring_in(STAFF)
    rows = [PEOPLE, ["g-017", None, None, "Administrator", "acme"]]
    import_id = desk.bring_in({"People": rows})
    na = person_of(desk, "g-017")
    assert na is not None
    with database.write() as session:
        grant = session.scalars(select(Grant).where(Grant.person_id == desk.person_id)).one()
        session.delete(grant)
    successor = Desk(database, na)
    assert reasons(successor.undo(import_id)) == [("grant", "last_administrator", "")]


def test_nobody_signs_in_by_a_login_that_is_only_kept(desk: Desk, site: SmallSite) -> None:
    desk.bring_in(STAFF)
    for password in ("", "13800000001"):
        with pytest.raises(NotSignedIn):
            sign_in(desk.database, "13800000001", password, "127.0.0.1", now=NOON)
    wei = person_of(desk, "13800000001")
    assert wei is not None
    with pytest.raises(NotAllowed):
        require_password(desk.database, wei, "", "127.0.0.1", now=NOON)
    with desk.database.read() as session:
        assert not has_password(session, wei)
