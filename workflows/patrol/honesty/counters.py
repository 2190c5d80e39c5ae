"""Detectors of tags: taps that were made before they are told to be, and taps that are told twice.

A gap in the counters alone says nothing of anybody: children and technicians touch tags, too.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from workflows.patrol.honesty.touches import OFF, Case, Copy, Finding, Touch

# Where nothing is known of a phone's clock, it may be wrong by so much.
_UNKNOWN_CLOCK = timedelta(hours=1)
# A browser that opens its last page again sends its last tap again.
_OPENED_AGAIN = timedelta(minutes=30)


def harvest(case: Case) -> Iterator[Finding]:
    """Taps on a signed tag that are told to be later than one that came after them.

    The tag counts, so who touched it first is beyond doubt; a later touch had reached us when this
    one is said to be made. Two guards without signal do no such thing: each tells the time at
    which they were there.
    """
    found = [one for one in case.overtaken if _is_told_too_late(case, one)]
    if found:
        yield _pairs("harvest", found)


def _is_told_too_late(case: Case, pair: Copy) -> bool:
    told, allowed = _told(case, pair.touch)
    return told > pair.earlier.received + allowed


def _told(case: Case, touch: Touch) -> tuple[datetime, timedelta]:
    """When a tap is said to be made, and how wrong that may be without anybody's doing."""
    if touch.online:
        return min(touch.received, max(touch.at, touch.received - OFF)), OFF
    usual = case.usual_of(touch)
    if usual is None:
        return touch.at, _UNKNOWN_CLOCK
    # It may have been set right meanwhile: of both times the earlier one is believed.
    return min(touch.at, touch.at - usual.ahead), usual.allowed(touch.at)


def replay(case: Case) -> Iterator[Finding]:
    """The very same taps told twice: by two people, or at several points, for times far apart.

    Of the two the one that is told to be later is asked about, whichever came first.
    """
    later = [(one, _apart(case, one)) for one in case.replayed]
    others = [
        one
        for one, apart in later
        if apart > timedelta(0)
        and None not in (one.touch.person, one.earlier.person)
        and one.earlier.person != one.touch.person
    ]
    late = [one for one, apart in later if apart > _OPENED_AGAIN]
    if others or len({one.touch.checkpoint for one in late}) >= 2:
        yield _pairs("replay", list(dict.fromkeys([*others, *late])))


def _apart(case: Case, pair: Copy) -> timedelta:
    """How much later a tap is told to be than its twin."""
    return _told(case, pair.touch)[0] - _told(case, pair.earlier)[0]


def _pairs(kind: str, pairs: list[Copy]) -> Finding:
    shown = [
        {
            "scan": str(one.touch.id),
            "counter": one.touch.counter,
            "earlier": str(one.earlier.id),
            "earlier_counter": one.earlier.counter,
            "earlier_received_at": one.earlier.received.isoformat(),
        }
        for one in pairs
    ]
    return Finding(kind, tuple(one.touch.id for one in pairs), {"taps": shown})


def copied_photo(case: Case) -> Iterator[Finding]:
    """Pictures in reports with the very bytes of earlier ones."""
    if case.pictures:
        shown = [
            {
                "picture": str(one.id),
                "earlier": str(one.earlier_id),
                "earlier_at": one.earlier_at.isoformat(),
            }
            for one in case.pictures
        ]
        yield Finding("photo", (), {"pictures": shown})
