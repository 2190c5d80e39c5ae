"""Counting alarms: every window, edge and threshold, computed by hand."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import to_micros
from core.days import Days, days_asked, span_of
from core.errors import Invalid
from tests.workflows.episodes import micros, trip, utc
from workflows.alarms import flood_counting
from workflows.alarms.load import counting
from workflows.alarms.load.counting import HOUR, MINUTE, SECOND, STALE_AFTER
from workflows.alarms.load.targets import ACT, FEW, GOOD, PLAIN, TARGETS, WATCH, measured
from workflows.alarms.load.what_if import best_relief, split_false

NEVER = 10**15


def seconds(*moments: float) -> list[int]:
    return [micros(moment) for moment in moments]


def test_a_peak_is_of_any_ten_minutes_and_excludes_what_is_ten_minutes_old() -> None:
    assert flood_counting.peak([]) == 0
    assert flood_counting.peak(seconds(0, 0, 599)) == 3
    assert flood_counting.peak(seconds(0, 1, 600)) == 2
    # Across the edge of an interval of the clock.
    assert flood_counting.peak(seconds(590, 595, 605, 610)) == 4


def test_an_interval_is_busy_with_more_than_ten() -> None:
    ten, eleven = [5 * SECOND] * 10, [5 * SECOND] * 11
    assert counting.busy_intervals(ten, 0, 6000 * SECOND) == (0, 10)
    assert counting.busy_intervals(eleven, 0, 6000 * SECOND) == (1, 10)
    # What falls on the edge is of the next one; the last one may be short.
    edge = [600 * SECOND] * 11 + [599 * SECOND]
    assert counting.busy_intervals(edge, 0, 601 * SECOND) == (1, 2)
    assert counting.busy_intervals(eleven, 5 * SECOND, 605 * SECOND) == (1, 1)


def test_a_flood_begins_with_the_first_of_eleven_within_ten_minutes() -> None:
    assert flood_counting.floods(seconds(*range(0, 600, 60)), NEVER) == []
    # The eleventh comes exactly ten minutes after the first: that one counts no more.
    assert flood_counting.floods(seconds(*range(0, 601, 60)), NEVER) == []
    [flood] = flood_counting.floods(seconds(*range(0, 591, 59)), NEVER)
    assert (flood.start, flood.count) == (0, 11)
    # Fewer than five fell in ten minutes when the fifth last of them is ten minutes old.
    assert flood.end == micros(59 * 6 + 600)


def test_a_flood_goes_on_while_five_fall_in_ten_minutes() -> None:
    burst = [float(second) for second in range(11)]
    # At 606 s the fifth last of the burst is ten minutes old: with another at once it is five.
    held = flood_counting.floods(seconds(*burst, 606), NEVER)
    assert [flood.count for flood in held] == [12]
    assert held[0].end == micros(607)
    over = flood_counting.floods(seconds(*burst, 606.5), NEVER)
    assert [flood.count for flood in over] == [11]
    assert over[0].end == micros(606)
    slow = [11 + 120 * number for number in range(40)]
    [one] = flood_counting.floods(seconds(*burst, *slow), NEVER)
    assert one.count == 51


def test_two_floods_share_no_alarm() -> None:
    first = [float(second) for second in range(11)]
    second = [700.0 + number for number in range(11)]
    found = flood_counting.floods(seconds(*first, *second), NEVER)
    assert [(one.first, one.last) for one in found] == [(0, 10), (11, 21)]
    assert found[0].end == micros(606)
    assert found[1].start == micros(700)


def test_a_flood_that_goes_on_has_no_end_and_counts_up_to_the_end_of_the_span() -> None:
    end = 300 * SECOND
    [flood] = flood_counting.floods(seconds(*range(11)), end)
    assert flood.end is None
    assert flood_counting.flood_time([flood], end) == end
    # Ten minutes later it is over.
    [flood] = flood_counting.floods(seconds(*range(11)), 3600 * SECOND)
    assert flood_counting.flood_time([flood], 3600 * SECOND) == 606 * SECOND


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3000), max_size=80))
def test_floods_are_where_counting_anew_at_each_second_finds_them(at: list[int]) -> None:
    moments = [second * SECOND for second in sorted(at)]
    flooding, expected = False, []
    for second in range(4000):
        within = sum(second - 600 < moment // SECOND <= second for moment in moments)
        if not flooding and within > 10:
            flooding = True
            expected.append(second)
        elif flooding and within < 5:
            flooding = False
    found = flood_counting.floods(moments, 4000 * SECOND)
    assert [moments[one.first + 10] // SECOND for one in found] == [
        second if moments[one.first + 10] // SECOND == second else pytest.fail(str(second))
        for one, second in zip(found, expected, strict=True)
    ]


def test_three_activations_in_less_than_a_minute_are_chatter() -> None:
    assert counting.chatter([trip(0, 1), trip(30, 1), trip(60, None)]) is None
    assert counting.chatter([trip(0, 1), trip(30, 1)]) is None
    found = counting.chatter([trip(0, 1), trip(30, 1), trip(59, 300), trip(500, None)])
    assert found == counting.Chatter(3, 1, micros(59))


def test_six_transitions_in_less_than_five_minutes_are_chatter() -> None:
    # Trips at 0, 100, 200 s; the sixth transition is the last clearing.
    assert counting.chatter([trip(0, 50), trip(100, 50), trip(200, 100)]) is None
    found = counting.chatter([trip(0, 50), trip(100, 50), trip(200, 99)])
    assert found == counting.Chatter(3, 1, micros(200))
    # The last one is still active: five transitions, whatever comes.
    assert counting.chatter([trip(0, 50), trip(100, 50), trip(200, None)]) is None


def test_bursts_of_chatter_are_five_minutes_apart() -> None:
    burst = [0, 20, 40]
    together = [trip(at, 1) for at in [*burst, *(at + 339 for at in burst)]]
    apart = [trip(at, 1) for at in [*burst, *(at + 340 for at in burst)]]
    assert counting.chatter(together) == counting.Chatter(6, 1, micros(379))
    assert counting.chatter(apart) == counting.Chatter(6, 2, micros(380))


def test_fleeting_is_under_ten_seconds_and_alone_for_a_minute() -> None:
    assert counting.fleeting([trip(0, 9.999)]) == 1
    assert counting.fleeting([trip(0, 10)]) == 0
    assert counting.fleeting([trip(0, None)]) == 0
    assert counting.fleeting([trip(0, 2), trip(59, 2)]) == 0
    assert counting.fleeting([trip(0, 2), trip(60, 2)]) == 2
    assert counting.fleeting([trip(0, 2), trip(60, 300)]) == 1


def test_stale_counts_on_each_day_on_which_it_is_older_than_a_day() -> None:
    day = 24 * HOUR
    days = [0, day, 2 * day, 3 * day]
    assert counting.stale_days([(0, STALE_AFTER)], days) == [0, 0, 0]
    # It became stale as the second day began, and was over in the third.
    assert counting.stale_days([(0, 2 * day + 1)], days) == [0, 1, 1]
    assert counting.stale_days([(0, 2 * day)], days) == [0, 1, 0]
    # Old already when the span begins, and still standing when it ends.
    assert counting.stale_days([(-10 * day, 3 * day)], days) == [1, 1, 1]
    assert counting.stale_days([(-10 * day, 5)], days) == [1, 0, 0]
    # Days that have not begun have no length and no alarms.
    assert counting.stale_days([(-10 * day, day)], [0, day, day, day]) == [1, 0, 0]


def test_quantiles_are_by_nearest_rank() -> None:
    assert counting.quantile([], 0.5) is None
    assert counting.quantile([7], 0.9) == 7
    assert counting.quantile([1, 2, 3, 4], 0.5) == 2
    assert counting.quantile(list(range(1, 11)), 0.9) == 9


def test_a_short_alarm_would_be_spared_by_an_on_delay() -> None:
    # Nine short ones an hour apart, one long one.
    trips = [trip(3600 * number, 25) for number in range(9)] + [trip(99999, 900)]
    relief = best_relief(trips, "low", life_safety=False)
    assert relief is not None
    assert (relief.kind, relief.delay, relief.fitting, relief.left) == (
        "on_delay",
        30 * SECOND,
        9,
        1,
    )
    # Where lives are at stake nothing is told later.
    assert best_relief(trips, "low", life_safety=True) is None


def test_of_what_is_severe_people_are_not_told_much_later() -> None:
    trips = [trip(7200 * number, 200) for number in range(10)]
    delays = {}
    for severity in ("low", "high", "critical"):
        relief = best_relief(trips, severity, life_safety=False)
        delays[severity] = relief and relief.delay // MINUTE
    assert delays == {"low": 5, "high": 5, "critical": None}


def test_an_alarm_that_comes_back_at_once_would_be_one_with_an_off_delay() -> None:
    # Each lasts 20 min and comes back after 40 s.
    trips = [trip(1240 * number, 1200) for number in range(10)]
    relief = best_relief(trips, "low", life_safety=True)
    assert relief is not None
    assert (relief.kind, relief.delay, relief.fitting, relief.left) == ("off_delay", MINUTE, 9, 1)


def test_where_both_would_help_the_one_that_tells_nobody_later_is_named() -> None:
    trips = [trip(40 * number, 20) for number in range(10)]
    relief = best_relief(trips, "low", life_safety=False)
    assert relief is not None
    assert (relief.kind, relief.left) == ("off_delay", 1)


def test_no_delay_is_named_where_it_would_save_little() -> None:
    assert best_relief([trip(0, 5)] * 4, "low", life_safety=False) is None
    assert (
        best_relief([trip(9000 * one, 3600) for one in range(9)], "low", life_safety=False) is None
    )


def test_a_delay_between_false_and_real_drops_no_real_one() -> None:
    false = [trip(3600 * number, 45) for number in range(6)]
    real = [trip(100_000, 300), trip(200_000, None)]
    split = split_false(false, real)
    assert split is not None
    assert (split.delay, split.dropped, split.false, split.real) == (MINUTE, 6, 6, 2)
    assert split_false(false, [trip(0, 40)]) is None
    assert split_false(false, []) is None


def test_days_are_whole_ones_by_default_and_wrong_ones_are_refused() -> None:
    today = date(2026, 11, 24)
    assert days_asked(None, None, today) == Days(date(2026, 10, 25), today)
    assert days_asked(today, today, today).count == 1
    for first, last in (
        (date(2026, 11, 25), date(2026, 11, 26)),
        (today, date(2026, 11, 23)),
        (date(2025, 11, 23), today),
        (date(1, 1, 1), today),
    ):
        with pytest.raises(Invalid):
            days_asked(first, last, today)
    assert days_asked(date(2025, 11, 24), today, today).count == 366


BERLIN = ZoneInfo("Europe/Berlin")


def test_a_day_may_have_23_or_25_hours() -> None:
    spring = Days(date(2026, 3, 29), date(2026, 3, 29))
    span = span_of(spring, BERLIN, utc(2026, 11, 1))
    assert span is not None
    assert (span.end - span.start) // HOUR == 23
    assert [hour for _, hour in span.hours()] == [0, 1, *range(3, 24)]
    autumn = Days(date(2026, 10, 25), date(2026, 10, 26))
    span = span_of(autumn, BERLIN, utc(2026, 11, 1))
    assert span is not None
    assert (span.ends[0] - span.start) // HOUR == 25
    assert span.hours()[:5] == [(0, 0), (0, 1), (0, 2), (0, 2), (0, 3)]
    assert span.hours()[25] == (1, 0)


def test_a_span_is_cut_off_at_the_present_and_may_not_have_begun() -> None:
    today = Days(date(2026, 11, 24), date(2026, 11, 26))
    span = span_of(today, ZoneInfo("Asia/Shanghai"), utc(2026, 11, 24, 4))
    assert span is not None
    assert span.start == to_micros(datetime(2026, 11, 24, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert span.ends == (to_micros(utc(2026, 11, 24, 4)),) * 3
    assert span_of(today, ZoneInfo("America/Los_Angeles"), utc(2026, 11, 24, 4)) is None


def test_figures_are_judged_by_target_and_limit() -> None:
    def verdicts(code: str, *values: float) -> list[str]:
        return [TARGETS[code].verdict(value) for value in values]

    assert verdicts("rate_hour", 6, 6.1, 12, 12.1) == [GOOD, WATCH, WATCH, ACT]
    assert verdicts("peak_interval", 10, 11, 21) == [GOOD, WATCH, ACT]
    assert verdicts("flood_time", 0.99, 1, 5, 5.1) == [GOOD, WATCH, WATCH, ACT]
    assert verdicts("stale", 4, 5, 10, 11) == [GOOD, WATCH, WATCH, ACT]
    assert verdicts("chattering", 0, 1) == [GOOD, ACT]
    assert verdicts("top_ten", 5, 5.1) == [GOOD, ACT]
    assert verdicts("low", 80, 60, 59.9) == [GOOD, WATCH, ACT]
    assert verdicts("critical", 0.9, 1, 2.1) == [GOOD, WATCH, ACT]
    assert measured("acknowledged_half", 7, 1).verdict == PLAIN
    assert measured("rate_hour", None, 0).verdict == PLAIN
    assert measured("top_ten", 100, 199).verdict == FEW
    assert measured("top_ten", 100, 200).verdict == ACT
    assert measured("low", 0, 99).verdict == FEW
