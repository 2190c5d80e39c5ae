"""Pages of posts without a browser: what they show, do and refuse; Markdown harms nobody."""

import re
from typing import Any

import pytest

from core.markdown import rendered
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.patrolling import checkpoint, field_of, form, sent
from tests.web.posting import gate_with_people
from tests.web.stage import Stage


def new_post(stage: Stage, **more: Any) -> dict[str, Any]:
    """A form of a post that is right."""
    return {
        "site": str(stage.site_id),
        "code": "south",
        "name_en": "South gate",
        "name_zh": "南门岗",
        "team": "security",
        "hour": ["night"],
        "crew": "2",
        "checkpoint": "",
        "tolerance": "60",
        **more,
    }


def test_every_page_has_one_heading_labels_and_nothing_inline(stage: Stage) -> None:
    made, site = gate_with_people(stage), f"site={stage.site_id}"
    for locale in ("en", "zh"):
        client = client_of(stage, locale=locale)
        for address in (
            f"/posts?{site}",
            f"/posts?{site}&view=retired",
            f"/posts/new?{site}",
            f"/posts/{made['post']}",
            f"/posts/{made['post']}/orders",
        ):
            answer = client.get(address)
            assert answer.status_code == 200, address
            page = read(answer.text)
            assert page.headings.count("h1") == 1, address
            assert page.without_label == [], address
            assert page.inline == [], address
            assert len(page.ids) == len(set(page.ids)), address
            assert all(one["csrf"] for one in page.forms if one["method"] == "post"), address


def test_a_supervisor_sees_who_is_there_and_lets_people_in_and_go(stage: Stage) -> None:
    made, site = gate_with_people(stage), f"site={stage.site_id}"
    client = signed_in(stage, stage.secret(made["boss"], "session"))
    page = client.get(f"/posts?{site}").text
    # Where somebody is missing stands first, and who has not read the orders is marked.
    assert (
        page.index("Control room") < page.index("Riverside main gate") < page.index("Patrol team")
    )
    assert "2 missing" in page
    assert re.search(r"Lin Tao 林涛 <span[^>]*>orders not read", page)
    gate = f"/posts/{made['post']}"
    refused = form(client, f"{gate}/clock-in", person=str(made["boss"]), reason="")
    assert refused.status_code == 422
    assert "Say why, in at most 500 characters." in refused.text
    other = f"/posts/{made['walkers']}/clock-in"
    refused = form(client, other, person=str(made["lin"]), reason="Late")
    assert refused.status_code == 409
    assert "This person is at another post" in refused.text
    assert "This card is nobody" in form(client, other, card="999").text
    page = sent(client, f"/post-duties/{made['duty']}/leave", reason="Sent home").text
    assert "Sent home" in page
    there = page.partition('aria-label="Who is there"')[2].partition("post-let-in")[0]
    assert "Guard Xu" in there
    assert "Lin Tao" not in there
    # A guard sees the same without the times of others, and leaves by themselves.
    guard = signed_in(stage, stage.secret(made["xu"], "session"))
    page = guard.get(gate).text
    assert "Sent home" not in page
    assert "Set up" not in page
    assert form(guard, f"{gate}/clock-in", person=str(made["lin"]), reason="x").status_code == 403
    duty = re.search(r'/post-duties/([0-9a-f-]{36})/leave"', page)
    assert duty is not None
    assert "Nobody is there." in sent(guard, f"/post-duties/{duty[1]}/leave").text


def test_a_post_is_set_up_changed_and_taken_out_of_use(stage: Stage) -> None:
    made = gate_with_people(stage)
    client = signed_in(stage, stage.secret(made["boss"], "session"))
    wrong = form(client, "/posts", **new_post(stage, code="Süd", crew="many", checkpoint="x"))
    assert wrong.status_code == 422
    for told in ("Code: small letters", "How many must be there", "Choose a checkpoint"):
        assert told in wrong.text
    assert form(client, "/posts", **new_post(stage, code="gate")).status_code == 409
    own = checkpoint(stage, "south-hut")
    page = sent(client, "/posts", **new_post(stage, checkpoint=str(own)))
    assert "South gate" in page.text
    address = f"/posts/{page.url.path.rpartition('/')[2]}"
    version = field_of(page.text, "version")
    change = new_post(stage, name_en="South gate, new", version=version)
    assert "South gate, new" in sent(client, address, **change).text
    stale = form(client, address, **change)
    assert stale.status_code == 412
    assert "Somebody changed this" in stale.text
    version = field_of(client.get(address).text, "version")
    assert "It is out of use" in sent(client, f"{address}/retire", version=version).text


def test_orders_are_written_published_and_read(stage: Stage) -> None:
    made = gate_with_people(stage)
    client = signed_in(stage, stage.secret(made["boss"], "session"))
    address = f"/posts/{made['post']}/orders"
    page = client.get(address).text
    assert "<strong>fire engines</strong>" in page
    assert "<h3>Riverside gate</h3>" in page
    assert page.index("Lin Tao") < page.index("read by 1")
    draft = {"en": "Nobody enters <script>alert(1)</script>", "zh": "", "version": ""}
    half = form(client, f"{address}/draft", **draft, do="publish")
    assert half.status_code == 422
    assert "The Chinese text is missing" in half.text
    page = sent(client, f"{address}/draft", **draft, do="save").text
    assert "no. 1" in page
    # Whoever opened the page before there was a draft does not write over it.
    assert form(client, f"{address}/draft", **draft, do="save").status_code == 412
    whole = {**draft, "zh": "禁止入内", "version": field_of(page, "version")}
    page = sent(client, f"{address}/draft", **whole, do="publish").text
    assert "Orders no. 2" in page
    assert "<script>alert" not in page
    # Nor does whoever still has the draft open write over what is in force by now.
    late = form(client, f"{address}/draft", **{**whole, "zh": "欢迎光临"}, do="publish")
    assert (late.status_code, field_of(late.text, "version")) == (412, "")
    assert "Orders no. 2" in client.get(address).text
    guard = signed_in(stage, stage.secret(made["xu"], "session"))
    page = guard.get(address).text
    assert "The next version" not in page
    orders = re.search(r"/post-orders/([0-9a-f-]{36})/acknowledge", page)
    assert orders is not None
    old = form(guard, f"/post-orders/{made['orders']}/acknowledge", digest="0" * 64)
    assert old.status_code == 409
    done = sent(
        guard, f"/post-orders/{orders[1]}/acknowledge", digest=field_of(page, "digest")
    ).text
    assert "You have read these orders." in done


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x"),
        ("a <b onclick=x>b</b>", "&lt;b onclick"),
        ("[go](javascript:alert(1))", "[go]("),
        ("[go](JaVaScRiPt&#58;alert(1))", "[go]("),
        ("[go](data:text/html,x)", "[go]("),
        ("[go](//elsewhere.example)", "[go]("),
        ("[go](https://example.com/?a=1&b=2)", '<a href="https://example.com/?a=1&amp;b=2">'),
        ("![x](https://example.com/a.png)", "<p>!<a"),
        ("# Head", "<h3>Head</h3>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>1</td>"),
    ],
)
def test_markdown_harms_nobody(written: str, told: str) -> None:
    page = rendered(written)
    assert told in page
    assert re.search(r"<(?!/?(p|a|h3|table|thead|tbody|tr|th|td)\b)", page) is None
    assert "javascript:" not in re.sub(r"<p>.*?</p>", "", page.lower())


def test_a_shift_counts_hands_over_and_passes_down(stage: Stage) -> None:
    made = gate_with_people(stage)
    boss = signed_in(stage, stage.secret(made["boss"], "session"))
    gate = f"/posts/{made['post']}"
    keys = "Master key × 3\nPump room 泵房钥匙\n"
    page = sent(boss, f"{gate}/items", keys=keys, equipment="Radio 对讲机 x 2").text
    assert "Master key × 3\nPump room 泵房钥匙</textarea>" in page
    guard = signed_in(stage, stage.secret(made["xu"], "session"))
    page = guard.get(f"{gate}/hand-over").text
    assert len(read(page).ids) == len(set(read(page).ids))
    assert read(page).without_label == []
    items = re.findall(r'name="item" value="([0-9a-f-]{36})"', page)
    fields = {"item": items, "counted": ["2", "1", "2"], "why": ["", "", ""], "note": "Quiet"}
    refused = form(guard, f"{gate}/hand-over", **fields)
    assert refused.status_code == 422
    assert "Master key: say why it is not 3." in refused.text
    assert "Quiet</textarea>" in refused.text
    fields["why"] = ["One broke off", "", ""]
    sheet = sent(guard, f"{gate}/hand-over", **fields)
    assert "2 of 3 (One broke off)" in sheet.text.replace("\n", " ")
    assert "Riverside main gate" in sheet.text
    assert re.search(r'<a href="/tickets/\d+">#\d+</a>', sheet.text)
    # Another waits no more than one at a time, and the next shift accepts it under its name.
    assert form(guard, f"{gate}/hand-over", **fields).status_code == 409
    accepted = sent(boss, f"{sheet.url.path}/accept", remark="Two keys")
    assert "Two keys" in accepted.text
    # The whole team hands over for itself.
    assert "Quiet" not in boss.get(f"/hand-over?site={stage.site_id}&team=security").text


def test_the_pass_down_log_says_who_has_read_it(stage: Stage) -> None:
    made = gate_with_people(stage)
    guard = signed_in(stage, stage.secret(made["xu"], "session"))
    log = f"/posts/{made['post']}/log"
    assert "Nothing yet." in guard.get(log).text
    assert form(guard, log, text=" ").status_code == 422
    assert "Barrier sticks" in sent(guard, log, text="Barrier sticks").text
    other = signed_in(stage, stage.secret(made["lin"], "session"))
    page = other.get(log).text
    assert "I have read 1 new one" in page
    shown = re.search(r'name="up_to" value="([^"]+)"', page)
    assert shown is not None
    sent(guard, log, text="Key is back")
    page = sent(other, f"{log}/read", up_to=shown[1]).text
    # What was written meanwhile is still to be read.
    assert "I have read 1 new one" in page
    assert "Lin Tao" in page
    assert read(page).headings.count("h1") == 1
