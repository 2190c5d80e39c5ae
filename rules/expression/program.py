"""Expressions ready to run: checked once, compiled once, bound to the points of many assets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from rules.catalog import AssetType, PointType
from rules.expression import nodes
from rules.expression.checker import check
from rules.expression.many import Answers, Group, Open
from rules.expression.nodes import View, finite
from rules.expression.parser import parse
from rules.expression.pruning import indexes, prune
from rules.expression.silence import Flipping, Overdue, Silence
from rules.expression.syntax import ExpressionError, Fault
from rules.expression.windowed import Look, Several, looks_of
from rules.past import Past
from rules.slots import ReceiptNow, Slot
from rules.windows import MEASUREMENTS
from rules.wording import worded

Test = Callable[[], bool]
Values = tuple[float | None, ...]
Teller = Callable[[], float | None]
Asking = TypeVar("Asking")

# Stands for every point and path that an asset lacks; nobody writes to it.
UNKNOWN = Slot()


def _untold() -> None:
    """Stands for the window of a point that the asset lacks."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition over the points of one asset type, or of any asset."""

    source: str
    points: tuple[PointType, ...]
    # What it asks of the past of its points.
    looks: tuple[Look, ...]
    # Whether silence decides: then its rule's delays run on the receipt clock as well.
    on_receipt_clock: bool
    root: nodes.Node = field(repr=False)
    # The numbers of the points that `root` judges, and the places of its looks.
    indexes: tuple[int, ...] = field(repr=False)
    places: tuple[int, ...] = field(repr=False)
    _factories: dict[bool, Callable[..., Test]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _pruned: dict[frozenset[int | Group], "Expression"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def watches_every_point(self) -> bool:
        """Whether it looks at all points of the asset, as overdue() does."""
        return any(isinstance(node, Overdue) for node in nodes.walk(self.root))

    @property
    def watches_path(self) -> bool:
        """Whether it looks at the silence of a gateway and all behind it, as path_age() does."""
        return any(
            isinstance(node, Silence) and node.index is None for node in nodes.walk(self.root)
        )

    @property
    def only_silence_trips(self) -> bool:
        """Whether no message, only the passing of time, can make it true."""
        return all(
            isinstance(node, nodes.Joined) or (isinstance(node, Flipping) and node.grows)
            for node in nodes.walk(self.root)
        )

    def bind(
        self,
        asset: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot,
        past: Past | None = None,
        members: Answers | None = None,
    ) -> "Bound":
        """The condition on one asset's points, without what an absent point makes untellable.

        When nothing can be told without it, the whole condition stays unknown. past: the windows
        and hours that it looks at. members: the other assets that it asks about.
        """
        absent: list[int | Group] = [i for i in self.indexes if self.points[i].code not in asset]
        absent += [each for each in self.groups if members is None or not members.has(each)]
        if absent:
            return self._without(frozenset(absent))._bind(asset, now, path, past, members)
        return self._bind(asset, now, path, past, members)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The other assets that it asks about."""
        if not self.looks:
            return ()
        found = (look.question.group for look in self.looks if look.question)
        return tuple(dict.fromkeys(found))

    def _without(self, absent: frozenset[int | Group]) -> "Expression":
        if absent not in self._pruned:
            root = prune(self.root, absent) or self.root
            self._pruned[absent] = replace(
                self, root=root, indexes=indexes(root), places=places(root)
            )
        return self._pruned[absent]

    def _bind(
        self,
        asset: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot,
        past: Past | None,
        members: Answers | None,
    ) -> "Bound":
        slots = tuple(asset.get(point.code, UNKNOWN) for point in self.points)
        tellers = tuple(self._teller(look, past, members) for look in self.looks)
        return Bound(self, slots, tellers, asset, now, path)

    def _teller(self, look: Look, past: Past | None, members: Answers | None) -> Teller:
        if look.question is not None:
            known = members is not None and members.has(look.question.group)
            return members.teller(look.question) if members and known else _untold
        if past is None:
            return _untold
        if look.hours:
            schedule = past.schedules.get(look.hours)
            return schedule.tell if schedule else _untold
        if look.measure == "anomaly":
            verdict = past.verdicts.get(self.points[look.index].code)
            return verdict.tell if verdict else _untold
        window = past.windows.get((self.points[look.index].code, look.span))
        return partial(MEASUREMENTS[look.measure].of, window) if window else _untold

    def factory(self, truth: bool) -> Callable[..., Test]:
        """Compiled code that makes a test of it being `truth` from slots and a slow path."""
        if truth not in self._factories:
            self._factories[truth] = _compiled(_source(self, truth))
        return self._factories[truth]


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Callable[..., Test]:
    names: dict[str, Any] = {"__builtins__": {}, "abs": abs, "finite": finite}
    # The source is made from the checked tree alone: operators, numbers and local names.
    exec(compile(source, "<rule>", "exec"), names)  # noqa: S102
    return cast(Callable[..., Test], names["make"])


def _source(expression: Expression, truth: bool) -> str:
    count = len(expression.points)
    told = expression.places
    arguments = "".join(f"s{i}, " for i in range(count))
    arguments += "".join(f"t{i}, " for i in range(len(expression.looks)))
    checks = [f"(v{i} := s{i}.value) is None" for i in expression.indexes]
    checks += [f"(w{i} := t{i}()) is None" for i in told]
    known = " or ".join(checks) or "False"
    code = expression.root.code()
    result = code if truth else f"not {code}"
    # Defaults rather than closure cells: they are read faster and weigh a third.
    bound = "".join(f"s{i}=s{i}, " for i in range(count))
    bound += "".join(f"t{i}=t{i}, " for i in told)
    return (
        f"def make({arguments}slow):\n"
        f" def test({bound}slow=slow):\n"
        f"  if {known}:\n"
        f"   return slow() is {truth}\n"
        f"  return {result}\n"
        f" return test\n"
    )


class Bound:
    """An expression on the slots of one asset."""

    __slots__ = ("_asset", "_now", "_path", "_plain", "_tellers", "expression", "slots")

    def __init__(
        self,
        expression: Expression,
        slots: tuple[Slot, ...],
        tellers: tuple[Teller, ...],
        asset: Mapping[str, Slot],
        now: ReceiptNow,
        path: Slot,
    ) -> None:
        self.expression = expression
        self.slots = slots
        self._plain = tellers
        # With the words for it, where one is an answer about many.
        self._tellers = tuple(getattr(each, "told", each) for each in tellers)
        self._asset = asset
        self._now = now
        self._path = path

    def values(self) -> Values:
        """The points' present values in the expression's order, then what windows tell now."""
        present = tuple(slot.value for slot in self.slots)
        return present + tuple(tell() for tell in self._tellers) if self._tellers else present

    def _view(self, values: Values | None = None) -> View:
        present = self.values() if values is None else values
        count = len(self.slots)
        return View(
            present[:count], present[count:], self.slots, self._asset, self._path, self._now.now
        )

    def holds(self) -> bool | None:
        """Its truth now; None while unknown points leave it open. Raises ArithmeticError."""
        values = tuple(slot.value for slot in self.slots)
        if self._plain:
            values += tuple(tell() for tell in self._plain)
        return cast(bool | None, self.expression.root.evaluate(self._view(values)))

    def test(self, truth: bool) -> Test:
        """A closure that tells whether it is `truth` now; it may raise ArithmeticError.

        Without silence in it, it is compiled code that reads the slots directly.
        """
        if self.expression.on_receipt_clock:
            return lambda: self.holds() is truth
        return self.expression.factory(truth)(*self.slots, *self._plain, self.holds)

    def explain(self, values: Values, truth: bool) -> str:
        """Why it was `truth` with these values: `motor_temperature 82.1 °C > 75 °C`."""
        return self.expression.root.explain(self._view(values), truth)

    def parts(self) -> list[tuple[str, bool | None]]:
        """Each comparison in it as it is now, and whether it holds; None = it can't be told."""
        view = self._view()
        told = [(node, _told(node, view)) for node in _comparisons(self.expression.root)]
        return [(self._open(node), None) if each[1] is None else each for node, each in told]

    def _open(self, node: nodes.Node) -> str:
        """What can't be told, with those that keep it open where many are asked."""
        asker = self._plain[node.place] if isinstance(node, Several) else None
        if isinstance(asker, Open):
            return asker.open()
        return node.explain(self._view(), True)

    def askers(self, kind: type[Asking]) -> list[Asking]:
        """What answers its questions about other assets."""
        judged = (self._plain[place] for place in self.expression.places)
        return [each for each in judged if isinstance(each, kind)]

    def next_flip(self, after: int) -> int | None:
        """The first receipt instant later than `after` at which silence may change it, in µs."""
        view = self._view()
        later = (flip for flip in self._flips(view) if flip > after)
        return min(later, default=None)

    def _flips(self, view: View) -> Iterable[int]:
        for node in nodes.walk(self.expression.root):
            if isinstance(node, Flipping):
                yield from node.flips(view)


def _comparisons(node: nodes.Node) -> Iterable[nodes.Node]:
    if isinstance(node, nodes.Joined | nodes.Negated):
        for child in node.children or (cast(nodes.Negated, node).operand,):
            yield from _comparisons(child)
    else:
        yield node


def _told(node: nodes.Node, view: View) -> tuple[str, bool | None]:
    try:
        value = node.evaluate(view)
    except ArithmeticError:
        value = None
    return node.explain(view, value is not False), None if value is None else bool(value)


def compile_expression(
    text: str,
    points: Mapping[str, PointType] | None,
    catalog: Mapping[str, AssetType] | None = None,
) -> Expression:
    """Parses and checks `text` against an asset type's points (None: any asset).

    catalog: the types of the other assets that it may ask about; none at all without it.

    Raises ExpressionError with every fault found and its offset in `text`.
    """
    checked = check(parse(text), points, catalog)
    moved = checked.points or any(look.question for look in checked.looks)
    if not moved and not checked.on_receipt_clock:
        message = worded("this names no point, so it never changes")
        raise ExpressionError([Fault(0, message)])
    root = checked.root
    return Expression(
        text.strip(),
        checked.points,
        checked.looks,
        checked.on_receipt_clock,
        root,
        indexes(root),
        places(root),
    )


@lru_cache(maxsize=1024)
def of_group(group: Group) -> Expression:
    """The condition of a group, to be bound to each of its members."""
    root = group.root
    return Expression(group.text, group.points, (), False, root, indexes(root), ())


def places(root: nodes.Node) -> tuple[int, ...]:
    """The places of the looks that `root` judges."""
    return tuple(sorted({part.place for part in looks_of(root)}))
