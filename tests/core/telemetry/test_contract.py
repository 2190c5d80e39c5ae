"""The contract of a telemetry store, tried on every one of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Invalid
from core.telemetry.readings import Last, Quality, Reading
from core.telemetry.store import TelemetryError
from tests.core.telemetry.stores import HOUR, SECOND, START, STORES, Ends


@pytest.fixture(params=list(STORES))
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    with STORES[request.param](tmp_path) as opened:
        yield opened


def test_an_empty_store_answers_with_nothing(ends: Ends) -> None:
    assert ends.reader.last() == {}
    assert ends.reader.last([1, 2]) == {}
    assert ends.reader.find([(1, START)]) == {}
    assert ends.reader.series(1, START, START + HOUR, HOUR).start == []
    assert ends.scanned([1], 0, START) == []
    assert ends.reader.size().readings == 0
    ends.reader.check()


def test_an_empty_batch_changes_nothing(ends: Ends) -> None:
    ends.write()
    ends.write(replacing=[])
    assert ends.reader.size().readings == 0


def test_last_is_the_newest_by_event_time_not_by_receipt(ends: Ends) -> None:
    ends.write((1, START + 50, 5.0, START + 60, Quality.GOOD))
    ends.write((1, START + 10, 1.0, START + 70, Quality.LATE), (2, START, -2.0))
    assert ends.reader.last() == {
        1: Last(START + 50, 5.0, START + 60, Quality.GOOD),
        2: Last(START, -2.0, START, Quality.GOOD),
    }
    assert ends.reader.last([2, 7]) == {2: Last(START, -2.0, START, Quality.GOOD)}


def test_find_tells_only_what_is_stored(ends: Ends) -> None:
    ends.write((1, START, 1.5), (2, START, 2.5), (1, START + 1, 3.5))
    keys = [(1, START), (1, START + 1), (1, START + 2), (2, START + 1), (3, START)]
    assert ends.reader.find(keys) == {(1, START): 1.5, (1, START + 1): 3.5}


def test_the_same_value_again_changes_nothing(ends: Ends) -> None:
    ends.write((1, START, 1.5, START + 1, Quality.GOOD))
    ends.write(replacing=[(1, START, 1.5, START + 9, Quality.REDELIVERED)])
    assert ends.scanned([1], START, START + 1) == [Reading(1, START, 1.5, START + 1, Quality.GOOD)]


def test_another_value_replaces_the_stored_one(ends: Ends) -> None:
    ends.write((1, START, 1.5), (1, START + SECOND, 9.0), (2, START, 4.0))
    ends.write(replacing=[(1, START, 2.5, START + HOUR, Quality.LATE)])
    assert ends.reader.find([(1, START)]) == {(1, START): 2.5}
    assert ends.reader.size().readings == 3
    hour = ends.reader.series(1, START, START + HOUR, HOUR)
    assert (hour.mean, hour.minimum, hour.maximum, hour.count) == ([5.75], [2.5], [9.0], [2])


def test_a_late_reading_takes_over_that_one_of_its_time_was_judged(ends: Ends) -> None:
    ends.write((1, START, 1.5, START, Quality.CLOCK_UNSET), (2, START, 4.0, START, Quality.LATE))
    ends.write(
        replacing=[
            (1, START, 2.5, START + 9, Quality.LATE),
            (1, START + 1, 3.5, START + 9, Quality.LATE),
            (2, START, 5.0, START + 9, Quality.LATE),
        ]
    )
    assert ends.scanned([1, 2], START, START + 2) == [
        Reading(1, START, 2.5, START + 9, Quality.CLOCK_UNSET),
        Reading(1, START + 1, 3.5, START + 9, Quality.LATE),
        Reading(2, START, 5.0, START + 9, Quality.LATE),
    ]


def test_the_newest_reading_can_be_replaced_too(ends: Ends) -> None:
    ends.write((1, START, 1.0), (1, START + 5, 2.0))
    ends.write(replacing=[(1, START + 5, 3.0, START + 7, Quality.GOOD)])
    assert ends.reader.last() == {1: Last(START + 5, 3.0, START + 7, Quality.GOOD)}


def test_of_one_key_twice_in_a_replacing_batch_the_later_one_counts(ends: Ends) -> None:
    ends.write(replacing=[(1, START, 1.0), (1, START, 2.0), (1, START + 1, 7.0)])
    assert ends.reader.find([(1, START)]) == {(1, START): 2.0}
    assert ends.reader.size().readings == 2


def test_new_readings_and_replacing_ones_are_written_in_one_go(ends: Ends) -> None:
    ends.write((1, START, 1.0), (2, START, 5.0))
    ends.write(
        (1, START + 1, 2.0),
        (2, START + 2, 6.0),
        replacing=[(1, START, 3.0), (1, START + 1, 4.0), (2, START + 2, 6.0, START + 9, 5)],
    )
    assert ends.scanned([1, 2], START, START + 3) == [
        Reading(2, START, 5.0, START, Quality.GOOD),
        Reading(1, START, 3.0, START, Quality.GOOD),
        Reading(1, START + 1, 4.0, START + 1, Quality.GOOD),
        Reading(2, START + 2, 6.0, START + 2, Quality.GOOD),
    ]


def test_series_gives_minimum_mean_maximum_and_count_of_each_bucket(ends: Ends) -> None:
    ends.write(*((1, START + minute * 60 * SECOND, float(minute)) for minute in range(180)))
    ends.write((2, START, 1000.0))
    for step, per_bucket in ((HOUR, 60), (HOUR // 4, 15), (3 * HOUR, 180)):
        buckets = ends.reader.series(1, START, START + 3 * HOUR, step)
        count = 180 // per_bucket
        assert buckets.start == [START + index * step for index in range(count)]
        assert buckets.count == [per_bucket] * count
        assert buckets.minimum == [float(index * per_bucket) for index in range(count)]
        assert buckets.maximum == [float((index + 1) * per_bucket - 1) for index in range(count)]
        assert buckets.mean == [index * per_bucket + (per_bucket - 1) / 2 for index in range(count)]


def test_series_leaves_out_what_lies_outside_and_what_is_empty(ends: Ends) -> None:
    half = HOUR // 2
    ends.write((1, START, 1.0), (1, START + half, 2.0), (1, START + 5 * HOUR, 3.0))
    ends.write((1, START + 6 * HOUR, 4.0))
    buckets = ends.reader.series(1, START + half, START + 6 * HOUR, HOUR)
    assert (buckets.start, buckets.mean) == ([START, START + 5 * HOUR], [2.0, 3.0])
    assert ends.reader.series(1, START + half, START + half, HOUR).start == []
    assert ends.reader.series(1, START + HOUR, START, HOUR).start == []


def test_the_mean_never_leaves_its_extremes(ends: Ends) -> None:
    ends.write(*((1, START + second * SECOND, 0.1) for second in range(9)))
    ends.write((2, START, 1.7e308), (2, START + 1, 1.7e308), (2, START + 2, -1.7e308))
    for step in (HOUR, SECOND * 60):
        assert ends.reader.series(1, START, START + HOUR, step).mean == [0.1]
        assert -1.7e308 <= ends.reader.series(2, START, START + HOUR, step).mean[0] <= 1.7e308


def test_a_step_that_is_not_positive_is_refused(ends: Ends) -> None:
    for step in (0, -HOUR):
        with pytest.raises(Invalid):
            ends.reader.series(1, START, START + HOUR, step)


def test_scan_comes_in_order_of_receipt_then_of_insertion(ends: Ends) -> None:
    rows = [
        (1, START + 30, 1.0, START + 200, Quality.GOOD),
        (2, START + 20, 2.0, START + 100, Quality.LATE),
        (1, START + 10, 3.0, START + 200, Quality.GOOD),
        (3, START + 10, 4.0, START + 150, Quality.GOOD),
        (1, START + 99, 5.0, START + 200, Quality.GOOD),
        (2, START + 15, 6.0, START + 3 * HOUR, Quality.RETAINED),
    ]
    for row in rows:
        ends.write(row)
    wanted = [rows[1], rows[0], rows[2], rows[5]]
    assert ends.scanned([1, 2], START + 10, START + 99) == [Reading._make(row) for row in wanted]


def test_a_long_scan_is_complete_and_in_order(ends: Ends) -> None:
    count = 21_000
    ends.write(*((index % 7, START + index, float(index)) for index in range(count)))
    batches = list(ends.reader.scan(range(7), START, START + count))
    assert max(map(len, batches)) <= 10_000
    assert [reading.at for batch in batches for reading in batch] == list(
        range(START, START + count)
    )


def test_deleted_readings_are_gone_from_every_answer(ends: Ends) -> None:
    half = HOUR // 2
    ends.write(*((1, START + index * half, float(index)) for index in range(6)), (2, START, 9.0))
    assert ends.writer.delete(1, START + half, START + 3 * HOUR) == 5
    assert ends.reader.last() == {
        1: Last(START, 0.0, START, Quality.GOOD),
        2: Last(START, 9.0, START, Quality.GOOD),
    }
    assert ends.reader.find([(1, START), (1, START + half)]) == {(1, START): 0.0}
    hours = ends.reader.series(1, START, START + 3 * HOUR, HOUR)
    assert (hours.start, hours.mean, hours.count) == ([START], [0.0], [1])
    assert len(ends.scanned([1], START, START + 3 * HOUR)) == 1
    assert ends.writer.delete(1, START, START + HOUR) == 1
    assert list(ends.reader.last()) == [2]


def test_deleting_what_was_replaced_brings_back_nothing(ends: Ends) -> None:
    ends.write((1, START, 1.0), (1, START + 5, 2.0))
    ends.write(replacing=[(1, START + 5, 3.0)])
    ends.writer.delete(1, START + 5, START + 6)
    assert ends.reader.last() == {1: Last(START, 1.0, START, Quality.GOOD)}


def test_retention_counts_from_receipt_and_leaves_the_roll_ups(ends: Ends) -> None:
    ends.write((1, START, 1.0), (1, START + SECOND, 3.0), (1, START + HOUR, 5.0))
    ends.write((1, START + 2 * SECOND, 8.0, START + 9 * HOUR, Quality.LATE), (2, START, 7.0))
    assert ends.writer.expire(START + 2 * HOUR) == 4
    assert ends.writer.expire(START + 2 * HOUR) == 0
    assert ends.scanned([1, 2], 0, START + 9 * HOUR) == [
        Reading(1, START + 2 * SECOND, 8.0, START + 9 * HOUR, Quality.LATE)
    ]
    assert ends.reader.last() == {1: Last(START + 2 * SECOND, 8.0, START + 9 * HOUR, Quality.LATE)}
    hours = ends.reader.series(1, START, START + 2 * HOUR, HOUR)
    assert (hours.mean, hours.count) == ([4.0, 5.0], [3, 1])
    assert ends.reader.series(1, START, START + 2 * HOUR, HOUR // 2).count == [1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused(ends: Ends, value: float) -> None:
    with pytest.raises(Invalid, match="finite"):
        ends.write((1, START, 1.0), (1, START + 1, value))
    with pytest.raises(Invalid, match="finite"):
        ends.write((1, START, 1.0), replacing=[(1, START + 1, value)])
    assert ends.reader.size().readings == 0


def test_a_time_before_1970_and_an_unknown_quality_are_refused(ends: Ends) -> None:
    for row in ((1, -1, 1.0, START, 0), (1, START, 1.0, -1, 0), (1, START, 1.0, START, 6)):
        with pytest.raises(Invalid):
            ends.write(row)
    assert ends.reader.size().readings == 0


def test_size_counts_readings_and_bytes(ends: Ends) -> None:
    ends.write((1, START, 1.0), (2, START, 1.0))
    size = ends.reader.size()
    assert size.readings == 2
    assert size.bytes_on_disk > 0


def test_a_closed_store_says_so(ends: Ends) -> None:
    ends.reader.close()
    with pytest.raises(TelemetryError):
        ends.reader.check()
    with pytest.raises(TelemetryError):
        ends.reader.last([1])
