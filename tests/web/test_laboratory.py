"""The laboratory in a browser's eyes: a draft is tried, what it would have done is shown."""

import re
import time

import pytest
from starlette.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core.clock import MICROS, from_micros
from core.rulebook import active_at
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage

PUMP = "b1-pump-1"


def tried(client: TestClient, rule: str, *, fragment: bool) -> str:
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "rule_id": rule, "days": "1"}
    headers = {"HX-Request": "true"} if fragment else {}
    begun = client.post("/laboratory/runs", data=form, headers=headers)
    text = begun.text if fragment else client.get(begun.headers["location"]).text
    found = re.search(r"/laboratory/runs/[0-9a-f-]+", text)
    deadline = time.monotonic() + 60
    while "every 1s" in text:
        assert found
        assert time.monotonic() < deadline
        text = client.get(found[0], headers=headers).text
    return text


def test_a_rule_that_trips_without_end_is_refused_in_chinese(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.laboratory.backtest.MOST_EPISODES", -1)
    stage.say(PUMP, {"motor_temperature": 40.0})
    client = client_of(stage, locale="zh")
    text = tried(client, OVERHEATING.rule_id, fragment=True)
    assert "规则报警过于频繁，无法查看" in text


@pytest.mark.parametrize("fragment", [True, False])
def test_a_rule_in_force_is_tried(stage: Stage, fragment: bool) -> None:
    now = stage.now
    for hours, value in ((9, 40.0), (8, 95.0), (7, 40.0)):
        stage.say(PUMP, {"motor_temperature": value}, at=now - hours * 3600 * MICROS)
    client = client_of(stage)
    page = client.get(f"/rules/{OVERHEATING.rule_id}/laboratory").text
    assert "motor_temperature" in page
    assert 'hx-post="/laboratory/runs"' in page
    assert (
        f"/rules/{OVERHEATING.rule_id}/laboratory"
        in client.get(f"/rules/{OVERHEATING.rule_id}").text
    )
    text = tried(client, OVERHEATING.rule_id, fragment=fragment)
    link = re.search(r"/laboratory/runs/[0-9a-f-]+\?asset=[0-9a-f-]+", text)
    assert link, text
    asset = client.get(link[0]).text
    assert "opens a ticket" in asset
    chart = re.search(r'data-chart="([^"]+)"', asset)
    assert chart
    drawing = client.get(chart[1]).json()
    assert next(each["value"] for each in drawing["series"]) == [40.0, 95.0, 40.0]
    assert [each["other"] for each in drawing["bands"]] == [False]
    why = re.search(r'href="(/assets/[^"]+/why\?of=run-[^"]+)"', asset)
    assert why
    told = client.get(why[1].replace("&amp;", "&")).text
    assert "as it was tried" in told
    assert "The alarm stood." in told


def test_a_page_tells_why(stage: Stage) -> None:
    now = stage.now
    for minutes, value in ((50, 40.0), (40, 95.0)):
        stage.say(PUMP, {"motor_temperature": value}, at=now - minutes * 60 * MICROS)
    client = client_of(stage)
    address = f"/assets/{stage.assets[PUMP]}/rules/{OVERHEATING.rule_id}/why"
    present = client.get(address).text
    assert "The alarm stood." in present
    assert "Tripped" in present
    at = from_micros(now - 45 * 60 * MICROS).isoformat().replace("+00:00", "Z")
    before = client.get(address, params={"at": at}).text
    assert "No alarm: the condition did not hold." in before
    assert "not met" in before
    assert "Nothing withheld its alarm" in before
    assert client.get(address, params={"of": "v1"}).status_code == 200
    assert client.get(address, params={"of": "v9"}).status_code == 404
    assert client.get(address, params={"of": "draft-x"}).status_code == 404
    assert client.get(address, params={"at": "soon"}).status_code == 422


def test_an_alarm_leads_to_why(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    page = client_of(stage).get(f"/assets/{stage.assets[PUMP]}").text
    found = re.search(r'href="(/assets/[^"]+/why[^"]+)"', page)
    assert found
    assert client_of(stage).get(found[1].replace("&amp;", "&")).status_code == 200


def test_what_changes_is_shown_and_why_of_what_is_no_more(stage: Stage) -> None:
    """A draft that is typed into the editor, whose back-test takes the place of its last."""
    now = stage.now
    for hours, value in ((9, 40.0), (8, 78.0), (7, 40.0), (6, 95.0), (5, 40.0)):
        stage.say(PUMP, {"motor_temperature": value}, at=now - hours * 3600 * MICROS)
    client = client_of(stage)
    with stage.parts.database.read() as session:
        version = active_at(session, OVERHEATING.rule_id, stage.company_id)
    assert version is not None
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "document": version.document.replace("> 75 °C", "> 90 °C"),
        "days": "1",
        "node": str(stage.site_id),
        "place": "draft x",
    }
    first = client.post("/laboratory/runs", data=form).headers["location"]
    second = client.post("/laboratory/runs", data=form).headers["location"]
    deadline = time.monotonic() + 60
    while "every 1s" in (text := client.get(second).text):
        assert time.monotonic() < deadline
    assert "1 the same · 0 new · 1 no more" in text
    assert "Upper row: the rule in force." in text
    asset = client.get(f"{second}?asset={stage.assets[PUMP]}").text
    assert "no more" in asset
    assert f"{OVERHEATING.rule_id}/why?at=" in asset
    assert first != second
