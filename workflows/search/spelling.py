"""How people spell what they look for: Chinese, pinyin, its initials, unit and phone numbers."""

import re
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

from core.folding import UNIT_WORDS, fold

_DIGITS = re.compile(r"\d+")
_LATIN = re.compile(r"[a-z]+")
SHORTEST_PINYIN = 2


@lru_cache(maxsize=50_000)
def pinyin(text: str) -> tuple[str, str]:
    """The pinyin of a Chinese text without tones, and its initials: shuibeng, sb; else empty."""
    if not any("\u3400" <= sign <= "\u9fff" for sign in text):
        return "", ""
    whole = "".join(lazy_pinyin(text, style=Style.NORMAL))
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER))
    return fold(whole), fold(initials)


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in a text, in order, without leading zeros."""
    return tuple(found.lstrip("0") or "0" for found in _DIGITS.findall(text))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody typed, taken apart once."""

    text: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    rest: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Wanted":
        """From a search box."""
        folded = fold(text)
        rest = _DIGITS.sub(" ", UNIT_WORDS.sub(" ", folded)).split()
        return cls(folded, tuple(folded.split()), numbers(folded), tuple(rest))


@dataclass(frozen=True, slots=True)
class Spelling:
    """Everything by which a thing may be found. path: it and what it is part of, for numbers."""

    names: tuple[str, ...]
    text: str
    sounds: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, *names: str, within: tuple[str, ...] = ()) -> "Spelling":
        """The spelling of a thing by its names; within: the names of what it is part of."""
        own = tuple(fold(name) for name in names if name)
        sounds = {sound for name in own for sound in pinyin(name) if sound}
        path = " ".join((*within, own[0] if own else ""))
        return cls(own, " ".join(own), tuple(sorted(sounds)), numbers(fold(path)))

    def rank(self, wanted: Wanted) -> int:
        """How well it fits: 0 not at all, 4 by its very name."""
        if wanted.text in self.names:
            return 4
        if any(name.startswith(wanted.text) for name in self.names):
            return 3
        if wanted.words and all(self._has(word) for word in wanted.words):
            return 2
        return 1 if self._is_unit(wanted) else 0

    def _has(self, word: str) -> bool:
        if word in self.text:
            return True
        latin = len(word) >= SHORTEST_PINYIN and word.isascii()
        return latin and any(word in sound for sound in self.sounds)

    def _is_unit(self, wanted: Wanted) -> bool:
        """Whether its numbers hold the wanted ones in their order, ending with the last."""
        if not wanted.numbers or not self.numbers or wanted.numbers[-1] != self.numbers[-1]:
            return False
        remaining = iter(self.numbers)
        in_order = all(number in remaining for number in wanted.numbers)
        return in_order and all(self._has(word) for word in wanted.rest)
