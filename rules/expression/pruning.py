"""Conditions for assets that lack some of the points: what can still be judged of them."""

from collections.abc import Collection
from dataclasses import replace

from rules.expression.many import Group
from rules.expression.nodes import Joined, Negated, Node, PointTruth, PointValue, walk
from rules.expression.silence import Silence
from rules.expression.windowed import looks_of


def indexes(node: Node) -> tuple[int, ...]:
    """The numbers of the points that `node` judges, in order."""
    found = {
        part.index for part in walk(node) if isinstance(part, PointValue | PointTruth | Silence)
    }
    found |= {part.look.index for part in looks_of(node) if part.look.index >= 0}
    return tuple(sorted(index for index in found if index is not None))


def prune(node: Node, absent: Collection[int | Group], wanted: bool = True) -> Node | None:
    """What remains of `node`, waited for to be `wanted`, without the points and groups in `absent`.

    `a or b` without b is a; `a and b` can never be told, so None. Without this, an alarm that
    a tripped could never clear, because nobody would ever know of b.
    """
    if isinstance(node, Joined):
        return _prune_joined(node, absent, wanted)
    if isinstance(node, Negated):
        inside = prune(node.operand, absent, not wanted)
        return None if inside is None else Negated(inside)
    return None if _lacks(node, absent) else node


def _lacks(node: Node, absent: Collection[int | Group]) -> bool:
    groups = (part.look.question.group for part in looks_of(node) if part.look.question)
    return any(each in absent for each in (*indexes(node), *groups))


def _prune_joined(node: Joined, absent: Collection[int | Group], wanted: bool) -> Node | None:
    pruned = [prune(child, absent, wanted) for child in node.children]
    rest = tuple(child for child in pruned if child is not None)
    if not rest or (len(rest) < len(pruned) and node.decisive is not wanted):
        return None
    return rest[0] if len(rest) == 1 else replace(node, children=rest)
