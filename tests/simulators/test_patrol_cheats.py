"""A few days of guards who walk and who cheat: told apart, and the same for the same seed."""

import pytest

from proof.honesty import HONEST, Tally, lines, run, worlds
from simulators.patrol_cheats.cheats import TRACED, TRACELESS
from simulators.patrol_cheats.generate import generate

DAYS = 2


def test_every_way_is_gone_by_five_in_some_month() -> None:
    gone = [way for ways in worlds() for way in ways]
    assert sorted(gone) == sorted([*TRACED, *TRACELESS])
    ways = worlds()[0]
    month = generate(seed=3, signed=True, ways=ways, days=1)
    crew = [guard for site in month.sites for guard in site.crew]
    assert len(crew) == 50
    assert {way: sum(guard.way == way for guard in crew) for way in ways} == dict.fromkeys(ways, 5)


def test_a_month_is_the_same_for_the_same_seed() -> None:
    ways = worlds()[1]
    one, other = (generate(seed=5, signed=False, ways=ways, days=1) for _ in range(2))
    assert one.handed == other.handed
    assert one.labels == other.labels
    assert one.handed != generate(seed=6, signed=False, ways=ways, days=1).handed


@pytest.mark.parametrize("signed", [True, False])
def test_faked_rounds_are_marked_and_honest_ones_are_not(signed: bool) -> None:
    whole = Tally()
    for ways in worlds()[:-1]:
        whole.add(run(1, signed, ways, DAYS, phones=True))
    faked = sum(count for way, count in whole.rounds.items() if way != HONEST)
    marked = sum(count for way, count in whole.marked.items() if way != HONEST)
    assert faked > 60
    # In the first days nothing is learned yet, and clocks are not known.
    assert marked >= 0.85 * faked
    assert whole.rounds[HONEST] > 500
    assert whole.marked[HONEST] <= 0.01 * whole.rounds[HONEST]
    text = "\n".join(lines({True: whole, False: whole}))
    assert "**honest rounds**" in text
    assert "skips" in text
