"""YAML scalars: what a plain one means, and where each character of any one stands in the file."""

import math
import re

Plain = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Plain] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_PREFIX = re.compile(r"(?:[&!]\S*\s+)*")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def resolve(text: str) -> Plain:
    """The value of a plain scalar by YAML 1.2's core schema.

    Unlike YAML 1.1, `on` and `no` stay text, and so do dates, `12:30` and `007`.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not _has_leading_zero(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _has_leading_zero(text: str) -> bool:
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def source_offsets(raw: str, value: str, style: str | None) -> list[int]:
    """For each character of `value`, and for its end, the offset in `raw` that it came from.

    `raw` is the scalar as written, quotes and block header included; `style` is YAML's
    indicator (`'`, `"`, `|`, `>`, or None for plain). Blanks made by folding map to the place
    where the fold happened.
    """
    place = _content_start(raw, style)
    offsets = []
    for character in value:
        if not character.isspace():
            place = _find(raw, place, character, style)
        offsets.append(min(place, len(raw)))
        place += _width(raw, place, style) if _stands_at(raw, place, character, style) else 0
    return [*offsets, min(place, len(raw))]


def _content_start(raw: str, style: str | None) -> int:
    start = len(_PREFIX.match(raw).group())  # type: ignore[union-attr]
    if style in ("|", ">"):
        return raw.find("\n", start) + 1
    return start + (1 if style in ("'", '"') else 0)


def _width(raw: str, place: int, style: str | None) -> int:
    if style == '"' and (escape := _ESCAPE.match(raw, place)):
        return len(escape.group())
    if style == "'" and raw.startswith("''", place):
        return 2
    return 1


def _stands_at(raw: str, place: int, character: str, style: str | None) -> bool:
    if style == '"' and raw.startswith("\\", place):
        return not raw.startswith("\\\n", place)
    return raw.startswith(character, place)


def _find(raw: str, place: int, character: str, style: str | None) -> int:
    """The next place of `character`: past indentation and folds, which only blanks can fill."""
    while place < len(raw) and not _stands_at(raw, place, character, style):
        place += 1
    return place
