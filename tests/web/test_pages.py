"""Pages show what is, to whom it belongs, in their language."""

import re
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api.deps import csrf_token
from api.directory import routes_of
from core.clock import MICROS
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.stage import OVERHEATING, Stage
from web.page_route import HEADERS, PageRoute

PUMP = "b1-pump-1"


def text_of(client: TestClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return re.sub(r"\s+", " ", " ".join(read(response.text).text))


def test_the_live_page_teaches_while_there_is_nothing_to_show(client: TestClient) -> None:
    page = text_of(client, "/")
    assert "Riverside Court" in page
    assert "No alarm is open." in page
    assert "No ticket is open." in page
    assert "watchkeeper publish wk/v1/riverside/my-sensor/readings" in page


def test_the_live_page_shows_alarm_ticket_value_and_waiting_sensor(
    stage: Stage, client: TestClient
) -> None:
    stage.say(PUMP, {"motor_temperature": 82.44})
    number = stage.trip(PUMP, OVERHEATING)
    stage.unknown_device("my-sensor", {"temperature": 21.5})
    page = text_of(client, "/?site=riverside")
    assert "Pump motor overheating" in page
    assert f"#{number} Pump motor overheating" in page
    assert "82.4 °C" in page
    assert "my-sensor" in page
    assert re.search(r"\d+ mins? left", page)
    assert "Ticket opened" in page


def test_the_live_page_speaks_chinese_to_a_chinese_reader(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, locale="zh")
    page = text_of(client, "/?site=riverside")
    assert 'lang="zh-Hans"' in client.get("/").text
    assert "滨江苑" in page
    assert "水泵电机过热" in page
    assert "待确认报警" in page
    assert "Pump motor overheating" not in page


def test_the_switch_of_language_is_remembered(stage: Stage, client: TestClient) -> None:
    chosen = client.get("/?lang=zh")
    assert "待确认报警" in chosen.text
    client.cookies.update(chosen.cookies)
    assert "待确认报警" in client.get("/").text
    assert "alarms to acknowledge" in client.get("/?lang=en").text


def test_times_are_those_of_the_site(stage: Stage, client: TestClient) -> None:
    at = stage.now - 60 * MICROS
    number = stage.trip(PUMP, OVERHEATING, at=at)
    shanghai = (at // MICROS // 3600 + 8) % 24
    assert re.search(rf"\b{shanghai:02d}:\d\d:\d\d\b", text_of(client, f"/tickets/{number}"))


def test_a_silent_sensor_is_never_shown_as_well(stage: Stage, client: TestClient) -> None:
    stage.say(PUMP, {"motor_temperature": 50.0}, at=stage.now - 3600 * MICROS)
    page = client.get("/?site=riverside").text
    row = page[page.index(f'id="asset-{stage.assets[PUMP]}"') :].split("</li>")[0]
    assert "dot-silent" in row
    assert "dot-ok" not in row
    assert 'class="value silent"' in row


def test_a_ticket_says_why_it_exists(stage: Stage, client: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    stage.clear(PUMP, OVERHEATING)
    page = text_of(client, f"/tickets/{number}")
    for wanted in (
        "Motor temperature 82.4 °C > 75 °C for 2 mins",
        "Motor temperature",
        "pump-motor-overheating",
        "version 1",
        "Change over to the standby pump",
        "Basis of the limit",
        "motors of class B and F run at 60-80 °C",
        "The reading recovered",
        "Ticket opened",
    ):
        assert wanted in page


def test_the_chart_of_a_ticket_joins_evidence_limit_and_marks(
    stage: Stage, client: TestClient
) -> None:
    tripped = stage.now - 120 * MICROS
    for seconds in range(0, 300, 10):
        at = tripped - 180 * MICROS + seconds * MICROS
        stage.say(PUMP, {"motor_temperature": 60.0 + seconds / 10}, at=at)
    number = stage.trip(PUMP, OVERHEATING, at=tripped)
    stage.clear(PUMP, OVERHEATING, at=tripped + 60 * MICROS)
    chart = client.get(f"/tickets/{number}/chart").json()
    [series] = chart["series"]
    assert series["name"] == "Motor temperature"
    assert series["unit"] == "°C"
    assert series["limits"] == [75.0]
    assert len(series["at"]) == len(series["value"]) == 30
    assert [mark["kind"] for mark in chart["marks"]] == ["trip", "recovery"]
    assert chart["marks"][0]["at"] == tripped / MICROS


def test_an_asset_shows_its_points_and_its_day(stage: Stage, client: TestClient) -> None:
    stage.say(PUMP, {"motor_temperature": 51.0, "running": 1.0})
    address = f"/assets/{stage.assets[PUMP]}"
    page = text_of(client, address)
    assert "Motor temperature motor_temperature 51 °C" in page
    assert "Running running yes" in page
    charts = {item["name"]: item for item in client.get(f"{address}/chart").json()["series"]}
    assert charts["Motor temperature"]["value"] == [51.0]
    assert charts["Running"]["states"] == ["no", "yes"]


def test_an_asset_shows_of_an_event_that_it_happened_and_how_often(
    stage: Stage, client: TestClient
) -> None:
    address = f"/assets/{stage.assets['b1-door-entrance']}"
    assert "not yet" in client.get(address).text
    for minutes in (90, 30):
        stage.say("b1-door-entrance", {"door_held": 1.0}, at=stage.now - minutes * 60 * MICROS)
    assert "happened" in client.get(address).text
    (chart,) = (
        item
        for item in client.get(f"{address}/chart").json()["series"]
        if item["name"] == "Door held open"
    )
    assert chart["events"]
    assert chart["value"] == [0, 1, 1, 0]
    assert chart["at"][-1] - chart["at"][0] == pytest.approx(24 * 3600, abs=1)


def test_a_stranger_finds_nothing_of_ours(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    device = stage.unknown_device("leak-sensor-7", {"temperature": 21.5})
    stranger = stage.person("Stranger", "administrator", node=stage.other_site_id)
    client = signed_in(stage, stage.secret(stranger, "session"))
    live = client.get("/?site=riverside")
    assert "Hillside Park" in live.text
    for ours in ("Riverside", "overheating", "leak-sensor-7", PUMP):
        assert ours not in live.text
    asset = stage.assets[PUMP]
    hidden = [f"/tickets/{number}", f"/tickets/{number}/chart", f"/assets/{asset}"]
    hidden += [f"/assets/{asset}/chart", f"/assets/{asset}/parts/points"]
    hidden += [f"/devices/{device}/adopt", f"/live/{stage.site_id}/stream"]
    hidden += [f"/live/{stage.site_id}/{panel}" for panel in ("alarms", "tree", "summary")]
    for address in hidden:
        response = client.get(address)
        assert response.status_code == 404, address
        assert "overheating" not in response.text
    token = csrf_token(client.cookies["wk_session"])
    step = client.post(f"/tickets/{number}/start", data={"csrf": token, "version": 1})
    assert step.status_code == 404
    assert stage.ticket(number).state == "open"


def test_somebody_without_any_role_is_told_so(stage: Stage) -> None:
    nobody = stage.person("Nobody", "manager", node=stage.region_without_sites())
    client = signed_in(stage, stage.secret(nobody, "session"))
    assert "There is no site for you yet" in text_of(client, "/")


def test_an_auditor_sees_no_button_and_may_not_press_one(stage: Stage) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    client = client_of(stage, "auditor")
    forms = [form for form in read(client.get("/").text).forms if form["method"] == "post"]
    assert len(forms) == 1
    assert "Start work" not in client.get(f"/tickets/{number}").text
    token = csrf_token(client.cookies["wk_session"])
    response = client.post(f"/tickets/{number}/start", data={"csrf": token, "version": 1})
    assert response.status_code == 403
    assert "This is not yours to see or change" in response.text


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_its_token_changes_nothing(
    stage: Stage, client: TestClient, token: str
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    response = client.post(f"/tickets/{number}/start", data={"csrf": token, "version": 1})
    assert response.status_code == 403
    assert stage.ticket(number).state == "open"


def test_what_does_not_exist_has_a_page_that_helps(client: TestClient) -> None:
    for address in ("/tickets/999", f"/assets/{uuid4()}", "/nowhere", "/tickets/first"):
        response = client.get(address)
        assert response.status_code == 404
        assert "There is nothing here" in response.text
        assert 'href="/"' in response.text


def test_an_error_speaks_the_language_of_the_reader(stage: Stage) -> None:
    client = client_of(stage, locale="zh")
    page = client.get("/tickets/999?lang=zh").text
    assert "这里没有内容" in page
    assert "there is no ticket" not in page


def test_a_program_gets_its_own_form_of_not_found(client: TestClient) -> None:
    response = client.get("/api/v1/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_nobody_signed_in_is_sent_to_sign_in(stage: Stage) -> None:
    client = TestClient(stage.app, follow_redirects=False)
    for address in ("/", "/tickets/1"):
        response = client.get(address)
        assert response.status_code == 303
        assert response.headers["location"] == "/sign-in"
    part = client.get(f"/live/{stage.site_id}/alarms", headers={"HX-Request": "true"})
    assert part.status_code == 401
    assert part.headers["HX-Redirect"] == "/sign-in"


def test_what_people_name_things_cannot_become_markup(stage: Stage, client: TestClient) -> None:
    stage.unknown_device("<img src=x onerror=alert(1)>", {"<b>": "<script>"})
    page = client.get("/").text
    assert "<img src=x" not in page
    assert "<script>" not in page
    assert "&lt;img src=x" in page


def test_an_ill_part_is_shown_in_detail_only_to_who_may_know(stage: Stage) -> None:
    stage.parts.health.report("broker", ok=False, detail="connection refused")
    manager = client_of(stage, "manager").get("/").text
    technician = client_of(stage, "technician").get("/").text
    assert "Message broker" in manager
    assert "connection refused" in manager
    assert "Message broker" in technician
    assert "connection refused" not in technician


def test_the_pages_say_so_while_telemetry_is_away(stage: Stage, client: TestClient) -> None:
    stage.say(PUMP, {"motor_temperature": 51.0})
    stage.parts.telemetry.close()
    page = text_of(client, "/")
    assert "The store of readings does not answer" in page
    assert "51 °C" not in page


def test_every_page_carries_strict_headers_and_nothing_inline(
    stage: Stage, client: TestClient
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    device = stage.unknown_device("my-sensor", {"temperature": 21.5})
    asset = stage.assets[PUMP]
    pages = ["/", f"/tickets/{number}", f"/assets/{asset}", f"/devices/{device}/adopt"]
    for address in [*pages, "/sign-in", "/sign-in/anything", "/nowhere"]:
        response = client.get(address)
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        markup = read(response.text)
        assert markup.inline == []


def test_every_page_can_be_read_aloud(stage: Stage, client: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    device = stage.unknown_device("my-sensor", {"temperature": 21.5})
    asset = stage.assets[PUMP]
    pages = ["/", f"/tickets/{number}", f"/assets/{asset}", f"/devices/{device}/adopt"]
    for address in [*pages, "/sign-in", "/sign-in/anything", "/nowhere"]:
        markup = read(client.get(address).text)
        assert markup.headings.count("h1") == 1, address
        assert markup.tags.count("main") == 1
        assert markup.without_label == []
        assert len(markup.ids) == len(set(markup.ids)), address
        unsafe = [form for form in markup.forms if form["method"] == "post"]
        assert all(form["csrf"] for form in unsafe)


def test_the_first_load_is_small(client: TestClient) -> None:
    page = client.get("/", headers={"accept-encoding": "gzip"})
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) == 3
    sizes = []
    for address in files:
        with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
            assert answer.headers["cache-control"].endswith("immutable")
            assert answer.headers["content-encoding"] == "gzip"
            sizes.append(sum(len(chunk) for chunk in answer.iter_raw()))
    assert sum(sizes) < 200_000


def test_only_the_bundle_itself_is_served(client: TestClient) -> None:
    for name in ("app.css", "..%2Fbundle.py", "app.css.map", "nothing.js"):
        assert client.get(f"/static/{name}").status_code == 404


# What somebody who is not signed in may open: signing in itself, and "there is nothing here".
PUBLIC = {"/sign-in", "/sign-in/code", "/sign-in/{secret}", "/join/{secret}", "/{path:path}"} | {
    # Links that were sent to somebody, and where a provider posts receipts.
    "/n/{code}",
    "/n/voice/{secret}",
    # Where chat apps post presses: their signature opens it.
    "/n/wecom",
    "/n/dingtalk",
    "/sign-in/oidc",
    "/sign-in/oidc/return",
    "/join/{secret}/oidc",
    "/join/home/{secret}",
    "/join/company/{secret}",
    # Before there is a company, or while the clock can't be right; else there is no such page.
    "/first-boot",
    "/clock",
}


def page_routes(stage: Stage) -> list[tuple[str, str]]:
    """Method and path of everything that answers people."""
    return [
        (method, route.path)
        for route in routes_of(stage.app.routes)
        for method in sorted(route.methods or ())
        if isinstance(route, PageRoute)
    ]


def test_every_page_but_signing_in_asks_who_is_there(stage: Stage) -> None:
    guest = TestClient(stage.app, follow_redirects=False)
    walked = 0
    for method, path in page_routes(stage):
        if path in PUBLIC:
            continue
        address = re.sub(r"{[^}]+}", str(stage.site_id), path)
        answer = guest.request(method, address)
        walked += 1
        assert (answer.status_code, answer.headers.get("location")) == (303, "/sign-in"), path
    assert walked > 15
