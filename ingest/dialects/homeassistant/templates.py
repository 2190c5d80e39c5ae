"""Value templates: Jinja expressions as Home Assistant has them, worked out without running Jinja.

Jinja only parses them. What is worked out has no loops, no calls but to what stands here, and no
text or number that grows beyond its bounds, so that a template costs what its length allows.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil, floor, isfinite
from typing import Any

import msgspec
from jinja2 import Environment, TemplateSyntaxError, nodes

LONGEST = 4_000
LONGEST_TEXT = 64 * 1024
_DEEPEST = 60
_BIGGEST = 2**63
_ENVIRONMENT = Environment(autoescape=False)


class Fault(Exception):
    """A template can't be worked out, or not on this value."""


class _Missing:
    """What is not there: no text, not equal to anything, and without parts of its own."""


MISSING = _Missing()
_REQUIRED = object()


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


def _check(node: nodes.Node, depth: int) -> None:
    if depth > _DEEPEST:
        raise Fault("the template is nested too deeply")
    known = isinstance(node, nodes.Template) or type(node) in _STATEMENTS or type(node) in _WORK
    names: Mapping[str, Any] | None = None
    if isinstance(node, nodes.Filter):
        names = _FILTERS
    elif isinstance(node, nodes.Test):
        names = _TESTS
    elif isinstance(node, nodes.Call):
        _check_call(node)
    elif isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        known = False
    if not known and not isinstance(node, _PARTS):
        raise Fault(f"templates have no {type(node).__name__.lower()} here")
    if names is not None and node.name not in names:  # type: ignore[attr-defined]
        raise Fault(f"templates have no {node.name!r} here")  # type: ignore[attr-defined]
    for inner in node.iter_child_nodes():
        _check(inner, depth + 1)


def _check_call(node: nodes.Call) -> None:
    called = node.node
    named = isinstance(called, nodes.Name) and called.name in _FUNCTIONS
    method = isinstance(called, nodes.Getattr) and called.attr in _METHODS
    if not (named or method) or node.dyn_args or node.dyn_kwargs:
        name = getattr(called, "name", getattr(called, "attr", "such call"))
        raise Fault(f"templates have no {str(name)[:60]}() here")


def render(text: str, value: str) -> str:
    """What a template makes of a payload, without what stands around it. Fault where it can't."""
    if len(value) > LONGEST_TEXT:
        raise Fault("the payload is too long for a template")
    parsed = template(text)
    scope: dict[str, Any] = {"value": value}
    if "value_json" in text:
        scope["value_json"] = _json(value)
    try:
        return _body(parsed.body, scope).strip()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise Fault("the template does not fit the payload") from None


def _json(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return MISSING


def _body(statements: list[nodes.Node], scope: dict[str, Any]) -> str:
    return _bounded("".join(_STATEMENTS[type(each)](each, scope) for each in statements))


def _output(node: Any, scope: dict[str, Any]) -> str:
    return "".join(_text(_work(each, scope)) for each in node.nodes)


def _if(node: Any, scope: dict[str, Any]) -> str:
    for branch in (node, *node.elif_):
        if _true(_work(branch.test, scope)):
            return _body(branch.body, scope)
    return _body(node.else_, scope)


def _assign(node: Any, scope: dict[str, Any]) -> str:
    scope[node.target.name] = _work(node.node, scope)
    return ""


def _text(value: Any) -> str:
    if value is MISSING:
        return ""
    if isinstance(value, dict | list):
        # Each time the same parts may stand in it again.
        if len(json.dumps(value, default=str)) > LONGEST_TEXT:
            raise Fault("the text grows too long")
        return str(value)
    return _bounded(str(value))


def _bounded(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise Fault("the text grows too long")
    return text


def _true(value: Any) -> bool:
    return value is not MISSING and bool(value)


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
    if _true(_work(node.test, scope)):
        return _work(node.expr1, scope)
    return MISSING if node.expr2 is None else _work(node.expr2, scope)


def _and(node: Any, scope: dict[str, Any]) -> Any:
    left = _work(node.left, scope)
    return _work(node.right, scope) if _true(left) else left


def _or(node: Any, scope: dict[str, Any]) -> Any:
    left = _work(node.left, scope)
    return left if _true(left) else _work(node.right, scope)


def _compare(node: Any, scope: dict[str, Any]) -> bool:
    left = _work(node.expr, scope)
    for operand in node.ops:
        right = _work(operand.expr, scope)
        if not _COMPARISONS[operand.op](left, right):
            return False
        left = right
    return True


def _in(left: Any, right: Any) -> bool:
    return left is not MISSING and right is not MISSING and left in right


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left is not MISSING and left == right,
    "ne": lambda left, right: left is MISSING or left != right,
    "gt": lambda left, right: bool(left > right),
    "gteq": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "lteq": lambda left, right: bool(left <= right),
    "in": _in,
    "notin": lambda left, right: not _in(left, right),
}


def _counted(value: Any) -> int | float:
    """A number that can be counted with. Fault for anything else, and for one that grew too big."""
    if isinstance(value, int | float):
        if isinstance(value, int) and not -_BIGGEST < value < _BIGGEST:
            value = float(value)
        if isfinite(value):
            return int(value) if isinstance(value, int) else float(value)
    raise Fault("no number")


def _sum(node: Any, scope: dict[str, Any]) -> Any:
    left, right = _work(node.left, scope), _work(node.right, scope)
    if isinstance(left, str) and isinstance(right, str):
        return _bounded(left + right)
    return _counted(_counted(left) + _counted(right))


def _arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, dict[str, Any]], Any]:
    def worked(node: Any, scope: dict[str, Any]) -> Any:
        left, right = _counted(_work(node.left, scope)), _counted(_work(node.right, scope))
        return _counted(work(left, right))

    return worked


def _concat(node: Any, scope: dict[str, Any]) -> str:
    return _bounded("".join(_text(_work(each, scope)) for each in node.nodes))


def _plain(value: Any) -> Any:
    """A member of a list or of a dictionary that a template writes; those don't nest."""
    if value is MISSING or isinstance(value, dict | list):
        raise Fault("no plain value")
    return value


def _list(node: Any, scope: dict[str, Any]) -> list[Any]:
    return [_plain(_work(each, scope)) for each in node.items]


def _dict(node: Any, scope: dict[str, Any]) -> dict[Any, Any]:
    return {_plain(_work(each.key, scope)): _plain(_work(each.value, scope)) for each in node.items}


def _filter(node: Any, scope: dict[str, Any]) -> Any:
    given, named = _given(node, scope)
    return _FILTERS[node.name](_work(node.node, scope), *given, **named)


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
    return bool(_TESTS[node.name](value, *given, **named))


def _call(node: Any, scope: dict[str, Any]) -> Any:
    given, named = _given(node, scope)
    if isinstance(node.node, nodes.Name):
        return _FUNCTIONS[node.node.name](*given, **named)
    whole = _work(node.node.node, scope)
    if node.node.attr == "get" and isinstance(whole, dict):
        return whole.get(*given[:2])
    if not isinstance(whole, str):
        raise Fault("no text")
    return _METHODS[node.node.attr](whole, *given, **named)


def _float(value: Any, default: Any = _REQUIRED) -> Any:
    try:
        found = float(value)
        if isfinite(found):
            return found
    except (TypeError, ValueError, OverflowError):
        pass
    if default is _REQUIRED:
        raise Fault("no number")
    return default


def _int(value: Any, default: Any = _REQUIRED, base: int = 10) -> Any:
    try:
        if isinstance(value, str) and (base != 10 or value.strip().lstrip("+-").isdigit()):
            return _counted(int(value[:100], base))
        return int(_float(value))
    except (Fault, TypeError, ValueError):
        if default is _REQUIRED:
            raise Fault("no whole number") from None
        return default


def _round(value: Any, precision: int = 0, method: str = "common", default: Any = _REQUIRED) -> Any:
    found = _float(value, default)
    if not isinstance(found, int | float):
        return found
    places = max(-15, min(15, int(precision)))
    by = 10.0**places
    rounded = {
        "ceil": lambda: ceil(found * by) / by,
        "floor": lambda: floor(found * by) / by,
        "half": lambda: round(found * 2) / 2,
    }.get(method, lambda: round(found, places))()
    return int(rounded) if places == 0 and method != "half" else rounded


def _default(value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    return default_value if value is MISSING or (_true(boolean) and not value) else value


def _is_number(value: Any) -> bool:
    return _float(value, None) is not None


def _defined(value: Any) -> Any:
    if value is MISSING:
        raise Fault("not there")
    return value


def _replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    if text.count(old) * max(0, len(new) - len(old)) + len(text) > LONGEST_TEXT:
        raise Fault("the text grows too long")
    return text.replace(old, new)


def _join(value: Any, between: Any = "") -> str:
    texts = [_text(each) for each in value[:1_000]] if isinstance(value, list) else [_text(value)]
    return _bounded(_text(between).join(texts))


def _bits(value: Any, mask: Any) -> int:
    return int(_int(value) & _int(mask))


def _of(work: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of one text or list, which has no other arguments."""
    return lambda value: work(_defined(value))


def _iif(value: Any, yes: Any = True, no: Any = False, missing: Any = MISSING) -> Any:
    if value is MISSING or value is None:
        return no if missing is MISSING else missing
    return yes if value else no


def _boolean(value: Any, default: Any = _REQUIRED) -> Any:
    said = str(value).strip().lower()
    if said in ("true", "yes", "on", "enable", "1", "1.0"):
        return True
    if said in ("false", "no", "off", "disable", "0", "0.0"):
        return False
    if default is _REQUIRED:
        raise Fault("neither true nor false")
    return default


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": _float,
    "int": _int,
    "bool": _boolean,
    "iif": _iif,
    "is_number": _is_number,
    "abs": lambda value: abs(_counted(value)),
    "round": _round,
    "min": lambda *values: min(values[0] if len(values) == 1 else values),
    "max": lambda *values: max(values[0] if len(values) == 1 else values),
}
_METHODS: Mapping[str, Callable[..., Any]] = {
    "split": lambda text, by=None, most=-1: text.split(by, most)[:10_000],
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "find": str.find,
    "replace": _replace,
    "get": lambda text, *_: MISSING,
}
_FILTERS: Mapping[str, Callable[..., Any]] = {
    **_FUNCTIONS,
    "default": _default,
    "d": _default,
    "is_defined": _defined,
    "lower": lambda value: _text(value).lower(),
    "upper": lambda value: _text(value).upper(),
    "title": lambda value: _text(value).title(),
    "capitalize": lambda value: _text(value).capitalize(),
    "trim": lambda value: _text(value).strip(),
    "string": _text,
    "replace": _replace,
    "split": lambda value, by=None: _text(value).split(by)[:10_000],
    "join": _join,
    "length": _of(len),
    "count": _of(len),
    "first": lambda value: value[0] if value else MISSING,
    "last": lambda value: value[-1] if value else MISSING,
    "min": _of(min),
    "max": _of(max),
    "sum": lambda value: _counted(sum(_counted(each) for each in value)),
    "multiply": lambda value, by: _counted(_counted(_float(value)) * _counted(by)),
    "add": lambda value, by: _counted(_counted(_float(value)) + _counted(by)),
    "bitwise_and": _bits,
    "from_json": lambda value: _json(_text(value)),
    "to_json": lambda value: _bounded(json.dumps(_defined(value))),
    "tojson": lambda value: _bounded(json.dumps(_defined(value))),
}
_TESTS: Mapping[str, Callable[..., Any]] = {
    "defined": lambda value: value is not MISSING,
    "undefined": lambda value: value is MISSING,
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "mapping": lambda value: isinstance(value, dict),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "odd": lambda value: _int(value) % 2 == 1,
    "even": lambda value: _int(value) % 2 == 0,
    "eq": _COMPARISONS["eq"],
    "equalto": _COMPARISONS["eq"],
    "==": _COMPARISONS["eq"],
    "ne": _COMPARISONS["ne"],
    "gt": _COMPARISONS["gt"],
    "lt": _COMPARISONS["lt"],
    "ge": _COMPARISONS["gteq"],
    "le": _COMPARISONS["lteq"],
    "in": _in,
}
_STATEMENTS: Mapping[type, Callable[[Any, dict[str, Any]], str]] = {
    nodes.Output: _output,
    nodes.If: _if,
    nodes.Assign: _assign,
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
    nodes.Not: lambda node, scope: not _true(_work(node.node, scope)),
    nodes.Compare: _compare,
    nodes.Add: _sum,
    nodes.Sub: _arithmetic(lambda left, right: left - right),
    nodes.Mul: _arithmetic(lambda left, right: left * right),
    nodes.Div: _arithmetic(lambda left, right: left / right),
    nodes.FloorDiv: _arithmetic(lambda left, right: left // right),
    nodes.Mod: _arithmetic(lambda left, right: left % right),
    nodes.Pow: _arithmetic(lambda left, right: float(left) ** float(right)),
    nodes.Neg: lambda node, scope: -_counted(_work(node.node, scope)),
    nodes.Pos: lambda node, scope: _counted(_work(node.node, scope)),
    nodes.Concat: _concat,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Call: _call,
}
# What stands only within something else.
_PARTS = (nodes.Operand, nodes.Pair, nodes.Keyword, nodes.Slice)
