"""Events in conditions: they happen and don't last, so they are counted, or waited for."""

from collections.abc import Sequence

from rules.catalog import PointType
from rules.expression import nodes
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Measure, Typed
from rules.expression.windowed import LONGEST_DAYS, Look, Measured
from rules.wording import Message, worded

# Events are few, so more of their past can be kept in memory than of what is measured.
LONGEST_DAYS_OF_EVENTS = 31
# The functions that can be told of an event.
OF_EVENTS = ("count", "since", "repeats")


def longest_days(point: PointType) -> int:
    """How long a window of a point may be."""
    return LONGEST_DAYS_OF_EVENTS if point.kind == "event" else LONGEST_DAYS


def advice(code: str) -> Message:
    """What to write instead of the bare name of an event."""
    return worded(
        "%(event)s is an event: it happens and doesn't last. Say how often and in what time, as in"
        " count(%(event)s, 10m) >= 1, or how long ago, as in since(%(event)s) > 8h",
        event=code,
    )


def refusal(function: str, point: PointType) -> Message | None:
    """Why a function can't be told of a point, if it can't."""
    if point.kind == "event":
        if function in OF_EVENTS:
            return None
        return worded(
            "%(function)s() can't be told of an event such as %(point)s; use count(), since() or"
            " repeats()",
            function=function,
            point=point.code,
        )
    if function == "repeats":
        return worded(
            "repeats() takes an event, and %(point)s is none; use count() or changes()",
            point=point.code,
        )
    return None


def repeats(at: int, arguments: Sequence[Typed], looks: list[Look]) -> Typed:
    """What `repeats(event, span)` becomes."""
    node, (length, _) = arguments[0][0], arguments[1]
    assert isinstance(node, nodes.PointValue)
    assert isinstance(length, nodes.Constant)
    look = Look("repeats", node.index, span_of(at, length, node.point))
    if look not in looks:
        looks.append(look)
    return Measured(looks.index(look), look, node.point, None), Measure(None)


def too_long(days: int) -> Message:
    """How long a window may be at most."""
    return worded("a window is at most %(days)sd long", days=days)


def span_of(at: int, node: nodes.Node, point: PointType) -> int:
    """µs of a span. Raises ExpressionError when it is too long to be kept of the point."""
    assert isinstance(node, nodes.Constant)
    span, days = round(node.value * 1e6), longest_days(point)
    if span > days * 86_400_000_000:
        raise ExpressionError([Fault(at, too_long(days))])
    return span
