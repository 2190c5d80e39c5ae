"""A small picture to put on a ticket: one colour, another one for each number."""

import struct
import zlib

_SIDE = 64


def picture(number: int) -> bytes:
    """A PNG of 64 by 64 pixels."""
    colour = bytes(((number * 37) % 256, (number * 101) % 256, (number * 59 + number // 256) % 256))
    rows = (b"\x00" + colour * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    # What is said in it differs even where two colours are alike.
    note = b"number\x00" + str(number).encode()
    chunks = ((b"IHDR", header), (b"tEXt", note), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
