"""The control room as it is served: who sees what, what is refused, and what is never empty."""

import re
from urllib.parse import parse_qs, urlparse
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.floor_plans import FloorPlan, positions_of
from core.permissions import ROLES
from core.pictures import LARGEST_PICTURE
from core.places import Asset, Space
from tests.pictures import drawing, photo
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.rounding import night_of_rounds
from tests.web.stage import OVERHEATING, Fault, Stage
from web.page_route import HEADERS
from web.pages.control_room import panels

PUMP = "b1-pump-1"
PAGE = "/control-room?site=riverside"
SMOKE = Fault("smoke", {"en": "Smoke"}, "medium", "smoke", "smoke", {}, life_safety=True)


def post(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, **form})
    return answer.status_code, answer.headers.get("location", answer.text)


def tap(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form as a page with scripts does; the status, and what is told."""
    headers = {"HX-Request": "true", "X-CSRF-Token": csrf_token(client.cookies[SESSION_COOKIE])}
    answer = client.post(address, data=form, headers=headers)
    return answer.status_code, answer.text


def draw(client: TestClient, stage: Stage, content: bytes, space: str = "") -> tuple[int, str]:
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(
        f"/control-room/{stage.site_id}/plan",
        data={"csrf": token, "space": space},
        files={"picture": ("plan.png", content, "image/png")},
    )
    return answer.status_code, answer.headers.get("location", answer.text)


def plan_id(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        return session.scalars(select(FloorPlan.id)).one()


def kinds(stage: Stage, prefix: str) -> list[str]:
    with stage.parts.database.read() as session:
        statement = select(events.Event.kind).where(events.Event.kind.startswith(prefix))
        return list(session.scalars(statement.order_by(events.Event.seq)))


@pytest.mark.parametrize("role", ROLES)
def test_who_may_act_on_alarms_may_sit_there_and_who_dispatches_is_led_there(
    stage: Stage, role: str
) -> None:
    client = client_of(stage, role)
    may = "alarms.act" in ROLES[role]
    assert client.get("/control-room").status_code == (200 if may else 403)
    led = 'href="/control-room"' in client.get("/").text
    assert led is (
        role in ("service_desk", "supervisor", "manager", "safety_officer", "administrator")
    )


def test_the_page_is_strict_and_can_be_read_aloud(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    stage.trip(PUMP, OVERHEATING)
    assert draw(client, stage, drawing(), "b1-basement")[0] == 303
    for address in (PAGE, f"{PAGE}&space=b1-basement", f"{PAGE}&lang=zh"):
        response = client.get(address)
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        markup = read(response.text)
        assert markup.inline == []
        assert markup.headings.count("h1") == 1
        assert markup.without_label == []
        assert len(markup.ids) == len(set(markup.ids))
        unsafe = [form for form in markup.forms if form["method"] == "post"]
        assert all(form["csrf"] for form in unsafe)


def test_without_a_plan_the_equipment_lies_there_tidily(stage: Stage, client: TestClient) -> None:
    stage.trip(PUMP, OVERHEATING)
    whole = client.get(PAGE).text
    assert whole.count('class="thing-link"') == len(stage.assets)
    room = client.get(f"{PAGE}&space=b1-pumproom").text
    pump = room[room.index(f'id="thing-{stage.assets[PUMP]}"') - 80 :][:900]
    assert "thing-high thing-unseen" in pump
    assert "sign-high" in pump
    assert f'id="thing-{stage.assets["b2-pump-1"]}"' not in room
    assert room.count('class="thing-link"') < len(stage.assets) / 3
    # What nobody knows shows everything, as the page without a choice does.
    assert client.get(f"{PAGE}&space=nowhere").text.count('class="thing-link"') == len(stage.assets)


def test_of_very_much_equipment_what_is_wrong_is_shown(
    stage: Stage, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels, "MOST_MARKS", 5)
    stage.trip("garage-fan-3", OVERHEATING)
    page = client.get(PAGE).text
    assert f'id="thing-{stage.assets["garage-fan-3"]}"' in page
    assert page.count('class="thing-link"') == 5
    assert f"{len(stage.assets) - 5} more are well" in page


def test_an_empty_site_says_what_it_is(stage: Stage) -> None:
    person = stage.person("Stranger", "manager", node=stage.other_site_id)
    page = signed_in(stage, stage.secret(person, "session")).get("/control-room").text
    assert "Hillside Park" in page
    assert "This site has no equipment yet." in page
    assert "No alarm is open." in page
    assert "No ticket waits." in page


def test_every_site_that_somebody_answers_for_is_listened_to_at_once(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    for node, sounds in ((stage.company_id, "high"), (stage.other_site_id, "")):
        person = stage.person("Wei Chen", "service_desk", node=node)
        client = signed_in(stage, stage.secret(person, "session"))
        page = client.get("/control-room?site=hillside").text
        assert f'data-ringing="{sounds}"' in page
        assert ("Pump motor overheating" in page) is bool(sounds)
        assert ("/control-room?site=riverside" in page) is bool(sounds)


def test_an_alarm_is_accepted_by_one_button_without_scripts_too(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [address] = re.findall(r'action="(/control-room/alarms/[^"]+)"', client.get(PAGE).text)
    assert post(client, address) == (303, "/control-room")
    assert stage.ticket(number).state == "assigned"
    again = client.get(PAGE).text
    assert 'data-ringing=""' in again
    status, notice = tap(client, address)
    assert status == 200
    assert "Accepted; the ticket is yours: Pump motor overheating" in notice


def test_what_somebody_else_has_is_only_acknowledged(stage: Stage, client: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    other = client_of(stage, "technician")
    assert post(other, f"/tickets/{number}/accept", version=1)[0] == 303
    stage.clear(PUMP, OVERHEATING)
    stage.trip(PUMP, OVERHEATING)
    page = client.get(PAGE).text
    assert "Acknowledge: Pump motor overheating" in page
    [address] = re.findall(r'action="(/control-room/alarms/[^"]+)"', page)
    assert "Acknowledged: Pump motor overheating" in tap(client, address)[1]
    status, notice = tap(client, address)
    assert status == 409
    assert "That is not possible any more" in notice
    assert post(client, f"/control-room/alarms/{uuid4()}/accept")[0] == 404


def test_a_critical_report_of_people_waits_among_the_alarms(
    stage: Stage, client: TestClient
) -> None:
    form = {"title": "Somebody is stuck", "kind": "incident", "priority": "critical"}
    address = f"/new-ticket?asset={stage.assets['b1-lift-1']}"
    status, there = post(client, address, id=str(uuid4()), team="service", **form)
    assert status == 303
    number = there.rpartition("/")[2]
    page = client.get(PAGE).text
    assert 'data-ringing="critical"' in page
    assert "Reported by people" in page
    assert "Accept: Somebody is stuck" in page
    accepted = tap(client, f"/control-room/tickets/{number}/accept")
    assert "Accepted; the ticket is yours: Somebody is stuck" in accepted[1]
    assert 'data-ringing=""' in client.get(PAGE).text
    assert post(client, "/control-room/tickets/999/accept")[0] == 404


def test_tickets_stand_by_their_deadline(stage: Stage, client: TestClient) -> None:
    stage.trip(PUMP, OVERHEATING)
    stage.trip("b1-pump-2", SMOKE)
    page = client.get(PAGE).text
    tickets = page[page.index('id="panel-tickets"') :]
    assert tickets.index("#2") < tickets.index("#1")
    assert "data-countdown" in tickets


@pytest.mark.parametrize("minutes", ["0", "11", "-1", "", "a few", "９", "99999"])
def test_nobody_mutes_for_longer_than_ten_minutes(
    stage: Stage, client: TestClient, minutes: str
) -> None:
    status, page = post(client, f"/control-room/{stage.site_id}/mute", minutes=minutes)
    assert status == 422
    assert "1 to 10" in page
    assert kinds(stage, "sound.") == []


def test_a_mute_is_seen_on_every_page_of_its_person_and_on_nobody_elses(
    stage: Stage, client: TestClient
) -> None:
    stage.trip(PUMP, OVERHEATING)
    base = f"/control-room/{stage.site_id}"
    assert tap(client, f"{base}/mute", minutes="10") == (200, "")
    muted = client.get(PAGE).text
    assert "Your sound is muted until" in muted
    assert re.search(r'data-muted-until="20[^"]+Z"', muted)
    assert 'data-breaking=""' in muted
    assert 'data-muted-until=""' in client_of(stage, "manager").get(PAGE).text
    stage.trip("b1-pump-2", SMOKE)
    assert 'data-breaking="critical"' in client.get(f"{base}/sound").text
    assert post(client, f"{base}/unmute") == (303, "/control-room")
    assert "Your sound is muted until" not in client.get(PAGE).text
    assert "Control room muted" in client.get("/").text
    assert kinds(stage, "sound.") == ["sound.mute", "sound.unmute"]


def test_whether_the_sound_was_heard_is_on_record(stage: Stage, client: TestClient) -> None:
    address = f"/control-room/{stage.site_id}/sound-test"
    assert "Test the sound at the start of your shift" in client.get(PAGE).text
    assert post(client, address, heard="perhaps")[0] == 422
    status, notice = tap(client, address, heard="no")
    assert status == 200
    assert "Check the loudspeaker" in notice
    assert "The last test of the sound was not heard" in client.get(PAGE).text
    assert "On record: you heard" in tap(client, address, heard="yes")[1]
    page = client.get(PAGE).text
    assert "Sound tested and heard" in page
    assert 'id="test-due"' not in page
    live = re.sub(r"\s+", " ", client.get("/").text)
    assert "Sound of a control room tested</strong> (heard)" in live
    assert "Sound of a control room tested</strong> (not heard)" in live


def test_a_plan_is_drawn_shown_replaced_and_removed(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    status, there = draw(client, stage, drawing("PNG", (400, 300)), "b1-basement")
    assert status == 303
    assert parse_qs(urlparse(there).query) == {"site": ["riverside"], "space": ["b1-basement"]}
    page = client.get(there).text
    [source] = re.findall(r'<img class="plan-picture" src="([^"]+)"', page)
    picture = client.get(source)
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8")
    # Whoever looks at a room of it is told where it is drawn.
    assert "It is drawn on the plan of" in client.get(f"{PAGE}&space=b1-pumproom").text
    assert draw(client, stage, photo(), "b1-basement")[0] == 303
    assert source not in client.get(there).text
    assert post(client, f"/control-room/plans/{plan_id(stage)}/remove") == (303, there)
    assert "plan-stage" not in client.get(there).text
    assert kinds(stage, "floor_plan.") == ["floor_plan.put"] * 2 + ["floor_plan.remove"]


def test_the_site_as_a_whole_has_a_plan_too(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    assert draw(client, stage, drawing("WEBP")) == (303, "/control-room?site=riverside")
    assert "plan-stage" in client.get(PAGE).text
    assert "It is drawn on the plan of" in client.get(f"{PAGE}&space=b1-pumproom").text


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 plan", b"<svg onload=alert(1)></svg>"])
def test_what_is_no_picture_is_refused_with_what_to_do(stage: Stage, content: bytes) -> None:
    client = client_of(stage, "administrator")
    status, page = draw(client, stage, content, "b1-basement")
    assert status == 422
    assert "plan:" in page
    assert kinds(stage, "floor_plan.") == []


def test_a_picture_that_is_too_large_or_of_nowhere_is_refused(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    assert draw(client, stage, b"\xff" * (LARGEST_PICTURE + 1))[0] == 422
    assert draw(client, stage, b"\xff" * (LARGEST_PICTURE + 128 * 1024))[0] == 413
    assert draw(client, stage, drawing(), "nowhere")[0] == 404
    assert kinds(stage, "floor_plan.") == []


def test_who_may_not_change_places_sees_a_plan_and_no_button(
    stage: Stage, client: TestClient
) -> None:
    assert draw(client_of(stage, "administrator"), stage, drawing(), "b1-basement")[0] == 303
    page = client.get(f"{PAGE}&space=b1-basement").text
    assert "plan-stage" in page
    for button in ("plan-arrange", "plan-form", "data-put"):
        assert button not in page
    plan = plan_id(stage)
    assert draw(client, stage, drawing(), "b1-basement")[0] == 403
    form = {"asset": stage.assets[PUMP], "x": 0.5, "y": 0.5}
    for action in ("place", "lift", "remove"):
        assert post(client, f"/control-room/plans/{plan}/{action}", **form)[0] == 403
    assert kinds(stage, "floor_plan.") == ["floor_plan.put"]


def test_assets_are_placed_by_fractions_of_the_picture(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    draw(client, stage, drawing(), "b1-basement")
    plan, pump = plan_id(stage), stage.assets[PUMP]
    address = f"/control-room/plans/{plan}"
    assert post(client, f"{address}/place", asset=pump, x="0.25", y="0.7") == (204, "")
    page = client.get(f"{PAGE}&space=b1-basement").text
    assert f'data-asset="{pump}" data-x="0.25" data-y="0.7"' in page
    assert f'id="thing-{pump}"' not in page
    for x in ("1.2", "nan", "", "left", "1e400"):
        assert post(client, f"{address}/place", asset=pump, x=x, y="0.7")[0] == 422
    for wrong in ("", "pump", stage.assets["b2-pump-1"], uuid4()):
        assert post(client, f"{address}/place", asset=wrong, x="0.5", y="0.5")[0] == 404
    assert post(client, f"/control-room/plans/{uuid4()}/place", asset=pump, x="0", y="0")[0] == 404
    with stage.parts.database.read() as session:
        assert positions_of(session, plan) == {pump: (0.25, 0.7)}
    assert post(client, f"{address}/lift", asset=pump) == (204, "")
    assert f'id="thing-{pump}"' in client.get(f"{PAGE}&space=b1-basement").text


def test_an_asset_that_moved_elsewhere_is_off_the_plan(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    draw(client, stage, drawing(), "b1-basement")
    address = f"/control-room/plans/{plan_id(stage)}/place"
    post(client, address, asset=stage.assets[PUMP], x="0.25", y="0.7")
    with stage.parts.database.write() as session:
        elsewhere = session.scalars(select(Space).where(Space.code == "b2-pumproom")).one()
        asset = session.get_one(Asset, stage.assets[PUMP])
        asset.space_id = elsewhere.id
    assert f"marker-{stage.assets[PUMP]}" not in client.get(f"{PAGE}&space=b1-basement").text


def test_there_is_no_other_part_of_the_page(stage: Stage, client: TestClient) -> None:
    for panel in panels.PANELS:
        assert client.get(f"/control-room/{stage.site_id}/{panel}").status_code == 200
    assert client.get(f"/control-room/{stage.site_id}/nothing").status_code == 404
    assert client.get(f"/control-room/{uuid4()}/alarms").status_code == 404
    assert client.get("/control-room/plans/1").status_code == 404


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_rounds_that_somebody_goes_or_should_go_stand_there_with_what_is_unknown(
    stage: Stage, locale: str
) -> None:
    made = night_of_rounds(stage, stage.person("Guard Xu 徐刚", "guard", node=stage.site_id))
    page = client_of(stage, locale=locale).get(f"/control-room/{stage.site_id}/rounds").text
    shown = re.findall(r'id="round-([0-9a-f-]{36})"', page)
    # What can still be mended first; neither what is over nor what is still to come.
    assert shown == [str(made[one]) for one in ("missed", "late", "unknown")]
    assert f'href="/rounds/{made["missed"]}"' in page
    assert "徐刚" in page
    said = {"en": "Unknown: phone out of contact since", "zh": "未知：手机自"}[locale]
    assert said in page
    assert ("1 missed" if locale == "en" else "漏巡 1") in page


def test_who_may_not_see_rounds_learns_nothing_of_them_there(stage: Stage) -> None:
    night_of_rounds(stage, stage.person("Guard Xu", "guard", node=stage.site_id))
    roles = [
        role
        for role, rights in ROLES.items()
        if "alarms.act" in rights and "patrol.read" not in rights
    ]
    for role in roles:
        page = client_of(stage, role).get(f"/control-room/{stage.site_id}/rounds").text
        assert "round-item" not in page, role
        assert "You may not see rounds." in page, role
