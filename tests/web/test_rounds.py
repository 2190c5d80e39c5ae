"""Pages of rounds, routes and plans without a browser: what they show, do and refuse."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.patrolling import checkpoint, field_of, form, sent
from tests.web.rounding import (
    LOCKED,
    SITE_ZONE,
    clock_of,
    look,
    night_of_rounds,
    plan,
    round_near,
    route,
    tag_of_point,
    tagged,
    visit_point,
)
from tests.web.stage import Stage
from workflows import notifications
from workflows.patrol import rounds
from workflows.patrol.rounds import PlanDraft, Stop


def night(stage: Stage) -> dict[str, UUID]:
    return night_of_rounds(stage, stage.person("Guard Xu 徐刚", "guard", node=stage.site_id))


def section(page: str, name: str) -> str:
    """A section of the list of rounds."""
    return page.partition(f'aria-labelledby="rounds-{name}"')[2].partition("</section>")[0]


def listed(part: str) -> list[str]:
    return re.findall(r'<a href="/rounds/([0-9a-f-]{36})"', part)


def stops(page: str) -> list[str]:
    return re.findall(r'name="checkpoint" value="([^"]*)"', page)


def new_route(points: list[UUID], **more: Any) -> dict[str, Any]:
    """A form of a route that is right."""
    return {
        "code": "night-1",
        "name_en": "Night, inside",
        "name_zh": "夜间室内",
        "order": "ordered",
        "take": "",
        "checkpoint": [str(one) for one in points],
        "opens": [""] * len(points),
        "closes": [""] * len(points),
        "do": "save",
        **more,
    }


NEW_PLAN = {
    "times": "22:00, 00:00，2:00",
    "weekday": ["1", "2", "5"],
    "hours": "night",
    "outside": "",
    "team": "security",
    "duration": "60",
    "tolerance": "15",
    "settle": "720",
}


def in_order(page: str, *texts: str) -> bool:
    places = [page.find(text) for text in texts]
    return -1 not in places and places == sorted(places)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_page_has_one_heading_labels_and_nothing_inline(stage: Stage, locale: str) -> None:
    made, site = night(stage), f"site={stage.site_id}"
    client = client_of(stage, locale=locale)
    states = ("late", "missed", "unknown", "closed", "complete", "coming", "cancelled")
    for address in (
        f"/rounds?{site}",
        f"/rounds?{site}&day=2026-11-29",
        f"/routes?{site}",
        f"/routes?{site}&view=retired",
        f"/routes/new?{site}",
        f"/routes/{made['route']}",
        f"/routes/{made['route']}/plans/new",
        f"/round-plans/{made['round_plan']}",
        *[f"/rounds/{made[state]}" for state in states],
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = read(answer.text)
        assert page.headings.count("h1") == 1, address
        assert page.without_label == [], address
        assert page.inline == [], address
        assert len(page.ids) == len(set(page.ids)), address
        assert all(one["csrf"] for one in page.forms if one["method"] == "post"), address


def test_rounds_stand_in_the_order_in_which_they_can_be_mended(stage: Stage) -> None:
    made = night(stage)
    client, site = client_of(stage), f"site={stage.site_id}"
    page = client.get(f"/rounds?{site}").text
    in_need = [str(made[one]) for one in ("missed", "late", "unknown")]
    assert listed(section(page, "in-need")) == in_need
    assert str(made["coming"]) in listed(section(page, "coming"))
    over = {str(made[one]) for one in ("closed", "complete", "cancelled")}
    assert set(listed(section(page, "over"))) == over
    words = section(page, "in-need")
    assert in_order(words, "2 of 4 scanned", "1 missed", "1 excused", "Not begun in time")
    assert in_order(words, "Waits for phones", "0 of 2 scanned", "2 unknown", "until")
    part = client.get(f"/rounds/standing?{site}").text
    assert "<html" not in part
    assert listed(section(part, "in-need")) == in_need


def test_a_round_on_its_way_is_shown_with_how_far_it_is(stage: Stage) -> None:
    points = tagged(stage)
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    way = route(stage, "house", "House", "室内", list(points.values())[:3])
    begin = timedelta(minutes=-10)
    times = plan(stage, way, [begin], since=timedelta(hours=-1))
    visit_point(stage, tag_of_point("lobby-b1"), guard, timedelta(minutes=5))
    page = client_of(stage).get(f"/rounds?site={stage.site_id}").text
    assert "Nothing is late, missed or unknown." in page
    part = section(page, "running")
    assert listed(part) == [str(round_near(stage, times, begin))]
    assert in_order(part, "Being walked", "Guard Xu", "1 of 3 scanned", "left")


def test_a_site_without_plans_is_told_what_to_do(stage: Stage) -> None:
    client, site = client_of(stage), f"site={stage.site_id}"
    page = client.get(f"/rounds?{site}").text
    assert "No round is planned on this site." in page
    assert f'href="/routes?{site}"' in page
    assert "No route yet." in client.get(f"/routes?{site}").text
    assert "Add checkpoints first." in client.get(f"/routes/new?{site}").text


def test_the_rounds_of_a_day_are_looked_back_at_page_by_page(stage: Stage) -> None:
    points = tagged(stage)
    way = route(stage, "house", "House", "室内", list(points.values())[:1])
    begins = [timedelta(minutes=-20 * number) for number in range(1, 55)]
    plan(stage, way, begins, since=timedelta(hours=-20), duration_min=10, tolerance_min=5)
    client = client_of(stage)
    now = stage.parts.clock.now()
    found: list[str] = []
    # The evening of one day or two, as the clock has it.
    for back in (0, 1):
        day = clock_day(now - timedelta(days=back))
        address = f"/rounds?site={stage.site_id}&day={day}"
        while address:
            page = client.get(address).text
            found += listed(page)
            onward = re.search(r'href="(/rounds\?[^"]*before=[^"]*)"', page)
            address = unescape(onward[1]) if onward else ""
    assert len(found) == len(set(found))
    assert len(found) >= 54
    assert "No round was planned" in client.get(f"/rounds?site={stage.site_id}&day=2020-02-01").text
    assert client.get(f"/rounds?site={stage.site_id}&day=soon").status_code == 422


def clock_day(moment: Any) -> str:
    return str((moment + timedelta(hours=8)).date())


def test_a_round_tells_of_each_point_what_is_known(stage: Stage) -> None:
    made, client = night(stage), client_of(stage)
    page = client.get(f"/rounds/{made['missed']}").text
    assert in_order(page, "Lobby of building 1", "Scanned", "Pump room", "Missed")
    assert "out of turn" not in page
    assert f"Excused: {LOCKED}" in page
    unknown = client.get(f"/rounds/{made['unknown']}").text
    now = stage.parts.clock.now()
    heard = now - timedelta(hours=3.5)
    today, day = (each.astimezone(SITE_ZONE) for each in (now, heard))
    # With its date where that was yesterday.
    date = "" if day.date() == today.date() else f"{day.day} {day:%b} "
    assert f"phone out of contact since {date}{clock_of(heard)}." in unknown
    assert "It can begin from" in client.get(f"/rounds/{made['coming']}").text
    assert "Begin this round" in client.get(f"/rounds/{made['late']}").text
    closed = client.get(f"/rounds/{made['closed']}").text
    assert "Told after the round was closed" in closed
    assert "/excuse" not in closed
    assert "/cancel" not in closed
    assert "Flooded" in client.get(f"/rounds/{made['cancelled']}").text


def test_an_early_scan_and_a_phone_that_was_heard_again_are_told(stage: Stage) -> None:
    points = tagged(stage)
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    lobby, pumps, stairs = list(points.values())[:3]
    way = route(stage, "house", "House", "室内", [Stop(lobby, 40), Stop(pumps, None, 5), stairs])
    begin = timedelta(minutes=-40)
    times = plan(stage, way, [begin], since=timedelta(hours=-1), tolerance_min=5)
    look(stage)
    address = f"/rounds/{round_near(stage, times, begin)}"
    assert "Unknown: no phone was heard." in client_of(stage).get(address).text
    for code, ago in (("stairs-b1", 36), ("lobby-b1", 35)):
        visit_point(stage, tag_of_point(code), guard, timedelta(minutes=ago))
    page = client_of(stage).get(address).text
    assert re.search(r"(29|30) mins early", page)
    assert "out of turn" in page
    # What is scanned is heard of, and says nothing of what else the phone may keep.
    assert "but has not told all its scans yet" in page


def test_a_point_is_excused_and_a_round_called_off_with_a_reason(stage: Stage) -> None:
    made, client = night(stage), client_of(stage, "supervisor")
    missed = f"/rounds/{made['missed']}"
    page = sent(client, f"{missed}/points/1/excuse", reason="Lift stands").text
    assert "Excused: Lift stands" in page
    # Every point is scanned or excused now.
    assert ">Complete</span>" in page
    late = f"/rounds/{made['late']}"
    page = sent(client, f"{late}/cancel", reason="Fire drill").text
    assert in_order(page, "Called off", "Fire drill")
    assert "Begin this round" not in page


@pytest.mark.parametrize(("act", "what"), [("points/1/excuse", "missed"), ("cancel", "late")])
def test_a_reason_that_is_missing_or_too_long_is_told_in_place_and_kept(
    stage: Stage, act: str, what: str
) -> None:
    made, client = night(stage), client_of(stage)
    long = "because " * 80
    for reason in ("  ", long):
        answer = form(client, f"/rounds/{made[what]}/{act}", reason=reason)
        assert answer.status_code == 422
        assert "Say why, in at most 500 characters." in answer.text
        # In the form that was sent, which is open.
        opened = answer.text.partition('<details class="action" open>')[2].partition("</details>")
        assert "Say why, in at most 500 characters." in opened[0]
        assert f"/{act}" in opened[0]
        assert answer.text.count("Say why, in at most") == 1
    assert long in answer.text


def test_what_is_not_possible_any_more_shows_how_it_stands_with_what_was_typed(
    stage: Stage,
) -> None:
    made, client = night(stage), client_of(stage)
    answer = form(client, f"/rounds/{made['missed']}/points/0/excuse", reason="Lift stands")
    assert answer.status_code == 409
    assert "This is how it stands now." in answer.text
    assert form(client, f"/rounds/{made['closed']}/cancel", reason="x").status_code == 409
    assert form(client, f"/rounds/{made['coming']}/begin").status_code == 409
    for position in (9, -1, 2**70):
        address = f"/rounds/{made['late']}/points/{position}/excuse"
        assert form(client, address, reason="x").status_code == 404


def test_a_guard_begins_a_round_and_sees_their_own_name_alone(stage: Stage) -> None:
    made = night(stage)
    person = stage.person("Guard Lin 林", "guard", node=stage.site_id)
    client = signed_in(stage, stage.secret(person, "session"))
    page = client.get(f"/rounds?site={stage.site_id}").text
    assert "Guard Xu" not in page
    page = client.get(f"/rounds/{made['missed']}").text
    assert "Guard Xu" not in page
    assert "/excuse" not in page
    assert "/cancel" not in page
    page = sent(client, f"/rounds/{made['late']}/begin").text
    assert in_order(page, "Being walked", "Security · Guard Lin")
    assert form(client, f"/rounds/{made['missed']}/cancel", reason="x").status_code == 403
    assert form(client, f"/rounds/{made['missed']}/points/1/excuse", reason="x").status_code == 403
    other = client_of(stage, "guard")
    assert form(other, f"/rounds/{made['late']}/begin").status_code == 409
    assert "Guard Lin" in client_of(stage).get(f"/rounds/{made['late']}").text


def test_a_round_whose_time_is_over_is_begun_by_nobody(stage: Stage) -> None:
    points = tagged(stage)
    way = route(stage, "house", "House", "室内", list(points.values())[:1])
    begin = timedelta(hours=-2)
    times = plan(stage, way, [begin], since=timedelta(hours=-3), duration_min=30)
    page = client_of(stage).get(f"/rounds/{round_near(stage, times, begin)}").text
    assert "Not begun in time" in page
    assert "Begin this round" not in page


def test_a_notice_of_a_round_leads_to_that_round(stage: Stage) -> None:
    late = night(stage)["late"]
    person = stage.person("Sun Li", "supervisor", node=stage.site_id)
    with stage.parts.database.write() as session:
        told = {"people": [str(person)], "about": {"en": "House"}}
        told |= {"from": "2026-11-29T22:00:00+00:00", "to": "2026-11-29T23:00:00+00:00"}
        fact = events.fact(
            "round.late",
            ("round", late),
            actor=events.SYSTEM,
            learned_at=stage.parts.clock.now(),
            site_id=stage.site_id,
            after=told,
        )
        events.append_all(session, [fact])
    facts = events.read_after(stage.parts.database, events.START, 5000)
    with stage.parts.database.write() as session:
        notifications.take_up(session, facts, now=stage.parts.clock.now())
    client = signed_in(stage, stage.secret(person, "session"))
    page = client.get("/account/inbox").text
    assert f'<a href="/rounds/{late}">A round has not begun</a>' in page
    with stage.parts.database.read() as session:
        mine = select(notifications.Notice.code).where(notifications.Notice.person_id == person)
        code = session.scalars(mine).one()
    assert f'href="/rounds/{late}"' in client.get(f"/n/{code}").text


def test_the_search_shows_a_route_with_its_rounds_by_the_clocks_of_the_site(stage: Stage) -> None:
    made = night(stage)
    page = client_of(stage).get("/search?q=house").text
    assert f'href="/routes/{made["route"]}"' in page
    first, second = re.findall(r'<a href="/rounds/([0-9a-f-]{36})">([^<]*)</a>', page)
    assert first[0] == str(made["missed"])
    assert clock_of(stage.parts.clock.now() - timedelta(hours=0.8)) in first[1]
    assert second[0] == str(made["coming"])
    assert "/routes/" not in client_of(stage, "resident").get("/search?q=house").text


def test_a_guard_sets_up_nothing(stage: Stage) -> None:
    made, client = night(stage), client_of(stage, "guard")
    way = f"/routes/{made['route']}"
    page = client.get(way).text
    assert "Lobby of building 1" in page
    assert 'method="post" action="/rou' not in page
    assert "/routes/new" not in client.get(f"/routes?site={stage.site_id}").text
    for address in (f"{way}/plans/new", f"/round-plans/{made['round_plan']}", "/routes/new"):
        assert client.get(address).status_code == 403, address
    for address in (way, f"{way}/plans", f"{way}/retire", f"/round-plans/{made['round_plan']}"):
        assert form(client, address, version="1").status_code == 403, address


def test_a_route_is_put_together_by_buttons_without_a_script(stage: Stage) -> None:
    points = [checkpoint(stage, f"post-{number}") for number in range(3)]
    first, second, third = map(str, points)
    client, site = client_of(stage), str(stage.site_id)
    typed = {"site": site, "code": "night-1", "name_en": "Night, inside", "order": "ordered"}
    page = form(client, "/routes", **typed, do="add", add=[first, second, third]).text
    assert stops(page) == [first, second, third]
    assert field_of(page, "name_en") == "Night, inside"
    columns = {"checkpoint": [first, second, third], "opens": ["", "5", ""]}
    columns["closes"] = ["", "20", "soon"]
    for do, expected in (
        ("up:1", [second, first, third]),
        ("down:0", [second, first, third]),
        ("down:2", [first, second, third]),
        ("up:0", [first, second, third]),
        ("remove:1", [first, third]),
        ("remove:9", [first, second, third]),
        ("nonsense", [first, second, third]),
    ):
        page = form(client, "/routes", **typed, **columns, do=do).text
        assert stops(page) == expected, do
        assert 'value="soon"' in page
    assert 'value="20"' in form(client, "/routes", **typed, **columns, do="up:1").text
    # One that a route goes to twice is offered only where the order is kept.
    assert f'name="add" value="{first}"' in page
    loose = {**typed, "order": "unordered"}
    page = form(client, "/routes", **loose, **columns, do="up:1").text
    assert f'name="add" value="{first}"' not in page
    page = sent(client, "/routes", site=site, **new_route([points[2], points[0]])).text
    assert stops(page) == [third, first]
    assert "Nothing is planned" in page


def test_a_script_gets_the_points_alone(stage: Stage) -> None:
    points = [checkpoint(stage, f"post-{number}") for number in range(2)]
    client = client_of(stage)
    client.headers["HX-Request"] = "true"
    fields = {"site": str(stage.site_id), **new_route(points, do="down:0")}
    page = form(client, "/routes", **fields).text
    assert "<html" not in page
    assert stops(page) == [str(points[1]), str(points[0])]
    way = route(stage, "way", "Way", "路线", points)
    page = form(client, f"/routes/{way}", version="1", **new_route(points, do="remove:0")).text
    assert "<html" not in page
    assert stops(page) == [str(points[1])]


@pytest.mark.parametrize(
    ("fields", "told", "in_chinese"),
    [
        ({"code": "Night 1"}, "Code: small letters", "编号：小写字母"),
        ({"name_en": "", "name_zh": " "}, "Give it a name", "请至少用一种语言填写名称"),
        ({"order": "sideways"}, "Choose in which order", "请选择巡更点的巡查顺序"),
        ({"take": "1"}, "leave it empty", "请留空"),
        ({"order": "random", "take": "many"}, "How many to draw: a whole number", "应为整数"),
        ({"opens": ["20"], "closes": ["10"]}, "Checkpoint 1: its time has to end", "第 1 个巡更点"),
        ({"closes": ["1.5"]}, "Checkpoint 1: its minutes are whole", "0 至 1,440 的整数"),
        ({"checkpoint": ["gate"]}, "Checkpoint 1: it is none of this site", "不属于本项目"),
        ({"checkpoint": []}, "Add one checkpoint at least", "请至少添加一个巡更点"),
    ],
)
def test_a_route_that_makes_no_sense_is_told_in_place_and_nothing_typed_is_lost(
    stage: Stage, fields: dict[str, Any], told: str, in_chinese: str
) -> None:
    point = checkpoint(stage, "post-1")
    right = {"site": str(stage.site_id), **new_route([point])}
    for locale, words in (("en", told), ("zh", in_chinese)):
        answer = form(client_of(stage, locale=locale), "/routes", **{**right, **fields})
        assert answer.status_code == 422
        assert words in answer.text
        if "name_en" not in fields:
            assert field_of(answer.text, "name_en") == "Night, inside"
        for value in fields.get("closes", []):
            assert f'name="closes" value="{value}"' in answer.text


def test_a_code_that_is_taken_is_told_in_place(stage: Stage) -> None:
    point = checkpoint(stage, "post-1")
    client, fields = client_of(stage), {"site": str(stage.site_id), **new_route([point])}
    sent(client, "/routes", **fields)
    answer = form(client, "/routes", **fields)
    assert answer.status_code == 409
    assert "This code is taken on this site." in answer.text
    assert stops(answer.text) == [str(point)]


def test_a_route_is_changed_taken_out_of_use_and_into_it_again(stage: Stage) -> None:
    points = [checkpoint(stage, f"post-{number}") for number in range(2)]
    way = route(stage, "night-1", "Night", "夜间", points)
    client = client_of(stage)
    version = field_of(client.get(f"/routes/{way}").text, "version")
    changed = new_route([points[1]], order="random", take="1", opens=["3"], closes=["9"])
    page = sent(client, f"/routes/{way}", version=version, **changed).text
    assert 'name="opens" value="3"' in page
    assert "Night, inside" in page
    # Somebody else had it open meanwhile: what they typed stands there, and can be sent again.
    answer = form(client, f"/routes/{way}", version=version, **new_route(points, name_en="Mine"))
    assert answer.status_code == 412
    assert "Somebody changed this since you opened it." in answer.text
    assert field_of(answer.text, "name_en") == "Mine"
    again = field_of(answer.text, "version")
    page = sent(client, f"/routes/{way}", version=again, **new_route(points, name_en="Mine")).text
    assert stops(page) == [str(one) for one in points]
    page = sent(client, f"/routes/{way}/retire", version=field_of(page, "version")).text
    assert "It is out of use" in page
    assert 'id="route-form"' not in page
    assert "/plans/new" not in page
    retired = client.get(f"/routes?site={stage.site_id}&view=retired").text
    assert str(way) in retired
    assert str(way) not in client.get(f"/routes?site={stage.site_id}").text
    assert form(client, f"/routes/{way}", version="4", **new_route(points)).status_code == 409
    page = sent(client, f"/routes/{way}/reactivate", version="4").text
    assert 'id="route-form"' in page
    assert form(client, f"/routes/{way}/retire", version="1").status_code == 412


def test_a_plan_is_made_changed_ended_and_taken_up_again(stage_at_noon: Stage) -> None:
    # A round that may begin already stays when its plan is changed or ended.
    stage = stage_at_noon
    way = route(stage, "night-1", "Night", "夜间", [checkpoint(stage, "post-1")])
    client = client_of(stage)
    page = client.get(f"/routes/{way}/plans/new").text
    usual = [field_of(page, name) for name in ("duration", "tolerance", "settle")]
    assert usual == ["60", "15", "720"]
    assert (
        page.count('name="weekday"') == len(re.findall(r'name="weekday"[^>]* checked', page)) == 7
    )
    page = sent(client, f"/routes/{way}/plans", **NEW_PLAN).text
    assert in_order(page, "00:00, 02:00, 22:00", "Mon, Tue, Fri", "within Night shift")
    assert "60 minutes, 15 earlier or later counts" in page
    with stage.parts.database.read() as session:
        made = session.scalars(select(rounds.RoundPlan)).one()
    address = f"/round-plans/{made.id}"
    page = client.get(address).text
    assert field_of(page, "times") == "00:00, 02:00, 22:00"
    changed = {**NEW_PLAN, "outside": "yes", "weekday": list("1234567"), "times": "09:30"}
    page = sent(client, address, version="1", **changed).text
    assert in_order(page, "09:30", "every day", "outside of Night shift")
    assert "Next rounds" in page
    answer = form(client, address, version="1", **NEW_PLAN)
    assert answer.status_code == 412
    assert field_of(answer.text, "version") == "2"
    assert field_of(answer.text, "times") == NEW_PLAN["times"]
    page = sent(client, f"{address}/retire", version="2").text
    assert "Take it up again" in page
    assert "Next rounds" not in page
    assert "no round is planned" in client.get(f"/routes?site={stage.site_id}").text
    page = sent(client, f"{address}/reactivate", version="3").text
    assert "End this plan" in page
    assert form(client, f"{address}/retire", version="3").status_code == 412


@pytest.mark.parametrize(
    ("fields", "told", "in_chinese"),
    [
        ({"times": "22:00, 25:00"}, "25:00 is no time of day.", "“25:00”不是有效时间"),
        ({"times": ""}, "Write when rounds begin", "请填写开始时间"),
        ({"weekday": []}, "Choose one day of the week", "请至少选择星期中的一天"),
        ({"team": "dancers"}, "Choose a team of this site.", "请选择本项目的班组"),
        ({"hours": "moonlight"}, "Choose a calendar or a shift", "请选择本项目的日历或班次"),
        ({"duration": "long"}, "How long it takes: 1 to 1,440", "一轮时长：1 至 1,440"),
        ({"tolerance": "90"}, "How much earlier or later: from 0", "前后偏差：0 分钟"),
        ({"settle": ""}, "How long unknown points wait: 0", "未知点等待时间"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_in_place_and_nothing_typed_is_lost(
    stage: Stage, fields: dict[str, Any], told: str, in_chinese: str
) -> None:
    way = route(stage, "night-1", "Night", "夜间", [checkpoint(stage, "post-1")])
    for locale, words in (("en", told), ("zh", in_chinese)):
        client = client_of(stage, locale=locale)
        answer = form(client, f"/routes/{way}/plans", **{**NEW_PLAN, **fields})
        assert answer.status_code == 422
        assert words in answer.text
        for name in ("times", "duration", "tolerance", "settle"):
            kept = {**NEW_PLAN, **fields}[name]
            assert field_of(answer.text, name) == kept, name
        assert len(re.findall(r'name="weekday"[^>]* checked', answer.text)) == len(
            {**NEW_PLAN, **fields}["weekday"]
        )


def test_a_window_behind_the_end_of_a_plan_is_told_on_either_form(stage: Stage) -> None:
    point = checkpoint(stage, "post-1")
    way = route(stage, "night-1", "Night", "夜间", [Stop(point, 20)])
    told = {
        "en": ("more than 20 minutes, when the last window", "before minute 60, when a plan ends"),
        "zh": ("须多于 20 分钟", "时段须在第 60 分钟前开始"),
    }
    sent(client_of(stage), f"/routes/{way}/plans", **NEW_PLAN)
    for locale, (too_short, too_late) in told.items():
        client = client_of(stage, locale=locale)
        answer = form(client, f"/routes/{way}/plans", **{**NEW_PLAN, "duration": "20"})
        assert (answer.status_code, too_short in answer.text) == (422, True)
        late = {**new_route([point]), "opens": ["60"]}
        answer = form(client, f"/routes/{way}", version="1", **late)
        assert (answer.status_code, too_late in answer.text) == (422, True)


def test_a_checkpoint_out_of_use_is_marked_in_its_route(stage: Stage) -> None:
    points = [checkpoint(stage, f"post-{number}") for number in range(2)]
    way = route(stage, "night-1", "Night", "夜间", points)
    client = client_of(stage)
    sent(client, f"/checkpoints/{points[0]}/retire", version="1")
    page = client.get(f"/routes/{way}").text
    assert in_order(page, "Post-0", "Out of use", "Post-1")
    answer = form(client, f"/routes/{way}", version="1", **new_route(points))
    assert answer.status_code == 422
    assert "Checkpoint 1 is out of use." in answer.text


def test_a_resident_sees_no_rounds(stage: Stage) -> None:
    night(stage)
    site = f"site={stage.site_id}"
    assert client_of(stage, "resident").get(f"/rounds?{site}").status_code == 403


def test_a_plan_says_when_in_words_of_the_reader(stage: Stage) -> None:
    way = route(stage, "night-1", "Night", "夜间", [checkpoint(stage, "post-1")])
    draft = PlanDraft(["22:00"], "security", 45, weekdays=[6, 7])
    with stage.parts.database.write() as session:
        row, now = session.get_one(rounds.Route, way), stage.parts.clock.now()
        rounds.create_plan(session, row, draft, actor=events.SYSTEM, now=now)
    page = client_of(stage, locale="zh").get(f"/routes/{way}").text
    assert in_order(page, "22:00", "周六, 周日", "秩序安保", "时长 45 分钟")


def test_the_activity_of_a_site_names_who_scanned_to_those_alone_who_may_see_it(
    stage: Stage,
) -> None:
    guard = stage.person("Guard Xu", "guard", node=stage.site_id)
    tagged(stage)
    visit_point(stage, tag_of_point("lobby-b1"), guard, timedelta(minutes=1))
    pages = {
        role: client_of(stage, role).get(f"/live/{stage.site_id}/activity").text
        for role in ("manager", "technician")
    }
    assert all("Checkpoint scanned" in page for page in pages.values())
    assert "Guard Xu" in pages["manager"]
    assert "Guard Xu" not in pages["technician"]
    assert "former colleague" not in pages["technician"]
    own = signed_in(stage, stage.secret(guard, "session"))
    assert "Guard Xu" in own.get(f"/live/{stage.site_id}/activity").text
