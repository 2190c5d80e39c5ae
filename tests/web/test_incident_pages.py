"""What pages show of chatter and of incidents."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from core.clock import MICROS
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Fault, Stage
from tests.web.test_pages import text_of
from tests.web.test_work import post
from web.pages import live
from web.pages.control_room import panels
from workflows.alarms.floods import settle_floods

SMOKE = Fault("smoke", {"en": "Smoke"}, "critical", "smoke", "smoke", {}, life_safety=True)
PUMP = "b1-pump-1"


def test_a_sensor_that_chatters_is_shown_on_its_ticket_and_in_the_lists(
    stage: Stage, client: TestClient
) -> None:
    start, numbers = stage.now, set()
    for n in range(3):
        numbers.add(stage.trip(PUMP, OVERHEATING, at=start + 20 * n * MICROS))
        if n < 2:
            stage.clear(PUMP, OVERHEATING, at=start + (20 * n + 10) * MICROS)
    [number] = numbers
    page = text_of(client, f"/tickets/{number}")
    assert "has tripped 1 time since" in page
    assert "The sensor began to chatter" in page
    for address in ("/?site=riverside", "/alarms"):
        assert "chatters, 1 time" in text_of(client, address)
    assert "抖动 1 次" in text_of(client_of(stage, locale="zh"), "/control-room?site=riverside")


def flood(stage: Stage) -> int:
    """A burst pipe on three pits of one building, and smoke beside it; the number of its ticket."""
    wet = replace(OVERHEATING, rule_id="wet", family="water")
    numbers = [stage.trip(f"b1-pump-{one}", wet) for one in (1, 2, 3)]
    stage.trip(PUMP, SMOKE)
    return numbers[0]


def test_the_ticket_of_an_incident_lists_its_alarms_and_what_is_beside_it(
    stage: Stage, client: TestClient
) -> None:
    number = flood(stage)
    page = text_of(client, f"/tickets/{number}")
    assert "3 alarms · 3 still stand" in page
    assert "Several alarms with one cause" in page
    assert "At the same time, not part of it" in page
    for address in ("/?site=riverside", "/alarms"):
        assert "incident, 3 alarms" in text_of(client, address)
    assert "事件 · 3 条报警" in text_of(
        client_of(stage, locale="zh"), "/control-room?site=riverside"
    )


def test_a_large_incident_hides_no_other_alarm(
    stage: Stage, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = replace(OVERHEATING, rule_id="stuck", title={"en": "Valve stuck"}, severity="low")
    stage.trip(PUMP, stuck)
    flood(stage)
    for part, page in (("live", live), ("control-room", panels)):
        # As many as there are lines, and fewer than there are alarms.
        monkeypatch.setattr(page, "LONGEST_LIST", 3)
        assert "Valve stuck" in client.get(f"/{part}/{stage.site_id}/alarms").text


def test_an_alarm_that_does_not_belong_is_taken_out_with_a_ticket_of_its_own(
    stage: Stage, client: TestClient
) -> None:
    number = flood(stage)
    page = client.get(f"/tickets/{number}").text
    address = re.findall(r'action="([^"]+/split)"', page)[-1]
    assert post(client, address) == 303
    assert stage.ticket(number + 3).previous_id == stage.ticket(number).id
    page = text_of(client, f"/tickets/{number}")
    assert "2 alarms · 2 still stand" in page
    assert "taken out, with a ticket of its own" in page
    assert post(client, address) == 409


def test_a_flood_of_alarms_is_marked_where_alarms_are_listed(
    stage: Stage, client: TestClient
) -> None:
    for n in range(11):
        stage.trip("b1-pump-1", replace(OVERHEATING, rule_id=f"rule-{n}"))
    with stage.parts.database.write() as session:
        settle_floods(session, [stage.site_id], stage.parts.clock.now())
    for address in ("/?site=riverside", "/control-room?site=riverside"):
        assert "11 alarms · up to 11 in ten minutes" in text_of(client, address)
    assert "Flood of alarms" not in text_of(client, f"/assets/{stage.assets[PUMP]}")
