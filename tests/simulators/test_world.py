"""The world: seeded, in step with its site, and within limits while all is well."""

from itertools import pairwise
from pathlib import Path

import pytest

from simulators.errors import BadInput
from simulators.world.building import Door
from simulators.world.messages import Happening, Report, Status, encode
from simulators.world.site import SimulatedSite, read_site, seconds
from simulators.world.surroundings import busyness
from simulators.world.world import World
from tests.simulators.compound import NOON, SITE, lived, reports, world

# What a technician would call normal; none of it comes from the rules.
NORMAL = {
    ("pump", "motor_temperature"): (10, 65),
    ("pump", "vibration"): (0, 2.8),
    ("pump", "outlet_pressure"): (0.3, 0.7),
    ("lift", "floor"): (1, 18),
    ("lift", "motor_temperature"): (10, 60),
    ("fire_main", "pressure"): (0.7, 1.1),
    ("fire_main", "tank_level"): (3.5, 4.5),
    ("smoke_detector", "obscuration"): (0, 2),
    ("smoke_detector", "battery"): (40, 100),
    ("distribution_board", "voltage"): (222, 235),
    ("distribution_board", "busbar_temperature"): (10, 60),
    ("distribution_board", "residual_current"): (0, 60),
    ("drainage_pit", "level"): (0.05, 1.2),
    ("fan", "vibration"): (0, 2.8),
    ("room", "temperature"): (10, 32),
    ("room", "humidity"): (20, 75),
    ("gateway", "rssi"): (-95, -30),
}
ALWAYS_FALSE = {("smoke_detector", "smoke"), ("water_leak", "leak"), ("door", "forced")} | {
    ("drainage_pit", "high_float"),
}


def test_the_same_seed_gives_the_same_messages() -> None:
    assert lived(world(seed=7), 300) == lived(world(seed=7), 300)


def test_a_door_tells_events_once_each_on_the_topic_of_events() -> None:
    one = world()
    door = one.model("b1-door-entrance")
    assert isinstance(door, Door)
    door.held = door.forced = True
    told = [m for tick in lived(one, 200) for m in tick.messages if isinstance(m, Happening)]
    held = [message for message in told if message.event == "door_held"]
    assert [(message.device, message.ts - NOON) for message in held] == [("b1-door-entrance", 60)]
    # Its device doesn't list this one: it has a contact for that.
    assert not [message for message in told if message.event == "door_forced"]
    out = encode("anju", held[0], SITE.devices["b1-door-entrance"].points)
    assert (out.topic, out.retain) == ("wk/v1/anju/b1-door-entrance/event", False)
    assert out.payload == b'{"ts":1767585660.0,"event":"held"}'


def test_another_seed_gives_other_messages() -> None:
    assert lived(world(seed=7), 60) != lived(world(seed=8), 60)


def test_a_day_of_normal_life_stays_within_normal_limits() -> None:
    a_day = World(SITE, seed=3, start=NOON, step=15)
    seen = set[tuple[str, str]]()
    for tick in a_day.ticks(NOON + 86_400):
        for report in tick.messages:
            if not isinstance(report, Report):
                continue
            asset_type = SITE.assets[SITE.devices[report.device].asset].type
            for code, value in report.values.items():
                key = (asset_type, code)
                seen.add(key)
                if key in NORMAL:
                    low, high = NORMAL[key]
                    assert low <= float(value) <= high, (report, code)
                assert key not in ALWAYS_FALSE or value is False, (report, code)
    assert seen >= set(NORMAL) | ALWAYS_FALSE


def test_things_move_in_an_hour() -> None:
    ticks = lived(world(), 3600)
    for device, code in [
        ("b1-pump-2", "running"),
        ("b1-lift-1", "mode"),
        ("b1-lift-1", "floor"),
        ("b1-door-entrance", "open"),
    ]:
        assert len({report.values[code] for report in reports(ticks, device)}) > 1, (device, code)


def test_a_pump_is_warmer_while_it_runs() -> None:
    seen = reports(lived(world(), 5400), "b2-pump-1")
    warmest = max(float(one.values["motor_temperature"]) for one in seen if one.values["running"])
    coolest = min(
        float(one.values["motor_temperature"]) for one in seen if not one.values["running"]
    )
    assert warmest > coolest + 8


def test_the_compound_is_busiest_in_the_morning_and_the_evening() -> None:
    assert busyness(7.5) == busyness(18.5) == 1
    assert busyness(3) < 0.1
    assert busyness(0) == pytest.approx(busyness(24))


def test_every_device_speaks_at_its_interval() -> None:
    ticks = lived(world(), 600)
    for device in SITE.devices.values():
        times = [report.ts or 0 for report in reports(ticks, device.code)]
        gaps = [after - before for before, after in pairwise(times)]
        assert len(times) >= 600 / device.interval - 1, device
        assert max(gaps) <= device.interval, device


def test_a_contact_that_changes_is_told_at_once() -> None:
    one = world()
    lived(one, 5)
    door = one.model("b1-door-entrance")
    before = door.contacts()
    for tick in one.ticks(one.now + 3600):
        if door.contacts() != before:
            told = reports([tick], "b1-door-entrance")
            assert [report.values["open"] for report in told] == [door.contacts()[0]]
            return
    pytest.fail("the door never moved")


def test_gateways_say_at_the_start_that_they_are_online() -> None:
    first = world().advance()
    statuses = [message for message in first.messages if isinstance(message, Status)]
    assert [status.device for status in statuses] == ["gw-b1", "gw-b2", "gw-b3", "gw-garage"]
    published = encode("riverside", statuses[0], None)
    assert published.topic == "wk/v1/riverside/gw-b1/status"
    assert published.payload == b"online"
    assert published.retain


def test_a_device_speaks_with_the_keys_of_its_mapping() -> None:
    device = SITE.devices["b1-pump-1"]
    report = Report(device.code, NOON + 0.5, {"running": True, "motor_temperature": 41.2})
    published = encode("riverside", report, device.points)
    assert published.topic == "wk/v1/riverside/b1-pump-1/readings"
    assert published.payload == b'{"ts":1767585600.5,"run":true,"temp":41.2}'
    assert not published.retain


def test_ticks_do_not_drift_over_a_long_run() -> None:
    one = World(SITE, seed=1, start=NOON, step=0.1)
    for _ in range(1000):
        one.advance()
    assert one.now == NOON + 100


def test_the_demo_compound_is_as_large_as_promised() -> None:
    points = sum(len(world().report(device).values) for device in SITE.devices.values())
    assert 60 <= len(SITE.assets) <= 70
    assert 280 <= points <= 310
    assert {asset.place[0] for asset in SITE.assets.values()} == {"b1", "b2", "b3"}
    assert world().left_out == []


def test_every_device_of_the_demo_speaks_through_a_gateway() -> None:
    behind = {device.code for gateway in gateways(SITE) for device in SITE.behind(gateway)}
    assert behind | set(gateways(SITE)) == set(SITE.devices)


def gateways(site: SimulatedSite) -> list[str]:
    return [device.code for device in site.devices.values() if device.gateway]


def test_an_asset_of_an_unknown_type_is_left_out_and_named(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "site: {code: s}\nassets: [{code: a, type: teapot}, {code: m, type: machine}]\n"
        "devices: [{code: a, asset: a}, {code: m, asset: m, interval: 1s}]\n"
    )
    one = world(site=read_site(file))
    assert one.left_out == ["a"]
    assert {message.device for tick in lived(one, 5) for message in tick.messages} == {"m"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("a: 1", "not a site file"),
        ("site: {code: s}\nassets: []\ndevices: [{code: a, asset: b, interval: soon}]", "'soon'"),
    ],
)
def test_a_file_that_is_no_site_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_site(file)


def test_a_missing_site_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_site(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "expected"), [("10s", 10), ("1h30m", 5400), ("250ms", 0.25), (7, 7), ("2 m", 120)]
)
def test_durations_are_read(text: str | float, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "10x", "s", "1h x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)
