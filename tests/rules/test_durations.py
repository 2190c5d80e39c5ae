"""Durations are read as people write them, and written as they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.durations import DAY, HOUR, LONGEST, MINUTE, SECOND, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("30s", 30 * SECOND),
        ("10m", 10 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("7d", 7 * DAY),
        ("1d2h3m4s", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND),
        ("0.5s", SECOND // 2),
    ],
)
def test_durations_are_read(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5x", "1m1h", "1m1m", "-5m", "400d", "5M"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|order|longer"):
        parse_duration(text)


@given(st.integers(0, LONGEST))
def test_what_is_written_is_read_back(microseconds: int) -> None:
    assert parse_duration(format_duration(microseconds)) == microseconds
