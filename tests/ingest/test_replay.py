"""A replay decides what ingest decided from the same messages, reading for reading."""

import random
from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
import pytest

from core import inventory
from core.clock import MICROS
from core.people import Caller
from ingest.pipeline import Batch
from rules.replay import Columns, Outcome, Replay, Scene, replay
from rules.states import TransitionKind
from tests.ingest.building import RULES, START
from tests.ingest.stage import Stage
from workflows.laboratory import Order, order
from workflows.laboratory.scenes import Cast

RULE_IDS = ("hot", "warm-long", "shaking", "poor-ratio", "silent", "gateway-silent")
Row = tuple[int, int, float, int]
Happened = tuple[str, str, float, float | None]


@dataclass
class Story:
    """Half an hour of messages: late, at one instant, of several points, with gaps in listening.

    repeats: whether some come twice, and some with another value for the same moment; of these
    the store keeps only what was true in the end.
    """

    stage: Stage
    chance: random.Random
    repeats: bool
    # Everything that was said: (series, event time, value, moment of receipt).
    rows: list[Row] = field(default_factory=list)
    said: list[tuple[str, float, dict[str, float]]] = field(default_factory=list)
    quiet: dict[str, float] = field(default_factory=dict)

    def live(self) -> list[Happened]:
        """All of it, and then a while in which nothing is said; returns what was decided.

        Not what came of it: alarms that come and go are put on record as one.
        """
        chance, stage = self.chance, self.stage
        for _ in range(160):
            stage.wait(chance.choice((0, 1, 5, 5, 10, 20, 35)))
            if chance.random() < 0.02:
                stage.clock.freeze()
                stage.sleep(chance.choice((30, 400)))
            device = chance.choice(("pump-1", "pump-1", "pump-2", "pump-3", "pump-3", "board-1"))
            if chance.random() < 0.03:
                self.quiet[device] = stage.second + 120
            if self.quiet.get(device, 0) > stage.second:
                continue
            self._speak(device)
        # Ingest comes to know of a delay that ended in quiet a second later.
        stage.wait(600)
        return self._decided(stage.finish())

    def _decided(self, batch: Batch) -> list[Happened]:
        found: dict[tuple[str, str], list[Happened]] = {}
        for each in batch.findings:
            rule, asset = each.rule.rule_id, self.stage.names.asset_codes[each.asset_id]
            episodes = found.setdefault((rule, asset), [])
            second = (each.at - START) / MICROS
            if rule in RULE_IDS and each.transition.kind is TransitionKind.TRIPPED:
                episodes.append((rule, asset, second, None))
            elif rule in RULE_IDS and each.transition.kind is TransitionKind.CLEARED:
                episodes[-1] = (*episodes[-1][:3], second)
        return [each for episodes in found.values() for each in episodes]

    def _speak(self, device: str) -> None:
        chance, second = self.chance, self.stage.second
        if self.repeats and self.said and chance.random() < 0.15:
            device, second, values = chance.choice(self.said[-5:])
            if chance.random() < 0.5:
                values = self._values(device)
        else:
            values = self._values(device)
            second -= chance.choice((0, 0, 0, 0, 7, 45))
            # No two messages at one moment, unless it is asked for.
            second = max(1.0, second) + len(self.said) / 1000
        self.said.append((device, second, values))
        self.stage.say(device, self.stage.at(second, **values))
        received = self.stage.taker._received
        for key, value in values.items():
            point = f"{device}/{KEYS[key]}"
            series = self.stage.names.series[point]
            at = round((START / MICROS + round(second, 6)) * MICROS)
            self.rows.append((series, at, float(value), received))

    def _values(self, device: str) -> dict[str, float]:
        chance = self.chance
        if device == "board-1":
            power, current = chance.choice((1.0, 5.0, 9.0)), chance.choice((0.0, 4.0, 6.0))
            return {"kw": power, "amp": current} if chance.random() < 0.6 else {"kw": power}
        if device == "pump-1" and chance.random() < 0.3:
            return {"run": chance.random() < 0.5}
        values = {"temp": chance.choice((50.0, 65.0, 65.0, 72.0, 76.0))}
        if device == "pump-3" and chance.random() < 0.7:
            values["vib"] = chance.choice((1.0, 6.0, 6.0, 7.0))
        return values


KEYS = {"temp": "motor_temperature", "run": "running", "vib": "vibration", "kw": "power"}
KEYS["amp"] = "current"


def replayed(stage: Stage, cast: Cast, scene: Scene, rows: list[Row]) -> list[Outcome]:
    """The same on the quick way, where there is one, and on the plain one."""
    place = {series: number for number, series in enumerate(cast.series)}
    mine = sorted((row for row in rows if row[0] in place), key=lambda row: row[3])
    # A heartbeat came at each whole second.
    beats = [row[3] - (row[3] - START) % MICROS for row in mine]
    columns = Columns(
        np.array([place[row[0]] for row in mine], np.int64),
        np.array([row[1] for row in mine], np.int64),
        np.array([row[2] for row in mine], np.float64),
        np.array([row[3] for row in mine], np.int64),
        np.array([stage.clock.receipt(beat) for beat in beats], np.int64),
    )
    until = stage.clock.receipt(stage.now)
    quick = replay(scene, columns, START, until)
    plain = Replay(scene, START)
    plain.feed(columns)
    plain.wait(until)
    assert quick == list(plain.outcomes())
    return quick


def orders(stage: Stage) -> list[Order]:
    """Each rule with what it binds to."""
    with stage.database.read() as session:
        sites = frozenset(row.id for row in inventory.sites(session))
        caller = Caller(uuid4(), "", "en", {"telemetry.read": sites})
        end = stage.now + 1
        return [
            order(session, caller, RULES, rule_id=rule, start=START, end=end, shard="main")
            for rule in RULE_IDS
        ]


def happened(stage: Stage, wanted: Order, rows: list[Row]) -> list[Happened]:
    """What a rule does in a replay, as `Stage.incidents` tells it of ingest."""
    wall = stage.clock.wall if wanted.rule.on_receipt_clock else int
    found: list[Happened] = []
    for cast in wanted.casts:
        codes = {str(each.asset_id): each.code for each in cast.subjects}
        (scene,) = cast.scenes
        assert scene is not None
        for outcome in replayed(stage, cast, scene, rows):
            for each in outcome.episodes:
                cleared = None if each.cleared_at is None else wall(each.cleared_at) - START
                tripped = (wall(each.tripped_at) - START) / MICROS
                told = None if cleared is None else cleared / MICROS
                found.append((wanted.rule.id, codes[outcome.asset], tripped, told))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_decides_what_ingest_decided(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    story = Story(stage, chance, repeats=seed % 2 == 0)
    lived = story.live()
    # Where nothing comes twice, what is stored is all that was said.
    stored = [(row.series, row.at, row.value, row.received) for row in stage.rows()]
    rows = story.rows if story.repeats else stored
    found = [each for wanted in orders(stage) for each in happened(stage, wanted, rows)]
    assert sorted(found) == [pytest.approx(one, abs=1e-3) for one in sorted(lived)]
    assert len(lived) > 5
