"""Messages that say the same points as one before: types of their own, whose values are sound as
soon as they are decoded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from core.telemetry.readings import Together
from ingest.dialects import Absent, Plan, Shape
from ingest.registry import PointState

# What may stand beside the values where lists would be something else than values.
_NoList = bool | int | float | str | dict[str, Any] | msgspec.UnsetType | None

# Names of a level, each with what stands there: other names, or the end of a path.
_Tree = dict[str, "_Tree | _Leaf"]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Where a value stands. key: the whole path; None for a name that leads to another one's.

    limits: what a number is between; None for true and false. said: whether it is there.
    """

    key: str | None
    limits: tuple[float, float] | None = None
    said: bool = False


@dataclass(frozen=True, slots=True)
class Alike:
    """How they are read, of all devices that say the same: `values` of what `decode` makes.

    group: in which these become readings. moment, through, gateway: as in `Shape`.
    """

    decode: Callable[[bytes], Any]
    values: Callable[[Any], tuple[float, ...]]
    group: Together
    moment: Callable[[str], int | None]
    through: Callable[[Any, str], str | None] | None
    gateway: str | None


def alike(
    plan: Plan, points: Mapping[str, PointState], said: Mapping[str, Any]
) -> tuple[Alike, tuple[PointState, ...]] | None:
    """Messages like the one whose values were told as `said`, and the points of their values.

    None where they aren't so simple. points: those of the device that its messages may have values
    for, by key.
    """
    found = tuple(key for key in points if key in said)
    if plan.shape is None or not found:
        return None
    # As they stand in the message: so the next name is mostly that of the next field.
    leaves = [
        leaf
        for key in said
        if key in points
        and (leaf := _leaf(key, points[key], said[key], worded=key in plan.words)) is not None
    ]
    if len(leaves) < len(found):
        return None
    leaves += [_Leaf(key) for key in points if key not in said]
    beside = frozenset(key.split(".")[0] for key in said) if plan.shape.closed else None
    one = _alike(plan.shape, tuple(leaves), found, beside)
    return None if one is None else (one, tuple(points[key] for key in found))


def doubles(path: Sequence[str], place: int) -> tuple[str, ...]:
    """Names that would lead to the end of a path as well, instead of the one at a place of it."""
    return tuple(".".join(path[place:end]) for end in range(place + 2, len(path) + 1))


def _leaf(key: str, point: PointState, value: Any, *, worded: bool) -> _Leaf | None:
    kind = value.__class__
    if kind is bool and point.low <= 0 and point.high >= 1:
        return _Leaf(key, None, said=True)
    if kind in (int, float) and not point.boolean and not worded:
        return _Leaf(key, (point.low, point.high), said=True)
    return None


@lru_cache(maxsize=4_096)
def _alike(
    shape: Shape,
    leaves: tuple[_Leaf, ...],
    found: tuple[str, ...],
    beside: frozenset[str] | None,
) -> Alike | None:
    """None where a name would be two things."""
    base, inside = shape.base, shape.inside
    tree: _Tree = {}
    if not all(_grow(tree, leaf) for leaf in leaves):
        return None
    # Where a name leads to stands in front of it there, so that its value can be picked by that.
    where: dict[str, str] = {}
    if inside is None:
        for name in tree.keys() & set(base.__struct_encode_fields__):
            if _is_said(tree.pop(name)):
                return None
        whole = _type(tree, "", where, base)
    else:
        inner = _type(tree, "inside.", where, beside=beside)
        whole = msgspec.defstruct(
            "Said",
            [("inside", inner)],
            bases=(base,),
            rename={"inside": inside},
            kw_only=True,
            gc=False,
        )
    return Alike(
        msgspec.json.Decoder(whole).decode,
        _picked([where[key] for key in found]),
        Together(len(found)),
        shape.moment,
        shape.through,
        shape.gateway,
    )


def _picked(paths: list[str]) -> Callable[[Any], tuple[float, ...]]:
    pick: Callable[[Any], Any] = attrgetter(*paths)
    # Of one only it makes no tuple.
    return pick if len(paths) > 1 else lambda said: (pick(said),)


def _grow(tree: _Tree, leaf: _Leaf) -> bool:
    """Put the end of a path in its place; False if something else is there already."""
    assert leaf.key is not None
    path = leaf.key.split(".")
    for place, name in enumerate(path):
        for other in doubles(path, place):
            if _is_said(tree.setdefault(other, _Leaf(None))):
                return False
        if place == len(path) - 1:
            return tree.setdefault(name, leaf) is leaf
        below = tree.setdefault(name, {})
        if isinstance(below, _Leaf):
            return False
        tree = below
    return False


def _is_said(what: "_Tree | _Leaf") -> bool:
    return what.said if isinstance(what, _Leaf) else any(map(_is_said, what.values()))


def _type(
    tree: _Tree,
    path: str,
    where: dict[str, str],
    base: type[msgspec.Struct] = msgspec.Struct,
    beside: frozenset[str] | None = None,
) -> type[msgspec.Struct]:
    """The type of a level. path: to it; where: to each value, filled here. beside: which names may
    stand there beside the tree's; any if None."""
    rename: dict[str, str] = {}
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    more = dict.fromkeys((beside or set()) - tree.keys())
    for name, what in (tree | more).items():
        field = f"v{len(fields)}"
        rename[field] = name
        kind: Any = _NoList
        if isinstance(what, dict):
            kind = _type(what, f"{path}{field}.", where)
        elif what is not None:
            kind = _type_of(what)
            if what.said and what.key is not None:
                where[what.key] = path + field
        if what is not None and _is_said(what):
            fields.append((field, kind))
        else:
            fields.append((field, kind | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(
        "Said",
        fields,
        bases=(base,),
        rename=rename,
        kw_only=True,
        gc=False,
        forbid_unknown_fields=beside is not None,
    )


def _type_of(leaf: _Leaf) -> Any:
    if not leaf.said:
        return Absent
    if leaf.limits is None:
        return bool
    low, high = leaf.limits
    return Annotated[float, msgspec.Meta(ge=low, le=high)]
