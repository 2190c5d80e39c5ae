"""What each kind of token proves: its grade, in words; and why something presented is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from rules.catalog import Text

FILE = Path(__file__).with_name("proof.yaml")


class Grade(Enum):
    """How much a kind of token proves; the first proves most, and they can be compared."""

    SIGNED = "signed"
    PRESENT = "present"
    WEAK = "weak"

    @property
    def rank(self) -> int:
        """Larger is stronger."""
        return len(Grade) - list(Grade).index(self)

    def __lt__(self, other: "Grade") -> bool:
        return self.rank < other.rank

    def __le__(self, other: "Grade") -> bool:
        return self.rank <= other.rank


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of token: its grade, and one sentence each on what it proves and what it can't."""

    code: str
    grade: Grade
    name: Text
    proves: Text
    cannot: Text


def _text(words: Mapping[str, str]) -> Text:
    return Text(words["en"], words["zh"])


def _kind(code: str, body: Mapping[str, Any]) -> Kind:
    return Kind(
        code,
        Grade(body["grade"]),
        _text(body["name"]),
        _text(body["proves"]),
        _text(body["cannot"]),
    )


_SHIPPED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
GRADES: Mapping[Grade, Text] = MappingProxyType(
    {grade: _text(_SHIPPED["grades"][grade.value]) for grade in Grade}
)
KINDS: Mapping[str, Kind] = MappingProxyType(
    {code: _kind(code, body) for code, body in _SHIPPED["kinds"].items()}
)
# Every verdict of a scan, `accepted` first.
REASONS: Mapping[str, Text] = MappingProxyType(
    {code: _text(words) for code, words in _SHIPPED["reasons"].items()}
)
