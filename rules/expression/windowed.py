"""What a condition may ask of a point's past, as parts of a checked expression."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.baseline import Odd, explain
from rules.catalog import PointType
from rules.durations import format_duration
from rules.expression.many import Answer, Question, asked
from rules.expression.nodes import Node, Value, View, number_text, walk

# A window is kept in memory: at a reading a minute, a week of one point is about a megabyte.
LONGEST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to be told of a point's past. measure: a key of `rules.windows.MEASUREMENTS`.

    index: of the point; span: in µs. For `during` there is neither, but the name of the hours; for
    many assets, the question. `anomaly` is told of a baseline and has no span.
    """

    measure: str
    index: int = -1
    span: int = 0
    hours: str = ""
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A number told of a point's window, such as `avg(flow, 10m)`; place: among the looks."""

    place: int
    look: Look
    point: PointType
    unit: str | None
    children: tuple[Node, ...] = ()
    computed: bool = True

    def code(self) -> str:
        return f"w{self.place}"

    def evaluate(self, view: View) -> Value:
        return view.measured[self.place]

    def explain(self, view: View, truth: bool) -> str:
        return f"{_called(self)} {_number(view.measured[self.place], self.unit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What is told of a look as a yes or a no; place: among the looks."""

    place: int
    look: Look
    children: tuple[Node, ...] = ()
    computed: bool = False

    def code(self) -> str:
        return f"(w{self.place} != 0.0)"

    def evaluate(self, view: View) -> Value:
        value = view.measured[self.place]
        return None if value is None else value != 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(_Answer):
    """`stuck(point, span)`."""

    point: PointType

    def explain(self, view: View, truth: bool) -> str:
        span = format_duration(self.look.span)
        kept = "reported the same value" if truth else "changed"
        return f"{self.point.code} {kept} within {span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(_Answer):
    """`since(point)` compared with a constant; inclusive: it was written with >= or <."""

    point: PointType
    limit: int
    inclusive: bool

    def explain(self, view: View, truth: bool) -> str:
        sign = (">=" if truth else "<") if self.inclusive else (">" if truth else "<=")
        return f"since({self.point.code}) {sign} {format_duration(self.limit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class During(_Answer):
    """`during(hours)`, which is no past but moves with time just so."""

    def explain(self, view: View, truth: bool) -> str:
        return f"{'during' if truth else 'outside'}({self.look.hours})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly(_Answer):
    """`anomaly(point)`."""

    point: PointType

    def explain(self, view: View, truth: bool) -> str:
        value = view.measured[self.place]
        if value is None:
            return f"{self.point.code}: what is usual is not known yet"
        if truth and isinstance(value, Odd):
            return explain(self.point.code, self.point.unit, value.finding, number_text)
        return f"{self.point.code} is {'unusual' if truth else 'as usual'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(_Answer):
    """`any`, `all` or a compared `count` of many assets, which is no past but an answer."""

    def explain(self, view: View, truth: bool) -> str:
        answer = view.measured[self.place]
        if isinstance(answer, Answer):
            return answer.text
        assert self.look.question is not None
        return asked(self.look.question, truth)


Looking = Measured | Stuck | Unchanged | During | Anomaly | Several


def looks_of(node: Node) -> Iterator[Looking]:
    """Every part of `node` that looks at a window."""
    return (part for part in walk(node) if isinstance(part, Looking))


def _called(node: Measured) -> str:
    return f"{node.look.measure}({node.point.code}, {format_duration(node.look.span)})"


def _number(value: float | None, unit: str | None) -> str:
    return "unknown" if value is None else number_text(value, unit)
