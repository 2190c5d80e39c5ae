"""Ways of cheating that were written when the detectors stood: no limit was set on them."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Final

from simulators.patrol_cheats.cheats import Past, Way
from simulators.patrol_cheats.walking import SIGNED, Draft, Walk, honest
from simulators.patrol_cheats.world import MINUTE, Planned


def half_round(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Half of it is walked; the rest is scanned at the turning point, at the pace of a walk.

    From copies; of signed tags from taps that were saved up on the first round of the shift.
    """
    taps = past.first.get((planned.guard.id, planned.shift_begins)) if planned.number else None
    if kind == SIGNED and taps is None:
        return None
    drafts = sorted(honest(rng, planned, kind), key=lambda one: one.recorded)
    when = {one.point.id: one.tapped for one in taps or ()}
    for one in drafts[len(drafts) // 2 :]:
        if kind == SIGNED:
            one.tapped = when.get(one.point.id, one.tapped) + 2
    return drafts


def two_rounds_at_once(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """A guard walks their own round and scans copies of the other route's tags in between.

    The colleague sleeps; both rounds are told of who walks, on one phone. Signed tags can't be
    copied, so there the colleague touched them an hour before and passed the addresses on.
    """
    begins = planned.planned + rng.uniform(-8, 12) * MINUTE
    drafts = honest(rng, planned, kind)
    other = replace(planned, points=planned.site.routes[planned.points is planned.site.routes[0]])
    phone = drafts[0].phone
    beside = honest(rng, other, kind, Walk(planned.guard, phone, begins))
    for one in beside:
        one.round, one.photo = -1, None
        if kind == SIGNED:
            one.tapped -= 60 * MINUTE
    return [*drafts, *beside]


def yesterday_again(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """A script sends an honest round of one's own again, to the second at the times of that one.

    From copies; of signed tags the very same taps, since nothing else is at hand.
    """
    wanted = {point.id for point in planned.points}
    rounds = [
        one
        for one in past.walked.get(planned.guard.id, [])
        if {draft.point.id for draft in one} >= wanted
    ]
    if not rounds:
        return None
    old = sorted(rng.choice(rounds), key=lambda one: one.recorded)
    off = planned.planned + rng.uniform(-8, 12) * MINUTE - old[0].recorded
    phone = planned.guard.phone(old[0].recorded + off)
    found = []
    for one in old:
        again = replace(one, round=planned.id, phone=phone, photo=None, held_until=None)
        again.recorded, again.tapped = one.recorded + off, one.recorded + off
        again.replay_of = one if kind == SIGNED else None
        found.append(again)
    return found


FURTHER: Final[Mapping[str, Way]] = {
    each.__name__: each for each in (half_round, two_rounds_at_once, yesterday_again)
}
