"""Fire alarms on pages: two big buttons on a phone, the running clock in the control room."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from tests.pictures import photo
from tests.web.conftest import client_of, signed_in
from tests.web.looking import fits, press
from tests.web.stage import Fault, Stage, WebServer
from workflows import notifications
from workflows.notifications import Notice
from workflows.tickets import Ticket
from workflows.tickets.fire_alarms import FireAlarm

SMOKE = Fault(
    "smoke-detected",
    {"en": "Smoke detected", "zh": "烟雾报警"},
    "critical",
    "smoke",
    "smoke held 0s",
    {"smoke": 1.0},
    life_safety=True,
    category="fire_alarm",
)
DETECTOR = "b1-smoke-f9"
ROOM = "/control-room?site=riverside"


def alarm(stage: Stage, number: int) -> FireAlarm:
    """The short clock of a ticket as it stands."""
    with stage.parts.database.read() as session:
        return session.get_one(FireAlarm, stage.ticket(number).id)


def post(
    client: TestClient, address: str, content: bytes = b"", /, **form: object
) -> tuple[int, str]:
    """Send a form, with a photo or without; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    files = {"photo": ("spot.jpg", content, "image/jpeg")} if content else None
    answer = client.post(address, data={"csrf": token, **form}, files=files)
    return answer.status_code, answer.headers.get("location", answer.text)


def colleague(stage: Stage, role: str, name: str = "Zhao Wei", locale: str = "en") -> UUID:
    """Somebody of our site."""
    return stage.person(name, role, node=stage.site_id, locale=locale)


def test_the_control_room_sends_somebody_and_sees_the_clock(
    stage: Stage, client: TestClient
) -> None:
    assert 'class="fires"' not in client.get(ROOM).text
    guard, number = colleague(stage, "guard"), stage.trip(DETECTOR, SMOKE)
    page = client.get(ROOM).text
    assert "Nobody has seen it yet" in page
    assert "data-countdown" in page
    assert "Zhao Wei" in page
    address = f"/tickets/{number}/fire-alarm/see"
    assert post(client, address, sent="nobody")[0] == 422
    assert post(client, address, sent=str(guard)) == (303, f"/tickets/{number}")
    assert alarm(stage, number).sent_id == guard
    part = client.get(f"/control-room/{stage.site_id}/fires").text
    assert "Somebody was sent to look" in part
    headers = {"HX-Request": "true", "X-CSRF-Token": csrf_token(client.cookies[SESSION_COOKIE])}
    other = colleague(stage, "technician", "Li Na")
    answer = client.post(address, data={"sent": str(other)}, headers=headers)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "wk:fires")
    assert alarm(stage, number).sent_id == other


def test_a_fire_sounds_in_the_control_room_until_somebody_takes_it_on(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    post(client, f"/tickets/{number}/accept", version=1)
    sound = f"/control-room/{stage.site_id}/sound"
    assert 'data-ringing=""' in client.get(sound).text
    # Muted for what stands; a fire that comes later breaks through.
    post(client, f"/control-room/{stage.site_id}/mute", minutes=10)
    assert post(client, f"/tickets/{number}/fire-alarm/fire")[0] == 303
    loud = client.get(sound).text
    assert 'data-ringing="critical"' in loud
    assert 'data-breaking="critical"' in loud
    assert "Reported from the spot" in client.get(f"/control-room/{stage.site_id}/fires").text
    assert post(client, f"/tickets/{number}/fire-alarm/answer")[0] == 303
    assert 'data-ringing=""' in client.get(sound).text
    assert post(client, f"/tickets/{number}/fire-alarm/answer")[0] == 409


def test_no_fire_needs_a_photo_and_says_what_it_was(stage: Stage) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    guard = signed_in(stage, stage.secret(colleague(stage, "guard"), "session"))
    page = guard.get(f"/tickets/{number}").text
    assert 'capture="environment"' in page
    address = f"/tickets/{number}/fire-alarm/clear"
    status, text = post(guard, address, cause="dust")
    assert status == 422
    assert "photo: take one there, after the alarm" in text
    assert post(guard, address, b"no picture", cause="dust")[0] == 422
    assert post(guard, address, photo(), cause="aliens")[0] == 422
    assert post(guard, address, photo(80, 60), cause="dust", note="Drilling")[0] == 303
    ticket = stage.ticket(number)
    assert (ticket.state, ticket.verdict_cause) == ("resolved", "dust")
    shown = guard.get(f"/tickets/{number}").text
    assert "No fire" in shown
    assert "Looked on the spot: no fire" in shown


def test_who_only_reads_sees_no_button_and_strangers_see_nothing(stage: Stage) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    steps = ("see", "clear", "fire", "answer", "stand-down")
    reader = client_of(stage, "auditor")
    page = reader.get(f"/tickets/{number}").text
    assert "Nobody has seen it yet" in page
    assert "fire-alarm/" not in page
    person = stage.person("Stranger", "administrator", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    before = events.newest(stage.parts.database)
    for step in steps:
        address = f"/tickets/{number}/fire-alarm/{step}"
        content = photo() if step in ("clear", "stand-down") else b""
        assert post(reader, address, content, cause="dust", sent=str(person))[0] == 403
        assert post(stranger, address, content, cause="dust", sent=str(person))[0] == 404
    assert events.newest(stage.parts.database) == before


def test_a_manager_calls_a_fire_off_with_a_photo(stage: Stage, client: TestClient) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    post(client, f"/tickets/{number}/fire-alarm/fire")
    assert "Call the fire off" in client.get(f"/tickets/{number}").text
    address = f"/tickets/{number}/fire-alarm/stand-down"
    assert post(client, address, cause="smoking")[0] == 422
    assert post(client, address, photo(), cause="smoking")[0] == 303
    assert alarm(stage, number).state == "not_fire"


def test_the_terms_of_a_place_say_how_short_the_clock_is(stage: Stage, client: TestClient) -> None:
    page = client.get(f"/service?node={stage.site_id}").text
    assert 'name="seen_within" value="1m"' in page
    form = {
        "version": 0,
        "grade": "standard",
        "warn_at": "75",
        "hold_limit": "7d",
        "respond_within": ["1h"],
        "resolve_within": ["1d"],
        "calendar": ["always"],
    }
    address = f"/service/{stage.site_id}/terms"
    wrong = {"seen_within": "3m", "confirmed_within": "2m"}
    assert post(client, address, **form, **wrong)[0] == 422
    right = {"seen_within": "20s", "confirmed_within": "2m"}
    assert post(client, address, **form, **right)[0] == 303
    number = stage.trip(DETECTOR, SMOKE)
    found = alarm(stage, number)
    assert found.seen_due - found.began_at == timedelta(seconds=20)
    assert found.confirm_due - found.began_at == timedelta(minutes=2)


def test_who_answers_the_message_about_a_fire_takes_it_on(stage: Stage) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    manager = colleague(stage, "manager", "Wu Min")
    client = signed_in(stage, stage.secret(manager, "session"))
    post(client, f"/tickets/{number}/fire-alarm/fire")
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        facts = events.read_after(stage.parts.database, events.START, 1000)
        fires = [fact for fact in facts if fact.kind == "fire_alarm.fire"]
        notifications.take_up(session, fires, now=now)
        notice = session.query(Notice).filter_by(person_id=manager).one()
    assert "FIRE, confirmed on the spot" in client.get("/account/inbox").text
    assert post(client, f"/account/inbox/{notice.id}/answer") == (303, f"/tickets/{number}")
    assert alarm(stage, number).answered_by == manager


@pytest.fixture
def phones(stage: Stage, server: WebServer, browser: Browser) -> Iterator[list[BrowserContext]]:
    """Browsers of colleagues, closed at the end."""
    del stage, server
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def browse(
    stage: Stage, browser: Browser, opened: list[BrowserContext], person: UUID, width: int
) -> Page:
    """Somebody's browser, signed in."""
    context = browser.new_context(viewport={"width": width, "height": 844})
    opened.append(context)
    cookie = {"name": SESSION_COOKIE, "value": stage.secret(person, "session"), "url": stage.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    return context.new_page()


@pytest.mark.parametrize(
    ("locale", "no_fire", "fire", "dust"),
    [("en", "No fire", "FIRE", "Dust"), ("zh", "不是火警", "火警", "灰尘")],
    ids=["en", "zh"],
)
def test_on_a_phone_two_big_buttons_end_the_wait_of_the_control_room(
    stage: Stage,
    browser: Browser,
    phones: list[BrowserContext],
    tmp_path: Path,
    locale: str,
    no_fire: str,
    fire: str,
    dust: str,
) -> None:
    number = stage.trip(DETECTOR, SMOKE)
    desk = browse(stage, browser, phones, colleague(stage, "safety_officer", "Mei", locale), 1280)
    desk.goto(f"{stage.url}{ROOM}")
    row = desk.locator(".fires .fire")
    expect(row).to_be_visible()
    # It runs: each second shows.
    clock = row.locator(".fire-clock")
    expect(clock).to_have_text(re.compile(r"\b[01]:\d\d"))
    first = clock.inner_text()
    expect(clock).not_to_have_text(first)
    guard = colleague(stage, "guard", "Bo", locale)
    phone = browse(stage, browser, phones, guard, 390)
    phone.goto(f"{stage.url}/tickets/{number}")
    fits(phone)
    big = phone.get_by_role("button", name=fire, exact=True)
    box = big.bounding_box()
    assert box is not None
    assert box["width"] > 280
    assert box["height"] > 80
    picture = tmp_path / "spot.jpg"
    picture.write_bytes(photo(200, 150))
    phone.locator("summary", has_text=no_fire).click()
    phone.locator("#fire-photo-clear").set_input_files(picture)
    fits(phone)
    press(phone, phone.get_by_role("button", name=dust, exact=True))
    assert alarm(stage, number).cause == "dust"
    # The control room hears of it by itself.
    expect(row).to_have_count(0)
    with stage.parts.database.read() as session:
        assert session.get_one(Ticket, stage.ticket(number).id).doer_id == guard
