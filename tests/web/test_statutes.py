"""Pages of statutes and of the time that routes take: what they ask, mark and refuse."""

import re
from datetime import timedelta

import pytest

from tests.web.conftest import client_of
from tests.web.markup import read
from tests.web.patrolling import field_of, form, sent
from tests.web.rounding import plan, route, tag_of_point, tagged, visit_point
from tests.web.stage import Stage
from workflows.patrol import rounds

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_a_plan_by_statute_from_the_list_to_the_mark_that_an_edit_leaves(
    stage: Stage, locale: str
) -> None:
    points = list(tagged(stage).values())
    way = route(stage, "mall", "Mall", "商场", points[:3])
    client = client_of(stage, locale=locale)
    site = f"site={stage.site_id}"
    kept, broken, everywhere = {
        "en": ("statute kept", "statute not kept", "Nowhere on the route is looked at"),
        "zh": ("符合规定", "不符合规定", "路线上未安排检查"),
    }[locale]
    listed = client.get(f"/patrol-statutes?{site}&route={way}").text
    for address in (f"/patrol-statutes?{site}", f"/routes/{way}", f"/routes/{way}/plans/new"):
        page = read(client.get(address).text)
        assert (page.headings.count("h1"), page.without_label, page.inline) == (1, [], [])
        assert len(page.ids) == len(set(page.ids))
    assert 'name="statute" value="key-unit"' in listed
    query = {"statute": "public-gathering", "route": str(way), "hours": "office"}
    fresh = client.get("/patrol-statutes/plan", params=query)
    assert fresh.status_code == 303
    new = client.get(fresh.headers["location"]).text
    # From half past eight to half past five, every two hours, and before the doors close.
    assert field_of(new, "times") == "08:30, 10:30, 12:30, 14:30, 16:30, 17:15"
    fields = {
        **{name: field_of(new, name) for name in ("times", "duration", "tolerance", "settle")},
        "weekday": list("1234567"),
        "team": "security",
        "statute": "public-gathering",
        "statute_hours": "office",
        "item": ["exits:*"],
    }
    made = sent(client, f"/routes/{way}/plans", **fields).text
    assert broken in made
    assert everywhere in made
    (plan_id,) = re.findall(r'href="/round-plans/([0-9a-f-]{36})"', made)
    shown = client.get(f"/round-plans/{plan_id}").text
    assert 'value="exits:*" checked' in shown
    items = set(re.findall(r'name="item" value="([a-z-]+):\*"', shown))
    fields |= {"item": [f"{item}:{points[0]}" for item in items], "tolerance": "0"}
    fields["version"] = field_of(shown, "version")
    mended = sent(client, f"/round-plans/{plan_id}", **fields).text
    assert f">{kept}<" in mended
    assert broken not in mended
    # Fewer times break it; the route, the list of routes and that of statutes say so.
    fields |= {"times": "08:30", "version": "2"}
    assert broken in sent(client, f"/round-plans/{plan_id}", **fields).text
    assert broken in client.get(f"/routes?{site}").text
    assert broken in client.get(f"/patrol-statutes?{site}").text
    assert (
        form(client, f"/round-plans/{plan_id}", **{**fields, "item": ["no:*"]}).status_code == 422
    )


def test_a_guard_reads_statutes_and_plans_nothing(stage: Stage) -> None:
    tagged(stage)
    page = client_of(stage, "guard").get(f"/patrol-statutes?site={stage.site_id}").text
    assert "/patrol-statutes/plan" not in page
    assert "at least every two hours of business" in page


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_a_route_says_what_it_takes_and_warns_of_a_plan_that_gives_less(
    stage: Stage, locale: str
) -> None:
    points = list(tagged(stage).values())
    way = route(stage, "house", "House", "室内", points[:2])
    client = client_of(stage, locale=locale)
    told = {"en": "Not known yet.", "zh": "暂无数据。"}[locale]
    assert told in client.get(f"/routes/{way}").text
    begins = [HOUR * -number for number in range(1, 13)]
    plan(stage, way, begins, since=HOUR * -14, duration_min=30, tolerance_min=25)
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    for begin in begins:
        visit_point(stage, tag_of_point("lobby-b1"), guard, -begin + timedelta(minutes=2))
        visit_point(stage, tag_of_point("pump-room-b1"), guard, -begin - timedelta(minutes=38))
    with stage.parts.database.write() as session:
        ways = rounds.learn_ways(session, stage.site_id, now=stage.parts.clock.now())
        rounds.keep_ways(session, stage.site_id, ways)
    page = client.get(f"/routes/{way}").text
    assert re.search("40 min" if locale == "en" else r"40\s?分钟", page)
    short = {"en": "10 minutes too short", "zh": "少 10 分钟"}[locale]
    assert short in page
