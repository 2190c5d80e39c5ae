"""The fields of one mapping in a rule document, each read with its problem at its place."""

import re
from collections.abc import Sequence
from typing import Any

from rules.catalog import Text
from rules.durations import parse_duration
from rules.located_yaml import Located, Path, Problem, nearest
from rules.rule import Delay

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WORD = re.compile(r"[^\W\d][\w-]{0,39}")
_READINGS = re.compile(r"([0-9]{1,4}) readings?")
_LONGEST_SLUG = 80
_LONGEST_TEXT = 4000


class Fields:
    """Reads typed values out of the mapping at `path`; what is wrong goes to `problems`."""

    def __init__(
        self,
        located: Located,
        path: Path,
        value: dict[Any, Any],
        problems: list[Problem] | None = None,
    ) -> None:
        self.located = located
        self.path = tuple(path)
        self.value = value
        self.problems: list[Problem] = [] if problems is None else problems

    def refuse(self, key: str, message: str) -> None:
        """A problem with the value of `key`."""
        self.problems.append(self.located.problem((*self.path, key), message))

    def refuse_key(self, key: str, message: str) -> None:
        """A problem with `key` itself, if it is there."""
        if key in self.value:
            self.problems.append(self.located.problem_with_key((*self.path, key), message))

    def refuse_within(self, key: str, offset: int, message: str) -> None:
        """A problem at character `offset` of the text of `key`."""
        line, column = self.located.within((*self.path, key), offset)
        self.problems.append(Problem(self.located.filename, line, column, message))

    def _missing(self, key: str) -> None:
        self.problems.append(self.located.problem(self.path, f"{key!r} is missing"))

    def known(self, keys: Sequence[str], also: Sequence[str] = ()) -> None:
        """Refuses every key that is in neither list, suggesting from the first."""
        for key in self.value:
            if key not in keys and key not in also:
                self.refuse_key(key, f"unknown key {key!r}{nearest(str(key), keys)}")

    def section(self, key: str) -> "Fields | None":
        """The mapping under `key`, which must be there."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if not isinstance(value, dict):
            self.refuse(key, f"{key} must be a mapping")
            return None
        return Fields(self.located, (*self.path, key), value, self.problems)

    def condition(self, key: str, *, required: bool) -> str | None:
        """The text of an expression."""
        value = self.value.get(key)
        if value is None:
            if required:
                self._missing(key)
            return None
        if isinstance(value, str) and value.strip():
            return value
        self.refuse(key, f"{key} must be a condition such as temperature > 75 °C")
        return None

    def slug(self, key: str) -> str | None:
        """A lower-case identifier with hyphens."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if isinstance(value, str) and _SLUG.fullmatch(value) and len(value) <= _LONGEST_SLUG:
            return value
        self.refuse(key, f"{key} must be lower-case words joined by hyphens, up to 80 characters")
        return None

    def word(self, key: str) -> str | None:
        """One name without blanks."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if isinstance(value, str) and _WORD.fullmatch(value):
            return value
        self.refuse(key, f"{key} must be one word")
        return None

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        """One of `choices`."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if value in choices:
            return str(value)
        hint = nearest(str(value), choices)
        self.refuse(key, f"{key} must be one of {', '.join(choices)}, not {value!r}{hint}")
        return None

    def truth(self, key: str) -> bool:
        """true or false; false when it is not there."""
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            self.refuse(key, f"{key} must be true or false")
            return False
        return value

    def text(self, key: str, *, required: bool = False) -> Text:
        """A text in both languages."""
        value = self.value.get(key)
        if value is None:
            if required:
                self._missing(key)
            return Text()
        if isinstance(value, str):
            value = {"en": value}
        if not isinstance(value, dict):
            self.refuse(key, f"{key} must be a text, or {{en: …, zh: …}}")
            return Text()
        return self._languages(key, value, required)

    def _languages(self, key: str, value: dict[Any, Any], required: bool) -> Text:
        languages = Fields(self.located, (*self.path, key), value, self.problems)
        languages.known(("en", "zh"))
        texts = {each: languages._plain(each) for each in ("en", "zh")}
        if required and not any(texts.values()):
            self.refuse(key, f"{key} is empty")
        return Text(**texts)

    def _plain(self, key: str) -> str:
        value = self.value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            self.refuse(key, f"{key} must be text of up to {_LONGEST_TEXT} characters")
            return ""
        return value.strip()

    def duration(self, key: str) -> int | None:
        """µs of a duration; None when it is not there."""
        value = self.value.get(key)
        if value is None:
            return None
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.refuse(key, str(error))
            return None

    def delay_is_counted(self, key: str) -> bool:
        """Whether the delay under `key` counts readings."""
        return bool(_READINGS.fullmatch(str(self.value.get(key))))

    def delay(self, key: str) -> Delay:
        """A duration or a number of readings; none when it is not there."""
        value = self.value.get(key)
        if value is None:
            return Delay()
        counted = _READINGS.fullmatch(str(value))
        if counted is None:
            return Delay(microseconds=self._delay_duration(key, value))
        readings = int(counted[1])
        if readings < 1:
            self.refuse(key, "count at least 1 reading")
        return Delay(readings=readings)

    def _delay_duration(self, key: str, value: Any) -> int:
        try:
            return parse_duration(str(value))
        except ValueError:
            self.refuse(key, f"{key} must be a duration such as 2m, or readings such as 3 readings")
            return 0
