"""Replays on several processors: assets are judged apart from each other, so each has its turn."""

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from rules.catalog import AssetType
from rules.document import load_rules
from rules.replay import Columns, Outcome, Scene, replay
from rules.rule import Rule

# What waits to be judged is held in memory.
_WAITING = 2


@dataclass(frozen=True, slots=True)
class Task:
    """The readings of a cast, and the scenes they are led through; times on the receipt clock."""

    number: int
    scenes: tuple[Scene | None, ...]
    columns: Columns
    begin: int
    until: int


@dataclass(frozen=True, slots=True)
class Done:
    """What the rule of each scene did."""

    number: int
    outcomes: tuple[tuple[Outcome, ...], ...]
    readings: int


def play(task: Task) -> Done:
    """Lead the readings through each scene."""
    outcomes = tuple(
        () if scene is None else tuple(replay(scene, task.columns, task.begin, task.until))
        for scene in task.scenes
    )
    return Done(task.number, outcomes, len(task.columns))


# In a process of a crew: the rules, read once. A rule is code, which can't be sent.
_known: list[Rule] = []


def _learn(documents: Sequence[str], catalog: Mapping[str, AssetType]) -> None:
    _known[:] = [load_rules(text, "rule", catalog).rules[0] for text in documents]


def _play_all(tasks: list[Task]) -> list[Done]:
    return [play(_with_rules(task)) for task in tasks]


def _with_rules(task: Task) -> Task:
    scenes = tuple(_changed(scene, lambda rule: _known[rule]) for scene in task.scenes)
    return replace(task, scenes=scenes)


def _changed(scene: Scene | None, rule_of: Any) -> Scene | None:
    if scene is None:
        return None
    # With all else that a seat knows, such as the hours of its site.
    seats = tuple(replace(each, rule=rule_of(each.rule)) for each in scene.rules)
    return replace(scene, rules=seats)


class Crew:
    """Some processes that judge; close it when done."""

    def __init__(
        self, rules: Sequence[Rule], catalog: Mapping[str, AssetType], processes: int
    ) -> None:
        self._rules = list(rules)
        # A fork of a process with threads can hang; these begin afresh.
        context = multiprocessing.get_context("spawn")
        documents = [rule.source for rule in rules]
        # A mapping that only reads can't be sent either.
        plain = {code: replace(kind, points=dict(kind.points)) for code, kind in catalog.items()}
        arguments = (documents, plain)
        self._pool = ProcessPoolExecutor(
            processes, mp_context=context, initializer=_learn, initargs=arguments
        )
        self._most = processes + _WAITING

    def play(self, batches: Iterable[list[Task]]) -> Iterator[Done]:
        """Judge batches of tasks; no more are read than the processes need."""
        numbers = {id(rule): place for place, rule in enumerate(self._rules)}
        under_way: list[Future[list[Done]]] = []
        for batch in batches:
            sent = [
                replace(
                    task,
                    scenes=tuple(
                        _changed(scene, lambda rule: numbers[id(rule)]) for scene in task.scenes
                    ),
                )
                for task in batch
            ]
            under_way.append(self._pool.submit(_play_all, sent))
            if len(under_way) >= self._most:
                yield from under_way.pop(0).result()
        while under_way:
            yield from under_way.pop(0).result()

    def close(self) -> None:
        """Let the processes go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
