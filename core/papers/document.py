"""A document as its parts, in one language: the same parts become a PDF and a workbook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# How a line or a figure stands out: nothing, well, doubtful, bad.
TONES = ("", "good", "doubtful", "bad")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is read at once. note: what it is counted from."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side."""

    title: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that stands out."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. widths: of its columns, as parts of the whole. empty: what stands without rows.

    head, note: what stands above it, where it is one of several under a title.
    """

    title: str
    columns: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str | Cell]]
    head: str = ""
    empty: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Paragraphs under a title."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture by its key in what `typeset` and `workbook` are given; caption: lines below it."""

    key: str
    caption: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures in rows, each with what is said of it."""

    title: str
    pictures: Sequence[Shown]


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares of several days, 0 to 1; None: nothing was due."""

    title: str
    names: Sequence[str]
    shares: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Strip:
    """Hours of a day at one place: how often somebody was there in each."""

    name: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Heat:
    """Where somebody was when: a strip for each place, under the hours' names."""

    title: str
    hours: Sequence[str]
    strips: Sequence[Strip]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Places to sign."""

    title: str
    roles: Sequence[str]
    date: str


Block = Figures | Table | Lines | Pictures | Bars | Heat | Signatures


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document in one language.

    number, digest: what it says of itself on every page. facts: name and value, under its title.
    checking: how somebody tells whether it is genuine; address: where, as a QR code, if anywhere.
    language: its code, for how lines are broken. page: what stands between number and total.
    """

    title: str
    subtitle: str
    number: str
    digest: str
    facts: Sequence[tuple[str, str]]
    blocks: Sequence[Block]
    checking: str
    language: str
    page: str
    address: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
