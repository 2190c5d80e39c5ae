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


def requests(batch: ReadingBatch, order: int) -> Iterator[tuple[ReadingBatch, list[str]]]:
    """The batch in pieces that are stored whole, in order of receipt, each with its lines.

    order: the number of insertion of the first reading; the others follow.
    """
    if is_whole(batch):
        if len(batch):
            yield batch, lines(batch, range(order, order + len(batch)))
        return
    received = np.frombuffer(batch.received, np.int64)
    days = np.frombuffer(batch.at, np.int64) // DAY
    places = np.lexsort((days, received))
    cuts = np.flatnonzero(np.diff(days[places])) + 1
    for run in np.split(places, cuts):
        for first in range(0, len(run), LARGEST_REQUEST):
            rows = run[first : first + LARGEST_REQUEST].tolist()
            part = chosen(batch, rows)
            yield part, lines(part, [order + row for row in rows])


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


def lines(batch: ReadingBatch, orders: "range | list[int]") -> list[str]:
    """One line a reading, and one an hour that says how far it has been written.

    All of them in one request: whoever rolls an hour up must not miss what is written into it
    later.
    """
    columns = (batch.series, batch.value, batch.received, batch.quality, orders, batch.at)
    made = [
        f"reading,series={series} v={value!r},r={received}i,q={quality}i,n={order}i {at}"
        for series, value, received, quality, order, at in zip(*columns, strict=True)
    ]
    newest = max(orders)
    hours = np.unique(np.frombuffer(batch.at, np.int64) // HOUR).tolist()
    return made + [written(hour * HOUR, newest) for hour in hours]


def written(hour: int, newest: int) -> str:
    """The mark that an hour holds readings up to a number of insertion."""
    return f"written n={newest}i {hour}"


def rolled(hour: int, upto: int) -> str:
    """The mark that the roll-ups of an hour hold its readings up to a number of insertion."""
    return f"rolled n={upto}i {hour}"
