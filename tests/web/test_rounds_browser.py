"""Pages of rounds in a real browser: points move without a new page, and nobody loses a reason."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.web.looking import in_contact
from tests.web.patrolling import checkpoint
from tests.web.rounding import night_of_rounds, plan, route, tag_of_point, tagged, visit_point
from tests.web.stage import Stage


def test_points_of_a_route_move_without_a_new_page(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    points = [checkpoint(stage, f"post-{number}") for number in range(3)]
    way = route(stage, "night-1", "Night", "夜间", points[:2])
    page = signed_in_page
    page.goto(f"{stage.url}/routes/{way}")
    page.get_by_label("Name in English").fill("Night, typed")
    page.get_by_label("Post-0: to which minute of the round").fill("25")
    page.evaluate("window.stays = true")
    names = page.locator(".route-stop-name")
    page.get_by_role("button", name="Post-1: up").click()
    expect(names.first).to_contain_text("Post-1")
    page.get_by_text("Add checkpoints…").click()
    page.get_by_label("Post-2 post-2").check()
    page.get_by_role("button", name="Add those ticked").click()
    expect(names).to_have_count(3)
    page.get_by_role("button", name="Post-1: take out").click()
    expect(names).to_have_count(2)
    expect(page.get_by_label("Post-0: to which minute of the round")).to_have_value("25")
    expect(page.get_by_label("Name in English")).to_have_value("Night, typed")
    assert page.evaluate("window.stays")
    # Enter saves; it moves nothing.
    page.get_by_label("Name in English").press("Enter")
    expect(page.locator("h1")).to_have_text("Night, typed")
    expect(names).to_have_text([re.compile("Post-0"), re.compile("Post-2")])
    expect(page.get_by_label("Post-0: to which minute of the round")).to_have_value("25")
    assert console_log == []


def test_the_list_of_rounds_follows_by_itself(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    points = tagged(stage)
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    way = route(stage, "house", "House", "室内", list(points.values())[:3])
    plan(stage, way, [timedelta(minutes=-10)], since=timedelta(hours=-1))
    page = signed_in_page
    page.goto(f"{stage.url}/rounds?site={stage.site_id}")
    expect(page.get_by_text("Nobody is on a round now.")).to_be_visible()
    in_contact(page)
    visit_point(stage, tag_of_point("lobby-b1"), guard, timedelta(minutes=5))
    expect(page.get_by_text("1 of 3 scanned")).to_be_visible()
    # So does the part of the control room that shows them.
    page.goto(f"{stage.url}/control-room")
    rounds_there = page.locator("#panel-rounds")
    expect(rounds_there.get_by_text("1 of 3 scanned")).to_be_visible()
    in_contact(page)
    visit_point(stage, tag_of_point("pump-room-b1"), guard, timedelta(minutes=4))
    expect(rounds_there.get_by_text("2 of 3 scanned")).to_be_visible()
    # That a browser sounds nothing before somebody touches the page is said there.
    assert [one for one in console_log if "AudioContext" not in one] == []


def test_a_reason_that_is_being_written_outlives_news(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    made = night_of_rounds(stage, guard)
    page = signed_in_page
    page.goto(f"{stage.url}/rounds/{made['missed']}")
    page.get_by_text("Excuse…").click()
    page.get_by_label("Why it need not be scanned").fill("Lift stands")
    with page.expect_response(re.compile("/points$")):
        visit_point(stage, tag_of_point("pump-room-b1"), guard, timedelta(minutes=1))
    page.wait_for_timeout(500)
    expect(page.get_by_label("Why it need not be scanned")).to_have_value("Lift stands")
    # Too late: it says so, and shows how the round stands.
    page.get_by_role("button", name="Excuse it").click()
    expect(page.get_by_role("alert").filter(has_text="not possible any more")).to_be_visible()
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    assert [one for one in console_log if "409" not in one] == []
