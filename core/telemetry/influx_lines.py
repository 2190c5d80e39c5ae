"""Readings as InfluxDB's line protocol, and how they are parted into requests."""

from collections.abc import Iterator

import numpy as np

from core.telemetry.influx_flux import DAY, HOUR
from core.telemetry.readings import ReadingBatch

# A request of so many readings is about 6 MB, 1 MB on the wire.
LARGEST_REQUEST = 100_000


def is_whole(batch: ReadingBatch) -> bool:
    """Whether InfluxDB stores the batch in one piece or not at all.

    It writes a request shard by shard, each of them whole days: within a day it is one entry of
    one log.
    """
    if not len(batch):
        return True
    times = np.frombuffer(batch.at, np.int64)
    return len(batch) <= LARGEST_REQUEST and bool(times.min() // DAY == times.max() // DAY)


class Numbers:
    """Numbers of insertion, each given once and in order; not thread-safe."""

    def __init__(self, following: int) -> None:
        """following: the first one to be given."""
        self._following = following

    @property
    def newest(self) -> int:
        """The number that was given last."""
        return self._following - 1

    def take(self, count: int = 1) -> int:
        """The first of so many numbers in a row, which are given by this."""
        first = self._following
        self._following += count
        return first


def requests(batch: ReadingBatch, numbers: Numbers) -> Iterator[tuple[ReadingBatch, list[str]]]:
    """The batch in pieces that are stored whole, in order of receipt, each with its lines.

    Readings are numbered as they stand in the batch, so a later request may hold lower numbers than
    one before it. Who rolls up between the two takes the marks of the first for all that there is:
    the marks of each request are higher than all that were written before it, or its hours would
    pass for rolled up. Send one before you ask for the next.
    """
    order = numbers.take(len(batch))
    if is_whole(batch):
        if len(batch):
            yield batch, lines(batch, range(order, order + len(batch)), numbers.newest)
        return
    received = np.frombuffer(batch.received, np.int64)
    days = np.frombuffer(batch.at, np.int64) // DAY
    places = np.lexsort((days, received))
    cuts = np.flatnonzero(np.diff(days[places])) + 1
    for run in np.split(places, cuts):
        for first in range(0, len(run), LARGEST_REQUEST):
            rows = run[first : first + LARGEST_REQUEST].tolist()
            part = chosen(batch, rows)
            yield part, lines(part, [order + row for row in rows], numbers.take())


def chosen(batch: ReadingBatch, rows: list[int]) -> ReadingBatch:
    """Some readings of a batch, by their places in it."""
    part = ReadingBatch()
    for row in rows:
        part.append(
            batch.series[row],
            batch.at[row],
            batch.value[row],
            batch.received[row],
            batch.quality[row],
        )
    return part


def lines(batch: ReadingBatch, orders: "range | list[int]", mark: int) -> list[str]:
    """One line a reading, and one an hour that says how far it has been written: up to `mark`.

    All of them in one request: whoever rolls an hour up must not miss what is written into it
    later.
    """
    columns = (batch.series, batch.value, batch.received, batch.quality, orders, batch.at)
    made = [
        f"reading,series={series} v={value!r},r={received}i,q={quality}i,n={order}i {at}"
        for series, value, received, quality, order, at in zip(*columns, strict=True)
    ]
    hours = np.unique(np.frombuffer(batch.at, np.int64) // HOUR).tolist()
    return made + [written(hour * HOUR, mark) for hour in hours]


def written(hour: int, mark: int) -> str:
    """The mark that something was written into an hour, none of it numbered higher."""
    return f"written n={mark}i {hour}"


def rolled(hour: int, upto: int) -> str:
    """The mark that the roll-ups of an hour hold its readings up to a number of insertion."""
    return f"rolled n={upto}i {hour}"
