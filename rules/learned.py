"""What an instance hears of the baselines of its points: the verdict as of what it has taken in.

A baseline is one for each point, whoever asks of it. The verdict belongs to the instance, since
two of them may not have come equally far.
"""

from datetime import tzinfo

from rules.baseline import Baseline, offset_in
from rules.slots import Slot


class Verdict:
    """Whether a point is odd, after the newest reading that its instance has taken in.

    It takes readings as a window does. Of several at one instant the first one counts.
    """

    __slots__ = ("_slot", "now")

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        # None while it can't be told; an odd one carries its numbers.
        self.now: float | None = None
        self.look_again()

    def add(self, at: int, value: float) -> None:
        """Take in a reading newer than all before; the baseline may know it from another rule."""
        baseline = self._slot.learned
        assert baseline is not None
        baseline.take(at, value)
        self.now = baseline.tell()

    def replace_newest(self, value: float) -> None:
        """The newest reading turned out to have another value: it was judged already."""

    def look_again(self) -> None:
        """Hear what the baseline says now."""
        baseline = self._slot.learned
        self.now = None if baseline is None else baseline.tell()

    def tell(self) -> float | None:
        """1.0 for odd, 0.0 for usual."""
        return self.now


def learn(slot: Slot, zone: tzinfo | None) -> Verdict:
    """What is told of a point; it begins to learn if it has not begun. zone: of its seasons."""
    if slot.learned is None:
        slot.learned = Baseline(offset_in(zone))
    return Verdict(slot)
