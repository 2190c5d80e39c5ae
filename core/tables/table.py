"""A table as it stands in a file, whatever kind of file that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

LARGEST_FILE = 10 * 1024 * 1024
LARGEST_INSIDE = 96 * 1024 * 1024
MOST_ROWS = 20_000
MOST_CELLS = 1_000_000
# What Excel, Word and web pages leave around texts, beside what str.strip() knows.
_AROUND = "\ufeff\u200b\u200e\u200f \t\r\n\u3000\xa0"
NO_VALUES: Mapping[str, str] = MappingProxyType({})


class Cell(NamedTuple):
    """One cell. text: as people read it, trimmed; "" when it is empty.

    number: it was a number in the file, so leading zeros may be gone. fault: a code of
    a finding (see workflows.intake.faults) when the text can't be trusted.
    """

    text: str = ""
    number: bool = False
    fault: str = ""
    values: Mapping[str, str] = NO_VALUES


EMPTY = Cell()


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not empty. number: as the file counts it, from 1."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet of a file. merged: the ranges of merged cells, like B5:B9."""

    name: str
    rows: Sequence[Row]
    merged: Sequence[str] = field(default=())


def trimmed(text: str) -> str:
    """A text on one line, without blanks around it."""
    return " ".join(text.strip(_AROUND).splitlines()).replace("\t", " ").strip()


def column_letters(index: int) -> str:
    """The letters of a column, counted from 0: A, B, …, Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The column of some letters, counted from 0."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def top_left(cells: str) -> tuple[int, int, int]:
    """First row, first column (from 0) and last row of a range like B5:C9."""
    found = re.findall(r"([A-Z]+)(\d+)", cells)
    rows = [int(number) for _, number in found]
    return min(rows), min(column_index(letters) for letters, _ in found), max(rows)
