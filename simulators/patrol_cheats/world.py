"""A patrolled world: sites, guards with their phones and clocks, and the rounds that are planned.

Times are seconds since the first midnight of the world; places are metres on a plane.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import dist
from random import Random

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SITES, CREW, POINTS = 5, 10, 12
SHIFTS_A_DAY, ROUNDS_A_SHIFT = 3, 4
# A round may be gone from a quarter of an hour before its planned start to so long after it.
EARLY, LATE = 15 * MINUTE, 75 * MINUTE


@dataclass(slots=True)
class Phone:
    """A phone. base, drift: how far its clock is ahead, in s, and in s a day; right from set_at on.

    boots: when it was started. awake: how much of the time its steady clock runs; browsers stop
    it while a phone sleeps. post: of the post, not of a person.
    """

    id: int
    post: bool
    base: float = 0.0
    drift: float = 0.0
    set_at: float = float("inf")
    awake: float = 1.0
    boots: list[float] = field(default_factory=lambda: [-DAY])

    def ahead(self, moment: float) -> float:
        """How far its clock is ahead at a moment, as long as nobody tampers with it."""
        return 0.0 if moment >= self.set_at else self.base + self.drift * moment / DAY

    def boot(self, moment: float) -> int:
        """Which of its starts it runs since."""
        return max(index for index, begun in enumerate(self.boots) if begun <= moment)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint. dark: without signal."""

    id: int
    place: tuple[float, float]
    dark: bool


@dataclass(slots=True)
class Guard:
    """A guard. pace: m/s on foot; rides: on an e-bike; phones: from when on which one."""

    id: int
    site: int
    pace: float
    rides: bool
    phones: list[tuple[float, Phone]]
    way: str = ""

    def phone(self, moment: float) -> Phone:
        """The phone that this guard carries at a moment."""
        return [phone for since, phone in self.phones if since <= moment][-1]


@dataclass(frozen=True, slots=True)
class Site:
    """A site with two routes. detour: how much longer the way is than the straight line.

    posts: guards use the phone of the post. pairs: at night they walk together. offline: there is
    no signal, and phones tell at the end of the shift.
    """

    id: int
    routes: Sequence[Sequence[Checkpoint]]
    detour: Mapping[tuple[int, int], float]
    crew: Sequence[Guard]
    posts: bool
    pairs: bool
    offline: bool
    mapped: bool

    def way(self, one: Checkpoint, other: Checkpoint) -> float:
        """How far it is to walk, in m."""
        factor = self.detour.get((one.id, other.id)) or self.detour.get((other.id, one.id)) or 1.4
        return max(8.0, dist(one.place, other.place)) * factor


@dataclass(frozen=True, slots=True)
class Planned:
    """A round to be gone. colleague: who is on the same shift, on the other route."""

    id: int
    site: Site
    points: Sequence[Checkpoint]
    guard: Guard
    colleague: Guard
    planned: float
    shift_begins: float
    number: int
    night: bool
    wet: bool

    @property
    def shift_ends(self) -> float:
        """When phones without signal come back to it."""
        return self.shift_begins + 8 * HOUR


def make_sites(rng: Random, days: int) -> list[Site]:
    """Five sites with ten guards each."""
    phones: list[Phone] = []
    return [_site(rng, number, days, phones) for number in range(SITES)]


def _site(rng: Random, number: int, days: int, phones: list[Phone]) -> Site:
    posts = number == 1
    shared = _phone(rng, phones, days, post=True)
    crew = [_guard(rng, number * CREW + one, number, days, phones) for one in range(CREW)]
    if posts:
        for guard in crew:
            guard.phones = [(-DAY, shared)]
    routes = [_route(rng, (number * 2 + which) * POINTS) for which in range(2)]
    detour = {
        (one.id, other.id): rng.uniform(1.15, 1.6)
        for route in routes
        for one, other in pairwise(route)
    }
    return Site(
        number,
        routes,
        detour,
        crew,
        posts=posts,
        pairs=number in (1, 2),
        offline=number == 3,
        mapped=number % 2 == 0,
    )


def _route(rng: Random, first: int) -> list[Checkpoint]:
    """Points that lie 30 to 220 m from each other."""
    x, y, found = 0.0, 0.0, []
    for index in range(POINTS):
        length = rng.uniform(30, 220)
        share = rng.uniform(-1, 1)
        x, y = x + length * (1 - share * share) ** 0.5, y + length * share
        found.append(Checkpoint(first + index, (x, y), dark=rng.random() < 0.15))
    return found


def _phone(rng: Random, phones: list[Phone], days: int, *, post: bool) -> Phone:
    made = Phone(len(phones), post)
    kind = rng.random()
    if kind < 0.2:
        made.base = rng.choice((-1, 1)) * rng.uniform(2, 40) * MINUTE
    elif kind < 0.35:
        made.drift = rng.uniform(-90, 90)
    if made.base and rng.random() < 0.5:
        made.set_at = rng.uniform(2, max(days, 3)) * DAY
    made.awake = 1.0 if rng.random() < 0.3 else rng.uniform(0.1, 0.6)
    moment = rng.uniform(-DAY, 0)
    while moment < days * DAY:
        made.boots.append(moment)
        moment += rng.expovariate(1 / (3 * DAY)) + HOUR
    phones.append(made)
    return made


def _guard(rng: Random, number: int, site: int, days: int, phones: list[Phone]) -> Guard:
    carried = [(-DAY, _phone(rng, phones, days, post=False))]
    if rng.random() < 0.15:
        # A new phone, from some noon on: in the middle of somebody's shift.
        moment = rng.uniform(2, max(days, 3)) * DAY
        carried.append((moment, _phone(rng, phones, days, post=False)))
    return Guard(number, site, rng.uniform(1.0, 1.5), rng.random() < 0.12, carried)


def plan_rounds(rng: Random, sites: Sequence[Site], days: int) -> list[Planned]:
    """Every round of so many days, in order of time."""
    found = list[Planned]()
    wet_days = {day for day in range(days) if rng.random() < 0.13}
    for day in range(days):
        for site in sites:
            for shift in range(SHIFTS_A_DAY):
                found += _shift(rng, site, day, shift, wet=day in wet_days, first=len(found))
    return sorted(found, key=lambda one: (one.planned, one.id))


def _shift(
    rng: Random, site: Site, day: int, shift: int, *, wet: bool, first: int
) -> list[Planned]:
    place = (day * SHIFTS_A_DAY + shift) * 2
    crew = [site.crew[(place + one) % CREW] for one in range(2)]
    if rng.random() < 0.5:
        crew.reverse()
    begins = day * DAY + (6 + 8 * shift) * HOUR
    found = list[Planned]()
    for number in range(ROUNDS_A_SHIFT):
        planned = begins + (0.5 + 2 * number) * HOUR
        for which, guard in enumerate(crew):
            found.append(
                Planned(
                    first + len(found),
                    site,
                    site.routes[which],
                    guard,
                    crew[1 - which],
                    planned,
                    begins,
                    number,
                    night=shift == 2,
                    wet=wet,
                )
            )
    return found
