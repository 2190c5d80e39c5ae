"""Promised times and calendars in the console: seen by all staff, changed by who answers for it."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from workflows.tickets import mark_moments
from workflows.tickets.promises import service_grades, terms_at

PUMP = "b1-pump-1"
DAYS = ["08:30-17:30"] * 5 + ["", ""]


def post(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, **form})
    return answer.status_code, answer.headers.get("location", answer.text)


def columns(promises: list[tuple[str, str, str, str, str, str]]) -> dict[str, list[str]]:
    """The inputs of the table of promises."""
    names = ("kind", "category", "priority", "respond_within", "resolve_within", "calendar")
    return dict(zip(names, (list(column) for column in zip(*promises, strict=True)), strict=True))


def test_a_manager_chooses_a_grade_and_sees_whom_it_moved(stage: Stage, client: TestClient) -> None:
    stage.trip(PUMP, OVERHEATING)
    assert "Standard" in client.get(f"/service?node={stage.site_id}").text
    address = f"/service/{stage.site_id}/grade"
    status, there = post(client, address, version=0, grade="urgent-30")
    assert (status, there) == (303, f"/service?node={stage.site_id}&moved=0")
    page = client.get(there).text
    assert "30-minute urgent attendance" in page
    assert "0 open tickets have another deadline now." in page
    # Somebody who had the page open before may not overwrite it unseen.
    assert post(client, address, version=0, grade="standard")[0] == 412
    assert post(client, address, version=1, grade="golden")[0] == 422


def test_own_terms_are_written_as_a_table(stage: Stage, client: TestClient) -> None:
    promises = [
        ("", "", "", "", "", "office"),
        ("incident", "entrapment", "", "5m", "30m", "always"),
        ("", "", "", "1h", "2d", "office"),
    ]
    rungs = {
        "rung_clock": ["response", "resolution"],
        "rung_after": ["10m", ""],
        "rung_to": ["manager", "manager"],
    }
    form = {**columns(promises), **rungs, "warn_at": "60", "hold_limit": "2d", "version": 0}
    address = f"/service/{stage.site_id}/terms"
    status, there = post(client, address, grade="standard", **form)
    assert status == 303, there
    with stage.parts.database.read() as session:
        found = terms_at(session, stage.site_id)
    assert (found.own, len(found.terms.promises), found.terms.warn_at) == (True, 2, 60)
    assert found.terms.hold_limit == timedelta(days=2)
    assert [rung.to for rung in found.terms.escalation.response] == ["manager"]
    assert "which began as “Standard”" in client.get(there).text
    # How calls climb stays where a form does not ask for it, and so does what guards go to.
    climbs = {"escalation": [{"after": "10s", "to": "manager"}], "repeat": "1m"}
    sends = {"guards": {"send": [], "answer_within": "20s"}}
    own = {**found.terms.model_dump(mode="json"), "sos": climbs, **sends}
    body = {"grade": "standard", "terms": own}
    token = {"X-CSRF-Token": csrf_token(client.cookies[SESSION_COOKIE]), "If-Match": '"1"'}
    changed = client.put(f"/api/v1/nodes/{stage.site_id}/terms", json=body, headers=token)
    assert changed.is_success, changed.text
    assert post(client, address, grade="standard", **{**form, "version": 2})[0] == 303
    with stage.parts.database.read() as session:
        kept = terms_at(session, stage.site_id).terms
    assert kept.sos.model_dump(mode="json") == climbs
    assert (kept.guards.send, kept.guards.answer_within) == ((), timedelta(seconds=20))
    page = client.get(f"/service?node={stage.site_id}").text
    assert 'name="sos_after" aria-label="After the call" value="10s"' in page
    chain = {"sos_after": ["20s", "40s", ""], "sos_to": ["supervisor", "manager", "manager"]}
    form |= {**chain, "sos_repeat": "90s", "version": 3}
    assert post(client, address, grade="standard", **form)[0] == 303
    with stage.parts.database.read() as session:
        chosen = terms_at(session, stage.site_id).terms.sos.model_dump(mode="json")
    assert [(one["after"], one["to"]) for one in chosen["escalation"]] == [
        ("20s", "supervisor"),
        ("40s", "manager"),
    ]
    form["version"] = 4
    for wrong in ({"sos_after": ["40s", "20s", ""]}, {"sos_after": [""]}, {"sos_repeat": ""}):
        status, text = post(client, address, grade="standard", **{**form, **wrong})
        assert (status, "sos" in text) == (422, True)
    status, text = post(client, address, grade="standard", **{**form, "warn_at": "many"})
    assert status == 422
    assert "warn_at" in text


def test_a_calendar_shows_its_year_and_is_changed(stage: Stage, client: TestClient) -> None:
    address = f"/service/{stage.site_id}/calendars/office"
    page = client.get(f"{address}?year=2026").text
    assert page.count("day-holiday") > 15
    assert "Saturday, 10 October 2026: worked to make up for a holiday" in page
    form = {
        "code": "office",
        "name_en": "Office hours",
        "name_zh": "工作时间",
        "hours": DAYS,
        "country": "none",
        "exceptions": "2026-11-24 closed\n2026-11-28 9:00-12:00\n",
        "version": 0,
    }
    status, there = post(client, f"/service/{stage.site_id}/calendars", **form)
    assert status == 303, there
    page = client.get(f"{address}?year=2026").text
    assert "day-own-closed" in page
    assert "2026-11-28 09:00-12:00" in page
    assert "worked to make up for a holiday:" not in page
    assert post(client, f"/service/{stage.site_id}/calendars", **form)[0] == 412
    status, text = post(
        client, f"/service/{stage.site_id}/calendars", **{**form, "version": 1, "exceptions": "x"}
    )
    assert status == 422
    assert "no date such as" in text


def test_a_new_calendar_is_added_and_a_year_too_far_away_is_brought_near(
    stage: Stage, client: TestClient
) -> None:
    page = client.get(f"/service/{stage.site_id}/calendars/new?year=9999").text
    assert "2100" in page
    form = {"code": "lift-hours", "name_en": "Lifts", "hours": ["00:00-24:00"] * 7, "version": 0}
    assert post(client, f"/service/{stage.site_id}/calendars", **form)[0] == 303
    assert "Lifts" in client.get(f"/service?node={stage.site_id}").text
    assert client.get(f"/service/{stage.site_id}/calendars/unknown").status_code == 404
    assert "can't be changed" in client.get(f"/service/{stage.site_id}/calendars/always").text


@pytest.mark.parametrize("role", ["technician", "supervisor", "auditor"])
def test_who_does_not_answer_for_it_only_reads(stage: Stage, role: str) -> None:
    client = client_of(stage, role)
    page = client.get(f"/service?node={stage.site_id}").text
    assert "Save as our own terms" not in page
    assert post(client, f"/service/{stage.site_id}/grade", version=0, grade="standard")[0] == 403
    form = {"code": "office", "name_en": "x", "hours": DAYS, "version": 0}
    assert post(client, f"/service/{stage.site_id}/calendars", **form)[0] == 403


def test_a_hold_is_written_by_the_clocks_of_the_site(stage: Stage, client: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    version = stage.ticket(number).version
    assert post(client, f"/tickets/{number}/start", version=version)[0] == 303
    version = stage.ticket(number).version
    hold: dict[str, object] = {"version": version, "note": "Waiting for a bearing"}
    for until in ("", "soon", "2020-01-01T09:00"):
        assert post(client, f"/tickets/{number}/hold", **hold, until=until)[0] == 422
    tomorrow = (stage.parts.clock.now() + timedelta(days=1)).strftime("%Y-%m-%d")
    assert post(client, f"/tickets/{number}/hold", **hold, until=f"{tomorrow}T17:00")[0] == 303
    held = stage.ticket(number).hold_until
    assert held is not None
    assert held.isoformat() == f"{tomorrow}T09:00:00+00:00"
    assert "On hold until" in client.get(f"/tickets/{number}").text


def test_whom_a_missed_deadline_was_passed_to_stands_in_the_story(
    stage: Stage, client: TestClient
) -> None:
    stage.person("Lin Hua", "supervisor", node=stage.site_id)
    number = stage.trip(PUMP, OVERHEATING)
    _let_pass(stage)
    page = client.get(f"/tickets/{number}").text
    assert "Passed up: step" in page
    assert "Supervisor (Lin Hua)" in page


def _let_pass(stage: Stage) -> None:
    with stage.parts.database.write() as session:
        later = stage.parts.clock.now() + timedelta(days=1)
        mark_moments(session, now=later, actor=events.SYSTEM)


def test_every_grade_is_offered(stage: Stage, client: TestClient) -> None:
    page = client.get(f"/service?node={stage.company_id}").text
    for grade in service_grades().values():
        assert grade.name["en"] in page
