"""The interface of every telemetry store."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from core.errors import Unavailable
from core.telemetry.readings import Buckets, Last, ReadingBatch


class TelemetryError(Unavailable):
    """The telemetry store cannot do what it was asked now; trying again later may work.

    retry_after: the seconds for which the store asks to be left alone; 0 when it says nothing.
    """

    title = "Telemetry is unavailable"
    retry_after = 0.0


class BatchRefused(TelemetryError):
    """The store will never take these readings, however often they come; others it may take.

    readings: those that it refused, the rest of the batch being stored; None when it took nothing
    and it isn't known which of them is at fault.
    """

    title = "Telemetry refuses readings"

    def __init__(
        self, detail: str, *, advice: str = "", readings: ReadingBatch | None = None
    ) -> None:
        super().__init__(detail, advice=advice)
        self.readings = readings


class StoreSize(NamedTuple):
    """How much a store holds. bytes_on_disk counts its files, logs included."""

    readings: int
    bytes_on_disk: int


class TelemetryStore(Protocol):
    """Keeps readings by (series, event time). Times are µs since 1970, UTC. Thread-safe.

    Every method raises TelemetryError when the store is ill or away.
    """

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Keep the readings, all or none; on return they survive the death of the process.

        new: appended first; the caller knows that none of these (series, at) is stored yet.
        replacing: a reading stored at the same (series, at), one of `new` too, gives way to these;
        where the value is the same nothing changes, and of several the last one counts. A late one
        takes over the quality of what it replaces: a reading of that time was judged.
        Raises Invalid for what can't be stored: values that are not finite, times before 1970.

        All or none, because whoever was killed meanwhile judges again what is sent again, by the
        newest values that are stored: with a part of them it would judge the one point as it was
        and the other as it became later, which never was. A store that can't write both at once
        writes them by `received`, `new` before `replacing` where it is the same, and begins no
        message before the one before it is durable; readings of one message have one `received`.
        Then what a kill leaves is what there was between two messages. Neither part may go first.
        """
        ...

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading by event time of each given series, or of all; none has no entry."""
        ...

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """The stored values of those (series, at) that are stored. Costly: reads the past."""
        ...

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """Event times [start, end) in buckets of `step` µs aligned to 1970, the empty left out.

        A step of whole hours is answered from roll-ups and so stays quick over years, and it
        still answers where the readings themselves have been dropped by retention.
        Raises Invalid when the step is not positive.
        """
        ...

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """Readings with event time in [start, end) in order of receipt, then of insertion.

        Comes in batches of bounded size; what is written meanwhile may or may not be included.
        """
        ...

    def delete(self, series: int, start: int, end: int) -> int:
        """Erase event times [start, end) of a series, roll-ups too; returns readings erased."""
        ...

    def size(self) -> StoreSize:
        """How much is stored."""
        ...

    def roll_up(self, now: int) -> int:
        """Put hours that closed before `now` in order; returns how many (series, hour) it did.

        Changes no answer, only its cost. Doing it again does nothing.
        """
        ...

    def expire(self, before_received: int) -> int:
        """Drop readings received before that moment and return how many; roll-ups stay."""
        ...

    def check(self) -> None:
        """Raises TelemetryError when the store is ill, and says why."""
        ...

    def close(self) -> None:
        """Let go of files and connections; using the store afterwards raises TelemetryError."""
        ...
