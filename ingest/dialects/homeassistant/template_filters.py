"""Filters, tests, functions and methods that templates may use."""

import json
import re
from collections.abc import Callable, Mapping
from math import ceil, e, floor, isfinite, log, sqrt
from typing import Any

from ingest.dialects.homeassistant.template_loops import Namespace
from ingest.dialects.homeassistant.template_patterns import (
    found_all,
    found_in,
    matches,
    replaced,
)
from ingest.dialects.homeassistant.template_values import (
    LONGEST_TEXT,
    MISSING,
    Fault,
    bounded,
    counted,
    from_json,
    is_true,
    text_of,
)

_REQUIRED = object()
# A place in a form, with few signs for how wide it is.
_PLACE = re.compile(r"%[-+ #0]*\d{0,2}(?:\.\d{1,2})?[dfFeEgGiuxXs%]")
_BRACES = re.compile(r"\{\w{0,20}(?::[-+ #0<>^]{0,3}\d{0,2},?(?:\.\d{1,2})?[bdfFeEgGxXs%]?)?\}")
# Filters that may be used on each member of a list.
_OF_MEMBERS = frozenset(
    {"abs", "bool", "float", "int", "lower", "round", "string", "trim", "upper"}
)


def _in(left: Any, right: Any) -> bool:
    return left is not MISSING and right is not MISSING and left in right


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left is not MISSING and left == right,
    "ne": lambda left, right: left is MISSING or left != right,
    "gt": lambda left, right: bool(left > right),
    "gteq": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "lteq": lambda left, right: bool(left <= right),
    "in": _in,
    "notin": lambda left, right: not _in(left, right),
}


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
            return counted(int(value[:100], base))
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
    return default_value if value is MISSING or (is_true(boolean) and not value) else value


def _is_number(value: Any) -> bool:
    return _float(value, None) is not None


def _defined(value: Any) -> Any:
    if value is MISSING:
        raise Fault("not there")
    return value


def _replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = text_of(value), text_of(old), text_of(new)
    if text.count(old) * max(0, len(new) - len(old)) + len(text) > LONGEST_TEXT:
        raise Fault("the text grows too long")
    return text.replace(old, new)


def _join(value: Any, between: Any = "") -> str:
    texts = (
        [text_of(each) for each in value[:1_000]] if isinstance(value, list) else [text_of(value)]
    )
    return bounded(text_of(between).join(texts))


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


def printed(form: Any, *values: Any) -> str:
    """A text with values in the places of C's printf, as `%` does it."""
    form = text_of(form)
    # Without these a text could grow by what little says how wide it is to be.
    if "%" in _PLACE.sub("", form):
        raise Fault("no such form")
    return bounded(form % tuple(values))


def _formatted(form: str, *values: Any, **named: Any) -> str:
    """The same with braces, `"{:.1f}"`."""
    if set("{}") & set(_BRACES.sub("", form)):
        raise Fault("no such form")
    return bounded(form.format(*values, **named))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | dict):
        return list(value)
    return list(_defined(text_of(value)))[:10_000]


def _unique(members: list[Any]) -> list[Any]:
    return [each for place, each in enumerate(members) if each not in members[:place]]


def _mapped(value: Any, name: Any = None, attribute: Any = None, default: Any = MISSING) -> Any:
    """Parts of the members of a list, or what a filter makes of them."""
    members = _listed(value)[:1_000]
    if attribute is not None:
        return [_member(each, attribute, default) for each in members]
    if name not in _OF_MEMBERS:
        raise Fault("no such filter")
    return [FILTERS[name](each) for each in members]


def _member(whole: Any, name: Any, default: Any = MISSING) -> Any:
    try:
        return whole[name] if isinstance(whole, dict | list | str) else default
    except (KeyError, IndexError, TypeError):
        return default


def _selected(value: Any, name: Any, test: tuple[Any, ...], *, wanted: bool) -> list[Any]:
    """The members of which a part passes a test, or, where none is named, is true."""
    asked = TESTS[test[0]] if test else is_true
    given = test[1:]
    members = _listed(value)[:1_000]
    return [each for each in members if bool(asked(_member(each, name), *given)) is wanted]


def _passing(value: Any, test: tuple[Any, ...], *, wanted: bool) -> list[Any]:
    """The members that pass a test, or, where none is named, are true."""
    asked = TESTS[test[0]] if test else is_true
    members = _listed(value)[:1_000]
    return [each for each in members if bool(asked(each, *test[1:])) is wanted]


def _truncated(
    value: Any, length: int = 255, killwords: bool = False, end: str = "...", leeway: int = 5
) -> str:
    text = text_of(value)
    if len(text) <= int(length) + int(leeway):
        return text
    cut = text[: max(0, int(length) - len(end))]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "float": _float,
    "int": _int,
    "bool": _boolean,
    "iif": _iif,
    "is_number": _is_number,
    "abs": lambda value: abs(counted(value)),
    "round": _round,
    "min": lambda *values: min(values[0] if len(values) == 1 else values),
    "max": lambda *values: max(values[0] if len(values) == 1 else values),
    "namespace": lambda **named: Namespace(named),
    "range": lambda *bounds: list(range(*bounds)[:1_000]),
    "zip": lambda *lists: [list(each) for each in zip(*map(_listed, lists), strict=False)],
}
METHODS: Mapping[str, Callable[..., Any]] = {
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
    "items": lambda text: MISSING,
    "keys": lambda text: MISSING,
    "values": lambda text: MISSING,
    "format": _formatted,
}
# Methods of dictionaries.
OF_MAPPINGS: Mapping[str, Callable[..., Any]] = {
    "get": lambda whole, *given: whole.get(*given[:2]),
    "items": lambda whole: [[key, value] for key, value in whole.items()],
    "keys": list,
    "values": lambda whole: list(whole.values()),
}
FILTERS: Mapping[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "default": _default,
    "d": _default,
    "is_defined": _defined,
    "lower": lambda value: text_of(value).lower(),
    "upper": lambda value: text_of(value).upper(),
    "title": lambda value: text_of(value).title(),
    "capitalize": lambda value: text_of(value).capitalize(),
    "trim": lambda value: text_of(value).strip(),
    "string": text_of,
    "replace": _replace,
    "split": lambda value, by=None: text_of(value).split(by)[:10_000],
    "join": _join,
    "length": _of(len),
    "count": _of(len),
    "first": lambda value: value[0] if value else MISSING,
    "last": lambda value: value[-1] if value else MISSING,
    "min": _of(min),
    "max": _of(max),
    "sum": lambda value: counted(sum(counted(each) for each in value)),
    "multiply": lambda value, by: counted(counted(_float(value)) * counted(by)),
    "add": lambda value, by: counted(counted(_float(value)) + counted(by)),
    "bitwise_and": _bits,
    "bitwise_or": lambda value, mask: _int(value) | _int(mask),
    "bitwise_xor": lambda value, mask: _int(value) ^ _int(mask),
    "contains": lambda value, part: _in(part, value),
    "format": printed,
    "list": _listed,
    "log": lambda value, base=e: log(counted(_float(value)), counted(_float(base))),
    "map": _mapped,
    "regex_findall": found_all,
    "regex_findall_index": lambda value, find="", index=0: found_all(value, find)[index],
    "regex_match": matches,
    "regex_replace": replaced,
    "regex_search": found_in,
    "reject": lambda value, *test: _passing(value, test, wanted=False),
    "rejectattr": lambda value, name, *test: _selected(value, name, test, wanted=False),
    "reverse": lambda value: value[::-1],
    "select": lambda value, *test: _passing(value, test, wanted=True),
    "selectattr": lambda value, name, *test: _selected(value, name, test, wanted=True),
    "sort": lambda value: sorted(_listed(value)),
    "sqrt": lambda value: sqrt(counted(_float(value))),
    "truncate": _truncated,
    "unique": lambda value: _unique(_listed(value)[:1_000]),
    "from_json": lambda value: from_json(text_of(value)),
    "to_json": lambda value: bounded(json.dumps(_defined(value))),
    "tojson": lambda value: bounded(json.dumps(_defined(value))),
}
TESTS: Mapping[str, Callable[..., Any]] = {
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
    "eq": COMPARISONS["eq"],
    "equalto": COMPARISONS["eq"],
    "==": COMPARISONS["eq"],
    "ne": COMPARISONS["ne"],
    "gt": COMPARISONS["gt"],
    "lt": COMPARISONS["lt"],
    "ge": COMPARISONS["gteq"],
    "le": COMPARISONS["lteq"],
    "in": _in,
    "contains": lambda value, part: _in(part, value),
    "match": matches,
    "search": found_in,
    "sequence": lambda value: isinstance(value, list | str),
}
