"""Whether a value can be one of its point's."""

from typing import Any

from ingest.decoding import Problem, number
from ingest.registry import PointState


def sound_value(point: PointState, value: Any) -> float | Problem:
    """The value as a number, or why the point cannot have it: wrong type, or out of its range."""
    result = number(value, point.states, boolean=point.boolean)
    if isinstance(result, Problem):
        return result
    result = result * point.scale + point.shift
    if point.event and result != 1.0:
        return Problem("wrong_type", "an event happens or is not told at all; the value is true")
    if not point.low <= result <= point.high:
        unit = f" {point.unit}" if point.unit else ""
        return Problem(
            "out_of_range",
            f"{result:g}{unit} is outside {point.low:g} to {point.high:g}{unit}",
        )
    return result
