"""Times, numbers and values stand as the reader writes them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from web.reader import Reader

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ENGLISH = Reader("en", NOON, UTC).at("Asia/Shanghai")
CHINESE = Reader("zh", NOON, UTC).at("Asia/Shanghai")


@pytest.mark.parametrize(
    ("before", "english", "chinese"),
    [
        (timedelta(minutes=5), "11:55:00", "11:55:00"),
        (timedelta(hours=-12), "25 Nov 00:00", "11月25日 00:00"),
        (timedelta(hours=13), "23 Nov 23:00", "11月23日 23:00"),
        (timedelta(days=40), "15 Oct 12:00", "10月15日 12:00"),
        (timedelta(days=400), "20 Oct 2025 12:00", "2025年10月20日 12:00"),
    ],
)
def test_a_moment_names_its_day_only_where_it_is_not_today(
    before: timedelta, english: str, chinese: str
) -> None:
    assert ENGLISH.moment(NOON - before) == english
    assert CHINESE.moment(NOON - before) == chinese


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "0"), (0.00314, "0.0031"), (0.314, "0.31"), (31.44, "31.4"), (31416.2, "31,416")],
)
def test_a_number_has_the_digits_that_a_reading_deserves(value: float, written: str) -> None:
    assert ENGLISH.number(value) == written


@pytest.mark.parametrize(
    ("kind", "unit", "value", "english", "chinese"),
    [
        ("number", "°C", 82.44, "82.4 °C", "82.4 °C"),
        ("number", "%", 51.0, "51%", "51%"),
        ("number", None, -3.0, "-3", "-3"),
        ("boolean", None, 1.0, "yes", "是"),
        ("boolean", None, 0.0, "no", "否"),
        ("state", None, 1.0, "moving", "moving"),
        ("state", None, 7.0, "7", "7"),
        ("number", "V", None, "–", "–"),
        ("event", None, None, "not yet", "尚未发生"),
        ("event", None, 1.0, "moving", "moving"),
        ("event", None, 2.0, "Electrical", "电气"),
        ("event", None, 9.0, "happened", "已发生"),
    ],
)
def test_a_value_is_written_as_people_say_it(
    kind: str, unit: str | None, value: float | None, english: str, chinese: str
) -> None:
    point = SimpleNamespace(kind=kind, unit=unit, states=["idle", "moving", "electrical"])
    assert ENGLISH.value(point, value) == english
    assert CHINESE.value(point, value) == chinese


def test_ages_and_names_are_in_the_readers_language() -> None:
    assert ENGLISH.ago(NOON - timedelta(minutes=3)) == "3 min ago"
    assert CHINESE.ago(NOON - timedelta(minutes=3)) == "3分钟前"
    assert CHINESE.text({"en": "Pump", "zh": "水泵"}) == "水泵"
    assert CHINESE.text({"en": "Pump"}) == "Pump"
    assert ENGLISH.text({"und": "as written"}) == "as written"
    assert ENGLISH.word("severity", "unheard-of") == "unheard-of"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(9.9, "0:09"), (-65, "1:05"), (3_600, "1:00:00"), (86_399, "23:59:59"), (172_800, "2 days")],
)
def test_what_runs_out_is_counted_to_the_second(seconds: float, written: str) -> None:
    assert ENGLISH.countdown(seconds) == written
