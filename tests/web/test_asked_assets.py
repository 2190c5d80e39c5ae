"""Rules that ask many assets, and rules on events: pages and the API name whom they asked."""

import html
import re
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core.clock import MICROS
from rules.members import named_in
from tests.web.conftest import client_of, signed_in
from tests.web.stage import Fault, Stage
from tests.web.test_rules import begun, boss, company, send
from watchkeeper.first_run import publish_rules
from workflows.alarms import Alarm

PIT = "b2-pit-1"
TICKET = "ticket: {kind: hazard, category: plumbing, team: maintenance}\n"
WARM = (
    """\
id: two-warm
title: {en: Two pumps warm, zh: 两台水泵偏热}
applies_to: {asset_type: drainage_pit}
when: count(pump.motor_temperature > 30 °C in building) >= 2
severity: high
"""
    + TICKET
)
SMOKE = (
    """\
id: smoke-at-board
title: {en: Smoke at a board, zh: 配电箱处有烟}
applies_to: {asset_type: distribution_board}
when: any(smoke_detector.smoke in space)
severity: high
"""
    + TICKET
)
BADGES = (
    """\
id: badges-again
title: {en: Badges again, zh: 反复刷卡}
applies_to: {asset_type: door}
when: count(access_denied, 10m) >= 2
severity: low
"""
    + TICKET
)
SILENT = (
    """\
id: pump-silent
title: {en: Pump silent, zh: 水泵失联}
applies_to: {asset_type: pump}
when: age(flow) > 10m
severity: low
"""
    + TICKET
)
FAULT = Fault(
    "two-warm",
    {"en": "Two pumps warm", "zh": "两台水泵偏热"},
    "high",
    "count(pump.motor_temperature > 30 °C in building) >= 2",
    "count(pump.motor_temperature > 30 °C in building) 2 of 3 >= 2"
    " [b2-pump-1: motor_temperature 45 °C > 30 °C; b2-pump-2: motor_temperature 41 °C > 30 °C]",
    {},
)
NAMES = {
    "en": ("Building 2 booster pump 1", "Building 2 booster pump 2"),
    "zh": ("2号楼1号加压水泵", "2号楼2号加压水泵"),
}


def in_force(stage: Stage, folder: Path, *documents: str) -> None:
    file = folder / "mine.yaml"
    file.write_text("---\n".join(documents), encoding="utf-8")
    with stage.parts.database.write() as session:
        publish_rules(session, file, now=stage.parts.clock.now(), only_new=False)


def alarm_of(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        return session.scalars(select(Alarm.id)).one()


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def get(client: TestClient, address: str) -> str:
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == 200, answer.text[-2000:]
    return plain(answer.text)


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        (FAULT.reason, ("b2-pump-1", "b2-pump-2")),
        ("any(pump.fault in site) [p-1: fault; and 3 more] held 20s", ("p-1",)),
        ("any(a.b below) [x.1: b] and all(c.d above) [y_2: d; x.1: d]", ("x.1", "y_2")),
        ("motor_temperature 82 °C > 75 °C", ()),
        ("all(pump.running in floor)", ()),
        ("", ()),
    ],
)
def test_a_reason_tells_whom_it_names(reason: str, named: tuple[str, ...]) -> None:
    assert named_in(reason) == named


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_names_other_assets_as_people_do(
    stage: Stage, tmp_path: Path, language: str
) -> None:
    in_force(stage, tmp_path, WARM)
    stage.trip(PIT, FAULT)
    client = client_of(stage, locale=language)
    pages = (
        f"/alarms/{alarm_of(stage)}",
        f"/live/{stage.site_id}/alarms",
        f"/assets/{stage.assets[PIT]}",
        "/control-room",
        "/rules/two-warm",
    )
    for page in pages:
        text = get(client, page)
        for name in NAMES[language]:
            # Where it stands in the reason, not in a list of places.
            assert re.search(rf"{name}[: ]+(Motor temperature|电机温度) 4", text), (page, text)
        assert "b2-pump-1: motor" not in text, page


def test_the_api_knows_the_names_beside_the_reason(stage: Stage) -> None:
    stage.trip(PIT, FAULT)
    alarm = alarm_of(stage)
    secret = stage.secret(stage.person("Li Na", "manager"), "token")
    client = TestClient(stage.app, headers={"Authorization": f"Bearer {secret}"})
    wanted = {
        code: {"type": "pump", "name": {"en": en, "zh": zh}}
        for code, en, zh in zip(("b2-pump-1", "b2-pump-2"), *NAMES.values(), strict=True)
    }
    for address in (
        f"/api/v1/alarms/{alarm}",
        "/api/v1/alarms",
        f"/api/v1/alarms/{alarm}/episodes",
    ):
        found = client.get(address).json()
        found = found["items"][0] if "items" in found else found
        assert found["reason"] == FAULT.reason
        assert found["assets"] == wanted, address


def test_an_asset_that_is_gone_keeps_its_code(stage: Stage) -> None:
    stage.trip(PIT, replace(FAULT, reason="any(pump.fault in site) [p-9: fault]"))
    client = client_of(stage)
    assert "p-9" in get(client, f"/alarms/{alarm_of(stage)}")


def told(stage: Stage) -> None:
    """One pump is warm, one is cold, and of the third nothing is known."""
    now = stage.now
    stage.say("b2-pump-1", {"motor_temperature": 45.0}, at=now - 90 * MICROS)
    stage.say("b2-pump-2", {"motor_temperature": 20.0}, at=now - 3 * 3600 * MICROS)


def test_the_page_of_why_tells_who_said_what_and_who_had_no_say(
    stage: Stage, tmp_path: Path
) -> None:
    in_force(stage, tmp_path, WARM)
    told(stage)
    client = client_of(stage)
    text = get(client, f"/assets/{stage.assets[PIT]}/rules/two-warm/why")
    asked = text[text.index("Who was asked") :]
    assert asked.startswith("Who was asked Pump in the same building: “Motor temperature > 30 °C”?")
    yes, no, open_ = (asked.index(each) for each in ("Says yes 1", "Says no 1", "No say yet 1"))
    assert yes < no < open_
    assert "Building 2 booster pump 1 Motor temperature: 45 °C · 2 mins old" in asked[yes:no]
    assert "Building 2 booster pump 2 Motor temperature: 20 °C · 3 hrs old" in asked[no:open_]
    assert (
        "heating circulation pump Motor temperature · no reading in the two days" in asked[open_:]
    )
    # Points of others stand there, not among its own.
    assert "b2-pump-1/motor_temperature" not in text
    chinese = get(client_of(stage, locale="zh"), f"/assets/{stage.assets[PIT]}/rules/two-warm/why")
    assert "询问了哪些设备 同一楼栋的水泵：“电机温度 > 30 °C”？" in chinese
    assert "尚无法回答 1 2号楼采暖循环水泵" in chinese


def test_the_api_tells_who_said_what(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, WARM)
    told(stage)
    secret = stage.secret(stage.person("Li Na", "manager"), "token")
    client = TestClient(stage.app, headers={"Authorization": f"Bearer {secret}"})
    found = client.get(f"/api/v1/assets/{stage.assets[PIT]}/rules/two-warm/why").json()
    (asked,) = found["asked"]
    assert (asked["asset_type"], asked["question"]) == (
        "pump",
        "pump.motor_temperature > 30 °C in building",
    )
    assert {each["code"]: each["says"] for each in asked["members"]} == {
        "b2-pump-1": True,
        "b2-pump-2": False,
        "b2-pump-3": None,
    }
    first = asked["members"][0]
    assert first["asset_id"] == str(stage.assets["b2-pump-1"])
    assert first["name"] == {"en": NAMES["en"][0], "zh": NAMES["zh"][0]}
    assert [(point["point"], point["value"]) for point in first["points"]] == [
        ("motor_temperature", 45.0)
    ]


def test_a_rule_that_asks_nobody_else_has_no_such_list(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, SILENT)
    stage.say("b1-pump-1", {"flow": 5.0})
    text = get(client_of(stage), f"/assets/{stage.assets['b1-pump-1']}/rules/pump-silent/why")
    assert "Who was asked" not in text
    assert "Points" in text


def test_a_back_test_names_other_assets(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, WARM)
    now = stage.now
    for pump in ("b2-pump-1", "b2-pump-2"):
        stage.say(pump, {"motor_temperature": 20.0}, at=now - 7200 * MICROS)
        stage.say(pump, {"motor_temperature": 45.0}, at=now - 3600 * MICROS)
    client = boss(stage)
    page = send(client, "/laboratory/runs", rule_id="two-warm", days="1")
    deadline = time.monotonic() + 60
    while "every 1s" in page.text:
        assert time.monotonic() < deadline
        page = client.get(page.url.path)
    assert "Building 2 booster pump 1: Motor temperature 45 °C" in plain(page.text)
    link = re.search(r"/laboratory/runs/[0-9a-f-]+\?asset=[0-9a-f-]+", page.text)
    assert link
    assert "Building 2 booster pump 1: Motor temperature 45 °C" in get(client, link[0])
    drawing = client.get(link[0].replace("?asset=", "/assets/") + "/chart").json()
    # What the alarms rest on: points of others, with the limit, and none of its own.
    assert [each["name"] for each in drawing["series"]] == [
        f"{name} · Motor temperature" for name in NAMES["en"]
    ]
    assert [each["limits"] for each in drawing["series"]] == [[30.0], [30.0]]
    begin, end = drawing["window"]
    assert end - begin == pytest.approx(86_400)
    secret = stage.secret(stage.person("Wei Chen", "manager"), "session")
    stranger = signed_in(stage, secret).get(link[0])
    assert stranger.status_code == 404


def test_a_rule_and_its_draft_tell_where_nobody_can_be_asked(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, SMOKE)
    client = boss(stage)
    page = get(client, "/rules/smoke-at-board")
    found = re.search(r"It watches nothing at (\d+) of (\d+) assets", page)
    assert found
    assert 0 < int(found[1]) < int(found[2])
    assert "nobody to ask – Smoke detector in its space: “Smoke alarm: yes”?" in page
    assert "Building 1 lift board" in page
    draft = begun(client, stage)
    fields = {"tab": "yaml", "document": SMOKE, "node": str(company(stage)), "version": "1"}
    checked = plain(send(client, f"{draft}/check", **fields).text)
    assert "The rule is sound." in checked
    assert found[0] in checked
    chinese = boss(stage, "Li Na", "zh").get("/rules/smoke-at-board").text
    assert f"{found[2]} 台设备中有 {found[1]} 台不起作用" in chinese
    assert "没有可询问的设备：所在空间内的烟感" in plain(chinese)


def test_a_rule_tells_which_assets_have_no_such_event(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, BADGES)
    page = get(client_of(stage), "/rules/badges-again")
    assert "It watches nothing at 3 of 4 assets" in page
    assert "no event “Access denied” Building 2 entrance door" in page
    assert "Building 1 entrance door" not in page


def test_where_it_watches_nothing_is_told_only_of_what_one_may_see(
    stage: Stage, tmp_path: Path
) -> None:
    in_force(stage, tmp_path, SMOKE)
    person = stage.person("Zhao Lei", "manager", node=stage.other_site_id)
    elsewhere = signed_in(stage, stage.secret(person, "session"))
    page = get(elsewhere, "/rules/smoke-at-board")
    assert "watches nothing" not in page
    assert "lift board" not in page


def test_a_rule_that_watches_everything_says_nothing_of_it(stage: Stage, tmp_path: Path) -> None:
    in_force(stage, tmp_path, WARM, SILENT)
    client = client_of(stage)
    for rule in ("two-warm", "sensor-silent", "gateway-silent"):
        assert "watches nothing" not in get(client, f"/rules/{rule}"), rule


def test_a_rule_about_silence_says_why_it_cannot_be_tried_in_the_shadow(stage: Stage) -> None:
    client = boss(stage)
    draft = begun(client, stage)
    fields = {"tab": "yaml", "document": SILENT, "node": str(company(stage)), "version": "1"}
    page = send(client, draft, **fields).text
    assert "A rule about silence can't be tried in the shadow" in plain(page)
    assert f'action="{draft}/shadow"' not in page
    ordinary = begun(client, stage)
    page = send(client, ordinary, **{**fields, "document": WARM}).text
    assert f'action="{ordinary}/shadow"' in page
    # Whoever asks all the same is refused, in their language.
    secret = stage.secret(stage.person("Li Na", "manager"), "token")
    headers = {"Authorization": f"Bearer {secret}", "Accept-Language": "zh-CN"}
    answer = TestClient(stage.app).post(f"/api/v1{draft}/shadows", headers=headers)
    assert answer.status_code == 409, answer.text
    assert answer.json()["detail"] == "判断失联的规则不能试运行"
    assert "回测" in answer.json()["advice"]


def test_a_back_test_of_what_was_sound_before_goes_away(stage: Stage) -> None:
    client = boss(stage)
    draft = begun(client, stage)
    fields = {"tab": "yaml", "node": str(company(stage)), "version": "1"}
    wrong = send(client, f"{draft}/check", document=WARM + "colour: red\n", **fields).text
    assert 'hx-swap-oob="innerHTML:#backtest"' in wrong
    right = send(client, f"{draft}/check", document=WARM, **fields).text
    assert "hx-swap-oob" not in right
    assert "hx-swap-oob" not in client.get(draft).text
