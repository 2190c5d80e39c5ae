"""Episodes of a shadow and of the rule in force are paired by what they are of."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import MICROS
from core.ids import new_id
from workflows.alarms.shadow_comparing import Pair, Span, paired

PUMP, OTHER = new_id(), new_id()


def span(tripped: float, cleared: float | None, asset: UUID = PUMP) -> Span:
    end = None if cleared is None else round(cleared * 60 * MICROS)
    return Span(asset, round(tripped * 60 * MICROS), end)


def test_one_event_that_both_saw_is_one_pair_with_its_difference() -> None:
    [pair] = paired([span(0, 60)], [span(15, 70)])
    assert pair.later == -900
    [pair] = paired([span(5, 6)], [span(0, 2)])
    assert pair.later == 300


def test_what_only_one_saw_stands_alone() -> None:
    sooner, later = span(0, 5), span(100, None)
    assert paired([sooner], [later]) == [Pair(None, later), Pair(sooner, None)]
    assert len(paired([span(0, None)], [span(0, None, OTHER)])) == 2


def test_one_that_stands_and_one_that_chatters_share_one_pair() -> None:
    pairs = paired([span(0, 100)], [span(10, 20), span(30, 40)])
    assert [(bool(pair.shadow), bool(pair.active)) for pair in pairs] == [
        (False, True),
        (True, True),
    ]


SPANS = st.lists(
    st.builds(
        lambda at, length, asset: span(at, None if length is None else at + length, asset),
        st.integers(0, 500),
        st.none() | st.integers(1, 90),
        st.sampled_from([PUMP, OTHER]),
    ),
    max_size=8,
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(shadow=SPANS, active=SPANS)
def test_every_episode_stands_in_exactly_one_pair(shadow: list[Span], active: list[Span]) -> None:
    pairs = paired(shadow, active)

    def order(spans: list[Span]) -> list[tuple[str, int, int]]:
        return sorted((str(each.asset_id), each.tripped, each.cleared or 0) for each in spans)

    assert order([pair.shadow for pair in pairs if pair.shadow]) == order(shadow)
    assert order([pair.active for pair in pairs if pair.active]) == order(active)
    assert all(pair.shadow or pair.active for pair in pairs)
