"""Pages of marks: shown with their evidence, answered by one, decided by another."""

from tests.web.conftest import client_of, signed_in
from tests.web.marking import hurried_round
from tests.web.patrolling import field_of, form, sent
from tests.web.stage import Stage


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


def test_colleagues_see_nothing_of_it(stage: Stage) -> None:
    guard = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    mark = hurried_round(stage, guard)
    other = stage.person("Guard He", "guard", node=stage.site_id)
    client = signed_in(stage, stage.secret(other, "session"))
    assert f"/marks/{mark}" not in client.get(f"/marks?site={stage.site_id}&state=all").text
    assert client.get(f"/marks/{mark}").status_code == 404
    assert form(client, f"/marks/{mark}/answer", text="Me").status_code == 404
    assert client.get("/marks?kind=odd").status_code == 422
