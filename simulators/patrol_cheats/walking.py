"""How honest rounds are walked, with all that makes them look odd."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simulators.patrol_cheats.world import MINUTE, Checkpoint, Guard, Phone, Planned

SIGNED, STATIC, PRINTED = "signed_tag", "static_tag", "printed_code"


@dataclass(slots=True)
class Draft:
    """Something that is handed in. recorded: when it was put into the phone, really.

    tapped: when the tag was touched, really. faked: how far the clock was set ahead by hand, in s.
    held_until: the phone tells it no sooner. replay_of: the very same was handed in before.
    """

    round: int
    guard: int
    point: Checkpoint
    phone: Phone
    kind: str
    recorded: float
    tapped: float
    faked: float = 0.0
    held_until: float | None = None
    photo: str | None = None
    replay_of: "Draft | None" = None


@dataclass(slots=True)
class Ghost:
    """A touch of a tag that nobody hands in."""

    point: Checkpoint
    tapped: float


@dataclass(frozen=True, slots=True)
class Walk:
    """Who walks a round, whoever it is told of; from when on, with which phone.

    stops: whether they stand still anywhere. rides: whether on an e-bike, else as they usually do.
    """

    guard: Guard
    phone: Phone
    begins: float
    stops: bool = True
    rides: bool | None = None


def legs(rng: Random, planned: Planned, walk: Walk) -> list[tuple[Checkpoint, float]]:
    """The points in the order in which they are come to, and when."""
    order = list(planned.points)
    pause_before, pause = -1, 0.0
    if walk.stops and rng.random() < 0.05:
        # Something happens on the way, and sometimes a point is passed over and seen to later.
        pause_before, pause = rng.randrange(1, len(order)), rng.uniform(5, 35) * MINUTE
        if rng.random() < 0.3:
            late = order.pop(pause_before)
            order.insert(rng.randrange(pause_before, len(order) + 1), late)
    rides = walk.guard.rides if walk.rides is None else walk.rides
    speed = rng.uniform(4.0, 5.6) if rides else walk.guard.pace * rng.uniform(0.9, 1.1)
    moment, found = walk.begins, list[tuple[Checkpoint, float]]()
    for index, point in enumerate(order):
        if index:
            slower = rng.uniform(1.2, 2.0) if planned.wet and rng.random() < 0.4 else 1.0
            way = planned.site.way(order[index - 1], point)
            moment += way / speed * slower * rng.lognormvariate(0, 0.15)
            moment += rng.lognormvariate(3.3, 0.4) if walk.stops else rng.uniform(1, 4)
            moment += pause if index == pause_before else 0.0
        found.append((point, moment))
    return found


def honest(rng: Random, planned: Planned, kind: str, walk: Walk | None = None) -> list[Draft]:
    """A round as it is walked."""
    begins = planned.planned + rng.uniform(-8, 12) * MINUTE
    walk = walk or Walk(planned.guard, planned.guard.phone(begins), begins)
    found = [
        draft_of(rng, planned, planned.guard, walk.phone, point, at, kind)
        for point, at in legs(rng, planned, walk)
    ]
    if rng.random() < 0.1:
        found[rng.randrange(len(found))].photo = f"photo-{planned.id}"
    return found


def draft_of(
    rng: Random,
    planned: Planned,
    guard: Guard,
    phone: Phone,
    point: Checkpoint,
    at: float,
    kind: str,
) -> Draft:
    """A scan that is handed in as it is made; a tag that is torn or wet is replaced by paper."""
    held = None
    if planned.site.offline:
        held = planned.shift_ends + rng.uniform(0, 20) * MINUTE
    elif point.dark:
        held = at + rng.uniform(0.5, 3) * MINUTE
    kind = PRINTED if rng.random() < 0.015 else kind
    return Draft(planned.id, guard.id, point, phone, kind, at, at, held_until=held)


def together(rng: Random, planned: Planned, drafts: Sequence[Draft]) -> list[Draft]:
    """What the second of a pair scans beside the first."""
    other = planned.colleague
    found = list[Draft]()
    for one in drafts:
        at = one.recorded + rng.uniform(3, 20)
        phone = other.phone(at)
        again = draft_of(rng, planned, other, phone, one.point, at, one.kind)
        again.held_until = one.held_until
        found.append(again)
    return found


def touched_by_others(rng: Random, drafts: Sequence[Draft]) -> list[Ghost]:
    """Children touch tags, technicians test them, and the first touch does not always take."""
    return [
        Ghost(one.point, one.tapped - rng.uniform(1, 3600)) for one in drafts if rng.random() < 0.02
    ]
