"""Numbers in bytes: registers of Modbus and fields of binary messages.

Frames are those of "MODBUS over Serial Line" 1.02 (RTU) with the functions 1 to 4 of the "MODBUS
Application Protocol" 1.1b3. A letter of an order is a byte as it is sent: ABCD is big-endian, CDAB
has the low word first, BADC swaps the bytes of each word, DCBA is little-endian.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rules.wording import worded

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
EXCEPTIONS = {
    1: worded("illegal function"),
    2: worded("illegal data address"),
    3: worded("illegal data value"),
    4: worded("device failure"),
    5: worded("acknowledged, still working"),
    6: worded("device busy"),
    8: worded("memory parity error"),
    10: worded("gateway path unavailable"),
    11: worded("gateway target does not respond"),
}
_HEADER = 6
_PAIR = re.compile("..")
COILS = (1, 2)
REGISTERS = (3, 4)


def _bcd(data: bytes) -> int | None:
    digits = data.hex()
    return int(digits) if digits.isdecimal() else None


def _parts_of_a_time(data: bytes) -> str | None:
    """Year (from 2000 where it has two digits), month, day, hour, minute, second: a local time."""
    each = 2 if len(data) == 12 else 1
    parts = [int.from_bytes(data[at : at + each], "big") for at in range(0, len(data), each)]
    year, month, day, hour, minute, second = parts
    year += 2000 if year < 100 else 0
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def _digits_of_a_time(data: bytes) -> str | None:
    """The same in BCD: of 26 11 24 12 00 05 it is 2026-11-24T12:00:05."""
    digits = data.hex()
    return _parts_of_a_time(bytes(map(int, _PAIR.findall(digits)))) if digits.isdecimal() else None


def _written(data: bytes) -> str | None:
    """Text in bytes, which ends before the first NUL; None where there is none."""
    plain = data.split(b"\0", 1)[0]
    try:
        return plain.decode().strip() or None
    except UnicodeDecodeError:
        return plain.decode("gb18030", "replace").strip() or None


def _signed_magnitude(data: bytes) -> int:
    raw = int.from_bytes(data, "big")
    return -(raw & 0x7FFF) if raw & 0x8000 else raw


def _number(layout: str) -> Callable[[bytes], int | float]:
    unpack = struct.Struct(layout).unpack

    def read(data: bytes) -> int | float:
        value: int | float = unpack(data)[0]
        return value

    return read


# Width in bytes, and what turns as many big-endian bytes into a number (None: they are none).
TYPES: dict[str, tuple[int, Callable[[bytes], int | float | str | None]]] = {
    "u8": (1, _number(">B")),
    "s8": (1, _number(">b")),
    "u16": (2, _number(">H")),
    "s16": (2, _number(">h")),
    "sm16": (2, _signed_magnitude),
    "u32": (4, _number(">I")),
    "s32": (4, _number(">i")),
    "u64": (8, _number(">Q")),
    "s64": (8, _number(">q")),
    "f32": (4, _number(">f")),
    "f64": (8, _number(">d")),
    "bcd8": (1, _bcd),
    "bcd16": (2, _bcd),
    "bcd32": (4, _bcd),
    "bcd48": (6, _bcd),
    "bcd64": (8, _bcd),
    "time6": (6, _parts_of_a_time),
    "time12": (12, _parts_of_a_time),
    "bcdtime": (6, _digits_of_a_time),
    # As many bytes as the mapping says.
    "text": (0, _written),
    "hex": (0, lambda data: data.hex().upper()),
}


# Of these a device's value is a text.
TEXTS = frozenset({"text", "hex", "time6", "time12", "bcdtime"})


def in_order(data: bytes, order: str) -> bytes:
    """Bytes as they were sent, brought to big-endian order."""
    if order == "ABCD" or len(data) < 2:
        return data
    if order == "DCBA":
        return data[::-1]
    words = [data[place : place + 2] for place in range(0, len(data), 2)]
    if order == "CDAB":
        return b"".join(reversed(words))
    return b"".join(word[::-1] for word in words)


def crc16(data: bytes) -> int:
    """The checksum of MODBUS over Serial Line (polynomial 0xA001, from 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def _crc_of(byte: int) -> int:
    crc = byte
    for _ in range(8):
        crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


_CRC = tuple(map(_crc_of, range(256)))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of a device. at: where its data begin in the message; both in bytes."""

    slave: int
    function: int
    data: bytes
    at: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Why bytes are no answer of a device. at: where they begin."""

    detail: str
    at: int


def responses(message: bytes, *, checked: bool, tcp: bool = False) -> list[Response | Broken]:
    """The answers in a message, one after the other; nothing after one that is broken.

    checked: each ends with its checksum, as it does on the wire. tcp: before each stand
    transaction, protocol and length (six bytes), and there is no checksum.
    """
    found = list[Response | Broken]()
    place = 0
    tail = 2 if checked and not tcp else 0
    while place < len(message):
        place += _passed_on(message, place) if tail else 0
        if place >= len(message):
            break
        if tcp and message[place + 2 : place + 4] != b"\0\0":
            found.append(Broken(worded("this is no header of Modbus TCP"), place))
            break
        one = _response(message, place + (_HEADER if tcp else 0), tail)
        found.append(one)
        if isinstance(one, Broken):
            break
        place = one.at + len(one.data) + tail
    return found


def _passed_on(message: bytes, place: int) -> int:
    """How many bytes from here on are questions of a master, and confirmations of what it wrote.

    Both have eight bytes, as have a few answers, which are taken for answers where they can be.
    """
    end = place
    while len(message) - end >= 8 and 1 <= message[end + 1] <= 16:
        whole = crc16(message[end : end + 6]) == int.from_bytes(
            message[end + 6 : end + 8], "little"
        )
        if not whole or (message[end + 1] <= 4 and message[end + 2] == 3):
            break
        end += 8
    return end - place


def _response(message: bytes, place: int, tail: int) -> Response | Broken:
    if len(message) - place < 3 + tail:
        return Broken(
            worded("%(count)s bytes are too short for a frame", count=max(0, len(message) - place)),
            place,
        )
    slave, function, count = message[place : place + 3]
    refused = bool(function & 0x80)
    end = place + 3 + (0 if refused else count)
    if len(message) < end + tail:
        came = len(message) - place
        detail = worded(
            "with %(count)s bytes of data a frame has %(whole)s bytes; %(came)s came",
            count=count,
            whole=end + tail - place,
            came=came,
        )
        return Broken(detail, place)
    if tail:
        said = int.from_bytes(message[end : end + 2], "little")
        meant = crc16(message[place:end])
        if said != meant:
            return Broken(
                worded(
                    "the checksum is %(said)s, it should be %(meant)s",
                    said=f"{said:04X}",
                    meant=f"{meant:04X}",
                ),
                place,
            )
    if refused:
        why = EXCEPTIONS.get(count, worded("unknown"))
        return Broken(
            worded(
                "device %(slave)s answered with exception %(code)s (%(why)s)",
                slave=slave,
                code=count,
                why=why,
            ),
            place,
        )
    return Response(slave, function, message[place + 3 : end], place + 3)
