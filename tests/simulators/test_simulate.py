"""A whole simulation over a real broker, and the demo."""

import io
import json
import threading
import time
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from simulators.connection import BrokerAddress
from simulators.demo.life import FIRST_FAULTS, Mishaps, run_demo
from simulators.errors import BadInput
from simulators.faults.disturb import OutageCommand, disturbance_of
from simulators.faults.plan import Fault, FaultKind, FaultPlan
from simulators.simulate import Pace, Simulated, simulate
from simulators.world.site import read_site
from tests.servers.mosquitto import mosquitto
from tests.simulators.compound import NOON, SITE
from tests.simulators.listener import address_of, listening

QUIET = Console(file=io.StringIO())
SMOKE = FaultPlan((Fault("f", FaultKind.SMOKE, "b1-smoke-f9", 5, 60),), 60)


def test_in_simulated_time_the_clock_follows_the_readings_of_each_moment(
    broker: BrokerAddress,
) -> None:
    with listening(broker, "wk/v1/#") as listener:
        done = simulate(
            broker, SITE, pace=Pace(True, "max"), start=NOON, duration=120, console=QUIET
        )
        clocks = "wk/v1/clock"
        listener.wait_for(lambda: len(listener.bodies(clocks)) == 120)
    assert done == Simulated(NOON, NOON + 120, done.messages, ())
    # What other tests left retained comes along at the beginning.
    assert done.messages == len([kept for _, _, kept in listener.heard if not kept])
    assert [body["now"] for body in listener.bodies(clocks)] == [
        NOON + second for second in range(1, 121)
    ]
    now = NOON
    for topic, payload, _ in listener.heard:
        if topic == clocks:
            now = json.loads(payload)["now"]
        elif topic.endswith("/readings"):
            assert json.loads(payload)["ts"] == now + 1


def test_in_real_time_nobody_is_told_the_time(broker: BrokerAddress) -> None:
    with listening(broker, "wk/v1/#") as listener:
        began = time.time()
        simulate(broker, SITE, duration=2, console=QUIET)
        listener.wait_for(lambda: len(listener.heard) > 10)
    assert time.time() - began >= 2
    assert listener.bodies("wk/v1/clock") == []
    times = [json.loads(body)["ts"] for topic, body, _ in listener.heard if "readings" in topic]
    assert began <= min(times) <= max(times) <= time.time()


def test_a_speed_lets_simulated_time_pass_faster(broker: BrokerAddress) -> None:
    began = time.monotonic()
    simulate(broker, SITE, pace=Pace(True, 600), start=NOON, duration=600, console=QUIET)
    # Ten minutes, of which a busy machine may make one.
    assert 0.9 <= time.monotonic() - began < 60


def test_a_simulation_ends_when_asked(broker: BrokerAddress) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    life = threading.Thread(
        target=simulate, args=(broker, SITE), kwargs={"stop": stop, "console": QUIET}
    )
    life.start()
    life.join(60)
    assert not life.is_alive()


def test_the_truth_is_written_before_anything_happens(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    truth, stop = tmp_path / "truth.jsonl", threading.Event()
    stop.set()
    simulate(broker, SITE, plan=SMOKE, truth=truth, stop=stop, console=QUIET)
    assert [json.loads(line)["kind"] for line in truth.read_text().splitlines()] == ["smoke"]


def test_a_plan_shows_in_the_messages(broker: BrokerAddress) -> None:
    with listening(broker, "wk/v1/riverside/b1-smoke-f9/readings") as listener:
        simulate(broker, SITE, pace=Pace(True, "max"), start=NOON, plan=SMOKE, console=QUIET)
        listener.wait_for(lambda: bool(listener.heard))
        topic = "wk/v1/riverside/b1-smoke-f9/readings"
        listener.wait_for(lambda: any(body["smoke"] for body in listener.bodies(topic)))


@pytest.mark.parametrize(
    ("simulated", "speed"), [(False, 2.0), (False, "max"), (True, 0.0), (True, -1.0)]
)
def test_a_pace_that_makes_no_sense_is_refused(simulated: bool, speed: float) -> None:
    with pytest.raises(BadInput):
        Pace(simulated, speed)


def test_the_world_goes_on_while_the_broker_is_away(tmp_path: Path) -> None:
    down = FaultPlan((Fault("f", FaultKind.BROKER_DOWN, "", 60, 60),), 180)
    with mosquitto(tmp_path, ["autosave_interval 1"]) as process:
        address = address_of(process)
        commands = {FaultKind.BROKER_DOWN: OutageCommand(process.stop, process.start)}
        pace = Pace(True, 60)
        done = simulate(
            address, SITE, pace=pace, start=NOON, plan=down, outages=commands, console=QUIET
        )
    assert (done.end, done.left_out) == (NOON + 180, ())


@pytest.mark.parametrize("step", [0.0, -1.0, 6.0])
def test_a_step_that_makes_no_sense_is_refused(broker: BrokerAddress, step: float) -> None:
    with pytest.raises(BadInput, match="step"):
        simulate(broker, SITE, step=step, duration=1, console=QUIET)


def test_the_demo_lives_until_it_is_stopped(broker: BrokerAddress) -> None:
    stop, planned = threading.Event(), list[Fault]()
    with listening(broker, "wk/v1/riverside/#") as listener:
        life = threading.Thread(
            target=run_demo, args=(broker,), kwargs={"stop": stop, "on_fault": planned.append}
        )
        life.start()
        listener.wait_for(lambda: len(listener.heard) > 20)
        stop.set()
        life.join(60)
    assert not life.is_alive()
    assert planned == list(FIRST_FAULTS)


def test_the_first_visible_fault_comes_within_forty_seconds() -> None:
    assert all(fault.start <= 40 for fault in FIRST_FAULTS)
    for fault in FIRST_FAULTS:
        disturbance_of(fault, SITE)


def test_a_mild_fault_comes_every_few_minutes_and_fits_the_site() -> None:
    mishaps = Mishaps(SITE, Random(1), FIRST_FAULTS)
    came = [fault for second in range(6 * 3600) for fault in mishaps.due(float(second))]
    assert came[:2] == list(FIRST_FAULTS)
    starts = [fault.start for fault in came[2:]]
    gaps = [after - before for before, after in pairwise(starts)]
    assert 120 <= min(gaps) <= max(gaps) <= 300
    assert len({fault.kind for fault in came}) >= 4
    for fault in came:
        disturbance_of(fault, SITE)


def test_a_site_without_anything_to_break_has_no_mishaps(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "site: {code: s}\nassets: [{code: m, type: machine}, {code: p, type: pump}]\n"
        "devices: [{code: m, asset: m}]\n"
    )
    mishaps = Mishaps(read_site(file), Random(1))
    assert [fault for second in range(3600) for fault in mishaps.due(float(second))] == []
