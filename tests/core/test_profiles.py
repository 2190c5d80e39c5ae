"""Profiles of devices: that each can be used, and that a device is known by what it says."""

import time
from typing import Any

import pytest

from core.profiles import (
    Battery,
    Fit,
    Profile,
    Said,
    Sight,
    best_fit,
    fit_of,
    read_profiles,
    shipped_profiles,
)
from core.profiles.matching import known_as
from ingest.dialects.payloads.milesight import read_milesight
from rules.catalog import PointType, shipped_catalog
from rules.document import load_rules
from rules.located_yaml import LocatedYamlError
from rules.rule import Rule
from watchkeeper.first_run import packs

PROFILES = shipped_profiles()
CATALOG = shipped_catalog()


def fit(code: str = "x-1", maker: str = "", model: str = "", **sample: Any) -> Fit | None:
    values = tuple(Said(key, value) for key, value in sample.items())
    return best_fit(PROFILES.values(), CATALOG, Sight(code, maker, model, values))


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    loaded = dict[str, Rule]()
    for path in packs():
        text = path.read_text(encoding="utf-8")
        loaded |= {rule.id: rule for rule in load_rules(text, path.name, CATALOG).rules}
    return loaded


def test_there_are_profiles_for_what_hangs_in_a_building() -> None:
    assert len(PROFILES) >= 40
    for profile in PROFILES.values():
        assert profile.name.en, profile.id
        assert profile.name.zh, profile.id
        assert profile.rules, profile.id
        assert profile.interval, profile.id


def test_every_proposed_rule_exists_and_watches_what_the_profile_feeds(
    rules: dict[str, Rule],
) -> None:
    for profile in PROFILES.values():
        for rule_id in profile.rules:
            rule = rules[rule_id]
            assert rule.asset_type in ("any", profile.asset_type), (profile.id, rule_id)
            asked = {code for code in rule.points if "." not in code}
            fed = asked & set(profile.points)
            assert fed or not asked, (profile.id, rule_id, asked)


def test_a_model_belongs_to_one_profile_only() -> None:
    owners = dict[str, str]()
    for profile in PROFILES.values():
        for known in profile.known:
            for model in known.model:
                name = f"{known.maker} {model}".casefold()
                assert owners.setdefault(name, profile.id) == profile.id, name


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_device_that_sends_the_first_keys_of_a_profile_gets_its_type(profile: Profile) -> None:
    kinds = CATALOG[profile.asset_type].points
    sample = {}
    for point in profile.points.values():
        key = point.keys[0]
        sample[key.pattern.replace("*", "0")] = _possible(kinds[point.code])
    best = fit(**{"code": "x-1", **sample})
    assert best is not None
    assert best.profile.id == profile.id


def _possible(kind: PointType) -> Any:
    """A value that is possible in any unit."""
    if kind.states:
        return kind.states[0]
    if kind.kind != "number":
        return True
    return 1.0 if (kind.low or 0) <= 1 else kind.low


def test_known_models_are_told_from_what_the_device_calls_itself() -> None:
    for profile in PROFILES.values():
        for known in profile.known:
            for model in known.model:
                best = fit(maker=known.maker, model=f"Sensor ({model})")
                assert best is not None
                assert best.profile.id == profile.id, model
                assert best.battery == (known.battery or profile.battery)


@pytest.mark.parametrize(
    ("sample", "profile", "points"),
    [
        ({"water_leak": False, "battery": 90}, "water-leak", "leak battery"),
        ({"water_leak": False, "temperature": 20, "battery": 9}, "water-leak", "leak - battery"),
        ({"leakage_status": "leak"}, "water-leak", "leak"),
        ({"contact": True, "voltage": 3000}, "door-contact", "open -"),
        ({"magnet_status": "open"}, "door-contact", "open"),
        ({"temperature": 21.5, "humidity": 40}, "room-climate", "temperature humidity"),
        ({"AM2301.Temperature": 21.5}, "room-climate", "temperature"),
        ({"temperature:0.tC": 21.5}, "room-climate", "temperature"),
        ({"co2": 700, "temp": 21, "humidity": 50}, "air-quality", "co2 temperature humidity"),
        ({"occupancy": False, "illuminance": 12}, "motion", "motion illuminance"),
        ({"state": "ON", "power": 12.1, "energy": 3}, "smart-plug", "switched_on power energy"),
        ({"ENERGY.Total": 3.2, "ENERGY.Power": 121}, "energy-meter-1p", "energy power"),
        ({"smoke": False}, "smoke-detector", "smoke"),
        ({"people_count_all": 3, "region_1": True}, "people-counter", "present -"),
        ({"total_counter_in": 7, "total_counter_out": 5}, "entrance-counter", "entered left"),
        ({"valve_1": True, "pressure": 300, "valve_1_pulse": 1}, "water-valve", "open pressure -"),
        ({"valve_1_opening": 40, "pressure_1": 300}, "position-valve", "opening pressure"),
        ({"floor": 3, "mode": "moving"}, "lift-monitor", "floor mode"),
        # As CTWing's model of such a detector calls it, in percent.
        ({"smoke_alarm": 0, "battery_value": 100}, "smoke-detector", "smoke battery"),
        ({"gas_status": "alarm"}, "gas-alarm", "gas_alarm"),
    ],
)
def test_kinds_are_told_from_what_is_sent(
    sample: dict[str, Any], profile: str, points: str
) -> None:
    best = fit(**sample)
    assert best is not None
    assert best.profile.id == profile
    fed = [best.feeds[key].code if key in best.feeds else "-" for key in sample]
    assert fed == points.split()


@pytest.mark.parametrize(
    "sample",
    [
        {"flux_capacitor": 88},
        {"running": True},  # Anything may run.
        {"state": "moving"},  # No word that a socket has.
        {"humidity": 40},  # Many things measure it; what makes it one of a kind is missing.
        {"contact": 7},
        {"temperature": -300},
    ],
)
def test_what_is_doubtful_is_no_profile(sample: dict[str, Any]) -> None:
    assert fit(**sample) is None


def test_polarity_and_units_are_put_right() -> None:
    door = fit(contact=True)
    assert door is not None
    assert (door.feeds["contact"].scale, door.feeds["contact"].shift) == (-1.0, 1.0)
    plain = fit(open=True)
    assert plain is not None
    assert (plain.feeds["open"].scale, plain.feeds["open"].shift) == (1.0, 0.0)
    words = fit(magnet_status="open")
    assert words is not None
    assert words.feeds["magnet_status"].words == ("close", "open")
    meter = fit(energy=3.5, power=1200)
    assert meter is not None
    assert meter.feeds["power"].scale == 0.001


def test_what_a_device_describes_of_a_value_counts_before_the_profile() -> None:
    values = (
        Said("s1", kind="boolean", means="moisture"),
        Said("t", 68.0, kind="number", unit="°F", means="temperature"),
    )
    leak = best_fit(PROFILES.values(), CATALOG, Sight("n-1", values=values))
    assert leak is not None
    assert (leak.profile.id, leak.feeds["s1"].code) == ("water-leak", "leak")
    room = best_fit(PROFILES.values(), CATALOG, Sight("n-1", values=values[1:]))
    assert room is not None
    feed = room.feeds["t"]
    assert 68.0 * feed.scale + feed.shift == pytest.approx(20.0)
    power = Said("power", 1.2, kind="number", unit="kW")
    meter = best_fit(PROFILES.values(), CATALOG, Sight("m", values=(Said("energy", 5), power)))
    assert meter is not None
    assert meter.feeds["power"].scale == 1.0


def test_a_model_wins_over_its_values_and_brings_its_cell() -> None:
    best = fit(maker="Aqara", model="SJCGQ11LM", temperature=20, humidity=40)
    assert best is not None
    assert best.profile.id == "water-leak"
    assert best.battery == Battery("CR2032")
    by_code = fit(code="shellyplusht-08b61fcb7f3c")
    assert by_code is not None
    assert by_code.profile.id == "room-climate"
    # A part of a word is another model.
    assert fit(maker="Aqara", model="XSJCGQ11LM2") is None


@pytest.mark.parametrize(
    ("model", "frame", "profile", "fed"),
    [
        ("VS121-P", "04C9030800A1 06CD05", "people-counter", "present most"),
        ("VS132", "03D248000000 04D2C8000000", "entrance-counter", "entered left"),
        ("VS133-868M", "03D248000000 04D2C8000000 0FE302100709", "entrance-counter",
         "entered left present"),
        ("UC521", "03F60028 097B2C01", "position-valve", "opening pressure"),
        ("UC511-DI", "030101 097B2C01", "water-valve", "open pressure"),
        ("GS101", "058E01", "gas-alarm", "gas_alarm"),
    ],
)  # fmt: skip
def test_what_milesights_decoder_reads_is_what_its_profile_feeds(
    model: str, frame: str, profile: str, fed: str
) -> None:
    content = read_milesight(bytes.fromhex(frame), model)
    told = {point.key: point for point in content.points}
    values = tuple(
        Said(key, value, kind=told[key].kind, unit=told[key].unit, means=told[key].means)
        for key, value in content.values.items()
    )
    best = best_fit(PROFILES.values(), CATALOG, Sight("x-1", "Milesight", model, values))
    assert best is not None
    assert best.profile.id == profile
    assert [feed.code for feed in best.feeds.values()] == fed.split()


def test_every_fault_of_a_document_is_told_at_its_line() -> None:
    text = """\
Bad Id:
  name: {}
  asset: pumpp
  points: {}
good:
  name: Good
  asset: room
  colour: red
  known: [{maker: X}]
  points:
    temprature: {keys: [t]}
    temperature: {keys: [{key: t, invert: true}, {key: u, unit: kW}, {key: ""}], words: [[a, a]]}
    humidity: {}
  interval: soon
  battery: {cell: "", count: 0}
  needs: many
"""
    with pytest.raises(LocatedYamlError) as caught:
        read_profiles(text, "own.yaml", CATALOG)
    told = [str(problem) for problem in caught.value.problems]
    for line, part in (
        (1, "small letters"),
        (2, "a name is needed"),
        (3, "did you mean 'pump'"),
        (4, "at least one point"),
        (8, "unknown key 'colour'"),
        (9, "a model, or a pattern"),
        (11, "did you mean 'temperature'"),
        (12, "only yes and no turn round"),
        (12, "kW"),
        (12, "a key of 1 to"),
        (12, "words are for yes and no"),
        (12, "two words"),
        (13, "at least one key"),
        (14, "is not a duration"),
        (15, "cell"),
        (15, "a whole number"),
        (16, "a whole number"),
    ):
        assert any(f":{line}:" in one and part in one for one in told), (line, part, told)


def test_charge_is_no_current_and_a_level_in_centimetres_is_one() -> None:
    clamp = fit(model="CT101", total_current=120.5, current=3.2)
    assert clamp is not None
    assert {key: feed.code for key, feed in clamp.feeds.items()} == {"current": "current"}
    tank = fit(model="EM500-SWL", depth=180)
    assert tank is not None
    assert (tank.feeds["depth"].code, tank.feeds["depth"].scale) == ("level", 0.01)


def test_a_limit_of_a_thermometer_is_no_heat_detector() -> None:
    """Where the model is known: Milesight's sensors say when their own limits are passed."""
    for model, profile in (("WS203", "motion"), ("TS101", "room-climate"), ("", "heat-detector")):
        found = fit(model=model, temperature=41.0, temperature_alarm=True)
        assert found is not None
        assert found.profile.id == profile


def test_a_fire_panel_without_mains_says_so_the_other_way_round() -> None:
    found = fit(fire=False, fault=False, mains_fault=True, shielded=False)
    assert found is not None
    assert found.profile.id == "fire-panel-transmitter"
    feed = found.feeds["mains_fault"]
    assert (feed.code, feed.scale, feed.shift) == ("mains", -1.0, 1.0)


def test_chinese_keys_and_models_are_told_apart_like_any_others() -> None:
    text = """own:
  name: 温湿度
  known: [{maker: 某厂, model: [温湿度传感器, "--"]}]
  asset: room
  points: {temperature: {keys: [温度]}, humidity: {keys: [相对湿度*]}}
"""
    own = read_profiles(text, "test", CATALOG)["own"]
    values = (Said("相对湿度（%）", 55.0), Said("温度", 21.0))
    found = fit_of(own, CATALOG, Sight("x-1", values=values))
    assert found is not None
    assert {key: feed.code for key, feed in found.feeds.items()} == {
        "相对湿度（%）": "humidity",
        "温度": "temperature",
    }
    assert fit_of(own, CATALOG, Sight("x-1", values=(Said("露点", 9.0),))) is None
    assert known_as(own, Sight("x-1", "某厂", "温湿度传感器 V2"))[0] == own.known[0]
    for maker, model in (("", ""), ("某厂", "烟感"), ("Aqara", "WSDCGQ11LM")):
        # Who says nothing of itself is not of every kind that has a Chinese name.
        assert known_as(own, Sight("x-1", maker, model)) == (None, 0), model


def test_a_pattern_of_many_asterisks_says_no_at_once() -> None:
    text = """own:
  name: Many
  known: [{maker: M, code: ["%s"]}]
  asset: room
  points: {temperature: {keys: ["t*_c"]}}
"""
    own = read_profiles(text % ("a*" * 50 + "b"), "test", CATALOG)["own"]
    before = time.monotonic()
    assert known_as(own, Sight("a" * 120)) == (None, 0)
    assert time.monotonic() - before < 1
    assert known_as(own, Sight("a" * 100 + "b"))[0] == own.known[0]
    for key, fed in {
        "t1_c": True,
        "t-room-2-c": True,
        "t_c": True,
        "tc": True,
        "t1_d": False,
    }.items():
        found = fit_of(own, CATALOG, Sight("x", values=(Said(key, 20.0),)))
        assert (found is not None) is fed, key
