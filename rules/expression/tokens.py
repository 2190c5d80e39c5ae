"""The words of an expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rules import durations
from rules.expression.syntax import ExpressionError, Fault
from rules.wording import Message, worded

Kind = Literal["number", "duration", "string", "name", "word", "sign", "end"]
WORDS = frozenset({"and", "or", "not", "true", "false"})
# These follow a number in a question about many: `room.co2 > 1500 in floor`.
_RELATIONS = frozenset({"in", "below", "above"})

# A unit touches no blank: `2 m/s` is a speed, `2 m / s` divides by point s.
_UNIT_PIECE = r"(?:[^\W\d_]|[°%℃℉％‰])(?:[^\W_]|°)*"
_UNIT = rf"{_UNIT_PIECE}(?:[/·]{_UNIT_PIECE})*"
_TOKEN = re.compile(
    rf"""
      (?P<blank>\s+)
    | (?P<duration>{durations.PATTERN})(?![\w°%·]|/[^\W\d])
    | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)(?:(?P<gap>\s*)(?P<unit>{_UNIT}))?
    | (?P<string>"[^"\n]*"|'[^'\n]*')
    | (?P<name>[^\W\d]\w*(?:\.[^\W\d_]\w*)?)
    | (?P<sign><=|>=|==|!=|[-+*/()<>,])
    """,
    re.VERBOSE,
)
_STRAIGHT = worded('put the state in straight quotes: "fault"')
_OPEN = worded("this quote is not closed")
_PARENTHESIS = worded("write a plain parenthesis")
_ADVICE = {
    "=": worded("write == to compare"),
    "&": worded("write and"),
    "|": worded("write or"),
    "!": worded("write not"),
    "×": worded("write *"),
    "÷": worded("write /"),
    "≥": worded("write >="),
    "≤": worded("write <="),
    "≠": worded("write !="),
    "“": _STRAIGHT,
    "”": _STRAIGHT,
    '"': _OPEN,
    "'": _OPEN,
    "，": worded("write a plain comma"),
    "（": _PARENTHESIS,
    "）": _PARENTHESIS,
    "＞": worded("write a plain >"),
    "＜": worded("write a plain <"),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word; `unit` only with a number."""

    kind: Kind
    text: str
    at: int
    unit: str | None = None


def tokens(text: str) -> Iterator[Token]:
    """The words of `text`, ended by one of kind `end`. Raises ExpressionError for others."""
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError([Fault(place, _unexpected(text[place]))])
        if match.lastgroup == "blank":
            place = match.end()
            continue
        token = _token(match)
        yield token
        place = token.at + len(token.text)
    yield Token("end", "", len(text.rstrip()))


def _token(match: re.Match[str]) -> Token:
    at = match.start()
    if match["number"] is not None:
        return _number(match)
    if match["name"] is not None:
        return Token("word" if match["name"] in WORDS else "name", match["name"], at)
    kinds: tuple[Kind, ...] = ("duration", "string", "sign")
    kind = next(kind for kind in kinds if match[kind] is not None)
    return Token(kind, match[kind], at)


def _number(match: re.Match[str]) -> Token:
    unit = match["unit"]
    if unit is None or unit in WORDS or unit in _RELATIONS:
        return Token("number", match["number"], match.start())
    return Token("number", match[0], match.start(), unit)


def _unexpected(character: str) -> Message:
    advice = _ADVICE.get(character)
    shown = repr(character)
    if advice is None:
        return worded("%(sign)s has no meaning here", sign=shown)
    return worded("%(sign)s has no meaning here; %(advice)s", sign=shown, advice=advice)
