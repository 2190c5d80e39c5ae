"""Detectors of haste: ways that nobody goes so fast, many points at once, and rounds flown through.

Each gives the guard the benefit of the doubt: of two clocks the one that leaves more time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median

from workflows.patrol.honesty.touches import CLAIMS, Case, Finding, Touch, elapsed, strands

# One way counts by itself where somebody needed an eighth of the usual time or went by car.
_GRAVE_SHARE, _GRAVE_USUAL_S, _GRAVE_SAVED_S = 0.125, 60.0, 45.0
_GRAVE_M_S, _GRAVE_M = 16.0, 100.0
# So many points, so many seconds apart on average, at places of which nothing else is known.
_BURST, _BURST_S = 4, 15.0
# A round counts as flown through below this share of the usual time; riding alone leaves more.
_FLOWN_SHARE, _FLOWN_LEGS = 0.3, 6
_RIDDEN_SHARE, _NO_STOP_S, _USUAL_STOP_S = 0.37, 9.0, 25.0
# What is left for a point and all detours after riding straight to it as fast as the law lets.
_RIDING_M_S, _LEFT_S = 6.9, 22.0


@dataclass(frozen=True, slots=True)
class _Leg:
    """From one touch to the next. usual, metres: none where not known."""

    one: Touch
    other: Touch
    seconds: float
    usual: float | None
    metres: float | None


def legs_of(case: Case) -> Iterator[list[_Leg]]:
    """The ways of each person with each phone, where something is known of the time."""
    claims = [one for one in case.touches if one.verdict in CLAIMS]
    for strand in strands(claims):
        found = []
        for one, other in pairwise(strand):
            seconds = elapsed(one, other)
            if one.checkpoint == other.checkpoint or seconds is None:
                continue
            usual = case.walking.usual(one.checkpoint, other.checkpoint)
            metres = case.walking.distance_m(one.checkpoint, other.checkpoint)
            found.append(_Leg(one, other, seconds, usual, metres))
        yield found


def impossible_speed(case: Case) -> Iterator[Finding]:
    """Ways for which the time between two scans was too short."""
    for legs in legs_of(case):
        short = [leg for leg in legs if _is_short(case, leg)]
        if len(short) >= 2 or any(_is_grave(leg) for leg in short):
            yield _finding("speed", short)


def _is_short(case: Case, leg: _Leg) -> bool:
    least = case.walking.least(leg.one.checkpoint, leg.other.checkpoint)
    return least is not None and leg.seconds < least


def _is_grave(leg: _Leg) -> bool:
    metres = leg.metres or 0.0
    if metres >= _GRAVE_M and metres > _GRAVE_M_S * leg.seconds:
        return True
    if leg.usual is None or leg.usual < _GRAVE_USUAL_S:
        return False
    saved = leg.usual - leg.seconds
    return leg.seconds < _GRAVE_SHARE * leg.usual and saved >= _GRAVE_SAVED_S


def burst(case: Case) -> Iterator[Finding]:
    """Many different points one after the other, as if they lay on a table."""
    for legs in legs_of(case):
        best: list[_Leg] = []
        for start in range(len(legs)):
            some = _quick_from(legs, start)
            best = max(best, some, key=len)
        if len({one.checkpoint for one in _ends(best)}) >= _BURST:
            yield _finding("burst", best)


def _quick_from(legs: list[_Leg], start: int) -> list[_Leg]:
    """The longest run of ways from here on that is too quick as a whole."""
    found: list[_Leg] = []
    spent = usual = 0.0
    for count, leg in enumerate(legs[start:], 1):
        spent, usual = spent + leg.seconds, usual + (leg.usual or 0.0)
        # Points that lie side by side are scanned that quickly by everybody.
        known = all(each.usual is not None for each in legs[start : start + count])
        if spent <= _BURST_S * count and (not known or spent < 0.3 * usual):
            found = legs[start : start + count]
    return found


def flown_through(case: Case) -> Iterator[Finding]:
    """A whole round in so little time that nobody can have stopped anywhere."""
    for legs in legs_of(case):
        known = [(leg, leg.usual) for leg in legs if leg.usual is not None]
        whole = sum(usual for _, usual in known)
        # A pause on the way does not make the rest slower.
        spent = sum(min(leg.seconds, usual) for leg, usual in known)
        stop = _stop_s([(usual, leg.seconds) for leg, usual in known]) if known else 0.0
        ridden = spent < _RIDDEN_SHARE * whole and stop < _NO_STOP_S
        if len(known) >= _FLOWN_LEGS and (spent < _FLOWN_SHARE * whole or ridden):
            some = [leg for leg, _ in known]
            more = {"spent_s": round(spent), "usual_s": round(whole), "stop_s": round(stop)}
            yield _finding("dwell", some, **more)
            continue
        left = [leg.seconds - leg.metres / _RIDING_M_S for leg in legs if leg.metres is not None]
        if len(left) >= _FLOWN_LEGS and median(left) < _LEFT_S:
            yield _finding("dwell", legs, left_s=round(median(left)))


def _stop_s(times: Sequence[tuple[float, float]]) -> float:
    """How many seconds were left for each stop, from (usual, needed) seconds of each way.

    Riding makes long ways shorter in proportion and stops not at all, so a line through them tells
    the two apart: its slope is the riding (the median of all slopes, after Theil and Sen).
    """
    slopes = [
        (other[1] - one[1]) / (other[0] - one[0])
        for one, other in combinations(times, 2)
        if abs(other[0] - one[0]) > 1
    ]
    slope = median(slopes) if slopes else 0.0
    return median(needed - slope * (usual - _USUAL_STOP_S) for usual, needed in times)


def _ends(legs: list[_Leg]) -> list[Touch]:
    return [*(leg.one for leg in legs[:1]), *(leg.other for leg in legs)]


def _finding(kind: str, legs: list[_Leg], **more: float) -> Finding:
    shown = [
        {
            "from": str(leg.one.id),
            "to": str(leg.other.id),
            "seconds": round(leg.seconds, 1),
            "usual_s": None if leg.usual is None else round(leg.usual),
            "metres": None if leg.metres is None else round(leg.metres),
        }
        for leg in legs
    ]
    ids = dict.fromkeys(one.id for leg in legs for one in (leg.one, leg.other))
    return Finding(kind, tuple(ids), {"legs": shown, **more})
