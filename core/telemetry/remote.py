"""Telemetry as another process of the same machine reads it: through its owner's socket."""

import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Never, TypeVar

import msgspec

from core.errors import Invalid
from core.telemetry import wire
from core.telemetry.readings import Buckets, Last, Reading, ReadingBatch
from core.telemetry.store import StoreSize, TelemetryError

Item = TypeVar("Item")

_PATIENCE = 30.0


class RemoteStore:
    """A TelemetryStore that asks the owner of the telemetry; it only reads. Thread-safe.

    Connections are made when needed and again after the owner was away.
    """

    def __init__(self, path: Path, *, patience: float = _PATIENCE) -> None:
        """path: the owner's socket; patience: seconds to wait for each part of an answer."""
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._closed = False

    def last(self, series: Sequence[int] | None = None) -> dict[int, Last]:
        """The newest reading of each series; of very many series in several requests."""
        asked: Iterable[list[int] | None] = [None] if series is None else _chunks(series)
        return {
            reading.series: Last(*reading[1:])
            for chunk in asked
            for reading in self._readings(wire.AskLast(chunk))
        }

    def find(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """The stored values of keys, in several requests when they are many."""
        return {
            (reading.series, reading.at): reading.value
            for chunk in _chunks(keys)
            for reading in self._readings(wire.AskFind(chunk))
        }

    def series(self, series: int, start: int, end: int, step: int) -> Buckets:
        """As the owner answers."""
        buckets = Buckets([], [], [], [], [])
        for part in self._ask(wire.AskSeries(series, start, end, step)):
            for name in wire.BUCKET_COLUMNS:
                getattr(buckets, name).extend(getattr(part, name))
        return buckets

    def scan(self, series: Sequence[int], start: int, end: int) -> Iterator[ReadingBatch]:
        """As the owner answers; a scan that is left early costs its connection."""
        return self._batches(wire.AskScan(list(series), start, end))

    def size(self) -> StoreSize:
        """As the owner answers."""
        sizes = [part for part in self._ask(wire.AskSize()) if isinstance(part, wire.Size)]
        if len(sizes) != 1:
            raise TelemetryError("the owner of telemetry did not say its size")
        return StoreSize(sizes[0].readings, sizes[0].bytes_on_disk)

    def check(self) -> None:
        """Raises TelemetryError when the owner is away or its store is ill."""
        for _ in self._ask(wire.AskCheck()):
            pass

    def write(self, new: ReadingBatch, replacing: ReadingBatch | None = None) -> None:
        """Raises TelemetryError: only the owner writes."""
        del new, replacing
        self._refuse()

    def delete(self, series: int, start: int, end: int) -> int:
        """Raises TelemetryError: only the owner erases."""
        del series, start, end
        self._refuse()

    def roll_up(self, now: int) -> int:
        """Raises TelemetryError: only the owner does its upkeep."""
        del now
        self._refuse()

    def expire(self, before_received: int) -> int:
        """Raises TelemetryError: only the owner does its upkeep."""
        del before_received
        self._refuse()

    def _refuse(self) -> Never:
        raise TelemetryError(
            "this process only reads telemetry",
            advice="Let the process that owns the telemetry file do it.",
        )

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _readings(self, request: wire.Request) -> Iterator[Reading]:
        for batch in self._batches(request):
            yield from batch

    def _batches(self, request: wire.Request) -> Iterator[ReadingBatch]:
        for part in self._ask(request):
            if isinstance(part, wire.Rows):
                yield ReadingBatch.from_bytes(part.batch)

    def _ask(self, request: wire.Request) -> Iterator[wire.Part]:
        """Every part of the answer; the connection is kept when the answer came to its end."""
        connection, answer = self._begin(request)
        try:
            while not isinstance(answer, wire.End | wire.Failure):
                yield answer
                answer = self._receive(connection)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        if isinstance(answer, wire.Failure):
            kind = Invalid if answer.refused else TelemetryError
            raise kind(answer.detail, advice=answer.advice)

    def _begin(self, request: wire.Request) -> tuple[socket.socket, wire.Answer]:
        """Send a request and receive the first answer, anew where an idle connection has died."""
        while True:
            connection, fresh = self._connection()
            try:
                self._send(connection, request)
                return connection, self._receive(connection)
            except wire.BadFrame:
                connection.close()
                raise
            except TelemetryError:
                connection.close()
                if fresh:
                    raise

    def _connection(self) -> tuple[socket.socket, bool]:
        with self._lock:
            if self._closed:
                raise TelemetryError("this reader of telemetry has been closed")
            if self._idle:
                return self._idle.pop(), False
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._patience)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise TelemetryError(
                f"the process that owns telemetry does not answer at {self._path}: {error}",
                advice="Start it; this reader connects by itself.",
            ) from error
        return connection, True

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def _send(self, connection: socket.socket, request: wire.Request) -> None:
        try:
            wire.send(connection, request, wire.LARGEST_REQUEST)
        except OSError as error:
            raise TelemetryError(f"the owner of telemetry went away: {error}") from error

    def _receive(self, connection: socket.socket) -> wire.Answer:
        try:
            body = wire.receive_body(connection, wire.LARGEST_ANSWER)
            if body is None:
                raise TelemetryError("the owner of telemetry went away")
            return wire.ANSWERS.decode(body)
        except TimeoutError as error:
            raise wire.BadFrame(f"no answer within {self._patience:g} s") from error
        except OSError as error:
            raise TelemetryError(f"the owner of telemetry went away: {error}") from error
        except msgspec.DecodeError as error:
            raise wire.BadFrame(f"the answer is not understood: {error}") from error


def _chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    for first in range(0, len(items), wire.ROWS_IN_PART):
        yield list(items[first : first + wire.ROWS_IN_PART])
