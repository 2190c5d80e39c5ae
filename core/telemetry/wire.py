"""What the owner of telemetry and its readers say to each other over a local socket."""

import socket
import struct
from typing import Annotated

import msgspec

from core.telemetry.store import TelemetryError

# A frame is the length of its body (uint32, little-endian), then the body in MessagePack.
# One request is answered by any number of parts and then by End or Failure.
LARGEST_REQUEST = 4 * 1024**2
LARGEST_ANSWER = 16 * 1024**2
ROWS_IN_PART = 50_000
BUCKET_COLUMNS = ("start", "mean", "minimum", "maximum", "count")
_LENGTH = struct.Struct("<I")

Number = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Moment = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class AskLast(msgspec.Struct, tag="last"):
    """The newest readings of these series, or of all."""

    series: list[Number] | None


class AskFind(msgspec.Struct, tag="find"):
    """The stored values of these (series, at)."""

    keys: list[tuple[Number, Moment]]


class AskSeries(msgspec.Struct, tag="series"):
    """A series in buckets."""

    series: Number
    start: Moment
    end: Moment
    step: Moment


class AskScan(msgspec.Struct, tag="scan"):
    """Readings in order of receipt."""

    series: list[Number]
    start: Moment
    end: Moment


class AskSize(msgspec.Struct, tag="size"):
    """How much is stored."""


class AskCheck(msgspec.Struct, tag="check"):
    """Whether the store is well."""


class Rows(msgspec.Struct, tag="rows"):
    """Readings, as ReadingBatch.to_bytes writes them."""

    batch: bytes


class SomeBuckets(msgspec.Struct, tag="buckets"):
    """Consecutive buckets of a series."""

    start: list[int]
    mean: list[float]
    minimum: list[float]
    maximum: list[float]
    count: list[int]


class Size(msgspec.Struct, tag="size"):
    """Readings and bytes on disk."""

    readings: int
    bytes_on_disk: int


class End(msgspec.Struct, tag="end"):
    """The answer is complete."""


class Failure(msgspec.Struct, tag="failure"):
    """The answer ends in an error; refused: the request itself made no sense."""

    detail: str
    advice: str = ""
    refused: bool = False


Request = AskLast | AskFind | AskSeries | AskScan | AskSize | AskCheck
Part = Rows | SomeBuckets | Size
Answer = Part | End | Failure

_encoder = msgspec.msgpack.Encoder()
REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class BadFrame(TelemetryError):
    """What came is too large or cannot be understood; the connection is of no more use."""


def send(connection: socket.socket, message: Request | Answer, largest: int) -> None:
    """Send one message. Raises BadFrame when it is too large, OSError when nobody takes it."""
    body = _encoder.encode(message)
    if len(body) > largest:
        raise BadFrame(f"a message of {len(body)} bytes is larger than {largest}")
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive_body(connection: socket.socket, largest: int) -> bytes | None:
    """The body of the next frame, or None when the other side has closed between frames.

    Raises BadFrame when it is too large or cut short, OSError when the connection breaks.
    """
    header = _receive(connection, _LENGTH.size)
    if not header:
        return None
    if len(header) < _LENGTH.size:
        raise BadFrame("the connection ended within a message")
    (length,) = _LENGTH.unpack(header)
    if length > largest:
        raise BadFrame(f"a message of {length} bytes is larger than {largest}")
    body = _receive(connection, length)
    if len(body) < length:
        raise BadFrame("the connection ended within a message")
    return body


def _receive(connection: socket.socket, count: int) -> bytes:
    """`count` bytes, or fewer when the other side closes before them."""
    received = bytearray()
    while len(received) < count:
        chunk = connection.recv(min(count - len(received), 1 << 20))
        if not chunk:
            break
        received += chunk
    return bytes(received)
