"""What detectors look at: scans with what is known of phones and counters, and what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

from workflows.patrol.honesty.walking import Walking

# How long a scan that says `online` may be under way: it is sent as it is made, and once more.
UNDER_WAY = timedelta(minutes=2)
# A clock may differ by so much from what it was before anybody asks why.
OFF = timedelta(minutes=5)
# A quartz that is worse than this is broken.
_DRIFT_A_DAY = timedelta(minutes=2)
_LEAST_ONLINE, _HOURS = 3, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A scan as detectors see it. What is not known is none, and then nothing is concluded.

    at: by the scanner's clock; received: by ours. online: sent as it was made.
    ours: the time is of a clock of ours. counter: of a signed tag.
    phone: which one handed it in; post: it is shared by who is on duty there. sequence: its number
    in that phone's order. boot, uptime: seconds of a steady clock since some start of the app;
    such clocks stand still while a phone sleeps, so more time may have passed, never less.
    """

    id: UUID
    at: datetime
    received: datetime
    checkpoint: UUID
    person: UUID | None = None
    online: bool = False
    ours: bool = False
    verdict: str = "accepted"
    token: UUID | None = None
    counter: int | None = None
    phone: UUID | None = None
    post: bool = False
    sequence: int | None = None
    boot: str | None = None
    uptime: float | None = None

    @property
    def off(self) -> timedelta:
        """How far its clock seemed ahead of ours; only of an online one does it say something."""
        return self.at - self.received


# Who hands this in says to have been there; what is refused otherwise says nothing of anybody.
CLAIMS = ("accepted", "overtaken")


@dataclass(frozen=True, slots=True)
class Copy:
    """Two touches of one tag. touch: of the round; earlier: what it is held against."""

    touch: Touch
    earlier: Touch


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a report of the round with the very bytes of an earlier one.

    person: who reported it.
    """

    id: UUID
    digest: str
    earlier_id: UUID
    earlier_at: datetime
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """How far a phone's clock usually is ahead, and as of when that is known: clocks drift."""

    ahead: timedelta
    since: datetime

    def allowed(self, moment: datetime) -> timedelta:
        """How far it may be from that at a moment by itself."""
        return OFF + _DRIFT_A_DAY * (abs(moment - self.since) / timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Case:
    """A round, and what is known around it.

    touches: what counts for it, and what its people were refused at its points in its time.
    around: what was handed in by the same phones within some hours before, between and after.
    overtaken: touches of it with the first to arrive of those that touched the same tag later.
    replayed: touches of it with others that are the very same. usual, later: how the clock of a
    phone was before this round, and after it, where enough was online. owners: whose a
    phone is.
    """

    touches: Sequence[Touch]
    walking: Walking
    around: Sequence[Touch] = ()
    overtaken: Sequence[Copy] = ()
    replayed: Sequence[Copy] = ()
    pictures: Sequence[Picture] = ()
    usual: Mapping[UUID, Usual] = field(default_factory=dict)
    later: Mapping[UUID, Usual] = field(default_factory=dict)
    owners: Mapping[UUID, UUID] = field(default_factory=dict)

    def usual_of(self, touch: Touch) -> Usual | None:
        """How the clock behind a scan usually is; none where that is not known."""
        if touch.ours:
            return Usual(timedelta(0), touch.at)
        return None if touch.phone is None else self.usual.get(touch.phone)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector found in a round. touches: the scans it is about; evidence: JSON values."""

    kind: str
    touches: tuple[UUID, ...]
    evidence: Mapping[str, Any]


def in_order(touches: Sequence[Touch]) -> list[Touch]:
    """As the phone says that they were made: by its numbers, else by its clock."""
    return sorted(touches, key=lambda one: (one.sequence or 0, one.at, one.id))


def strands(touches: Sequence[Touch]) -> list[list[Touch]]:
    """What each person handed in by each phone, in order."""
    found: dict[tuple[UUID | None, UUID | None], list[Touch]] = {}
    for one in touches:
        found.setdefault((one.person, one.phone), []).append(one)
    return [in_order(some) for some in found.values()]


def elapsed(one: Touch, other: Touch) -> float | None:
    """How many seconds lie between two of one strand at most; none where that can't be told.

    What speaks for the guard counts: the phone's clock, its steady clock, and for two that were
    online our own. Only where these were sent together and say that hours lie between, ours does.
    """
    told = (other.at - one.at).total_seconds()
    if one.online and other.online:
        ours = (other.received - one.received).total_seconds()
        slack = UNDER_WAY.total_seconds()
        if told > ours + OFF.total_seconds():
            return max(ours, 0.0) + slack
        told = max(told, ours)
    if one.boot is not None and one.boot == other.boot:
        told = max(told, (other.uptime or 0.0) - (one.uptime or 0.0))
    # A clock that was set back between the two says nothing.
    return None if told < 0 else told


def learn(walking: Walking, touches: Sequence[Touch]) -> None:
    """Let ways be learned from scans: of each person with each phone, one after the other."""
    for strand in strands([one for one in touches if one.verdict == "accepted"]):
        for one, other in pairwise(strand):
            seconds = elapsed(one, other)
            if seconds is not None:
                walking.learn(one.person, one.checkpoint, other.checkpoint, seconds)


def usual_clock(online: Sequence[Touch]) -> Usual | None:
    """How a phone's clock usually is, from what it sent as it was made.

    Each hour counts once, so that one round under another clock does not make it usual; none from
    less than three scans.
    """
    if len(online) < _LEAST_ONLINE:
        return None
    hours: dict[datetime, list[float]] = {}
    for one in online:
        hour = one.received.replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, []).append(one.off.total_seconds())
    last = [(hour, median(some)) for hour, some in sorted(hours.items())][-_HOURS:]
    right = [(hour, off) for hour, off in last if abs(off) < OFF.total_seconds()]
    if len(right) * 4 >= len(last):
        # One that is right every now and then is a right one: no clock comes right by itself.
        last = right
    return Usual(timedelta(seconds=median(off for _, off in last)), last[len(last) // 2][0])
