"""Names, kinds and units of an expression, settled before it may run."""

from collections.abc import Mapping
from dataclasses import dataclass

from rules import units
from rules.catalog import PointType
from rules.expression import measures, nodes, syntax
from rules.expression.functions import FUNCTIONS, Function, Parameter
from rules.expression.silence import Silence
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Elapsed, Measure, State, Truth, Typed
from rules.located_yaml import nearest


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition that can run: its tree, its points by number, and which clock judges it."""

    root: nodes.Node
    points: tuple[PointType, ...]
    on_receipt_clock: bool


def check(tree: syntax.Node, points: Mapping[str, PointType] | None) -> Checked:
    """Checks `tree` against an asset type's points, or None for any asset.

    Raises ExpressionError with every fault: unknown points and functions, units that don't
    fit, kinds that can't be compared, ages compared with anything but a constant.
    """
    checker = _Checker(points)
    root = checker.condition(tree)
    if checker.faults or root is None:
        raise ExpressionError(checker.faults)
    return Checked(root, tuple(checker.used.values()), checker.on_receipt_clock)


class _Checker:
    def __init__(self, points: Mapping[str, PointType] | None) -> None:
        self._points = points
        self.faults: list[Fault] = []
        self.used: dict[str, PointType] = {}
        self.on_receipt_clock = False

    def _refuse(self, at: int, message: str) -> None:
        self.faults.append(Fault(at, message))

    def condition(self, tree: syntax.Node) -> nodes.Node | None:
        """The node of `tree`, which must be true or false."""
        typed = self._visit(tree)
        if typed is None:
            return None
        node, kind = typed
        if isinstance(kind, Truth):
            return node
        self._refuse(
            syntax.start(tree),
            f"{_described(tree)} is not true or false; compare it, as in x > 75",
        )
        return None

    def _visit(self, tree: syntax.Node) -> Typed | None:
        try:
            return self._typed(tree)
        except ExpressionError as error:
            self.faults.extend(error.faults)
            return None

    def _typed(self, tree: syntax.Node) -> Typed | None:
        match tree:
            case syntax.Number():
                return self._number(tree)
            case syntax.Duration():
                return nodes.Constant(tree.microseconds / 1e6, tree.text), Measure("s")
            case syntax.Boolean():
                return nodes.Constant(tree.value, "true" if tree.value else "false"), Truth()
            case syntax.String():
                self._refuse(tree.at, 'a state may only be compared: mode == "fault"')
                return None
            case syntax.Name():
                return self._point(tree)
            case syntax.Call():
                return self._call(tree)
            case _:
                return self._compound(tree)

    def _compound(self, tree: syntax.Node) -> Typed | None:
        match tree:
            case syntax.Negative():
                return self._negative(tree)
            case syntax.Arithmetic():
                return self._arithmetic(tree)
            case syntax.Comparison():
                return self._comparison(tree)
            case syntax.Not():
                operand = self.condition(tree.operand)
                return (nodes.Negated(operand), Truth()) if operand else None
            case syntax.Junction():
                return self._junction(tree)
        raise TypeError(f"{type(tree).__name__} is no part of an expression")

    def _number(self, tree: syntax.Number) -> Typed | None:
        if tree.unit is None:
            return nodes.Constant(tree.value, tree.text), Measure(None, bare=True)
        try:
            units.require(tree.unit)
        except units.UnitError as error:
            self._refuse(tree.at + tree.text.rindex(tree.unit), str(error))
            return None
        return nodes.Constant(tree.value, tree.text), Measure(tree.unit)

    def _point(self, tree: syntax.Name) -> Typed | None:
        if self._points is None:
            self._refuse(tree.at, "a rule for any asset type may use only overdue()")
            return None
        point = self._points.get(tree.name)
        if point is None:
            hint = nearest(tree.name, [*self._points, *FUNCTIONS])
            self._refuse(tree.at, f"no point {tree.name!r} here{hint}")
            return None
        return self._numbered(point)

    def _numbered(self, point: PointType) -> Typed:
        self.used.setdefault(point.code, point)
        index = list(self.used).index(point.code)
        if point.kind == "boolean":
            return nodes.PointTruth(index, point), Truth()
        value = nodes.PointValue(index, point)
        if point.kind == "state":
            return value, State(point.code, point.states)
        return value, Measure(point.unit)

    def _call(self, tree: syntax.Call) -> Typed | None:
        function = FUNCTIONS.get(tree.name)
        if function is None:
            self._refuse(tree.at, f"no function {tree.name!r}{nearest(tree.name, [*FUNCTIONS])}")
            return None
        if self._points is None and not function.any_asset:
            self._refuse(tree.at, "a rule for any asset type may use only overdue()")
            return None
        if len(tree.arguments) != len(function.parameters):
            self._refuse(tree.at, _wrong_count(function, len(tree.arguments)))
            return None
        self.on_receipt_clock |= function.receipt_clock
        pairs = zip(function.parameters, tree.arguments, strict=True)
        arguments = [self._argument(function, parameter, each) for parameter, each in pairs]
        present = [argument for argument in arguments if argument is not None]
        return function.build(tree.at, present) if len(present) == len(arguments) else None

    def _argument(
        self, function: Function, parameter: Parameter, tree: syntax.Node
    ) -> Typed | None:
        if parameter.kind == "point" and not isinstance(tree, syntax.Name):
            self._refuse(syntax.start(tree), f"{function.name}() takes the name of a point")
            return None
        typed = self._visit(tree)
        if typed is None or parameter.kind == "point":
            return typed
        node, kind = typed
        if not isinstance(kind, Measure):
            self._refuse(syntax.start(tree), f"{function.name}() takes a number")
            return None
        if parameter.kind == "constant" and not isinstance(node, nodes.Constant):
            self._refuse(syntax.start(tree), f"{function.name}() takes a constant number")
            return None
        return typed

    def _negative(self, tree: syntax.Negative) -> Typed | None:
        typed = self._visit(tree.operand)
        if typed is None:
            return None
        node, kind = typed
        if not isinstance(kind, Measure):
            self._refuse(tree.at, f"{_described(tree.operand)} is not a number")
            return None
        if isinstance(node, nodes.Constant):
            return nodes.Constant(-node.value, f"-{node.text}"), kind
        relative = measures.is_relative(kind)
        zero = nodes.Constant(0.0, "0")
        return nodes.Calculation("-", zero, node), Measure(kind.unit, kind.bare, relative)

    def _arithmetic(self, tree: syntax.Arithmetic) -> Typed | None:
        pair = self._measures(tree.left, tree.right)
        if pair is None:
            return None
        left, right = pair
        calculate = measures.sum_of if tree.operator in "+-" else measures.product_of
        return calculate(tree, left, right)

    def _measures(self, *trees: syntax.Node) -> list[tuple[nodes.Node, Measure]] | None:
        found = []
        for tree in trees:
            typed = self._visit(tree)
            if typed is None:
                continue
            node, kind = typed
            if isinstance(kind, Measure):
                found.append((node, kind))
            else:
                self._refuse(syntax.start(tree), _not_calculable(tree, kind))
        return found if len(found) == len(trees) else None

    def _junction(self, tree: syntax.Junction) -> Typed | None:
        operands = [self.condition(operand) for operand in tree.operands]
        present = tuple(operand for operand in operands if operand is not None)
        if len(present) < len(operands):
            return None
        return nodes.Joined(present, tree.word == "or"), Truth()

    def _comparison(self, tree: syntax.Comparison) -> Typed | None:
        if isinstance(tree.right, syntax.String):
            return self._state_comparison(tree, tree.left, tree.right)
        if isinstance(tree.left, syntax.String):
            return self._state_comparison(tree, tree.right, tree.left)
        left, right = self._visit(tree.left), self._visit(tree.right)
        if left is None or right is None:
            return None
        if isinstance(left[1], Elapsed) or isinstance(right[1], Elapsed):
            return _silence(tree, left, right)
        return self._plain_comparison(tree, left, right)

    def _plain_comparison(self, tree: syntax.Comparison, left: Typed, right: Typed) -> Typed:
        match left[1], right[1]:
            case Measure(), Measure():
                first, second = measures.aligned(
                    tree, (left[0], left[1]), (right[0], right[1]), "compared"
                )
                return nodes.Compared(tree.operator, first, second), Truth()
            case (Truth(), Truth()) | (State(), State()):
                _only_equality(tree)
                _same_states(tree, left, right)
                return nodes.Compared(tree.operator, left[0], right[0]), Truth()
        message = f"{_what(tree.left, left)}; it can't be compared with {_described(tree.right)}"
        raise ExpressionError([Fault(syntax.start(tree), message)])

    def _state_comparison(
        self, tree: syntax.Comparison, other: syntax.Node, state: syntax.String
    ) -> Typed | None:
        typed = self._visit(other)
        if typed is None:
            return None
        node, kind = typed
        if not isinstance(kind, State):
            self._refuse(state.at, f"{_what(other, typed)}, so it has no state {state.value!r}")
            return None
        _only_equality(tree)
        if state.value not in kind.states:
            known = ", ".join(kind.states)
            hint = nearest(state.value, kind.states)
            self._refuse(state.at, f"{state.value!r} is no state of {kind.point} ({known}){hint}")
            return None
        number = nodes.Constant(float(kind.states.index(state.value)), state.value)
        return nodes.Compared(tree.operator, node, number), Truth()


def _wrong_count(function: Function, given: int) -> str:
    wanted = len(function.parameters) or "no"
    plural = "" if len(function.parameters) == 1 else "s"
    return f"{function.signature} takes {wanted} argument{plural}, not {given}"


def _described(tree: syntax.Node) -> str:
    match tree:
        case syntax.Name():
            return tree.name
        case syntax.Number() | syntax.Duration():
            return tree.text
        case syntax.Call():
            return f"{tree.name}()"
    return "this"


def _what(tree: syntax.Node, typed: Typed) -> str:
    match typed[1]:
        case Truth():
            kind = "is true or false"
        case State(states=states):
            kind = f"is a state ({', '.join(states)})"
        case _:
            kind = "is a number"
    return f"{_described(tree)} {kind}"


def _not_calculable(tree: syntax.Node, kind: object) -> str:
    if isinstance(kind, Elapsed):
        return f"{kind.name} can only be compared with a constant, as in {kind.name} > 10m"
    return f"{_described(tree)} is not a number, so it can't be calculated with"


def _only_equality(tree: syntax.Comparison) -> None:
    if tree.operator not in ("==", "!="):
        message = f"only == and != make sense here, not {tree.operator}"
        raise ExpressionError([Fault(tree.at, message)])


def _same_states(tree: syntax.Comparison, left: Typed, right: Typed) -> None:
    if left[1] != right[1] and isinstance(left[1], State) and isinstance(right[1], State):
        if left[1].states == right[1].states:
            return
        raise ExpressionError([Fault(tree.at, "these two points have different states")])


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _silence(tree: syntax.Comparison, left: Typed, right: Typed) -> Typed:
    sign = tree.operator
    elapsed, constant, place = left[1], right, tree.right
    if not isinstance(elapsed, Elapsed):
        elapsed, constant, place = right[1], left, tree.left
        sign = _MIRRORED.get(sign, sign)  # type: ignore[assignment]
    assert isinstance(elapsed, Elapsed)
    if sign not in _MIRRORED:
        message = f"{elapsed.name} passes an instant only once; use <, <=, > or >="
        raise ExpressionError([Fault(tree.at, message)])
    node, kind = constant
    if not isinstance(node, nodes.Constant) or not isinstance(kind, Measure):
        message = f"{elapsed.name} may only be compared with a constant, as in {elapsed.name} > 10m"
        raise ExpressionError([Fault(syntax.start(place), message)])
    limit = round(measures.seconds(place, node, kind) * 1_000_000)
    return Silence(elapsed.index, elapsed.name, sign, limit), Truth()
