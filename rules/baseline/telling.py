"""A baseline's verdict in words and numbers."""

from collections.abc import Callable

from rules.baseline.hours import weekday
from rules.baseline.verdict import Finding

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

NumberText = Callable[[float, str | None], str]


def explain(name: str, unit: str | None, finding: Finding, number_text: NumberText) -> str:
    """Why the point called `name` is odd; `number_text` writes a number with its unit."""
    if finding.per_hour:
        unit = f"{unit}/h" if unit else "per hour"
    known = _weeks(finding.days)
    value = number_text(_rounded(finding.value), unit)
    if finding.sort == "still":
        return (
            f"{name} {value} has not changed for {_span(finding.held)};"
            f" usual is at most {_span(finding.longest)} ({known})"
        )
    usual = _rounded_to(finding.usual, finding.spread)
    around = f"{usual} ± {number_text(_rounded(finding.spread, 2), unit)}"
    hour = finding.local // _HOUR
    clock = f"{_WEEKDAYS[weekday(hour)]} {hour % 24:02d}:{finding.local // _MINUTE % 60:02d}"
    said = f"{name} {value}; usual for {clock} is {around} ({known})"
    return f"{said}; {_how(finding)} for {_span(finding.lasted)}"


def _how(finding: Finding) -> str:
    return {
        "beat": f"{finding.times:.2g} times its usual spread",
        "hours": f"{finding.measure:.2g} times its usual spread through the last hours",
        "day": f"{finding.measure:.2g} times its usual spread through the last day",
        "shape": f"{finding.measure:.2g} times its usual spread in most hours of the last day",
        "restless": f"it swings {finding.measure / 0.6745:.2g} times as far as usual",
    }[finding.sort]


def _rounded(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def _rounded_to(value: float, spread: float) -> str:
    """`value` with as many decimals as two digits of its spread have."""
    text = f"{_rounded(spread, 2):f}".rstrip("0")
    return f"{value:.{len(text.partition('.')[2])}f}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _weeks(days: int) -> str:
    return _many(days // 7, "week") if days >= 14 else _many(days, "day")


def _span(micros: int) -> str:
    """A time as people say it: `25 min`, `3.5 h`, `2 days`."""
    if micros < 2 * _HOUR:
        return f"{micros // _MINUTE} min"
    if micros < 2 * _DAY:
        return f"{_rounded(micros / _HOUR, 2):g} h"
    return f"{_rounded(micros / _DAY, 2):g} days"
