"""Checked conditions over whole columns at once: where they may be true."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rules.expression import Expression, nodes
from rules.expression.windowed import Measured, Stuck, Unchanged
from rules.replay.columns import Numbers, Truths

_COMPARE: Mapping[str, Callable[..., Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_CALCULATE: Mapping[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
}


class Unlike(Exception):
    """A condition that only the engine itself can judge."""


# A number in each row, and how far it may be off: what is told of windows is added up here in
# another order than by the engine.
About = tuple[Numbers, Numbers | float]
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Possible:
    """A condition in each row: whether it may hold and may fail; neither = it can't be told."""

    holds: Truths
    fails: Truths


def where(
    expression: Expression, columns: Sequence[Numbers], truth: bool, looks: Sequence[About] = ()
) -> Truths:
    """The rows in which `expression` may be `truth`, and those in which it can't be evaluated.

    columns: for each point of the expression its value in each row, NaN = unknown; looks: the same
    of what it asks of the past. Raises Unlike for what is judged by more, such as silence.
    """
    judge = _Judge(columns, looks)
    with np.errstate(all="ignore"):
        found = judge.condition(expression.root)
        return (found.holds if truth else found.fails) | judge.bad


class _Judge:
    """One walk over a condition.

    bad: the rows in which some calculation left the range of numbers. The engine may not even
    get there, or it may raise; it is asked.
    """

    def __init__(self, columns: Sequence[Numbers], looks: Sequence[About]) -> None:
        self._columns = columns
        self._looks = looks
        self.bad: Truths = np.zeros(len(columns[0]) if columns else 0, np.bool_)

    def condition(self, node: nodes.Node) -> Possible:
        match node:
            case nodes.Joined():
                return self._joined(node)
            case nodes.Negated():
                inner = self.condition(node.operand)
                return Possible(inner.fails, inner.holds)
            case nodes.Compared():
                return self._compared(node)
            case nodes.PointTruth():
                return _truth(self._columns[node.index])
            case Stuck() | Unchanged() if self._looks:
                return _truth(self._looks[node.place][0])
            case nodes.Constant():
                holds = np.full(len(self.bad), bool(node.value))
                return Possible(holds, ~holds)
        raise Unlike(type(node).__name__)

    def _joined(self, node: nodes.Joined) -> Possible:
        parts = [self.condition(child) for child in node.children]
        some, each = (np.logical_or.reduce, np.logical_and.reduce)
        holds, fails = [part.holds for part in parts], [part.fails for part in parts]
        if node.decisive:
            return Possible(some(holds), each(fails))
        return Possible(each(holds), some(fails))

    def _compared(self, node: nodes.Compared) -> Possible:
        (left, off), (right, also_off) = self._number(node.left), self._number(node.right)
        known = ~(np.isnan(left) | np.isnan(right))
        for side, operand in ((left, node.left), (right, node.right)):
            if operand.computed:
                # Points are finite, so infinity comes from a calculation; NaN is told of by it.
                self.bad |= np.isinf(side)
        holds = _COMPARE[node.operator](left, right)
        if _exact(off) and _exact(also_off):
            return Possible(known & holds, known & ~holds)
        # The other way round, so that it is near as well where nothing is known of the error.
        near = ~(np.abs(left - right) > off + also_off)
        return Possible(known & (holds | near), known & (~holds | near))

    def _number(self, node: nodes.Node) -> About:
        match node:
            case nodes.PointValue():
                return self._columns[node.index], 0.0
            case nodes.PointTruth():
                value = self._columns[node.index]
                return np.where(np.isnan(value), np.nan, (value != 0.0).astype(np.float64)), 0.0
            case Measured() if self._looks:
                return self._looks[node.place]
            case nodes.Constant():
                return np.full(len(self.bad), float(node.value)), 0.0
            case nodes.Calculation():
                return self._calculated(node)
            case nodes.Scaled():
                value, off = self._number(node.operand)
                scaled = value * node.factor + node.offset
                rounded = 0.0 if _exact(off) else _ROUNDING * np.abs(scaled)
                return scaled, abs(node.factor) * off + rounded
            case nodes.Application(builtin=builtin) if builtin is abs:
                value, off = self._number(node.operand)
                return np.abs(value), off
        raise Unlike(type(node).__name__)

    def _calculated(self, node: nodes.Calculation) -> About:
        (left, off), (right, also_off) = self._number(node.left), self._number(node.right)
        known = ~(np.isnan(left) | np.isnan(right))
        if node.operator == "/":
            # Python raises where the divisor is zero, also for 0 / 0, and an infinite one is an
            # error of its own.
            self.bad |= known & (~(np.abs(right) > also_off) | np.isinf(right))
        result: Numbers = _CALCULATE[node.operator](left, right)
        self.bad |= known & np.isnan(result)
        if _exact(off) and _exact(also_off):
            return result, 0.0
        error: Numbers | float
        match node.operator:
            case "*":
                error = np.abs(left) * also_off + np.abs(right) * off + off * also_off
            case "/":
                error = (off + np.abs(result) * also_off) / (np.abs(right) - also_off)
            case _:
                error = off + also_off
        return result, error + _ROUNDING * np.abs(result)


def _exact(off: Numbers | float) -> bool:
    return isinstance(off, float)


def _truth(value: Numbers) -> Possible:
    known = ~np.isnan(value)
    return Possible(known & (value != 0.0), known & (value == 0.0))
