"""What templates work with: values, texts and numbers that stay within their bounds."""

import json
from math import isfinite
from typing import Any

import msgspec

LONGEST_TEXT = 64 * 1024
# So many values may stand in a list or a dictionary that a template makes, at any depth.
_MOST_VALUES = 2_000
_BIGGEST = 2**63


class Fault(Exception):
    """A template can't be worked out, or not on this value."""


class TimeFault(Fault):
    """A template writes a time, which is nothing that is read here."""


class _Missing:
    """What is not there: no text, not equal to anything, and without parts of its own."""


MISSING = _Missing()


def from_json(value: str) -> Any:
    """The JSON of a text; MISSING where it is none."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return MISSING


def text_of(value: Any) -> str:
    """A value as a template prints it. Fault where it grows too long."""
    if value is MISSING:
        return ""
    if isinstance(value, dict | list):
        # Each time the same parts may stand in it again.
        if len(json.dumps(value, default=str)) > LONGEST_TEXT:
            raise Fault("the text grows too long")
        return str(value)
    return bounded(str(value))


def bounded(text: str) -> str:
    """A text of bearable length. Fault for any other."""
    if len(text) > LONGEST_TEXT:
        raise Fault("the text grows too long")
    return text


def is_true(value: Any) -> bool:
    """Whether a template takes a value for true."""
    return value is not MISSING and bool(value)


def counted(value: Any) -> int | float:
    """A number that can be counted with. Fault for anything else, and for one that grew too big."""
    if isinstance(value, int | float):
        if isinstance(value, int) and not -_BIGGEST < value < _BIGGEST:
            value = float(value)
        if isfinite(value):
            return int(value) if isinstance(value, int) else float(value)
    raise Fault("no number")


def sized(value: Any) -> Any:
    """A value that is there, and not too large. Fault for any other."""
    if value is MISSING:
        raise Fault("not there")
    waiting, seen = [value], 0
    while waiting:
        one = waiting.pop()
        seen += 1
        if isinstance(one, dict | list):
            if seen + len(waiting) + len(one) > _MOST_VALUES:
                raise Fault("too many values")
            waiting += one.values() if isinstance(one, dict) else one
    return value
