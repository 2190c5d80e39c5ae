"""The fields of one mapping in a rule document, each read with its problem at its place."""

import re
from collections.abc import Sequence
from typing import Any

from rules.catalog import Text
from rules.durations import DurationError, parse_duration
from rules.located_yaml import Located, Path, Problem, nearest
from rules.rule import Delay
from rules.wording import Message, worded

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WORD = re.compile(r"[^\W\d][\w-]{0,39}")
_READINGS = re.compile(r"([0-9]{1,4}) readings?")
_LONGEST_SLUG = 80
_LONGEST_TEXT = 4000


def missing(key: str) -> Message:
    """What is said of a key that must be there."""
    return worded("'%(key)s' is missing", key=key)


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

    def refuse(self, key: str, message: Message) -> None:
        """A problem with the value of `key`."""
        self.problems.append(self.located.problem((*self.path, key), message))

    def refuse_key(self, key: str, message: Message) -> None:
        """A problem with `key` itself, if it is there."""
        if key in self.value:
            self.problems.append(self.located.problem_with_key((*self.path, key), message))

    def refuse_within(self, key: str, offset: int, message: Message) -> None:
        """A problem at character `offset` of the text of `key`."""
        line, column = self.located.within((*self.path, key), offset)
        self.problems.append(Problem(self.located.filename, line, column, message))

    def _missing(self, key: str) -> None:
        self.problems.append(self.located.problem(self.path, missing(key)))

    def known(self, keys: Sequence[str], also: Sequence[str] = ()) -> None:
        """Refuses every key that is in neither list, suggesting from the first."""
        for key in self.value:
            if key not in keys and key not in also:
                hint = nearest(str(key), keys)
                message = worded("unknown key %(key)s%(hint)s", key=repr(key), hint=hint)
                self.refuse_key(key, message)

    def section(self, key: str) -> "Fields | None":
        """The mapping under `key`, which must be there."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if not isinstance(value, dict):
            self.refuse(key, worded("%(key)s must be a mapping", key=key))
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
        self.refuse(key, worded("%(key)s must be a condition such as temperature > 75 °C", key=key))
        return None

    def slug(self, key: str) -> str | None:
        """A lower-case identifier with hyphens."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if isinstance(value, str) and _SLUG.fullmatch(value) and len(value) <= _LONGEST_SLUG:
            return value
        message = worded(
            "%(key)s must be lower-case words joined by hyphens, up to 80 characters", key=key
        )
        self.refuse(key, message)
        return None

    def word(self, key: str) -> str | None:
        """One name without blanks."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if isinstance(value, str) and _WORD.fullmatch(value):
            return value
        self.refuse(key, worded("%(key)s must be one word", key=key))
        return None

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        """One of `choices`."""
        value = self.value.get(key)
        if value is None:
            self._missing(key)
            return None
        if value in choices:
            return str(value)
        message = worded(
            "%(key)s must be one of %(choices)s, not %(value)s%(hint)s",
            key=key,
            choices=", ".join(choices),
            value=repr(value),
            hint=nearest(str(value), choices),
        )
        self.refuse(key, message)
        return None

    def choices(self, key: str, choices: Sequence[str]) -> tuple[str, ...]:
        """Some of `choices`, in their order, as a list or as one word; none when not there."""
        value = self.value.get(key)
        if value is None:
            return ()
        named = value if isinstance(value, list) else [value]
        if not named:
            message = worded(
                "%(key)s is empty; name some of %(choices)s, or take it out",
                key=key,
                choices=", ".join(choices),
            )
            self.refuse(key, message)
        for each in named:
            if each not in choices:
                message = worded(
                    "%(key)s holds %(choices)s only, not %(value)s%(hint)s",
                    key=key,
                    choices=", ".join(choices),
                    value=repr(each),
                    hint=nearest(str(each), choices),
                )
                self.refuse(key, message)
        return tuple(each for each in choices if each in named)

    def truth(self, key: str) -> bool:
        """true or false; false when it is not there."""
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            self.refuse(key, worded("%(key)s must be true or false", key=key))
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
            self.refuse(key, worded("%(key)s must be a text, or {en: …, zh: …}", key=key))
            return Text()
        return self._languages(key, value, required)

    def one_line(self, key: str) -> Text:
        """A needed text of one line, such as a title, which becomes the subject of messages."""
        found = self.text(key, required=True)
        return Text(en=" ".join(found.en.split()), zh=" ".join(found.zh.split()))

    def _languages(self, key: str, value: dict[Any, Any], required: bool) -> Text:
        languages = Fields(self.located, (*self.path, key), value, self.problems)
        languages.known(("en", "zh"))
        texts = {each: languages._plain(each) for each in ("en", "zh")}
        if required and not any(texts.values()):
            self.refuse(key, worded("%(key)s is empty", key=key))
        return Text(**texts)

    def _plain(self, key: str) -> str:
        value = self.value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            message = worded(
                "%(key)s must be text of up to %(most)s characters", key=key, most=_LONGEST_TEXT
            )
            self.refuse(key, message)
            return ""
        # No text that people write holds a control character, and databases refuse some of them.
        return "".join(sign for sign in value if sign >= " " or sign in "\n\t").strip()

    def duration(self, key: str) -> int | None:
        """µs of a duration; None when it is not there."""
        value = self.value.get(key)
        if value is None:
            return None
        try:
            return parse_duration(str(value))
        except DurationError as error:
            self.refuse(key, error.message)
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
            self.refuse(key, worded("count at least 1 reading"))
        return Delay(readings=readings)

    def _delay_duration(self, key: str, value: Any) -> int:
        try:
            return parse_duration(str(value))
        except DurationError:
            message = worded(
                "%(key)s must be a duration such as 2m, or readings such as 3 readings", key=key
            )
            self.refuse(key, message)
            return 0
