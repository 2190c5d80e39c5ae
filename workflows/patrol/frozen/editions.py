"""From what was gathered to what one reader is told: the house everything, a client its parts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from workflows.patrol.frozen.naming import alias, without_people
from workflows.patrol.rounds.closing import WITHOUT_POSITIONS

# What people wrote; in what a client reads no telephone number and nobody's name stands in it.
_WRITTEN = frozenset({"text", "closing", "answer", "reason", "body", "und"})
# What tells apart the rows of a list, which a client needs for nothing.
_PART_OF = {
    "reports": "reports",
    "marks": "marks",
    "alarms": "alarms",
    "tickets": "tickets",
    "calls": "calls",
    "hand_overs": "hand_overs",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom an edition is for. client_id: None for the house. parts: what a client's holds."""

    client_id: UUID | None
    name: str
    naming: str
    parts: Collection[str] = ()


def edition_of(content: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """What a reader is told. The house reads all, with its people named as the site has it."""
    called = {key: alias(reader.naming, known) for key, known in content["people"].items()}
    # Two who would be called the same are told apart.
    called = _apart(called) if reader.naming != "nobody" else called
    whole = {**content, "people": called, "reader": {"name": reader.name}}
    if reader.client_id is None:
        return whole
    names = {
        known["name"]: called[key] for key, known in content["people"].items() if known["name"]
    }
    for name, part in _PART_OF.items():
        if name in whole and part not in reader.parts:
            whole[name] = None
    if "photos" not in reader.parts:
        whole = _without_photos(whole)
    # What whoever decided wrote to whoever went the round stays between them.
    found: dict[str, Any] = _cleaned(whole, names)
    return found


def _apart(called: Mapping[str, str]) -> dict[str, str]:
    seen: dict[str, int] = {}
    found = {}
    for key, name in sorted(called.items()):
        seen[name] = seen.get(name, 0) + 1
        found[key] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return found


def _without_photos(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: [] if key == "photos" else _without_photos(one) for key, one in value.items()}
    return [_without_photos(one) for one in value] if isinstance(value, list) else value


def _cleaned(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _written(one, names)
            if key in _WRITTEN and isinstance(one, str)
            else _cleaned(one, names)
            for key, one in value.items()
        }
    return [_cleaned(one, names) for one in value] if isinstance(value, list) else value


def _written(text: str, names: Mapping[str, str]) -> str:
    # Who agreed to be located is no business of a client.
    return "" if text == WITHOUT_POSITIONS else without_people(text, names)
