"""What an evaluation saw, value by value, for whoever edits the mapping."""

from dataclasses import dataclass, field
from typing import Any

from core.mappings.model import Reading
from core.mappings.place import written
from core.mappings.templates import clean


@dataclass(frozen=True, slots=True)
class Traced:
    """One reading of one record. span: its bytes, first and after the last, in a binary message.

    found: whether anything stands at its place. value: what is told; None when nothing is.
    """

    place: tuple[str | int, ...]
    device: str
    key: str
    sent_as: str
    unit: str | None
    found: bool
    raw: Any = None
    value: Any = None
    ts: Any = None
    span: tuple[int, int] | None = None
    problem: str = ""

    @property
    def where(self) -> str:
        """Where the reading stands in the document: `readings[2]`."""
        return written(self.place)


@dataclass(slots=True)
class Trace:
    """Filled by `evaluate` when it is given one. data: the bytes that registers are counted in."""

    lines: list[Traced] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    document: Any = None
    data: bytes | None = None

    def add(self, reading: Reading, *, raw: Any, **seen: Any) -> None:
        """Note what was seen of a reading."""
        # Half characters can't be shown.
        seen["raw"] = clean(raw) if isinstance(raw, str) else raw
        self.lines.append(
            Traced(place=reading.place, sent_as=reading.sent_as, unit=reading.unit, **seen)
        )
