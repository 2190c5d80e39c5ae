"""Ways of cheating, each a round that was not walked as it is told.

What is traced leaves something that contradicts the tale; what is traceless leaves nothing that a
server could see. Cheats are lazy: who fakes a round does so in minutes, unless it says *patient*.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from simulators.patrol_cheats.walking import SIGNED, Draft, Walk, honest
from simulators.patrol_cheats.world import DAY, HOUR, MINUTE, Phone, Planned


@dataclass(slots=True)
class Past:
    """What was walked before: by guard and shift the first round; by guard all honest ones."""

    first: dict[tuple[int, float], list[Draft]] = field(default_factory=dict)
    walked: dict[int, list[list[Draft]]] = field(default_factory=dict)
    photos: dict[int, list[str]] = field(default_factory=dict)
    phones: list[Phone] = field(default_factory=list)

    def keep(self, planned: Planned, drafts: list[Draft]) -> None:
        """Remember a round that was walked."""
        if planned.number == 0:
            self.first[planned.guard.id, planned.shift_begins] = drafts
        self.walked.setdefault(planned.guard.id, []).append(drafts)
        known = [one.photo for one in drafts if one.photo]
        self.photos.setdefault(planned.guard.id, []).extend(known)

    def spare_phone(self, moment: float) -> Phone:
        """Another phone that is nobody's."""
        made = Phone(10_000 + len(self.phones), post=False, boots=[moment - HOUR])
        self.phones.append(made)
        return made


# A round that is gone so late counts for nothing without a lie.
LATE_BY = 20 * MINUTE
Way = Callable[[Random, Planned, Past, str], list[Draft] | None]


def _start(rng: Random, planned: Planned) -> float:
    return planned.planned + rng.uniform(-8, 12) * MINUTE


def _hasty(
    rng: Random, planned: Planned, kind: str, *, begins: float, held: float | None
) -> list[Draft]:
    """All points one after the other at one place."""
    pace = min(30.0, max(1.0, rng.lognormvariate(2.1, 0.7)))
    moment, found = begins, list[Draft]()
    phone = planned.guard.phone(begins)
    for point in planned.points:
        one = Draft(planned.id, planned.guard.id, point, phone, kind, moment, moment)
        one.held_until = held
        found.append(one)
        moment += pace * rng.uniform(0.6, 1.6)
    return found


def _harvested(drafts: list[Draft], taps: Sequence[Draft] | None, kind: str) -> list[Draft] | None:
    """The same with taps that were saved up before; a plain code needs none."""
    if kind != SIGNED:
        return drafts
    if taps is None:
        return None
    when = {one.point.id: one.tapped for one in taps}
    for one in drafts:
        one.tapped = when.get(one.point.id, one.recorded) + 2
    return drafts


def _first_of_shift(planned: Planned, past: Past) -> list[Draft] | None:
    return past.first.get((planned.guard.id, planned.shift_begins)) if planned.number else None


def copied_at_home(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Copies of tags or photos of codes, scanned somewhere else in minutes."""
    drafts = _hasty(rng, planned, kind, begins=_start(rng, planned), held=None)
    if kind != SIGNED:
        return drafts
    return _repeated(rng, planned, past, drafts)


def _repeated(rng: Random, planned: Planned, past: Past, drafts: list[Draft]) -> list[Draft] | None:
    """What a copy of a signed tag shows: the tap that was copied, again and again."""
    rounds = [
        one
        for one in past.walked.get(planned.guard.id, [])
        if {draft.point.id for draft in one} >= {draft.point.id for draft in drafts}
    ]
    if not rounds:
        return None
    old = {one.point.id: one for one in rng.choice(rounds)}
    for one in drafts:
        one.replay_of = old[one.point.id]
    return drafts


def replay(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """An earlier round sent once more under new ids, at the pace of a walk or of a script."""
    begins = _start(rng, planned)
    if kind != SIGNED:
        drafts = _hasty(rng, planned, kind, begins=begins, held=None)
        for index, one in enumerate(drafts):
            one.recorded = one.tapped = begins + index * 0.5
        return drafts
    walk = Walk(planned.guard, planned.guard.phone(begins), begins)
    return _repeated(rng, planned, past, honest(rng, planned, kind, walk))


def harvest_fast(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Taps saved up on the first round of the shift, handed in with signal in minutes."""
    drafts = _hasty(rng, planned, kind, begins=_start(rng, planned), held=None)
    return _harvested(drafts, _first_of_shift(planned, past), kind)


def harvest_offline(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """The same without signal, under an honest clock, told at the end of the shift."""
    begins = _start(rng, planned)
    drafts = _hasty(rng, planned, kind, begins=begins, held=planned.shift_ends)
    return _harvested(drafts, _first_of_shift(planned, past), kind)


def harvest_for_days(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Taps saved up in an earlier shift, handed in at the pace of a walk; others tapped since."""
    if kind != SIGNED:
        return None
    wanted = {point.id for point in planned.points}
    before = [
        one
        for one in past.walked.get(planned.guard.id, [])
        if {draft.point.id for draft in one} >= wanted
        and DAY / 2 < planned.planned - one[0].tapped < 8 * DAY
    ]
    if not before:
        return None
    begins = _start(rng, planned)
    walk = Walk(planned.guard, planned.guard.phone(begins), begins)
    return _harvested(honest(rng, planned, kind, walk), rng.choice(before), kind)


def one_place(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """The tags were taken off the walls and lie in the guard room."""
    return _hasty(rng, planned, kind, begins=_start(rng, planned), held=None)


def one_phone_two_people(
    rng: Random, planned: Planned, past: Past, kind: str
) -> list[Draft] | None:
    """A colleague scans the other's round on the phone of their own, changing the name each time.

    They walk both routes: a point here, a point there, as far as these lie on one way.
    """
    begins = _start(rng, planned)
    phone = planned.colleague.phone(begins)
    drafts = honest(rng, planned, kind, Walk(planned.colleague, phone, begins))
    # Between two of them the colleague scans something for themselves.
    own = drafts[rng.randrange(2, len(drafts) - 2)]
    extra = replace(own, guard=planned.colleague.id, round=-1, photo=None)
    extra.recorded = extra.tapped = own.recorded + rng.uniform(4, 15)
    return [*drafts, extra]


def remote_colleague(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """A colleague walks the round of who stayed at home, between rounds of their own."""
    begins = planned.planned + rng.uniform(28, 40) * MINUTE
    phone = planned.colleague.phone(begins)
    return honest(rng, planned, kind, Walk(planned.colleague, phone, begins))


def two_phones(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Two walk at once under one name, each a half, with a phone each."""
    begins = _start(rng, planned)
    guard, half = planned.guard, len(planned.points) // 2
    found = list[Draft]()
    for part, phone in (
        (planned.points[:half], guard.phone(begins)),
        (planned.points[half:], past.spare_phone(begins)),
    ):
        some = replace(planned, points=part)
        found += honest(rng, some, kind, Walk(guard, phone, begins + rng.uniform(0, 60)))
    return found


def _late_under_a_false_clock(rng: Random, planned: Planned, kind: str) -> list[Draft]:
    off = LATE_BY + rng.uniform(25, 60) * MINUTE
    begins = planned.planned + off
    drafts = honest(rng, planned, kind, Walk(planned.guard, planned.guard.phone(begins), begins))
    for one in drafts:
        one.faked, one.held_until = -off, None
    return drafts


def clock_online(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Walked at another time than planned, under a clock that says otherwise, with signal."""
    if planned.site.offline:
        return None
    return _late_under_a_false_clock(rng, planned, kind)


def clock_offline(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """The same without signal, told at the end of the shift."""
    drafts = _late_under_a_false_clock(rng, planned, kind)
    for one in drafts:
        one.held_until = planned.shift_ends + 5 * MINUTE
    return drafts


def made_up_afterwards(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Overslept, and walked after the next one, without signal, under a clock set back for it."""
    # The next one has to be walked, with signal.
    if planned.site.offline or planned.number not in (0, 2):
        return None
    off = 2 * HOUR
    begins = planned.planned + off + rng.uniform(75, 90) * MINUTE
    walk = Walk(planned.guard, planned.guard.phone(begins), begins)
    drafts, back = honest(rng, planned, kind, walk), off + rng.uniform(74, 76) * MINUTE
    for one in drafts:
        one.faked = -back
        one.held_until = max(planned.shift_ends, begins + HOUR)
    return drafts


def skips(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Walked but for some points, whose copies (or saved taps) are scanned on the way."""
    taps = _first_of_shift(planned, past)
    if kind == SIGNED and taps is None:
        return None
    begins = _start(rng, planned)
    drafts = honest(rng, planned, kind, Walk(planned.guard, planned.guard.phone(begins), begins))
    when = {one.point.id: one.tapped for one in taps or ()}
    count = rng.randint(2, 5)
    first = rng.randrange(1, len(drafts) - count)
    moment = drafts[first - 1].recorded
    for one in drafts[first : first + count]:
        moment += rng.uniform(3, 15)
        one.recorded = one.tapped = moment
        if kind == SIGNED:
            one.tapped = when.get(one.point.id, moment) + 2
    return drafts


def drive_by(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Ridden through without getting off."""
    begins = _start(rng, planned)
    phone = planned.guard.phone(begins)
    return honest(rng, planned, kind, Walk(planned.guard, phone, begins, stops=False, rides=True))


def copied_photo(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Walked, but the report carries the photo of an earlier one."""
    known = past.photos.get(planned.guard.id)
    if not known:
        return None
    drafts = honest(rng, planned, kind)
    for one in drafts:
        one.photo = None
    drafts[rng.randrange(len(drafts))].photo = rng.choice(known)
    return drafts


def patient_copies(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Copies, or taps saved up in the same shift, handed in at the pace of a walk."""
    return _harvested(honest(rng, planned, kind), _first_of_shift(planned, past), kind)


def faked_clock_harvest(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Without signal, on the first round, under a clock set ahead; the phone is started anew."""
    taps = _first_of_shift(planned, past)
    if taps is None:
        return None
    after = max(one.recorded for one in taps) + planned.number * 20 * MINUTE
    begins = _start(rng, planned)
    phone = planned.guard.phone(after)
    drafts = honest(rng, planned, kind, Walk(planned.guard, phone, begins))
    pace = 4.0
    for index, one in enumerate(sorted(drafts, key=lambda one: one.recorded)):
        told, one.recorded = one.recorded, after + index * pace
        one.faked = told - one.recorded
        one.held_until = planned.shift_ends + 5 * MINUTE
    phone.boots += [after - 60, after + 120]
    phone.boots.sort()
    return _harvested(drafts, taps, kind)


def lent_phone(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Somebody else walks it with the phone and the PIN (or the card) of who should."""
    begins = _start(rng, planned)
    return honest(rng, planned, kind, Walk(planned.colleague, planned.guard.phone(begins), begins))


def live_relay(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Somebody on site sends each tap by chat, and it is handed in at once from home."""
    drafts = lent_phone(rng, planned, past, kind) or []
    for one in drafts:
        one.recorded += rng.uniform(3, 12)
    return drafts


def absent_from_post(rng: Random, planned: Planned, past: Past, kind: str) -> list[Draft] | None:
    """Who is there scans for who is not, on the phone of the post."""
    if not planned.site.posts:
        return None
    return remote_colleague(rng, planned, past, kind)


TRACED: Final[Mapping[str, Way]] = {
    each.__name__: each
    for each in (
        copied_at_home,
        replay,
        harvest_fast,
        harvest_offline,
        harvest_for_days,
        one_place,
        one_phone_two_people,
        remote_colleague,
        two_phones,
        clock_online,
        made_up_afterwards,
        skips,
        drive_by,
        copied_photo,
    )
}
TRACELESS: Final[Mapping[str, Way]] = {
    each.__name__: each
    for each in (
        patient_copies,
        faked_clock_harvest,
        clock_offline,
        lent_phone,
        live_relay,
        absent_from_post,
    )
}
# Of who cheats by phones: on a phone of the post everybody scans for everybody.
NEEDS_OWN_PHONE = {"one_phone_two_people", "remote_colleague", "two_phones"}
