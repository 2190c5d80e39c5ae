"""The owner of telemetry answers reads of other processes over a socket in the data folder."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import structlog

from core.errors import Invalid, WatchkeeperError
from core.telemetry import wire
from core.telemetry.readings import Buckets, Quality, Reading, ReadingBatch
from core.telemetry.store import TelemetryError, TelemetryStore

_MOST_CONNECTIONS = 64
_PATIENCE = 30.0

_log = structlog.get_logger(__name__)


class TelemetryServer:
    """Answers reads of a store at a Unix-domain socket that only our own user may open."""

    def __init__(self, store: TelemetryStore, path: Path) -> None:
        """Listen at once. Raises TelemetryError when the socket can't be made there."""
        self._store = store
        self._path = path
        self._lock = threading.Lock()
        self._connections = set[socket.socket]()
        self._listener = _listen(path)
        self._thread = threading.Thread(target=self._accept, name="telemetry-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up on every reader; the store stays open."""
        with self._lock:
            self._path.unlink(missing_ok=True)
            _hang_up(self._listener)
            for connection in self._connections:
                _hang_up(connection)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                self._listener.close()
                return
            with self._lock:
                crowded = len(self._connections) >= _MOST_CONNECTIONS
                if not crowded:
                    self._connections.add(connection)
            if crowded:
                _log.warning("telemetry_readers_refused", connections=_MOST_CONNECTIONS)
                connection.close()
                continue
            name = "telemetry-reader"
            threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while self._answer_next(connection):
                pass
        except OSError as error:
            _log.info("telemetry_reader_lost", error=str(error))
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer_next(self, connection: socket.socket) -> bool:
        """Answer one request; False when there is no more to come."""
        connection.settimeout(None)
        try:
            body = wire.receive_body(connection, wire.LARGEST_REQUEST)
            if body is None:
                return False
            request = wire.REQUESTS.decode(body)
        except (wire.BadFrame, msgspec.DecodeError) as error:
            _log.warning("telemetry_request_bad", error=str(error))
            failure = wire.Failure(f"the request is not understood: {error}", refused=True)
            wire.send(connection, failure, wire.LARGEST_ANSWER)
            return False
        # A reader that stops taking its answer must not hold a thread and a cursor for ever.
        connection.settimeout(_PATIENCE)
        self._answer(connection, request)
        return True

    def _answer(self, connection: socket.socket, request: wire.Request) -> None:
        last: wire.Answer = wire.End()
        try:
            for part in _parts(self._store, request):
                wire.send(connection, part, wire.LARGEST_ANSWER)
        except WatchkeeperError as error:
            refused = isinstance(error, Invalid)
            last = wire.Failure(error.detail, error.advice, refused)
        wire.send(connection, last, wire.LARGEST_ANSWER)


def _listen(path: Path) -> socket.socket:
    """A listening socket, put in its place only when its permissions are set."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    new = path.with_name(path.name + ".new")
    try:
        new.unlink(missing_ok=True)
        listener.bind(str(new))
        new.chmod(0o600)
        listener.listen(_MOST_CONNECTIONS)
        new.rename(path)
    except OSError as error:
        listener.close()
        raise TelemetryError(
            f"telemetry cannot be served at {path}: {error}",
            advice="Give a data folder with a short path that may be written.",
        ) from error
    return listener


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on the socket; its own thread closes it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _parts(store: TelemetryStore, request: wire.Request) -> Iterator[wire.Part]:
    match request:
        case wire.AskLast(series):
            known = store.last(series).items()
            yield from _rows(Reading(number, *last) for number, last in known)
        case wire.AskFind(keys):
            found = store.find(keys).items()
            yield from _rows(Reading(*key, value, 0, Quality.GOOD) for key, value in found)
        case wire.AskSeries(series, start, end, step):
            yield from _some_buckets(store.series(series, start, end, step))
        case wire.AskScan(series, start, end):
            for batch in store.scan(series, start, end):
                for first in range(0, len(batch), wire.ROWS_IN_PART):
                    yield wire.Rows(batch[first : first + wire.ROWS_IN_PART].to_bytes())
        case wire.AskSize():
            yield wire.Size(*store.size())
        case wire.AskCheck():
            store.check()


def _rows(readings: Iterator[Reading]) -> Iterator[wire.Rows]:
    while chunk := list(islice(readings, wire.ROWS_IN_PART)):
        batch = ReadingBatch()
        for reading in chunk:
            batch.append(*reading)
        yield wire.Rows(batch.to_bytes())


def _some_buckets(buckets: Buckets) -> Iterator[wire.SomeBuckets]:
    columns = [getattr(buckets, name) for name in wire.BUCKET_COLUMNS]
    for first in range(0, len(buckets.start), wire.ROWS_IN_PART):
        yield wire.SomeBuckets(*(column[first : first + wire.ROWS_IN_PART] for column in columns))
