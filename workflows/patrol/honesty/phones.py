"""Detectors of phones: one that is used as two people, and one person with two at once.

Phones of a post are shared by who is on duty there, so nothing is concluded from them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from workflows.patrol.honesty.touches import CLAIMS, UNDER_WAY, Case, Finding, Touch, in_order

# Who uses a phone before and after somebody else within this, has lent it.
_LENT_WITHIN = timedelta(hours=6)
_THERE_AND_BACK = 3


def one_phone_as_two(case: Case) -> Iterator[Finding]:
    """A person's phone with which somebody else scans in between.

    A phone that changes hands for good is no such thing, and its owner is not asked.
    """
    for phone in {one.phone for one in case.touches if one.phone is not None and not one.post}:
        own = [one for one in case.touches if one.phone == phone and one.verdict in CLAIMS]
        for person in {one.person for one in own if one.person is not None}:
            if case.owners.get(phone) == person:
                continue
            mine = in_order([one for one in own if one.person == person])
            before, between, after = _others(case, phone, person, mine)
            lent = [*before[-1:], *after[:1]]
            # Of a phone that is known to be somebody's, their scan on one side is enough.
            sides = 1 if any(one.person == case.owners.get(phone) for one in lent) else 2
            if between or len(lent) >= sides:
                yield _shared(phone, mine, between or lent)


def _shared(phone: UUID, mine: list[Touch], others: list[Touch]) -> Finding:
    return Finding(
        "shared_phone",
        tuple(one.id for one in (*mine, *others)),
        {
            "phone": str(phone),
            "others": [str(one.id) for one in others],
            "people": sorted({str(one.person) for one in others}),
        },
    )


def _others(
    case: Case, phone: UUID, person: UUID, mine: list[Touch]
) -> tuple[list[Touch], list[Touch], list[Touch]]:
    """What other people scanned with it before, between and after a person's own scans."""
    others = in_order(
        [
            one
            for one in case.around
            if one.phone == phone and one.person not in (None, person) and not one.post
        ]
    )
    first, last = mine[0], mine[-1]
    before = [
        one for one in others if _place(one) < _place(first) and first.at - one.at <= _LENT_WITHIN
    ]
    after = [
        one for one in others if _place(one) > _place(last) and one.at - last.at <= _LENT_WITHIN
    ]
    between = [one for one in others if _place(first) < _place(one) < _place(last)]
    return before, between, after


def _place(touch: Touch) -> tuple[int, datetime]:
    return (touch.sequence or 0, touch.at)


def two_phones(case: Case) -> Iterator[Finding]:
    """A person whose scans come now from one phone of their own, now from another, and back.

    Going on with another phone for good is no such thing: batteries die.
    """
    own = [
        one
        for one in case.touches
        if one.phone is not None and not one.post and one.verdict in CLAIMS
    ]
    for person in {one.person for one in own if one.person is not None}:
        mine = sorted(
            ((_moment(case, one), one) for one in own if one.person == person),
            key=lambda pair: pair[0],
        )
        changes = [
            (one, other) for (then, one), (now, other) in pairwise(mine) if one.phone != other.phone
        ]
        at_once = len(changes) >= _THERE_AND_BACK and _overlap(mine)
        if at_once or (changes and _went_back(case, person, mine)):
            ids = dict.fromkeys(one.id for pair in changes for one in pair)
            phones = sorted({str(one.phone) for _, one in mine})
            yield Finding("two_phones", tuple(ids), {"phones": phones, "changes": len(changes)})


def _went_back(case: Case, person: UUID, mine: list[tuple[datetime, Touch]]) -> bool:
    """Whether one of the phones is used again after the round, and another was only for it."""
    used = {one.phone for _, one in mine}
    ids = {one.id for _, one in mine}
    others = [
        one
        for one in case.around
        if one.person == person and one.phone in used and one.id not in ids
    ]
    again = {one.phone for one in others}
    return again != used and any(_after(one, mine) for one in others)


def _after(touch: Touch, mine: list[tuple[datetime, Touch]]) -> bool:
    own = [one for _, one in mine if one.phone == touch.phone]
    return all(_place(one) < _place(touch) for one in own)


def _moment(case: Case, touch: Touch) -> datetime:
    """When it was, as far as clocks of two phones can be compared."""
    if touch.online:
        return touch.received
    usual = case.usual_of(touch)
    return touch.at if usual is None else touch.at - usual.ahead


def _overlap(mine: list[tuple[datetime, Touch]]) -> bool:
    """Whether two phones were in use at the same time, by more than clocks differ."""
    spans: dict[object, tuple[datetime, datetime]] = {}
    for moment, one in mine:
        first, _ = spans.get(one.phone, (moment, moment))
        spans[one.phone] = (first, moment)
    ordered = sorted(spans.values())
    return any(
        min(ends, other_ends) - begins > UNDER_WAY
        for (_, ends), (begins, other_ends) in pairwise(ordered)
    )
