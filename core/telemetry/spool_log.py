"""A durable queue of reading batches on disk: numbered segments of checksummed records."""

import fcntl
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from core.telemetry.readings import ReadingBatch
from core.telemetry.store import TelemetryError

# A segment begins with the magic; each record is its length and CRC-32 (little-endian), then a
# batch as ReadingBatch.to_bytes writes it.
_MAGIC = b"WKSPOOL1"
_RECORD = struct.Struct("<II")
_SUFFIX = ".spool"
_DIGITS = 12
_CACHED_SEGMENTS = 4

_log = structlog.get_logger(__name__)


class SpoolFull(TelemetryError):
    """The spool has reached its size; nothing more is taken until it drains."""

    title = "The telemetry spool is full"


@dataclass(slots=True, eq=False)
class Segment:
    """One file of the queue and what it holds; times in µs since 1970, UTC."""

    path: Path
    size: int = 0
    readings: int = 0
    first_received: int = 0
    earliest: int = 0
    latest: int = 0

    def count(self, batch: ReadingBatch, size: int) -> None:
        """Add one record of `size` bytes."""
        times = np.frombuffer(batch.at, np.int64)
        earliest, latest = int(times.min()), int(times.max())
        if not self.readings:
            self.first_received, self.earliest, self.latest = batch.received[0], earliest, latest
        self.earliest = min(self.earliest, earliest)
        self.latest = max(self.latest, latest)
        self.readings += len(batch)
        self.size += size


class SpoolLog:
    """Batches in order of arrival. Not thread-safe; its owner has the lock."""

    def __init__(self, directory: Path, limit_bytes: int, segment_bytes: int) -> None:
        """Open or create; what a crash left half written at an end is cut off.

        Raises OSError when the folder can't be used, or another process uses it.
        """
        self._directory = directory
        self._limit = limit_bytes
        self._segment_bytes = segment_bytes
        self._file: int | None = None
        self._cache: OrderedDict[tuple[Path, int], list[ReadingBatch]] = OrderedDict()
        directory.mkdir(parents=True, exist_ok=True)
        self._guard: int | None = self._lock_directory()
        self.segments = [
            segment
            for path in sorted(directory.glob("[0-9]" * _DIGITS + _SUFFIX))
            if (segment := self._recover(path)) is not None
        ]
        # Numbers never start again below one in use, and recovered segments take no more.
        self._number = max((int(segment.path.stem) for segment in self.segments), default=0)

    def _lock_directory(self) -> int:
        # Two processes that drain one queue would each store and drop what the other still needs.
        file = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        return file

    @property
    def readings(self) -> int:
        """Readings waiting."""
        return sum(segment.readings for segment in self.segments)

    @property
    def size(self) -> int:
        """Bytes waiting."""
        return sum(segment.size for segment in self.segments)

    def append(self, batch: ReadingBatch) -> None:
        """Add a batch that is not empty; it is on the disk on return.

        Raises SpoolFull above the limit and OSError when the disk refuses.
        """
        payload = batch.to_bytes()
        record = _RECORD.pack(len(payload), zlib.crc32(payload)) + payload
        if self.size + len(record) > self._limit:
            raise SpoolFull(
                f"{self.readings} readings wait in the spool, which may hold {self._limit} bytes",
                advice="Bring the telemetry store back, or give the spool more room.",
            )
        if self._file is None or self.segments[-1].size >= self._segment_bytes:
            self._begin_segment()
        try:
            self._write(record)
        except OSError:
            # What was half written ends this segment; recovery cuts it off.
            self._end_segment()
            raise
        self.segments[-1].count(batch, len(record))

    def _begin_segment(self) -> None:
        if self._guard is None:
            raise OSError("the spool is closed")
        self._end_segment()
        self._number += 1
        path = self._directory / f"{self._number:0{_DIGITS}d}{_SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            self._write(_MAGIC)
            self._sync_directory()
        except OSError:
            self._end_segment()
            raise
        self.segments.append(Segment(path, size=len(_MAGIC)))

    def _end_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise OSError("the spool is closed")
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fdatasync(self._file)

    def read(self, segment: Segment) -> list[ReadingBatch]:
        """The batches of a segment in order. Raises OSError when the disk refuses."""
        key = (segment.path, segment.size)
        if key not in self._cache:
            data = segment.path.read_bytes()
            batches = [batch for batch, _ in _records(data)]
            if sum(map(len, batches)) < segment.readings:
                _log.error("spool_damaged", segment=segment.path.name)
            self._cache[key] = batches
            if len(self._cache) > _CACHED_SEGMENTS:
                self._cache.popitem(last=False)
        return self._cache[key]

    def sealed(self) -> Segment | None:
        """The oldest segment, to which nothing will be added any more; None if nothing waits."""
        if not self.segments:
            return None
        if len(self.segments) == 1:
            self._end_segment()
        return self.segments[0]

    def drop(self, segment: Segment) -> None:
        """Remove the oldest segment, whose readings are stored elsewhere now."""
        if segment is self.segments[-1]:
            self._end_segment()
        segment.path.unlink()
        self._sync_directory()
        self.segments.remove(segment)
        self._cache.clear()

    def close(self) -> None:
        """Let go of the folder; what waits stays in it."""
        self._end_segment()
        if self._guard is not None:
            os.close(self._guard)
            self._guard = None

    def _sync_directory(self) -> None:
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _recover(self, path: Path) -> Segment | None:
        data = path.read_bytes()
        segment = Segment(path, size=len(_MAGIC))
        for batch, size in _records(data):
            segment.count(batch, size)
        cut = len(data) - segment.size
        if cut > 0:
            _log.warning("spool_cut", segment=path.name, bytes=cut, kept=segment.readings)
            os.truncate(path, segment.size)
        if not segment.readings:
            path.unlink()
            return None
        return segment


def _records(data: bytes) -> Iterator[tuple[ReadingBatch, int]]:
    """Each whole batch with the bytes its record takes, up to the first that is not whole."""
    view = memoryview(data)
    if view[: len(_MAGIC)] != _MAGIC:
        return
    offset = len(_MAGIC)
    while offset + _RECORD.size <= len(view):
        length, checksum = _RECORD.unpack_from(view, offset)
        end = offset + _RECORD.size + length
        payload = view[offset + _RECORD.size : end]
        if end > len(view) or zlib.crc32(payload) != checksum:
            return
        yield ReadingBatch.from_bytes(payload), end - offset
        offset = end
