"""What has changed between two gatherings of the same: by rows, so that order is no change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Lists of rows, and below their rows the lists that they hold.
_LISTS: Mapping[str, tuple[str, ...]] = {
    "posts": ("crew",),
    "rounds": ("points",),
    "reports": ("photos", "additions"),
    "marks": (),
    "alarms": (),
    "tickets": (),
    "calls": (),
    "hand_overs": (),
    "timeline": (),
    "photos": (),
}
# What follows from other things, or goes on after a day for reasons of its own.
_NOT_COMPARED = frozenset(
    {"short", "short_min", "to_man_min", "minimum_crew", "closed_at", "closed_by", "closing"}
) | {"name", "route_name", "checkpoint_name", "title", "asset", "place", "post", "copy"}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is otherwise than it was. what: the name of the list.

    how: added, changed or removed. before, after: the row; of a changed one the whole of both.
    within: the row that it belongs to, if it is within one.
    """

    what: str
    how: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    within: Mapping[str, Any] | None = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """All that has changed, in the order of the report; a part that only one has is no change."""
    found: list[Change] = []
    for name, below in _LISTS.items():
        if before.get(name) is not None and after.get(name) is not None:
            found += _rows(name, before[name], after[name], below)
    return found


def _rows(
    name: str,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    below: Sequence[str] = (),
    within: Mapping[str, Any] | None = None,
) -> Iterator[Change]:
    old, new = ({key_of(row): row for row in rows} for rows in (before, after))
    for key, row in new.items():
        was = old.get(key)
        if was is None:
            yield Change(name, "added", None, row, within)
            continue
        if _compared(was, below) != _compared(row, below):
            yield Change(name, "changed", was, row, within)
        for inner in below:
            yield from _rows(inner, was[inner], row[inner], (), row)
    for key, row in old.items():
        if key not in new:
            yield Change(name, "removed", row, None, within)


def key_of(row: Mapping[str, Any]) -> Any:
    """What tells a row from the others of its list."""
    return row["id"] if "id" in row else row["position"]


def _compared(row: Mapping[str, Any], below: Sequence[str]) -> dict[str, Any]:
    return {
        key: value for key, value in row.items() if key not in _NOT_COMPARED and key not in below
    }
