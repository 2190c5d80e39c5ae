"""The checklist of a ticket in the console."""

import re

from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from tests.pictures import photo
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_work import post

PRESSURE = {
    "text": "Pressure",
    "kind": "number",
    "required": "yes",
    "unit": "bar",
    "low": "2",
    "high": "6",
}


def item_of(client: TestClient, page: str, words: str) -> str:
    """The id of an item by its words."""
    found = re.search(rf'id="item-([^"]+)">\s*<p class="item-title">{words}', client.get(page).text)
    assert found is not None, words
    return found[1]


def test_a_checklist_is_worked_down(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    page = f"/tickets/{number}"
    assert post(client, f"{page}/accept", version=1) == 303
    tick = {"text": "Switched off", "kind": "tick", "required": "yes"}
    assert post(client, f"{page}/checklist", **tick) == 303
    assert post(client, f"{page}/checklist", **PRESSURE) == 303
    belt = {"text": "Belt", "kind": "choice", "choices": "Good\r\n\r\n Worn "}
    assert post(client, f"{page}/checklist", **belt) == 303
    text = client.get(page).text
    assert "2 items of the checklist have to be answered first" in text
    assert "Mark as resolved" not in text
    assert "Allowed: 2–6 bar" in text
    ticked, pressure, choice = (item_of(client, page, one) for one in ("Switched", "Pres", "Belt"))
    assert post(client, f"{page}/checklist/{ticked}", value="yes") == 303
    assert post(client, f"{page}/checklist/{pressure}", value="7.5") == 303
    assert post(client, f"{page}/checklist/{choice}", value="2") == 303
    text = client.get(f"{page}/parts/checklist").text
    assert "Outside the range" in text
    assert "7.5 bar" in text
    assert "<strong>Worn</strong>" in text
    assert "Wei Chen" in text
    assert "Mark as resolved" in client.get(page).text
    assert post(client, f"{page}/checklist/{pressure}", value="") == 303
    assert "1 item of the checklist has to be answered first" in client.get(page).text
    assert post(client, f"{page}/checklist/{pressure}/remove") == 303
    assert "Pressure" not in client.get(f"{page}/parts/checklist").text


def test_an_item_is_answered_with_a_photo(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    page = f"/tickets/{number}"
    assert post(client, f"{page}/checklist", text="Plate", kind="photo", required="yes") == 303
    address = f"{page}/checklist/{item_of(client, page, 'Plate')}/photo"
    assert post(client, address) == 422
    token = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    files = {"photo": ("plate.jpg", photo(), "image/jpeg")}
    assert client.post(address, data=token, files=files).status_code == 303
    text = client.get(f"{page}/parts/checklist").text
    assert re.search(r'<img src="/photos/[^"]+" alt="Plate"', text)


def test_what_makes_no_sense_is_refused_with_what_to_correct(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    for wrong in ({"text": ""}, {"kind": "smell"}, {"low": "cold"}, {"low": "7"}):
        assert post(client, f"/tickets/{number}/checklist", **{**PRESSURE, **wrong}) == 422, wrong
    token = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    wrong = {**token, **PRESSURE, "kind": "smell"}
    told = client.post(f"/tickets/{number}/checklist?lang=zh", data=wrong).text
    assert "第 1 项：类型：须为" in told


def test_who_does_not_work_tickets_only_reads_the_checklist(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    page = f"/tickets/{number}"
    assert post(client, f"{page}/checklist", **PRESSURE) == 303
    item = item_of(client, page, "Pressure")
    auditor, technician = client_of(stage, "auditor"), client_of(stage, "technician")
    text = auditor.get(page).text
    assert "Pressure" in text
    assert f"{page}/checklist/{item}" not in text
    assert post(auditor, f"{page}/checklist/{item}", value="3") == 403
    assert post(auditor, f"{page}/checklist", **PRESSURE) == 403
    assert post(technician, f"{page}/checklist/{item}/remove") == 403
    assert "Not needed here" not in technician.get(page).text
    assert post(technician, f"{page}/checklist/{item}", value="3") == 303
