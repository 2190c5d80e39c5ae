"""When an entry was, by our clock, where its phone did not know how far its own one was off.

A phone knows that from the first answer that it gets after a start of the app. What it recorded
before, we reckon from what its clocks say as it hands it in.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workflows.patrol.journal.chain import Entry
from workflows.patrol.phones.model import Phone

# As long as a phone's two clocks run apart by less than this, nobody has set one of them.
SET_BY = timedelta(seconds=30)
# Two of its distances to our clock are the same: what is handed in is under way for a while.
SAME = timedelta(seconds=60)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a phone's clocks said as it handed in, and when that was by ours.

    boot, mono_ms: its steady clock; empty and 0 where it does not tell.
    """

    sent_at: datetime
    received_at: datetime
    boot: str = ""
    mono_ms: int = 0

    @property
    def ahead(self) -> timedelta:
        """How far our clock is ahead of the phone's."""
        return self.received_at - self.sent_at


def reckon(entry: Entry, phone: Phone, sending: Sending) -> Entry:
    """The entry with how far our clock was ahead when it was made, and whether that is sure.

    phone: as it stands after the entry before. What the phone knew itself is taken as it is.
    Else its clock was off as it is now if it was so when it was heard before, too, or if it has run
    with its steady one since; what was set in between, nobody knows.
    """
    if entry.offset_ms is not None:
        return entry
    steady = entry.boot == sending.boot and _ran_steadily(entry, sending)
    if _was_set_back(entry, phone) and not steady:
        return replace(entry, sure=False)
    before = None if phone.offset_ms is None else timedelta(milliseconds=phone.offset_ms)
    if before is not None and abs(before - sending.ahead) <= SAME:
        return replace(entry, reckoned_ms=phone.offset_ms)
    if steady:
        return replace(entry, reckoned_ms=int(sending.ahead / _MS))
    return replace(entry, sure=False)


def _was_set_back(entry: Entry, phone: Phone) -> bool:
    """Whether the clock of a phone shows less than when it wrote the entry before, in an earlier
    start of the app: it may have been set back again since."""
    if phone.last_at is None or phone.boot == entry.boot:
        return False
    return entry.at - phone.last_at < -SET_BY


def _ran_steadily(entry: Entry, sending: Sending) -> bool:
    by_clock = sending.sent_at - entry.at
    by_running = (sending.mono_ms - entry.mono_ms) * _MS
    return abs(by_clock - by_running) <= SET_BY


def clock_marks(phone: Phone, entry: Entry) -> list[str]:
    """What is odd about the clock behind an entry: it was set since the one before, or is unsure.

    The clock of a phone may be set while the app is closed, which only an earlier time shows.
    """
    marks = [] if entry.sure else ["clock_unsure"]
    if phone.last_at is None:
        return marks
    by_clock = entry.at - phone.last_at
    if entry.boot != phone.boot:
        return [*marks, "clock_back"] if by_clock < -SET_BY else marks
    by_running = (entry.mono_ms - phone.mono_ms) * _MS
    return [*marks, "clock_set"] if abs(by_clock - by_running) > SET_BY else marks
