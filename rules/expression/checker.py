"""Names, kinds and units of an expression, settled before it may run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules import units
from rules.catalog import TOLD, AssetType, PointType
from rules.expression import comparing, happening, many, measures, naming, nodes, syntax
from rules.expression.asking import ASKS_NOBODY, PRESENT_ONLY, several, tally
from rules.expression.functions import FUNCTIONS, Function, Parameter
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Elapsed, Happening, Measure, State, Tally, Truth, Typed
from rules.expression.windowed import Look
from rules.located_yaml import nearest
from rules.wording import Message, worded

_ANY_ASSET = worded(
    "a rule for any asset type may use only overdue() and events: %(events)s",
    events=", ".join(TOLD),
)
_HOURS = re.compile(r"[a-z][a-z0-9_-]{0,59}")
MIXED = worded(
    "silence (age, overdue, path_age) is judged on the receipt clock; windows, hours and questions"
    " about many assets are judged in event time, so one rule can't do both; make two rules of it"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition that can run: its tree, its points by number, and which clock judges it."""

    root: nodes.Node
    points: tuple[PointType, ...]
    looks: tuple[Look, ...]
    on_receipt_clock: bool


def check(
    tree: syntax.Node,
    points: Mapping[str, PointType] | None,
    catalog: Mapping[str, AssetType] | None = None,
) -> Checked:
    """Checks `tree` against an asset type's points, or None for any asset.

    catalog: the types that questions about many may be about.

    Raises ExpressionError with every fault: unknown points and functions, units that don't
    fit, kinds that can't be compared, ages compared with anything but a constant.
    """
    checker = _Checker(points, catalog)
    root = checker.condition(tree)
    if checker.faults or root is None:
        raise ExpressionError(checker.faults)
    if checker.looks and checker.on_receipt_clock:
        raise ExpressionError([Fault(0, MIXED)])
    used, looks = tuple(checker.used.values()), tuple(checker.looks)
    return Checked(root, used, looks, checker.on_receipt_clock)


class _Checker:
    def __init__(
        self,
        points: Mapping[str, PointType] | None,
        catalog: Mapping[str, AssetType] | None = None,
    ) -> None:
        self._points = points
        self._catalog = catalog
        self.faults: list[Fault] = []
        self.used: dict[str, PointType] = {}
        self.looks: list[Look] = []
        self.on_receipt_clock = False

    def _refuse(self, at: int, message: Message) -> None:
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
            worded(
                "%(what)s is not true or false; compare it, as in x > 75",
                what=naming.described(tree),
            ),
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
                self._refuse(tree.at, worded('a state may only be compared: mode == "fault"'))
                return None
            case syntax.Name():
                return self._value(tree)
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
            case syntax.Over():
                self._refuse(tree.at, worded("only any(), all() and count() ask many assets"))
                return None
        raise TypeError(f"{type(tree).__name__} is no part of an expression")

    def _number(self, tree: syntax.Number) -> Typed | None:
        if tree.unit is None:
            return nodes.Constant(tree.value, tree.text), Measure(None, bare=True)
        try:
            units.require(tree.unit)
        except units.UnitError as error:
            self._refuse(tree.at + tree.text.rindex(tree.unit), error.message)
            return None
        return nodes.Constant(tree.value, tree.text), Measure(tree.unit)

    def _value(self, tree: syntax.Name) -> Typed | None:
        typed = self._point(tree)
        if typed is not None and isinstance(typed[1], Happening):
            self._refuse(tree.at, happening.advice(tree.name))
            return None
        return typed

    def _point(self, tree: syntax.Name) -> Typed | None:
        if self._points is None and tree.name not in TOLD:
            self._refuse(tree.at, _ANY_ASSET)
            return None
        known = TOLD if self._points is None else self._points
        point = known.get(tree.name)
        if point is None and "." in tree.name:
            message = worded(
                "%(point)s is of other assets; ask for it: any(%(point)s in space)", point=tree.name
            )
            self._refuse(tree.at, message)
            return None
        if point is None:
            hint = nearest(tree.name, [*known, *FUNCTIONS])
            self._refuse(
                tree.at, worded("no point '%(point)s' here%(hint)s", point=tree.name, hint=hint)
            )
            return None
        return self._numbered(point)

    def _numbered(self, point: PointType) -> Typed:
        self.used.setdefault(point.code, point)
        index = list(self.used).index(point.code)
        if point.kind == "boolean":
            return nodes.PointTruth(index, point), Truth()
        value = nodes.PointValue(index, point)
        if point.kind == "event":
            return value, Happening()
        if point.kind == "state":
            return value, State(point.code, point.states)
        return value, Measure(point.unit)

    def _call(self, tree: syntax.Call) -> Typed | None:
        if any(isinstance(each, syntax.Over) for each in tree.arguments):
            return self._many(tree)
        function = FUNCTIONS.get(tree.name)
        if function is None and tree.name in many.WORDS:
            message = worded(
                "%(word)s() asks many assets: %(word)s(pump.fault in space)", word=tree.name
            )
            self._refuse(tree.at, message)
            return None
        if function is None:
            known = [*FUNCTIONS, *many.WORDS]
            hint = nearest(tree.name, known)
            message = worded("no function '%(function)s'%(hint)s", function=tree.name, hint=hint)
            self._refuse(tree.at, message)
            return None
        if self._points is None and not (function.any_asset or _of_told(tree)):
            self._refuse(tree.at, _ANY_ASSET)
            return None
        if len(tree.arguments) != len(function.parameters):
            self._refuse(tree.at, naming.wrong_count(function, len(tree.arguments)))
            return None
        self.on_receipt_clock |= function.receipt_clock
        pairs = zip(function.parameters, tree.arguments, strict=True)
        arguments = [self._argument(function, parameter, each) for parameter, each in pairs]
        present = [argument for argument in arguments if argument is not None]
        if len(present) < len(arguments):
            return None
        return function.build(tree.at, present, self.looks)

    def _many(self, tree: syntax.Call) -> Typed | None:
        (over, *others) = tree.arguments
        if tree.name not in many.WORDS or others or not isinstance(over, syntax.Over):
            self._refuse(tree.at, worded("write any(), all() or count() with one question in it"))
            return None
        if self._catalog is None or self._points is None:
            self._refuse(tree.at, ASKS_NOBODY)
            return None
        asset_type, condition = many.apart(over, self._catalog)
        inside = _Checker(self._catalog[asset_type].points)
        root = inside.condition(condition)
        if inside.looks or inside.on_receipt_clock:
            inside.faults.append(Fault(syntax.start(over), PRESENT_ONLY))
        if inside.faults or root is None:
            raise ExpressionError(inside.faults)
        points = tuple(inside.used.values())
        group = many.Group(many.Branch(asset_type, over.relation), over.text, root, points)
        if tree.name == "count":
            return nodes.Constant(0.0, tree.name), Tally(group)
        return several(many.Question(group, tree.name), self.looks), Truth()

    def _argument(
        self, function: Function, parameter: Parameter, tree: syntax.Node
    ) -> Typed | None:
        if parameter.kind == "point":
            return self._point_of(function, tree)
        if parameter.kind == "hours":
            return self._hours(function, tree)
        typed = self._visit(tree)
        if typed is None:
            return None
        node, kind = typed
        if not isinstance(kind, Measure):
            message = worded("%(function)s() takes a number", function=function.name)
            self._refuse(syntax.start(tree), message)
            return None
        if parameter.kind == "span":
            return self._span(function, tree, node, kind)
        if parameter.kind == "constant" and not isinstance(node, nodes.Constant):
            message = worded("%(function)s() takes a constant number", function=function.name)
            self._refuse(syntax.start(tree), message)
            return None
        return typed

    def _point_of(self, function: Function, tree: syntax.Node) -> Typed | None:
        if not isinstance(tree, syntax.Name):
            message = worded("%(function)s() takes the name of a point", function=function.name)
            self._refuse(syntax.start(tree), message)
            return None
        typed = self._point(tree)
        if typed is not None:
            assert isinstance(typed[0], nodes.PointValue | nodes.PointTruth)
            refusal = happening.refusal(function.name, typed[0].point)
            if refusal is not None:
                self._refuse(tree.at, refusal)
                return None
        return typed

    def _hours(self, function: Function, tree: syntax.Node) -> Typed | None:
        name = tree.name if isinstance(tree, syntax.Name) else ""
        name = tree.value if isinstance(tree, syntax.String) else name
        if not _HOURS.fullmatch(name):
            message = worded(
                "%(function)s() takes the name of a calendar or shift, such as night",
                function=function.name,
            )
            self._refuse(syntax.start(tree), message)
            return None
        return nodes.Constant(False, name.replace("_", "-")), Truth()

    def _span(
        self, function: Function, tree: syntax.Node, node: nodes.Node, kind: Measure
    ) -> Typed | None:
        if not isinstance(node, nodes.Constant) or kind.bare:
            message = worded(
                "%(function)s() takes a time such as 10m: %(signature)s",
                function=function.name,
                signature=function.signature,
            )
            self._refuse(syntax.start(tree), message)
            return None
        return nodes.Constant(measures.seconds(tree, node, kind), node.text), Measure("s")

    def _negative(self, tree: syntax.Negative) -> Typed | None:
        typed = self._visit(tree.operand)
        if typed is None:
            return None
        node, kind = typed
        if not isinstance(kind, Measure):
            message = worded("%(what)s is not a number", what=naming.described(tree.operand))
            self._refuse(tree.at, message)
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
                self._refuse(syntax.start(tree), naming.not_calculable(tree, kind))
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
            return comparing.compared_time(tree, left, right, self.looks)
        if isinstance(left[1], Tally) or isinstance(right[1], Tally):
            return tally(tree, left, right, self.looks)
        return comparing.compared(tree, left, right)

    def _state_comparison(
        self, tree: syntax.Comparison, other: syntax.Node, state: syntax.String
    ) -> Typed | None:
        typed = self._visit(other)
        return comparing.compared_state(tree, other, typed, state) if typed else None


def _of_told(tree: syntax.Call) -> bool:
    """Whether it asks about what Watchkeeper tells of any asset, or about hours beside that."""
    first = tree.arguments[0] if tree.arguments else None
    return tree.name in ("during", "outside") or (
        isinstance(first, syntax.Name) and first.name in TOLD
    )
