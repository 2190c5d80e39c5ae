"""The JSON in which the specification shows payloads, and which some gateways send.

Also as brokers write it that decode payloads and publish them anew: by the names of protobuf.
"""

import re
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.sparkplug.wire import Malformed, Metric, Payload

# As the specification spells data types, in the order of their numbers.
DATA_TYPES = [
    "Unknown",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
    "UUID",
    "DataSet",
    "Bytes",
    "File",
    "Template",
    "PropertySet",
    "PropertySetList",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "UInt8Array",
    "UInt16Array",
    "UInt32Array",
    "UInt64Array",
    "FloatArray",
    "DoubleArray",
    "BooleanArray",
    "StringArray",
    "DateTimeArray",
]

_LIMIT = 2**64
_KINDS = ("int", "long", "float", "double", "boolean", "string")
_LONG = ("long_value", "longValue")
_WHOLE = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_VALUES = ("value", *(f"{kind}{end}" for kind in _KINDS for end in ("_value", "Value")))


def read_spelled(body: bytes) -> Payload | Problem:
    """The payload in a JSON object."""
    document = parse(body)
    if isinstance(document, Problem):
        return document
    metrics = document.get("metrics", []) if isinstance(document, dict) else None
    if not isinstance(metrics, list) or not all(isinstance(each, dict) for each in metrics):
        return Problem("wrong_shape", "a payload is an object with a list of metrics")
    try:
        return Payload(
            _whole(document.get("timestamp")),
            _whole(document.get("seq")),
            tuple(_metric(each) for each in metrics),
        )
    except Malformed as error:
        return Problem("wrong_shape", f"Sparkplug B in JSON: {error}")


def _metric(said: dict[str, Any]) -> Metric:
    name = said.get("name")
    kind = said.get("dataType", said.get("datatype"))
    value = _value(said)
    null = said.get("is_null", said.get("isNull")) is True
    plain = not null and isinstance(value, bool | int | float | str)
    if isinstance(value, int) and not -_LIMIT // 2 <= value < _LIMIT:
        raise Malformed("a whole number longer than 64 bits")
    return Metric(
        name=_sound(name) if isinstance(name, str) else None,
        alias=_whole(said.get("alias")),
        timestamp=_whole(said.get("timestamp")),
        datatype=_datatype(kind),
        null=not plain,
        value=(_sound(value) if isinstance(value, str) else value) if plain else None,
        properties=_properties(said.get("properties")),
    )


def _value(said: dict[str, Any]) -> Any:
    key = next((each for each in _VALUES if each in said), None)
    value = said[key] if key else None
    if key in _LONG and isinstance(value, str) and _WHOLE.fullmatch(value):
        # As protobuf writes whole numbers of 64 bits.
        return int(value)
    return value


def _properties(said: Any) -> dict[str, Any]:
    """By their names: as objects of `value`, or as protobuf has them, keys and values apart."""
    if not isinstance(said, dict):
        return {}
    keys, values = said.get("keys"), said.get("values")
    pairs = (
        zip(keys, values, strict=False)
        if isinstance(keys, list) and isinstance(values, list)
        else said.items()
    )
    return {
        _sound(key): _value(each)
        for key, each in pairs
        if isinstance(key, str) and isinstance(each, dict)
    }


def _datatype(kind: Any) -> int:
    """By its name or its number; 0 where it is neither."""
    if isinstance(kind, int) and 0 <= kind < len(DATA_TYPES):
        return int(kind)
    return DATA_TYPES.index(kind) if kind in DATA_TYPES else 0


def _sound(text: str) -> str:
    # Half characters can be written in JSON, and no database keeps them.
    return text.encode("utf-8", "replace").decode()


def _whole(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        # As protobuf writes whole numbers of 64 bits.
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LIMIT:
        raise Malformed("times, sequence numbers and aliases are whole numbers")
    return value
