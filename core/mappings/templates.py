"""Texts with names in braces: `{device}` of the topic, `{$.imei}` of the message."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.mappings.paths import MISSING, Path, compile_path
from rules.wording import Message, worded

LONGEST = 300
_BRACES = re.compile(r"\{([^{}]*)\}")
# The name of a record: the member or the number at which `each` found it.
RECORD_NAME = "#"


@dataclass(frozen=True, slots=True)
class Template:
    """Fixed text, names and paths in their order."""

    text: str
    parts: tuple[str | Path, ...]
    named: frozenset[int]

    @property
    def constant(self) -> bool:
        """Whether it is the same text for every message."""
        return not self.named and self.parts == (self.text,)

    def fill(self, names: Mapping[str, str], message: Any, record: Any) -> str | None:
        """The text; None where a part of it is missing, or is no plain value."""
        if self.constant:
            return self.text
        written = []
        for place, part in enumerate(self.parts):
            if isinstance(part, Path):
                text = as_text(part.find(message, record))
            else:
                text = names.get(part) if place in self.named else part
            if text is None:
                return None
            written.append(text)
        return "".join(written)


def as_text(value: Any) -> str | None:
    """A plain value as text; None for what is none."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float):
        # No identifier has thousands of digits, and Python refuses to write them.
        return str(value) if isinstance(value, float) or value.bit_length() < 256 else None
    return None


def clean(text: str) -> str:
    """Without half characters, which JSON can write and nobody can store."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def compile_template(text: str, names: Collection[str]) -> Template | Message:
    """The template, or why it is none. names: those that may stand in braces beside paths."""
    if not text or len(text) > LONGEST:
        return worded("a text of 1 to %(most)d characters", most=LONGEST)
    parts = list[str | Path]()
    named = set[int]()
    place = 0
    for match in _BRACES.finditer(text):
        if match.start() > place:
            parts.append(text[place : match.start()])
        inner = match[1].strip()
        part = _inner(inner, names)
        if isinstance(part, Message):
            return part
        if isinstance(part, str):
            named.add(len(parts))
        parts.append(part)
        place = match.end()
    rest = text[place:]
    if "{" in rest or "}" in rest:
        return worded("a brace is not closed")
    if rest:
        parts.append(rest)
    return Template(text, tuple(parts), frozenset(named))


def _inner(inner: str, names: Collection[str]) -> str | Path | Message:
    if inner[:1] not in ("$", "@"):
        if inner in names:
            return inner
        known = ", ".join(sorted(names)) or "–"
        return worded(
            "there is no %(name)s here; known are a path such as {$.name} and: %(known)s",
            name=repr(inner),
            known=known,
        )
    path = compile_path(inner)
    if isinstance(path, Path) and path.several:
        return worded("a text holds one value; [*] leads to several")
    return path


def missing(value: Any) -> bool:
    """Whether nothing was said: no such place, or null."""
    return value is MISSING or value is None
