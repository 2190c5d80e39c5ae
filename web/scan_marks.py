"""What was noticed about a scan beside its verdict, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.languages import mark, translations
from web.reader import Reader

DISTANCE = mark("%(away)s m from the checkpoint, by a position that is exact to %(exact)s m.")
AHEAD = mark("The clock of the scanner was %(time)s ahead.")
RETYPED = mark("Not as a tag writes it: somebody typed or changed it on the way.")
FAINT = mark("Heard at %(dbm)s dBm.")
STEP_OFF = mark("The code of half a minute before or after.")
# The seal is worth a word of warning in these states alone.
_BROKEN = ("open", "opened_before")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something noticed. grave: a reason to look closer."""

    text: str
    grave: bool


def marks_of(reader: Reader, scan: Mapping[str, Any]) -> list[Mark]:
    """The marks of a scan as `list_scans` shows it, what is grave first.

    Evidence that nobody needs in words, such as the counter itself, is left out.
    """
    found: list[Mark] = []
    for name, value in scan["evidence"].items():
        known = _MARKS.get(name)
        if known is not None:
            found += known(reader, value, scan["evidence"])
    return sorted(found, key=lambda one: not one.grave)


def _gap(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    number = int(value)
    text = translations(reader.language).ngettext(
        "%(num)s tap of this tag before it was never sent.",
        "%(num)s taps of this tag before it were never sent.",
        number,
    )
    return [Mark(text % {"num": number}, grave=True)]


def _tamper(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.word("tamper", str(value)), grave=value in _BROKEN)]


def _distance(reader: Reader, value: Any, every: Mapping[str, Any]) -> list[Mark]:
    exact = reader.number(float(every.get("accuracy_m", 0)))
    away = reader.number(float(value))
    return [Mark(reader.translate(DISTANCE, away=away, exact=exact), grave=False)]


def _ahead(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.translate(AHEAD, time=reader.span(float(value))), grave=True)]


def _retyped(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.translate(RETYPED), grave=True)] if value else []


def _faint(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.translate(FAINT, dbm=value), grave=False)]


def _step_off(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.translate(STEP_OFF), grave=False)] if value else []


def _post(reader: Reader, value: Any, _all: Mapping[str, Any]) -> list[Mark]:
    return [Mark(reader.word("scan_post", str(value)), grave=value == "other_post")]


_MARKS = {
    "counter_gap": _gap,
    "tamper": _tamper,
    "distance_m": _distance,
    "clock_ahead_s": _ahead,
    "lower_case": _retyped,
    "dbm": _faint,
    "steps_off": _step_off,
    "post": _post,
}
