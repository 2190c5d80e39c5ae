"""Expressions ready to run: checked once, compiled once, bound to the points of many assets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from rules.catalog import PointType
from rules.expression import nodes
from rules.expression.checker import check
from rules.expression.nodes import View, finite
from rules.expression.parser import parse
from rules.expression.pruning import indexes, prune
from rules.expression.silence import Flipping, Overdue, Silence
from rules.expression.syntax import ExpressionError, Fault
from rules.slots import ReceiptNow, Slot

Test = Callable[[], bool]
Values = tuple[float | None, ...]

# Stands for every point and path that an asset lacks; nobody writes to it.
UNKNOWN = Slot()


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over the points of one asset type, or of any asset."""

    source: str
    points: tuple[PointType, ...]
    # Whether silence decides: then its rule's delays run on the receipt clock as well.
    on_receipt_clock: bool
    root: nodes.Node = field(repr=False)
    # The numbers of the points that `root` judges.
    indexes: tuple[int, ...] = field(repr=False)
    _factories: dict[bool, Callable[..., Test]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _pruned: dict[frozenset[int], "Expression"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def watches_every_point(self) -> bool:
        """Whether it looks at all points of the asset, as overdue() does."""
        return any(isinstance(node, Overdue) for node in nodes.walk(self.root))

    @property
    def watches_path(self) -> bool:
        """Whether it looks at the silence of a gateway and all behind it, as path_age() does."""
        return any(
            isinstance(node, Silence) and node.index is None for node in nodes.walk(self.root)
        )

    @property
    def only_silence_trips(self) -> bool:
        """Whether no message, only the passing of time, can make it true."""
        return all(
            isinstance(node, nodes.Joined) or (isinstance(node, Flipping) and node.grows)
            for node in nodes.walk(self.root)
        )

    def bind(self, asset: Mapping[str, Slot], now: ReceiptNow, path: Slot) -> "Bound":
        """The condition on one asset's points, without what an absent point makes untellable.

        When nothing can be told without it, the whole condition stays unknown.
        """
        absent = [i for i in self.indexes if self.points[i].code not in asset]
        if absent:
            return self._without(frozenset(absent))._bind(asset, now, path)
        return self._bind(asset, now, path)

    def _without(self, absent: frozenset[int]) -> "Expression":
        if absent not in self._pruned:
            root = prune(self.root, absent) or self.root
            self._pruned[absent] = replace(self, root=root, indexes=indexes(root))
        return self._pruned[absent]

    def _bind(self, asset: Mapping[str, Slot], now: ReceiptNow, path: Slot) -> "Bound":
        slots = tuple(asset.get(point.code, UNKNOWN) for point in self.points)
        return Bound(self, slots, asset, now, path)

    def factory(self, truth: bool) -> Callable[..., Test]:
        """Compiled code that makes a test of it being `truth` from slots and a slow path."""
        if truth not in self._factories:
            self._factories[truth] = _compiled(_source(self, truth))
        return self._factories[truth]


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Callable[..., Test]:
    names: dict[str, Any] = {"__builtins__": {}, "abs": abs, "finite": finite}
    # The source is made from the checked tree alone: operators, numbers and local names.
    exec(compile(source, "<rule>", "exec"), names)  # noqa: S102
    return cast(Callable[..., Test], names["make"])


def _source(expression: Expression, truth: bool) -> str:
    count = len(expression.points)
    arguments = "".join(f"s{i}, " for i in range(count))
    known = " or ".join(f"(v{i} := s{i}.value) is None" for i in expression.indexes) or "False"
    code = expression.root.code()
    result = code if truth else f"not {code}"
    # Defaults rather than closure cells: they are read faster and weigh a third.
    bound = "".join(f"s{i}=s{i}, " for i in range(count))
    return (
        f"def make({arguments}slow):\n"
        f" def test({bound}slow=slow):\n"
        f"  if {known}:\n"
        f"   return slow() is {truth}\n"
        f"  return {result}\n"
        f" return test\n"
    )


class Bound:
    """An expression on the slots of one asset."""

    __slots__ = ("_asset", "_now", "_path", "expression", "slots")

    def __init__(
        self,
        expression: Expression,
        slots: tuple[Slot, ...],
        asset: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot,
    ) -> None:
        self.expression = expression
        self.slots = slots
        self._asset = asset
        self._now = now
        self._path = path

    def values(self) -> Values:
        """The points' present values, in the expression's order."""
        return tuple(slot.value for slot in self.slots)

    def _view(self, values: Values | None = None) -> View:
        present = self.values() if values is None else values
        return View(present, self.slots, self._asset, self._path, self._now.now)

    def holds(self) -> bool | None:
        """Its truth now; None while unknown points leave it open. Raises ArithmeticError."""
        return cast(bool | None, self.expression.root.evaluate(self._view()))

    def test(self, truth: bool) -> Test:
        """A closure that tells whether it is `truth` now; it may raise ArithmeticError.

        Without silence in it, it is compiled code that reads the slots directly.
        """
        if self.expression.on_receipt_clock:
            return lambda: self.holds() is truth
        return self.expression.factory(truth)(*self.slots, self.holds)

    def explain(self, values: Values, truth: bool) -> str:
        """Why it was `truth` with these values: `motor_temperature 82.1 °C > 75 °C`."""
        return self.expression.root.explain(self._view(values), truth)

    def next_flip(self, after: int) -> int | None:
        """The first receipt instant later than `after` at which silence may change it, in µs."""
        view = self._view()
        later = (flip for flip in self._flips(view) if flip > after)
        return min(later, default=None)

    def _flips(self, view: View) -> Iterable[int]:
        for node in nodes.walk(self.expression.root):
            if isinstance(node, Flipping):
                yield from node.flips(view)


def compile_expression(text: str, points: Mapping[str, PointType] | None) -> Expression:
    """Parses and checks `text` against an asset type's points (None: any asset).

    Raises ExpressionError with every fault found and its offset in `text`.
    """
    checked = check(parse(text), points)
    if not checked.points and not checked.on_receipt_clock:
        raise ExpressionError([Fault(0, "this names no point, so it never changes")])
    root = checked.root
    return Expression(text.strip(), checked.points, checked.on_receipt_clock, root, indexes(root))
