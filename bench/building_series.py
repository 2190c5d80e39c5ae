"""Readings as buildings give them, made from a seed, and the faults that are put into them.

Sizes of faults are in the words of each kind: what an engineer who knows the point would call a
clear fault, not a multiple of whatever noise was drawn.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Reading = tuple[int, float]

STEP = 300_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
# A Monday at midnight, UTC: 2 November 2026.
BEGINNING = 1_793_577_600_000_000

_Shape = Callable[[random.Random, int], list[float]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of point: how it goes when all is well, and how large its faults are."""

    name: str
    shape: _Shape
    # A clear shift of its level, and the value it collapses to.
    shift: float
    collapsed: float
    # How much its own scatter a burst adds (standard deviation).
    burst: float
    # Faults that mean nothing for this kind.
    without: frozenset[str] = frozenset()
    # Minutes between its readings; 0 = it reports when its value has changed.
    minutes: int = 5


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault and how long it lasts; `alarm` says whether it must be found."""

    name: str
    days: float
    alarm: bool = True


FAULTS = (
    FaultKind("level shift", 2.0),
    FaultKind("slow drift", 10.0),
    FaultKind("collapse", 0.5),
    FaultKind("stuck", 2.0),
    FaultKind("noise burst", 0.5),
    FaultKind("lost season", 3.0),
    FaultKind("single spike", 0.0, alarm=False),
)


def _clock(index: int) -> tuple[int, float]:
    """Day of the week (0 = Monday) and hour of the day of reading number `index`."""
    minutes = index * 5
    return minutes // 1440 % 7, minutes % 1440 / 60


def _wander(rng: random.Random, count: int, days: float, size: float) -> Iterator[float]:
    """Weather and the like: a process that forgets in so many days (Ornstein-Uhlenbeck)."""
    keep = math.exp(-1 / (days * 288))
    kick = size * math.sqrt(1 - keep * keep)
    value = rng.gauss(0, size)
    for _ in range(count):
        value = value * keep + rng.gauss(0, kick)
        yield value


def _day(hour: float, peak: float) -> float:
    return math.cos((hour - peak) / 24 * 2 * math.pi)


def _ramp(hour: float, start: float, end: float, width: float = 0.5) -> float:
    """0 outside working hours, 1 in them, with edges of `width` hours."""
    rising = min(max((hour - start) / width, 0.0), 1.0)
    return rising * min(max((end - hour) / width, 0.0), 1.0)


def _motor_temperature(rng: random.Random, count: int) -> list[float]:
    level = rng.uniform(60, 80)
    weather = _wander(rng, count, 2.0, 1.5)
    found = []
    for index in range(count):
        weekday, hour = _clock(index)
        work = 6.0 if weekday < 5 else 3.0
        found.append(level + work * _day(hour, 15) + next(weather) + rng.gauss(0, 0.8))
    return found


def _flow(rng: random.Random, count: int) -> list[float]:
    base = rng.uniform(40, 80)
    found = []
    for index in range(count):
        weekday, hour = _clock(index)
        late = 0.0 if weekday < 5 else 1.5
        morning = math.exp(-(((hour - 7.5 - late) / 1.5) ** 2))
        evening = math.exp(-(((hour - 20) / 2.5) ** 2))
        mean = base * (0.15 + 0.8 * morning + 0.7 * evening)
        found.append(max(0.0, mean * (1 + rng.gauss(0, 0.10)) + rng.gauss(0, 0.5)))
    return found


def _room_temperature(rng: random.Random, count: int) -> list[float]:
    weather = _wander(rng, count, 1.5, 0.6)
    found = []
    for index in range(count):
        weekday, hour = _clock(index)
        heated = _ramp(hour, 6, 19, 2.0) if weekday < 5 else 0.0
        value = 18.5 + 3.0 * heated + next(weather) + rng.gauss(0, 0.1)
        found.append(round(value, 1))
    return found


def _power(rng: random.Random, count: int) -> list[float]:
    size = rng.uniform(80, 200)
    weather = _wander(rng, count, 1.0, 0.05)
    found = []
    for index in range(count):
        weekday, hour = _clock(index)
        work = _ramp(hour, 7, 18.5, 1.0) if weekday < 5 else 0.15 * _ramp(hour, 9, 15, 1.0)
        # By day it scatters far more than by night.
        scatter = rng.gauss(0, 0.01 + 0.05 * work)
        found.append(size * (0.2 + 0.8 * work * (1 + next(weather)) + scatter))
    return found


def _co2(rng: random.Random, count: int) -> list[float]:
    found = []
    value, people = 430.0, 1.0
    for index in range(count):
        weekday, hour = _clock(index)
        if index % 288 == 0:
            people = rng.uniform(0.7, 1.3)
        busy = people * _ramp(hour, 8, 18, 1.5) if weekday < 5 else 0.0
        value += (430 + 450 * busy - value) * 0.08
        found.append(round(value + rng.gauss(0, 8)))
    return [float(each) for each in found]


def _pressure(rng: random.Random, count: int) -> list[float]:
    """A jockey pump lets it fall slowly and steps it up again."""
    low, high = 0.55, 0.65
    value = rng.uniform(low, high)
    found = []
    for _ in range(count):
        value -= rng.uniform(0.0005, 0.0015)
        if value < low:
            value = high
        found.append(round(value + rng.gauss(0, 0.002), 4))
    return found


def _tank_level(rng: random.Random, count: int) -> list[float]:
    """Quantised to 10 cm, flat for hours."""
    return [
        round((2.5 + 0.15 * _day(_clock(index)[1], 5) + rng.gauss(0, 0.02)) * 10) / 10
        for index in range(count)
    ]


def _vibration(rng: random.Random, count: int) -> list[float]:
    """Heavy-tailed: log-normal with an occasional jolt."""
    found = []
    for _ in range(count):
        jolt = rng.uniform(2, 6) if rng.random() < 0.004 else 0.0
        found.append(2.0 * math.exp(rng.gauss(0, 0.25)) + jolt)
    return found


def _random_walk(rng: random.Random, count: int) -> list[float]:
    value = 50.0
    found = []
    for _ in range(count):
        value += rng.gauss(0, 0.12)
        found.append(value + rng.gauss(0, 0.2))
    return found


def _driven_machine(rng: random.Random, count: int) -> list[float]:
    """A machine whose load wanders for days, and that is stopped for some hours now and then."""
    load = _wander(rng, count, 1.0, 8.0)
    found = []
    stopped, value = 0, 85.0
    for _ in range(count):
        if not stopped and rng.random() < 1 / (288 * 6):
            stopped = rng.randrange(12, 72)
        stopped = max(0, stopped - 1)
        target = 85 + next(load) - (25 if stopped else 0)
        value += (target - value) * 0.08
        found.append(value + rng.gauss(0, 0.8))
    return found


def _running(rng: random.Random, count: int) -> list[float]:
    """A pump that runs and rests, more by day than by night."""
    found = []
    on, left = False, 0
    for index in range(count):
        if left <= 0:
            on = not on
            busy = 1.6 + _day(_clock(index)[1], 14)
            left = max(1, round(rng.expovariate(1) * (4 * busy if on else 6)))
        left -= 1
        found.append(1.0 if on else 0.0)
    return found


def _constant(rng: random.Random, count: int) -> list[float]:
    return [21.0] * count


_SEASON = frozenset({"lost season"})
_LEVELS = frozenset({"lost season", "slow drift", "noise burst", "level shift"})

KINDS = (
    Kind("motor temperature", _motor_temperature, shift=15, collapsed=20, burst=8),
    Kind("flow", _flow, shift=45, collapsed=0, burst=25),
    Kind("room temperature", _room_temperature, shift=5, collapsed=5, burst=2),
    Kind("power", _power, shift=80, collapsed=0, burst=40),
    Kind("CO2", _co2, shift=400, collapsed=0, burst=100),
    Kind("pressure", _pressure, shift=0.15, collapsed=0.05, burst=0.08, without=_SEASON),
    Kind("tank level", _tank_level, shift=0.8, collapsed=0.2, burst=0.5, without=_SEASON),
    Kind("vibration", _vibration, shift=4, collapsed=0, burst=4, without=_SEASON),
    # It wanders by itself: what drifts or stays is nothing odd in it.
    Kind(
        "random walk",
        _random_walk,
        shift=20,
        collapsed=0,
        burst=5,
        without=_SEASON | {"slow drift"},
    ),
    Kind(
        "driven machine",
        _driven_machine,
        shift=60,
        collapsed=5,
        burst=15,
        without=_SEASON | {"slow drift"},
    ),
    Kind("running", _running, shift=0, collapsed=0, burst=0, without=_LEVELS | {"collapse"}),
    Kind(
        "constant",
        _constant,
        shift=0,
        collapsed=0,
        burst=0,
        without=_LEVELS | {"collapse", "stuck"},
    ),
    Kind(
        "temperature on change",
        _room_temperature,
        shift=5,
        collapsed=5,
        burst=2,
        without=frozenset({"stuck"}),
        minutes=0,
    ),
    Kind("motor, hourly", _motor_temperature, shift=15, collapsed=20, burst=8, minutes=60),
)


def _dice(*names: object) -> random.Random:
    return random.Random("/".join(str(name) for name in names))  # noqa: S311


def usual(kind: Kind, seed: int, days: int) -> list[Reading]:
    """Readings every five minutes, with nothing wrong."""
    rng = _dice(kind.name, seed)
    values = kind.shape(rng, days * 288)
    return [(BEGINNING + index * STEP, value) for index, value in enumerate(values)]


def begin_of_fault(kind: Kind, fault: FaultKind, seed: int, after_days: int) -> int:
    """When the fault begins: at some moment of the week after so many days."""
    rng = _dice(kind.name, fault.name, seed)
    return BEGINNING + after_days * DAY + rng.randrange(7 * 288) * STEP


def faulty(kind: Kind, fault: FaultKind, readings: list[Reading], begin: int) -> list[Reading]:
    """The same readings with the fault in them from `begin` on."""
    rng = _dice(kind.name, fault.name, begin)
    end = begin + max(int(fault.days * DAY), STEP)
    sign = rng.choice((1, -1)) if kind.collapsed != 0 else 1
    before = [value for at, value in readings if begin - 7 * DAY <= at < begin]
    mean, last = sum(before) / len(before), before[-1]
    changed = []
    for at, value in readings:
        told = value
        if begin <= at < end:
            share = (at - begin) / (end - begin)
            told = _wrong(kind, fault.name, value, share, sign, rng, mean, last)
        changed.append((at, told))
    return changed


def _wrong(
    kind: Kind,
    name: str,
    value: float,
    share: float,
    sign: int,
    rng: random.Random,
    mean: float,
    last: float,
) -> float:
    """The reading when `share` of the fault has passed."""
    noise = rng.gauss(0, 1)
    return {
        "level shift": value + sign * kind.shift,
        "slow drift": value + sign * kind.shift * share,
        # A few readings fall, then it lies at the bottom.
        "collapse": kind.collapsed + (value - kind.collapsed) * max(0.0, 1 - share * 48),
        "stuck": last,
        "noise burst": value + noise * kind.burst,
        "lost season": mean + noise * abs(kind.shift) * 0.02,
        "single spike": value + sign * (kind.shift * 20 or 1),
    }[name]


def as_reported(kind: Kind, readings: list[Reading]) -> list[Reading]:
    """What the device sends of them: all, every n-th, or those that changed (and one an hour)."""
    if kind.minutes == 5:
        return readings
    if kind.minutes:
        return readings[:: kind.minutes // 5]
    told = [readings[0]]
    for at, value in readings[1:]:
        if abs(value - told[-1][1]) >= 0.2 or at - told[-1][0] >= HOUR:
            told.append((at, value))
    return told
