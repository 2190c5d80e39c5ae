"""Where to begin with a limit: a deadband and a delay for a point of its kind.

The figures are the common starting values that are usually attributed to EEMUA 191 and
ISA-TR18.2.3: a deadband as a part of the range, and a delay. Sensors of buildings often report
every 5 to 15 minutes, where a delay of 15 s means nothing: it is then two report intervals.
"""

from dataclasses import dataclass

from rules.catalog import PointType
from rules.durations import SECOND, format_duration

_PRESSURE = ("Pa", "hPa", "kPa", "MPa", "bar", "mbar", "psi")
_FLOW = ("m³/h", "m3/h", "L/min", "L/s", "L/h", "m³/s")
# Deadband as a part of the range, delay in seconds.
TEMPERATURE, PRESSURE, FLOW, LEVEL = (0.01, 60), (0.02, 15), (0.05, 15), (0.05, 60)
INTERVALS = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """deadband: in the point's unit, None where nothing common is known. delay: as written."""

    deadband: float | None
    delay: str


def suggest(point: PointType, interval: float | None) -> Suggestion:
    """What is commonly begun with. interval: how often the point reports, in seconds."""
    usual = _usual(point)
    least = INTERVALS * (interval or 0)
    seconds = max(usual[1] if usual else 0, least)
    delay = format_duration(round(seconds) * SECOND) if seconds else ""
    if usual is None or point.low is None or point.high is None:
        return Suggestion(None, delay)
    return Suggestion(_rounded(usual[0] * (point.high - point.low)), delay)


def _usual(point: PointType) -> tuple[float, int] | None:
    if point.kind != "number":
        return None
    if point.unit in ("°C", "°F", "K"):
        return TEMPERATURE
    if point.unit in _PRESSURE:
        return PRESSURE
    if point.unit in _FLOW:
        return FLOW
    return LEVEL if "level" in point.code else None


def _rounded(value: float) -> float:
    """To two figures, as people write limits."""
    return float(f"{value:.2g}")


def clear_limit(limit: str, *, above: bool, deadband: float | None) -> str:
    """The limit of the end beside a limit of the beginning; empty where none can be told."""
    try:
        number = float(limit)
    except ValueError:
        return ""
    if deadband is None:
        return ""
    return f"{round(number - deadband if above else number + deadband, 6):g}"
