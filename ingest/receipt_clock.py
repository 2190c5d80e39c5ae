"""The receipt clock: wall time as far as it is known that everything sent until then has arrived.

It moves when a heartbeat that we sent ourselves comes back through the broker, so it lags while
messages queue and stands still while we are down or cut off. Silence and the delays of quiet
devices are measured on it, which is why our own absence is never taken for theirs.
"""

from bisect import bisect_right
from collections.abc import Sequence

Span = tuple[int, int]


class ReceiptClock:
    """Maps wall time to receipt time and back. All times are µs; receipt time skips every gap.

    gaps: spans of wall time in which we did not listen, oldest first, none overlapping.
    lost_before: µs of older gaps whose spans are forgotten.
    """

    def __init__(self, gaps: Sequence[Span] = (), lost_before: int = 0) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._lost: list[int] = []
        self._lost_before = lost_before
        for start, end in gaps:
            self._append(start, end)
        self._beat: int | None = None
        self._frozen = True

    def _append(self, start: int, end: int) -> None:
        lost = self._lost[-1] if self._lost else self._lost_before
        self._starts.append(start)
        self._ends.append(end)
        self._lost.append(lost + end - start)

    @property
    def running(self) -> bool:
        """Whether heartbeats come back."""
        return not self._frozen

    @property
    def last_beat(self) -> int | None:
        """Wall time of the newest heartbeat that came back; None before the first."""
        return self._beat

    def receipt(self, wall: int) -> int:
        """Receipt time of a moment of wall time; within a gap, the time at which it stood."""
        index = bisect_right(self._starts, wall) - 1
        if index < 0:
            return wall - self._lost_before
        inside = max(0, self._ends[index] - wall)
        return wall - self._lost[index] + inside

    def wall(self, receipt: int) -> int:
        """Wall time of a receipt time; for one at which the clock stood, the start of the gap."""
        lost = self._lost_before
        for start, after in zip(self._starts, self._lost, strict=True):
            if receipt + lost <= start:
                break
            lost = after
        return receipt + lost

    def now(self) -> int:
        """Receipt time of the newest heartbeat; 0 before `begin` or `resume_from`."""
        return 0 if self._beat is None else self.receipt(self._beat)

    def begin(self, wall: int) -> None:
        """Start for the first time ever: nobody listened before, so there is no gap either."""
        self._beat = wall
        self._frozen = False

    def resume_from(self, last_beat: int) -> None:
        """Say when we last listened, before this process began; the first beat closes the gap."""
        self._beat = last_beat
        self._frozen = True

    def freeze(self) -> None:
        """We are cut off: stand still from the last beat on."""
        self._frozen = True

    def beat(self, wall: int) -> Span | None:
        """A heartbeat sent at `wall` came back. Returns the gap that it ends, if any."""
        if self._beat is None or wall <= self._beat:
            self._beat = max(wall, self._beat or wall)
            self._frozen = False
            return None
        gap = None
        if self._frozen:
            gap = (self._beat, wall)
            self._append(*gap)
        self._frozen = False
        self._beat = wall
        return gap
