"""What is usual for points, over the deaths of the process (docs/decisions/0024).

A baseline is kept in the database once an hour, after the readings that it knows are durable, and
goes on from there with what telemetry has of later ones. One that begins is taught from what is
stored, in the background, and says nothing until then.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from core import baselines
from core.baselines import Lesson
from core.clock import Clock
from core.db import Database, is_unavailable
from core.health import Health
from core.leases import LeaseLost
from core.telemetry.readings import Quality
from core.telemetry.store import TelemetryError, TelemetryStore
from ingest.committing import Tenure
from ingest.registry import PointState, Registry
from rules.baseline import LEARNS_FROM_DAYS, Baseline, Journal
from rules.durations import DAY, HOUR

log = structlog.get_logger(__name__)

# How often a baseline is kept. Whatever came since must be read at the next start.
KEPT_EVERY = HOUR
_MOST_AT_ONCE = 10
# One that has more than about so many readings to catch up with, as that of a rule that was out of
# force for months, is taught in the background.
_FAR_BEHIND = 20_000
# How many are taught before ingest has to wait for them, and how soon what failed is tried again.
_CLASS = 100
_AGAIN_SECONDS = 60.0
_FOR_EVER = 1 << 62
# Points whose readings are read at once.
_TOGETHER = 200

Learners = dict[int, tuple[UUID, PointState]]


def learners(registry: Registry) -> Learners:
    """The points that some rule asks about their baseline, with their site, by series."""
    return {
        point.series: (site.site_id, point)
        for site in registry.sites.values()
        for device in site.devices.values()
        for point in device.points.values()
        if point.learned is not None
    }


def recall(
    database: Database,
    telemetry: TelemetryStore,
    registry: Registry,
    only: Collection[int] | None = None,
) -> list[str]:
    """Go on with baselines where they were; returns what is amiss, in words.

    What was not kept, or too long ago, stays untaught. Readings that are not stored yet are
    missing to a baseline as if they had never been heard. only: of these series.
    """
    points = {
        series: point
        for series, (_, point) in learners(registry).items()
        if only is None or series in only
    }
    if not points:
        return []
    known: dict[int, tuple[Baseline, Lesson]] = {}
    with database.read() as session:
        for lesson in baselines.lessons(session, points):
            baseline = _revived(lesson, points[lesson.series])
            if baseline is not None and not _far_behind(baseline, points[lesson.series].at):
                known[lesson.series] = baseline, lesson
    try:
        _catch_up(telemetry, points, known)
    except TelemetryError as error:
        return [f"what is usual for points can't be told yet: {error}"]
    for series, (baseline, _) in known.items():
        point = points[series]
        assert point.learned is not None
        point.learned.become(baseline)
        registry.taught.add(series)
    missing = sum(points[series].at > baseline.last for series, (baseline, _) in known.items())
    if not missing:
        return []
    return [f"what is usual for {missing} points lacks readings that are not stored yet"]


def _revived(lesson: Lesson, point: PointState) -> Baseline | None:
    assert point.learned is not None
    try:
        baseline = Baseline.from_state(lesson.state, point.learned.offset)
    except ValueError:
        # Of another version of the product: it is taught anew.
        return None
    baseline.journal = Journal()
    return baseline


def _far_behind(baseline: Baseline, at: int) -> bool:
    return at - baseline.last > max(_FAR_BEHIND * baseline.interval, 8 * HOUR)


def _catch_up(
    telemetry: TelemetryStore,
    points: Mapping[int, PointState],
    known: Mapping[int, tuple[Baseline, Lesson]],
) -> None:
    """Take in what is stored of the time since, in order of receipt, as it was heard."""
    behind = [series for series, (known_, _) in known.items() if known_.last < points[series].at]
    if not behind:
        return
    for begin in range(0, len(behind), _TOGETHER):
        part = {series: known[series] for series in behind[begin : begin + _TOGETHER]}
        start = min(baseline.last for baseline, _ in part.values()) + 1
        _take_in(telemetry, part, start, max(points[series].at for series in part) + 1)


def _take_in(
    telemetry: TelemetryStore,
    known: Mapping[int, tuple[Baseline, Lesson]],
    start: int,
    end: int,
) -> None:
    """What was judged, by what it was judged by: neither the order of receipt nor what came late
    tells, since a reading that gave way to another stands where that came."""
    late = int(Quality.LATE)
    found: dict[int, list[tuple[int, float]]] = {series: [] for series in known}
    for batch in telemetry.scan(sorted(known), start, end):
        rows = zip(batch.series, batch.at, batch.value, batch.quality, strict=True)
        for series, at, value, quality in rows:
            replaced = known[series][1].replaced
            if quality != late or at in replaced:
                found[series].append((at, replaced.get(at, value)))
    for series, (baseline, _) in known.items():
        for at, value in sorted(found[series]):
            baseline.take(at, value)


def keep(database: Database, tenure: Tenure, rest: Iterable[Lesson]) -> None:
    """Keep baselines whose readings are durable. Raises LeaseLost."""
    with database.write() as session:
        tenure.require(session)
        for lesson in rest:
            baselines.keep(session, lesson)


def lesson_of(site_id: UUID, series: int, baseline: Baseline) -> Lesson:
    """A baseline as it is now, to be kept when its readings are durable."""
    return Lesson(series, site_id, baseline.first, baseline.last, baseline.to_state(), {})


class Keeping:
    """Keeps the baselines of a run, each once an hour, evenly spread over it."""

    def __init__(self, database: Database, tenure: Tenure, health: Health) -> None:
        self._database = database
        self._tenure = tenure
        self._health = health
        self._registry: Registry | None = None
        self._learners: Learners = {}
        self._due: list[tuple[int, int]] = []
        self._planned = set[int]()

    def due(self, registry: Registry, now: int) -> Callable[[], None] | None:
        """What to call when all that was taken in so far is durable; None = nothing is due."""
        if not registry.taught:
            return None
        if registry is not self._registry or len(self._planned) < len(registry.taught):
            self._plan(registry, now)
        rest: list[Lesson] = []
        while self._due and self._due[0][0] <= now and len(rest) < _MOST_AT_ONCE:
            _, series = heapq.heappop(self._due)
            if series not in registry.taught:
                self._planned.discard(series)
                continue
            heapq.heappush(self._due, (now + KEPT_EVERY, series))
            site_id, point = self._learners[series]
            assert point.learned is not None
            rest.append(lesson_of(site_id, series, point.learned))
            if point.learned.journal is not None:
                point.learned.journal.turn(point.learned.last)
        return (lambda: self._keep(rest)) if rest else None

    def _plan(self, registry: Registry, now: int) -> None:
        self._registry, self._learners = registry, learners(registry)
        fresh = sorted(registry.taught - self._planned)
        self._planned.update(fresh)
        for number, series in enumerate(fresh, 1):
            heapq.heappush(self._due, (now + KEPT_EVERY * number // len(fresh), series))

    def _keep(self, rest: Sequence[Lesson]) -> None:
        """Called by the writer's thread. What can't be kept now is kept in an hour."""
        try:
            keep(self._database, self._tenure, rest)
        except LeaseLost:
            # Whoever has taken over keeps them; that we must stop is found out elsewhere.
            return
        except Exception as error:
            if not is_unavailable(error):
                log.exception("what is usual for points could not be kept")
            self._health.report("baselines", ok=False, detail=str(error)[:300])
        else:
            self._health.report("baselines", ok=True)


class Teacher:
    """Teaches baselines that begin what is stored of their points, one at a time.

    adopt: has ingest take over those of some series, which are in the database then.
    """

    def __init__(
        self,
        database: Database,
        telemetry: TelemetryStore,
        tenure: Tenure,
        clock: Clock,
        adopt: Callable[[Collection[int]], None],
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._tenure = tenure
        self._clock = clock
        self._adopt = adopt
        self._registry: Registry | None = None
        self._waiting = deque[tuple[int, UUID, PointState]]()
        self._taught: list[int] = []
        self._next_look = 0.0

    def look(self, registry: Registry) -> None:
        """Teach the next one, if any is untaught. Raises TelemetryError, LeaseLost."""
        if registry is not self._registry or time.monotonic() >= self._next_look:
            self._begin(registry)
        if self._waiting:
            # One that fails is found untaught again in a while; the others have their turn first.
            series, site_id, point = self._waiting.popleft()
            self._teach(series, site_id, point)
            self._taught.append(series)
        if self._taught and (not self._waiting or len(self._taught) >= _CLASS):
            self._adopt(tuple(self._taught))
            self._taught = []

    def _begin(self, registry: Registry) -> None:
        self._registry = registry
        self._next_look = time.monotonic() + _AGAIN_SECONDS
        known = registry.taught | {*self._taught} | {series for series, _, _ in self._waiting}
        for series, (site_id, point) in learners(registry).items():
            if series not in known:
                self._waiting.append((series, site_id, point))

    def _teach(self, series: int, site_id: UUID, point: PointState) -> None:
        if point.learned is None:
            return
        now = self._clock.micros()
        # A whole day, so that another start on this day learns the same.
        begin = now - now % DAY - LEARNS_FROM_DAYS * DAY
        with self._database.read() as session:
            lesson = next(baselines.lessons(session, [series]), None)
        baseline = _revived(lesson, point) if lesson else None
        if lesson is None or baseline is None or baseline.last < begin:
            baseline = Baseline(point.learned.offset)
            lesson = Lesson(series, site_id, 0, 0, {}, {})
        start = max(begin, baseline.last + 1)
        _take_in(self._telemetry, {series: (baseline, lesson)}, start, _FOR_EVER)
        keep(self._database, self._tenure, [lesson_of(site_id, series, baseline)])
