"""What an expression says: its tree, with the place of every part in the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rules.wording import Message

ArithmeticOperator = Literal["+", "-", "*", "/"]
ComparisonOperator = Literal["<", "<=", ">", ">=", "==", "!="]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with an expression, at a character offset of its text."""

    offset: int
    message: Message


class ExpressionError(ValueError):
    """An expression can't be used; `faults` tells every reason found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(sorted(faults, key=lambda fault: fault.offset))


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; `text` is how it was written, unit included."""

    at: int
    value: float
    unit: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A literal such as `1h30m`, in µs."""

    at: int
    microseconds: int
    text: str


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    at: int
    value: bool


@dataclass(frozen=True, slots=True)
class String:
    """A text state in quotes."""

    at: int
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A point of the asset; of others, in a question about many, as `type.point`."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`."""

    at: int
    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`."""

    at: int
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right`; `at` is where the operator stands."""

    at: int
    operator: ArithmeticOperator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; `at` is where the operator stands."""

    at: int
    operator: ComparisonOperator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    at: int
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """A chain of one word: `a and b and c`."""

    at: int
    word: Literal["and", "or"]
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Over:
    """`condition in space`: what many assets are asked; `at` is where the relation stands.

    text: all of it, as it was written.
    """

    at: int
    condition: "Node"
    relation: str
    text: str


Node = (
    Number | Duration | Boolean | String | Name | Call | Negative | Arithmetic | Comparison
    | Not | Junction | Over
)  # fmt: skip


def start(node: Node) -> int:
    """The offset of the first character of `node`."""
    if isinstance(node, Arithmetic | Comparison):
        return start(node.left)
    if isinstance(node, Junction):
        return start(node.operands[0])
    if isinstance(node, Over):
        return start(node.condition)
    return node.at
