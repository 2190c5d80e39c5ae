"""What is counted of alarms: busy intervals, chatter, what stands for long. All times in µs.

A window of 10 minutes at a moment is what fell later than 10 minutes before it, up to it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import NamedTuple
from uuid import UUID

from core.clock import MICROS
from workflows.alarms.flood_counting import FLOOD_OVER, INTERVAL

SECOND = MICROS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
# Chatter: three activations in a minute (PAS), or more than five transitions in five minutes.
ACTIVATIONS, ACTIVATIONS_WITHIN = 3, MINUTE
TRANSITIONS, TRANSITIONS_WITHIN = 6, 5 * MINUTE
FLEETING_UNDER, FLEETING_ALONE = 10 * SECOND, MINUTE
STALE_AFTER = 24 * HOUR


class Trip(NamedTuple):
    """One episode that reached people. told: when they were; seen: when anybody said so.

    activations: how often it tripped in it, which is once unless it chattered.
    """

    tripped: int
    cleared: int | None
    told: int
    seen: int | None
    version: int
    ticket: UUID | None
    activations: int = 1


@dataclass(frozen=True, slots=True)
class Chatter:
    """How an alarm chattered: so many activations in so many bursts."""

    activations: int
    bursts: int
    last: int


def busy_intervals(moments: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """How many of the 10-minute intervals from `start` on have more than ten, of how many."""
    counts: dict[int, int] = {}
    for moment in moments:
        index = (moment - start) // INTERVAL
        counts[index] = counts.get(index, 0) + 1
    busy = sum(count > FLOOD_OVER for count in counts.values())
    return busy, ceil((end - start) / INTERVAL)


def chatter(trips: Sequence[Trip]) -> Chatter | None:
    """How one alarm chattered; None if it did not. trips: of this alarm, in order.

    Of what chatters one episode stays open, and further activations are only counted in it.
    """
    marked = {index for index, trip in enumerate(trips) if trip.activations > 1}
    for index in range(len(trips) - ACTIVATIONS + 1):
        beyond = index + ACTIVATIONS
        if trips[beyond - 1].tripped - trips[index].tripped < ACTIVATIONS_WITHIN:
            marked.update(range(index, beyond))
    turns = [
        (at, index)
        for index, trip in enumerate(trips)
        for at in (trip.tripped, trip.cleared)
        if at is not None
    ]
    for index in range(len(turns) - TRANSITIONS + 1):
        beyond = index + TRANSITIONS
        if turns[beyond - 1][0] - turns[index][0] < TRANSITIONS_WITHIN:
            marked.update(trip for _, trip in turns[index:beyond])
    if not marked:
        return None
    order = sorted(marked)
    apart = sum(
        trips[later].tripped - trips[sooner].tripped >= TRANSITIONS_WITHIN
        for sooner, later in pairwise(order)
    )
    activations = sum(trips[index].activations for index in order)
    return Chatter(activations, 1 + apart, trips[order[-1]].tripped)


def fleeting(trips: Sequence[Trip]) -> int:
    """How often one alarm was over at once, with no other activation within a minute."""
    found = 0
    for index, trip in enumerate(trips):
        if trip.cleared is None or trip.cleared - trip.tripped >= FLEETING_UNDER:
            continue
        before = index > 0 and trip.tripped - trips[index - 1].tripped < FLEETING_ALONE
        after = index + 1 < len(trips) and trips[index + 1].tripped - trip.tripped < FLEETING_ALONE
        found += not before and not after
    return found


def stale_days(standing: Sequence[tuple[int, int]], days: Sequence[int]) -> list[int]:
    """How many alarms were stale at some time of each day.

    standing: from when and until when each was active; days: where each day begins, and where the
    last one ends.
    """
    counts = [0] * (len(days) - 1)
    for tripped, until in standing:
        stale_from = tripped + STALE_AFTER
        if stale_from >= until:
            continue
        first = max(bisect_right(days, stale_from) - 1, 0)
        beyond = min(bisect_left(days, until), len(counts))
        for day in range(first, beyond):
            counts[day] += 1
    return counts


def quantile(ordered: Sequence[int], share: float) -> int | None:
    """The value that this share of them does not exceed (nearest rank); None of nothing."""
    if not ordered:
        return None
    return ordered[max(ceil(share * len(ordered)) - 1, 0)]
