"""Comparisons: of two values, of a point with one of its states, and of times that pass."""

from rules.expression import happening, measures, naming, nodes, syntax
from rules.expression.functions import look_at
from rules.expression.silence import Silence
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.types import Elapsed, Measure, State, Truth, Typed
from rules.expression.windowed import Look, Unchanged
from rules.located_yaml import nearest
from rules.wording import worded


def _only_equality(tree: syntax.Comparison) -> None:
    """Refuses an order where there is none. Raises ExpressionError."""
    if tree.operator not in ("==", "!="):
        message = worded("only == and != make sense here, not %(sign)s", sign=tree.operator)
        raise ExpressionError([Fault(tree.at, message)])


def _same_states(tree: syntax.Comparison, left: Typed, right: Typed) -> None:
    """Refuses to compare two points of different states. Raises ExpressionError."""
    if left[1] != right[1] and isinstance(left[1], State) and isinstance(right[1], State):
        if left[1].states == right[1].states:
            return
        message = worded("these two points have different states")
        raise ExpressionError([Fault(tree.at, message)])


def compared(tree: syntax.Comparison, left: Typed, right: Typed) -> Typed:
    """Two values of one kind. Raises ExpressionError for any others."""
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
    message = worded(
        "%(what)s; it can't be compared with %(other)s",
        what=naming.what(tree.left, left),
        other=naming.described(tree.right),
    )
    raise ExpressionError([Fault(syntax.start(tree), message)])


def compared_state(
    tree: syntax.Comparison, place: syntax.Node, value: Typed, state: syntax.String
) -> Typed:
    """A point against one of its states. place: of the point. Raises ExpressionError."""
    node, kind = value
    if not isinstance(kind, State):
        message = worded(
            "%(what)s, so it has no state %(state)s",
            what=naming.what(place, value),
            state=repr(state.value),
        )
        raise ExpressionError([Fault(state.at, message)])
    _only_equality(tree)
    if state.value not in kind.states:
        message = worded(
            "%(state)s is no state of %(point)s (%(known)s)%(hint)s",
            state=repr(state.value),
            point=kind.point,
            known=", ".join(kind.states),
            hint=nearest(state.value, kind.states),
        )
        raise ExpressionError([Fault(state.at, message)])
    number = nodes.Constant(float(kind.states.index(state.value)), state.value)
    return nodes.Compared(tree.operator, node, number), Truth()


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compared_time(tree: syntax.Comparison, left: Typed, right: Typed, looks: list[Look]) -> Typed:
    """A time since something against a constant: silence, or that a point stayed as it was.

    Raises ExpressionError for anything but a constant, and for equality.
    """
    sign = tree.operator
    elapsed, constant, place = left[1], right, tree.right
    if not isinstance(elapsed, Elapsed):
        elapsed, constant, place = right[1], left, tree.left
        sign = _MIRRORED.get(sign, sign)  # type: ignore[assignment]
    assert isinstance(elapsed, Elapsed)
    if sign not in _MIRRORED:
        message = worded(
            "%(time)s passes an instant only once; use <, <=, > or >=", time=elapsed.name
        )
        raise ExpressionError([Fault(tree.at, message)])
    node, kind = constant
    if not isinstance(node, nodes.Constant) or not isinstance(kind, Measure):
        message = worded(
            "%(time)s may only be compared with a constant, as in %(time)s > 10m", time=elapsed.name
        )
        raise ExpressionError([Fault(syntax.start(place), message)])
    limit = round(measures.seconds(place, node, kind) * 1_000_000)
    if elapsed.changed is not None:
        return _unchanged(place, elapsed, sign, limit, looks)
    return Silence(elapsed.index, elapsed.name, sign, limit), Truth()


def _unchanged(
    place: syntax.Node, elapsed: Elapsed, sign: str, limit: int, looks: list[Look]
) -> Typed:
    assert elapsed.index is not None
    assert elapsed.changed is not None
    # Longer than the limit is, to the µs, as long as the limit and one more.
    inclusive = sign in (">=", "<")
    at = syntax.start(place)
    happening.span_of(at, nodes.Constant(limit / 1e6, ""), elapsed.changed)
    number, look = look_at(looks, "since", elapsed.index, limit if inclusive else limit + 1)
    node = Unchanged(
        place=number, look=look, point=elapsed.changed, limit=limit, inclusive=inclusive
    )
    return (node if sign in (">", ">=") else nodes.Negated(node)), Truth()
