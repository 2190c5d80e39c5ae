"""Value templates: Jinja expressions as Home Assistant has them, worked out without running Jinja.

Jinja only parses them. What is worked out has few rounds of loops, no calls but to what stands
here, and no text, list or number that grows beyond its bounds, so that a template costs what its
length allows.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from ingest.dialects.homeassistant.template_filters import (
    COMPARISONS,
    FILTERS,
    FUNCTIONS,
    METHODS,
    OF_MAPPINGS,
    TESTS,
    printed,
)
from ingest.dialects.homeassistant.template_loops import (
    Break,
    Continue,
    assigned,
    looped,
    scope_of,
)
from ingest.dialects.homeassistant.template_values import (
    LONGEST_TEXT,
    MISSING,
    Fault,
    TimeFault,
    bounded,
    counted,
    from_json,
    is_true,
    sized,
    text_of,
)

__all__ = ["Fault", "TimeFault", "render", "template"]

LONGEST = 4_000
_DEEPEST = 60
# What makes times of what was said.
_OF_TIMES = frozenset(
    {"as_datetime", "as_local", "relative_time", "strptime", "time_since", "timestamp_custom",
     "timestamp_local", "timestamp_utc", "today_at"}
)  # fmt: skip
# What asks for anything but the payload: how it is elsewhere, how it was, and what time it is.
_ELSEWHERE = frozenset(
    {"as_timestamp", "has_value", "is_state", "is_state_attr", "now", "state_attr", "states",
     "utcnow"}
)  # fmt: skip
_ENVIRONMENT = Environment(autoescape=False, extensions=["jinja2.ext.loopcontrols"])


@lru_cache(maxsize=4_096)
def template(text: str) -> nodes.Template:
    """A template, parsed. Fault where it is too long, no Jinja, or more than is worked out here."""
    if len(text) > LONGEST:
        raise Fault(f"a template has at most {LONGEST} characters")
    try:
        parsed = _ENVIRONMENT.parse(text)
    except (TemplateSyntaxError, RecursionError, ValueError, OverflowError) as error:
        raise Fault(f"no template: {error}"[:200]) from None
    _check(parsed, 0)
    return parsed


def _check(node: nodes.Node, depth: int, *, branch: bool = False) -> None:
    """Fault for what can't be worked out. branch: it is only asked for in some cases."""
    if depth > _DEEPEST:
        raise Fault("the template is nested too deeply")
    known = isinstance(node, nodes.Template) or type(node) in _STATEMENTS or type(node) in _WORK
    names: Mapping[str, Any] | None = None
    if isinstance(node, nodes.Filter):
        names = FILTERS
    elif isinstance(node, nodes.Test):
        names = TESTS
    elif isinstance(node, nodes.Call) and not _of_times(node.node):
        _check_call(node, branch=branch)
    elif isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name | nodes.NSRef):
        known = False
    if not known and not isinstance(node, _PARTS):
        raise Fault(f"templates have no {type(node).__name__.lower()} here")
    if _of_times(node):
        raise TimeFault("templates make no times here")
    if names is not None and node.name not in names:  # type: ignore[attr-defined]
        raise Fault(f"templates have no {node.name!r} here")  # type: ignore[attr-defined]
    test = getattr(node, "test", None) if isinstance(node, nodes.If | nodes.CondExpr) else None
    for inner in node.iter_child_nodes():
        _check(inner, depth + 1, branch=branch or (test is not None and inner is not test))


def _makes_dictionary(node: nodes.Node) -> bool:
    """Of `dict.from_keys`, Home Assistant's."""
    whole = node.node if isinstance(node, nodes.Getattr) and node.attr == "from_keys" else None
    return isinstance(whole, nodes.Name) and whole.name == "dict"


def _of_times(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Filter | nodes.Name) and node.name in _OF_TIMES


def _check_call(node: nodes.Call, *, branch: bool) -> None:
    called = node.node
    if branch and isinstance(called, nodes.Name) and called.name in _ELSEWHERE:
        # In the other cases it can be told what the payload means.
        return
    named = isinstance(called, nodes.Name) and called.name in FUNCTIONS
    named = named or _makes_dictionary(called)
    method = isinstance(called, nodes.Getattr) and called.attr in METHODS
    if not (named or method) or node.dyn_args or node.dyn_kwargs:
        name = getattr(called, "name", getattr(called, "attr", "such call"))
        raise Fault(f"templates have no {str(name)[:60]}() here")


def render(text: str, value: str) -> str:
    """What a template makes of a payload, without what stands around it. Fault where it can't."""
    if len(value) > LONGEST_TEXT:
        raise Fault("the payload is too long for a template")
    parsed = template(text)
    scope = scope_of(value)
    if "value_json" in text:
        scope["value_json"] = from_json(value)
    try:
        return _body(parsed.body, scope).strip()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise Fault("the template does not fit the payload") from None
    except Continue:
        raise Fault("the template leaves a loop where there is none") from None


def _body(statements: list[nodes.Node], scope: dict[str, Any]) -> str:
    written = list[str]()
    for each in statements:
        try:
            written.append(_STATEMENTS[type(each)](each, scope))
        except Continue as end:
            end.said = "".join(written) + end.said
            raise
    return bounded("".join(written))


def _output(node: Any, scope: dict[str, Any]) -> str:
    return "".join(text_of(_work(each, scope)) for each in node.nodes)


def _if(node: Any, scope: dict[str, Any]) -> str:
    for branch in (node, *node.elif_):
        if is_true(_work(branch.test, scope)):
            return _body(branch.body, scope)
    return _body(node.else_, scope)


def _assign(node: Any, scope: dict[str, Any]) -> str:
    assigned(node.target, _work(node.node, scope), scope)
    return ""


def _for(node: Any, scope: dict[str, Any]) -> str:
    return looped(node, scope, _work, _body)


def _leave(end: type[Continue]) -> Callable[[Any, dict[str, Any]], str]:
    def left(node: Any, scope: dict[str, Any]) -> str:
        raise end

    return left


def _work(node: Any, scope: dict[str, Any]) -> Any:
    return _WORK[type(node)](node, scope)


def _name(node: Any, scope: dict[str, Any]) -> Any:
    return scope.get(node.name, MISSING)


def _part(node: Any, scope: dict[str, Any]) -> Any:
    whole = _work(node.node, scope)
    if isinstance(node, nodes.Getattr):
        key: Any = node.attr
    elif isinstance(node.arg, nodes.Slice):
        return _slice(whole, node.arg, scope)
    else:
        key = _work(node.arg, scope)
    if whole is MISSING:
        raise Fault("a part of what is not there")
    try:
        return whole[key] if isinstance(whole, dict | list | str) else MISSING
    except (KeyError, IndexError, TypeError):
        return MISSING


def _slice(whole: Any, node: Any, scope: dict[str, Any]) -> Any:
    bounds = [
        None if each is None else _work(each, scope) for each in (node.start, node.stop, node.step)
    ]
    if not isinstance(whole, str | list) or any(isinstance(each, str) for each in bounds):
        raise Fault("no slice")
    return whole[slice(*bounds)]


def _choice(node: Any, scope: dict[str, Any]) -> Any:
    if is_true(_work(node.test, scope)):
        return _work(node.expr1, scope)
    return MISSING if node.expr2 is None else _work(node.expr2, scope)


def _and(node: Any, scope: dict[str, Any]) -> Any:
    left = _work(node.left, scope)
    return _work(node.right, scope) if is_true(left) else left


def _or(node: Any, scope: dict[str, Any]) -> Any:
    left = _work(node.left, scope)
    return left if is_true(left) else _work(node.right, scope)


def _compare(node: Any, scope: dict[str, Any]) -> bool:
    left = _work(node.expr, scope)
    for operand in node.ops:
        right = _work(operand.expr, scope)
        if not COMPARISONS[operand.op](left, right):
            return False
        left = right
    return True


def _sum(node: Any, scope: dict[str, Any]) -> Any:
    left, right = _work(node.left, scope), _work(node.right, scope)
    if isinstance(left, str) and isinstance(right, str):
        return bounded(left + right)
    if isinstance(left, list) and isinstance(right, list):
        return sized([*left, *right])
    return counted(counted(left) + counted(right))


def _arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, dict[str, Any]], Any]:
    def worked(node: Any, scope: dict[str, Any]) -> Any:
        left, right = counted(_work(node.left, scope)), counted(_work(node.right, scope))
        return counted(work(left, right))

    return worked


def _modulo(node: Any, scope: dict[str, Any]) -> Any:
    left, right = _work(node.left, scope), _work(node.right, scope)
    if isinstance(left, str):
        return printed(left, *right) if isinstance(right, list) else printed(left, right)
    return counted(counted(left) % counted(right))


def _concat(node: Any, scope: dict[str, Any]) -> str:
    return bounded("".join(text_of(_work(each, scope)) for each in node.nodes))


def _list(node: Any, scope: dict[str, Any]) -> list[Any]:
    return list(sized([sized(_work(each, scope)) for each in node.items]))


def _dict(node: Any, scope: dict[str, Any]) -> dict[Any, Any]:
    made = {_work(each.key, scope): sized(_work(each.value, scope)) for each in node.items}
    return dict(sized(made))


def _filter(node: Any, scope: dict[str, Any]) -> Any:
    given, named = _given(node, scope)
    return FILTERS[node.name](_work(node.node, scope), *given, **named)


def _given(node: Any, scope: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by place and by name."""
    named = {each.key: _work(each.value, scope) for each in node.kwargs}
    return [_work(each, scope) for each in node.args], named


def _test(node: Any, scope: dict[str, Any]) -> bool:
    try:
        value = _work(node.node, scope)
    except Fault:
        if node.name not in ("defined", "undefined"):
            raise
        value = MISSING
    given, named = _given(node, scope)
    return bool(TESTS[node.name](value, *given, **named))


def _call(node: Any, scope: dict[str, Any]) -> Any:
    given, named = _given(node, scope)
    if _makes_dictionary(node.node):
        return dict(sized(list(given[0])))
    if isinstance(node.node, nodes.Name):
        if node.node.name in _ELSEWHERE:
            raise Fault("it asks for more than the payload")
        return FUNCTIONS[node.node.name](*given, **named)
    whole = _work(node.node.node, scope)
    if isinstance(whole, dict) and node.node.attr in OF_MAPPINGS:
        return OF_MAPPINGS[node.node.attr](whole, *given)
    if not isinstance(whole, str):
        raise Fault("no text")
    return METHODS[node.node.attr](whole, *given, **named)


_STATEMENTS: Mapping[type, Callable[[Any, dict[str, Any]], str]] = {
    nodes.Output: _output,
    nodes.If: _if,
    nodes.Assign: _assign,
    nodes.For: _for,
    nodes.Continue: _leave(Continue),
    nodes.Break: _leave(Break),
}
_WORK: Mapping[type, Callable[[Any, dict[str, Any]], Any]] = {
    nodes.TemplateData: lambda node, scope: node.data,
    nodes.Const: lambda node, scope: node.value,
    nodes.Name: _name,
    nodes.Getattr: _part,
    nodes.Getitem: _part,
    nodes.CondExpr: _choice,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: lambda node, scope: not is_true(_work(node.node, scope)),
    nodes.Compare: _compare,
    nodes.Add: _sum,
    nodes.Sub: _arithmetic(lambda left, right: left - right),
    nodes.Mul: _arithmetic(lambda left, right: left * right),
    nodes.Div: _arithmetic(lambda left, right: left / right),
    nodes.FloorDiv: _arithmetic(lambda left, right: left // right),
    nodes.Mod: _modulo,
    nodes.Pow: _arithmetic(lambda left, right: float(left) ** float(right)),
    nodes.Neg: lambda node, scope: -counted(_work(node.node, scope)),
    nodes.Pos: lambda node, scope: counted(_work(node.node, scope)),
    nodes.Concat: _concat,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Call: _call,
}
# What stands only within something else.
_PARTS = (nodes.Operand, nodes.Pair, nodes.Keyword, nodes.Slice, nodes.NSRef)
