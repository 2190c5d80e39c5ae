"""A walk test on a phone: started, answered, ticked with a photo, finished and signed."""

import io
from base64 import b64encode
from datetime import timedelta
from uuid import UUID

from fastapi.testclient import TestClient
from PIL import Image, ImageDraw
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core.places import Asset
from jobs.walk_tests import hear_walk_tests
from jobs.work import Work
from tests.ingest.building import publish_rules
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_alarm_pages import PUMP, later, send, somebody
from tests.workflows.test_walk_tests import LIVES
from workflows.alarms import Alarm
from workflows.alarms.walk_tests.model import WalkTest
from workflows.tickets import Ticket


def place_of(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        place = session.scalars(select(Asset.space_id).where(Asset.id == stage.assets[PUMP])).one()
    assert place is not None
    return place


def hear(stage: Stage, *, later_by: timedelta = timedelta(0)) -> int:
    parts = stage.parts
    work = Work(parts.database, parts.telemetry, parts.settings, parts.health)
    return hear_walk_tests(work, parts.clock.now() + later_by)


def picture(kind: str) -> bytes:
    made = Image.new("RGBA", (120, 60), (0, 0, 0, 0))
    ImageDraw.Draw(made).line((5, 5, 100, 50), fill="black", width=3)
    target = io.BytesIO()
    (made if kind == "PNG" else made.convert("RGB")).save(target, kind)
    return target.getvalue()


def tick(client: TestClient, stage: Stage, address: str) -> None:
    device = str(stage.points[PUMP, "running"].device_id)
    form = f"{address}/sensors/{device}"
    assert "Photo of the sensor" in client.get(form).text
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    files = {"photo": ("photo.jpg", picture("JPEG"), "image/jpeg")}
    said = {"csrf": csrf, "note": "behind the pump"}
    answer = client.post(f"{form}/tick", data=said, files=files, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert client.get(f"{form}/photo").headers["content-type"] == "image/jpeg"


def test_a_technician_walks_through_a_place_and_signs_its_sheet(stage: Stage) -> None:
    technician = somebody(stage, "technician", "Tester Gu")
    assert "Start a walk test" in technician.get("/walk-tests").text
    stage.say(PUMP, {"running": 0})
    given = {"site": str(stage.site_id), "space": str(place_of(stage)), "ends": later(stage, 2)}
    assert technician.get(f"/walk-tests/new?site={stage.site_id}").status_code == 200
    address = send(technician, "/walk-tests", **given, reason="Yearly test")
    page = technician.get(address).text
    assert "Owe an answer" in page
    assert "Ticked" in page
    # Its alarm is written down, and shown beside its sensor.
    assert stage.trip(PUMP, OVERHEATING) == 0
    stage.say(PUMP, {"running": 1})
    assert hear(stage) >= 1
    shown = technician.get(f"{address}/sensors").text
    assert "Answered: tick them" in shown
    assert "test, called nobody" in shown
    assert "Walk test" in technician.get("/alarms?view=withheld").text
    tick(technician, stage, address)
    assert "behind the pump" in technician.get(address).text
    assert "still runs" in technician.get(f"{address}/sign").text
    send(technician, f"{address}/finish")
    assert "alarms call again" in technician.get(address).text
    form = technician.get(f"{address}/sign").text
    digest = form.partition('name="digest" value="')[2][:64]
    drawing = "data:image/png;base64," + b64encode(picture("PNG")).decode()
    send(technician, f"{address}/sign", name="Gu", signature=drawing, digest=digest)
    assert digest in technician.get(address).text
    for language in ("en", "zh"):
        paper = technician.get(f"{address}/sheet?lang={language}")
        assert paper.content.startswith(b"%PDF")
    assert "步行测试" in technician.get("/walk-tests?lang=zh").text
    with stage.parts.database.read() as session:
        assert session.scalars(select(WalkTest.state)).one() == "signed"
        assert session.scalars(select(Ticket)).all() == []


def test_who_may_not_silence_alarms_starts_no_test(stage: Stage) -> None:
    guard = somebody(stage, "guard", "Guard Ma")
    assert "Start a walk test" not in guard.get("/walk-tests").text
    assert guard.get("/walk-tests/new").status_code == 403


def test_alarms_about_lives_are_shown_as_silent_only_while_they_are(stage: Stage) -> None:
    with stage.parts.database.write() as session:
        publish_rules(session, LIVES)
    lead, officer = (somebody(stage, role, role) for role in ("supervisor", "safety_officer"))
    given = {"site": str(stage.site_id), "space": str(place_of(stage)), "ends": later(stage, 2)}
    address = send(lead, "/walk-tests", **given, reason="Yearly test")
    assert "still call" in lead.get(address).text
    send(lead, f"{address}/lives", patrol="Li Wei")
    send(officer, f"{address}/lives/confirm")
    page = lead.get(address).text
    assert "are out of service here until" in page
    assert "still call" not in page
    with stage.parts.database.read() as session:
        silent = session.scalars(select(Alarm.id).where(Alarm.state == "out_of_service")).all()
    for alarm in silent:
        send(officer, f"/alarms/{alarm}/return-to-service")
    page = lead.get(address).text
    assert "are out of service here until" not in page
    assert "still call" in page
    assert "Finish this test and start another one" in page
