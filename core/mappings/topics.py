"""Patterns of topics whose levels have names: `site/{device}/up`, `+` and `#` as MQTT has them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.wording import Message, worded

LONGEST = 200
_NAME = re.compile(r"\{([a-z][a-z0-9_]{0,29})\}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """Levels by place; `names` of those that have one. rest: more levels may follow."""

    text: str
    levels: tuple[str, ...]
    names: Mapping[int, str]
    rest: bool

    def match(self, topic: str) -> dict[str, str] | None:
        """The named levels of a topic; None when the pattern does not take it."""
        said = topic.split("/")
        if len(said) < len(self.levels) or (not self.rest and len(said) > len(self.levels)):
            return None
        for wanted, level in zip(self.levels, said, strict=False):
            if wanted not in ("+", level):
                return None
        return {name: said[place] for place, name in self.names.items()}


def compile_topic(text: str) -> TopicPattern | Message:
    """The pattern, or why it is none."""
    if not text or len(text) > LONGEST:
        return worded("a text of 1 to %(most)d characters", most=LONGEST)
    levels = text.split("/")
    rest = levels[-1] == "#"
    names = dict[int, str]()
    plain = list[str]()
    for place, level in enumerate(levels[:-1] if rest else levels):
        match = _NAME.fullmatch(level)
        if match:
            if match[1] in names.values():
                return worded("two levels are called %(name)s", name=repr(match[1]))
            names[place] = match[1]
            plain.append("+")
        elif level != "+" and re.search(r"[{}#+]", level):
            return worded(
                "level %(level)s is neither plain text nor {name}, + or, at the end, #; "
                "a name has small letters, digits and _",
                level=repr(level),
            )
        else:
            plain.append(level)
    return TopicPattern(text, tuple(plain), names, rest)
