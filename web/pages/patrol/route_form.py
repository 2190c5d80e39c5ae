"""The form of a route: what was typed, and its points as buttons move them without a script."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from workflows.patrol.rounds import RouteDraft, Stop

Column = list[str]
# A number that is none is refused by the domain as one that is too small.
_NO_NUMBER = -1
_NOWHERE = UUID(int=0)
SAVE = "save"


class RouteForm(BaseModel):
    """What the form of a route says; the columns of its points, a value a point.

    do: the button that was pressed: save, add, or up, down or remove with a place, as `up:2`.
    add: the checkpoints that are to be added.
    """

    site: str = ""
    version: str = ""
    do: str = SAVE
    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    order: str = "ordered"
    take: str = ""
    checkpoint: Column = []
    opens: Column = []
    closes: Column = []
    add: Column = []

    @classmethod
    def of(cls, route: Mapping[str, Any]) -> "RouteForm":
        """A route as it is kept, with its points."""
        points = route["points"]
        return cls(
            site=str(route["site_id"]),
            version=str(route["version"]),
            code=route["code"],
            name_en=route["name"].get("en", ""),
            name_zh=route["name"].get("zh", ""),
            order=route["order"],
            take=_written(route["take"]),
            checkpoint=[str(point["checkpoint_id"]) for point in points],
            opens=[_written(point["opens_min"]) for point in points],
            closes=[_written(point["closes_min"]) for point in points],
        )

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Its points: checkpoint, from which minute, and to which."""
        return list(zip(self.checkpoint, self.opens, self.closes, strict=False))

    def pressed(self) -> "RouteForm":
        """The form after its button: points added, moved, taken out."""
        lines, [act, _, place] = self.lines, self.do.partition(":")
        if act == "add":
            lines += [(checkpoint, "", "") for checkpoint in self.add]
        elif place.isdecimal() and int(place) < len(lines):
            _press(lines, act, int(place))
        columns: list[Column] = [list(column) for column in zip(*lines, strict=True)]
        checkpoint, opens, closes = columns or ([], [], [])
        more = {"checkpoint": checkpoint, "opens": opens, "closes": closes, "add": []}
        return self.model_copy(update=more)

    def draft(self) -> RouteDraft:
        """The route that the form describes."""
        points = [
            Stop(_checkpoint(checkpoint), number(opens), number(closes))
            for checkpoint, opens, closes in self.lines
        ]
        names = {"en": self.name_en, "zh": self.name_zh}
        return RouteDraft(self.code.strip(), names, points, self.order, number(self.take))


def _press(lines: list[tuple[str, str, str]], act: str, place: int) -> None:
    if act == "remove":
        del lines[place]
    elif act == "up" and place > 0:
        lines[place - 1 : place + 1] = reversed(lines[place - 1 : place + 1])
    elif act == "down":
        lines[place : place + 2] = reversed(lines[place : place + 2])


def number(text: str) -> int | None:
    """A whole number as people write it; None for nothing, and -1 for what is none."""
    text = text.strip()
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 7 else _NO_NUMBER


def _written(value: int | None) -> str:
    return "" if value is None else str(value)


def _checkpoint(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return _NOWHERE


def offered(
    points: Sequence[Mapping[str, Any]], form: RouteForm
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Of a site's checkpoints those that are not in the route, and those that it may come to again.

    Only a route that goes one after another comes to a checkpoint twice.
    """
    within = set(form.checkpoint)
    fresh = [one for one in points if str(one["id"]) not in within]
    again = [one for one in points if str(one["id"]) in within]
    return fresh, again if form.order == "ordered" else []
