"""How far covers, valves and fans are, in percent, and what valves say on their one topic."""

from collections.abc import Mapping
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.values import Value, number, number_in, says_nothing, sound

# The keys of both ends of a range, and what they are when nothing was agreed on.
_ENDS = {
    "percentage": (("speed_range_min", 1.0), ("speed_range_max", 100.0)),
    "position": (("position_closed", 0.0), ("position_open", 100.0)),
    "tilt": (("tilt_min", 0.0), ("tilt_max", 100.0)),
}


def scale_of(channel: str, said: Mapping[str, Any]) -> list[float] | None:
    """What is 0 % and what is 100 % of a channel; None where it is told in percent."""
    if channel not in _ENDS:
        return None
    first, last = (
        usual if (end := number(said.get(key))) is None else end for key, usual in _ENDS[channel]
    )
    # A fan's lowest speed is one that turns: below it stands 0 %.
    none = first - 1 if channel == "percentage" else first
    return None if none == last or (none, last) == (0.0, 100.0) else [none, last]


def percent(value: float, ends: list[float] | None) -> float:
    """A place between two ends, of which either may be the greater; never beyond them."""
    none, last = ends or (0.0, 100.0)
    return round(min(100.0, max(0.0, (value - none) * 100 / (last - none))), 1)


def valve_told(text: str, bound: Mapping[str, Any]) -> dict[str, Value] | Problem:
    """State and position of a valve: a word, a number, or both in a JSON object.

    bound: its key, the words for open and closed, and whether it tells positions (`reports`), on
    which scale. One that tells nothing but a position is open or closed by it.
    """
    key = bound["key"]
    said = parse(text.encode("utf-8", "replace")) if text.startswith("{") else None
    if isinstance(said, Problem):
        return said
    whole = said if isinstance(said, dict) else None
    state: Any = text if whole is None else whole.get("state")
    place = number_in(text) if whole is None else number(whole.get("position"))
    found: dict[str, Value] = {}
    if bound["reports"] and place is not None:
        found[f"{key}.position"] = percent(place, bound.get("scale"))
        if whole is None or state is None:
            state = bound["open"] if found[f"{key}.position"] else bound["closed"]
    state = None if state is None else sound(str(state))
    if state is not None and not says_nothing(state):
        if bound["words"] and state not in bound["words"]:
            return Problem("wrong_type", f"{key[:60]}: {state[:40]!r} is no state of a valve")
        found[key] = state
    return found
