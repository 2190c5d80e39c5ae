"""Reading telemetry from another process, and what a bad or lost partner does."""

import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.telemetry import wire
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import ReadingBatch
from core.telemetry.remote import RemoteStore
from core.telemetry.server import TelemetryServer
from core.telemetry.store import TelemetryError
from tests.core.telemetry.stores import HOUR, START, batch_of, eager


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[DuckDBStore]:
    store = eager(tmp_path)
    store.write(batch_of((1, START, 1.0), (1, START + 1, 3.0)))
    yield store
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sock"


@pytest.fixture
def server(owner: DuckDBStore, path: Path) -> Iterator[TelemetryServer]:
    serving = TelemetryServer(owner, path)
    yield serving
    serving.close()


@pytest.fixture
def reader(server: TelemetryServer, path: Path) -> Iterator[RemoteStore]:
    del server
    store = RemoteStore(path)
    yield store
    store.close()


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(path))
    return connection


def failure_for(path: Path, data: bytes, *, close: bool = False) -> wire.Failure:
    """What the owner answers to raw bytes; it must hang up afterwards."""
    with connect(path) as connection:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_WR)
        body = wire.receive_body(connection, wire.LARGEST_ANSWER)
        assert body is not None
        answer = wire.ANSWERS.decode(body)
        assert isinstance(answer, wire.Failure)
        assert wire.receive_body(connection, wire.LARGEST_ANSWER) is None
        return answer


def framed(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def test_the_socket_is_open_to_our_own_user_only(server: TelemetryServer, path: Path) -> None:
    del server
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_process_reads_what_the_owner_stored(reader: RemoteStore, path: Path) -> None:
    assert reader.size().readings == 2
    code = (
        "import sys; from pathlib import Path; from core.telemetry.remote import RemoteStore\n"
        "print(RemoteStore(Path(sys.argv[1])).last()[1].value)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "3.0\n"


def test_a_reader_cannot_change_anything(reader: RemoteStore, owner: DuckDBStore) -> None:
    for change in (
        lambda: reader.write(batch_of((1, START, 5.0))),
        lambda: reader.delete(1, START, START + HOUR),
        lambda: reader.roll_up(START),
        lambda: reader.expire(START),
    ):
        with pytest.raises(TelemetryError, match="only reads"):
            change()
    assert owner.size().readings == 2


def test_without_an_owner_the_error_says_so(path: Path) -> None:
    reader = RemoteStore(path)
    with pytest.raises(TelemetryError, match="does not answer") as told:
        reader.last()
    assert told.value.status == 503
    path.touch()
    with pytest.raises(TelemetryError, match="does not answer"):
        reader.check()


def test_a_reader_connects_again_when_the_owner_comes_back(owner: DuckDBStore, path: Path) -> None:
    reader = RemoteStore(path)
    for _ in range(2):
        server = TelemetryServer(owner, path)
        assert reader.last([1])[1].value == 3.0
        server.close()
        with pytest.raises(TelemetryError):
            reader.last([1])
    reader.close()


def test_a_socket_left_behind_by_a_killed_owner_is_taken_over(
    owner: DuckDBStore, path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = TelemetryServer(owner, path)
    reader = RemoteStore(path)
    reader.check()
    reader.close()
    server.close()


def test_bad_frames_are_answered_and_hurt_nobody_else(reader: RemoteStore, path: Path) -> None:
    reader.check()
    encode = msgspec.msgpack.encode
    for data in (
        framed(b""),
        framed(b"\xc1" * 40),
        framed(encode({"type": "write", "batch": b""})),
        framed(encode({"type": "last", "series": [2**40]})),
        framed(encode({"type": "find", "keys": [[1, START, 3]]})),
        framed(encode({"type": "series", "series": 1})),
        framed(encode(["last"])),
        struct.pack("<I", wire.LARGEST_REQUEST + 1),
    ):
        assert "not understood" in failure_for(path, data).detail
    assert "ended within" in failure_for(path, b"\x05\x00", close=True).detail
    assert "ended within" in failure_for(path, framed(b"abc")[:-1], close=True).detail
    assert reader.last([1])[1].value == 3.0


def test_a_refused_request_leaves_the_connection_usable(reader: RemoteStore) -> None:
    for _ in range(3):
        with pytest.raises(Exception, match="step must be positive"):
            reader.series(1, START, START + HOUR, 0)
    assert len(reader._idle) == 1
    assert reader.series(1, START, START + HOUR, HOUR).count == [2]


def test_an_ill_owner_is_told_to_the_reader(reader: RemoteStore, owner: DuckDBStore) -> None:
    owner.close()
    with pytest.raises(TelemetryError, match="cannot be read"):
        reader.last()
    with pytest.raises(TelemetryError, match="cannot be read"):
        reader.check()


def test_large_answers_come_whole(reader: RemoteStore, owner: DuckDBStore) -> None:
    count = 2 * wire.ROWS_IN_PART + 3
    batch = ReadingBatch()
    for index in range(count):
        batch.append(index, START + HOUR * index, float(index), START, 0)
    owner.write(ReadingBatch(), batch)
    known = reader.last()
    assert len(known) == count
    assert known[count - 1].value == count - 1
    keys = [(index, START + HOUR * index) for index in range(1, count)]
    assert len(reader.find(keys)) == count - 1
    assert sum(map(len, reader.scan(range(count), 0, START * 2))) == count + 2


def test_a_scan_left_early_costs_only_its_connection(
    reader: RemoteStore, owner: DuckDBStore
) -> None:
    batch = ReadingBatch()
    for index in range(100_000):
        batch.append(2, START + index, 1.0, START + index, 0)
    owner.write(batch)
    for _ in range(5):
        scan = reader.scan([2], START, START + HOUR)
        assert len(next(scan)) > 0
        del scan
    assert reader.last([1])[1].value == 3.0


def test_many_readers_at_once_all_get_their_own_answers(
    reader: RemoteStore, owner: DuckDBStore
) -> None:
    owner.write(batch_of(*((series, START, float(series)) for series in range(10, 30))))
    wrong: list[float] = []

    def read(series: int) -> None:
        answers = [reader.last([series])[series].value for _ in range(20)]
        wrong.extend(value for value in answers if value != series)

    threads = [threading.Thread(target=read, args=(series,)) for series in range(10, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_more_connections_than_allowed_are_hung_up(reader: RemoteStore, path: Path) -> None:
    reader.check()
    others = [connect(path) for _ in range(64)]
    with connect(path) as refused:
        assert wire.receive_body(refused, wire.LARGEST_ANSWER) is None
    reader.check()
    for other in others:
        other.close()


def test_an_owner_that_does_not_answer_is_given_up(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        reader = RemoteStore(path, patience=0.1)
        with pytest.raises(TelemetryError, match="no answer within"):
            reader.check()
        reader.close()


def test_a_path_too_long_for_a_socket_is_told(owner: DuckDBStore, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with pytest.raises(TelemetryError, match="cannot be served"):
        TelemetryServer(owner, folder / "telemetry.sock")
