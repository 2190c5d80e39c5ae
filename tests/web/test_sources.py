"""Sources in the console, and the editor of mappings: tried as it is written, then in force."""

import json
import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from api.mappings import plain
from core import events
from core.devices import Source
from core.http_ingest import SourceKey
from core.mapping_sketch import sketch
from core.mapping_versions import versions_of
from core.mappings import as_yaml, read_mapping
from core.quarantine import Quarantined, Rejected, keep, mark
from tests.web.conftest import client_of, signed_in
from tests.web.sourcing import FRAME, HOME_MADE, MAPPING, boxes
from tests.web.stage import Stage
from tests.web.test_alarm_pages import somebody


def form(client: TestClient, address: str, **fields: object) -> tuple[int, str]:
    """Send a form; status, and where it leads or what it shows."""
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": csrf, **fields})
    return answer.status_code, answer.headers.get("location") or answer.text


def test_a_source_is_made_changed_pushed_to_and_removed(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    new = {"site": str(stage.site_id), "code": "yun", "dialect": "onenet", "pushed": "yes"}
    status, page = form(client, "/sources", **new)
    assert status == 303
    site = client.get(page).text
    assert "http/riverside/yun/#" in site
    status, shown = form(client, f"{page}/key", profile="onenet")
    secret = re.search(r"<code class=\"wrap-anywhere\">([\w-]{20,})</code>", shown)
    assert (status, secret is not None) == (200, True)
    assert secret is not None
    again = client.get(page).text
    assert secret[1] not in again
    assert f"/api/v1/ingest/{page.rpartition('/')[2]}" in again
    changed = {"topic_filter": "http/riverside/yun/a", "dialect": "ctwing", "zone": "Asia/Tokyo"}
    assert form(client, page, **changed)[0] == 303
    with stage.parts.database.read() as session:
        source = session.get_one(Source, UUID(page.rpartition("/")[2]))
        assert (source.dialect, source.options, source.enabled) == (
            "ctwing",
            {"zone": "Asia/Tokyo"},
            False,
        )
    assert form(client, page, **{**changed, "zone": "Shanghai"})[0] == 422
    assert form(client, f"{page}/key/remove")[0] == 303
    assert form(client, f"{page}/delete") == (303, "/sources")
    assert client.get(page).status_code == 404


def test_the_host_that_others_wait_for_is_named_in_the_form(stage: Stage) -> None:
    client = client_of(stage, "administrator")

    def options(page: str) -> dict[str, str]:
        with stage.parts.database.read() as session:
            return dict(session.get_one(Source, UUID(page.rpartition("/")[2])).options)

    fresh = client.get("/sources/new?lang=zh").text
    assert "主机应用（Sparkplug B）" in fresh
    assert "上线消息主题（Home Assistant）" in fresh
    new = {"site": str(stage.site_id), "code": "house", "topic_filter": "homeassistant/#"}
    both = {"host": "scada-1", "birth_topic": " homeassistant/status "}
    status, page = form(client, "/sources", **new, dialect="homeassistant", **both)
    assert status == 303
    assert options(page) == {"birth_topic": "homeassistant/status"}
    shown = client.get(page).text
    assert 'value="homeassistant/status"' in shown
    assert 'name="host"' not in shown
    kept = {"topic_filter": "homeassistant/#", "dialect": "homeassistant", "enabled": "yes"}
    assert form(client, page, **kept, asked="birth_topic", birth_topic="wk/v1/x")[0] == 422
    # Whoever sends less, as a page from before an update, takes nothing away.
    assert form(client, page, **kept)[0] == 303
    assert options(page) == {"birth_topic": "homeassistant/status"}
    assert form(client, page, **kept, asked="birth_topic", birth_topic="")[0] == 303
    assert options(page) == {}


def test_who_replaces_a_secret_that_leaked_ends_it_at_once(stage: Stage) -> None:
    client = client_of(stage, "administrator")
    new = {"site": str(stage.site_id), "code": "leaky", "dialect": "onenet", "pushed": "yes"}
    page = form(client, "/sources", **new)[1]
    # There is none before the first.
    assert 'name="leaked"' not in client.get(page).text
    form(client, f"{page}/key", profile="onenet")
    assert 'name="leaked"' in client.get(page).text

    def former() -> tuple[bytes | None, datetime | None]:
        with stage.parts.database.read() as session:
            key = session.get_one(SourceKey, UUID(page.rpartition("/")[2]))
            return key.former, key.former_until

    form(client, f"{page}/key", profile="onenet")
    assert None not in former()
    assert form(client, f"{page}/key", profile="onenet", leaked="yes")[0] == 200
    assert former() == (None, None)


def test_topics_of_another_site_are_refused_in_words(stage: Stage) -> None:
    boxes(stage)
    person = stage.person("Far Away", "administrator", node=stage.other_site_id)
    far = signed_in(stage, stage.secret(person, "session"))
    wide = {"site": str(stage.other_site_id), "code": "all", "dialect": "tasmota"}
    status, shown = form(far, "/sources", **wide, topic_filter="#")
    assert status == 403
    assert "a source of another site" in shown
    assert form(far, "/sources", **wide, topic_filter="hills/#")[0] == 303


def test_the_list_says_what_waits_and_hides_what_is_not_the_readers(stage: Stage) -> None:
    made = boxes(stage)
    stage.person("Somebody", "administrator")
    page = client_of(stage, "administrator").get("/sources").text
    assert "2 unread" in page
    assert "OneNET" in page
    for code in ("pump-boxes", "home-made", "cloud"):
        assert str(made[code]) in page
    reader = client_of(stage, "auditor")
    assert reader.get(f"/sources/{made['cloud']}").status_code == 200
    assert reader.get(f"/sources/{made['cloud']}/mapping").status_code == 403
    assert "/key" not in reader.get(f"/sources/{made['cloud']}").text


def test_a_mapping_is_refused_with_its_faults_and_replays_the_quarantine_once_it_is_saved(
    stage: Stage,
) -> None:
    made, client = boxes(stage), client_of(stage, "administrator")
    page = f"/sources/{made['home-made']}/mapping"
    wrong = {"topic": "plant/b2/up", "message": HOME_MADE, "text": "device: x\nreadings: 5"}
    status, shown = form(client, f"{page}/try", **wrong)
    assert status == 200
    assert "readings: a list is expected here" in shown
    assert 'data-line="2"' in shown
    assert form(client, page, **wrong)[0] == 422
    good = {**wrong, "text": 'device: "{$.imei}"\nreadings: [{key: p, path: $.data.p1}]'}
    assert "0.412" in form(client, f"{page}/try", **good)[1]
    status, onward = form(client, page, **good)
    assert (status, onward.startswith(f"{page}?asked=1&at=")) == (303, True)
    with stage.parts.database.read() as session:
        [version] = versions_of(session, made["home-made"])
        assert version.document["device"] == "{$.imei}"
    facts = [fact for fact in events.read_after(stage.parts.database, events.START, 5000)]
    assert [fact.kind for fact in facts][-2:] == ["source.update", "quarantine.replay"]
    assert facts[-1].subject_id == str(made["row"])
    assert "0 of 1 entry in quarantine was taken in" in client.get(onward).text
    # Ingest has taken it in.
    with stage.parts.database.write() as session:
        mark(session, [made["row"]], "replayed")
    assert "1 of 1 entry in quarantine was taken in" in client.get(onward).text


def test_what_waits_is_taken_in_again_in_the_order_in_which_it_came(stage: Stage) -> None:
    made, client = boxes(stage), client_of(stage, "administrator")
    with stage.parts.database.write() as session:
        row = session.get_one(Quarantined, made["row"])
        for hours in (2, 3, 1):
            at = row.first_at - timedelta(hours=hours)
            item = Rejected(row.site_id, "box", row.topic, "wrong_shape", "why", b"{}", at)
            keep(session, [item])
    text = 'device: "{$.imei}"\nreadings: [{key: p, path: $.data.p1}]'
    form(client, f"/sources/{made['home-made']}/mapping", text=text)
    with stage.parts.database.read() as session:
        ordered = session.scalars(select(Quarantined.id).order_by(Quarantined.first_at))
        wanted = [str(row_id) for row_id in ordered]
    facts = events.read_after(stage.parts.database, events.START, 5000)
    asked = [fact.subject_id for fact in facts if fact.kind == "quarantine.replay"]
    assert asked == [row_id for row_id in wanted if row_id in asked]
    assert len(asked) == 4


def test_a_number_of_hundreds_of_digits_can_be_shown() -> None:
    assert (plain(10**400), plain(-(10**400))) == (1e300, -1e300)


def test_bytes_are_shown_with_what_is_read_of_them(stage: Stage) -> None:
    made, client = boxes(stage), client_of(stage, "administrator")
    page = client.get(f"/sources/{made['pump-boxes']}/mapping").text
    assert '<mark title="level">01</mark>' in page
    assert "2.66 m" in page
    fields = {"topic": "dtu/x/rx", "text": as_yaml(MAPPING), "message": "zz", "how": "hex"}
    shown = form(client, f"/sources/{made['pump-boxes']}/mapping/try", **fields)[1]
    assert "no bytes in hexadecimal" in shown
    text = as_yaml({**MAPPING, "encoding": "binary"})
    fields |= {"message": FRAME.decode(), "text": text}
    shown = form(client, f"/sources/{made['pump-boxes']}/mapping/try", **fields)[1]
    assert "12.5 m³/h" in shown
    other = form(client, f"/sources/{made['pump-boxes']}/mapping/try", **{**fields, "topic": "x"})
    assert "not about this message" in other[1]


def test_half_a_character_in_a_message_is_shown_as_what_is_read_of_it(stage: Stage) -> None:
    made, client = boxes(stage), client_of(stage, "administrator")
    page = f"/sources/{made['home-made']}/mapping/try"
    text = "device: x\ntime: {path: $.t}\nreadings: [{key: p, path: $.p}]"
    message = r'{"p": "a\ud800", "t": "b\ud800"}'
    status, shown = form(client, page, topic="plant/b2/up", message=message, text=text)
    assert (status, "sent as a?" in shown) == (200, True)


def test_what_a_message_lacks_is_told_in_chinese(stage: Stage) -> None:
    made, client = boxes(stage), client_of(stage, "administrator")
    page = f"/sources/{made['home-made']}/mapping/try?lang=zh"
    text = "device: x\nreadings: [{key: p, path: $.p}]"
    _, shown = form(client, page, topic="plant/b2/up", message='{"p": {}}', text=text)
    assert "p：对象不是可用的数值" in shown
    text = 'device: "{$.who}"\nreadings: [{key: p, path: $.p}]'
    _, shown = form(client, page, topic="plant/b2/up", message='{"p": 1}', text=text)
    assert "指明设备的 {$.who} 处没有内容" in shown


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (FRAME, "register_4"),
        (bytes.fromhex(FRAME.decode()), "register_0"),
        (HOME_MADE.encode(), "data.p1"),
        (b'[{"id": "a", "v": 1}]', "v"),
        (b"23.5", "value"),
        (b"\xff\x00", "value"),
        (b"{}", "value"),
        (b'{"9 a\'": 1, "b c": {"d": true}}', "b c.d"),
        (b'{"": 1, "a{": 2, "b}": 3, "c\\ud800": 4, "d": 5}', "d"),
        (b'{"k": [{"name": "x{", "value": 1}, {"name": "y", "value": 2}]}', "y"),
        (json.dumps({"a" * 99: {"b" * 99: {"c" * 99: {"d" * 99: 1}}}, "e": 1}).encode(), "e"),
    ],
)
def test_a_sketch_of_a_message_is_a_mapping(payload: bytes, key: str) -> None:
    document = sketch("site/box/up", payload)
    assert not isinstance(read_mapping(document), list)
    readings = document.get("readings") or document["frames"][0]["readings"]
    assert key in [each["key"] for each in readings]


def test_the_editor_shows_readings_as_one_types(
    stage: Stage, signed_in_page: Page, console_log: list[str]
) -> None:
    made = boxes(stage)
    page = signed_in_page
    person = stage.person("Li Na", "administrator")
    secret = stage.secret(person, "session")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    page.goto(f"{stage.url}/sources/{made['home-made']}/mapping?row={made['row']}")
    tried = page.locator("#tried")
    expect(tried).to_contain_text("0.412", timeout=30_000)
    page.fill("#text", 'device: "{$.imei}"\nreadings: [{key: heat, path: $.data.t, scale: 2}]')
    expect(tried).to_contain_text("heat", timeout=30_000)
    expect(tried).to_contain_text("83")
    page.fill("#text", "device: x\nreadings: 5")
    expect(tried).to_contain_text("a list is expected here", timeout=30_000)
    page.fill("#text", 'device: "{$.imei}"\nreadings: [{key: heat, path: $.data.t}]')
    expect(tried).to_contain_text("41.5", timeout=30_000)
    page.click("text=Save, and take in what waits")
    expect(page.locator("#replayed")).to_contain_text("in force", timeout=30_000)
    with stage.parts.database.read() as session:
        rows = session.scalars(select(Quarantined).where(Quarantined.id == made["row"])).all()
    assert len(rows) == 1
    assert console_log == []


def test_the_code_of_a_source_is_no_code_of_a_second_factor(stage: Stage) -> None:
    manager = somebody(stage, "manager", "Manager Zhou")
    page = manager.get("/sources/new?lang=zh").text
    assert ">编码</label>" in page
    assert "验证码" not in page
