"""Pages of rules: found, written by a form or as YAML, reviewed, compared, and put back."""

import html
import re
from typing import Any

import httpx2
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core.rulebook import active_versions
from tests.web.conftest import signed_in
from tests.web.stage import OVERHEATING, Stage, everyday_values
from workflows.search.spelling import pinyin

HOT = "pump-motor-overheating"
FIELDS = {
    "tab": "form",
    "title_en": "Pump shakes",
    "title_zh": "水泵振动大",
    "asset_type": "pump",
    "point": "vibration",
    "comparison": ">",
    "limit": "7.1",
    "unit": "mm/s",
    "clear_limit": "6.5",
    "delay": "2m",
    "severity": "high",
    "kind": "repair",
    "category": "mechanical",
    "team": "maintenance",
    "explanation_en": "Bearings wear out.",
    "reason": "The maker's limit",
}


def boss(stage: Stage, name: str = "Wei Chen", locale: str = "en") -> TestClient:
    person = stage.person(name, "manager", locale=locale)
    return signed_in(stage, stage.secret(person, "session"))


def send(client: TestClient, address: str, **fields: Any) -> httpx2.Response:
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, **fields}, follow_redirects=True)
    assert answer.status_code == 200, answer.text[-3000:]
    return answer


def begun(client: TestClient, stage: Stage) -> str:
    page = send(client, "/rule-drafts", node=str(company(stage)))
    return page.url.path


def company(stage: Stage) -> Any:
    with stage.parts.database.read() as session:
        return active_versions(session)[0].node_id


def test_a_rule_is_written_in_a_form_reviewed_and_put_into_force(stage: Stage) -> None:
    everyday_values(stage)
    writer, other = boss(stage), boss(stage, "Li Na")
    draft = begun(writer, stage)
    fields = {**FIELDS, "version": "1", "node": str(company(stage)), "then": "save"}
    checked = send(writer, f"{draft}/check", **fields).text
    assert "The rule is sound." in checked
    assert "when: vibration &gt; 7.1 mm/s" in checked
    shown = send(writer, f"{draft}/fields", **fields).text
    # What the equipment reads at this moment, and what is commonly begun with.
    assert "Pump" in shown
    assert "mm/s" in shown
    hotter = send(writer, f"{draft}/fields", **{**fields, "point": "motor_temperature"}).text
    assert 'name="unit" value="°C"' in hotter
    saved = send(writer, draft, **fields).text
    assert 'value="7.1"' in saved
    submitted = send(writer, f"{draft}/submit", reason="The maker&#39;s limit", version="2").text
    assert "another person who may approve" in submitted
    assert "Pump shakes" in other.get("/rules").text
    # What is approved is what was read: a page of an older version of the draft decides nothing.
    assert 'name="version" value="3"' in other.get(draft).text
    csrf = {"csrf": csrf_token(other.cookies[SESSION_COOKIE])}
    assert other.post(f"{draft}/approve", data={**csrf, "version": "2"}).status_code == 412
    assert other.post(f"{draft}/approve", data=csrf).status_code == 422
    rule = send(other, f"{draft}/approve", reason="Agreed", version="3").text
    assert "vibration &gt; 7.1 mm/s" in rule
    assert "Bearings wear out." in rule
    history = writer.get("/rules/pump-shakes/history").text
    assert "Draft of a rule approved" in history
    assert "Agreed" in history


def test_what_was_typed_is_kept_and_the_form_says_when_it_cannot_show_it(stage: Stage) -> None:
    writer = boss(stage)
    page = send(writer, f"/rules/{HOT}/drafts", version="1", node=str(company(stage)))
    draft = page.url.path
    broken = "id: pump-motor-overheating\nwhen: motor_temprature >"
    base = {"node": str(company(stage)), "tab": "yaml", "reason": ""}
    saved = send(writer, draft, **base, version="1", then="form", document=broken).text
    assert "motor_temprature" in send(writer, f"{draft}/check", **base, document=broken).text
    assert "one point against one limit" in saved
    assert broken.replace(">", "&gt;") in writer.get(f"{draft}?tab=yaml").text
    refused = writer.post(
        f"{draft}/submit",
        data={"csrf": csrf_token(writer.cookies[SESSION_COOKIE]), "reason": "Try", "version": "2"},
    )
    assert refused.status_code == 422
    assert f"{HOT}.yaml:1:1" in refused.text
    late = {"csrf": csrf_token(writer.cookies[SESSION_COOKIE]), **base, "version": "1"}
    assert writer.post(draft, data={**late, "document": "id: x"}).status_code == 412


def test_a_rule_shows_what_it_does_and_is_changed_compared_and_rolled_back(stage: Stage) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    writer, other = boss(stage), boss(stage, "Li Na")
    page = writer.get(f"/rules/{HOT}").text
    assert f"/tickets/{number}" in page
    assert "not judged yet: 1" in page
    draft = send(writer, f"/rules/{HOT}/drafts", version="1", node=str(company(stage))).url.path
    with stage.parts.database.read() as session:
        [old] = [row.document for row in active_versions(session) if row.rule_id == HOT]
    changed = old.replace("75 °C", "71.5 °C")
    assert changed != old
    fields = {"node": str(company(stage)), "tab": "yaml", "reason": "Old motors"}
    send(writer, draft, **fields, version="1", document=changed)
    send(writer, f"{draft}/submit", reason="Old motors", version="2")
    assert (
        "<ins>71.5</ins>"
        in send(other, f"{draft}/approve", version="3").text + other.get(f"/rules/{HOT}/diff").text
    )
    back = send(
        other, f"/rules/{HOT}/roll-back", version="1", node=str(company(stage)), reason="Noise"
    ).text
    assert "Noise" in back
    gone = send(other, f"/rules/{HOT}/retire", node=str(company(stage)), reason="Sold").text
    assert "not in force" in gone


def test_rules_are_found_by_what_they_are_about(stage: Stage) -> None:
    guard = signed_in(stage, stage.secret(stage.person("Zhao", "guard", locale="zh"), "session"))
    page = guard.get("/rules?q=水泵&type=pump").text
    assert "水泵电机过热" in page
    assert "/rule-drafts" not in page
    assert "水泵电机过热" not in guard.get("/rules?severity=low").text
    assert guard.get("/rules/nothing-like-it").status_code == 404


def test_a_draft_is_tried_in_the_shadow_and_put_into_force_from_there(stage: Stage) -> None:
    stage.trip("b1-pump-1", OVERHEATING)
    writer = boss(stage)
    draft = send(writer, f"/rules/{HOT}/drafts", version="1", node=str(company(stage))).url.path
    with stage.parts.database.read() as session:
        [old] = [row.document for row in active_versions(session) if row.rule_id == HOT]
    fields = {"node": str(company(stage)), "tab": "yaml", "reason": "Old motors"}
    changed = old.replace("75 °C", "71.5 °C")
    send(writer, draft, **fields, version="1", document=changed)
    page = send(writer, f"{draft}/shadow")
    assert "Only in force" in page.text
    assert "Building 1 booster pump 1" in page.text
    assert "<rect" in page.text
    # What a day would bring can't be told of its first minute.
    assert "known after a day" in page.text
    assert "In the shadow" in writer.get(f"/rules/{HOT}").text
    why = {"reason": "Proved for a week"}
    force = f"{page.url.path}/put-into-force"
    assert 'name="version" value="2"' in page.text
    # Neither what was written since the page was read, nor what holds elsewhere than it is tried.
    csrf = {"csrf": csrf_token(writer.cookies[SESSION_COOKIE])}
    send(writer, draft, **{**fields, "node": str(stage.site_id)}, version="2", document=changed)
    assert writer.post(force, data={**csrf, **why, "version": "3"}).status_code == 409
    assert "The draft was changed since it is tried." in writer.get(page.url.path).text
    send(writer, draft, **fields, version="3", document=changed)
    assert writer.post(force, data={**csrf, **why, "version": "2"}).status_code == 412
    assert writer.post(force, data={**csrf, **why}).status_code == 422
    rule = send(writer, force, **why, version="4").text
    # Nobody else approves rules here, so it holds at once, and is tried no more.
    assert "71.5 °C" in rule
    assert "ended" in writer.get(page.url.path).text


def test_rules_are_listed_by_what_they_are_called(stage: Stage) -> None:
    for locale, name in (("en", "Wei Chen"), ("zh", "Li Na")):
        page = boss(stage, name, locale).get("/rules").text
        found = re.findall(r'class="item-title"><a href="/rules/[^"]+">([^<]+)</a>', page)
        titles = [html.unescape(title) for title in found]
        assert len(titles) > 100
        sounds = [pinyin(title)[0] or title.casefold() for title in titles]
        assert sounds == sorted(sounds)
