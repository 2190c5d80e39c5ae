"""A telemetry store that goes on when the one behind it does not: readings wait on disk."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog

from core.telemetry.readings import QUALITIES, Buckets, Last, ReadingBatch, check_storable
from core.telemetry.refused import RefusedReadings
from core.telemetry.spool_log import Segment, SpoolLog
from core.telemetry.store import BatchRefused, StoreSize, TelemetryError, TelemetryStore

_FIRST_PAUSE = 1.0
# Asking costs little, and whoever brought the store back wants to see it.
_LONGEST_PAUSE = 5.0
# A replacing write costs mostly by the batch; a slow server takes only smaller ones in time.
_MOST_ROWS = 50_000
_FEWEST_ROWS = 1_000
# So few readings are moved while writers wait: else what comes meanwhile would wait in turn.
_LAST_ROWS = 10_000

_log = structlog.get_logger(__name__)


class SpoolState(NamedTuple):
    """How the store behind is. since: receipt time in µs of the oldest reading that waits."""

    spooling: bool
    readings_waiting: int
    bytes_waiting: int
    since: int | None
    error: str | None


class SpooledStore:
    """A TelemetryStore before another one (`primary`); thread-safe.

    While the primary can't be written, batches go to a queue on disk, in order, and from there
    to the primary when it is well again, each reading once: by `drain`, which somebody has to call
    on a thread of its own, so that writing waits for no primary that hangs or catches up. Until
    the queue is empty everything goes through it, so that an old value never replaces a newer one.
    `last` and `find` know what waits; `series` and `scan` answer from the primary alone.
    """

    def __init__(
        self,
        primary: TelemetryStore | Callable[[], TelemetryStore],
        directory: Path,
        *,
        limit_bytes: int = 2 * 1024**3,
        segment_bytes: int = 4 * 1024**2,
        monotonic: Callable[[], float] = time.monotonic,
        takes_whole: Callable[[ReadingBatch], bool] | None = None,
    ) -> None:
        """`primary` is a store, or opens one: then it is also opened anew after a failure.

        takes_whole: whether the primary keeps all of a batch or nothing; of any other one a kill
        would leave a part, so it goes through the queue, whose records are whole.
        Raises TelemetryError when the spool's own folder can't be used.
        """
        self._open = primary if callable(primary) else None
        self._primary = None if callable(primary) else primary
        self._monotonic = monotonic
        self._takes_whole = takes_whole
        self.refused = RefusedReadings(directory / "refused", limit_bytes)
        self._refused_fault = ""
        self._asked_at = monotonic()
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0
        self._error: str | None = None
        self._closed = False
        # Whether the caller was told nothing of what the primary holds: it can't know then which
        # readings are stored already, so each is put in place of what may be there.
        self._blind = False
        # How many readings are moved at a time, and how many of the oldest segment were already.
        self._rows = _MOST_ROWS
        self._moved = 0
        # In this order: the first lock has whoever drains. The second has whoever writes, for as
        # long as the primary takes, and whoever drains only for moments, but for the last rows. The
        # third guards the queue's own state, so that reads don't wait behind either.
        self._draining = threading.Lock()
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        with _disk_errors("the spool cannot be opened"):
            self._log = SpoolLog(directory, limit_bytes, segment_bytes)
            self._newest = self._newest_waiting()
        self._try_opening()

    def _newest_waiting(self) -> dict[int, Last]:
        newest = dict[int, Last]()
        for segment in self._log.segments:
            for batch in self._log.read(segment):
                _add_newest(newest, batch)
        return newest

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Keep the readings, in the primary or as one record of the spool; durable on return.

        Raises SpoolFull when neither takes them.
        """
        odd = ReadingBatch() if replacing is None else replacing
        check_storable(new)
        check_storable(odd)
        if not len(new) and not len(odd):
            return
        with self._writing:
            self._refuse_when_closed()
            if self._log.segments or self._error is not None or self._would_part(new, odd):
                self._spool(_together(new, odd))
                return
            if self._blind:
                new, odd = ReadingBatch(), _together(new, odd)
            try:
                self._write_or_set_aside(self._ready(), new, odd)
            except TelemetryError as error:
                self._failed(error)
                self._spool(_together(new, odd))

    def _would_part(self, new: ReadingBatch, odd: ReadingBatch) -> bool:
        return self._takes_whole is not None and not self._takes_whole(_together(new, odd))

    def _write_or_set_aside(
        self, primary: TelemetryStore, new: ReadingBatch, odd: ReadingBatch
    ) -> None:
        try:
            primary.write(new, odd)
        except BatchRefused as error:
            self.refused.keep(error.readings or _together(new, odd), error.detail)

    def _try_refused_when_asked(self, primary: TelemetryStore) -> None:
        """Write what was refused anew, when somebody asked for it; looked for every few seconds."""
        if self._monotonic() < self._asked_at + _LONGEST_PAUSE:
            return
        self._asked_at = self._monotonic()
        fault = ""
        try:
            for refusal, batch in self.refused.asked():
                self._write_or_set_aside(primary, ReadingBatch(), batch)
                self.refused.forget(refusal)
        except OSError as error:
            # Their folder can't be used: no reason to hold up what is written now.
            fault = str(error)
        if fault and fault != self._refused_fault:
            _log.error("refused_readings_away", error=fault)
        self._refused_fault = fault

    def _spool(self, batch: ReadingBatch) -> None:
        with self._guard, _disk_errors("the spool cannot be written"):
            self._log.append(batch)
            _add_newest(self._newest, batch)

    def _failed(self, error: TelemetryError) -> None:
        self._error = str(error)
        self._retry_at = self._monotonic() + max(self._pause, error.retry_after)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise TelemetryError("telemetry has been closed")

    def _ready(self) -> TelemetryStore:
        if self._primary is None:
            raise TelemetryError(self._error or "the telemetry store is not open")
        return self._primary

    def _try_opening(self) -> None:
        """Open the primary (anew); a failure is remembered, not raised."""
        if self._open is None:
            return
        # Nobody begins to write to it while it is ill; who has begun is waited for.
        with self._writing:
            former, self._primary = self._primary, None
        if former is not None:
            self._let_go(former)
        try:
            self._primary = self._open()
        except TelemetryError as error:
            self._failed(error)

    def _let_go(self, store: TelemetryStore) -> None:
        try:
            store.close()
        except TelemetryError as error:
            self._error = str(error)

    def drain(self) -> int:
        """Move the oldest segment to the primary if its time has come; returns readings moved.

        To be called again and again: the pause between attempts grows from 1 s to 5 s, or to what
        the primary asks for.
        """
        with self._draining:
            return 0 if self._closed else self._drain_when_due()

    def _drain_when_due(self) -> int:
        if self._error is not None:
            if self._monotonic() < self._retry_at:
                return 0
            self._try_opening()
        if self._primary is None:
            return 0
        try:
            moved = self._drain_segment(self._primary)
        except TelemetryError as error:
            self._failed(error)
            return 0
        self._error, self._pause = None, _FIRST_PAUSE
        return moved

    def _drain_segment(self, primary: TelemetryStore) -> int:
        segment = self._oldest()
        if segment is None:
            primary.check()
            self._try_refused_when_asked(primary)
            return 0
        if self._log.readings > _LAST_ROWS:
            self._move(primary, segment)
            with self._writing:
                self._drop(segment)
            return segment.readings
        with self._writing:
            self._move(primary, segment)
            self._drop(segment)
        return segment.readings

    def _oldest(self) -> Segment | None:
        """The oldest segment, to which nothing is added from now on; None if there is none."""
        with self._guard, _disk_errors("the spool cannot be written"):
            return self._log.sealed()

    def _move(self, primary: TelemetryStore, segment: Segment) -> None:
        """Write what is left of the oldest segment to the primary; raises TelemetryError."""
        batch = ReadingBatch()
        for record in self._read(segment):
            batch.extend(record)
        while self._moved < len(batch):
            if self._closed:
                raise TelemetryError("telemetry is being closed")
            part = batch[self._moved : self._moved + self._rows]
            try:
                self._write_or_set_aside(primary, ReadingBatch(), part)
            except TelemetryError:
                self._rows = max(self._rows // 2, _FEWEST_ROWS)
                raise
            self._moved += len(part)
            self._rows = min(self._rows + _FEWEST_ROWS, _MOST_ROWS)

    def _drop(self, segment: Segment) -> None:
        with self._guard, _disk_errors("the spool cannot be emptied"):
            self._log.drop(segment)
            self._moved = 0
            if not self._log.segments:
                self._newest.clear()

    def _read(self, segment: Segment) -> list[ReadingBatch]:
        with self._guard, _disk_errors("the spool cannot be read"):
            return self._log.read(segment) if segment in self._log.segments else []

    def state(self) -> SpoolState:
        """Whether readings go to the spool, how many wait there, since when and why."""
        with self._guard:
            waiting = self._log.segments
            since = waiting[0].first_received if waiting else None
            spooling = bool(waiting) or self._error is not None
            return SpoolState(spooling, self._log.readings, self._log.size, since, self._error)

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading of each series, waiting ones included.

        Without the primary only what waits is told, since ingest and pages must go on; from then
        on, until all series could be told again, each reading written replaces what may be there.
        """
        self._refuse_when_closed()
        # What waits is looked at first: what drains meanwhile is then found in the primary.
        with self._guard:
            newest = dict(self._newest) if series is None else _chosen(self._newest, series)
        try:
            known = self._ready().last(series)
        except TelemetryError:
            self._blind = True
            return newest
        if series is None:
            self._blind = False
        for number, reading in newest.items():
            if number not in known or known[number].at <= reading.at:
                known[number] = reading
        return known

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """The stored values of keys, waiting ones included.

        Without the primary only what waits is told: what the caller then takes for new goes
        through the spool and so replaces what may be there.
        """
        self._refuse_when_closed()
        with self._guard:
            segments = [segment for segment in self._log.segments if _may_hold(segment, keys)]
        waiting = dict[tuple[int, int], float]()
        for segment in segments:
            for batch in self._read(segment):
                waiting.update(_values(batch, keys))
        try:
            return self._ready().find(keys) | waiting
        except TelemetryError:
            return waiting

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """As the primary answers."""
        return self._ready().series(series, start, end, step)

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """As the primary answers."""
        return self._ready().scan(series, start, end)

    def delete(self, series: int, start: int, end: int) -> int:
        """As the primary does; TelemetryError while readings wait, which would come back."""
        with self._writing:
            if self._log.segments:
                raise TelemetryError("readings wait in the spool; erase when it has drained")
            return self._ready().delete(series, start, end)

    def size(self) -> StoreSize:
        """Readings and bytes of the primary and the spool."""
        stored = self._ready().size()
        state = self.state()
        return StoreSize(
            stored.readings + state.readings_waiting, stored.bytes_on_disk + state.bytes_waiting
        )

    def roll_up(self, now: int) -> int:
        """As the primary does."""
        return self._ready().roll_up(now)

    def expire(self, before_received: int) -> int:
        """As the primary does; what waits expires the next time."""
        return self._ready().expire(before_received)

    def check(self) -> None:
        """Raises TelemetryError while readings wait or the primary is ill."""
        state = self.state()
        if state.spooling:
            raise TelemetryError(
                f"{state.readings_waiting} readings wait in the spool: "
                f"{state.error or 'it is draining'}"
            )
        self._ready().check()

    def close(self) -> None:
        """Close the primary and the spool; what waits stays on disk."""
        self._closed = True
        with self._draining, self._writing:
            self._log.close()
            if self._primary is not None:
                self._primary.close()


@contextmanager
def _disk_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TelemetryError(f"{doing}: {error}") from error


def _together(new: ReadingBatch, odd: ReadingBatch) -> ReadingBatch:
    """One batch, to be written as replacing: what counts is the last of one key."""
    if not len(odd):
        return new
    both = ReadingBatch()
    both.extend(new)
    both.extend(odd)
    return both


def _add_newest(newest: dict[int, Last], batch: ReadingBatch) -> None:
    """Note the newest reading of each series; of two at one time the later one counts."""
    series = np.frombuffer(batch.series, np.int32)
    order = np.lexsort((np.frombuffer(batch.at, np.int64), series))
    ends = np.flatnonzero(np.diff(series[order], append=series[order][-1] + 1))
    for row in order[ends].tolist():
        number, at = batch.series[row], batch.at[row]
        if number not in newest or newest[number].at <= at:
            quality = QUALITIES[batch.quality[row]]
            newest[number] = Last(at, batch.value[row], batch.received[row], quality)


def _chosen(newest: dict[int, Last], series: Sequence[int]) -> dict[int, Last]:
    return {number: newest[number] for number in series if number in newest}


def _may_hold(segment: Segment, keys: Sequence[tuple[int, int]]) -> bool:
    return any(segment.earliest <= at <= segment.latest for _, at in keys)


def _values(
    batch: ReadingBatch, keys: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], float]]:
    wanted = set(keys)
    at = np.frombuffer(batch.at, np.int64)
    for row in np.flatnonzero(np.isin(at, [at for _, at in keys])).tolist():
        key = (batch.series[row], batch.at[row])
        if key in wanted:
            yield key, batch.value[row]
