"""What fails in several ways: each way shows in the messages, and ends when it is mended."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from simulators.errors import BadInput
from simulators.faults.disturb import disturbance_of
from simulators.faults.plan import Fault, FaultKind
from simulators.world.messages import Report
from simulators.world.site import MONTH_SITE, read_site
from simulators.world.world import World
from tests.simulators.compound import NOON

SITE = read_site(MONTH_SITE)
HOUR = 3600.0
Shows = Callable[[dict[str, object]], bool]


def number(values: dict[str, object], code: str) -> float:
    return float(values[code])  # type: ignore[arg-type]


WAYS: tuple[tuple[FaultKind, str, str, Shows], ...] = (
    (FaultKind.FAN_FAILURE, "t1-fan", "bearing", lambda v: number(v, "vibration") > 7.1),
    (FaultKind.FAN_FAILURE, "t1-fan", "belt", lambda v: bool(v["running"]) and v["speed"] == 0),
    (
        FaultKind.BOARD_FAILURE,
        "t1-board-main",
        "hot_joint",
        lambda v: number(v, "busbar_temperature") > 85,
    ),
    (
        FaultKind.BOARD_FAILURE,
        "t1-board-main",
        "earth_leakage",
        lambda v: number(v, "residual_current") > 300,
    ),
    (FaultKind.BOARD_FAILURE, "t1-board-main", "overload", lambda v: number(v, "current") > 360),
    (FaultKind.BOARD_FAILURE, "t1-board-main", "low_voltage", lambda v: number(v, "voltage") < 198),
    (
        FaultKind.TRANSFORMER_FAILURE,
        "transformer-1",
        "blocked_ducts",
        lambda v: number(v, "winding_temperature") > 130,
    ),
    (
        FaultKind.TRANSFORMER_FAILURE,
        "transformer-1",
        "fan_stands",
        lambda v: 110 < number(v, "winding_temperature") < 130 and not v["fan_running"],
    ),
    (FaultKind.CHILLER_FAILURE, "chiller-1", "tripped", lambda v: bool(v["fault"])),
    (
        FaultKind.CHILLER_FAILURE,
        "chiller-1",
        "fouled",
        lambda v: number(v, "condenser_approach") > 4,
    ),
    (
        FaultKind.PIT_FAILURE,
        "t1-pit",
        "pump_dead",
        lambda v: number(v, "level") > 1.5 and not v["pump_running"],
    ),
    (FaultKind.PIT_FAILURE, "t1-pit", "flooded", lambda v: bool(v["high_float"])),
    (FaultKind.LIFT_FAILURE, "t1-lift-1", "door_blocked", lambda v: bool(v["door_open"])),
    (
        FaultKind.LIFT_FAILURE,
        "t1-lift-1",
        "hot_machine",
        lambda v: number(v, "motor_temperature") > 80,
    ),
    (FaultKind.DOOR_FAILURE, "t1-door-roof", "forced", lambda v: bool(v["forced"])),
    (FaultKind.DOOR_FAILURE, "t1-door-roof", "held", lambda v: bool(v["open"])),
    (FaultKind.ROOM_FAILURE, "t1-room-elecroom", "hot", lambda v: number(v, "temperature") > 35),
    (FaultKind.ROOM_FAILURE, "t1-room-elecroom", "humid", lambda v: number(v, "humidity") > 80),
    (FaultKind.FIRE_MAIN_LEAK, "t1-fire-main", "seeping", lambda v: bool(v["jockey_running"])),
    (FaultKind.FIRE_MAIN_LEAK, "t1-fire-main", "burst", lambda v: number(v, "pressure") < 0.15),
)


def world_with(fault: Fault) -> World:
    one = World(SITE, seed=1, start=NOON, step=5)
    one.schedule(disturbance_of(fault, SITE), one.start + fault.start, one.start + fault.end)
    return one


def last(one: World, asset: str, until: float) -> dict[str, object]:
    """What the device of an asset would say at a moment of the run."""
    for _ in one.ticks(one.start + until):
        pass
    return dict(one.models[asset].values())


@pytest.mark.parametrize(
    ("kind", "asset", "mode", "shows"), WAYS, ids=[f"{way[1]}-{way[2]}" for way in WAYS]
)
def test_a_failure_shows_and_ends(kind: FaultKind, asset: str, mode: str, shows: Shows) -> None:
    one = world_with(Fault("f", kind, asset, 600, 3 * HOUR, {"mode": mode}))
    assert not shows(last(one, asset, 590))
    assert shows(last(one, asset, 600 + 3 * HOUR - 10))
    assert not shows(last(one, asset, 600 + 5 * HOUR))


def test_a_mode_that_there_is_not_is_refused() -> None:
    fault = Fault("f", FaultKind.FAN_FAILURE, "t1-fan", 0, 60, {"mode": "singing"})
    with pytest.raises(BadInput, match="t1-fan fails by bearing, worn, belt, not by 'singing'"):
        disturbance_of(fault, SITE)


def test_an_empty_battery_is_told_and_changed() -> None:
    one = world_with(Fault("f", FaultKind.BATTERY_LOW, "t1-smoke-f3", 600, HOUR))
    assert number(last(one, "t1-smoke-f3", 600 + HOUR - 10), "battery") < 20
    assert number(last(one, "t1-smoke-f3", 600 + HOUR + 10), "battery") > 90


def test_a_thing_without_a_battery_is_refused() -> None:
    one = world_with(Fault("f", FaultKind.BATTERY_LOW, "t1-fan", 10, HOUR))
    with pytest.raises(BadInput, match="has no battery"):
        last(one, "t1-fan", 20)


def test_a_weak_signal_comes_back() -> None:
    one = world_with(Fault("f", FaultKind.WEAK_SIGNAL, "t1-gateway", 600, HOUR))
    assert number(last(one, "t1-gateway", HOUR), "rssi") < -105
    assert number(last(one, "t1-gateway", 2 * HOUR), "rssi") > -100


def test_false_smoke_comes_as_often_as_it_says() -> None:
    options = {"times": 4, "every": 900}
    one = world_with(Fault("f", FaultKind.FALSE_SMOKE, "t1-smoke-f3", 600, 2 * HOUR, options))
    told = [
        report.values["smoke"]
        for tick in one.ticks(one.start + 3 * HOUR)
        for report in tick.messages
        if isinstance(report, Report) and report.device == "t1-smoke-f3"
    ]
    rises = sum(1 for before, after in pairwise(told) if after and not before)
    assert rises == 4


def test_a_branch_that_is_cut_takes_what_it_feeds_and_nothing_else() -> None:
    one = world_with(Fault("f", FaultKind.BRANCH_POWER_CUT, "t1-board-main", 600, HOUR))
    last(one, "t1-board-main", 1200)
    dark = {code for code, model in one.models.items() if not model.powered}
    assert dark == {"t1-board-main", *SITE.fed_by("t1-board-main")}
    assert {"t1-pump-1", "t1-lift-1"} <= dark
    last(one, "t1-board-main", 2 * HOUR)
    assert all(model.powered for model in one.models.values())
