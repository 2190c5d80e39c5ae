"""How devices and their batteries are, in the console."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.web.batteries import put_batteries
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from web.health_pictures import battery_trend, hour_bars
from web.reader import Reader

FIRST = date(2026, 1, 1)
DAY = timedelta(days=1)


def test_batteries_are_listed_with_what_to_take_along_and_a_device_tells_of_its_own(
    stage: Stage, client: TestClient
) -> None:
    falls, low, lasts, full = put_batteries(stage)
    at = f"/batteries?site={stage.site_id}"
    everything = client.get(at).text
    places = [everything.index(f'"/devices/{one}"') for one in (low, falls, lasts, full)]
    assert places == sorted(places)
    along = everything.partition("To take along this month")[2]
    along = along.partition("Rounds that are")[0]
    assert "type of battery unknown" in along
    assert "ER14505" in along
    assert "Battery round: " in everything
    only = client.get(f"{at}&which=low").text
    assert f"/devices/{low}" in only
    assert f"/devices/{falls}" not in only
    due = client.get(f"{at}&which=due").text
    assert f"/devices/{falls}" in due
    assert f"/devices/{lasts}" not in due
    assert client.get(f"{at}&which=all").status_code == 404

    one = client.get(f"/devices/{falls}").text
    assert "lorawan/gw-roof-2" in one
    assert "-71 dBm" in one
    assert "It falls 18 % a month and is empty on" in one
    assert "It is changed on ticket" in one
    assert "later: the way, or a clock that is slow" in one
    assert 'class="trend-line trend-ahead"' in one
    assert "No trend yet" in client.get(f"/devices/{full}").text


def test_who_may_not_read_devices_is_shown_none(stage: Stage) -> None:
    device, *_ = put_batteries(stage)
    somebody = stage.person("Stranger", "manager", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(somebody, "session"))
    assert stranger.get(f"/devices/{device}").status_code == 404
    assert stranger.get(f"/batteries?site={stage.site_id}").status_code == 404


def battery(days: list[float], **more: Any) -> dict[str, Any]:
    told = [{"day": FIRST + place * DAY, "percent": one} for place, one in enumerate(days)]
    return {
        "days": told,
        "since": FIRST,
        "per_day": None,
        "empty_on": None,
        "empty_at": 10.0,
        **more,
    }


def test_a_trend_goes_through_its_days_and_on_to_where_it_is_empty() -> None:
    found = battery_trend(battery([50, 49, 48], per_day=1.0, empty_on=FIRST + 40 * DAY))
    assert found is not None
    assert found.points == "0.0,50.0 25.0,51.0 50.0,52.0"
    assert found.ahead == "50.0,52.0 1000.0,90.0"
    assert (found.empty_y, found.last) == (90, FIRST + 40 * DAY)


@pytest.mark.parametrize("days", [[], [80.0]], ids=["none", "one"])
def test_too_few_days_are_no_picture(days: list[float]) -> None:
    assert battery_trend(battery(days)) is None


def test_a_trend_of_years_is_drawn_for_some_weeks_and_a_past_end_not_at_all() -> None:
    far = battery_trend(battery([50, 49], per_day=0.1, empty_on=FIRST + 400 * DAY))
    assert far is not None
    assert far.last == FIRST + 61 * DAY
    past = battery_trend(battery([11, 8], per_day=1.0, empty_on=FIRST))
    assert past is not None
    assert past.ahead == ""


def test_what_was_before_the_battery_was_changed_is_cut_off() -> None:
    found = battery_trend(battery([30.0] * 100, since=FIRST + 90 * DAY))
    assert found is not None
    assert found.first == FIRST + 76 * DAY


def test_hours_without_readings_have_no_bar() -> None:
    begin = datetime(2026, 11, 24, tzinfo=UTC)
    counts = [{"start": begin + n * timedelta(hours=1), "readings": n % 2 * 4} for n in range(24)]
    reader = Reader("en", begin, UTC)
    bars = hour_bars(counts, reader)
    assert (len(bars.bars), bars.most, bars.bars[0].height) == (12, 4, 100)
    assert hour_bars([{**one, "readings": 0} for one in counts], reader).bars == []
