"""Pages of guards' phones and reports: set up, lost, found; read, closed; and PINs."""

import html
import re
from datetime import timedelta

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from core.pins import pin_of
from tests.guard_phone import GuardPhone
from tests.web.conftest import client_of, signed_in
from tests.web.phoning import Gatehouse, gatehouse
from tests.web.stage import Stage
from workflows.patrol.journal.taking import Batch, take_batch
from workflows.patrol.phones.model import Phone, PhonePlace


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def read(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.text)


def send(client: TestClient, of: str, path: str, **fields: str) -> httpx2.Response:
    """Send a form of a page."""
    return client.post(path, data={"csrf": csrf(read(client, of)), **fields})


@pytest.fixture
def gate(stage: Stage) -> Gatehouse:
    return gatehouse(stage)


def test_phones_are_set_up_lost_found_and_taken_out_of_use(
    stage: Stage, gate: Gatehouse, client: TestClient
) -> None:
    page = read(client, "/phones")
    assert "Gatehouse 门岗" in page
    assert "It still holds 1 entry." in page
    assert "Its clock is off by 7 min" in page
    assert "may delete what is stored" in page
    fields = {
        "site": str(stage.site_id),
        "kind": "post",
        "label": "Garage",
        "team": "",
        "person": "",
    }
    made = send(client, "/phones", "/phone-places", **fields)
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    code = re.search(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", made.text)
    assert code is not None
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count(PhonePlace.id))) == 2
    assert "Garage" in read(client, "/phones")
    assert send(client, "/phones", "/phone-places", **{**fields, "label": ""}).status_code == 422
    one = f"/phones/{gate.phone.id}"
    page = read(client, one)
    assert "Zhao Guo Qiang" in page
    assert "signed in now" in page
    # What it kept from before it was set up anew.
    assert "From an earlier set-up" in page
    assert "车库手提灯不亮" in page
    assert "Not all of it is signed by a key that is known here." in page
    stale = send(client, one, f"{one}/lose", version="9")
    assert stale.status_code == 412
    for action, shown in (
        ("lose", "It was found"),
        ("find", "It is lost"),
        ("retire", "Out of use"),
    ):
        version = re.search(r'name="version" value="(\d+)"', read(client, one))
        assert version is not None
        moved = send(client, one, f"{one}/{action}", version=version[1])
        assert moved.status_code == 303, moved.text
        assert shown in read(client, one)
    assert "手机" in read(client_of(stage, "supervisor", "zh"), "/phones")
    assert client_of(stage, "guard").get("/phones").status_code == 403


def test_a_copied_phone_is_shown(stage: Stage, gate: Gatehouse, client: TestClient) -> None:
    copy = GuardPhone(
        id=gate.phone.id,
        private=gate.phone.private,
        entries=gate.phone.entries[:2],
        person=gate.guard,
    )
    now = stage.parts.clock.now()
    copy.scan("04AABBF1", now - timedelta(minutes=1))
    entries, signature = copy.batch(3)
    with stage.parts.database.write() as session:
        row = session.get_one(Phone, copy.id, with_for_update=True)
        batch = Batch(entries, signature, copy.head, now)
        assert take_batch(session, row, batch, vault=stage.parts.vault, now=now).forked_at == 3
    assert "Two continue its journal" in read(client, "/phones")
    assert "Seen " in read(client, f"/phones/{copy.id}")


def test_reports_are_read_with_their_photos_and_closed_once(
    stage: Stage, gate: Gatehouse, client: TestClient
) -> None:
    page = read(client, "/guard-reports")
    assert page.index("Suspicious person") < page.index("Water leak")
    assert "2 photos and voice notes" in page
    assert "Suspicious person" not in read(client, "/guard-reports?kind=repair")
    assert "There is no such report." in read(client, "/guard-reports?state=closed")
    one = f"/guard-reports/{gate.leak}"
    page = read(client, one)
    for shown in (
        "信箱上方水管滴水",
        "Valve shut?",
        f"/guard-files/{gate.photo}",
        "still on the phone",
    ):
        assert shown in page
    assert "ticket #" in page
    photo = client.get(f"/guard-files/{gate.photo}")
    assert photo.headers["Content-Type"] == "image/jpeg"
    assert "Left towards the garage" in read(client, f"/guard-reports/{gate.stranger}")
    closed = send(client, one, f"{one}/close", closing="Sealed by Wang", version="1")
    assert closed.status_code == 303
    assert "Sealed by Wang" in read(client, one)
    assert (
        client.post(f"{one}/close", data={"csrf": csrf(read(client, "/account"))}).status_code
        == 422
    )
    guard = signed_in(stage, stage.secret(gate.guard, "session"))
    assert "漏水" in read(guard, "/guard-reports")
    assert "办结上报" not in read(guard, f"/guard-reports/{gate.stranger}")
    other = client_of(stage, "guard")
    assert other.get(one).status_code == 404
    assert other.get(f"/guard-files/{gate.photo}").status_code == 404


def test_pins_are_set_by_oneself_and_given_by_who_sets_patrols_up(
    stage: Stage, gate: Gatehouse
) -> None:
    guard = signed_in(stage, stage.secret(gate.guard, "session"))
    assert send(guard, "/account", "/account/pin", pin="111111").status_code == 422
    assert send(guard, "/account", "/account/pin", pin="482913").status_code == 303
    assert "已设置" in read(guard, "/account")
    boss = client_of(stage, "supervisor")
    page = f"/people/{gate.guard}"
    assert send(boss, page, f"{page}/pin", pin="739164").status_code == 303
    with stage.parts.database.read() as session:
        row = pin_of(session, gate.guard)
    assert row is not None
    assert row.given
    assert "Give this PIN" not in read(client_of(stage, "service_desk"), page)
