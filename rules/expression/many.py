"""Questions about many assets: `any`, `all` and `count` of those on a branch of the tree."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

from rules.catalog import AssetType, PointType
from rules.expression import syntax
from rules.expression.nodes import INVERSE, Node
from rules.expression.syntax import ExpressionError, Fault
from rules.located_yaml import nearest
from rules.wording import worded

WORDS = ("any", "all", "count")
RELATIONS = frozenset({"in", "below", "above"})
WRITE = worded("write in space, in a kind of space such as in floor, in site, below or above")


@dataclass(frozen=True, slots=True)
class Branch:
    """Assets of one type, as they stand to the asset that is judged.

    relation: `in space` is its own space with all within, `in site` the whole site, `in floor` the
    nearest space of that kind around it; `below` is what it supplies and `above` what supplies it,
    however indirectly, one medium all the way.
    """

    asset_type: str
    relation: str


@dataclass(frozen=True, slots=True)
class Group:
    """A condition on each asset of a branch. text: as it was written, with the relation."""

    branch: Branch
    text: str
    root: Node
    points: tuple[PointType, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a group. how: any, all or count; a count is compared with a limit."""

    group: Group
    how: str
    operator: str = ""
    limit: float = 0.0


class Answer(float):
    """1 for yes and 0 for no, with the words for it: which assets it rests on, and their values."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, yes: bool, text: str) -> Self:
        """An answer."""
        made = super().__new__(cls, yes)
        made.text = text
        return made


@runtime_checkable
class Open(Protocol):
    """What answers one question: 1, 0, or None while it can't be told."""

    def __call__(self) -> float | None:
        """The answer."""

    def told(self) -> Answer | None:
        """The answer with the words for it."""

    def open(self) -> str:
        """What is asked, with those that keep it from being told."""


class Answers(Protocol):
    """The members of each group at one asset."""

    def has(self, group: Group) -> bool:
        """Whether there are any."""

    def teller(self, question: Question) -> Open:
        """What answers a question about them."""


def asked(question: Question, truth: bool) -> str:
    """What is asked and that the answer is `truth`, without who makes it so."""
    text = f"{question.how}({question.group.text})"
    if question.how == "count":
        sign = question.operator if truth else INVERSE[question.operator]
        return f"{text} {sign} {question.limit:g}"
    return text if truth else f"not {text}"


def apart(over: syntax.Over, catalog: Mapping[str, AssetType]) -> tuple[str, syntax.Node]:
    """The type that a question is about, and its condition with the points' own names.

    Raises ExpressionError where that is not one known type.
    """
    types: dict[str, int] = {}
    condition = _bare(over.condition, types)
    if not types:
        message = worded("name a point of the assets that are asked about, such as pump.fault")
        raise ExpressionError([Fault(syntax.start(over.condition), message)])
    first, *others = types
    if first not in catalog:
        hint = nearest(first, [*catalog])
        message = worded("no asset type '%(type)s' here%(hint)s", type=first, hint=hint)
        raise ExpressionError([Fault(types[first], message)])
    if others:
        message = worded(
            "one question asks about assets of one type, not %(one)s and %(other)s",
            one=first,
            other=others[0],
        )
        raise ExpressionError([Fault(types[others[0]], message)])
    return first, condition


def _bare(tree: syntax.Node, types: dict[str, int]) -> syntax.Node:
    match tree:
        case syntax.Name():
            asset_type, dot, point = tree.name.partition(".")
            if not dot:
                message = worded(
                    "write the type before the point, such as pump.%(point)s", point=tree.name
                )
                raise ExpressionError([Fault(tree.at, message)])
            types.setdefault(asset_type, tree.at)
            return syntax.Name(tree.at, point)
        case syntax.Call():
            return replace(tree, arguments=tuple(_bare(each, types) for each in tree.arguments))
        case syntax.Negative() | syntax.Not():
            return replace(tree, operand=_bare(tree.operand, types))
        case syntax.Arithmetic() | syntax.Comparison():
            left, right = _bare(tree.left, types), _bare(tree.right, types)
            return replace(tree, left=left, right=right)
        case syntax.Junction():
            return replace(tree, operands=tuple(_bare(each, types) for each in tree.operands))
        case syntax.Over():
            message = worded("a question about many can't stand in another")
            raise ExpressionError([Fault(tree.at, message)])
    return tree


def lacking(group: Group, codes: Collection[str]) -> list[int]:
    """The numbers of the group's points that an asset with these points lacks."""
    return [number for number, point in enumerate(group.points) if point.code not in codes]
