"""What becomes of a raw value."""

import math
import re
from collections.abc import Mapping
from typing import Any

from core.mappings.model import Plain, Value
from core.mappings.templates import as_text, clean
from rules.units import COMMON_UNITS, significant
from rules.wording import Message, worded

# As long as a state may be that somebody reads.
_LONGEST_TEXT = 200
_BIGGEST = 2.0**53
_DECIMALS = 6
_NUMBER = re.compile(
    r"\s*[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?\s*", re.ASCII
)


_WITH_UNIT = re.compile(
    r"\s*(?P<number>[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))\s*(?P<unit>[^\s\d]\S{0,15})\s*",
    re.ASCII,
)
_SPELLED = {
    "℃": "°C",
    "C": "°C",
    "℉": "°F",
    "F": "°F",
    "％": "%",
    "㎥": "m³",
    "m3": "m³",
    "m3/h": "m³/h",
}


_KINDS: Mapping[type, Message] = {
    dict: worded("an object"),
    list: worded("an array"),
    str: worded("a text"),
    bool: worded("a switch"),
}
_NUMBER_KIND = worded("a plain number")


class Unfit(Exception):
    """The raw value can't be this reading's. detail: why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def worth(raw: Any, value: Value) -> Plain | None:
    """The value to tell; None when nothing was measured. Raises Unfit."""
    text = as_text(raw)
    if text is None:
        raise Unfit(worded("%(what)s is no value", what=kind_of(raw)))
    if text in value.nan or text.strip() in value.nan:
        return None
    if value.bits is not None:
        raw = _part(as_number(raw), *value.bits)
        text = str(raw)
    if value.words is not None:
        meant = _meant(text.strip(), value.words)
        if meant is None:
            known = ", ".join(list(value.words)[:10])
            raise Unfit(
                worded(
                    "%(text)s is none of the words: %(known)s", text=repr(text[:40]), known=known
                )
            )
        raw = meant
    number = as_number(_bare(raw, value.unit))
    if value.bit is not None:
        return _bit(number, value.bit)
    if number is None:
        return clean(str(raw))[:_LONGEST_TEXT]
    return _scaled(number, value)


def _meant(text: str, words: Mapping[str, Plain]) -> Plain | None:
    """What a word means; large and small letters only matter where somebody wrote both."""
    if text in words:
        return words[text]
    folded = text.casefold()
    return next((meant for word, meant in words.items() if word.strip().casefold() == folded), None)


def _bare(raw: Any, unit: str | None) -> Any:
    """A value without the unit that is written behind it: `23.5 ℃`."""
    found = _WITH_UNIT.fullmatch(raw) if unit is not None and isinstance(raw, str) else None
    if found is None or unit is None:
        return raw
    written = _SPELLED.get(found["unit"], found["unit"])
    same = written == unit or (
        written not in COMMON_UNITS and written.casefold() == unit.casefold()
    )
    return found["number"] if same else raw


def _part(number: bool | int | float | None, first: int, last: int) -> int:
    """The number in some of the bits."""
    whole = _whole(number)
    return whole >> first & ((1 << last - first + 1) - 1)


def as_number(raw: Any) -> bool | int | float | None:
    """A number, a switch, or a text that is a number; None for another text."""
    if isinstance(raw, str):
        if not _NUMBER.fullmatch(raw):
            return None
        number = float(raw)
        return int(raw) if raw.strip().lstrip("+-").isdecimal() else number
    return raw if isinstance(raw, bool | int | float) else None


def _bit(number: bool | int | float | None, bit: int) -> bool:
    return bool(_whole(number) >> bit & 1)


def _whole(number: bool | int | float | None) -> int:
    if number is None or (isinstance(number, float) and not number.is_integer()):
        raise Unfit(worded("only a whole number has bits"))
    if number < 0:
        raise Unfit(worded("a negative number has no bits to ask for"))
    return int(number)


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
            raise Unfit(worded("the number is too large")) from None
    if isinstance(plain, float) and not math.isfinite(plain):
        raise Unfit(worded("the value is not a finite number"))
    if abs(plain) > _BIGGEST and isinstance(plain, int):
        try:
            return float(plain)
        except OverflowError:
            raise Unfit(worded("the number is too large")) from None
    return plain


def kind_of(raw: Any) -> str:
    """What a value of JSON is, in words."""
    return "null" if raw is None else _KINDS.get(type(raw), _NUMBER_KIND)
