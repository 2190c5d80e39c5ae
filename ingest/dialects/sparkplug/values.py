"""What the values of metrics mean, by their data types."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ingest.dialects.sparkplug.wire import DataSet, Metric, read_data_set, read_template
from ingest.dialects.spoken import DescribedPoint
from ingest.dialects.values import LONGEST_TEXT, Value, known_unit, sound

_INT_BITS: Mapping[int, int] = {1: 8, 2: 16, 3: 32, 4: 64}
_UINT_BITS: Mapping[int, int] = {5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
_FLOAT, _DOUBLE, BOOLEAN, _STRING, _TEXT, _UUID = 9, 10, 11, 12, 14, 15
_DATA_SET, _TEMPLATE, _BOOLEANS, _STRINGS = 16, 19, 32, 33
_ARRAYS: Mapping[int, str] = {
    22: "b",
    23: "h",
    24: "i",
    25: "q",
    26: "B",
    27: "H",
    28: "I",
    29: "Q",
    30: "f",
    31: "d",
    34: "q",
}
_TEXTS = (_STRING, _TEXT, _UUID)
_PLAIN = frozenset((*_INT_BITS, *_UINT_BITS, *range(_FLOAT, _STRING + 1), *_TEXTS))
_DEEPEST = 4
_MOST_OF_ARRAY = 1000
# OPC: from 192 on the value is good; 0 is bad, 500 stale.
_GOOD = range(192, 256)
_UNIT_PROPERTIES = frozenset({"engunit", "engunits", "engineeringunits", "unit", "units", "uom"})
_UNITS = {"deg C": "°C", "Celsius": "°C", "Percent": "%", "percent": "%"}


def is_sound(metric: Metric) -> bool:
    """Whether there is a value, and its source does not call it bad or stale (property Quality)."""
    quality = metric.properties.get("Quality")
    return not metric.null and (not isinstance(quality, int) or quality in _GOOD)


def values_of(
    name: str, metric: Metric, datatype: int, depth: int = _DEEPEST
) -> Iterator[tuple[str, Value]]:
    """(key, value) of a metric: several for a data set, a template or an array.

    Raises Malformed. What can't be a reading (bytes, files, a text that is no state) is left out.
    """
    raw = metric.value
    if isinstance(raw, bytes):
        yield from _composed(name, raw, datatype, depth)
    else:
        value = _plain(raw, datatype)
        if value is not None:
            yield name, value


def _plain(raw: Any, datatype: int) -> Value | None:
    """A text where a number was announced stays a text, and is quarantined as what it is."""
    if datatype == BOOLEAN and raw in (0, 1):
        # As some clients write it into a field of numbers.
        return bool(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return sound(_whole(raw, datatype))
    return sound(raw)


def _whole(raw: int, datatype: int) -> int:
    """Negative numbers stand there in two's complement, of their own width or of a wider one."""
    bits = _INT_BITS.get(datatype)
    if bits:
        number = raw & (1 << bits) - 1
        return number - (1 << bits) if number >> bits - 1 else number
    unsigned = _UINT_BITS.get(datatype)
    return raw & (1 << unsigned) - 1 if unsigned else raw


def _composed(name: str, raw: bytes, datatype: int, depth: int) -> Iterator[tuple[str, Value]]:
    if not depth:
        return
    if datatype == _TEMPLATE:
        defines, members = read_template(raw)
        for member in members if not defines else ():
            if member.name and is_sound(member):
                key = f"{name}.{member.name}"
                yield from values_of(key, member, member.datatype, depth - 1)
    elif datatype == _DATA_SET:
        yield from _table(name, read_data_set(raw))
    elif datatype in _ARRAYS or datatype in (_BOOLEANS, _STRINGS):
        for place, value in enumerate(_array(raw, datatype), 1):
            yield f"{name}.{place}", value


def _table(name: str, table: DataSet) -> Iterator[tuple[str, Value]]:
    """A table of one row is `name.column`, of several `name.1.column`."""
    for place, row in enumerate(table.rows[:_MOST_OF_ARRAY], 1):
        begin = f"{name}.{place}" if len(table.rows) > 1 else name
        for column, kind, raw in zip(table.columns, table.types, row, strict=False):
            value = _plain(raw, kind)
            if value is not None:
                yield f"{begin}.{column}", value


def _array(raw: bytes, datatype: int) -> list[Value]:
    if datatype == _BOOLEANS:
        count = int.from_bytes(raw[:4], "little")
        bits = "".join(f"{byte:08b}" for byte in raw[4 : 4 + _MOST_OF_ARRAY])
        return [bit == "1" for bit in bits[: min(count, _MOST_OF_ARRAY)]]
    if datatype == _STRINGS:
        # Each ends in a zero.
        texts = raw.removesuffix(b"\0").split(b"\0")[:_MOST_OF_ARRAY]
        return [part.decode("utf-8", "replace")[:LONGEST_TEXT] for part in texts]
    code = _ARRAYS[datatype]
    size = struct.calcsize("<" + code)
    count = min(len(raw) // size, _MOST_OF_ARRAY)
    return list(struct.unpack(f"<{count}{code}", raw[: count * size]))


def points_of(metrics: Iterable[tuple[str, Metric]]) -> tuple[DescribedPoint, ...]:
    """What a birth says of its metrics, with the unit where a property names it.

    Raises Malformed.
    """
    return tuple(_points(metrics, _DEEPEST))


def _points(metrics: Iterable[tuple[str, Metric]], depth: int) -> Iterator[DescribedPoint]:
    for name, metric in metrics:
        if metric.datatype in _PLAIN:
            yield DescribedPoint(name, _kind(metric.datatype), unit=_unit(metric.properties))
        elif metric.datatype == _TEMPLATE and isinstance(metric.value, bytes) and depth:
            defines, members = read_template(metric.value)
            named = ((f"{name}.{each.name}", each) for each in members if each.name)
            yield from _points(() if defines else named, depth - 1)


def _kind(datatype: int) -> str:
    if datatype == BOOLEAN:
        return "boolean"
    return "state" if datatype in _TEXTS else "number"


def _unit(properties: Mapping[str, Any]) -> str | None:
    for key, said in properties.items():
        if key.replace(" ", "").lower() in _UNIT_PROPERTIES and isinstance(said, str):
            return known_unit(_UNITS.get(said.strip(), said))
    return None
