"""How many faked rounds are marked, and how many honest ones: the table that docs/honesty.md shows.

`python -m proof.honesty --seeds 11-20` prints it; `--days`, `--without-phones` narrow it, and
`--further` asks of ways that were written when the detectors stood.
"""

import argparse
import math
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

from simulators.patrol_cheats.cheats import TRACED, TRACELESS
from simulators.patrol_cheats.further import FURTHER
from simulators.patrol_cheats.generate import Handed, Month, generate
from workflows.patrol.honesty.judging import judge
from workflows.patrol.honesty.touches import Case, Copy, Picture, Touch, Usual, learn, usual_clock
from workflows.patrol.honesty.walking import Walking

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HONEST = ""
# Each world has fifty guards, of whom five go each of so many ways; about half are honest.
WAYS_A_WORLD = 5
# What a phone handed in so many numbers before and after a round is looked at with it.
_AROUND = 60
_ONLINE_KEPT = 100


@dataclass
class Tally:
    """How many rounds of each way there were, how many were marked, and by which kinds of mark."""

    rounds: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        self.rounds.update(other.rounds)
        self.marked.update(other.marked)
        for way, kinds in other.kinds.items():
            self.kinds[way].update(kinds)


def id_of(kind: int, number: int) -> UUID:
    return UUID(int=(kind << 64) + number + 20_000)


def _touch(one: Handed, verdict: str, *, phones: bool) -> Touch:
    touch = Touch(
        id=id_of(1, one.id),
        at=BEGIN + timedelta(seconds=one.at),
        received=BEGIN + timedelta(seconds=one.received),
        checkpoint=id_of(2, one.point),
        person=id_of(3, one.guard),
        online=one.online,
        verdict=verdict,
        token=id_of(4, one.point),
        counter=one.counter,
    )
    if not phones:
        return touch
    return replace(
        touch,
        phone=id_of(5, one.phone),
        post=one.post,
        sequence=one.sequence,
        boot=str(one.boot),
        uptime=one.uptime,
    )


class Desk:
    """The server's part: counters are taken in order of receipt, rounds get what is theirs."""

    def __init__(self, month: Month, *, phones: bool) -> None:
        self._month = month
        self._touches = [
            _touch(one, verdict, phones=phones)
            for one, verdict in zip(month.handed, verdicts(month.handed), strict=True)
        ]
        self._by_round = defaultdict[int, list[Touch]](list)
        self._by_phone = defaultdict[UUID | None, list[Touch]](list)
        self._by_counter = defaultdict[tuple[UUID | None, int], list[Touch]](list)
        by_token = defaultdict[UUID | None, list[Touch]](list)
        self._photos: dict[int, tuple[str, Touch]] = {}
        for one, touch in zip(month.handed, self._touches, strict=True):
            self._by_round[one.round].append(touch)
            self._by_phone[touch.phone].append(touch)
            if touch.counter is not None:
                self._by_counter[touch.token, touch.counter].append(touch)
                by_token[touch.token].append(touch)
            if one.photo:
                self._photos[one.round] = (one.photo, touch)
        for some in self._by_phone.values():
            some.sort(key=lambda one: (one.sequence or 0, one.at))
        self._first_later = {token: _first_later(some) for token, some in by_token.items()}
        self._first_photo: dict[str, tuple[int, Touch]] = {}
        for number, (photo, touch) in sorted(
            self._photos.items(), key=lambda one: one[1][1].received
        ):
            self._first_photo.setdefault(photo, (number, touch))
        self._owners = {
            id_of(5, phone.id): id_of(3, guard.id)
            for site in month.sites
            for guard in site.crew
            for _, phone in guard.phones
            if not phone.post and phones
        }

    def cases(self) -> Iterator[tuple[str, Case]]:
        """Each round by the day, with its label; ways are learned from the days before."""
        walking = {site.id: Walking(self._distances(site.id)) for site in self._month.sites}
        day, waiting = 0, list[tuple[int, Sequence[Touch]]]()
        for planned in self._month.rounds:
            if planned.planned // 86400 != day:
                day = int(planned.planned // 86400)
                for site, touches in waiting:
                    learn(walking[site], touches)
                waiting.clear()
            touches = self._by_round[planned.id]
            waiting.append((planned.site.id, touches))
            label = self._month.labels[planned.id]
            yield label, self._case(planned.id, touches, walking[planned.site.id])

    def _distances(self, number: int) -> Callable[[UUID, UUID], float | None] | None:
        site = self._month.sites[number]
        if not site.mapped:
            return None
        places = {id_of(2, point.id): point.place for route in site.routes for point in route}
        return lambda one, other: math.dist(places[one], places[other])

    def _case(self, number: int, touches: Sequence[Touch], walking: Walking) -> Case:
        around = list[Touch]()
        usual, later = dict[UUID, Usual](), dict[UUID, Usual]()
        for phone in {one.phone for one in touches if one.phone is not None}:
            some = self._by_phone[phone]
            numbers = [one.sequence or 0 for one in touches if one.phone == phone]
            # Sequences of a phone begin with 1.
            first, last = min(numbers) - 1, max(numbers)
            around += some[max(0, first - _AROUND) : last + _AROUND]
            online = [one for one in some[max(0, first - _ONLINE_KEPT) : first] if one.online]
            off = usual_clock(online)
            if off is not None:
                usual[phone] = off
            off = usual_clock([one for one in some[last : last + _ONLINE_KEPT] if one.online])
            if off is not None:
                later[phone] = off
        return Case(
            touches,
            walking,
            around,
            self._overtaken(touches),
            self._replayed(touches),
            self._pictures(number),
            usual,
            later,
            self._owners,
        )

    def _overtaken(self, touches: Sequence[Touch]) -> list[Copy]:
        found = []
        for one in touches:
            if one.counter is None or one.verdict == "replayed":
                continue
            counters, firsts = self._first_later[one.token]
            place = bisect_right(counters, one.counter)
            if place < len(firsts):
                found.append(Copy(one, firsts[place]))
        return found

    def _replayed(self, touches: Sequence[Touch]) -> list[Copy]:
        return [
            Copy(one, twin)
            for one in touches
            if one.counter is not None
            for twin in self._by_counter[one.token, one.counter]
            if twin is not one
        ]

    def _pictures(self, number: int) -> list[Picture]:
        photo, touch = self._photos.get(number, ("", None))
        if touch is None or self._first_photo[photo][0] == number:
            return []
        earlier = self._first_photo[photo][1]
        return [Picture(touch.id, photo, earlier.id, earlier.at)]


def _first_later(touches: Sequence[Touch]) -> tuple[list[int], list[Touch]]:
    """Counters of a tag that were accepted, and of each the first to come from it on."""
    accepted = [one for one in touches if one.verdict == "accepted"]
    accepted.sort(key=lambda one: one.counter or 0)
    firsts = list(accumulate(reversed(accepted), _sooner))
    return [one.counter or 0 for one in accepted], firsts[::-1]


def _sooner(one: Touch, other: Touch) -> Touch:
    return other if other.received < one.received else one


def verdicts(handed: Sequence[Handed]) -> list[str]:
    """A counter is taken once, and none below one that was taken (docs/patrol.md)."""
    last, taken, found = dict[int, int](), set[tuple[int, int]](), list[str]()
    for one in handed:
        verdict = "accepted"
        if one.counter is not None:
            if one.counter <= last.get(one.point, 0):
                same = (one.point, one.counter) in taken
                verdict = "replayed" if same else "overtaken"
            else:
                last[one.point] = one.counter
                taken.add((one.point, one.counter))
        found.append(verdict)
    return found


def worlds() -> list[list[str]]:
    """Which ways are gone together in one month of fifty guards."""
    names = list(TRACED)
    parts = [names[first : first + WAYS_A_WORLD] for first in range(0, len(names), WAYS_A_WORLD)]
    return [*parts, list(TRACELESS)]


def run(seed: int, signed: bool, ways: Sequence[str], days: int, phones: bool) -> Tally:
    """One month of fifty guards, judged."""
    found = Tally()
    desk = Desk(generate(seed=seed, signed=signed, ways=ways, days=days), phones=phones)
    for label, case in desk.cases():
        kinds = {one.kind for one in judge(case)}
        found.rounds[label] += 1
        found.marked[label] += bool(kinds)
        found.kinds[label].update(kinds)
    return found


def report(
    seeds: Sequence[int], days: int, chosen: Sequence[list[str]], *, phones: bool, workers: int
) -> Mapping[bool, Tally]:
    """Some worlds of every seed, on signed and on static tags."""
    jobs = [(seed, signed, ways) for signed in (True, False) for seed in seeds for ways in chosen]
    found = {True: Tally(), False: Tally()}
    with ProcessPoolExecutor(workers) as pool:
        futures = [
            (signed, pool.submit(run, seed, signed, ways, days, phones))
            for seed, signed, ways in jobs
        ]
        for signed, future in futures:
            found[signed].add(future.result())
    return found


def lines(found: Mapping[bool, Tally]) -> Iterator[str]:
    """The table, in Markdown."""
    yield "| way | signed: n | marked | static: n | marked | by |"
    yield "|---|--:|--:|--:|--:|---|"
    for name, ways in (("traced", TRACED), ("traceless", TRACELESS), ("further", FURTHER)):
        if not any(one.rounds[way] for one in found.values() for way in ways):
            continue
        for way in ways:
            yield _line(way, found, [way])
        yield _line(f"**all {name}**", found, list(ways))
    yield _line("**honest rounds**", found, [HONEST])


def _line(name: str, found: Mapping[bool, Tally], ways: Sequence[str]) -> str:
    cells = []
    for signed in (True, False):
        count = sum(found[signed].rounds[way] for way in ways)
        marked = sum(found[signed].marked[way] for way in ways)
        cells += [f"{count:,}", f"{100 * marked / count:.2f} %" if count else "–"]
    kinds: Counter[str] = Counter()
    for signed in (True, False):
        for way in ways:
            kinds.update(found[signed].kinds[way])
    by = ", ".join(kind for kind, _ in kinds.most_common(4))
    return f"| {name} | {' | '.join(cells)} | {by} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="11-20", help="such as 11-20")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-phones", action="store_true", help="scans without a journal")
    parser.add_argument("--further", action="store_true", help="ways that nothing was tuned on")
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    chosen = [list(FURTHER)] if given.further else worlds()
    phones = not given.without_phones
    found = report(seeds, given.days, chosen, phones=phones, workers=given.workers)
    sys.stdout.write("\n".join(lines(found)) + "\n")


if __name__ == "__main__":
    main()
