"""Hours in conditions: local days, nights over midnight, clocks put forward and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from core.clock import from_micros, to_micros
from rules.catalog import shipped_catalog
from rules.engine import BindError, ReceiptNow, Slot, bind
from rules.expression import ExpressionError, compile_expression
from rules.hours import daily_hours
from tests.rules.building import rule

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def _edges(text: str, zone: ZoneInfo, start: datetime, count: int) -> list[tuple[bool, str]]:
    hours, at = daily_hours(text, zone), to_micros(start)
    found = []
    for _ in range(count):
        inside, until = hours.at(at)
        assert until > at
        local = from_micros(until).astimezone(zone)
        found.append((inside, local.strftime("%d %H:%M %z")))
        at = until
    return found


def test_a_night_reaches_over_midnight() -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert _edges("22:00-06:00", SHANGHAI, start, 3) == [
        (False, "01 22:00 +0800"),
        (True, "02 06:00 +0800"),
        (False, "02 22:00 +0800"),
    ]


@pytest.mark.parametrize(
    ("day", "edges"),
    [
        # Put forward at 02:00, back at 03:00.
        ((2026, 3, 28), [(False, "28 22:00 +0100"), (True, "29 06:00 +0200")]),
        ((2026, 10, 24), [(False, "24 22:00 +0200"), (True, "25 06:00 +0100")]),
    ],
)
def test_the_night_follows_the_local_clock(
    day: tuple[int, int, int], edges: list[tuple[bool, str]]
) -> None:
    assert _edges("22:00-06:00", BERLIN, datetime(*day, 12, tzinfo=UTC), 2) == edges


@pytest.mark.parametrize("text", ["02:30-03:30", "02:45-03:15", "02:30-03:00"])
def test_hours_that_the_clocks_jump_over_last_no_whole_day(text: str) -> None:
    begin, end = text.split("-")
    assert _edges(text, BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == [
        (False, f"30 {begin} +0200"),
        (True, f"30 {end} +0200"),
    ]


@pytest.mark.parametrize("text", ["22-6", "24:00-06:00", "08:00-08:00", "", "None"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write them like 22:00-06:00"):
        daily_hours(text, SHANGHAI)


@pytest.mark.parametrize("text", ["during(3)", "during(running > 1)", 'during("Night shift")'])
def test_hours_are_named_by_their_code(text: str) -> None:
    with pytest.raises(ExpressionError, match="takes the name of a calendar or shift"):
        compile_expression(f"running and {text}", shipped_catalog()["pump"].points)


def test_a_rule_is_not_bound_where_there_are_no_such_hours() -> None:
    tested = rule(when="running and outside(opening_hours)")
    with pytest.raises(BindError, match="no hours called opening-hours"):
        bind(tested, "pump-1", {"running": Slot()}, ReceiptNow())
