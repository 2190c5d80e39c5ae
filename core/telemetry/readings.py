"""Readings in columns: what is handed to a telemetry store and what comes back."""

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self, overload

import numpy as np
import pyarrow as pa

from core.errors import Invalid


class Quality(IntEnum):
    """What is to be known about a reading's time and way; the numbers are stored."""

    GOOD = 0
    CLOCK_UNSET = 1
    FUTURE = 2
    LATE = 3
    RETAINED = 4
    REDELIVERED = 5


QUALITIES = tuple(Quality)


class Reading(NamedTuple):
    """One value of one point. at: event time, received: receipt time, both µs since 1970, UTC."""

    series: int
    at: int
    value: float
    received: int
    quality: Quality


class Last(NamedTuple):
    """The newest reading of a series by event time; times in µs since 1970, UTC."""

    at: int
    value: float
    received: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Buckets:
    """A series downsampled, one element a bucket that is not empty, in time order.

    start: µs since 1970, UTC, a multiple of the step; count: readings in the bucket.
    """

    start: list[int]
    mean: list[float]
    minimum: list[float]
    maximum: list[float]
    count: list[int]


_COLUMNS = (
    ("series", "i", pa.int32()),
    ("at", "q", pa.int64()),
    ("value", "d", pa.float64()),
    ("received", "q", pa.int64()),
    ("quality", "B", pa.uint8()),
)
SCHEMA = pa.schema([pa.field(name, kind, nullable=False) for name, _, kind in _COLUMNS])
_COUNT = struct.Struct("<I")
ROW_BYTES = 4 + 8 + 8 + 8 + 1


class Together:
    """How so many readings come at once, with the same times and nothing to be known of them."""

    __slots__ = ("count", "quality", "to_bytes")

    def __init__(self, count: int) -> None:
        self.count = count
        self.quality = bytes([Quality.GOOD]) * count
        self.to_bytes = struct.Struct(f"{count}d").pack


def series_together(series: Iterable[int]) -> bytes:
    """Numbers of series as `ReadingBatch.append_together` takes them."""
    return array("i", series).tobytes()


_ONE_TIME = struct.Struct("q").pack


class ReadingBatch:
    """Readings in append-only columns, in order of insertion.

    A batch must not grow while an Arrow table made of it is alive, since both share memory.
    """

    __slots__ = ("at", "quality", "received", "series", "value")

    def __init__(self) -> None:
        self.series = array("i")
        self.at = array("q")
        self.value = array("d")
        self.received = array("q")
        self.quality = array("B")

    @property
    def _columns(self) -> tuple["array[int] | array[float]", ...]:
        return (self.series, self.at, self.value, self.received, self.quality)

    def append(self, series: int, at: int, value: float, received: int, quality: int) -> None:
        """Add one reading; times in µs since 1970, UTC. OverflowError when a number is too big."""
        self.series.append(series)
        self.at.append(at)
        self.value.append(value)
        self.received.append(received)
        self.quality.append(quality)

    def append_together(
        self, group: Together, series: bytes, at: int, values: tuple[float, ...], received: int
    ) -> None:
        """Add good readings of as many series as the group counts, in their order.

        series: of `series_together`. struct.error, before anything was added, for a value that is
        no number, for more or fewer of them and for a time that is too big.
        """
        count = group.count
        numbers = group.to_bytes(*values)
        moments, receipts = _ONE_TIME(at) * count, _ONE_TIME(received) * count
        self.series.frombytes(series)
        self.at.frombytes(moments)
        self.value.frombytes(numbers)
        self.received.frombytes(receipts)
        self.quality.frombytes(group.quality)

    def extend(self, other: "ReadingBatch") -> None:
        """Add all readings of another batch."""
        self.series.extend(other.series)
        self.at.extend(other.at)
        self.value.extend(other.value)
        self.received.extend(other.received)
        self.quality.extend(other.quality)

    def __len__(self) -> int:
        return len(self.quality)

    def __iter__(self) -> Iterator[Reading]:
        qualities = map(QUALITIES.__getitem__, self.quality)
        return map(
            Reading._make,
            zip(self.series, self.at, self.value, self.received, qualities, strict=True),
        )

    @overload
    def __getitem__(self, index: int) -> Reading: ...
    @overload
    def __getitem__(self, index: slice) -> "ReadingBatch": ...
    def __getitem__(self, index: int | slice) -> "Reading | ReadingBatch":
        if isinstance(index, slice):
            part = ReadingBatch()
            for name, _, _ in _COLUMNS:
                setattr(part, name, getattr(self, name)[index])
            return part
        return Reading(
            self.series[index],
            self.at[index],
            self.value[index],
            self.received[index],
            QUALITIES[self.quality[index]],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReadingBatch) and self._columns == other._columns

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ReadingBatch({len(self)} readings)"

    def to_arrow(self) -> pa.RecordBatch:
        """The same memory as an Arrow record batch (SCHEMA), without a copy."""
        count = len(self)
        columns = [
            pa.Array.from_buffers(kind, count, [None, pa.py_buffer(column)])
            for column, (_, _, kind) in zip(self._columns, _COLUMNS, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    @classmethod
    def from_arrow(cls, rows: pa.RecordBatch) -> Self:
        """Copied from an Arrow record batch whose columns stand as in SCHEMA."""
        batch = cls()
        for column, target in zip(rows.columns, batch._columns, strict=True):
            target.frombytes(np.ascontiguousarray(column.to_numpy()).view(np.uint8).data)
        return batch

    def to_bytes(self) -> bytes:
        """The number of readings (uint32), then column after column, all little-endian."""
        columns = (_little_endian(column).tobytes() for column in self._columns)
        return b"".join((_COUNT.pack(len(self)), *columns))

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Self:
        """The reverse of `to_bytes`; ValueError when the length does not fit the count."""
        view = memoryview(data)
        if len(view) < _COUNT.size:
            raise ValueError("a batch of readings is cut short")
        (count,) = _COUNT.unpack_from(view)
        if len(view) != _COUNT.size + count * ROW_BYTES:
            raise ValueError("a batch of readings does not have the length it names")
        batch, offset = cls(), _COUNT.size
        for name, code, _ in _COLUMNS:
            column = array(code)
            size = count * column.itemsize
            column.frombytes(view[offset : offset + size])
            setattr(batch, name, _little_endian(column))
            offset += size
        if count and max(batch.quality) >= len(QUALITIES):
            raise ValueError("a batch of readings holds an unknown quality")
        return batch


def _little_endian(column: "array[int] | array[float]") -> "array[int] | array[float]":
    if sys.byteorder == "little":
        return column
    swapped = column[:]
    swapped.byteswap()
    return swapped


def check_storable(batch: ReadingBatch) -> None:
    """Raises Invalid when a batch holds what no store keeps.

    That is a value that is not finite, a time before 1970, or an unknown quality.
    """
    if not len(batch):
        return
    if not np.isfinite(np.frombuffer(batch.value)).all():
        raise Invalid(
            "a reading's value is not a finite number",
            advice="Quarantine such readings before they are stored.",
        )
    times = (batch.at, batch.received)
    if min(int(np.frombuffer(column, np.int64).min()) for column in times) < 0:
        raise Invalid("a reading's time lies before 1970", advice="Give it its receipt time.")
    if int(np.frombuffer(batch.quality, np.uint8).max()) >= len(QUALITIES):
        raise Invalid("a reading's quality is unknown", advice="Use a value of Quality.")
