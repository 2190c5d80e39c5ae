"""Recording and naming in a real Chromium whose microphone beeps."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from core.people import Person
from core.voice import read_voice
from tests.pictures import photo
from tests.servers.chromium import launched
from tests.web.stage import OVERHEATING, Stage, WebServer
from tests.web.test_guests import put_up
from workflows.tickets.model import TicketMention, TicketNote, TicketVoice

PUMP = "b1-pump-1"
ALLOWS = "--use-fake-ui-for-media-stream"
BEEPS = "--use-fake-device-for-media-stream"
PLAYED = """audio => new Promise((done) => {
    audio.addEventListener("timeupdate", () => { if (audio.currentTime > 0.2) done(true); });
    audio.addEventListener("ended", () => done(audio.currentTime > 0));
    audio.addEventListener("error", () => done(false));
    audio.muted = true;
    audio.play().catch(() => done(false));
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that lets every page use its microphone, from which a beep comes."""
    with launched(ALLOWS, BEEPS, "--autoplay-policy=no-user-gesture-required") as chromium:
        yield chromium


@pytest.fixture
def guard(stage: Stage, server: WebServer, page: Page) -> Page:
    """A guard's phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    secret = stage.secret(stage.person("Guard Zhao", "guard"), "session")
    cookie = {"name": SESSION_COOKIE, "value": secret, "url": stage.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


# Whether a beep was heard: there is one each second, and a busy machine misses some.
LOUD = """level => new Promise((done) => {
    const ends = performance.now() + 30_000;
    const look = () => {
        if (level.value > 0.05 || performance.now() > ends) done(level.value > 0.05);
        else setTimeout(look, 20);
    };
    look();
})"""


def record(page: Page, seconds: float = 1.2) -> None:
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Recording")).to_be_visible()
    assert page.locator("[data-level]").evaluate(LOUD)
    page.wait_for_timeout(int(seconds * 1000))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()


def voices(stage: Stage) -> list[TicketVoice]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(TicketVoice)))


def test_a_ticket_is_opened_by_voice_and_photo(
    stage: Stage, guard: Page, console_log: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(photo(400, 300))
    guard.goto(f"{stage.url}/new-ticket?asset={stage.assets[PUMP]}")
    expect(guard.locator("#voice")).to_be_hidden()
    record(guard)
    # What was recorded is heard before it is sent, and can be thrown away.
    assert guard.locator("[data-listen]").evaluate(PLAYED)
    guard.get_by_role("button", name="Delete", exact=True).click()
    expect(guard.get_by_role("button", name="Record", exact=True)).to_be_focused()
    assert guard.locator("#voice").evaluate("field => field.files.length") == 0
    assert guard.locator("#title").evaluate("field => field.required")
    began = time.monotonic()
    record(guard)
    took = time.monotonic() - began
    assert not guard.locator("#title").evaluate("field => field.required")
    guard.locator("#photo").set_input_files(picture)
    guard.get_by_role("button", name="Open the ticket").click()
    expect(guard.get_by_role("heading", name="Listen to the voice note")).to_be_visible()
    [voice] = voices(stage)
    assert 1 <= voice.seconds <= took + 1
    content = stage.parts.files.get(voice.original)
    assert read_voice(content).media_type == voice.media_type
    player = guard.locator("#ticket-facts .items .voice-note audio")
    assert player.evaluate(PLAYED)
    timeline = guard.locator(".activity .voice-note audio")
    expect(timeline).to_have_count(1)
    assert console_log == []


def test_a_form_sent_while_it_records_takes_along_what_was_said(
    stage: Stage, guard: Page, console_log: list[str]
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    guard.goto(f"{stage.url}/tickets/{number}")
    guard.get_by_label("Note", exact=True).fill("Hear it")
    began = time.monotonic()
    guard.get_by_role("button", name="Record", exact=True).click()
    assert guard.locator("[data-level]").evaluate(LOUD)
    # How much it is by then depends on how busy the machine is; it is no more than has passed.
    clock = guard.locator("[data-time]")
    expect(clock).to_have_text(re.compile(r"0:(0[1-9]|[1-5]\d)"))
    assert int(clock.inner_text().partition(":")[2]) <= time.monotonic() - began
    guard.get_by_role("button", name="Write note").click()
    expect(guard.locator(".note-body")).to_have_text("Hear it")
    [voice] = voices(stage)
    assert voice.note_id is not None
    assert console_log == []


def test_it_stops_by_itself_at_the_longest_time(stage: Stage, guard: Page) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    guard.goto(f"{stage.url}/tickets/{number}")
    guard.locator("[data-voice]").evaluate("place => place.dataset.longest = '1'")
    guard.get_by_role("button", name="Record", exact=True).click()
    expect(guard.get_by_text("It stopped because the longest time was reached.")).to_be_visible()
    expect(guard.get_by_role("button", name="Delete", exact=True)).to_be_visible()


def test_a_resident_says_it_instead(
    stage: Stage, server: WebServer, page: Page, console_log: list[str]
) -> None:
    page.goto(f"{stage.url}/s/{put_up(stage).path}")
    page.get_by_role("radio", name="Something else").check()
    record(page)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="We have your report")).to_be_visible()
    [voice] = voices(stage)
    assert voice.author_kind == "resident"
    assert console_log == []


def test_without_leave_to_listen_a_recording_is_chosen_instead(
    stage: Stage, guard: Page, tmp_path: Path
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    refuse = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no'))"
    guard.add_init_script(refuse)
    guard.goto(f"{stage.url}/tickets/{number}")
    guard.get_by_role("button", name="Record", exact=True).click()
    expect(guard.get_by_text("The microphone may not be used.")).to_be_visible()
    expect(guard.locator("#voice")).to_be_visible()
    large = tmp_path / "large.m4a"
    large.write_bytes(bytes(6 * 1024 * 1024))
    guard.locator("#voice").set_input_files(large)
    guard.get_by_role("button", name="Write note").click()
    assert not guard.locator("#voice").evaluate("field => field.checkValidity()")
    assert voices(stage) == []


def test_an_old_browser_keeps_the_choice_of_a_file(stage: Stage, guard: Page) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    guard.add_init_script("delete window.MediaRecorder")
    guard.goto(f"{stage.url}/tickets/{number}")
    expect(guard.locator("#voice")).to_be_visible()
    expect(guard.get_by_role("button", name="Record", exact=True)).to_be_hidden()


def test_a_colleague_is_named_by_initials_and_keys(
    stage: Stage, guard: Page, console_log: list[str]
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    li = stage.person("李娜", "technician", node=stage.site_id)
    stage.person("李雷", "technician", node=stage.other_site_id)
    guard.goto(f"{stage.url}/tickets/{number}")
    note = guard.get_by_label("Note", exact=True)
    note.press_sequentially("Please @l")
    options = guard.get_by_role("listbox", name="Colleagues").get_by_role("option")
    expect(options).to_have_text(["李娜"])
    expect(note).to_have_attribute("aria-activedescendant", "note-colleagues-0")
    note.press("Escape")
    expect(options).to_have_count(0)
    note.press_sequentially("n")
    expect(options).to_have_text(["李娜"])
    note.press("Enter")
    expect(note).to_have_value("Please @李娜 ")
    note.press_sequentially("look, @zz")
    expect(guard.get_by_text("Nobody who may see this ticket is called so")).to_be_attached()
    note.press("Backspace")
    note.press("Backspace")
    note.press("Backspace")
    guard.get_by_role("button", name="Write note").click()
    expect(guard.locator(".note-body .named")).to_have_text("@李娜")
    with stage.parts.database.read() as session:
        assert list(session.scalars(select(TicketMention.person_id))) == [li]
    assert console_log == []


def test_one_of_two_of_a_name_is_chosen_by_a_tap_and_taken_back(stage: Stage, guard: Page) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    for _ in range(2):
        stage.person("Wang Fang", "technician", node=stage.site_id)
    guard.goto(f"{stage.url}/tickets/{number}")
    note = guard.get_by_label("Note", exact=True)
    note.press_sequentially("@wang")
    guard.get_by_role("listbox", name="Colleagues").get_by_role("option").nth(1).click()
    expect(note).to_have_value("@Wang Fang ")
    expect(guard.locator("input[name=tell]")).to_have_count(1)
    note.fill("Nobody after all")
    guard.get_by_role("button", name="Write note").click()
    expect(guard.locator(".note-body")).to_have_text("Nobody after all")
    with stage.parts.database.read() as session:
        assert list(session.scalars(select(TicketMention.person_id))) == []
        assert session.scalars(select(TicketNote.body)).one() == "Nobody after all"


def test_only_who_stands_in_the_text_at_last_is_told(stage: Stage, guard: Page) -> None:
    """Neither the other of one name, chosen first, nor somebody whose name begins another one."""
    number = stage.trip(PUMP, OVERHEATING)
    for name in ("Wang Fang", "Wang Fang", "Zhou", "Zhou Jie"):
        stage.person(name, "technician", node=stage.site_id)
    guard.goto(f"{stage.url}/tickets/{number}")
    note = guard.get_by_label("Note", exact=True)
    options = guard.get_by_role("listbox", name="Colleagues").get_by_role("option")
    for typed, chosen in (("@wang", 0), ("@wang", 1), ("@zhou", 0), ("@zhou", 1)):
        if chosen == 0:
            note.fill("")
        else:
            note.press("ControlOrMeta+a")
            note.press("Delete")
        note.press_sequentially(typed)
        options.nth(chosen).click()
        expect(guard.locator("input[name=tell]").last).to_be_attached()
        if typed == "@wang" and chosen == 1:
            told = guard.locator("input[name=tell]").last.get_attribute("value")
    note.fill("@Wang Fang and @Zhou Jie")
    # The press that ends the list meets the button all the same, which then moves up.
    expect(options).to_have_text(["Zhou Jie"])
    guard.get_by_role("button", name="Write note").click()
    expect(guard.locator(".note-body")).to_have_text("@Wang Fang and @Zhou Jie")
    with stage.parts.database.read() as session:
        named = select(Person.name).join(TicketMention, TicketMention.person_id == Person.id)
        assert sorted(session.scalars(named)) == ["Wang Fang", "Zhou Jie"]
        assert told in {str(one) for one in session.scalars(select(TicketMention.person_id))}
