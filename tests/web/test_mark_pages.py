"""Pages of marks: shown with their evidence, answered by one, decided by another."""

from datetime import UTC, datetime

from core.ids import new_id
from tests.web.conftest import client_of, signed_in
from tests.web.marking import hurried_round
from tests.web.patrolling import field_of, form, sent
from tests.web.stage import Stage
from workflows.patrol.honesty import PatrolMark


def test_a_mark_is_asked_answered_and_decided(stage: Stage) -> None:
    guard = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    mark = hurried_round(stage, guard)
    own = signed_in(stage, stage.secret(guard, "session"))
    manager = client_of(stage)
    listed = manager.get(f"/marks?site={stage.site_id}").text
    assert f"/marks/{mark}" in listed
    assert "Guard Xu" in listed
    page = manager.get(f"/marks/{mark}").text
    assert page.count('class="mark-asked"') == 5
    assert "400 m in a straight line" in page
    assert 'name="decision"' in page
    assert f'action="/marks/{mark}/answer"' not in page
    version = field_of(page, "version")
    # Who reads in Chinese reads Chinese.
    chinese = client_of(stage, locale="zh")
    assert "点间用时过短" in chinese.get(f"/marks/{mark}").text
    asked = own.get(f"/marks/{mark}").text
    assert f'action="/marks/{mark}/answer"' in asked
    assert 'name="decision"' not in asked
    refused = form(own, f"/marks/{mark}/answer", text="  ")
    assert refused.status_code == 422
    answered = sent(own, f"/marks/{mark}/answer", text="The gardener drove me").text
    assert "The gardener drove me" in answered
    # Whoever opened the page before the answer came reads it first.
    fields = {"decision": "uphold", "reason": "Nobody drives there"}
    late = form(manager, f"/marks/{mark}/decide", version=version, **fields)
    assert late.status_code == 412
    assert "Nobody drives there" in late.text
    assert "The gardener drove me" in late.text
    version = field_of(late.text, "version")
    decided = sent(manager, f"/marks/{mark}/decide", version=version, **fields).text
    assert "Upheld" in decided
    assert 'name="decision"' not in decided
    assert f"/marks/{mark}" not in manager.get(f"/marks?site={stage.site_id}").text
    assert f"/marks/{mark}" in manager.get(f"/marks?site={stage.site_id}&state=upheld").text


def test_a_photo_of_an_earlier_report_is_shown_with_when_it_was_taken(stage: Stage) -> None:
    guard = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    mark, picture, earlier = hurried_round(stage, guard), new_id(), datetime(2026, 1, 2, tzinfo=UTC)
    told = {"picture": str(picture), "earlier": str(new_id())}
    told["earlier_at"] = earlier.isoformat()
    with stage.parts.database.write() as session:
        row = session.get_one(PatrolMark, mark)
        row.kind, row.scans, row.evidence = "photo", [], [{"pictures": [told]}]
    page = client_of(stage).get(f"/marks/{mark}").text
    assert f'href="/guard-files/{picture}">This photo had been taken at' in page
    assert "就已拍摄" in client_of(stage, locale="zh").get(f"/marks/{mark}").text


def test_colleagues_see_nothing_of_it(stage: Stage) -> None:
    guard = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    mark = hurried_round(stage, guard)
    other = stage.person("Guard He", "guard", node=stage.site_id)
    client = signed_in(stage, stage.secret(other, "session"))
    assert f"/marks/{mark}" not in client.get(f"/marks?site={stage.site_id}&state=all").text
    assert client.get(f"/marks/{mark}").status_code == 404
    assert form(client, f"/marks/{mark}/answer", text="Me").status_code == 404
    assert client.get("/marks?kind=odd").status_code == 422
