"""PC/SC readers, by pyscard where it is installed."""

import importlib
import threading
import time
from typing import Any

from core.errors import NotFound, Refused, Unavailable
from watchkeeper.tags.tag import TagGone

_GLANCE = 0.2


class PcscReader:
    """A reader with a tag on it, connected."""

    def __init__(self, connection: Any, gone: tuple[type[Exception], ...]) -> None:
        self._connection = connection
        self._gone = gone

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send a command; its answer and status word. Raises TagGone."""
        try:
            data, high, low = self._connection.transmit(list(command))
        except self._gone as error:
            raise TagGone(f"the tag left the reader: {error}") from error
        return bytes(data), high << 8 | low

    def close(self) -> None:
        """Let go of the tag."""
        try:
            self._connection.disconnect()
        except self._gone:
            # It is gone already.
            return


def _library() -> Any:
    try:
        return importlib.import_module("smartcard.System")
    except ImportError as error:
        raise Unavailable(
            f"readers are spoken to by pyscard, which is not installed: {error}",
            advice="Install it beside the product: see docs/patrol.md, signed tags.",
        ) from error


def _failures() -> tuple[type[Exception], ...]:
    """What pyscard raises: its own errors, and those of the service below it."""
    own: Any = importlib.import_module("smartcard.Exceptions")
    service: Any = importlib.import_module("smartcard.pcsc.PCSCExceptions")
    return (own.SmartcardException, service.BaseSCardException)


def reader_names() -> list[str]:
    """The readers of this machine. Raises Unavailable without pyscard or its service."""
    return [str(each) for each in _readers()]


def _readers() -> list[Any]:
    library = _library()
    try:
        return list(library.readers())
    except _failures() as error:
        raise Unavailable(
            f"no PC/SC service answers: {error}", advice="Start it (on Linux: pcscd)."
        ) from error


def open_reader(name: str | None, wait_s: float) -> PcscReader:
    """Connect to the tag on a reader, when one is there. name: a part of the reader's.

    Raises NotFound for no reader or no tag in time, and Refused when several could be meant.
    """
    found = _readers()
    if not found:
        raise NotFound("there is no reader", advice="Plug one in; `watchkeeper tags readers`.")
    meant = [each for each in found if (name or "").lower() in str(each).lower()]
    if len(meant) != 1:
        names = ", ".join(str(each) for each in found)
        some = "no reader is called that" if not meant else "several readers could be meant"
        raise Refused(f"{some}: {names}", advice="Give a part of one name with --reader.")
    return _connect(meant[0], wait_s)


def _connect(reader: Any, wait_s: float) -> PcscReader:
    failures, pause = _failures(), threading.Event()
    until = time.monotonic() + wait_s
    while True:
        connection = reader.createConnection()
        try:
            connection.connect()
        except failures as error:
            if time.monotonic() >= until:
                raise NotFound(
                    f"no tag lies on {reader}: {error}", advice="Lay one there, and try again."
                ) from error
            pause.wait(_GLANCE)
        else:
            return PcscReader(connection, failures)
