"""Site files: every problem at once with its place, and imports that can be repeated."""

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.devices import Device, Point, Source
from core.errors import Invalid
from core.events import Event
from core.places import Asset, Node, Space, Supply
from core.site_file import ImportReport, import_site, load_catalog, read_site_file
from rules.catalog import Catalog
from tests.fixtures import SITE_FILE, SmallSite

ROOT = Path(__file__).resolve().parent.parent.parent
HEAD = "company: {code: acme}\nsite: {code: riverside, time_zone: Asia/Shanghai}\n"


def problems_of(text: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read_site_file(text, "site.yaml")
    return list(caught.value.problems)


def bring_in(database: Database, text: str, clock: SimulatedClock) -> ImportReport:
    with database.read() as session:
        catalog = load_catalog(session)
    site_file = read_site_file(text, "site.yaml", catalog=catalog)
    with database.write() as session:
        return import_site(session, site_file, actor=events.SYSTEM, now=clock.now())


def kinds_of_events(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Event.kind).order_by(Event.seq)))


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("assets: [{code: p, type: pmup}]", "2:26: unknown asset type 'pmup'; did you mean 'pump'"),
        ("assets: [{code: p, type: pump, colour: red}]", "2:32: unknown key 'colour'"),
        ("assets: [{type: pump}]", "2:10: 'code' is missing"),
        ("assets: [{code: p}]", "2:10: 'type' is missing"),
        ("assets: [{code: a/b, type: pump}]", "2:17: 'a/b' can't be a code"),
        ("assets: [{code: p, type: pump, space: x}]", "2:39: there is no space 'x'"),
        ("assets: [{code: p, type: pump, criticality: huge}]", "criticality is one of low, medium"),
        ("assets: {code: p}", "assets is a list"),
        ("assets: [p]", "a mapping is expected here"),
        ("assets: [{code: p, type: pump}, {code: p, type: pump}]", "'p' stands twice"),
        ("spaces: [{code: a, spaces: [{code: a}]}]", "space 'a' stands twice; first on line 2"),
        ("sources: [{code: s, topic: 'a/#/b'}]", "# stands alone at the last level"),
        ("sources: [{code: s, topic: 'a/b+/c'}]", "+ stands alone at its level"),
        ("sources: [{code: s, topic: '$SYS/x'}]", "belong to the broker"),
        ("sources: [{code: s, topic: a, dialect: klingon}]", "dialect is one of wk, tasmota"),
        ("sources: [{code: s, topic: a, options: {zone: Mars}}]", "no time zone 'Mars'"),
        ("sources: [{code: s, topic: a}, {code: t, topic: a}]", "has this topic already"),
        ("sources: [{code: s, topic: a, enabled: 1}]", "enabled is true or false"),
        ("devices: [{code: d}]", "a device needs an asset"),
        ("devices: [{code: 'a b'}]", "no blanks"),
        ("devices: [{code: d, via: e, points: {}}]", "there is no device 'e'"),
        ("asset_types: {pump: {points: {x: {unit: bananas}}}}", "bananas"),
        ("asset_types: {pump: {points: {ticket_opened: {}}}}", "can't be a name"),
        ("colour: red", "unknown key 'colour'"),
        ("region: {code: r}\nregions: [{code: s}]", "'region' is missing"),
    ],
)
def test_each_mistake_is_named_with_its_place(section: str, problem: str) -> None:
    site = "site: {code: riverside, time_zone: Asia/Shanghai}"
    found = problems_of(f"company: {{code: acme}}\n{section}\n{site}\n")
    assert any(problem in line for line in found), found
    assert all(re.match(r"site\.yaml:\d+:\d+: ", line) for line in found)


def test_every_problem_is_reported_at_once() -> None:
    text = """\
company: {code: acme}
site: {code: River Side, time_zone: Asia/Shangai}
assets:
  - {code: p, type: pmup}
supplies:
  - {from: p, to: [q]}
devices:
  - {code: d, asset: p, interval: ten, points: {t: temperature}}
"""
    assert problems_of(text) == [
        "site.yaml:2:14: 'River Side' can't be a code here: it stands in topics, so small letters, "
        "digits and - only, at most 60",
        "site.yaml:2:37: there is no time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?",
        "site.yaml:4:21: unknown asset type 'pmup'; did you mean 'pump'?",
        "site.yaml:6:20: there is no asset 'q' in this file",
        "site.yaml:8:35: interval: 'ten' is not a duration; write it like 30s, 10m, 2h, 7d or "
        "1h30m",
    ]


PUMPS = """\
assets:
  - {code: p1, type: pump}
  - {code: p2, type: pump}
  - {code: g, type: gateway}
"""


def test_an_unknown_point_suggests_the_nearest() -> None:
    text = HEAD + PUMPS + "devices: [{code: d, asset: p1, points: {t: motor_temprature}}]\n"
    assert problems_of(text) == [
        "site.yaml:7:44: pump has no point 'motor_temprature'; did you mean 'motor_temperature'?"
    ]


def test_an_event_has_no_interval_and_what_we_tell_ourselves_no_device() -> None:
    text = HEAD + "assets: [{code: p1, type: door}]\n"
    text += "devices: [{code: d, asset: p1, interval: 10s, points: {%s}}]\n"
    assert problems_of(text % "h: {point: door_held, interval: 5s}") == [
        "site.yaml:4:88: 'door_held' is an event, which has no interval"
    ]
    assert "told by Watchkeeper itself" in problems_of(text % "t: ticket_opened")[0]
    read_site_file(text % "h: door_held", "site.yaml")


def test_a_point_is_fed_by_one_key_of_one_device() -> None:
    text = HEAD + PUMPS
    text += "devices:\n  - {code: d, asset: p1}\n  - {code: e, asset: p1, points: [flow]}\n"
    assert "point 'flow' of 'p1' is fed by 'd' already" in problems_of(text)[0]
    text = HEAD + PUMPS + "devices: [{code: d, asset: p1, points: {a: flow, b: flow}}]"
    assert "point 'flow' is fed by two keys" in problems_of(text)[0]


def test_a_path_leads_through_a_gateway_and_never_round_in_a_circle() -> None:
    text = HEAD + PUMPS + "devices:\n  - {code: d, asset: p1}\n  - {code: e, asset: p2, via: d}\n"
    assert "'d' is no gateway" in problems_of(text)[0]
    text = HEAD + PUMPS
    text += "devices:\n  - {code: a, asset: g, gateway: true, via: b, points: {}}\n"
    text += "  - {code: b, asset: g, gateway: true, via: a, points: {}}\n"
    assert "a path in a circle: a → b → a" in problems_of(text)[0]


def test_supplies_in_a_circle_are_refused_by_medium() -> None:
    circle = "supplies:\n  - {from: p1, to: [p2]}\n  - {from: p2, to: p1}\n"
    assert "power goes round in a circle: p1 → p2 → p1" in problems_of(HEAD + PUMPS + circle)[0]
    # A pump may cool the generator that feeds it.
    other = circle.replace("to: p1}", "to: p1, medium: water}")
    assert len(read_site_file(HEAD + PUMPS + other, "site.yaml").sites[0].supplies) == 2


def test_a_file_that_is_no_yaml_says_where() -> None:
    assert problems_of("company: {code: acme")[0].startswith("site.yaml:")
    assert problems_of("- a\n- b\n") == ["site.yaml:1:1: a site file is a mapping"]
    assert problems_of("company: {code: a}\ncompany: {code: b}\n")


def test_the_first_import_creates_the_tree_with_its_paths(
    database: Database, site: SmallSite
) -> None:
    with database.read() as session:
        paths = set(session.scalars(select(Node.path)))
        zone = session.get_one(Node, site.id).time_zone
    assert paths == {"acme/", "acme/east/", "acme/east/riverside/"}
    assert zone == "Asia/Shanghai"


def test_points_take_kind_unit_range_and_states_from_the_catalogue(
    database: Database, site: SmallSite
) -> None:
    with database.read() as session:
        temperature = session.get_one(Point, site.points["pump-1/motor_temperature"])
        running = session.get_one(Point, site.points["pump-1/running"])
        series = list(session.scalars(select(Point.series)))
    assert (temperature.key, temperature.unit) == ("temp", "°C")
    assert (temperature.low, temperature.high) == (-40, 250)
    assert temperature.name["zh"] == "电机温度"
    assert temperature.expected_interval == 10
    assert (running.key, running.kind, running.unit) == ("run", "boolean", None)
    assert len(set(series)) == len(series)


def test_a_device_without_points_feeds_every_point_of_its_asset(
    database: Database, site: SmallSite
) -> None:
    with database.read() as session:
        keys = session.scalars(
            select(Point.key).where(Point.device_id == site.devices["pump-2"])
        ).all()
    usual = load_catalog_of(database)["pump"].usual_points
    assert set(keys) == {point.code for point in usual}
    assert "bearing_temperature" not in keys


def load_catalog_of(database: Database) -> Catalog:
    with database.read() as session:
        return load_catalog(session)


def test_a_second_import_changes_nothing_and_says_nothing(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    before = kinds_of_events(database)
    report = bring_in(database, SITE_FILE, clock)
    assert not report.did_something
    assert report.unchanged["point"] == 10
    assert report.missing == ()
    assert kinds_of_events(database) == before
    assert before.count("site.import") == 1


def test_a_changed_file_updates_in_place_by_code(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    text = SITE_FILE.replace("Pump 1, zh", "Main pump, zh").replace("interval: 30s", "interval: 1m")
    report = bring_in(database, text, clock)
    assert report.created == {}
    assert report.changed == {"asset": 1, "point": 2}
    with database.read() as session:
        assert session.get_one(Asset, site.assets["pump-1"]).name["en"] == "Main pump"
        point = session.get_one(Point, site.points["gateway-1/online"])
        assert point.expected_interval == 60
        last = session.scalars(select(Event).order_by(Event.seq.desc())).first()
    assert last is not None
    assert (last.kind, last.subject_id) == ("site.import", str(site.id))
    assert last.after is not None
    assert last.after["changed"] == {"asset": 1, "point": 2}


def test_what_the_file_no_longer_lists_is_kept_and_reported(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    text = SITE_FILE.replace("  - {code: pump-2, asset: pump-2, via: gw-1, interval: 10s}\n", "")
    report = bring_in(database, text, clock)
    assert not report.did_something
    assert "device pump-2" in report.missing
    assert "point pump-2/flow" in report.missing
    with database.read() as session:
        assert session.get(Device, site.devices["pump-2"]) is not None
        assert session.scalar(select(func.count(Point.id))) == 10


def test_two_points_may_swap_their_keys(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    swapped = SITE_FILE.replace(
        "temp: motor_temperature, run: running", "run: motor_temperature, temp: running"
    )
    assert bring_in(database, swapped, clock).changed == {"point": 2}
    with database.read() as session:
        assert session.get_one(Point, site.points["pump-1/running"]).key == "temp"
        assert session.get_one(Point, site.points["pump-1/motor_temperature"]).key == "run"


def test_a_key_that_moves_on_leaves_its_old_point_standing_unfed(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    moved = SITE_FILE.replace("temp: motor_temperature", "temp: vibration")
    report = bring_in(database, moved, clock)
    assert report.created == {"point": 1}
    assert report.missing == ("point pump-1/motor_temperature",)
    with database.read() as session:
        old = session.get_one(Point, site.points["pump-1/motor_temperature"])
        assert old.key == "~motor_temperature"
    assert not bring_in(database, moved, clock).did_something


def test_a_waiting_device_that_the_file_lists_is_adopted_and_a_retired_one_stays_retired(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    with database.write() as session:
        session.get_one(Device, site.devices["pump-1"]).state = "waiting"
        session.get_one(Device, site.devices["pump-2"]).state = "retired"
    report = bring_in(database, SITE_FILE, clock)
    assert report.changed == {"device": 1}
    assert report.retired == ("pump-2",)
    assert "device.adopt" in kinds_of_events(database)
    with database.read() as session:
        assert session.get_one(Device, site.devices["pump-1"]).state == "active"
        assert session.get_one(Device, site.devices["pump-2"]).state == "retired"


def test_asset_types_of_a_file_join_the_catalogue_and_earlier_ones_stay(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    first = SITE_FILE + "asset_types: {pump: {points: {seal_leak: {unit: mL/h}}}}\n"
    assert bring_in(database, first, clock).created["asset_type"] == 1
    second = SITE_FILE + "asset_types: {pump: {points: {oil_level: {kind: boolean}}}}\n"
    assert bring_in(database, second, clock).changed["asset_type"] == 1
    assert not bring_in(database, second, clock).did_something
    points = load_catalog_of(database)["pump"].points
    assert {"seal_leak", "oil_level", "motor_temperature"} <= set(points)
    assert points["seal_leak"].unit == "mL/h"


def test_a_site_may_move_to_another_region(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    report = bring_in(database, SITE_FILE.replace("code: east", "code: west"), clock)
    assert report.changed == {"site": 1}
    with database.read() as session:
        assert session.get_one(Node, site.id).path == "acme/west/riverside/"


def test_another_company_is_refused_and_nothing_is_written(
    database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    before = kinds_of_events(database)
    with pytest.raises(Invalid, match="belongs to the company 'acme'"):
        bring_in(database, SITE_FILE.replace("code: acme", "code: other"), clock)
    assert kinds_of_events(database) == before


def test_a_first_file_must_name_the_company(database: Database, clock: SimulatedClock) -> None:
    with pytest.raises(Invalid, match="names no company"):
        bring_in(database, "site: {code: riverside, time_zone: UTC}\n", clock)


def test_several_sites_may_share_a_file(database: Database, clock: SimulatedClock) -> None:
    text = """\
company: {code: acme}
regions: [{code: east}, {code: west}]
sites:
  - code: one
    region: east
    time_zone: Asia/Shanghai
    assets: [{code: p, type: pump}]
    devices: [{code: d, asset: p}]
  - {code: two, region: west, time_zone: UTC, assets: [{code: p, type: pump}]}
"""
    report = bring_in(database, text, clock)
    assert report.created["site"] == 2
    assert set(report.sites) == {"one", "two"}
    assert kinds_of_events(database).count("site.import") == 2
    with database.read() as session:
        filters = set(session.scalars(select(Source.topic_filter)))
    assert filters == {"wk/v1/one/#", "wk/v1/two/#"}


def test_spaces_nest_and_supplies_are_stored(database: Database, site: SmallSite) -> None:
    with database.read() as session:
        spaces = {space.code: space for space in session.scalars(select(Space))}
        supplies = session.scalars(select(Supply)).all()
    assert spaces["b1-pumproom"].parent_id == spaces["b1"].id
    assert {supply.consumer_id for supply in supplies} == {
        site.assets["pump-1"],
        site.assets["pump-2"],
    }


DOCUMENTATION = ROOT / "docs" / "site.md"


def documented_files() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)


def test_every_file_in_the_documentation_can_be_imported(
    database: Database, clock: SimulatedClock
) -> None:
    smallest, fullest = documented_files()
    assert bring_in(database, smallest, clock).created["point"] == 6
    assert bring_in(database, fullest, clock).created["asset"] == 4
    assert not bring_in(database, fullest, clock).did_something


def test_the_documentation_shows_every_key_that_is_understood() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "core/site_file").glob("*.py")
    )
    understood = {
        word
        for keys in re.findall(r'\.only\(f?"([^"]*)"\)', code)
        for word in re.sub(r"\{.*?\}", "", keys).split()
    }
    assert len(understood) > 20
    text = DOCUMENTATION.read_text(encoding="utf-8")
    assert {word for word in understood if not re.search(rf"\b{word}\b[:`]", text)} == set()


def test_the_demo_site_is_a_site_file() -> None:
    text = (ROOT / "simulators/demo/site.yaml").read_text(encoding="utf-8")
    [demo] = read_site_file(text, "simulators/demo/site.yaml").sites
    assert len([space for space in demo.spaces if space.kind == "building"]) == 3
    assert len(demo.assets) >= 55
    assert sum(len(device.points) for device in demo.devices) >= 250
