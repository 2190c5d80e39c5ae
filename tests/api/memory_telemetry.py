"""A small real telemetry store in memory, which can be switched off."""

from collections.abc import Iterator, Sequence

from core.telemetry.readings import Buckets, Last, Reading, ReadingBatch
from core.telemetry.store import StoreSize, TelemetryError


class MemoryTelemetry:
    """Implements `core.telemetry.store.TelemetryStore` over a list."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.away = False

    def check(self) -> None:
        if self.away:
            raise TelemetryError("the telemetry store is away")

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        self.check()
        self.readings += [*new, *(replacing or ())]

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        self.check()
        newest: dict[int, Last] = {}
        for row in sorted(self.readings, key=lambda reading: reading.at):
            if series is None or row.series in series:
                newest[row.series] = Last(row.at, row.value, row.received, row.quality)
        return newest

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        self.check()
        return {(r.series, r.at): r.value for r in self.readings if (r.series, r.at) in keys}

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        self.check()
        buckets: dict[int, list[float]] = {}
        for row in self.readings:
            if row.series == series and start <= row.at < end:
                buckets.setdefault(row.at - row.at % step, []).append(row.value)
        starts = sorted(buckets)
        groups = [buckets[at] for at in starts]
        return Buckets(
            starts,
            [sum(group) / len(group) for group in groups],
            [min(group) for group in groups],
            [max(group) for group in groups],
            [len(group) for group in groups],
        )

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        self.check()
        batch = ReadingBatch()
        for row in self.readings:
            if row.series in series and start <= row.at < end:
                batch.append(*row)
        yield batch

    def delete(self, series: int, start: int, end: int) -> int:
        self.check()
        gone = [r for r in self.readings if r.series == series and start <= r.at < end]
        self.readings = [r for r in self.readings if r not in gone]
        return len(gone)

    def size(self) -> StoreSize:
        return StoreSize(len(self.readings), 0)

    def roll_up(self, now: int) -> int:
        return 0

    def expire(self, before_received: int) -> int:
        return 0

    def close(self) -> None: ...
