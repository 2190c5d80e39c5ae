"""What is not as usual, told in the reader's language; see `rules.baseline.telling`."""

import re
from collections.abc import Callable

from babel.dates import get_day_names
from babel.units import format_unit

from web.languages import locale_of, mark
from web.reader import Reader

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBER = r"-?\d[\d.]*(?:e[+-]?\d+)?"
_UNIT = r"(?: per hour| [^\s;()]+)?"
_SPAN = r"\d[\d.]*(?:e[+-]?\d+)? (?:min|h|days?|weeks?)"
_KNOWN = rf"\((?P<known>{_SPAN})\)"
_NAME = r"(?!(?:and|or|not)\b)[^\W\d]\w*"
# As a part of a longer pattern; its group `usual` is all of it.
PATTERN = (
    rf"(?P<usual>(?P<odd>{_NAME}) (?P<told>{_NUMBER}{_UNIT})"
    rf"(?: has not changed for (?P<still>{_SPAN}); usual is at most (?P<longest>{_SPAN}) "
    rf"|; usual for (?P<weekday>{'|'.join(_WEEKDAYS)}) (?P<clock>\d\d:\d\d) is"
    rf" (?P<level>{_NUMBER}) ± (?P<spread>{_NUMBER}{_UNIT}) ){_KNOWN}"
    rf"(?:; (?P<swings>it swings )?(?P<times>{_NUMBER}) times"
    r" (?P<off>as far as usual|its usual spread(?: through the last hours| through the last day"
    rf"| in most hours of the last day)?) for (?P<lasted>{_SPAN}))?"
    rf"|(?P<short>{_NAME}) is (?P<verdict>unusual|as usual)"
    rf"|(?P<unknown>{_NAME}): what is usual is not known yet)"
)
_HOW = {
    "its usual spread": mark("%(times)s times its usual spread"),
    "its usual spread through the last hours": mark(
        "%(times)s times its usual spread through the last hours"
    ),
    "its usual spread through the last day": mark(
        "%(times)s times its usual spread through the last day"
    ),
    "its usual spread in most hours of the last day": mark(
        "%(times)s times its usual spread in most hours of the last day"
    ),
    "as far as usual": mark("it swings %(times)s times as far as usual"),
}
_VERDICTS = {
    "unusual": mark("%(point)s is not as usual"),
    "as usual": mark("%(point)s is as usual"),
}
_SPANS = {
    "min": "duration-minute",
    "h": "duration-hour",
    "day": "duration-day",
    "week": "duration-week",
}


def usual_told(reader: Reader, found: re.Match[str], name: Callable[[str], str]) -> str:
    """What was found by `PATTERN`; `name` tells the name of a point."""
    say = reader.translate
    if found["short"]:
        return say(_VERDICTS[found["verdict"]], point=name(found["short"]))
    if found["unknown"]:
        return say(mark("%(point)s: what is usual is not known yet"), point=name(found["unknown"]))
    point, known = name(found["odd"]), _span(reader, found["known"])
    if found["still"]:
        return say(
            mark(
                "%(point)s %(value)s has not changed for %(time)s; usual is at most %(longest)s"
                " (from %(known)s)"
            ),
            point=point,
            value=_value(reader, found["told"]),
            time=_span(reader, found["still"]),
            longest=_span(reader, found["longest"]),
            known=known,
        )
    number = _WEEKDAYS.index(found["weekday"])
    return say(
        mark(
            "%(point)s %(value)s; usual for %(weekday)s %(clock)s is %(usual)s ± %(spread)s"
            " (from %(known)s); %(how)s, so far for %(time)s"
        ),
        point=point,
        value=_value(reader, found["told"]),
        weekday=get_day_names("wide", locale=locale_of(reader.language))[number],
        clock=found["clock"],
        usual=found["level"],
        spread=_value(reader, found["spread"]),
        known=known,
        how=say(_HOW[found["off"]], times=found["times"]),
        time=_span(reader, found["lasted"]),
    )


def _value(reader: Reader, text: str) -> str:
    """A number with its unit; one of a counter without a unit is so many an hour."""
    number, found, _ = text.partition(" per hour")
    return reader.translate(mark("%(number)s per hour"), number=number) if found else text


def _span(reader: Reader, text: str) -> str:
    number, _, word = text.partition(" ")
    unit = _SPANS[word.removesuffix("s")]
    return format_unit(float(number), unit, "short", locale=locale_of(reader.language))
