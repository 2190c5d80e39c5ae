"""Regular expressions of templates, as far as they can't take long."""

import re
from functools import lru_cache
from typing import Any

from ingest.dialects.homeassistant.template_values import Fault, bounded, text_of

_LONGEST = 200
# So many steps a search may take at most: the text's length to the power of the repetitions, and
# twice as many for each choice.
_MOST_STEPS = 200_000
_SIGNS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:P<\w+>|:|i\))|.", re.DOTALL)
_REPEATS, _CHOICES = frozenset("*+{"), frozenset("?|")


def matches(value: Any, find: Any = "", ignorecase: bool = False) -> bool:
    """Whether a text begins with what a pattern says."""
    pattern, text = _fit(value, find, ignorecase=ignorecase)
    return pattern.match(text) is not None


def found_in(value: Any, find: Any = "", ignorecase: bool = False) -> bool:
    """Whether a pattern is found in a text."""
    pattern, text = _fit(value, find, ignorecase=ignorecase)
    return pattern.search(text) is not None


def found_all(value: Any, find: Any = "", ignorecase: bool = False) -> list[Any]:
    """All that a pattern finds in a text; of several groups a list each."""
    pattern, text = _fit(value, find, ignorecase=ignorecase)
    return [list(each) if isinstance(each, tuple) else each for each in pattern.findall(text)]


def replaced(value: Any, find: Any = "", replace: Any = "", ignorecase: bool = False) -> str:
    """A text with something else in place of what a pattern finds."""
    pattern, text = _fit(value, find, ignorecase=ignorecase)
    with_this = bounded(text_of(replace))
    if len(with_this) > _LONGEST:
        raise Fault("the text grows too long")
    try:
        return bounded(pattern.sub(with_this, text))
    except (re.error, IndexError):
        raise Fault("no such group") from None


def _fit(value: Any, find: Any, *, ignorecase: Any) -> tuple[re.Pattern[str], str]:
    """Pattern and text, of which a search is soon over. Fault for any other."""
    text = text_of(value)
    pattern, repeats, choices = _compiled(text_of(find), bool(ignorecase))
    if len(text) ** (repeats + 1) * 2**choices > _MOST_STEPS:
        raise Fault("the text is too long for the pattern")
    return pattern, text


@lru_cache(maxsize=1_024)
def _compiled(find: str, ignorecase: bool) -> tuple[re.Pattern[str], int, int]:
    """The pattern, and how many repetitions and choices it holds; a Fault for one in another."""
    if len(find) > _LONGEST:
        raise Fault("the pattern is too long")
    signs = _SIGNS.findall(find)
    # Of each group that is not ended whether it holds a repetition or a choice.
    holds, ended = [False], False
    for sign in signs:
        if (ended and sign in _REPEATS) or (sign[:1] == "\\" and sign[1:].isdigit()):
            raise Fault("the pattern may take too long")
        ended = False
        if sign[:1] == "(" and sign != "(?i)":
            holds.append(False)
        elif sign == ")" and holds[1:]:
            ended = holds.pop()
            holds[-1] |= ended
        elif sign in _REPEATS or sign in _CHOICES:
            holds[-1] = True
    try:
        pattern = re.compile(find, re.IGNORECASE if ignorecase else 0)
    except (re.error, OverflowError, RecursionError):
        raise Fault("no pattern") from None
    repeats = sum(sign in _REPEATS for sign in signs)
    return pattern, repeats, sum(sign in _CHOICES for sign in signs)
