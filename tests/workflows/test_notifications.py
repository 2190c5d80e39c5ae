"""What leaves the house, and what is only counted."""

import pytest

from workflows.notifications import is_outward


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ticket.open", True),
        ("ticket.announce", True),
        ("ticket.repeat", False),
        ("alarm.trip", True),
        ("device.adopt", False),
    ],
)
def test_a_recurrence_within_the_re_alarm_time_tells_nobody(kind: str, told: bool) -> None:
    assert is_outward(kind) is told
