"""Times as messages write them."""

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from core.clock import to_micros
from core.errors import Invalid
from core.local_time import resolve
from core.mappings.templates import as_text, clean
from core.mappings.values import kind_of
from rules.wording import Message, worded

FORMATS = ("auto", "s", "ms", "us", "iso")
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_LONGEST = 100
# Below this a number of µs would be taken for milliseconds.
_MICROS_FROM = 10**14


def format_fault(written: str) -> Message | None:
    """Why this is no format of a time; None when it is one."""
    if written in FORMATS:
        return None
    known = ", ".join(FORMATS)
    if "%" not in written or len(written) > _LONGEST:
        # The example stands as a value, since a per cent sign means something in a template.
        return worded(
            "one of %(known)s, or a pattern such as %(example)s",
            known=known,
            example="%Y-%m-%d %H:%M:%S",
        )
    try:
        moment = datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
        datetime.strptime(moment.strftime(written), written)  # noqa: DTZ007 - only tried
    except (ValueError, re.error):
        # Of one part twice, such as %Y %Y, Python makes an expression that is none.
        return worded("%(pattern)s is no pattern of a time", pattern=repr(written))
    return None


def as_ts(value: Any, written: str, where: ZoneInfo) -> Any:
    """The time as `ts` of our own messages; what is none stays as it is, to be told as wrong.

    where: of times that name no zone.
    """
    if written == "auto":
        return _by_itself(value, where)
    if written in _PER_SECOND:
        return _counted(value, _PER_SECOND[written])
    if isinstance(value, int | float) and not isinstance(value, bool) and written != "iso":
        # Digits of a date without quotes: 20261124120005.
        value = as_text(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return _shown(value)
    value = value.strip()
    try:
        moment = (
            datetime.fromisoformat(value) if written == "iso" else datetime.strptime(value, written)  # noqa: DTZ007 - the zone is added if it names none
        )
        return _micros(resolve(moment, where) if moment.tzinfo is None else to_micros(moment))
    except (Invalid, OverflowError, ValueError):
        # Half characters could neither be passed on nor kept.
        return clean(value)


def _by_itself(value: Any, where: ZoneInfo) -> Any:
    """A number, or a text that is a number or ISO 8601."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return _shown(value)
    if isinstance(value, str):
        try:
            return _as_float(value)
        except ValueError:
            return as_ts(value, "iso", where)
    return value if abs(value) < 1e18 else _shown(value)


def _counted(value: Any, per_second: int) -> Any:
    try:
        number = _as_float(value)
    except (TypeError, ValueError, OverflowError):
        return _shown(value)
    return _micros(round(number * (1_000_000 / per_second)))


def _shown(value: Any) -> str:
    """What stands where a time should: short, so that it can be told as wrong."""
    if isinstance(value, str):
        return clean(value[:_LONGEST])
    return f"a time, not {kind_of(value)}"


def _as_float(value: Any) -> float:
    """A number that can be a time. ValueError, TypeError or OverflowError for all else."""
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > _LONGEST):
        raise ValueError
    number = float(value)
    if not isfinite(number) or abs(number) >= 1e18:
        raise ValueError
    return number


def _micros(micros: int) -> float | int:
    """A moment as `ts` takes it: µs where they can't be mistaken, else seconds."""
    return micros if micros >= _MICROS_FROM else micros / 1e6
