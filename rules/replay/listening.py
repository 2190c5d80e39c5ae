"""When nobody listened, so that our own absence is never taken for that of the sensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rules.replay.columns import Integers


@dataclass(frozen=True, slots=True)
class Listening:
    """The receipt clock of the past: wall time without the gaps, both in µs.

    gaps: spans of wall time in which nobody listened, oldest first, none overlapping.
    """

    gaps: tuple[tuple[int, int], ...] = ()

    def receipts(self, walls: Integers) -> Integers:
        """Receipt times of moments of wall time; within a gap the clock stood still."""
        if not self.gaps:
            return walls
        starts, ends = np.array(self.gaps, np.int64).T
        lost = np.concatenate([[0], np.cumsum(ends - starts)])
        number = np.searchsorted(starts, walls, side="right")
        inside = np.where(number > 0, np.maximum(0, ends[number - 1] - walls), 0)
        found: Integers = walls - lost[number] + inside
        return found

    def receipt(self, wall: int) -> int:
        """Receipt time of one moment of wall time."""
        return int(self.receipts(np.array([wall], np.int64))[0])

    def wall(self, receipt: int) -> int:
        """Wall time of a receipt time; for one at which the clock stood, the start of the gap."""
        lost = 0
        for start, end in self.gaps:
            if receipt + lost <= start:
                break
            lost += end - start
        return receipt + lost


def gaps_within(gaps: Sequence[tuple[int, int]], start: int, end: int) -> Listening:
    """The part of the gaps that lies in a span."""
    cut = ((max(first, start), min(last, end)) for first, last in gaps)
    return Listening(tuple((first, last) for first, last in cut if first < last))
