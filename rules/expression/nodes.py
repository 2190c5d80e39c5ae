"""Checked expressions: units settled, points numbered; each part can be run, compiled and told."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rules.catalog import PointType, state_text
from rules.slots import Slot

Value = float | bool | None

COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
INVERSE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
CALCULATE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def finite(value: float) -> float:
    """`value`, or FloatingPointError when a calculation left the range of numbers."""
    if math.isfinite(value):
        return value
    raise FloatingPointError("the result is not a finite number")


@dataclass(frozen=True, slots=True)
class View:
    """What an evaluation sees: point values by number, what is told of windows by place, and
    what silence is measured on."""

    values: Sequence[float | None]
    measured: Sequence[float | None]
    slots: Sequence[Slot]
    asset: Mapping[str, Slot]
    path: Slot
    now: int


class Node(Protocol):
    """One part of a checked expression."""

    @property
    def children(self) -> tuple["Node", ...]:
        """The parts it is made of."""

    @property
    def computed(self) -> bool:
        """Whether its number comes from a calculation, which may leave the range of numbers."""

    def code(self) -> str:
        """Python source for it; point number i is known and stands in local `v{i}`."""

    def evaluate(self, view: View) -> Value:
        """Its value in Kleene's three-valued logic: None while it can't be told."""

    def explain(self, view: View, truth: bool) -> str:
        """For a condition: why it is `truth`. For a number: what it is."""


def walk(node: Node) -> Iterator[Node]:
    """`node` and every part of it."""
    yield node
    for child in node.children:
        yield from walk(child)


def number_text(value: float, unit: str | None) -> str:
    """A number as people read it: six digits, and its unit."""
    return f"{value:.6g} {unit}" if unit else f"{value:.6g}"


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, already in the unit of what it meets."""

    value: float | bool
    text: str
    children: tuple[Node, ...] = ()
    computed: bool = False

    def code(self) -> str:
        return repr(self.value)

    def evaluate(self, view: View) -> Value:
        return self.value

    def explain(self, view: View, truth: bool) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PointValue:
    """A point's number: a measurement, or the number of its state."""

    index: int
    point: PointType
    children: tuple[Node, ...] = ()
    computed: bool = False

    def code(self) -> str:
        return f"v{self.index}"

    def evaluate(self, view: View) -> Value:
        return view.values[self.index]

    def explain(self, view: View, truth: bool) -> str:
        return f"{self.point.code} {value_text(self.point, view.values[self.index])}"


def value_text(point: PointType, value: float | None) -> str:
    """A point's value as people read it: `82.1 °C`, `true`, `fault`."""
    if value is None:
        return "unknown"
    if point.kind == "boolean":
        return "true" if value else "false"
    return state_text(point, value) if point.kind == "state" else number_text(value, point.unit)


@dataclass(frozen=True, slots=True)
class PointTruth:
    """A boolean point."""

    index: int
    point: PointType
    children: tuple[Node, ...] = ()
    computed: bool = False

    def code(self) -> str:
        return f"(v{self.index} != 0.0)"

    def evaluate(self, view: View) -> Value:
        value = view.values[self.index]
        return None if value is None else value != 0.0

    def explain(self, view: View, truth: bool) -> str:
        return self.point.code if truth else f"not {self.point.code}"


@dataclass(frozen=True, slots=True)
class Calculation:
    """`left operator right`."""

    operator: str
    left: Node
    right: Node
    computed: bool = True

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    def code(self) -> str:
        # An infinite divisor would turn into an honest-looking zero.
        right = guarded(self.right) if self.operator == "/" else self.right.code()
        return f"({self.left.code()} {self.operator} {right})"

    def evaluate(self, view: View) -> Value:
        left, right = self.left.evaluate(view), self.right.evaluate(view)
        if left is None or right is None:
            return None
        return CALCULATE[self.operator](left, finite(right) if self.operator == "/" else right)

    def explain(self, view: View, truth: bool) -> str:
        left, right = self.left.explain(view, truth), self.right.explain(view, truth)
        return f"({left} {self.operator} {right})"


def guarded(node: Node) -> str:
    """Source of `node` that raises when its calculation left the range of numbers."""
    return f"finite({node.code()})" if node.computed else node.code()


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number stated in another unit."""

    operand: Node
    factor: float
    offset: float
    computed: bool = True

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)

    def code(self) -> str:
        return f"({self.operand.code()} * {self.factor!r} + {self.offset!r})"

    def evaluate(self, view: View) -> Value:
        value = self.operand.evaluate(view)
        return None if value is None else value * self.factor + self.offset

    def explain(self, view: View, truth: bool) -> str:
        return self.operand.explain(view, truth)


@dataclass(frozen=True, slots=True)
class Application:
    """A function of one number, such as `abs`; `builtin` is what computes it."""

    name: str
    builtin: Callable[[float], float]
    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)

    @property
    def computed(self) -> bool:
        return self.operand.computed

    def code(self) -> str:
        return f"{self.name}({self.operand.code()})"

    def evaluate(self, view: View) -> Value:
        value = self.operand.evaluate(view)
        return None if value is None else self.builtin(value)

    def explain(self, view: View, truth: bool) -> str:
        return f"{self.name}({self.operand.explain(view, truth)})"


@dataclass(frozen=True, slots=True)
class Compared:
    """`left operator right` of two numbers, states or truths."""

    operator: str
    left: Node
    right: Node
    computed: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    def code(self) -> str:
        return f"({guarded(self.left)} {self.operator} {guarded(self.right)})"

    def evaluate(self, view: View) -> Value:
        left, right = self.left.evaluate(view), self.right.evaluate(view)
        if left is None or right is None:
            return None
        return COMPARE[self.operator](finite(left), finite(right))

    def explain(self, view: View, truth: bool) -> str:
        sign = self.operator if truth else INVERSE[self.operator]
        return f"{_operand_text(self.left, view)} {sign} {_operand_text(self.right, view)}"


def _operand_text(node: Node, view: View) -> str:
    if isinstance(node, PointTruth):
        return f"{node.point.code} {value_text(node.point, view.values[node.index])}"
    return node.explain(view, True)


@dataclass(frozen=True, slots=True)
class Negated:
    """`not operand`."""

    operand: Node
    computed: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)

    def code(self) -> str:
        return f"(not {self.operand.code()})"

    def evaluate(self, view: View) -> Value:
        value = self.operand.evaluate(view)
        return None if value is None else not value

    def explain(self, view: View, truth: bool) -> str:
        return self.operand.explain(view, not truth)


@dataclass(frozen=True, slots=True)
class Joined:
    """`a and b …` (`decisive` False) or `a or b …` (`decisive` True), judged from the left."""

    children: tuple[Node, ...]
    decisive: bool
    computed: bool = False

    def code(self) -> str:
        word = " or " if self.decisive else " and "
        return f"({word.join(child.code() for child in self.children)})"

    def evaluate(self, view: View) -> Value:
        unknown = False
        for child in self.children:
            value = child.evaluate(view)
            if value is None:
                unknown = True
            elif value == self.decisive:
                return self.decisive
        return None if unknown else not self.decisive

    def explain(self, view: View, truth: bool) -> str:
        if truth != self.decisive:
            word, told = (" and " if truth else " or "), self.children
        else:
            # One decisive part is enough, and only the parts that were decisive are the reason.
            word = " and "
            told = tuple(c for c in self.children if self._decides(c, view))
        return word.join(child.explain(view, truth) for child in told)

    def _decides(self, child: Node, view: View) -> bool:
        try:
            return child.evaluate(view) is self.decisive
        except ArithmeticError:
            return False
