"""The readings that a baseline took in lately, for when what is stored of them changes."""

from array import array
from bisect import bisect_left, bisect_right


class Journal:
    """Times and values, in order of time."""

    __slots__ = ("_ats", "_forgettable", "_values")

    def __init__(self) -> None:
        self._ats = array("q")
        self._values = array("d")
        self._forgettable = 0

    def note(self, at: int, value: float) -> None:
        """A reading newer than all before was taken in."""
        self._ats.append(at)
        self._values.append(value)

    def value_at(self, at: int) -> float | None:
        """What was taken in for a time; None = nothing, or it was forgotten."""
        place = bisect_left(self._ats, at)
        known = place < len(self._ats) and self._ats[place] == at
        return self._values[place] if known else None

    def turn(self, at: int) -> None:
        """Everything up to `at` is about to be kept: what was about to be at the last turn is."""
        cut = bisect_right(self._ats, self._forgettable)
        del self._ats[:cut]
        del self._values[:cut]
        self._forgettable = at
