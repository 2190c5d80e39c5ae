"""The control room in a real Chromium: it is seen, it is heard, and it says when it can't be."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from core import events, floor_plans
from core.clock import MICROS, SystemClock
from core.floor_plans import FloorPlan
from core.people import Person, caller_for
from core.places import Space
from tests.pictures import drawing
from tests.web.conftest import stage_on
from tests.web.looking import fits, in_contact, loses_contact, turns_grey
from tests.web.stage import OVERHEATING, Fault, Stage, WebServer, serving
from tests.web.test_browser import FAINT_TEXTS

PUMP = "b1-pump-1"
PAGE = "/control-room?site=riverside"
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMOKE = Fault("smoke", {"en": "Smoke"}, "medium", "smoke", "smoke", {}, life_safety=True)
WARM = Fault("warm", {"en": "Too warm"}, "low", "temperature > 30 °C", "warm", {})
FLOOD = Fault("flood", {"en": "Flooding"}, "critical", "leak", "leak", {})
# The tones of each level, as the page schedules them.
TONES = {"critical": {660, 990}, "high": {880}, "medium": {740, 590}, "low": {520}}
LOST = {440, 330}
# A loudspeaker that writes down what it is told to play, and plays once somebody touched the page.
LOUDSPEAKER = """
window.tones = [];
class Part { connect(next) { return next; } disconnect() {} }
class Value { setValueAtTime() {} linearRampToValueAtTime() {} }
window.AudioContext = class extends EventTarget {
  state = FIRST;
  destination = new Part();
  get currentTime() { return performance.now() / 1000; }
  async resume() {
    if (!navigator.userActivation.hasBeenActive) return new Promise(() => undefined);
    this.state = "running";
    this.dispatchEvent(new Event("statechange"));
  }
  createGain() { return Object.assign(new Part(), { gain: new Value() }); }
  createOscillator() {
    const tone = Object.assign(new Part(), { frequency: {}, type: "" });
    tone.start = (at) => window.tones.push({ hertz: tone.frequency.value, at });
    tone.stop = () => undefined;
    return tone;
  }
};
"""
Open = Callable[..., Page]


class ShiftedClock(SystemClock):
    """The machine's clock, ahead by as much as a test says."""

    def __init__(self) -> None:
        self.ahead = 0

    def micros(self) -> int:
        """Now, in microseconds since the Unix epoch, UTC."""
        return super().micros() + self.ahead


@pytest.fixture
def clock() -> ShiftedClock:
    """A clock that a test can put forward."""
    return ShiftedClock()


@pytest.fixture
def stage(foundation: Path, tmp_path: Path, clock: ShiftedClock) -> Iterator[Stage]:
    """The demo compound under that clock."""
    yield from stage_on(foundation, tmp_path, clock)


@pytest.fixture
def served(stage: Stage) -> Iterator[WebServer]:
    """The stage, served over HTTP."""
    with serving(stage) as server:
        yield server


@pytest.fixture
def browse(stage: Stage, served: WebServer, browser: Browser) -> Iterator[Open]:
    """Opens the control room in a browser of its own, which plays unless told otherwise."""
    contexts: list[BrowserContext] = []

    def browse(
        role: str = "service_desk",
        *,
        path: str = PAGE,
        node: UUID | None = None,
        locale: str = "en",
        viewport: ViewportSize = DESK,
        speaker: str | None = "running",
        before: str = "",
        scheme: Any = "light",
        own_clock: bool = False,
    ) -> Page:
        person = stage.person(
            "王芳" if locale == "zh" else "Wei Chen", role, node=node, locale=locale
        )
        context = browser.new_context(viewport=viewport, locale=locale, color_scheme=scheme)
        contexts.append(context)
        secret = stage.secret(person, "session")
        context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
        if speaker:
            context.add_init_script(LOUDSPEAKER.replace("FIRST", json.dumps(speaker)))
        if before:
            context.add_init_script(before)
        page = context.new_page()
        if own_clock:
            page.clock.install()
        page.goto(stage.url + path)
        in_contact(page)
        return page

    yield browse
    for context in contexts:
        context.close()


def sound(page: Page) -> Locator:
    return page.locator("#sound")


def is_sounding(page: Page, level: str) -> None:
    """See that the page says it sounds at a level, and that the loudspeaker is told so."""
    expect(sound(page)).to_have_attribute("data-playing", level)
    state = "lost" if level == "lost" else "sounding"
    expect(sound(page)).to_have_attribute("data-sound", state)
    tones = LOST if level == "lost" else TONES[level]
    assert set(last_tones(page, len(tones))) == tones


def last_tones(page: Page, count: int) -> list[float]:
    return [tone["hertz"] for tone in page.evaluate("window.tones")[-count:]]


def is_quiet(page: Page, state: str = "quiet") -> None:
    """See that nothing is played any more."""
    expect(sound(page)).to_have_attribute("data-sound", state)
    expect(sound(page)).to_have_attribute("data-playing", "")
    played = page.evaluate("window.tones.length")
    page.wait_for_timeout(2300)
    assert page.evaluate("window.tones.length") == played


def facts(stage: Stage, kind: str) -> list[events.Event]:
    with stage.parts.database.read() as session:
        statement = select(events.Event).where(events.Event.kind == kind)
        return list(session.scalars(statement.order_by(events.Event.seq)))


def draw(stage: Stage, code: str, **placed: tuple[float, float]) -> UUID:
    """A plan of a space, with assets placed on it by their code."""
    person, now = stage.person("Lu Yan", "administrator"), stage.parts.clock.now()
    stored = floor_plans.store_plan(stage.parts.files, drawing("PNG", (800, 500)))
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        space = session.scalars(select(Space.id).where(Space.code == code)).one()
        plan = floor_plans.put_plan(session, caller, stage.site_id, space, stored, now=now)
        for asset, at in placed.items():
            asset_id = stage.assets[asset.replace("_", "-")]
            floor_plans.place_asset(session, caller, plan, asset_id, at, now=now)
        return plan.id


def positions(stage: Stage) -> dict[UUID, tuple[float, float]]:
    with stage.parts.database.read() as session:
        plan = session.scalars(select(FloorPlan.id)).one()
        return floor_plans.positions_of(session, plan)


def test_an_alarm_is_seen_and_heard_within_a_second(stage: Stage, browse: Open) -> None:
    page = browse()
    is_quiet(page)
    took = []
    others = [code for code in stage.assets if code != PUMP]
    # A machine that runs other tests beside this one is slow now and then, but not each time.
    for tripped in (PUMP, *others[:30]):
        began = time.monotonic()
        stage.trip(tripped, OVERHEATING)
        page.wait_for_selector(f'#calls .call a[href$="{stage.assets[tripped]}"]')
        took.append(time.monotonic() - began)
        if took[-1] < 1.0:
            break
    else:
        pytest.fail(f"not once within a second: {took}")
    expect(page.locator("#calls .call").first).to_contain_text("Pump motor overheating")
    is_sounding(page, "high")
    expect(page.locator("#sound-level")).to_have_text("High")
    pump = page.locator(f'[id="thing-{stage.assets[PUMP]}"]')
    expect(pump).to_have_class(re.compile("thing-high thing-unseen"))
    expect(page.locator("#panel-tree .place-link").first).to_contain_text(
        "1 alarm" if len(took) == 1 else f"{len(took)} alarms"
    )


def test_the_worst_that_waits_is_what_sounds(stage: Stage, browse: Open) -> None:
    page = browse()
    stage.trip(PUMP, WARM)
    is_sounding(page, "low")
    stage.trip("b1-pump-2", FLOOD)
    is_sounding(page, "critical")
    calls = page.locator("#calls .call")
    expect(calls.first).to_contain_text("Flooding")
    stage.trip("b1-pump-3", SMOKE)
    expect(calls.first).to_contain_text("Life safety")


def test_it_repeats_until_somebody_accepts_anywhere(stage: Stage, browse: Open) -> None:
    first, second = browse(), browse("supervisor")
    number = stage.trip(PUMP, FLOOD)
    is_sounding(first, "critical")
    before = first.evaluate("window.tones.length")
    again = before + len(TONES["critical"])
    first.wait_for_function("least => window.tones.length >= least", arg=again)
    second.get_by_role("button", name="Accept: Flooding").click()
    expect(second.locator("#notice")).to_contain_text("Accepted; the ticket is yours: Flooding")
    for page in (first, second):
        is_quiet(page)
    assert stage.ticket(number).state == "assigned"
    expect(first.locator("#calls")).to_contain_text("Acknowledged")


def test_a_page_that_is_loaded_anew_goes_on_sounding(stage: Stage, browse: Open) -> None:
    page = browse()
    stage.trip(PUMP, OVERHEATING)
    is_sounding(page, "high")
    page.reload()
    is_sounding(page, "high")


def test_a_browser_that_waits_for_a_tap_says_so_until_it_gets_one(
    stage: Stage, browse: Open
) -> None:
    stage.trip(PUMP, OVERHEATING)
    page = browse(speaker="suspended")
    expect(sound(page)).to_have_attribute("data-sound", "off")
    button = page.get_by_role("button", name="Sound is off. Tap to switch it on")
    expect(button).to_be_visible()
    assert page.evaluate("window.tones.length") == 0
    button.click()
    is_sounding(page, "high")
    expect(button).to_be_hidden()


def test_chromium_itself_needs_one_touch_after_each_load(stage: Stage, browse: Open) -> None:
    page = browse(speaker=None)
    expect(sound(page)).to_have_attribute("data-sound", "off")
    page.get_by_role("button", name="Sound is off. Tap to switch it on").click()
    expect(sound(page)).to_have_attribute("data-sound", "quiet")
    stage.trip(PUMP, OVERHEATING)
    expect(sound(page)).to_have_attribute("data-playing", "high")
    page.reload()
    expect(sound(page)).to_have_attribute("data-sound", re.compile("off|sounding"))
    # Any key will do.
    page.keyboard.press("j")
    expect(sound(page)).to_have_attribute("data-playing", "high")


def test_a_mute_warns_lets_lives_through_and_ends_by_itself(
    stage: Stage, clock: ShiftedClock, browse: Open
) -> None:
    page = browse()
    stage.trip(PUMP, OVERHEATING)
    is_sounding(page, "high")
    page.get_by_label("Mute for").select_option("10")
    page.get_by_role("button", name="Mute", exact=True).click()
    warning = page.locator("#muted")
    expect(warning).to_contain_text(re.compile(r"Your sound is muted until \d\d:\d\d"))
    expect(warning).to_contain_text(re.compile(r"(9:\d\d|10:00) left"))
    is_quiet(page, "muted")
    page.reload()
    is_quiet(page, "muted")
    expect(warning).to_be_visible()
    stage.trip("b1-pump-2", FLOOD)
    expect(page.locator("#calls")).to_contain_text("Flooding")
    is_quiet(page, "muted")
    stage.trip("b1-pump-3", SMOKE)
    is_sounding(page, "critical")
    page.locator("#calls .call", has_text="Smoke").get_by_role("button").click()
    is_quiet(page, "muted")
    clock.ahead = 11 * 60 * MICROS
    is_sounding(page, "critical")
    [mute] = facts(stage, "sound.mute")
    assert mute.actor_kind == "person"


def test_a_mute_is_taken_back(stage: Stage, browse: Open) -> None:
    page = browse()
    stage.trip(PUMP, OVERHEATING)
    is_sounding(page, "high")
    page.get_by_role("button", name="Mute", exact=True).click()
    is_quiet(page, "muted")
    page.get_by_role("button", name="Switch it on again").click()
    is_sounding(page, "high")
    expect(page.locator("#muted")).to_have_count(0)


def test_the_test_plays_everything_and_asks_whether_it_was_heard(
    stage: Stage, browse: Open
) -> None:
    page = browse()
    expect(page.locator("#test-due")).to_be_visible()
    page.get_by_role("button", name="Test the sound").click()
    expect(sound(page)).to_have_attribute("data-sound", "testing")
    question = page.get_by_role("dialog", name="Did you hear it?")
    expect(question).to_be_visible()
    heard = {tone["hertz"] for tone in page.evaluate("window.tones")}
    assert heard == set().union(*TONES.values())
    question.get_by_role("button", name="No").click()
    expect(page.locator("#notice")).to_contain_text("Check the loudspeaker")
    expect(page.locator("#test-due")).to_contain_text("was not heard")
    page.get_by_role("button", name="Test the sound").click()
    expect(question).to_be_visible()
    question.get_by_role("button", name="Yes, all four").click()
    expect(page.locator("#tested")).to_contain_text("Sound tested and heard")
    expect(page.locator("#test-due")).to_have_count(0)
    assert [fact.after for fact in facts(stage, "sound.test")] == [
        {"heard": False},
        {"heard": True},
    ]


def test_a_lost_stream_turns_it_grey_and_is_heard(
    stage: Stage, served: WebServer, browse: Open
) -> None:
    page = browse(own_clock=True)
    is_quiet(page)
    # A mute promises that new alarms about lives are heard: without contact none would be.
    page.get_by_label("Mute for").select_option("10")
    page.get_by_role("button", name="Mute", exact=True).click()
    is_quiet(page, "muted")
    loses_contact(page, served)
    turns_grey(page)
    page.clock.resume()
    is_sounding(page, "lost")


def test_of_two_windows_of_one_browser_one_sounds(stage: Stage, browse: Open) -> None:
    first = browse()
    is_quiet(first)
    second = first.context.new_page()
    second.goto(stage.url + PAGE)
    expect(sound(second)).to_have_attribute("data-sound", "elsewhere")
    stage.trip(PUMP, OVERHEATING)
    is_sounding(first, "high")
    expect(second.locator("#calls")).to_contain_text("Pump motor overheating")
    assert second.evaluate("window.tones.length") == 0
    assert len(stage.live._open()) == 1
    first.close()
    is_sounding(second, "high")


def test_it_is_worked_by_the_keyboard(stage: Stage, browse: Open) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    stage.trip("b1-pump-2", FLOOD)
    page = browse()
    page.keyboard.press("a")
    calls = page.locator("#calls .call")
    expect(page.locator(":focus")).to_have_count(0)
    page.keyboard.press("j")
    expect(calls.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(calls.nth(1)).to_be_focused()
    # News in between take nothing away from whoever chooses.
    stage.trip("b1-pump-3", WARM)
    expect(calls).to_have_count(3)
    chosen = page.locator("#calls .call:focus")
    expect(chosen).to_contain_text("Pump motor overheating")
    page.keyboard.press("a")
    expect(page.locator("#notice")).to_contain_text("Pump motor overheating")
    assert stage.ticket(number).state == "assigned"
    # What is accepted goes below what waits.
    expect(calls.nth(2)).to_contain_text("Pump motor overheating")
    page.keyboard.press("a")
    page.keyboard.press("k")
    expect(calls.nth(2)).to_be_focused()
    page.wait_for_timeout(300)
    assert len(facts(stage, "ticket.accept")) == 1


def test_a_place_is_chosen_without_leaving_the_page(stage: Stage, browse: Open) -> None:
    page = browse()
    page.evaluate("window.same = true")
    stage.trip(PUMP, OVERHEATING)
    page.locator("#calls").get_by_role("link", name="Pump room").click()
    expect(page.locator("#panel-plan .card-title")).to_have_text("Pump room")
    expect(page).to_have_url(re.compile("space=b1-pumproom"))
    expect(page.locator("#panel-tree [aria-current]")).to_contain_text("Pump room")
    page.locator("#panel-tree").get_by_role("link", name="Building 2").click()
    expect(page.locator("#panel-plan .card-title")).to_have_text("Building 2")
    assert page.evaluate("window.same")
    page.reload()
    expect(page.locator("#panel-plan .card-title")).to_have_text("Building 2")


def test_a_plan_is_uploaded_and_assets_are_dragged_onto_their_places(
    stage: Stage, browse: Open, tmp_path: Path
) -> None:
    page = browse("administrator", path=f"{PAGE}&space=b1-pumproom")
    picture = tmp_path / "plan.png"
    picture.write_bytes(drawing("PNG", (800, 500)))
    page.get_by_text("Add a floor plan").click()
    page.get_by_label("Picture: JPEG, PNG, WebP or HEIC").set_input_files(picture)
    page.get_by_role("button", name="Save the plan").click()
    plan = page.locator("#plan-stage")
    expect(plan).to_be_visible()
    page.get_by_role("button", name="Arrange").click()
    page.get_by_role("button", name="Put on the plan: Building 1 booster pump 1").click()
    marker = page.locator(f'[id="marker-{stage.assets[PUMP]}"]')
    expect(marker).to_be_focused()
    assert positions(stage) == {stage.assets[PUMP]: (0.5, 0.5)}
    ground, at = plan.bounding_box(), marker.bounding_box()
    assert ground is not None
    assert at is not None
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(ground["x"] + ground["width"] / 3, ground["y"] + 50, steps=4)
    # An alarm in the middle of it does not take the marker out of anybody's hand.
    stage.trip(PUMP, OVERHEATING)
    expect(page.locator("#calls")).to_contain_text("Pump motor overheating")
    page.mouse.move(ground["x"] + ground["width"] / 4, ground["y"] + ground["height"] * 0.75)
    page.mouse.up()
    expect(page.locator("#plan-said")).to_contain_text("25 percent from the left, 75 percent")
    x, y = positions(stage)[stage.assets[PUMP]]
    assert x == pytest.approx(0.25, abs=0.01)
    assert y == pytest.approx(0.75, abs=0.01)
    expect(marker).to_have_class(re.compile("marker-high"))


def test_markers_move_by_the_keyboard_too(stage: Stage, browse: Open) -> None:
    draw(stage, "b1-basement", b1_pump_1=(0.5, 0.5))
    page = browse("administrator", path=f"{PAGE}&space=b1-basement")
    marker = page.locator(f'[id="marker-{stage.assets[PUMP]}"]')
    # Without arranging it is a link, and the arrow keys are nobody's.
    marker.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Arrange").press("Enter")
    marker.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#plan-said")).to_contain_text("55 percent from the left, 50 percent")
    assert positions(stage) == {stage.assets[PUMP]: (0.55, 0.495)}
    page.keyboard.press("Delete")
    expect(marker).to_have_count(0)
    expect(page.locator(f'[id="thing-{stage.assets[PUMP]}"]')).to_be_visible()
    assert positions(stage) == {}


def test_what_could_not_be_saved_goes_back(stage: Stage, browse: Open) -> None:
    draw(stage, "b1-basement", b1_pump_1=(0.5, 0.5))
    page = browse("administrator", path=f"{PAGE}&space=b1-basement")
    marker = page.locator(f'[id="marker-{stage.assets[PUMP]}"]')
    page.get_by_role("button", name="Arrange").click()
    page.route("**/plans/*/place", lambda route: route.abort())
    marker.focus()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#plan-said")).to_contain_text("That was not saved")
    expect(marker).to_have_attribute("data-x", "0.5")


def test_a_marker_shows_its_state_by_shape_as_well_as_by_colour(stage: Stage, browse: Open) -> None:
    draw(stage, "b1-basement", b1_pump_1=(0.2, 0.5), b1_pump_2=(0.4, 0.5), b1_pump_3=(0.6, 0.5))
    stage.say("b1-pump-3", {"motor_temperature": 50.0}, at=stage.now - 3600 * MICROS)
    page = browse(path=f"{PAGE}&space=b1-basement")
    stage.trip(PUMP, OVERHEATING)
    names, shapes, colours = [], set(), set()
    expect(page.locator(f'[id="marker-{stage.assets[PUMP]}"]')).to_have_class(
        re.compile("marker-high")
    )
    for code in (PUMP, "b1-pump-2", "b1-pump-3"):
        sign = page.locator(f'[id="marker-{stage.assets[code]}"] .sign')
        names.append(sign.get_attribute("aria-label"))
        shapes.add(sign.inner_html())
        colours.add(sign.evaluate("element => getComputedStyle(element).color"))
    assert names == ["High", "OK", "No reading"]
    assert len(shapes) == len(colours) == 3


def test_a_stranger_of_another_site_sees_and_hears_nothing(stage: Stage, browse: Open) -> None:
    page = browse("manager", node=stage.other_site_id)
    stage.trip(PUMP, FLOOD)
    page.wait_for_timeout(1500)
    is_quiet(page)
    expect(page.locator("#calls")).to_have_count(0)
    text = page.locator("body").inner_text()
    for ours in ("Riverside", "Flooding", "Pump"):
        assert ours not in text


def test_a_screen_that_may_fall_asleep_says_so(stage: Stage, browse: Open) -> None:
    page = browse(before="delete Navigator.prototype.wakeLock")
    expect(page.locator("#awake")).to_contain_text("can't keep the screen awake")
    refusing = "navigator.wakeLock.request = async () => { throw new Error('battery'); }"
    expect(browse(before=refusing).locator("#awake")).to_contain_text("may fall asleep")
    keeping = "navigator.wakeLock.request = async () => new EventTarget()"
    expect(browse(before=keeping).locator("#awake")).to_have_text("The screen stays awake.")


def test_the_browser_has_nothing_to_complain_about(stage: Stage, browse: Open) -> None:
    draw(stage, "b1-basement", b1_pump_1=(0.2, 0.5))
    page = browse("administrator")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stage.url}{PAGE}&space=b1-basement")
    in_contact(page)
    stage.trip(PUMP, OVERHEATING)
    is_sounding(page, "high")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_every_text_stands_out_and_nothing_is_cut_off(
    stage: Stage, browse: Open, viewport: ViewportSize, scheme: str
) -> None:
    stage.trip(PUMP, OVERHEATING)
    stage.trip("b1-pump-2", SMOKE)
    page = browse("administrator", locale="zh", viewport=viewport, scheme=scheme)
    is_sounding(page, "critical")
    page.get_by_role("button", name="静音", exact=True).click()
    expect(page.locator("#muted")).to_be_visible()
    fits(page)
    assert page.evaluate(FAINT_TEXTS) == []


def test_on_a_phone_the_tree_is_a_choice(stage: Stage, browse: Open) -> None:
    stage.trip(PUMP, OVERHEATING)
    page = browse(locale="zh", viewport=PHONE)
    expect(page.locator(".place-tree")).to_be_hidden()
    choice = page.get_by_role("combobox", name="位置")
    expect(choice.locator("option", has_text="水泵房 · 高")).to_have_count(1)
    choice.select_option("b1-pumproom")
    expect(page.locator("#panel-plan .card-title")).to_have_text("水泵房")
    expect(choice).to_have_value("b1-pumproom")
    page.get_by_role("button", name="接单：水泵电机过热").click()
    expect(page.locator("#notice")).to_contain_text("已接单")


def test_on_a_wall_nothing_needs_to_be_scrolled(stage: Stage, browse: Open) -> None:
    stage.trip(PUMP, OVERHEATING)
    page = browse(viewport={"width": 1920, "height": 1080})
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
    for panel in ("tree", "plan", "alarms", "tickets", "rounds"):
        box = page.locator(f"#panel-{panel}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 1080
        # Of rounds few are under way at a time.
        assert box["height"] > (220 if panel == "rounds" else 300)
