"""Loops of templates, all of which together do so little work only that they are soon over."""

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from ingest.dialects.homeassistant.template_values import MISSING, Fault, bounded, is_true

# So many parts of a template its loops may work out together: each round costs what stands in it.
MOST_PARTS = 2_000
# Under this, which no template can name, a scope holds how many of them are left.
_LEFT = "parts left"

Scope = dict[str, Any]
Work = Callable[[Any, Scope], Any]
Body = Callable[[list[nodes.Node], Scope], str]


class Continue(Exception):
    """The round is over. said: what it wrote until then."""

    def __init__(self, said: str = "") -> None:
        self.said = said


class Break(Continue):
    """So is the loop."""


def scope_of(value: str) -> Scope:
    """What a template begins with."""
    return {"value": value, _LEFT: [MOST_PARTS]}


def looped(node: nodes.For, scope: Scope, work: Work, body: Body) -> str:
    """What a loop writes. Fault where it goes round too often, or over anything but a list."""
    over = work(node.iter, scope)
    if not isinstance(over, list | dict):
        raise Fault("a loop goes over a list")
    cost = 1 + sum(1 for _ in node.find_all(nodes.Node))
    rounds = []
    for each in over:
        _pay(scope, cost)
        one = {**scope, **_named(node.target, each)}
        if node.test is None or is_true(work(node.test, one)):
            rounds.append(one)
    written = []
    for place, one in enumerate(rounds):
        one["loop"] = {
            "index": place + 1,
            "index0": place,
            "first": place == 0,
            "last": place == len(rounds) - 1,
            "length": len(rounds),
        }
        try:
            written.append(body(node.body, one))
        except Continue as end:
            written.append(end.said)
            if isinstance(end, Break):
                break
    return bounded("".join(written) if rounds else body(node.else_, scope))


def _pay(scope: Scope, cost: int) -> None:
    scope[_LEFT][0] -= cost
    if scope[_LEFT][0] < 0:
        raise Fault("its loops go round too often")


def _named(target: nodes.Node, value: Any) -> Scope:
    if isinstance(target, nodes.Name):
        return {target.name: value}
    names = [each.name for each in target.items if isinstance(each, nodes.Name)]  # type: ignore[attr-defined]
    if not isinstance(value, list | str) or len(value) != len(names):
        raise Fault("the members of the list are others")
    return dict(zip(names, value, strict=True))


def assigned(target: nodes.Expr, value: Any, scope: Scope) -> None:
    """Set a name, or a name of a namespace."""
    if isinstance(target, nodes.NSRef):
        space = scope.get(target.name, MISSING)
        if not isinstance(space, Namespace):
            raise Fault("no namespace")
        space[target.attr] = value
    else:
        scope[target.name] = value  # type: ignore[attr-defined]


class Namespace(dict[str, Any]):
    """Names that a loop may set for what comes after it."""
