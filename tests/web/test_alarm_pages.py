"""Pages of alarms: what is withheld is shown, and ends where people say so."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core.rulebook import RuleVersion
from tests.web.conftest import signed_in
from tests.web.stage import OVERHEATING, Fault, Stage
from web.pages import alarms, live, planned_work
from web.pages.control_room import panels
from workflows.alarms import Alarm
from workflows.alarms.planned_work import PlannedWork

PUMP = "b1-pump-1"
LEAK = Fault(
    "water-at-electrics",
    {"en": "Water at electrics", "zh": "电气设备处有水"},
    "critical",
    "leak",
    "leak",
    {"leak": 1.0},
    life_safety=True,
)


def somebody(stage: Stage, role: str, name: str) -> TestClient:
    person = stage.person(name, role, node=stage.site_id)
    return signed_in(stage, stage.secret(person, "session"))


def send(client: TestClient, address: str, **fields: str) -> str:
    """Send a form; where it leads."""
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": csrf, **fields}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def alarm_of(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        return session.scalars(select(Alarm.id)).one()


def state_of(stage: Stage) -> str:
    with stage.parts.database.read() as session:
        return session.scalars(select(Alarm.state)).one()


def later(stage: Stage, hours: int) -> str:
    """A moment ahead by the clocks of the site, as a browser's field has it."""
    moment = stage.parts.clock.now() + timedelta(hours=hours + 8)
    return moment.strftime("%Y-%m-%dT%H:%M")


def test_a_shelved_alarm_is_shown_wherever_it_would_stand_and_given_back(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    alarm = alarm_of(stage)
    lead = somebody(stage, "supervisor", "Lead Gao")
    page = f"/alarms/{alarm}"
    assert "Until it clears" in lead.get(page).text
    send(lead, f"{page}/shelve", minutes="240", reason="Waits for a new bearing")
    asset = f"/assets/{stage.assets[PUMP]}"
    for shown in (page, "/alarms?view=withheld", "/live", "/control-room", asset):
        text = lead.get(shown).text
        assert "Waits for a new bearing" in text, shown
        assert "Lead Gao" in text, shown
    assert str(alarm) not in lead.get("/alarms").text
    # Neither the tree nor the plan calls its pump well without saying so.
    for shown in ("/live", "/control-room"):
        assert "1 withheld" in lead.get(shown).text, shown
    assert "已搁置" in lead.get("/alarms?view=withheld&lang=zh").text
    assert send(lead, f"{page}/unshelve") == page
    assert state_of(stage) == "unacknowledged"
    # The evidence of its ticket says that it was withheld.
    assert "It was withheld from" in lead.get("/tickets/1?lang=en").text


def test_a_guard_sees_why_an_alarm_is_silent_and_no_button_to_change_it(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    page = f"/alarms/{alarm_of(stage)}"
    lead = somebody(stage, "supervisor", "Lead Gao")
    send(lead, f"{page}/shelve", minutes="cleared", reason="Known")
    text = somebody(stage, "guard", "Guard Wu").get(page).text
    assert "Known" in text
    assert "/unshelve" not in text
    assert "/out-of-service" not in text


def test_two_people_take_an_alarm_about_lives_out_of_service_and_every_hand_over_says_so(
    stage: Stage,
) -> None:
    stage.trip(PUMP, LEAK)
    page = f"/alarms/{alarm_of(stage)}"
    lead, officer = (
        somebody(stage, "supervisor", "Lead Gao"),
        somebody(stage, "safety_officer", "Officer Sun"),
    )
    assert f"{page}/shelve" not in lead.get(page).text
    send(
        lead,
        f"{page}/out-of-service",
        until=later(stage, 5),
        reason="Pipe is welded",
        patrol="Post 3, Wang",
    )
    assert state_of(stage) == "unacknowledged"
    assert "Post 3, Wang" in officer.get("/alarms?view=withheld").text
    found = re.search(r"/withholdings/[0-9a-f-]+/confirm", officer.get(page).text)
    assert found is not None
    assert "/confirm" not in lead.get(page).text
    send(officer, found[0])
    assert state_of(stage) == "out_of_service"
    assert "Post 3, Wang" in lead.get("/control-room").text
    address = f"/hand-over?site={stage.site_id}&team=maintenance"
    assert "Post 3, Wang" in lead.get(address).text
    sheet = send(lead, f"/teams/{stage.site_id}/hand-over", team="maintenance")
    assert "Post 3, Wang" in lead.get(sheet).text


def test_work_is_planned_on_a_page_moved_and_ended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = somebody(stage, "supervisor", "Lead Gao")
    form = lead.get(f"/planned-work/new?asset={stage.assets[PUMP]}").text
    assert f'value="{stage.assets[PUMP]}" selected' in form
    given = {
        "site": str(stage.site_id),
        "kind": "outage",
        "starts": later(stage, 0),
        "ends": later(stage, 3),
        "asset": str(stage.assets[PUMP]),
        "supplied": "yes",
        "reason": "The board is changed",
    }
    listed = send(lead, "/planned-work", **given)
    assert "The board is changed" in lead.get(listed).text
    with stage.parts.database.read() as session:
        work = session.scalars(select(PlannedWork)).one()
    assert work.ends_at - work.starts_at == timedelta(hours=3)
    change = {"ends": later(stage, 9), "reason": "Two boards", "version": str(work.version)}
    send(lead, f"/planned-work/{work.id}/change", **change)
    assert "Two boards" in lead.get(listed).text
    # However much is planned, what comes next is shown.
    monkeypatch.setattr(planned_work, "LONGEST_LIST", 1)
    for hours, reason in ((30, "Tomorrow"), (60, "One day later")):
        moments = {"starts": later(stage, hours), "ends": later(stage, hours + 3)}
        send(lead, "/planned-work", **{**given, **moments, "reason": reason})
    page = lead.get(listed).text
    assert "Tomorrow" in page
    assert "One day later" not in page
    send(lead, f"/planned-work/{work.id}/cancel")
    with stage.parts.database.read() as session:
        assert session.get_one(PlannedWork, work.id).state == "cancelled"


def test_an_alarm_that_never_tripped_is_found_by_the_rules_of_its_asset(stage: Stage) -> None:
    lead = somebody(stage, "supervisor", "Lead Gao")
    with stage.parts.database.read() as session:
        rules = set(session.scalars(select(RuleVersion.rule_id)))
    page = f"/assets/{stage.assets[PUMP]}/rules"
    offered = re.findall(r'action="(/assets/[^"]+/rules/[^"]+)"', lead.get(page).text)
    assert offered
    assert {address.rpartition("/")[2] for address in offered} <= rules
    opened = send(lead, offered[0])
    assert "It never tripped." in lead.get(opened).text
    assert offered[0] not in lead.get(page).text


def test_the_list_of_all_goes_on_past_those_that_never_tripped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "LONGEST_LIST", 1)
    lead = somebody(stage, "supervisor", "Lead Gao")
    for pump in ("b1-pump-1", "b1-pump-2"):
        send(lead, f"/assets/{stage.assets[pump]}/rules/pump-motor-overheating")
    first = lead.get("/alarms?view=all").text
    [after] = set(re.findall(r"before=([0-9a-f-]{36})", first))
    second = lead.get(f"/alarms?view=all&before={after}").text
    assert f'href="/alarms/{after}"' in first
    assert f'href="/alarms/{after}"' not in second
    # Its own address is on the page, and no further one: it is the last.
    assert set(re.findall(r"before=([0-9a-f-]{36})", second)) == {after}


def test_what_is_out_of_service_is_hidden_behind_no_other_silence(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = somebody(stage, "supervisor", "Lead Gao")
    for pump in ("b1-pump-1", "b1-pump-2"):
        stage.trip(pump, OVERHEATING)
    with stage.parts.database.read() as session:
        first, second = session.scalars(select(Alarm.id).order_by(Alarm.id)).all()
    until = later(stage, 5)
    send(lead, f"/alarms/{first}/out-of-service", until=until, reason="Its sensor is away")
    send(lead, f"/alarms/{second}/shelve", minutes="60", reason="Known")
    for page in (alarms, live, panels):
        monkeypatch.setattr(page, "LONGEST_LIST", 1)
    for address in ("/live", "/control-room"):
        text = lead.get(address).text
        assert "Its sensor is away" in text, address
        assert "Known" not in text, address
        assert "1+" in text, address
    newest = lead.get("/alarms?view=withheld").text
    assert "Its sensor is away" not in newest
    [after] = re.findall(r"before=([0-9a-f-]{36})", newest)
    rest = lead.get(f"/alarms?view=withheld&before={after}").text
    assert "Its sensor is away" in rest
    assert "Older ones" not in rest
    assert lead.get(f"/alarms?view=withheld&before={first}").status_code == 404
