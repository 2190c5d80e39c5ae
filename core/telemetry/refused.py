"""Readings that the store will never take as they are: kept as files, each with its reason."""

import json
import os
import re
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from core.telemetry.readings import ReadingBatch
from core.telemetry.store import TelemetryError

# One line of JSON, then the batch as ReadingBatch.to_bytes writes it.
_SUFFIX = ".refused"
# The same file once somebody asked to have it tried again.
_AGAIN = ".again"
_DIGITS = 12
_NAME = re.compile(r"[0-9]{12}\.(?:refused|again)")

_log = structlog.get_logger(__name__)


class Refusal(NamedTuple):
    """One batch that was set aside. received: the oldest receipt time in it, µs."""

    path: Path
    readings: int
    received: int
    reason: str

    @property
    def number(self) -> int:
        """By which it is spoken of."""
        return int(self.path.stem)

    @property
    def asked_again(self) -> bool:
        """Whether it is tried again as soon as the store is well."""
        return self.path.suffix == _AGAIN


class RefusedReadings:
    """The folder of what was set aside; one process adds to it, any may look and ask again.

    Thread-safe.
    """

    def __init__(self, directory: Path, limit_bytes: int = 2 * 1024**3) -> None:
        """The folder is made when it is first needed."""
        self._directory = directory
        self._limit = limit_bytes
        self._keeping = threading.Lock()

    def keep(self, batch: ReadingBatch, reason: str) -> None:
        """Set a batch aside; durable on return.

        Raises TelemetryError when it can't be kept, and so must not be acknowledged.
        """
        payload = batch.to_bytes()
        head = {
            "readings": len(batch),
            "received": min(batch.received),
            "reason": reason,
            "checksum": zlib.crc32(payload),
        }
        data = json.dumps(head).encode() + b"\n" + payload
        try:
            with self._keeping:
                self._directory.mkdir(parents=True, exist_ok=True)
                if self.bytes_kept() + len(data) > self._limit:
                    raise TelemetryError(
                        f"readings that the store refused may take {self._limit} bytes: {reason}",
                        advice="See `watchkeeper telemetry refused`.",
                    )
                self._put(data)
        except OSError as error:
            raise TelemetryError(f"refused readings cannot be kept: {error}") from error
        _log.error("telemetry_refused", readings=len(batch), reason=reason)

    def bytes_kept(self) -> int:
        """What all of it takes on the disk."""
        return sum(path.stat().st_size for path in self._paths())

    def _put(self, data: bytes) -> None:
        number = max((int(path.stem) for path in self._paths()), default=0) + 1
        name = f"{number:0{_DIGITS}d}{_SUFFIX}"
        new = self._directory / f"{name}.new"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        new.rename(self._directory / name)
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _paths(self) -> list[Path]:
        try:
            # A glob takes a folder that can't be read for an empty one.
            names = os.listdir(self._directory)
        except FileNotFoundError:
            return []
        return sorted(self._directory / name for name in names if _NAME.fullmatch(name))

    def all(self) -> list[Refusal]:
        """What is set aside, the oldest first. OSError while the disk does not tell."""
        return [refusal for path in self._paths() if (refusal := _head(path)) is not None]

    def ask_again(self) -> int:
        """Have all of it tried again by the process that writes; returns how many batches."""
        asked = [refusal for refusal in self.all() if not refusal.asked_again]
        for refusal in asked:
            refusal.path.rename(refusal.path.with_suffix(_AGAIN))
        return len(asked)

    def asked(self) -> Iterator[tuple[Refusal, ReadingBatch]]:
        """What shall be tried again, with its readings. A damaged file is reported and stays.

        OSError while the disk does not tell.
        """
        for path in self._paths():
            refusal = _head(path) if path.suffix == _AGAIN else None
            if refusal is not None:
                try:
                    yield refusal, _batch(path)
                except ValueError as error:
                    _log.error("refused_readings_damaged", file=path.name, error=str(error))

    def forget(self, refusal: Refusal) -> None:
        """Remove what the store has taken after all."""
        refusal.path.unlink()


def _head(path: Path) -> Refusal | None:
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
    except FileNotFoundError:
        # It was taken, or asked for again, meanwhile.
        return None
    except ValueError:
        return Refusal(path, 0, 0, "the file is damaged")
    return Refusal(path, head["readings"], head["received"], head["reason"])


def _batch(path: Path) -> ReadingBatch:
    head, _, payload = path.read_bytes().partition(b"\n")
    if zlib.crc32(payload) != json.loads(head)["checksum"]:
        raise ValueError("the checksum does not fit")
    return ReadingBatch.from_bytes(payload)
