"""A small real telemetry store in memory, strict about what it was promised."""

from collections.abc import Iterator, Sequence

from core.telemetry.readings import Buckets, Last, Quality, Reading, ReadingBatch
from core.telemetry.store import StoreSize, TelemetryError


class MemoryStore:
    """Implements `core.telemetry.store.TelemetryStore`; `away` makes it fail as an absent one.

    Plain writes must hold nothing that is stored already: that promise is checked.
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Reading] = {}
        self.away = False
        self.writes = 0

    def check(self) -> None:
        """Raises TelemetryError while away."""
        if self.away:
            raise TelemetryError("the telemetry store is away")

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Keep readings by (series, at)."""
        self.check()
        self.writes += 1
        for row in new:
            known = self.rows.get((row.series, row.at))
            if known is not None:
                raise AssertionError(f"{row} was written as new, but {known} is stored")
            self.rows[row.series, row.at] = row
        for row in replacing or ():
            known = self.rows.get((row.series, row.at))
            if known is None or known.value != row.value:
                late = known is not None and row.quality is Quality.LATE
                kept = row._replace(quality=known.quality) if known and late else row
                self.rows[row.series, row.at] = kept

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading of each."""
        self.check()
        newest: dict[int, Last] = {}
        for row in sorted(self.rows.values(), key=lambda reading: reading.at):
            if series is None or row.series in series:
                newest[row.series] = Last(*row[1:])
        return newest

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """Stored values of keys."""
        self.check()
        return {key: self.rows[key].value for key in keys if key in self.rows}

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """Buckets of one series."""
        self.check()
        groups: dict[int, list[float]] = {}
        for row in sorted(self.rows.values(), key=lambda reading: reading.at):
            if row.series == series and start <= row.at < end:
                groups.setdefault(row.at - row.at % step, []).append(row.value)
        values = list(groups.values())
        return Buckets(
            list(groups),
            [sum(group) / len(group) for group in values],
            [min(group) for group in values],
            [max(group) for group in values],
            [len(group) for group in values],
        )

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """Readings in order of receipt."""
        self.check()
        batch = ReadingBatch()
        for row in sorted(self.rows.values(), key=lambda reading: reading.received):
            if row.series in series and start <= row.at < end:
                batch.append(*row)
        yield batch

    def delete(self, series: int, start: int, end: int) -> int:
        """Erase a span."""
        gone = [key for key in self.rows if key[0] == series and start <= key[1] < end]
        for key in gone:
            del self.rows[key]
        return len(gone)

    def size(self) -> StoreSize:
        """How much there is."""
        return StoreSize(len(self.rows), 0)

    def roll_up(self, now: int) -> int:
        """Nothing to put in order."""
        return 0

    def expire(self, before_received: int) -> int:
        """Nothing expires."""
        return 0

    def close(self) -> None:
        """Nothing to let go of."""
