"""What one rule on one asset remembers: its points as last judged, and windows of their past.

Windows move with readings alone, so that they are the same after a restart that takes in the same
readings. Where the receipt clock goes ahead of the readings, because a device is quiet, they are
moved for the while and put back when something is heard again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo

from rules.hours import Hours, Schedule
from rules.learned import learn
from rules.slots import Slot
from rules.windows import Keeps, Window

Readings = Sequence[tuple[int, float]]
_NEVER = 1 << 62


class Past:
    """The windows of an instance and its own copies of the points that it judges.

    at: event time of the newest reading taken in, 0 = none; heard: when it was heard, on the
    receipt clock. The copies are what conditions read, so that an instant between two readings can
    be judged when the second is already there.
    """

    __slots__ = (
        "_ends", "_flips", "_pairs", "_put_back", "_reckoned", "at", "copies", "heard",
        "schedules", "stopped", "verdicts", "windows",
    )  # fmt: skip

    def __init__(
        self,
        slots: Mapping[str, Slot],
        wanted: Mapping[tuple[str, int], Keeps],
        codes: Iterable[str],
        hours: Mapping[str, Hours],
        learned: Iterable[str] = (),
        zone: tzinfo | None = None,
    ) -> None:
        """learned: the points that are asked about their baselines; zone: of their seasons."""
        self.verdicts = {code: learn(slots[code], zone) for code in learned if code in slots}
        self.windows = {
            key: Window(key[1], keeps) for key, keeps in wanted.items() if key[0] in slots
        }
        self.schedules = {name: Schedule(each) for name, each in hours.items()}
        self._flips = tuple(self.schedules.values())
        self.copies = {code: Slot() for code in codes if code in slots}
        self._pairs = tuple(
            (
                slots[code],
                copy,
                (
                    *(window for key, window in self.windows.items() if key[0] == code),
                    *([self.verdicts[code]] if code in self.verdicts else ()),
                ),
            )
            for code, copy in self.copies.items()
        )
        self._ends = tuple(self.windows.values())
        self.at = 0
        self.heard = 0
        # The receipt instant of what comes next, as whoever last asked for it was told.
        self._reckoned = _NEVER
        # An instant between readings that `sift` found worth judging; the windows stand there.
        self.stopped: int | None = None
        # What the windows were before they went ahead of the readings.
        self._put_back: tuple[Window, ...] | None = None

    @property
    def newest(self) -> int:
        """The event time of the newest reading that there is, taken in or not; 0 = none."""
        return max(slot.at for slot, _, _ in self._pairs)

    @property
    def fresh(self) -> bool:
        """Whether there is anything that was not taken in yet."""
        # A loop, which is a third quicker than any() with a generator; it runs for each message.
        for slot, copy, _ in self._pairs:  # noqa: SIM110
            if slot.at != copy.at or slot.value != copy.value:
                return True
        return False

    @property
    def next_leaving(self) -> int | None:
        """The next event instant at which something changes by time alone, or `sift` stopped."""
        leaving = self._soonest() if self.stopped is None else self.stopped
        return None if leaving == _NEVER else leaving

    def _soonest(self) -> int:
        soonest = _NEVER
        for window in self._ends:
            samples = window.samples
            if samples and samples[0][0] + window.span < soonest:
                soonest = samples[0][0] + window.span
        for schedule in self._flips:
            if schedule.until and schedule.until < soonest:
                soonest = schedule.until
        return soonest

    def reckon(self) -> int | None:
        """When the next instant at which something changes comes, by the receipt clock.

        Whoever asks looks again then; `sift` is True when it comes sooner after all.
        """
        leaving = self.next_leaving
        self._reckoned = _NEVER if leaving is None else self.receipt_of(leaving)
        return None if leaving is None else self._reckoned

    def receipt_of(self, at: int) -> int:
        """When an event instant after the newest reading comes, by the receipt clock."""
        return self.heard + at - self.at

    def move_to(self, at: int) -> None:
        """Let the windows end at event instant `at`."""
        self.stopped = None
        for window in self._ends:
            window.move_to(at)
        for schedule in self._flips:
            schedule.move_to(at)

    def sift(self, interesting: Callable[[], bool]) -> bool:
        """Take in what is new; False when nothing can have happened until then.

        Stops before that at the first instant between the readings that is `interesting`. Also
        True when windows went ahead and were put back, and when the next instant comes sooner
        than somebody reckoned with: the first reading in a while, one that leaves another window
        before, or a device that was behind and has caught up.
        """
        newest, fresh = 0, False
        for slot, copy, _ in self._pairs:
            at = slot.at
            if at > newest:
                newest = at
            if at != copy.at or slot.value != copy.value:
                fresh = True
        if not fresh:
            return interesting()
        came_back = self._put_back is not None
        if came_back:
            self.come_back()
        leaving = self._soonest() if self.stopped is None else self.stopped
        while leaving < newest:
            self.move_to(leaving)
            self.stopped = leaving
            if interesting():
                return True
            self.stopped = None
            leaving = self._soonest()
        self.take_in()
        if interesting() or came_back:
            return True
        soonest = self._soonest()
        return soonest != _NEVER and self.receipt_of(soonest) < self._reckoned

    def take_in(self) -> None:
        """Take in what is new."""
        if self._put_back is not None:
            self.come_back()
        newest = self.at
        for slot, copy, windows in self._pairs:
            at, value = slot.at, slot.value
            if at == copy.at and value == copy.value:
                continue
            if value is not None and slot.told != at:
                for window in windows:
                    if at > copy.at:
                        window.add(at, value)
                    else:
                        window.replace_newest(value)
            if at > newest:
                newest, self.heard = at, slot.heard
            copy.value, copy.at, copy.heard = value, at, slot.heard
        self.at = newest
        self.move_to(newest)

    def go_ahead(self) -> None:
        """From now on, until something new is taken in, the windows move with the clock."""
        if self._put_back is None:
            self._put_back = tuple(window.copy() for window in self._ends)

    def come_back(self) -> None:
        """Put the windows where the readings are."""
        if self._put_back is not None:
            for window, before in zip(self._ends, self._put_back, strict=True):
                window.become(before)
            self._put_back = None
            self.stopped = None
            for schedule in self._flips:
                schedule.move_to(self.at)

    def rebuild(self, history: Mapping[str, Readings]) -> None:
        """Begin with what is stored: of each point the readings that were judged, oldest first."""
        for slot, copy, windows in self._pairs:
            code = self._code(copy)
            for at, value in history.get(code, ()):
                for window in windows:
                    window.add(at, value)
            if slot.at and not history.get(code):
                for key, window in self.windows.items():
                    if key[0] == code:
                        window.blind = slot.at
            copy.value, copy.at, copy.heard = slot.value, slot.at, slot.heard
            # Of points with the same newest time the first counts, as when they came one by one.
            if slot.at > self.at or (slot.at == self.at and slot.heard < self.heard):
                self.at, self.heard = slot.at, slot.heard
        self.look_again()
        if self.at:
            self.move_to(self.at)

    def look_again(self) -> None:
        """Baselines may say something else now than at their newest reading."""
        for verdict in self.verdicts.values():
            verdict.look_again()

    def _code(self, copy: Slot) -> str:
        return next(code for code, each in self.copies.items() if each is copy)

    def inherit(self, other: "Past") -> None:
        """Go on from the past of an instance of the same version, which is not used any more."""
        other.come_back()
        for key, window in self.windows.items():
            before = other.windows.get(key)
            if before is not None:
                window.become(before)
        for code, copy in self.copies.items():
            known = other.copies.get(code)
            if known is not None:
                copy.value, copy.at, copy.heard = known.value, known.at, known.heard
        self.look_again()
        self.at, self.heard = other.at, other.heard
        if self.at:
            self.move_to(self.at)
