"""An alarm sends a guard: on the ticket's page, in the control room, and on the guard's phone."""

from pathlib import Path
from uuid import UUID

from playwright.sync_api import APIResponse, Page, Route, expect, sync_playwright
from sqlalchemy import select

from tests.web.conftest import client_of, signed_in
from tests.web.guarding import (
    PATIENCE_MS,
    PHONE,
    Served,
    enrol,
    lay_shift,
    phone,
    sign_in,
    wait_until,
)
from tests.web.patrolling import form, sent
from tests.web.stage import Stage
from tests.web.tasking import SMOKE, TAG, on_duty, pump_room, step
from workflows.patrol import tasks
from workflows.tickets import Ticket


def task_id(stage: Stage, number: int) -> UUID:
    """The id of a ticket, which is that of its task."""
    with stage.parts.database.read() as session:
        return session.scalars(select(Ticket.id).where(Ticket.number == number)).one()


def test_the_page_of_a_ticket_shows_who_was_asked_and_takes_their_answers(stage: Stage) -> None:
    pump_room(stage)
    names = ("Zhao Gang 赵刚", "Qian Li 钱立")
    people = [stage.person(name, "guard", node=stage.site_id) for name in names]
    for one in people:
        on_duty(stage, one)
    number = stage.trip("b1-pump-1", SMOKE)
    english, chinese = client_of(stage, "supervisor"), client_of(stage, "manager", "zh")
    assert "Looking for a guard" in english.get(f"/tickets/{number}").text
    step(stage)
    with stage.parts.database.read() as session:
        asked = session.get_one(tasks.GuardTask, task_id(stage, number)).person_id
    assert asked in people
    other = next(one for one in people if one != asked)
    own = signed_in(stage, stage.secret(asked, "session"))
    page = own.get(f"/tickets/{number}").text
    assert "A guard is asked" in page
    assert "I go</button>" in page
    assert "I go myself" not in page
    # Whoever is not asked is offered no button.
    assert (
        "I go</button>"
        not in signed_in(stage, stage.secret(other, "session")).get(f"/tickets/{number}").text
    )
    passed = sent(own, f"/tickets/{number}/task/pass", reason="busy")
    assert "Busy with something else" in passed.text
    assert form(own, f"/tickets/{number}/task/accept").status_code == 409
    step(stage)
    room = english.get("/control-room").text
    assert "Guards sent to alarms" in room
    assert "A guard is asked" in room
    assert "报警处置任务" in chinese.get("/control-room").text
    gone = sent(english, f"/tickets/{number}/task/send", person=str(other))
    assert "A guard is on the way" in gone.text
    assert "sent by Wei Chen" in gone.text
    assert "保安正在前往" in chinese.get(f"/tickets/{number}").text
    there = signed_in(stage, stage.secret(other, "session"))
    said = sent(there, f"/tickets/{number}/task/arrive")
    assert "said by hand, proven by nothing" in said.text
    assert form(english, f"/tickets/{number}/task/call-off", reason="").status_code == 422
    off = sent(english, f"/tickets/{number}/task/call-off", reason="False alarm by steam")
    assert "False alarm by steam" in off.text
    assert form(english, f"/tickets/{number}/task/dance").status_code == 404


def test_a_guard_is_asked_on_the_phone_goes_and_is_seen_to_arrive(
    stage: Stage, tmp_path: Path
) -> None:
    pump_room(stage)
    shift = lay_shift(stage, rounds=1, points=1)
    on_duty(stage, shift.guard)
    served = Served(stage)
    served.begin()
    supervisor = client_of(stage, "supervisor")
    with (
        sync_playwright() as playwright,
        phone(playwright, tmp_path / "phone", PHONE) as context,
    ):
        context.clock.install()
        page = context.pages[0]
        enrol(page, served.url, shift)
        sign_in(page)
        # Its clock is five minutes behind, as clocks of phones without a card are.
        page.clock.set_system_time(page.evaluate("Date.now() / 1000") - 300)
        plan, before = _held_back(page)
        number = stage.trip("b1-pump-1", SMOKE)
        step(stage)
        # It takes the screen by itself, with the next look.
        page.clock.fast_forward("00:11")
        expect(page.get_by_text("Smoke in the pump room")).to_be_visible(timeout=PATIENCE_MS)
        # A plan that was asked for before comes behind it; the next look mends that.
        plan.fulfill(response=before)
        expect(page.get_by_text("Nothing to do here any more.")).to_be_visible(timeout=PATIENCE_MS)
        page.clock.fast_forward("00:11")
        expect(page.get_by_text("Can you go there?")).to_be_visible(timeout=PATIENCE_MS)
        page.unroute("**/guard/plan")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.get_by_role("button", name="I go").click()
        expect(page.get_by_role("heading", name="Scan there")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("Pump room door")).to_be_visible()
        _touch_tag(page)
        expect(page.get_by_text("Proven by your scan")).to_be_visible(timeout=PATIENCE_MS)
        shown = supervisor.get(f"/tickets/{number}").text
        assert "A guard is there" in shown
        assert "Pump room door" in shown
        assert "in the same space" in shown
        # What is said without signal is known here at once.
        served.end()
        page.get_by_role("button", name="Done here").click()
        expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("[data-task]")).to_have_count(0, timeout=PATIENCE_MS)


def _held_back(page: Page) -> tuple[Route, APIResponse]:
    """The next request for the plan with its answer, which waits; those behind it get lost."""
    held: list[Route] = []
    page.route("**/guard/plan", lambda route: route.abort() if held else held.append(route))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    wait_until(page, lambda: bool(held))
    asked = dict(held[0].request.headers)
    # As to a phone that has none yet.
    asked.pop("if-none-match", None)
    return held[0], held[0].fetch(headers=asked)


def _touch_tag(page: Page) -> None:
    page.get_by_role("button", name="Touch the tag").click()
    page.wait_for_function("() => tagsAreRead()")
    page.evaluate("tag => touchTag(tag)", ":".join(TAG[at : at + 2] for at in range(0, 14, 2)))
