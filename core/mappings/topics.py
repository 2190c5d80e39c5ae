"""Patterns of topics whose levels have names: `site/{device}/up`, `+` and `#` as MQTT has them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.wording import Message, worded

LONGEST = 200
_NAME = re.compile(r"([^{}#+]*)\{([a-z][a-z0-9_]{0,29})\}([^{}#+]*)")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """Levels by place; `names` of those that have one. rest: more levels may follow.

    around: what stands before and behind the name in its level, `dev_{id}`.
    """

    text: str
    levels: tuple[str, ...]
    names: Mapping[int, str]
    rest: bool
    around: Mapping[int, tuple[str, str]]

    def match(self, topic: str) -> dict[str, str] | None:
        """The named levels of a topic; None when the pattern does not take it."""
        said = topic.split("/")
        if len(said) < len(self.levels) or (not self.rest and len(said) > len(self.levels)):
            return None
        for wanted, level in zip(self.levels, said, strict=False):
            if wanted not in ("+", level):
                return None
        found = dict[str, str]()
        for place, name in self.names.items():
            before, behind = self.around[place]
            level = said[place]
            inner = level.removeprefix(before).removesuffix(behind)
            if len(inner) != len(level) - len(before) - len(behind) or (not inner and level):
                return None
            found[name] = inner
        return found


def compile_topic(text: str) -> TopicPattern | Message:
    """The pattern, or why it is none."""
    if not text or len(text) > LONGEST:
        return worded("a text of 1 to %(most)d characters", most=LONGEST)
    levels = text.split("/")
    rest = levels[-1] == "#"
    names = dict[int, str]()
    around = dict[int, tuple[str, str]]()
    plain = list[str]()
    for place, level in enumerate(levels[:-1] if rest else levels):
        match = _NAME.fullmatch(level)
        if match:
            if match[2] in names.values():
                return worded("two levels are called %(name)s", name=repr(match[2]))
            names[place] = match[2]
            around[place] = match[1], match[3]
            plain.append("+")
        elif level != "+" and re.search(r"[{}#+]", level):
            return worded(
                "level %(level)s is neither plain text nor {name}, + or, at the end, #; "
                "a name has small letters, digits and _",
                level=repr(level),
            )
        else:
            plain.append(level)
    return TopicPattern(text, tuple(plain), names, rest, around)
