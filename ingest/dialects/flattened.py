"""Nested JSON as readings: numbers, booleans and texts under the path to them."""

from collections.abc import Iterator, Mapping
from typing import Any

_DEEPEST = 6
_LONGEST_TEXT = 200
_BIGGEST = 2**63


def flat(document: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """`{"a": {"b": 1}, "c": [2, 3]}` as `{"a.b": 1, "c.1": 2, "c.2": 3}`.

    Null, what is nested deeper than anything that measures, and texts that are no state are left
    out. So is a key `ts`: it would be taken for the time of the message.
    """
    return {
        key: value
        for name, inner in document.items()
        for key, value in _flat(name, inner, _DEEPEST)
        if key != "ts"
    }


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, bool | int | float | str]]:
    if isinstance(value, bool | float):
        yield _text(name), value
    elif isinstance(value, int):
        yield _text(name), value if -_BIGGEST <= value < _BIGGEST else _far(value)
    elif isinstance(value, str):
        if len(value) <= _LONGEST_TEXT:
            yield _text(name), _text(value)
    elif depth and isinstance(value, dict):
        for inner, each in value.items():
            yield from _flat(f"{name}.{inner}", each, depth - 1)
    elif depth and isinstance(value, list):
        for place, each in enumerate(value, 1):
            yield from _flat(f"{name}.{place}", each, depth - 1)


def _far(value: int) -> float:
    """A whole number that no 64 bits hold; which is refused for what it is, not for its size."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _text(text: str) -> str:
    # Half characters can be written in JSON, and no database keeps them.
    return text.encode("utf-8", "replace").decode()
