"""What becomes of a raw value."""

import math
import re
from typing import Any

from core.mappings.model import Plain, Value
from core.mappings.templates import as_text, clean
from rules.units import significant

# As long as a state may be that somebody reads.
_LONGEST_TEXT = 200
_BIGGEST = 2.0**53
_DECIMALS = 6
_NUMBER = re.compile(
    r"\s*[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?\s*", re.ASCII
)


class Unfit(Exception):
    """The raw value can't be this reading's. detail: why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def worth(raw: Any, value: Value) -> Plain | None:
    """The value to tell; None when nothing was measured. Raises Unfit."""
    text = as_text(raw)
    if text is None:
        raise Unfit(f"{kind_of(raw)} is no value")
    if text in value.nan or text.strip() in value.nan:
        return None
    if value.words is not None:
        meant = value.words.get(text, value.words.get(text.strip()))
        if meant is None:
            known = ", ".join(list(value.words)[:10])
            raise Unfit(f"{text[:40]!r} is none of the words: {known}")
        raw = meant
    number = as_number(raw)
    if value.bit is not None:
        return _bit(number, value.bit)
    if number is None:
        return clean(str(raw))[:_LONGEST_TEXT]
    return _scaled(number, value)


def as_number(raw: Any) -> bool | int | float | None:
    """A number, a switch, or a text that is a number; None for another text."""
    if isinstance(raw, str):
        if not _NUMBER.fullmatch(raw):
            return None
        number = float(raw)
        return int(raw) if raw.strip().lstrip("+-").isdecimal() else number
    return raw if isinstance(raw, bool | int | float) else None


def _bit(number: bool | int | float | None, bit: int) -> bool:
    if number is None or (isinstance(number, float) and not number.is_integer()):
        raise Unfit("only a whole number has bits")
    if number < 0:
        raise Unfit("a negative number has no bits to ask for")
    return bool(int(number) >> bit & 1)


def _scaled(number: bool | int | float, value: Value) -> Plain | None:
    if isinstance(number, bool) and value.scale == 1 and value.offset == 0:
        return number
    if isinstance(number, float) and math.isnan(number):
        return None
    factor, shift = value.linear
    if (value.scale, value.offset, factor, shift) == (1.0, 0.0, 1.0, 0.0):
        plain = number
    else:
        try:
            sent = significant(float(number) * value.scale + value.offset)
            told = sent * factor + shift
            # Scales that begin elsewhere are those of temperature; 212 °F are 100 °C.
            plain = round(told, _DECIMALS) if shift else significant(told)
        except OverflowError:
            raise Unfit("the number is too large") from None
    if isinstance(plain, float) and not math.isfinite(plain):
        raise Unfit("the value is not a finite number")
    if abs(plain) > _BIGGEST and isinstance(plain, int):
        try:
            return float(plain)
        except OverflowError:
            raise Unfit("the number is too large") from None
    return plain


def kind_of(raw: Any) -> str:
    """What a value of JSON is, in words."""
    names = {dict: "an object", list: "an array", str: "a text", bool: "a switch"}
    return "null" if raw is None else names.get(type(raw), "a number")
