"""What people do during a run: they plan work, take tickets on, hold them, close them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from simulators.world.site import seconds


class Deed(StrEnum):
    """What somebody does, through the API of the product as a person would."""

    ACKNOWLEDGE = "acknowledge"  # the alarms of a fault
    SHELVE = "shelve"  # the alarms of a fault, until a moment
    ACCEPT = "accept"  # the tickets of a fault
    HOLD = "hold"  # the tickets of a fault, until a moment
    CLOSE = "close"  # the tickets of a fault, from taking them on to closing them
    TIDY = "tidy"  # every other ticket whose sensor has recovered, closed
    PLAN_WORK = "plan_work"  # maintenance on an asset or a space, until a moment
    OUT_OF_SERVICE = "out_of_service"  # the smoke alarms of an asset or a space, by two people


_OF_A_FAULT = frozenset({Deed.ACKNOWLEDGE, Deed.SHELVE, Deed.ACCEPT, Deed.HOLD, Deed.CLOSE})
_OF_A_THING = frozenset({Deed.PLAN_WORK, Deed.OUT_OF_SERVICE})
_UNTIL = frozenset({Deed.SHELVE, Deed.HOLD, Deed.PLAN_WORK, Deed.OUT_OF_SERVICE})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that somebody does `at` a moment. Times: seconds from the start of the run.

    fault: whose alarms or tickets; target: the code of an asset or a space.
    """

    id: str
    at: float
    do: Deed
    fault: str = ""
    target: str = ""
    until: float | None = None
    reason: str = ""


def read_action(entry: dict[str, Any], number: int) -> Action:
    """An action from an entry of a plan. Raises ValueError, KeyError, TypeError."""
    known = {"id", "at", "do", "fault", "target", "until", "reason"}
    if unknown := sorted(set(entry) - known):
        raise ValueError(f"unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    deed = Deed(entry["do"])
    for key, deeds in (("fault", _OF_A_FAULT), ("target", _OF_A_THING), ("until", _UNTIL)):
        if deed in deeds and not entry.get(key):
            raise ValueError(f"{deed} needs `{key}`")
        if deed not in deeds and entry.get(key):
            raise ValueError(f"{deed} takes no `{key}`")
    return Action(
        id=str(entry.get("id", f"a{number:03}")),
        at=seconds(entry["at"]),
        do=deed,
        fault=str(entry.get("fault", "")),
        target=str(entry.get("target", "")),
        until=seconds(entry["until"]) if "until" in entry else None,
        reason=str(entry.get("reason", "")),
    )


def action_entry(action: Action) -> dict[str, Any]:
    """An action as an entry of a plan."""
    entry: dict[str, Any] = {"id": action.id, "at": action.at, "do": action.do.value}
    given = {"fault": action.fault, "target": action.target, "reason": action.reason}
    entry |= {key: value for key, value in given.items() if value}
    return entry | ({} if action.until is None else {"until": action.until})
