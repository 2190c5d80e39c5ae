"""Every kind of fault alters the stream as described, and leaves nothing behind."""

from itertools import pairwise
from typing import Any

import pytest

from simulators.errors import BadInput
from simulators.faults.disturb import OutageCommand, disturb, disturbance_of
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.world.messages import Report, Status, Tick
from tests.simulators.compound import NOON, SITE, lived, reports, with_fault, world

# with_fault lets every fault begin here and, unless told otherwise, last two minutes.
BEGIN, END = NOON + 10, NOON + 130


def during(seen: list[Report], begin: float = BEGIN, end: float = END) -> list[Report]:
    return [one for one in seen if one.ts is not None and begin <= one.ts < end]


def normal(device: str, seconds: float = 180) -> list[Report]:
    return reports(lived(world(), seconds), device)


def faulty(
    kind: FaultKind, target: str, device: str = "", seconds: float = 180, **options: Any
) -> list[Report]:
    return reports(lived(with_fault(kind, target, **options), seconds), device or target)


def test_a_stuck_sensor_repeats_one_value_under_new_times() -> None:
    seen = during(faulty(FaultKind.STUCK, "b2-board-main", point="voltage"))
    assert len({one.values["voltage"] for one in seen}) == 1
    assert len({one.values["current"] for one in seen}) > 1
    assert len({one.ts for one in seen}) == len(seen) >= 11


def test_a_stuck_device_repeats_all_its_values() -> None:
    seen = during(faulty(FaultKind.STUCK, "b2-board-main"))
    assert len(seen) >= 11
    assert all(one.values == seen[0].values for one in seen)


def test_a_stuck_sensor_moves_again_afterwards() -> None:
    seen = during(faulty(FaultKind.STUCK, "b2-board-main", seconds=300), END, NOON + 300)
    assert len({one.values["voltage"] for one in seen}) > 1


def test_a_drifting_sensor_leaves_the_truth_at_its_rate() -> None:
    wrong = faulty(FaultKind.DRIFT, "b2-pump-1", point="motor_temperature", per_second=0.5)
    truth = {one.ts: one.values for one in normal("b2-pump-1")}
    assert during(wrong)
    for one in during(wrong):
        added = float(one.values["motor_temperature"]) - float(truth[one.ts]["motor_temperature"])
        assert added == pytest.approx(0.5 * ((one.ts or 0) - BEGIN), abs=0.01)
        assert one.values["vibration"] == truth[one.ts]["vibration"]


def test_a_spike_is_one_reading_long() -> None:
    seen = faulty(FaultKind.SPIKE, "b2-pump-1", point="motor_temperature", value=120.0)
    spiked = [one for one in seen if one.values["motor_temperature"] == 120.0]
    assert spiked == during(seen)[:1]
    assert len(seen) == len(normal("b2-pump-1"))


def test_a_chattering_contact_tells_every_jump() -> None:
    jumping: dict[str, Any] = {"point": "leak", "low": False, "high": True, "period": 5}
    seen = during(faulty(FaultKind.CHATTER, "b1-leak-pumproom", **jumping))
    jumps = [one.values["leak"] for one in seen]
    assert len(seen) >= 24
    assert jumps[0] is True
    assert sum(a != b for a, b in pairwise(jumps)) == 23


def test_a_silent_device_says_nothing_and_comes_back() -> None:
    seen = faulty(FaultKind.SILENCE, "b1-lift-1")
    assert during(seen) == []
    assert during(seen, END, NOON + 180)


def test_silence_leaves_the_other_devices_alone() -> None:
    assert faulty(FaultKind.SILENCE, "b1-lift-1", "b1-lift-2") == normal("b1-lift-2")


def test_a_duplicate_is_the_same_message_again() -> None:
    seen = during(faulty(FaultKind.DUPLICATE, "b2-board-main", copies=3))
    once = during(normal("b2-board-main"))
    assert seen == [one for one in once for _ in range(3)]


@pytest.mark.parametrize("depth", [2, 4])
def test_out_of_order_loses_nothing_and_shuffles(depth: int) -> None:
    seen = faulty(FaultKind.OUT_OF_ORDER, "b2-board-main", depth=depth)
    truth = normal("b2-board-main")
    assert seen != truth
    assert sorted(seen, key=lambda one: one.ts or 0) == truth


def test_a_dead_clock_stamps_its_first_second_of_life() -> None:
    seen = faulty(FaultKind.DEAD_CLOCK, "b2-board-main")
    truth = normal("b2-board-main")
    dead = [one for one in seen if one.ts == 1.33]
    assert [one.values for one in dead] == [one.values for one in during(truth)]
    assert len(seen) == len(truth)


def test_an_overheating_pump_passes_a_limit_that_a_sound_one_never_reaches() -> None:
    seen = faulty(
        FaultKind.PUMP_FAILURE, "b2-pump-1", seconds=490, duration=470, mode="overheating"
    )
    assert max(float(one.values["motor_temperature"]) for one in seen) > 80
    assert max(float(one.values["vibration"]) for one in seen) < 3


def test_a_worn_bearing_shakes() -> None:
    seen = during(faulty(FaultKind.PUMP_FAILURE, "b2-pump-1", mode="bearing"))
    assert min(float(one.values["vibration"]) for one in seen) > 8.5


def test_a_dry_pump_runs_without_flow_and_pressure() -> None:
    seen = during(faulty(FaultKind.PUMP_FAILURE, "b2-pump-1", mode="dry"))
    assert {(one.values["running"], one.values["flow"]) for one in seen} == {(True, 0.0)}
    assert max(float(one.values["outlet_pressure"]) for one in seen) < 0.1


def test_a_repaired_pump_is_as_before() -> None:
    seen = faulty(FaultKind.PUMP_FAILURE, "b2-pump-1", mode="bearing", seconds=600)
    assert max(float(one.values["vibration"]) for one in during(seen, END, NOON + 600)) < 3


def test_a_burst_pipe_wets_the_floor_fills_the_pit_and_empties_the_main() -> None:
    ticks = lived(with_fault(FaultKind.BURST_PIPE, "b2", duration=300), 290)
    assert reports(ticks, "b2-leak-pumproom")[-1].values["leak"] is True
    assert reports(ticks, "b2-pit-1")[-1].values["high_float"] is True
    assert float(reports(ticks, "b2-fire-main")[-1].values["pressure"]) < 0.1
    assert reports(ticks, "b1-leak-pumproom")[-1].values["leak"] is False


def test_after_a_burst_pipe_the_floor_dries_and_the_main_fills_again() -> None:
    ticks = lived(with_fault(FaultKind.BURST_PIPE, "b2", duration=300), 2400)
    assert reports(ticks, "b2-leak-pumproom")[-1].values["leak"] is False
    assert reports(ticks, "b2-pit-1")[-1].values["high_float"] is False
    assert float(reports(ticks, "b2-fire-main")[-1].values["pressure"]) > 0.8


def test_a_trapped_lift_stands_between_floors_with_people_inside() -> None:
    seen = during(faulty(FaultKind.LIFT_ENTRAPMENT, "b1-lift-2"))
    states = {
        (one.values["mode"], one.values["between_floors"], one.values["occupied"]) for one in seen
    }
    assert states == {("fault", True, True)}


def test_a_freed_lift_travels_again() -> None:
    seen = faulty(FaultKind.LIFT_ENTRAPMENT, "b1-lift-2", seconds=900)
    after = {one.values["mode"] for one in during(seen, END, NOON + 900)}
    assert "moving" in after
    assert "fault" not in after


def test_smoke_trips_the_detector_and_clears() -> None:
    seen = faulty(FaultKind.SMOKE, "b1-smoke-f9", seconds=400)
    tripped = [one.ts or 0 for one in seen if one.values["smoke"]]
    assert BEGIN < tripped[0] <= BEGIN + 15
    assert seen[-1].values["smoke"] is False


def test_a_lost_gateway_takes_everything_behind_it_along() -> None:
    ticks = lived(with_fault(FaultKind.GATEWAY_LOST, "gw-b1"), 180)
    silent = [tick for tick in ticks if BEGIN <= tick.now < END]
    heard = {message.device for tick in silent for message in tick.messages}
    behind = {device.code for device in SITE.behind("gw-b1")}
    assert len(behind) > 10
    assert heard & behind == set()
    assert reports(silent, "gw-b1") == []
    assert "b2-pump-1" in heard


def test_a_lost_gateway_leaves_its_last_will_and_returns_online() -> None:
    ticks = lived(with_fault(FaultKind.GATEWAY_LOST, "gw-b1"), 180)
    assert statuses(ticks, "gw-b1") == [(NOON + 1, True), (BEGIN + 45, False), (END, True)]


def statuses(ticks: list[Tick], device: str) -> list[tuple[float, bool]]:
    return [
        (tick.now, message.online)
        for tick in ticks
        for message in tick.messages
        if isinstance(message, Status) and message.device == device
    ]


def test_a_power_cut_darkens_the_boards_and_stops_what_turns() -> None:
    ticks = lived(with_fault(FaultKind.SITE_POWER_CUT, ""), 180)
    board = during(reports(ticks, "substation-board"))
    assert {(one.values["supply"], one.values["voltage"]) for one in board} == {(False, 0.0)}
    assert {one.values["running"] for one in during(reports(ticks, "b1-pump-2"))} == {False}
    assert during(reports(ticks, "gw-b1")), "a gateway lives on its battery"
    assert reports(ticks, "substation-board")[-1].values["supply"] is True


def test_an_outage_runs_the_given_commands() -> None:
    done = list[str]()
    command = OutageCommand(lambda: done.append("stop"), lambda: done.append("start"))
    one = world()
    fault = Fault("f", FaultKind.PRODUCT_DOWN, "", 10, 20)
    assert disturb(one, FaultPlan((fault,), 60), {FaultKind.PRODUCT_DOWN: command}).left_out == []
    lived(one, 15)
    assert done == ["stop"]
    lived(one, 30)
    assert done == ["stop", "start"]


def test_an_outage_without_a_command_is_left_out_and_named() -> None:
    fault = Fault("f", FaultKind.BROKER_DOWN, "", 10, 20)
    one = world()
    assert disturb(one, FaultPlan((fault,), 60)).left_out == [fault]
    assert lived(one, 60) == lived(world(), 60)


@pytest.mark.parametrize(
    ("kind", "target", "options"),
    [
        (FaultKind.SILENCE, "no-such-device", {}),
        (FaultKind.LIFT_ENTRAPMENT, "no-such-asset", {}),
        (FaultKind.PUMP_FAILURE, "b1-pump-1", {"mode": "boredom"}),
        (FaultKind.SPIKE, "b1-pump-1", {}),
        (FaultKind.BURST_PIPE, "no-such-space", {}),
    ],
)
def test_a_fault_that_does_not_fit_the_site_is_refused(
    kind: FaultKind, target: str, options: dict[str, object]
) -> None:
    with pytest.raises(BadInput):
        disturbance_of(Fault("f", kind, target, 0, 1, options), SITE)


def test_smoke_under_a_pump_is_refused() -> None:
    with pytest.raises(BadInput, match="is a Pump, not a SmokeDetector"):
        lived(with_fault(FaultKind.SMOKE, "b1-pump-1"), 20)
