"""The functions that an expression may call: one registry for parser, checker and documentation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rules.expression import nodes
from rules.expression.silence import Overdue
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Elapsed, Measure, Truth, Typed

ParameterKind = Literal["number", "point", "constant"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: any number, the bare name of a point, or a number known when checking."""

    name: str
    kind: ParameterKind


@dataclass(frozen=True, slots=True)
class Function:
    """What an expression may call, how its arguments are typed, and the node it becomes.

    `build` takes the offset of the call and the checked arguments, one for each parameter, and
    raises ExpressionError for arguments it can't take.
    """

    name: str
    parameters: tuple[Parameter, ...]
    summary: str
    build: Callable[[int, Sequence[Typed]], Typed]
    # Judged on the receipt clock; the rule's delays then run on it too.
    receipt_clock: bool = False
    # Needs no point by name, so a rule for any asset type may call it.
    any_asset: bool = False

    @property
    def signature(self) -> str:
        """As documentation shows it: `age(point)`."""
        return f"{self.name}({', '.join(parameter.name for parameter in self.parameters)})"


def _absolute(at: int, arguments: Sequence[Typed]) -> Typed:
    (node, kind) = arguments[0]
    assert isinstance(kind, Measure)
    if isinstance(node, nodes.Constant):
        return nodes.Constant(abs(node.value), f"abs({node.text})"), kind
    return nodes.Application("abs", abs, node), kind


def _age(at: int, arguments: Sequence[Typed]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.PointValue | nodes.PointTruth)
    return node, Elapsed(f"age({node.point.code})", node.index)


def _path_age(at: int, arguments: Sequence[Typed]) -> Typed:
    return nodes.Constant(False, "path_age()"), Elapsed("path_age()", None)


def _overdue(at: int, arguments: Sequence[Typed]) -> Typed:
    (node, kind) = arguments[0]
    assert isinstance(node, nodes.Constant)
    assert isinstance(kind, Measure)
    if not kind.bare or not 1 <= node.value <= 1000:
        raise ExpressionError([Fault(at, "overdue() takes a plain number from 1 to 1000")])
    return Overdue(float(node.value)), Truth()


_ALL = (
    Function(
        "abs",
        (Parameter("x", "number"),),
        "The size of a number, without its sign.",
        _absolute,
    ),
    Function(
        "age",
        (Parameter("point", "point"),),
        "The time since the point was last heard. Compare it with a constant: `age(flow) > 10m`.",
        _age,
        receipt_clock=True,
    ),
    Function(
        "overdue",
        (Parameter("k", "constant"),),
        "True when any point of the asset that has an expected interval was not heard for k times"
        " that interval.",
        _overdue,
        receipt_clock=True,
        any_asset=True,
    ),
    Function(
        "path_age",
        (),
        "For a gateway or bridge: the time since anything was heard from it or through it."
        " Compare it with a constant: `path_age() > 5m`.",
        _path_age,
        receipt_clock=True,
    ),
)

FUNCTIONS: Mapping[str, Function] = MappingProxyType({each.name: each for each in _ALL})
