"""Detectors of honesty, each with what it asks about and what it must leave alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from workflows.patrol.honesty.judging import judge
from workflows.patrol.honesty.touches import Case, Copy, Picture, Touch, learn, usual_clock
from workflows.patrol.honesty.walking import Walking

NIGHT = datetime(2026, 11, 28, 22, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WANG, LI, ZHAO = (UUID(int=number) for number in (1, 2, 3))
PHONE, OTHER_PHONE = UUID(int=11), UUID(int=12)
NOWHERE = Walking()


def at(minutes: float, point: int, **more: object) -> Touch:
    """A scan of Wang's at a point, so many minutes into the night, sent as it was made."""
    moment = NIGHT + minutes * MINUTE
    known = {"at": moment, "received": moment + timedelta(seconds=1), "online": True, **more}
    number = (int(minutes * 600) + 1_000_000) * 100 + point
    known = {"person": WANG, "id": UUID(int=number), **known}
    return Touch(checkpoint=UUID(int=100 + point), **known)  # type: ignore[arg-type]


def walked(every: float, points: int = 8, **more: object) -> list[Touch]:
    return [at(point * every, point, **more) for point in range(points)]


def known_ways(minutes: float = 3.0) -> Walking:
    """Three people have gone the ways three times each."""
    walking = Walking()
    for person in (WANG, LI, ZHAO):
        for _ in range(3):
            learn(walking, walked(minutes, person=person))
    return walking


def kinds(touches: Sequence[Touch], walking: Walking = NOWHERE, **more: object) -> set[str]:
    case = Case(touches, walking, **more)  # type: ignore[arg-type]
    return {finding.kind for finding in judge(case)}


def test_a_round_at_the_usual_pace_is_left_alone() -> None:
    assert kinds(walked(3.2), known_ways()) == set()


def test_a_round_on_an_e_bike_with_its_stops_is_left_alone() -> None:
    walking = Walking()
    usual = [0, 2.0, 5.5, 7.0, 11.0, 13.0, 17.5, 19.0]
    for person in (WANG, LI, ZHAO):
        for _ in range(3):
            learn(walking, [at(m, point, person=person) for point, m in enumerate(usual)])
    stop = 27 / 60
    legs = [b - a for a, b in pairwise(usual)]
    ridden, moment = [at(0, 0)], 0.0
    for point, leg in enumerate(legs, 1):
        moment += stop + (leg - stop) * 0.27
        ridden.append(at(moment, point))
    assert kinds(ridden, walking) == set()
    flown, moment = [at(0, 0)], 0.0
    for point, leg in enumerate(legs, 1):
        moment += 0.03 + (leg - stop) * 0.27
        flown.append(at(moment, point))
    assert "dwell" in kinds(flown, walking)


def test_a_pause_is_no_haste_and_no_slowness() -> None:
    late = [*walked(3.0, 4), *(at(40 + point * 3.0, point) for point in range(4, 8))]
    assert kinds(late, known_ways()) == set()


def test_one_point_scanned_from_its_neighbour_is_marked() -> None:
    touches = walked(3.0)
    touches[4] = at(9.1, 4)
    assert kinds(touches, known_ways()) == {"speed"}


def test_what_nobody_knows_is_marked_as_a_burst_only() -> None:
    assert kinds(walked(0.1)) == {"burst"}
    assert kinds(walked(0.1, 3)) == set()
    assert kinds(walked(0.1), known_ways(0.12)) == set()


def test_distances_count_before_ways_are_learned() -> None:
    assert "speed" in kinds(walked(0.3), Walking(lambda one, other: 400.0))
    assert kinds(walked(1.5), Walking(lambda one, other: 400.0)) == set()


def test_a_clock_that_is_set_right_on_the_way_makes_no_haste() -> None:
    before = walked(3.0, 4)
    after = [replace(one, at=one.at - 10 * MINUTE) for one in walked(3.0)[4:]]
    assert kinds([*before, *after], known_ways()) == set()


def test_times_that_were_spread_by_hand_are_judged_by_ours() -> None:
    sent = [
        replace(one, received=NIGHT + timedelta(seconds=4 * number))
        for number, one in enumerate(walked(20.0))
    ]
    assert kinds(sent, known_ways(20.0)) >= {"dwell", "speed"}


def of_tag(touch: Touch, counter: int, **more: object) -> Touch:
    return replace(touch, token=touch.checkpoint, counter=counter, **more)  # type: ignore[arg-type]


def test_a_tap_that_was_touched_before_what_had_arrived_is_harvested() -> None:
    colleague = of_tag(at(60, 1, person=LI), 8)
    told = of_tag(at(120, 1), 7, verdict="overtaken")
    assert kinds([told], overtaken=[Copy(told, colleague)]) == {"harvest"}


def test_a_tap_without_signal_that_tells_when_it_was_is_left_alone() -> None:
    colleague = of_tag(at(60, 1, person=LI), 8)
    told = of_tag(at(30, 1), 7, verdict="overtaken", online=False, received=NIGHT + 300 * MINUTE)
    assert kinds([told], overtaken=[Copy(told, colleague)]) == set()


def test_the_later_of_two_same_taps_is_asked_about() -> None:
    first = [of_tag(one, 5) for one in walked(3.0, 3)]
    again = [of_tag(at(240 + point * 3, point), 5, verdict="replayed") for point in range(3)]
    pairs = [Copy(one, other) for one, other in zip(again, first, strict=True)]
    assert kinds(again, replayed=pairs) == {"replay"}
    turned = [Copy(other, one) for one, other in zip(again, first, strict=True)]
    assert kinds(first, replayed=turned) == set()
    # A browser that opens its last page again.
    assert kinds(again[:1], replayed=pairs[:1]) == set()
    other = replace(again[0], person=LI)
    assert kinds([other], replayed=[Copy(other, first[0])]) == {"replay"}


def by_phone(
    touches: Sequence[Touch], phone: UUID = PHONE, first: int = 1, **more: object
) -> list[Touch]:
    return [
        replace(one, phone=phone, sequence=first + number, **more)  # type: ignore[arg-type]
        for number, one in enumerate(touches)
    ]


def test_a_phone_that_is_lent_for_a_round_is_marked_once_it_is_back() -> None:
    before = by_phone(walked(3.0))
    lent = by_phone([at(40 + 3 * point, point, person=LI) for point in range(8)], first=9)
    after = by_phone([at(80 + 3 * point, point) for point in range(8)], first=17)
    assert kinds(lent, around=[*before, *lent]) == set()
    assert kinds(lent, around=[*before, *lent, *after]) == {"shared_phone"}
    assert kinds(lent, around=[*before, *lent], owners={PHONE: WANG}) == {"shared_phone"}
    assert kinds(before, around=[*before, *lent, *after], owners={PHONE: WANG}) == set()


def test_a_phone_of_the_post_is_everybodys() -> None:
    pair = [
        one
        for point in range(8)
        for one in (at(3 * point, point), at(3 * point + 0.2, point, person=LI))
    ]
    touches = by_phone(pair, post=True)
    assert kinds(touches, around=touches) == set()
    assert "shared_phone" in kinds(by_phone(pair), around=by_phone(pair))


def test_two_phones_at_once_are_marked_and_a_dead_battery_is_not() -> None:
    touches = walked(3.0)
    whole = [*by_phone(touches[:4]), *by_phone(touches[4:], OTHER_PHONE)]
    assert kinds(whole, around=whole) == set()
    back = by_phone([at(120 + 3 * point, point) for point in range(8)], first=5)
    assert kinds(whole, around=[*whole, *back]) == {"two_phones"}
    both = [*by_phone(touches[::2]), *by_phone(touches[1::2], OTHER_PHONE)]
    assert kinds(both, around=both) == {"two_phones"}
    posts = [*by_phone(touches[::2], post=True), *by_phone(touches[1::2], OTHER_PHONE)]
    assert kinds(posts, around=posts) == set()


def off(touches: Sequence[Touch], minutes: float) -> list[Touch]:
    return [replace(one, at=one.at + minutes * MINUTE) for one in touches]


def test_a_clock_that_moves_away_is_marked_and_one_that_is_wrong_is_not() -> None:
    past = [at(-300 + 60 * number, 1) for number in range(4)]
    for wrong in (0, 17, -25):
        usual = usual_clock(off(past, wrong))
        assert usual is not None
        same = by_phone(off(walked(3.0), wrong))
        assert kinds(same, around=same, usual={PHONE: usual}) == set()
        right = by_phone(walked(3.0))
        assert kinds(right, around=right, usual={PHONE: usual}) == set()
        away = by_phone(off(walked(3.0), wrong + (40 if wrong >= 0 else -40)))
        assert kinds(away, around=away, usual={PHONE: usual}) == {"clock"}
    assert usual_clock(past[:2]) is None


def test_a_clock_that_was_set_right_for_one_round_only_is_marked() -> None:
    usual = usual_clock(off([at(-300 + 60 * number, 1) for number in range(4)], 30))
    later = usual_clock(off([at(300 + 60 * number, 1) for number in range(4)], 30))
    assert usual is not None
    assert later is not None
    right = by_phone(walked(3.0))
    found = kinds(right, around=right, usual={PHONE: usual}, later={PHONE: later})
    assert found == {"clock"}


def test_what_follows_something_online_is_not_told_to_be_earlier() -> None:
    online = by_phone([at(120, 9)])
    after = by_phone(walked(3.0), first=2, online=False, received=NIGHT + 400 * MINUTE)
    assert kinds(after, around=[*online, *after]) == {"clock"}
    # A clock that was two hours fast, and was set right.
    fast = [replace(online[0], at=NIGHT, received=NIGHT - 120 * MINUTE)]
    assert kinds(after, around=[*fast, *after]) == set()


def test_a_picture_that_was_there_before_is_marked() -> None:
    picture = Picture(UUID(int=5), "ab" * 32, UUID(int=6), NIGHT - 60 * MINUTE)
    assert kinds(walked(3.0), pictures=[picture]) == {"photo"}
