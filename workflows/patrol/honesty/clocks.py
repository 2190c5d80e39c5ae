"""Detectors of clocks that were set for a round.

A wrong clock is no lie, nor is setting it right. What counts is that a clock moves away from the
truth, against what it was before.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from workflows.patrol.honesty.touches import OFF, UNDER_WAY, Case, Finding, Touch, Usual, in_order

_NOTHING = timedelta(0)


class _Order:
    """What a phone handed in, in its own order."""

    def __init__(self, touches: Sequence[Touch]) -> None:
        self._touches = in_order([one for one in touches if one.sequence is not None])
        self._numbers = [one.sequence or 0 for one in self._touches]
        # By then it must have been, whatever the clock says: it came as it was made.
        known = (min(one.at, one.received) if one.online else None for one in self._touches)
        self._proven = list(accumulate(known, _later))

    def before(self, touch: Touch) -> Touch | None:
        """The one right before."""
        place = self._place(touch)
        return self._touches[place - 1] if place else None

    def proven(self, touch: Touch) -> datetime | None:
        """How late it certainly was already when something before was made."""
        place = self._place(touch)
        return self._proven[place - 1] if place else None

    def _place(self, touch: Touch) -> int:
        return bisect_left(self._numbers, touch.sequence or 0)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def set_clock(case: Case) -> Iterator[Finding]:
    """Scans whose time can't be what their phone's clock would have shown."""
    by_phone: dict[UUID | None, list[Touch]] = {}
    for one in case.around:
        by_phone.setdefault(one.phone, []).append(one)
    orders = {phone: _Order(some) for phone, some in by_phone.items() if phone is not None}
    found: dict[str, list[tuple[Touch, timedelta]]] = {}
    for one in case.touches:
        order = None if one.phone is None else orders.get(one.phone)
        for how, off in (
            ("online", _moved(case, one)),
            ("after", _before_what_it_followed(order, one)),
            ("ahead", _after_it_came(case, one)),
            ("steady", _set_back(case, order, one)),
        ):
            if off is not None:
                found.setdefault(how, []).append((one, off))
    for how, some in found.items():
        yield Finding(
            "clock",
            tuple(one.id for one, _ in some),
            {
                "how": how,
                "scans": {str(one.id): round(off.total_seconds()) for one, off in some},
                "usual_s": _usual_s(case, some[0][0]),
            },
        )


def _usual_s(case: Case, touch: Touch) -> int | None:
    usual = case.usual_of(touch)
    return None if usual is None else round(usual.ahead.total_seconds())


def _is_away(off: timedelta, usual: Usual, moment: datetime) -> bool:
    """Whether a clock is further from ours than it was, and not only by what clocks drift."""
    allowed = usual.allowed(moment)
    return abs(off - usual.ahead) > allowed and abs(off) > abs(usual.ahead) + allowed


def _moved(case: Case, touch: Touch) -> timedelta | None:
    """Sent as it was made, under a clock that was another one the day before."""
    usual = case.usual_of(touch)
    if not touch.online or usual is None or touch.ours:
        return None
    # It may have been under way for a while, which makes its clock seem slow.
    off = min(touch.off + UNDER_WAY, max(touch.off, _NOTHING))
    if _is_away(off, usual, touch.at) or _came_back(case, touch, usual):
        return touch.off
    return None


def _came_back(case: Case, touch: Touch, usual: Usual) -> bool:
    """Whether a clock was set, nearer to the truth or not, and set back: that is no repair."""
    later = None if touch.phone is None else case.later.get(touch.phone)
    if later is None:
        return False
    allowed = usual.allowed(later.since)
    off = abs(touch.off - usual.ahead)
    return abs(later.ahead - usual.ahead) < OFF / 2 and off > allowed + UNDER_WAY


def _before_what_it_followed(order: _Order | None, touch: Touch) -> timedelta | None:
    """Later in the phone's order than something that was online, and told to be earlier."""
    if order is None or touch.sequence is None or touch.ours:
        return None
    proven = order.proven(touch)
    if proven is None or proven - touch.at <= OFF:
        return None
    return touch.at - proven


def _after_it_came(case: Case, touch: Touch) -> timedelta | None:
    """Told to be later than it came, by more than its clock is usually ahead."""
    usual = case.usual_of(touch)
    if usual is None or touch.ours or touch.online:
        return None
    ahead = touch.at - touch.received
    return ahead if ahead > _NOTHING and _is_away(ahead, usual, touch.at) else None


def _set_back(case: Case, order: _Order | None, touch: Touch) -> timedelta | None:
    """Less time by the clock than by the steady one since the scan before on the same phone."""
    usual = case.usual_of(touch)
    if usual is None or order is None or touch.sequence is None or touch.boot is None:
        return None
    last = order.before(touch)
    if last is None or last.boot != touch.boot:
        return None
    steady = timedelta(seconds=(touch.uptime or 0.0) - (last.uptime or 0.0))
    back = (touch.at - last.at) - steady
    if back >= -(OFF + UNDER_WAY):
        return None
    was = last.off if last.online else usual.ahead
    return back if _is_away(was + back, usual, touch.at) else None
