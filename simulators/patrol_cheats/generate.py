"""A month of a patrolled world: what phones hand in, and which rounds were faked, and how."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simulators.patrol_cheats.cheats import NEEDS_OWN_PHONE, TRACED, TRACELESS, Past
from simulators.patrol_cheats.further import FURTHER
from simulators.patrol_cheats.walking import (
    SIGNED,
    STATIC,
    Draft,
    Ghost,
    honest,
    together,
    touched_by_others,
)
from simulators.patrol_cheats.world import Phone, Planned, Site, make_sites, plan_rounds

CHEATS_A_WAY = 5
# Of the rounds of who cheats so many are faked, if they can be.
SHARE_FAKED = 0.4
# What comes so soon was sent with signal.
_PROMPT = 120.0


@dataclass(frozen=True, slots=True)
class Handed:
    """A scan as the server gets it. Times in s; at by the phone's clock; uptime since its start.

    counter: of a signed tag. round: none where it belongs to none that is judged.
    """

    id: int
    round: int
    site: int
    guard: int
    point: int
    kind: str
    at: float
    received: float
    online: bool
    phone: int
    post: bool
    sequence: int
    boot: int
    uptime: float
    counter: int | None
    photo: str | None


@dataclass(frozen=True, slots=True)
class Month:
    """All of it. labels: of each round the way in which it was faked, or nothing."""

    sites: Sequence[Site]
    rounds: Sequence[Planned]
    handed: Sequence[Handed]
    labels: dict[int, str]


def generate(*, seed: int, signed: bool, ways: Sequence[str], days: int = 30) -> Month:
    """A month in which each of `ways` is gone by five guards; the others are honest."""
    rng = Random(f"{seed}/{signed}/{'+'.join(ways)}")
    sites = make_sites(rng, days)
    _let_cheat(rng, sites, ways)
    rounds = plan_rounds(rng, sites, days)
    kind = SIGNED if signed else STATIC
    past, labels = Past(), dict[int, str]()
    drafts, ghosts = list[Draft](), list[Ghost]()
    for planned in rounds:
        some, way = _gone(
            rng, planned, past, kind if planned.site.id % 2 or signed else "printed_code"
        )
        labels[planned.id] = way
        drafts += some
        if not way:
            past.keep(planned, some)
            ghosts += touched_by_others(rng, some)
            if planned.site.pairs and planned.night:
                drafts += together(rng, planned, some)
    return Month(sites, rounds, _handed_in(rng, sites, rounds, drafts, ghosts), labels)


def _let_cheat(rng: Random, sites: Sequence[Site], ways: Sequence[str]) -> None:
    everybody = [guard for site in sites for guard in site.crew]
    rng.shuffle(everybody)
    for way in sorted(ways, key=lambda one: one not in NEEDS_OWN_PHONE | {"absent_from_post"}):
        fit = [
            guard
            for guard in everybody
            if not guard.way
            and not (way in NEEDS_OWN_PHONE and sites[guard.site].posts)
            and not (way == "absent_from_post" and not sites[guard.site].posts)
        ]
        for guard in fit[:CHEATS_A_WAY]:
            guard.way = way


def _gone(rng: Random, planned: Planned, past: Past, kind: str) -> tuple[list[Draft], str]:
    way = planned.guard.way
    if way and rng.random() < SHARE_FAKED:
        faked = {**TRACED, **TRACELESS, **FURTHER}[way](rng, planned, past, kind)
        if faked is not None:
            return faked, way
    return honest(rng, planned, kind), ""


def _handed_in(
    rng: Random,
    sites: Sequence[Site],
    rounds: Sequence[Planned],
    drafts: Sequence[Draft],
    ghosts: Sequence[Ghost],
) -> list[Handed]:
    counters = _counted(drafts, ghosts)
    site_of = {one.id: one.site.id for one in rounds}
    at_site = {guard.id: guard.site for site in sites for guard in site.crew}
    by_phone = defaultdict[int, list[Draft]](list)
    for one in drafts:
        by_phone[one.phone.id].append(one)
    found = list[Handed]()
    for some in by_phone.values():
        some.sort(key=lambda one: one.recorded)
        told = -1e12
        for sequence, one in enumerate(some, 1):
            sent = one.recorded + min(110.0, rng.expovariate(0.5))
            if one.held_until is not None:
                sent = max(sent, one.held_until)
            # A phone tells in order: what stands behind something that waits, waits.
            told = max(told, sent)
            site = site_of.get(one.round, at_site[one.guard])
            found.append(_told(len(found), one, site, sequence, told, counters))
    return sorted(found, key=lambda one: (one.received, one.sequence))


def _told(
    number: int,
    one: Draft,
    site: int,
    sequence: int,
    told: float,
    counters: dict[int, int],
) -> Handed:
    phone: Phone = one.phone
    boot = phone.boot(one.recorded)
    source = one.replay_of or one
    return Handed(
        number,
        one.round,
        site,
        one.guard,
        one.point.id,
        one.kind,
        one.recorded + phone.ahead(one.recorded) + one.faked,
        told,
        told - one.recorded <= _PROMPT,
        phone.id,
        phone.post,
        sequence,
        boot,
        (one.recorded - phone.boots[boot]) * phone.awake,
        counters.get(id(source)) if one.kind == SIGNED else None,
        one.photo,
    )


def _counted(drafts: Sequence[Draft], ghosts: Sequence[Ghost]) -> dict[int, int]:
    """By draft, how often its tag had been touched, with what nobody handed in."""
    touches = defaultdict[int, list[tuple[float, int]]](list)
    for one in drafts:
        if one.kind == SIGNED and one.replay_of is None:
            touches[one.point.id].append((one.tapped, id(one)))
    for ghost in ghosts:
        touches[ghost.point.id].append((ghost.tapped, 0))
    found = dict[int, int]()
    for some in touches.values():
        for count, (_, one_id) in enumerate(sorted(some), 1):
            if one_id:
                found[one_id] = count
    return found
