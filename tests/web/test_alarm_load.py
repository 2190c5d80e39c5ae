"""The page of the alarm load: what it says, for whom, in which days, and what it hands out."""

import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from core.clock import from_micros
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.stage import Stage
from tests.workflows.episodes import Put, put_alarm, put_episodes

PUMP = "b1-pump-1"


def text_of(client: TestClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", " ".join(read(response.text).text))


@pytest.fixture
def flutter(stage: Stage) -> None:
    """A pump that trips 250 times for 20 s, twelve of them within two minutes."""
    alarm = put_alarm(
        stage.parts.database, stage.site_id, stage.assets[PUMP], "flutter", severity="high"
    )
    start = from_micros(stage.now) - timedelta(days=5)
    burst = [Put(number / 6, 2) for number in range(12)]
    slow = [Put(20.0 + 20 * number, 20) for number in range(237)]
    put_episodes(
        stage.parts.database, stage.site_id, alarm, start, [*burst, *slow, Put(4900, None)]
    )


def test_it_teaches_while_there_is_nothing_to_show(stage: Stage, client: TestClient) -> None:
    assert "No alarm reached anybody in these days." in text_of(client, "/alarm-load")
    zh = client_of(stage, "safety_officer", "zh")
    assert "这些天没有报警" in text_of(zh, "/alarm-load")


@pytest.mark.usefixtures("flutter")
def test_it_says_how_much_is_too_much_and_what_to_do(stage: Stage, client: TestClient) -> None:
    page = text_of(client, f"/alarm-load?site={stage.site_id}")
    assert "250 alarms reached people" in page
    assert "Most alarms in any 10 minutes 12 To watch at most 10 over 20" in page
    assert "Share of the ten most frequent alarms 100% To act on at most 5%" in page
    assert "Tripped 250 times, 249 of them for less than 30 sec" in page
    assert "would have left 1." in page
    assert "Of the largest, 12 of 12 were this one alarm" in page
    assert "Active for 2 days" in page
    assert "This site has no roster, so one operator is counted." in page
    assert "As of" in page
    assert "0 times in these days, 0 at their end; 0 trips told nobody" in page
    # Of fewer days single events say much.
    assert "at least 30 days" not in page
    assert "at least 30 days" in text_of(client, "/alarm-load?span=7")
    zh = text_of(client_of(stage, "guard", "zh"), "/alarm-load?span=90")
    assert "任意10分钟内最多报警数" in zh
    assert "需处理" in zh


@pytest.mark.usefixtures("flutter")
def test_other_days_and_sites_are_others(stage: Stage, client: TestClient) -> None:
    today = from_micros(stage.now).date()
    long_ago = today - timedelta(days=300)
    page = text_of(client, f"/alarm-load?from={long_ago}&until={long_ago + timedelta(days=9)}")
    assert "No alarm reached anybody" in page
    person = stage.person("Stranger", "manager", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    assert "No alarm reached anybody" in text_of(stranger, "/alarm-load")
    assert stranger.get(f"/alarm-load?site={stage.site_id}").status_code == 404


@pytest.mark.parametrize(
    "query", ["site=nowhere", "span=13", "from=yesterday", "from=2999-01-01", "from=2001-01-01"]
)
def test_what_no_form_asks_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/alarm-load?{query}").status_code == 422


@pytest.mark.usefixtures("flutter")
def test_the_figures_can_be_taken_along(stage: Stage, client: TestClient) -> None:
    answer = client.get("/alarm-load.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.search(r'filename="alarm-load-[\d-]+\.csv"', answer.headers["content-disposition"])
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Figure,Value,Unit,Target,Act from,Verdict,Source"
    assert lines[3].startswith("Most alarms in any 10 minutes,12,,at most 10,over 20,To watch,")
    book = load_workbook(io.BytesIO(client.get(f"/alarm-load.xlsx?site={stage.site_id}").content))
    assert book.sheetnames == [
        *("Figures", "Next steps", "Most frequent", "Days", "Floods", "Causes", "Withheld alarms")
    ]
    assert [cell.value for cell in book["Most frequent"][2]][:4] == [
        *("flutter", "Building 1 booster pump 1", "flutter", 250)
    ]
    assert sum(row[1].value for row in list(book["Days"])[1:]) == 250
    assert book["Floods"][2][3].value == 12


def test_the_menu_leads_there(client: TestClient) -> None:
    assert 'href="/alarm-load"' in client.get("/live").text
