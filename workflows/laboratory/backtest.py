"""Back-tests: what a rule or a draft would have done with the readings that are stored."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from core.errors import Refused
from core.telemetry.readings import ReadingBatch
from core.telemetry.store import TelemetryStore
from rules.replay import Columns, Listening, Outcome, Replay, TooOften
from rules.replay.columns import Integers, Numbers
from rules.rule import Rule
from rules.wording import worded
from workflows.laboratory.crew import Crew, Done, Task, play
from workflows.laboratory.orders import Order
from workflows.laboratory.result import Result, Verdict
from workflows.laboratory.scenes import Cast

# So many readings are read and held at once.
_READ_AT_ONCE = 1_500_000
_FIRST_READ = 8
# One asset with more readings than this is led through them stretch by stretch, which is slower
# and takes no memory.
_MOST_HELD = 6_000_000
# So many episodes say enough: the rule flaps. More would fill the memory of the product.
MOST_EPISODES = 100_000
# From so many readings on a rule that needs the engine at each of them is worth two processes.
_WORTH_A_CREW = 3_000_000

Progress = Callable[[float, int], None]


class Cancelled(Refused):
    """Somebody stopped the back-test."""


def run(
    wanted: Order,
    telemetry: TelemetryStore,
    progress: Progress,
    *,
    processes: int = 2,
) -> Result:
    """Replay the history. progress: called with the part that is done and the readings so far.

    It may raise Cancelled, which ends the run. TelemetryError when telemetry is away.
    """
    began = time.perf_counter()
    running = _Run(wanted, telemetry, progress, processes)
    running.run()
    seconds = time.perf_counter() - began
    subjects = {each.asset_id: each for cast in wanted.casts for each in cast.subjects}
    new, *old = running.verdicts
    return Result(
        wanted.rule, wanted.start, wanted.end, subjects, new, old[0] if old else None,
        wanted.judged, running.readings, seconds, wanted.asked,
    )  # fmt: skip


@dataclass
class _Run:
    """One back-test under way."""

    wanted: Order
    telemetry: TelemetryStore
    progress: Progress
    processes: int
    readings: int = 0
    verdicts: list[Verdict] = field(default_factory=list)

    def __post_init__(self) -> None:
        order = self.wanted
        self._rules = [order.rule, *order.actives]
        # What is in force judges each asset once, whichever version holds there.
        self.verdicts = [Verdict(order.rule.id), Verdict(order.rule.id)][: len(self._rules)]
        self._begin = order.start - order.lead
        self._total = sum(len(cast.series) for cast in order.casts) or 1
        self._done = 0

    @property
    def _each(self) -> list[Verdict]:
        """The verdict that each of the rules adds to."""
        return [self.verdicts[min(place, 1)] for place in range(len(self._rules))]

    def run(self) -> None:
        """Everything: first assets on their own, then those that must be replayed together."""
        try:
            self._play()
        except TooOften:
            raise too_often() from None

    def _play(self) -> None:
        apart = [cast for cast in self.wanted.casts if self._is_apart(cast)]
        together = [cast for cast in self.wanted.casts if not self._is_apart(cast)]
        # A generator that is left early must hang up on the store.
        with closing(self._tasks(apart)) as tasks:
            if self._worth_a_crew(apart):
                self._with_crew(apart, tasks)
            else:
                for batch in tasks:
                    for task in batch:
                        self._take(apart, play(task))
        for cast in together:
            self._stream(cast)
        self.progress(1.0, self.readings)

    def _is_apart(self, cast: Cast) -> bool:
        """Whether all readings of a cast are taken at once, with no other asset beside it."""
        held = self._expected(cast) <= _MOST_HELD
        return held and len(cast.subjects) == 1 and _alone(cast)

    def _expected(self, cast: Cast) -> int:
        """About how many readings a cast has, as far as its points say how often they speak."""
        scene = next((each for each in cast.scenes if each is not None), None)
        span = self.wanted.end - self._begin
        return sum(span // each.interval for each in scene.points if each.interval) if scene else 0

    def _worth_a_crew(self, apart: list[Cast]) -> bool:
        demanding = any(_demanding(rule) for rule in self._rules)
        # Taken for one a minute: what it was is known only when it has been read.
        expected = sum(len(cast.series) for cast in apart)
        expected *= (self.wanted.end - self._begin) // 60_000_000
        return demanding and self.processes > 1 and expected > _WORTH_A_CREW

    def _with_crew(self, apart: list[Cast], tasks: Iterator[list[Task]]) -> None:
        crew = Crew(self.wanted.rules, self.wanted.catalog, self.processes)
        try:
            for done in crew.play(tasks):
                self._take(apart, done)
        finally:
            crew.close()

    def _tasks(self, apart: list[Cast]) -> Generator[list[Task], None, None]:
        """The readings of some assets at a time, as many as fit."""
        first, count = 0, _FIRST_READ
        until = self.wanted.listening.receipt(self.wanted.end)
        begin = self.wanted.listening.receipt(self._begin)
        while first < len(apart):
            part = apart[first : first + count]
            while len(part) > 1 and sum(map(self._expected, part)) > _MOST_HELD:
                part = part[: len(part) // 2]
            columns, offsets = self._read(part)
            batch = [
                Task(first + place, cast.scenes, columns[place], begin, until)
                for place, cast in enumerate(part)
            ]
            first += len(part)
            count = max(1, round(len(part) * _READ_AT_ONCE / max(offsets, 1)))
            count = min(count, 4 * len(part))
            yield batch

    def _read(self, part: Sequence[Cast]) -> tuple[list[Columns], int]:
        """The readings of each of some casts, and how many there are in all."""
        series = [number for cast in part for number in cast.series]
        owner = np.repeat(np.arange(len(part)), [len(cast.series) for cast in part])
        place = np.concatenate([np.arange(len(cast.series)) for cast in part])
        order = np.argsort(series, kind="stable")
        known = np.array(series, np.int64)[order]
        rows = _joined(self._scan(series))
        index = order[np.searchsorted(known, rows[0])] if len(rows[0]) else np.zeros(0, np.int64)
        owners = owner[index]
        # Stable, so that the order of receipt stays within each.
        by_owner = np.argsort(owners, kind="stable")
        borders = np.searchsorted(owners[by_owner], np.arange(len(part) + 1))
        which = place[index]
        receipt = self.wanted.listening.receipts(rows[3])
        found = []
        for number in range(len(part)):
            mine = by_owner[borders[number] : borders[number + 1]]
            found.append(
                Columns(which[mine], rows[1][mine], rows[2][mine], rows[3][mine], receipt[mine])
            )
        return found, len(which)

    def _scan(self, series: Sequence[int]) -> Iterator[ReadingBatch]:
        for batch in self.telemetry.scan(series, self._begin, self.wanted.end):
            self.readings += len(batch)
            self.progress(self._done / self._total, self.readings)
            yield batch

    def _take(self, apart: list[Cast], done: Done) -> None:
        cast = apart[done.number]
        for verdict, rule, outcomes in zip(self._each, self._rules, done.outcomes, strict=True):
            self._add(cast, verdict, rule, outcomes)
        self._done += len(cast.series)
        self.progress(self._done / self._total, self.readings)

    def _add(self, cast: Cast, verdict: Verdict, rule: Rule, outcomes: Sequence[Outcome]) -> None:
        by_id = {str(subject.asset_id): subject for subject in cast.subjects}
        for outcome in outcomes:
            verdict.add(
                rule, by_id[outcome.asset], outcome, self.wanted.listening, self.wanted.start
            )
        if sum(map(len, verdict.episodes.values())) + len(verdict.failures) > MOST_EPISODES:
            raise TooOften(verdict.rule_id)

    def _stream(self, cast: Cast) -> None:
        """Assets that are replayed together, a stretch of time after another."""
        listening = self.wanted.listening
        begin = listening.receipt(self._begin)
        replays = [None if scene is None else Replay(scene, begin) for scene in cast.scenes]
        known = np.sort(np.array(cast.series, np.int64))
        order = np.argsort(cast.series, kind="stable")
        for rows in _whole_messages(self._scan(cast.series)):
            which = order[np.searchsorted(known, rows[0])]
            columns = Columns(which, rows[1], rows[2], rows[3], listening.receipts(rows[3]))
            for each in replays:
                if each is not None:
                    each.feed(columns)
        for each, verdict, rule in zip(replays, self._each, self._rules, strict=True):
            if each is not None:
                each.wait(listening.receipt(self.wanted.end))
                self._add(cast, verdict, rule, list(each.outcomes()))
        self._done += len(cast.series)


def too_often() -> Refused:
    """What is said of a rule that trips without end."""
    return Refused(
        worded("the rule trips far too often to be looked at"),
        advice=worded("Take a shorter span, or give it a longer delay or a deadband."),
    )


def _alone(cast: Cast) -> bool:
    """Whether it is judged at once, rather than in stretches of time that fit into memory."""
    scenes = [scene for scene in cast.scenes if scene is not None]
    return not any(scene.paths or any(each.others for each in scene.rules) for scene in scenes)


def _demanding(rule: Rule) -> bool:
    """Whether the engine must be asked at each reading."""
    conditions = (rule.when, rule.clear_when)
    return rule.on_receipt_clock or any(getattr(each, "looks", ()) for each in conditions)


Rows = tuple[Integers, Integers, Numbers, Integers]


def _columns_of(batch: ReadingBatch) -> Rows:
    return (
        np.frombuffer(batch.series, np.int32).astype(np.int64),
        np.frombuffer(batch.at, np.int64),
        np.frombuffer(batch.value, np.float64),
        np.frombuffer(batch.received, np.int64),
    )


def _joined(batches: Iterator[ReadingBatch]) -> Rows:
    parts = [_columns_of(batch) for batch in batches if len(batch)]
    if not parts:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0), none
    first, second, third, fourth = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second, third, fourth


def read(
    telemetry: TelemetryStore, cast: Cast, start: int, end: int, listening: Listening
) -> Columns:
    """All readings of a cast in a short span, in order of receipt."""
    rows = _joined(telemetry.scan(cast.series, start, end))
    order = np.argsort(cast.series, kind="stable")
    known = np.sort(np.array(cast.series, np.int64))
    which = order[np.searchsorted(known, rows[0])] if len(rows[0]) else rows[0]
    return Columns(which, rows[1], rows[2], rows[3], listening.receipts(rows[3]))


def _whole_messages(batches: Iterator[ReadingBatch]) -> Iterator[Rows]:
    """The same readings, cut only where the moment of receipt changes."""
    held: Rows | None = None
    for batch in batches:
        if not len(batch):
            continue
        rows = _columns_of(batch)
        if held is not None:
            a, b, c, d = (np.concatenate(pair) for pair in zip(held, rows, strict=True))
            rows = (a, b, c, d)
        cut = int(np.searchsorted(rows[3], rows[3][-1], side="left"))
        held = (rows[0][cut:], rows[1][cut:], rows[2][cut:], rows[3][cut:])
        if cut:
            yield rows[0][:cut], rows[1][:cut], rows[2][:cut], rows[3][:cut]
    if held is not None:
        yield held
