"""A seeded stream of readings with many episodes, and what must come of it."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rules.catalog import shipped_catalog
from rules.document import Rule, load_rules
from rules.engine import Instance, ReceiptNow, Slot, TransitionKind, bind, fire, step
from tests.servers.product import EpisodeRow

SITE = "works"
SECOND = 1_000_000
POINTS = ("motor_temperature", "outlet_pressure", "running")
_HOT, _WARM, _COOL = 90.0, 72.0, 55.0
# The receipt clock must reach this while a device is quiet before its delays in time run out.
LONGEST_DELAY_S = 12

_RULES = (
    ("story-hot", "when: motor_temperature > 75 °C"),
    (
        "story-hot-deadband",
        "when: motor_temperature > 75 °C\nclear_when: motor_temperature < 70 °C",
    ),
    ("story-hot-readings", "when: motor_temperature > 75 °C\nfor: 3 readings"),
    ("story-hot-clearing", "when: motor_temperature > 75 °C\nclear_for: 2 readings"),
    ("story-low", "when: running and outlet_pressure < 0.2 MPa"),
    ("story-low-on-delay", f"when: outlet_pressure < 0.2 MPa\nfor: {LONGEST_DELAY_S}s"),
    ("story-low-off-delay", f"when: outlet_pressure < 0.2 MPa\nclear_for: {LONGEST_DELAY_S}s"),
    (
        "story-low-both-delays",
        "when: outlet_pressure < 0.2 MPa\nclear_when: outlet_pressure > 0.3 MPa\nfor: 6s\n"
        "clear_for: 10s",
    ),
    (
        "story-hot-average",
        "when: avg(motor_temperature, 40s) > 75 °C\n"
        "clear_when: avg(motor_temperature, 40s) < 65 °C",
    ),
    ("story-restless", "when: changes(running, 2m) >= 3"),
)


class Sent(NamedTuple):
    """One message of the stream. at: event time, µs."""

    topic: str
    payload: bytes
    asset: str
    at: int
    values: tuple[float, float, float]


class Verdict(NamedTuple):
    """Readings and decisions that differ from those of an uninterrupted run."""

    lost: int
    doubled: int
    changed: int
    different_episodes: list[EpisodeRow]
    different_tickets: list[tuple[str, str, int]]
    different_told: list[tuple[str, str]]

    @property
    def sound(self) -> bool:
        """Whether nothing differs."""
        return not any(self)


def rules_text() -> str:
    """The story's rules as one file."""
    head = "title: {{en: {0}}}\napplies_to: {{asset_type: pump}}\n"
    tail = "\nseverity: high\nticket: {kind: repair, category: electrical, team: maintenance}\n"
    return "---\n".join(f"id: {name}\n{head.format(name)}{body}{tail}" for name, body in _RULES)


def story_rules() -> list[Rule]:
    """The story's rules, loaded as the product loads them."""
    loaded = load_rules(rules_text(), "story.yaml", shipped_catalog())
    assert not loaded.problems, [str(problem) for problem in loaded.problems]
    return list(loaded.rules)


@dataclass(frozen=True)
class Load:
    """`messages` of `devices` pumps, three points each, in event time ending before `end` (µs)."""

    seed: int
    messages: int
    devices: int
    end: int

    def site_text(self) -> str:
        """The site file."""
        names = [f"pump-{number:02}" for number in range(self.devices)]
        assets = [f"  - {{code: {name}, type: pump, name: {{en: {name}}}}}" for name in names]
        keys = ", ".join(f"{point}: {point}" for point in POINTS)
        devices = [f"  - {{code: {n}, asset: {n}, points: {{{keys}}}}}" for n in names]
        return "\n".join(
            [
                "company: {code: acme, name: {en: Acme}}",
                f"site: {{code: {SITE}, name: {{en: Works}}, time_zone: Asia/Shanghai}}",
                "assets:",
                *assets,
                f"sources:\n  - {{code: own, topic: wk/v1/{SITE}/#, dialect: wk}}",
                "devices:",
                *devices,
            ]
        )

    @cached_property
    def stream(self) -> list[Sent]:
        """The messages in the order in which they are published; each device's in time order."""
        return list(self._messages())

    def _messages(self) -> Iterator[Sent]:
        draw = random.Random(self.seed)
        rounds = -(-self.messages // self.devices)
        step_us = 4 * SECOND
        begin = (self.end - (rounds + 2) * step_us) // SECOND * SECOND
        pumps = [_Pump(random.Random(draw.random())) for _ in range(self.devices)]
        left = self.messages
        for turn in range(rounds):
            order = list(range(self.devices))
            draw.shuffle(order)
            for number in order[:left]:
                at = begin + turn * step_us + draw.randrange(0, 3000) * 1000
                yield _message(f"pump-{number:02}", at, pumps[number].next())
            left -= self.devices

    @cached_property
    def expected(self) -> list[EpisodeRow]:
        """The episodes of an uninterrupted run, timers of quiet devices run out."""
        return [episode for episode, _ in self._episodes]

    @property
    def expected_tickets(self) -> dict[tuple[str, str], int]:
        """Repeats of the one ticket of each (rule, asset) that ever tripped."""
        counts: dict[tuple[str, str], int] = defaultdict(lambda: -1)
        for episode, trips in self._episodes:
            counts[episode.rule, episode.asset] += trips
        return dict(counts)

    @cached_property
    def _episodes(self) -> list[tuple[EpisodeRow, int]]:
        by_asset: dict[str, list[Sent]] = defaultdict(list)
        for sent in self.stream:
            by_asset[sent.asset].append(sent)
        found = [
            (EpisodeRow(rule.id, asset, tripped, cleared), trips)
            for rule in story_rules()
            for asset, sent_by in by_asset.items()
            for tripped, cleared, trips in _spans(_moves(rule, asset, sent_by))
        ]
        return sorted(found, key=lambda one: one[0][:3])

    @cached_property
    def expected_readings(self) -> dict[tuple[str, str, int], float]:
        """Value by (asset, point, µs)."""
        return {
            (sent.asset, point, sent.at): value
            for sent in self.stream
            for point, value in zip(POINTS, sent.values, strict=True)
        }

    def write_files(self, folder: Path) -> tuple[Path, Path]:
        """Site file and rule file."""
        site, rules = folder / "site.yaml", folder / "rules.yaml"
        site.write_text(self.site_text())
        rules.write_text(rules_text())
        return site, rules


class _Pump:
    """Alternates between good and bad stretches of two to twenty readings, for each quantity."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._temperature, self._pressure = _COOL, 0.5
        self._running = True
        self._left = [0, 0]

    def next(self) -> tuple[float, float, float]:
        draw = self._draw
        self._left = [left - 1 for left in self._left]
        if self._left[0] < 0:
            self._left[0] = draw.randrange(2, 20)
            self._temperature = draw.choice((_HOT, _WARM, _COOL, _COOL))
        if self._left[1] < 0:
            self._left[1] = draw.randrange(2, 20)
            self._pressure = draw.choice((0.1, 0.25, 0.5))
        if draw.random() < 0.05:
            self._running = not self._running
        return (
            round(self._temperature + draw.uniform(-1.5, 1.5), 2),
            round(self._pressure + draw.uniform(-0.02, 0.02), 3),
            float(self._running),
        )


def _message(asset: str, at: int, values: tuple[float, float, float]) -> Sent:
    temperature, pressure, running = values
    named = zip(POINTS, (temperature, pressure, bool(running)), strict=True)
    body = {"ts": at / SECOND, **dict(named)}
    return Sent(f"wk/v1/{SITE}/{asset}/readings", json.dumps(body).encode(), asset, at, values)


def _moves(rule: Rule, asset: str, stream: list[Sent]) -> Iterator[tuple[bool, int]]:
    """Whether it trips or clears, and when: one asset's messages by the pure engine, in event time
    alone."""
    now = ReceiptNow()
    slots = {point: Slot() for point in POINTS}
    instance: Instance = bind(rule, asset, slots, now)
    transitions = []
    for sent in stream:
        now.now = sent.at
        for point, value in zip(POINTS, sent.values, strict=True):
            slot = slots[point]
            slot.value, slot.at, slot.heard = value, sent.at, sent.at
        transitions += step(instance, sent.at, sent.at)
    transitions += fire(instance, stream[-1].at + 3600 * SECOND)
    for transition in transitions:
        if transition.kind in (TransitionKind.TRIPPED, TransitionKind.CLEARED):
            yield transition.kind is TransitionKind.TRIPPED, transition.at


def _spans(moves: Iterable[tuple[bool, int]]) -> Iterator[tuple[int, int | None, int]]:
    """Episodes: when it tripped and cleared, and how often it tripped, as far as that is told.

    Chatter (docs/rules.md) is one episode until it has been quiet for five minutes. What chatters
    at the end still stands: on the receipt clock these minutes are not over.
    """
    tripped = cleared = None
    trips, chatters = 0, False
    recent: list[int] = []
    for trip, at in moves:
        if chatters and at - recent[-1] > 300 * SECOND:
            chatters = False
            if tripped is not None and cleared is not None:
                yield tripped, cleared, trips
                tripped = None
        recent = [*recent, at][-6:]
        if chatters:
            trips += trip
            cleared = None if trip else at
        elif trip:
            tripped, cleared, trips = at, None, 1
            chatters = any(
                len(recent) >= count and at - recent[-count] <= within * SECOND
                for count, within in ((5, 60), (6, 300))
            )
        elif tripped is not None:
            yield tripped, at, trips
            tripped = None
    if tripped is not None:
        yield tripped, None, 1 if chatters else trips
