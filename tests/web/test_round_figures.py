"""The page of the figures of rounds: what it says of a night, in which days, and its workbook."""

import io
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from core.clock import from_micros
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.rounding import night_of_rounds
from tests.web.stage import Stage

URL = "/patrol-figures"


def text_of(client: TestClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", " ".join(read(response.text).text))


def test_it_teaches_while_there_is_nothing_to_show(stage: Stage, client: TestClient) -> None:
    assert "No round was due in these days." in text_of(client, URL)
    assert "这些天没有应巡的巡更" in text_of(client_of(stage, "supervisor", "zh"), URL)


def test_a_night_is_counted_and_can_be_taken_along(stage: Stage, client: TestClient) -> None:
    night_of_rounds(stage, stage.person("Guard Xu 徐刚", "guard", node=stage.site_id))
    # From yesterday on, wherever midnight lies in this night.
    first = from_micros(stage.now).date() - timedelta(days=2)
    page = client.get(f"{URL}?site={stage.site_id}&from={first}").text
    said = re.sub(r"\s+", " ", " ".join(read(page).text))
    assert "Complete rounds 50% 1 of 2 nothing then" in said
    # Two of two by lot, one of four inside; the others of that round were told too late.
    assert "Checkpoints scanned 50% 3 of 6" in said
    assert "1 missed checkpoint was told as scanned once its round was closed." in said
    assert "1 round is over and waits for phones." in said
    # The one that was called off is not due yet.
    assert "called off." not in said
    assert re.search(r"Stairs of building 1 .*?3 visits · the last ", said)
    assert "Nobody has ever been here" in said
    assert page.count('class="visit-hours"') == 5
    assert 'href="/patrol-figures?site=' in page
    book = load_workbook(io.BytesIO(client.get(f"{URL}.xlsx?from={first}").content))
    assert book.sheetnames == ["Figures", "Days", "Routes", "Checkpoints"]
    rows = [[cell.value for cell in row] for row in book["Routes"].iter_rows(min_row=2)]
    by_name = {row[0]: row[2:] for row in rows}
    assert by_name["Riverside by lot"] == [1, 0, 0, 0, 2, 2, 0, 0]
    assert by_name["Riverside house 1, inside"][:3] == [0, 1, 0]
    zh = text_of(client_of(stage, "supervisor", "zh"), f"{URL}?site={stage.site_id}&from={first}")
    assert "巡更完成率 50% 1 / 2" in zh
    person = stage.person("Stranger", "supervisor", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    assert "No round was due" in text_of(stranger, URL)
    assert stranger.get(f"{URL}?site={stage.site_id}").status_code == 404


@pytest.mark.parametrize("query", ["site=nowhere", "span=13", "from=yesterday", "from=2999-01-01"])
def test_what_no_form_asks_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"{URL}?{query}").status_code == 422
    assert client.get(f"{URL}.xlsx?{query}").status_code == 422
