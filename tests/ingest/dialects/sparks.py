"""Payloads of Sparkplug B, written as an edge node writes them."""

import struct
from typing import Any

_FIELDS = {"int": 10, "long": 11, "float": 12, "double": 13, "bool": 14, "text": 15, "bytes": 16}
_PROPERTY_FIELDS = {"int": 3, "long": 4, "float": 5, "double": 6, "bool": 7, "text": 8}
_ELEMENT_FIELDS = {"int": 1, "long": 2, "float": 3, "double": 4, "bool": 5, "text": 6}
INT8, INT16, INT32, INT64, UINT8, UINT64 = 1, 2, 3, 4, 5, 8
FLOAT, DOUBLE, BOOLEAN, STRING, DATE_TIME = 9, 10, 11, 12, 13
DATA_SET, TEMPLATE, INT16_ARRAY, BOOLEAN_ARRAY = 16, 19, 23, 32


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def whole(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def block(field: int, body: bytes | str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


def value(field: int, kind: str, said: Any) -> bytes:
    if kind == "float":
        return varint(field << 3 | 5) + struct.pack("<f", said)
    if kind == "double":
        return varint(field << 3 | 1) + struct.pack("<d", said)
    return block(field, said) if kind in ("text", "bytes") else whole(field, int(said))


def metric(
    name: str | None = None,
    said: tuple[str, Any] | None = None,
    datatype: int | None = None,
    *,
    alias: int | None = None,
    at: int | None = None,
    null: bool = False,
    historical: bool = False,
    properties: dict[str, tuple[str, Any]] | None = None,
    extra: bytes = b"",
) -> bytes:
    """said: (kind of field, value), such as ("int", 5)."""
    body = b"" if name is None else block(1, name)
    body += b"" if alias is None else whole(2, alias)
    body += b"" if at is None else whole(3, at)
    body += b"" if datatype is None else whole(4, datatype)
    body += whole(5, 1) if historical else b""
    body += whole(7, 1) if null else b""
    if properties:
        keys = b"".join(block(1, key) for key in properties)
        several = (value(_PROPERTY_FIELDS[kind], kind, one) for kind, one in properties.values())
        body += block(9, keys + b"".join(block(2, one) for one in several))
    body += b"" if said is None else value(_FIELDS[said[0]], *said)
    return body + extra


def payload(*metrics: bytes, seq: int | None = None, at: int | None = None) -> bytes:
    body = b"" if at is None else whole(1, at)
    body += b"".join(block(2, each) for each in metrics)
    return body + (b"" if seq is None else whole(3, seq))


def data_set(columns: list[str], types: list[int], rows: list[list[tuple[str, Any]]]) -> bytes:
    """The field of a metric that is a table."""
    body = whole(1, len(columns)) + b"".join(block(2, each) for each in columns)
    body += block(3, b"".join(varint(each) for each in types))
    for row in rows:
        cells = (block(1, value(_ELEMENT_FIELDS[kind], kind, one)) for kind, one in row)
        body += block(4, b"".join(cells))
    return block(17, body)


def template(*members: bytes, defines: bool = False) -> bytes:
    """The field of a metric that is a structure."""
    body = b"".join(block(2, each) for each in members)
    return block(18, body + (whole(5, 1) if defines else b""))


def born(bd: int = 0, *metrics: bytes, at: int | None = None) -> bytes:
    """An NBIRTH."""
    return payload(metric("bdSeq", ("long", bd), INT64), *metrics, seq=0, at=at)


def died(bd: int) -> bytes:
    """An NDEATH."""
    return payload(metric("bdSeq", ("long", bd), INT64))
