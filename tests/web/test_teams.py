"""Teams, rosters and hand-over in the console."""

import re
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.deps import SESSION_COOKIE, csrf_token
from core.rosters import Absence, Shift
from core.teams import Certificate, Member
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage, WebServer
from web.pages.teams import changing
from workflows.dispatch import Handover

PUMP = "b1-pump-1"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def post(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, "team": "maintenance", **form})
    return answer.status_code, answer.headers.get("location", answer.text)


def today(stage: Stage) -> date:
    """The day by the clocks of the site."""
    return stage.parts.clock.now().astimezone(SHANGHAI).date()


def shifts(stage: Stage) -> list[Shift]:
    """The roster as it is kept."""
    with stage.parts.database.read() as session:
        return list(session.scalars(select(Shift).order_by(Shift.starts_at)))


@pytest.fixture
def worker(stage: Stage) -> UUID:
    """A technician of the site."""
    return stage.person("Li Ming", "technician", node=stage.site_id)


def fill(stage: Stage, client: TestClient, worker: UUID, **changes: object) -> tuple[int, str]:
    """Fill a week of the roster, day and night."""
    form = {
        "person": [str(worker)],
        "weekday": [str(day) for day in range(7)],
        "kind": "duty",
        "starts": "00:00",
        "ends": "00:00",
        "first": str(today(stage)),
        "weeks": "1",
    }
    return post(client, f"/teams/{stage.site_id}/shifts", **{**form, **changes})


def test_a_roster_is_drawn_as_a_picture(stage: Stage, client: TestClient, worker: UUID) -> None:
    page = client.get(f"/teams?site={stage.site_id}").text
    assert "Nobody is in the roster of these days." in page
    assert '<svg class="roster"' not in page
    status, there = fill(stage, client, worker)
    assert (status, there) == (303, f"/teams?site={stage.site_id}&team=maintenance")
    page = client.get(there).text
    assert page.count("roster-bar roster-duty") == len(shifts(stage)) > 0
    # Of two who have the same name each has a row of their own.
    fill(stage, client, stage.person("Li Ming", "technician", node=stage.site_id))
    assert client.get(there).text.count('<text class="roster-name" x="0"') == 2
    assert re.search(r"Li Ming</p>\s*<p class=\"item-about\">On duty", page)
    status, there = post(client, f"/teams/{stage.site_id}/shifts/{shifts(stage)[0].id}/remove")
    assert status == 303
    assert "On duty now" in client.get(there).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts": "late"},
        {"first": "tomorrow"},
        {"weeks": "some"},
        {"weeks": "99"},
        {"first": "9999-12-31"},
        {"first": "0001-01-01"},
        {"person": ["nobody"]},
        {"person": []},
        {"weekday": []},
        {"kind": "party"},
        {"team": "gardens"},
    ],
)
def test_a_roster_that_makes_no_sense_is_not_made(
    stage: Stage, client: TestClient, worker: UUID, wrong: dict[str, object]
) -> None:
    status, text = fill(stage, client, worker, **wrong)
    assert status == 422, text
    assert shifts(stage) == []


def test_a_week_that_lies_far_away_can_be_looked_at(stage: Stage, client: TestClient) -> None:
    assert client.get(f"/teams?site={stage.site_id}&day=2031-03-01").status_code == 200
    for day in ("9999-12-31", "0001-01-01"):
        assert client.get(f"/teams?site={stage.site_id}&day={day}").status_code == 422
    assert client.get(f"/teams?site={stage.site_id}&team=gardens").status_code == 200
    assert client.get(f"/teams?site={stage.company_id}").status_code == 404


def test_a_team_is_set_up_and_its_gaps_are_red(
    stage: Stage, client: TestClient, worker: UUID
) -> None:
    form = {
        "version": 0,
        "name_en": "Maintenance",
        "mode": "load",
        "cover": "always",
        "member": [str(worker)],
        "person": [str(worker)],
        "skills": ["electrical，lift"],
    }
    assert post(client, f"/teams/{stage.site_id}/set-up", **form)[0] == 303
    with stage.parts.database.read() as session:
        assert session.scalars(select(Member)).one().skills == ["electrical", "lift"]
    page = client.get(f"/teams?site={stage.site_id}").text
    assert "roster-bar roster-gap" in page
    assert post(client, f"/teams/{stage.site_id}/set-up", **form)[0] == 412
    assert post(client, f"/teams/{stage.site_id}/set-up", **{**form, "member": "x"})[0] == 422


def test_an_absence_names_a_deputy(stage: Stage, client: TestClient, worker: UUID) -> None:
    deputy = stage.person("Bo", "technician", node=stage.site_id)
    fill(stage, client, worker)
    address = f"/teams/{stage.site_id}/absences"
    span = {"starts": f"{today(stage)}T00:00", "ends": f"{today(stage) + timedelta(days=2)}T00:00"}
    form = {"person": str(worker), "deputy": str(deputy), **span}
    for no_moment in ("soon", "0001-01-01T00:00", "9999-12-31T23:59"):
        assert post(client, address, **{**form, "starts": no_moment})[0] == 422
    assert post(client, address, **form)[0] == 303
    page = client.get(f"/teams?site={stage.site_id}").text
    assert "deputy: Bo" in page
    assert "for Li Ming" in page
    with stage.parts.database.read() as session:
        row = session.scalars(select(Absence)).one()
    assert post(client, f"{address}/{row.id}/end")[0] == 303
    assert post(client, f"{address}/{row.id}/end")[0] == 404


def test_who_makes_the_same_as_somebody_else_at_once_is_told_so(
    stage: Stage, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clash(*_: object, **__: object) -> None:
        raise IntegrityError("INSERT", {}, Exception("unique"))

    monkeypatch.setattr(changing, "set_duty_phone", clash)
    for language, told in (("en", "at the same moment"), ("zh", "他人同时建立了相同的内容")):
        address = f"/teams/{stage.site_id}/duty-phone?lang={language}"
        status, page = post(client, address, phone="0574 8800")
        assert status == 409
        assert told in page


def test_who_works_here_records_their_own_absence_only(
    stage: Stage, client: TestClient, worker: UUID
) -> None:
    own = signed_in(stage, stage.secret(worker, "session"))
    address = f"/teams/{stage.site_id}/absences"
    span = {"starts": f"{today(stage)}T00:00", "ends": f"{today(stage) + timedelta(days=2)}T00:00"}
    assert post(own, address, person=str(worker), **span)[0] == 303
    other = stage.person("Bo", "technician", node=stage.site_id)
    assert post(own, address, person=str(other), **span)[0] == 403
    assert fill(stage, own, worker)[0] == 403
    assert "Add shifts" not in own.get(f"/teams?site={stage.site_id}").text
    del client


def test_certificates_and_the_duty_phone_are_recorded(
    stage: Stage, client: TestClient, worker: UUID
) -> None:
    address = f"/teams/{stage.site_id}/certificates"
    form = {"person": str(worker), "kind": "electrician"}
    assert post(client, address, **form, valid_until="never")[0] == 422
    assert post(client, address, **form, valid_until="2020-01-01")[0] == 303
    assert re.search(r"class=\"late\">valid until 1 Jan 2020", client.get("/teams").text)
    assert post(client, address, **form, valid_until="")[0] == 303
    with stage.parts.database.read() as session:
        assert session.scalars(select(Certificate)).all() == []
    assert post(client, f"/teams/{stage.site_id}/duty-phone", phone="021 555 0000")[0] == 303
    assert "tel:0215550000" in client.get(f"/teams?site={stage.site_id}").text
    assert post(client, f"/teams/{stage.site_id}/duty-phone", phone="call me")[0] == 422


def hand_over(stage: Stage, client: TestClient, **form: object) -> str:
    """Hand the shift over; the address of the sheet."""
    status, there = post(client, f"/teams/{stage.site_id}/hand-over", **form)
    assert status == 303, there
    return there


def test_a_shift_is_handed_over_and_accepted_by_name(
    stage: Stage, client: TestClient, worker: UUID
) -> None:
    stage.trip(PUMP, OVERHEATING)
    keys = {"keys": "Roof\nPump room\n", "equipment": "Torch"}
    assert post(client, f"/teams/{stage.site_id}/items", **keys)[0] == 303
    day = signed_in(stage, stage.secret(worker, "session"))
    page = day.get(f"/hand-over?site={stage.site_id}").text
    assert page.count('name="present"') == 3
    assert page.count("Pump motor overheating") == 2
    present = re.findall(r"name=\"present\" value=\"([^\"]+)\"> Key", page)
    sheet = hand_over(stage, day, note="Lift 2 is noisy", present=present)
    text = day.get(sheet).text
    assert "Torch: missing" in text
    assert "Lift 2 is noisy" in text
    assert "I accept" not in text
    assert post(day, f"{sheet}/accept")[0] == 409
    assert post(day, f"/teams/{stage.site_id}/hand-over")[0] == 409
    night = client_of(stage, "technician")
    assert "hands over since" in night.get(f"/hand-over?site={stage.site_id}").text
    assert post(night, f"{sheet}/accept", remark="Torch found")[0] == 303
    assert "Torch found" in night.get(sheet).text
    assert post(client, f"{sheet}/accept")[0] == 409


def test_a_team_that_is_none_hands_nothing_over(stage: Stage, client: TestClient) -> None:
    for step in ("hand-over", "items"):
        assert post(client, f"/teams/{stage.site_id}/{step}", team="x" * 50, keys="Roof")[0] == 404


def test_a_hand_over_prints_on_one_a4(
    stage: Stage, server: WebServer, browser: Browser, worker: UUID, tmp_path: Path
) -> None:
    for asset in [code for code in stage.assets if "pump" in code][:12]:
        stage.trip(asset, OVERHEATING)
    day = signed_in(stage, stage.secret(worker, "session"))
    sheet = hand_over(stage, day, note="Lift 2 is noisy; the mechanic comes at nine.")
    context = browser.new_context()
    secret = stage.secret(worker, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    page: Page = context.new_page()
    page.goto(f"{stage.url}{sheet}")
    printed = page.pdf(path=tmp_path / "sheet.pdf", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    # A4 in points.
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert box is not None
    assert [round(float(side)) for side in box.groups()] in ([595, 842], [595, 841])
    context.close()


def test_an_old_hand_over_is_not_lost(stage: Stage, client: TestClient, worker: UUID) -> None:
    sheet = hand_over(stage, client)
    own = signed_in(stage, stage.secret(worker, "session"))
    post(own, f"{sheet}/accept")
    hand_over(stage, client)
    with stage.parts.database.read() as session:
        assert len(session.scalars(select(Handover)).all()) == 2
    assert client.get(sheet).status_code == 200
