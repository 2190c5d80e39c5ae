"""The kinds of value that a checked expression can have."""

from dataclasses import dataclass

from rules.catalog import PointType
from rules.expression.many import Group
from rules.expression.nodes import Node


@dataclass(frozen=True, slots=True)
class Measure:
    """A number in `unit`; None = none at all, "" = a ratio.

    A `bare` number is a literal without a unit: it takes the unit of what it meets. A
    `relative` one came from a calculation with °C or the like, where a difference and a
    temperature can't be told apart any more.
    """

    unit: str | None
    bare: bool = False
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""


@dataclass(frozen=True, slots=True)
class State:
    """One of a point's text states."""

    point: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, which has moments and no value."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A time since something was heard, as `name` wrote it; it may only meet a constant.

    changed: the point of which it is the time since it changed, rather than was heard.
    """

    name: str
    index: int | None
    changed: PointType | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many assets of a group; it may only meet a constant number."""

    group: Group


Kind = Measure | Truth | State | Happening | Elapsed | Tally
Typed = tuple[Node, Kind]
