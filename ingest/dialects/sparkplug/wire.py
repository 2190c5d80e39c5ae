"""Payloads of Sparkplug B as they are on the wire: protobuf, read by its field numbers.

The numbers are those of the specification's chapter 6. What is read here are four kinds of
fields; a reader of them is smaller than a library that compiles a schema which may not be copied.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10
# Fields by number: what of a message is wanted, and how it is read.
_UINT, _BOOL, _TEXT, _FLOAT, _DOUBLE, _RAW = range(6)
_VALUES: Mapping[int, int] = {
    10: _UINT,
    11: _UINT,
    12: _FLOAT,
    13: _DOUBLE,
    14: _BOOL,
    15: _TEXT,
    16: _RAW,
    17: _RAW,
    18: _RAW,
}
# A property's value: the same kinds under other numbers.
_PROPERTY_VALUES: Mapping[int, int] = {
    3: _UINT,
    4: _UINT,
    5: _FLOAT,
    6: _DOUBLE,
    7: _BOOL,
    8: _TEXT,
}
_ELEMENT_VALUES: Mapping[int, int] = {
    1: _UINT,
    2: _UINT,
    3: _FLOAT,
    4: _DOUBLE,
    5: _BOOL,
    6: _TEXT,
}
_MOST_METRICS = 100_000
# What libraries of Tahu put in place of a payload that they pack.
_PACKED = b"SPBV1.0_COMPRESSED"
_LARGEST_UNPACKED = 16 * 1024 * 1024
# Both zlib's own form and that of gzip.
_ANY_FORM = zlib.MAX_WBITS | 32


class Malformed(Exception):
    """The bytes are no message of this kind."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. value: as it stands there; `datatype` says what it means."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int = 0
    null: bool = False
    value: Any = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payload:
    """timestamp: ms."""

    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table: names and data types of its columns, and its rows."""

    columns: tuple[str, ...]
    types: tuple[int, ...]
    rows: tuple[tuple[Any, ...], ...]


def read_payload(body: bytes) -> Payload:
    """The payload in these bytes, also where it is packed. Raises Malformed."""
    fields = _fields(body)
    if fields.get(4, [None])[-1] == _PACKED and 5 in fields:
        inner = _fields(_unpacked_body(_raw(fields[5][-1])))
        fields = {3: fields.get(3, []), **inner} if fields.get(3) else inner
    metrics = [_metric(_raw(each)) for each in fields.get(2, [])[:_MOST_METRICS]]
    return Payload(_number(fields, 1), _number(fields, 3), tuple(metrics))


def _unpacked_body(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(_ANY_FORM)
    try:
        found = unpacking.decompress(body, _LARGEST_UNPACKED)
    except zlib.error as error:
        raise Malformed(f"can't be unpacked: {error}") from None
    if not unpacking.eof:
        raise Malformed("what is packed is cut, or too large")
    return found


def read_template(body: bytes) -> tuple[bool, tuple[Metric, ...]]:
    """Whether it only defines a template, and the members. Raises Malformed."""
    fields = _fields(body)
    members = tuple(_metric(_raw(each)) for each in fields.get(2, []))
    return bool(_number(fields, 5)), members


def read_data_set(body: bytes) -> DataSet:
    """Raises Malformed."""
    fields = _fields(body)
    rows = [
        tuple(
            _value(_fields(_raw(each)), _ELEMENT_VALUES) for each in _fields(_raw(row)).get(1, [])
        )
        for row in fields.get(4, [])
    ]
    columns = tuple(_text(_raw(each)) for each in fields.get(2, []))
    types = tuple(_unpacked(fields.get(3, [])))
    return DataSet(columns, types, tuple(rows))


def rebirth(timestamp: int | None) -> bytes:
    """A command that asks an edge node to be born again (`Node Control/Rebirth`)."""
    said = b"Node Control/Rebirth"
    when = b"" if timestamp is None else _key(3, _VARINT) + _varint(timestamp)
    metric = (
        _key(1, _BYTES)
        + _varint(len(said))
        + said
        + when
        + _key(4, _VARINT)
        + _varint(11)
        + _key(14, _VARINT)
        + _varint(1)
    )
    outer = b"" if timestamp is None else _key(1, _VARINT) + _varint(timestamp)
    return outer + _key(2, _BYTES) + _varint(len(metric)) + metric


def _metric(body: bytes) -> Metric:
    fields = _fields(body)
    return Metric(
        name=_text(_raw(fields[1][-1])) if 1 in fields else None,
        alias=_number(fields, 2),
        timestamp=_number(fields, 3),
        datatype=_number(fields, 4) or 0,
        null=bool(_number(fields, 7)),
        value=_value(fields, _VALUES),
        properties=_properties(_raw(fields[9][-1])) if 9 in fields else {},
    )


def _properties(body: bytes) -> dict[str, Any]:
    fields = _fields(body)
    keys = [_text(_raw(each)) for each in fields.get(1, [])]
    values = [_value(_fields(_raw(each)), _PROPERTY_VALUES) for each in fields.get(2, [])]
    return dict(zip(keys, values, strict=False))


def _value(fields: Mapping[int, list[int | bytes]], kinds: Mapping[int, int]) -> Any:
    for number, kind in kinds.items():
        if number in fields:
            return _read(kind, fields[number][-1])
    return None


def _read(kind: int, raw: int | bytes) -> Any:
    if kind in (_UINT, _BOOL):
        number = _whole(raw)
        return bool(number) if kind == _BOOL else number
    if kind in (_TEXT, _RAW):
        body = _raw(raw)
        return _text(body) if kind == _TEXT else body
    size, code = (4, "<f") if kind == _FLOAT else (8, "<d")
    body = _raw(raw)
    if len(body) != size:
        raise Malformed("a number of the wrong length")
    (value,) = struct.unpack(code, body)
    return _shortest(value) if kind == _FLOAT else value


def _shortest(value: float) -> float:
    """A float of 32 bits as what was meant: 12.1, not 12.100000381469727."""
    if value - value != 0:
        return value
    for digits in range(6, 9):
        said = float(f"{value:.{digits}g}")
        if abs(said) < 3.4e38 and struct.unpack("<f", struct.pack("<f", said))[0] == value:
            return said
    return value


def _number(fields: Mapping[int, list[int | bytes]], number: int) -> int | None:
    return _whole(fields[number][-1]) if number in fields else None


def _whole(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise Malformed("a number was expected")
    return raw


def _raw(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise Malformed("bytes were expected")
    return raw


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a text that is not UTF-8") from None


def _fields(body: bytes) -> dict[int, list[int | bytes]]:
    """Every field of a message under its number, in order."""
    found: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(body):
        key, at = _varint_at(body, at)
        kind = key & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint_at(body, at)
        else:
            size = {_EIGHT: 8, _FOUR: 4}.get(kind)
            if kind == _BYTES:
                size, at = _varint_at(body, at)
            if size is None or not key >> 3 or at + size > len(body):
                raise Malformed(f"byte {at}")
            value = body[at : at + size]
            at += size
        found.setdefault(key >> 3, []).append(value)
    return found


def _unpacked(values: list[int | bytes]) -> Iterator[int]:
    """Numbers, whether each stands alone or several are packed into one field."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            number, at = _varint_at(value, at)
            yield number


def _varint_at(body: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(body[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise Malformed(f"byte {at}")


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
