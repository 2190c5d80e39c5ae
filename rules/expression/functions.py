"""The functions that an expression may call: one registry for parser, checker and documentation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rules import units
from rules.durations import DAY
from rules.expression import happening, nodes
from rules.expression.silence import Overdue
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Elapsed, Measure, Truth, Typed
from rules.expression.windowed import LONGEST_DAYS, Anomaly, During, Look, Measured, Stuck
from rules.wording import Message, worded

ParameterKind = Literal["number", "point", "constant", "span", "hours"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: any number, the bare name of a point, or a number known when checking.

    A span is a constant time, hours are the name of some.
    """

    name: str
    kind: ParameterKind


Build = Callable[[int, Sequence[Typed], list[Look]], Typed]


@dataclass(frozen=True, slots=True)
class Function:
    """What an expression may call, how its arguments are typed, and the node it becomes.

    `build` takes the offset of the call, the checked arguments, one for each parameter, and what
    the expression looks at so far, which it may add to. It raises ExpressionError for arguments
    it can't take.
    """

    name: str
    parameters: tuple[Parameter, ...]
    summary: str
    build: Build
    # Judged on the receipt clock; the rule's delays then run on it too.
    receipt_clock: bool = False
    # Needs no point by name, so a rule for any asset type may call it.
    any_asset: bool = False

    @property
    def signature(self) -> str:
        """As documentation shows it: `age(point)`."""
        return f"{self.name}({', '.join(parameter.name for parameter in self.parameters)})"


def _absolute(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    (node, kind) = arguments[0]
    assert isinstance(kind, Measure)
    if isinstance(node, nodes.Constant):
        return nodes.Constant(abs(node.value), f"abs({node.text})"), kind
    return nodes.Application("abs", abs, node), kind


def _age(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.PointValue | nodes.PointTruth)
    return node, Elapsed(f"age({node.point.code})", node.index)


def _path_age(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    return nodes.Constant(False, "path_age()"), Elapsed("path_age()", None)


def _overdue(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    (node, kind) = arguments[0]
    assert isinstance(node, nodes.Constant)
    assert isinstance(kind, Measure)
    if not kind.bare or not 1 <= node.value <= 1000:
        message = worded("overdue() takes a plain number from 1 to 1000")
        raise ExpressionError([Fault(at, message)])
    return Overdue(float(node.value)), Truth()


def _since(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.PointValue | nodes.PointTruth)
    return node, Elapsed(f"since({node.point.code})", node.index, changed=node.point)


def look_at(looks: list[Look], measure: str, index: int, span: int) -> tuple[int, Look]:
    """The place of a look among `looks`, to which it is added if it is new."""
    look = Look(measure, index, span)
    if look not in looks:
        looks.append(look)
    return looks.index(look), look


def span_of(at: int, node: nodes.Node) -> int:
    """µs of a span. Raises ExpressionError when it is too long to be kept."""
    assert isinstance(node, nodes.Constant)
    span = round(node.value * 1e6)
    if span > LONGEST_DAYS * DAY:
        raise ExpressionError([Fault(at, happening.too_long(LONGEST_DAYS))])
    return span


def _no_number(function: str, point: str) -> Message:
    return worded(
        "%(function)s() takes a number, and %(point)s is none; use changes() or since()",
        function=function,
        point=point,
    )


def _windowed(measure: str, unit_of: Callable[[int, str | None], Measure]) -> Build:
    """What builds a number told of a window; `unit_of` tells its unit from the point's."""

    def build(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
        node = arguments[0][0]
        if not isinstance(node, nodes.PointValue) or node.point.kind != "number":
            assert isinstance(node, nodes.PointValue | nodes.PointTruth)
            raise ExpressionError([Fault(at, _no_number(measure, node.point.code))])
        place, look = look_at(looks, measure, node.index, span_of(at, arguments[1][0]))
        kind = unit_of(at, node.point.unit)
        return Measured(place, look, node.point, kind.unit), kind

    return build


def _count_of(measure: str) -> Build:
    def build(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
        node = arguments[0][0]
        assert isinstance(node, nodes.PointValue | nodes.PointTruth)
        span = happening.span_of(at, arguments[1][0], node.point)
        place, look = look_at(looks, measure, node.index, span)
        return Measured(place, look, node.point, None), Measure(None)

    return build


def _stuck(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.PointValue | nodes.PointTruth)
    place, look = look_at(looks, "stuck", node.index, span_of(at, arguments[1][0]))
    return Stuck(place=place, look=look, point=node.point), Truth()


def _anomaly(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.PointValue | nodes.PointTruth)
    if node.point.kind != "number":
        raise ExpressionError([Fault(at, _no_number("anomaly", node.point.code))])
    place, look = look_at(looks, "anomaly", node.index, 0)
    return Anomaly(place=place, look=look, point=node.point), Truth()


def _during(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node = arguments[0][0]
    assert isinstance(node, nodes.Constant)
    look = Look("during", hours=node.text)
    if look not in looks:
        looks.append(look)
    return During(place=looks.index(look), look=look), Truth()


def _outside(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    node, kind = _during(at, arguments, looks)
    return nodes.Negated(node), kind


def _as_it_is(at: int, unit: str | None) -> Measure:
    return Measure(unit)


def _as_difference(at: int, unit: str | None) -> Measure:
    return Measure(unit, relative=unit is not None and not units.is_multiplicative(unit))


def _by_second(at: int, unit: str | None) -> Measure:
    if not unit:
        return Measure("1/s")
    try:
        units.require(f"{unit}/s")
    except units.UnitError:
        message = worded("a rate can't be told of values in %(unit)s; use delta()", unit=unit)
        raise ExpressionError([Fault(at, message)]) from None
    return Measure(f"{unit}/s")


_POINT = Parameter("point", "point")
_SPAN = Parameter("span", "span")
_HOURS = Parameter("hours", "hours")
_ALL = (
    Function(
        "abs",
        (Parameter("x", "number"),),
        "The size of a number, without its sign.",
        _absolute,
    ),
    Function(
        "avg",
        (_POINT, _SPAN),
        "The mean of the readings of the span: `avg(flow, 10m) > 20 L/min`.",
        _windowed("avg", _as_it_is),
    ),
    Function(
        "min",
        (_POINT, _SPAN),
        "The lowest value that held at any time in the span.",
        _windowed("min", _as_it_is),
    ),
    Function(
        "max",
        (_POINT, _SPAN),
        "The highest value that held at any time in the span.",
        _windowed("max", _as_it_is),
    ),
    Function(
        "sum",
        (_POINT, _SPAN),
        "The sum of the readings of the span.",
        _windowed("sum", _as_difference),
    ),
    Function(
        "stddev",
        (_POINT, _SPAN),
        "The standard deviation of the readings of the span.",
        _windowed("stddev", _as_difference),
    ),
    Function(
        "delta",
        (_POINT, _SPAN),
        "How much higher the value is now than at the beginning of the span.",
        _windowed("delta", _as_difference),
    ),
    Function(
        "rate",
        (_POINT, _SPAN),
        "`delta` divided by the span, a speed: `rate(temperature, 10m) > 2 °C/min`.",
        _windowed("rate", _by_second),
    ),
    Function(
        "count",
        (_POINT, _SPAN),
        "How many readings came in the span; of an event, how often it happened:"
        " `count(door_forced, 10m) >= 1`.",
        _count_of("count"),
    ),
    Function(
        "repeats",
        (Parameter("event", "point"), _SPAN),
        "Of an event that has categories: how often it happened with the most frequent of them:"
        " `repeats(ticket_opened, 30d) >= 3`.",
        happening.repeats,
    ),
    Function(
        "changes",
        (_POINT, _SPAN),
        "How many readings of the span differ from the one before: `changes(running, 1h) > 12`.",
        _count_of("changes"),
    ),
    Function(
        "stuck",
        (_POINT, _SPAN),
        "True when the point was heard at least twice in the span and always with the same value.",
        _stuck,
    ),
    Function(
        "since",
        (_POINT,),
        "The time since the value last changed; of an event, since it last happened. Compare it"
        " with a constant: `since(running) > 8h`.",
        _since,
    ),
    Function(
        "anomaly",
        (_POINT,),
        "True while a number is not as usual for the point, the hour and the day of the week, by"
        " what was learned from its own readings: `anomaly(flow) and during(night)`.",
        _anomaly,
    ),
    Function(
        "during",
        (_HOURS,),
        "True within the hours of a calendar or a shift of the site: `during(night)`.",
        _during,
    ),
    Function(
        "outside",
        (_HOURS,),
        "True outside the hours of a calendar or a shift of the site: `outside(office)`.",
        _outside,
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
