"""One mapping of the file, with its place; reading a wrong field notes a problem and goes on."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from core.codes import CODE
from rules.durations import SECOND, parse_duration
from rules.located_yaml import Located, Problem, nearest

_SUGGEST_AMONG = 2_000


def suggestion(word: str, known: Collection[str]) -> str:
    """`; did you mean 'x'?`, unless there are so many names that looking would take long."""
    return nearest(word, list(known)) if len(known) <= _SUGGEST_AMONG else ""


def as_text(value: Any) -> str | None:
    """Text, or a whole number as text, because codes such as 101 are written bare."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping at `path`; `problems` is shared by all parts of one file."""

    located: Located
    path: tuple[str | int, ...]
    value: dict[str, Any]
    problems: list[Problem]

    def refuse(self, key: str | None, message: str) -> None:
        """Note a problem with the value of `key`, or with the whole part."""
        path = self.path if key is None else (*self.path, key)
        self.problems.append(self.located.problem(path, message))

    def only(self, known: str) -> None:
        """Refuse every key that is not among the words of `known`."""
        names = known.split()
        for key in self.value:
            if key not in names:
                place = (*self.path, key)
                message = f"unknown key {key!r}{nearest(str(key), names)}"
                self.problems.append(self.located.problem_with_key(place, message))

    def part(self, key: str) -> "Part | None":
        """The mapping at `key`; None when there is none or it is something else."""
        value = self.value.get(key)
        if value is None:
            return None
        return self._as_part((*self.path, key), value)

    def parts(self, key: str) -> "list[Part]":
        """The mappings of the list at `key`."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(key, f"{key} is a list")
            return []
        found = [self._as_part((*self.path, key, n), item) for n, item in enumerate(value)]
        return [part for part in found if part is not None]

    def _as_part(self, path: tuple[str | int, ...], value: Any) -> "Part | None":
        if isinstance(value, dict):
            return Part(self.located, path, value, self.problems)
        self.problems.append(self.located.problem(path, "a mapping is expected here"))
        return None

    def code(self, pattern: re.Pattern[str] = CODE, rule: str = "") -> str:
        """The code of the thing; "" after noting that it is missing or no code."""
        raw = self.value.get("code")
        text = as_text(raw)
        if raw is None:
            self.refuse(None, "'code' is missing")
        elif text is None or not pattern.fullmatch(text):
            rule = rule or "letters, digits, _ . and -, at most 60"
            self.refuse("code", f"{raw!r} can't be a code here: {rule}")
        else:
            return text
        return ""

    def text(self, key: str, default: str | None = None, *, most: int = 200) -> str:
        """The text at `key`; "" after noting that it is missing (without default) or no text."""
        raw = self.value.get(key, default)
        text = as_text(raw)
        if raw is None:
            self.refuse(None, f"{key!r} is missing")
        elif text is None or not text or len(text) > most:
            self.refuse(key, f"{key} is a text of 1 to {most} characters")
        else:
            return text
        return ""

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of `allowed`."""
        value = self.text(key, default)
        if value and value not in allowed:
            self.refuse(key, f"{key} is one of {', '.join(allowed)}{nearest(value, allowed)}")
        return value

    def reference(self, key: str, kind: str, known: Collection[str]) -> str | None:
        """The code of another thing of the file; None when absent, or after noting a problem."""
        if self.value.get(key) is None:
            return None
        code = self.text(key)
        if not code or code in known:
            return code or None
        self.refuse(key, f"there is no {kind} {code!r} in this file{suggestion(code, known)}")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"{key} is true or false")
            return default
        return value

    def seconds(self, key: str) -> float | None:
        """A duration such as 10s, 5m or 1h30m, in seconds."""
        value = self.value.get(key)
        if value is None:
            return None
        try:
            micros = parse_duration(str(value))
        except ValueError as error:
            self.refuse(key, f"{key}: {error}")
            return None
        if micros <= 0:
            self.refuse(key, f"{key} must be longer than nothing")
            return None
        return micros / SECOND

    def name(self, default: str) -> dict[str, str]:
        """The name in both languages; a plain text counts as English, none as the code."""
        raw = self.value.get("name")
        if raw is None:
            return {"en": default}
        text = as_text(raw)
        if text:
            return {"en": text}
        part = self.part("name")
        if part is None:
            return {"en": default}
        part.only("en zh")
        return {
            language: part.text(language) for language in part.value if language in ("en", "zh")
        }
