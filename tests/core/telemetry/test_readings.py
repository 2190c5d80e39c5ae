"""Readings in columns."""

import struct
from typing import Any

import pytest

from core.telemetry.readings import (
    SCHEMA,
    Quality,
    Reading,
    ReadingBatch,
    Together,
    check_storable,
    series_together,
)
from tests.core.telemetry.stores import batch_of

ROWS = ((1, 10, 1.5, 11, 0), (2**31 - 1, 2**50, -0.0, 2**50, 5), (-(2**31), 0, 1e300, 0, 3))


def test_a_batch_gives_back_what_was_appended() -> None:
    batch = batch_of(*ROWS)
    assert len(batch) == 3
    assert list(batch) == [Reading._make(row) for row in ROWS]
    assert batch[1].quality is Quality.REDELIVERED
    assert list(batch[1:]) == list(batch)[1:]


def test_readings_of_one_moment_are_added_as_if_one_by_one() -> None:
    one, other = ReadingBatch(), ReadingBatch()
    one.append_together(Together(3), series_together([7, 9, 8]), 10, (1.5, True, 2), 20)
    for series, value in ((7, 1.5), (9, 1.0), (8, 2.0)):
        other.append(series, 10, value, 20, Quality.GOOD)
    assert one == other


@pytest.mark.parametrize(
    ("at", "values"), [(2**63, (1.0, 2.0)), (10, (1.0, "2")), (10, (1.0,)), (10, (1.0, 2.0, 3.0))]
)
def test_of_what_does_not_fit_nothing_is_added(at: int, values: Any) -> None:
    batch = ReadingBatch()
    with pytest.raises(struct.error):
        batch.append_together(Together(2), series_together([7, 8]), at, values, 20)
    assert batch == ReadingBatch()


def test_extending_keeps_the_order() -> None:
    batch = batch_of(ROWS[0])
    batch.extend(batch_of(*ROWS[1:]))
    assert batch == batch_of(*ROWS)


def test_arrow_sees_the_same_memory_and_the_batch_grows_again_afterwards() -> None:
    batch = batch_of(*ROWS)
    rows = batch.to_arrow()
    assert rows.schema == SCHEMA
    batch.value[0] = 7.5
    assert rows.column("value")[0].as_py() == 7.5
    with pytest.raises(BufferError):
        batch.append(*ROWS[0])
    del rows
    grown = batch_of(*ROWS)
    grown.append(*ROWS[0])
    assert len(grown) == 4


def test_arrow_and_bytes_lead_back_to_the_same_batch() -> None:
    for batch in (batch_of(), batch_of(*ROWS)):
        assert ReadingBatch.from_arrow(batch.to_arrow()) == batch
        assert ReadingBatch.from_bytes(batch.to_bytes()) == batch
    assert ReadingBatch.from_arrow(batch_of(*ROWS).to_arrow().slice(1, 1)) == batch_of(ROWS[1])


def test_bytes_that_are_not_a_batch_are_refused() -> None:
    whole = batch_of(*ROWS).to_bytes()
    for data in (b"", b"\x01", whole[:-1], whole + b"\x00", b"\xff\xff\xff\xff" + whole[4:]):
        with pytest.raises(ValueError, match="batch of readings"):
            ReadingBatch.from_bytes(data)
    with pytest.raises(ValueError, match="quality"):
        ReadingBatch.from_bytes(whole[:-1] + b"\x09")


def test_a_number_too_large_for_its_column_is_refused() -> None:
    for row in ((2**31, 0, 1.0, 0, 0), (1, 2**63, 1.0, 0, 0), (1, 0, 1.0, 0, 256)):
        with pytest.raises(OverflowError):
            ReadingBatch().append(*row)


def test_what_is_storable_passes() -> None:
    check_storable(batch_of())
    check_storable(batch_of(*ROWS))
