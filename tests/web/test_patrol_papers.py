"""What comes and goes on paper and in files: exports of wands, labels, and what a tag leads to."""

import re
from threading import Thread
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
import zxingcpp
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.deps import SESSION_COOKIE, csrf_token
from core import events, papers
from core.errors import Unavailable
from core.ids import new_id
from tests.web.conftest import client_of, signed_in
from tests.web.patrolling import checkpoint, field_of, form, put, sent, signed_tag
from tests.web.stage import Stage
from web import label_sheets
from web.tag_set_up import template
from workflows import patrol
from workflows.patrol.tokens import derived

EXPORT = "point,guard,time\n12,1234567,2026-01-02 08:00:00\n12,,2026-01-02 09:00:00\n"
WRONG = EXPORT + "99,,2026-01-02 10:00:00\n12,,yesterday\n"


def wand(stage: Stage, content: str | bytes, locale: str = "en", **more: str) -> tuple[int, str]:
    """Hand an export in; the status and the page."""
    client = client_of(stage, locale=locale)
    token = csrf_token(client.cookies[SESSION_COOKIE])
    fields = {"csrf": token, "site": str(stage.site_id), "profile": "desk", **more}
    whole = content.encode() if isinstance(content, str) else content
    answer = client.post(
        "/wand-exports", data=fields, files={"file": ("round.csv", whole, "text/csv")}
    )
    return answer.status_code, answer.text


def scans(stage: Stage) -> int:
    with stage.parts.database.read() as session:
        return session.scalar(select(func.count(patrol.Scan.id))) or 0


@pytest.fixture
def point(stage: Stage) -> UUID:
    found = checkpoint(stage, "gate", "Main gate", "大门")
    put(stage, found, "wand", "12")
    return found


def test_an_export_is_shown_taken_in_and_the_second_time_nothing_is_new(
    stage: Stage, point: UUID
) -> None:
    status, page = wand(stage, EXPORT)
    assert (status, scans(stage)) == (200, 0)
    assert "Main gate" in page
    status, done = wand(stage, EXPORT, step="apply", seen=field_of(page, "seen"))
    assert (status, scans(stage)) == (200, 2)
    assert "2 scans were taken in." in done
    _, again = wand(stage, EXPORT)
    assert "Nothing in this file is new." in again
    assert 'value="apply"' not in again
    wand(stage, EXPORT, step="apply", seen=field_of(page, "seen"))
    assert scans(stage) == 2


@pytest.mark.parametrize(("locale", "told"), [("en", "is no time"), ("zh", "不符合")])
def test_every_wrong_line_is_told_at_once_and_may_be_left_out(
    stage: Stage, point: UUID, locale: str, told: str
) -> None:
    _, page = wand(stage, WRONG, locale)
    assert "“99”" in page
    assert told in page
    seen = field_of(page, "seen")
    assert wand(stage, WRONG, step="apply", seen=seen)[0] == 422
    assert scans(stage) == 0
    assert wand(stage, WRONG, step="apply", seen=seen, skip_wrong="yes")[0] == 200
    assert scans(stage) == 2


def test_only_what_was_shown_is_taken_in(stage: Stage, point: UUID) -> None:
    _, page = wand(stage, EXPORT)
    seen = field_of(page, "seen")
    other = EXPORT.replace("08:00", "08:30")
    assert wand(stage, other, step="apply", seen=seen)[0] == 422
    assert wand(stage, EXPORT, step="apply", seen=seen, profile="split")[0] == 422
    assert wand(stage, EXPORT, step="apply")[0] == 422
    assert scans(stage) == 0


@pytest.mark.parametrize(
    ("content", "english", "chinese"),
    [
        (b"", "The file is empty.", "文件是空的"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file", "xls"),
        (b"point,time\n", "There is no line to read.", "没有可读取的行"),
        (b"point,time\n" + b"12,2026-01-02 08:00:00\n" * 20_001, "20000", "20000"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_both_languages(
    stage: Stage, point: UUID, content: bytes, english: str, chinese: str
) -> None:
    for locale, told in (("en", english), ("zh", chinese)):
        status, page = wand(stage, content, locale)
        assert status == 422
        assert told in page


def test_an_unknown_profile_or_site_is_no_page(stage: Stage, point: UUID) -> None:
    assert wand(stage, EXPORT, profile="magic")[0] == 404
    assert wand(stage, EXPORT, site="here")[0] == 422
    assert wand(stage, EXPORT, site=str(new_id()))[0] == 404


def code_in(stage: Stage, token: UUID) -> str:
    with stage.parts.database.read() as session:
        return session.get_one(patrol.CheckpointToken, token).state


def test_labels_are_made_for_chosen_checkpoints_and_a_reload_replaces_none(stage: Stage) -> None:
    gate = checkpoint(stage, "gate", "Main gate", "大门")
    roof = checkpoint(stage, "roof", "Roof", "屋顶")
    old = put(stage, roof, "printed_code", label="At the door").token.id
    client = client_of(stage)
    page = client.get(f"/checkpoint-labels?site={stage.site_id}").text
    boxes = re.findall(r'name="label" value="([^"]+)"( checked)?', page)
    assert boxes == [(f"{gate}:", " checked"), (f"{roof}:{old}", "")]
    chosen = [value for value, _ in boxes]
    sheet = form(client, "/checkpoint-labels", label=chosen)
    assert sheet.status_code == 200
    assert sheet.headers["cache-control"] == "no-store"
    assert sheet.text.count('class="sticker"') == 2
    for words in (
        "Main gate",
        "大门",
        "Roof",
        "屋顶",
        ">gate<",
        "Patrol checkpoint",
        "巡更点",
    ):
        assert words in sheet.text
    assert code_in(stage, old) == "replaced"
    before = events.newest(stage.parts.database)
    assert form(client, "/checkpoint-labels", label=chosen).status_code == 412
    assert events.newest(stage.parts.database) == before


def test_labels_come_as_a_pdf_too_and_without_it_no_code_is_replaced(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = checkpoint(stage, "gate", "Main gate", "大门")
    old = put(stage, gate, "printed_code").token.id
    client = client_of(stage)
    assert 'formaction="/checkpoint-labels/pdf"' in client.get("/checkpoint-labels").text
    chosen = [f"{gate}:{old}"]

    def away(*_arguments: object, **_more: object) -> bytes:
        raise Unavailable("PDF needs a font", advice="Install it.")

    with monkeypatch.context() as patched:
        patched.setattr(label_sheets, "label_sheets", away)
        refused = form(client, "/checkpoint-labels/pdf", label=chosen)
    assert (refused.status_code, code_in(stage, old)) == (503, "active")
    wrote: list[UUID] = []
    render = papers.label_sheets

    def write() -> None:
        with stage.parts.database.write() as session:
            wrote.append(session.get_one(patrol.Checkpoint, gate).id)

    def meanwhile(*arguments: Any, **more: Any) -> bytes:
        somebody = Thread(target=write)
        somebody.start()
        somebody.join(30)
        assert wrote == [gate], "nobody may wait for a paper"
        return render(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(label_sheets, "label_sheets", meanwhile)
        paper = form(client, "/checkpoint-labels/pdf", label=chosen)
    assert paper.headers["content-type"] == "application/pdf"
    assert 'filename="checkpoint-labels.pdf"' in paper.headers["content-disposition"]
    assert paper.headers["cache-control"] == "no-store"
    assert code_in(stage, old) == "replaced"
    image = pypdfium2.PdfDocument(paper.content)[0].render(scale=3).to_pil()
    (read,) = zxingcpp.read_barcodes(image)
    # What is scanned from the paper is what counts at the checkpoint.
    code = read.text.partition("/t?q=")[2]
    with stage.parts.database.read() as session:
        found = derived(stage.parts.vault, "printed_code", code)
        row = session.scalars(select(patrol.CheckpointToken).filter_by(derived_id=found)).one()
        assert (row.checkpoint_id, row.state) == (gate, "active")
    assert form(client, "/checkpoint-labels/pdf", label=chosen).status_code == 412
    assert form(client, "/checkpoint-labels/pdf", label=[]).status_code == 422


@pytest.mark.parametrize("chosen", [[], ["gate"], [f"{new_id()}:"] * 211])
def test_labels_of_nothing_or_of_too_many_are_refused(stage: Stage, chosen: list[str]) -> None:
    assert form(client_of(stage), "/checkpoint-labels", label=chosen).status_code == 422


def anybody(stage: Stage) -> TestClient:
    client = TestClient(stage.app, follow_redirects=False)
    client.headers["accept"] = "text/html"
    return client


def guard_of(stage: Stage, role: str = "guard", node: UUID | None = None) -> TestClient:
    person = stage.person("Guard Xu", role, node=node)
    return signed_in(stage, stage.secret(person, "session"))


def plain(page: str) -> str:
    """A page without what differs each time it is opened, and what was asked for."""
    return re.sub(r'value="[^"]*"|href="\?[^"]*"', "", page)


def test_opening_what_a_tag_leads_to_changes_and_tells_nothing(stage: Stage) -> None:
    tag = signed_tag(stage, checkpoint(stage, "gate", "Main gate", "大门"))
    before = events.newest(stage.parts.database)
    genuine = tag.tap().partition("/t?")[2]
    for client in (anybody(stage), guard_of(stage)):
        pages = [client.get(f"/t{query}").text for query in (f"?{genuine}", "?e=00&m=00", "?q=no")]
        assert len(set(map(plain, pages))) == 1
        assert "Main gate" not in pages[0]
        assert "Riverside" not in pages[0]
    assert events.newest(stage.parts.database) == before
    assert scans(stage) == 0


def test_who_is_not_signed_in_is_led_to_sign_in_and_who_may_not_scan_is_told(
    stage: Stage,
) -> None:
    page = anybody(stage).get("/t?q=abc").text
    assert 'href="/sign-in"' in page
    assert "<form" not in page
    page = guard_of(stage, "accountant").get("/t?q=abc").text
    assert "Your roles" in page
    assert "<form" not in page
    posted = form(guard_of(stage, "accountant"), "/t", query="q=abc", scan=str(new_id()))
    assert posted.status_code == 403
    assert anybody(stage).post("/t", data={"query": "q=abc"}).status_code == 303


def recorded(client: TestClient, query: str) -> dict[str, str]:
    page = client.get(f"/t?{query}").text
    return {name: field_of(page, name) for name in ("query", "scan", "tapped")}


def test_a_tap_is_recorded_by_a_button_once_however_often_it_is_pressed(stage: Stage) -> None:
    tag = signed_tag(stage, checkpoint(stage, "gate", "Main gate", "大门"))
    client = guard_of(stage)
    fields = recorded(client, tag.tap(tamper=b"CC").partition("/t?")[2])
    first = sent(client, "/t", **fields)
    assert "The scan is recorded." in first.text
    assert patrol.GRADES[patrol.Grade.SIGNED].en in first.text
    assert "The seal of the tag is whole." in first.text
    assert sent(client, "/t", **fields).url == first.url
    assert scans(stage) == 1
    # The same tap opened anew is another presentation, and no second scan.
    again = sent(client, "/t", **recorded(client, fields["query"]))
    assert patrol.REASONS["replayed"].en in again.text


def test_a_printed_code_is_recorded_as_what_it_proves(stage: Stage) -> None:
    code = put(stage, checkpoint(stage, "gate"), "printed_code").secrets["query"]
    page = sent(guard_of(stage), "/t", **recorded(guard_of(stage), code)).text
    assert "The scan is recorded." in page
    assert patrol.KINDS["printed_code"].cannot.en in page


def test_what_is_of_no_site_of_theirs_is_not_recorded_and_uses_nothing_up(stage: Stage) -> None:
    tag = signed_tag(stage, checkpoint(stage, "gate"))
    query = tag.tap().partition("/t?")[2]
    stranger = guard_of(stage, node=stage.other_site_id)
    assert form(stranger, "/t", **recorded(stranger, query)).status_code == 404
    ours = guard_of(stage)
    assert form(ours, "/t", **recorded(ours, "q=nothing")).status_code == 404
    assert scans(stage) == 0
    assert "The scan is recorded." in sent(ours, "/t", **recorded(ours, query)).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": ""},
        {"scan": "one"},
        {"tapped": "now"},
        {"tapped": "2026-01-01T00:00"},
        {"tapped": "0001-01-01T00:00+08:00"},
    ],
)
def test_a_form_of_ones_own_making_is_refused(stage: Stage, wrong: dict[str, str]) -> None:
    code = put(stage, checkpoint(stage, "gate"), "printed_code").secrets["query"]
    client = guard_of(stage)
    answer = form(client, "/t", **{**recorded(client, code), **wrong})
    assert answer.status_code == 422
    assert scans(stage) == 0


@pytest.mark.parametrize("base", ["https://wk.example", "http://e.m.example:8080"])
@pytest.mark.parametrize(
    "query", [f"e={'0' * 32}&m={'0' * 16}", f"e={'0' * 32}&d={'0' * 32}&m={'0' * 16}"]
)
def test_the_offsets_of_a_tag_point_at_the_zeros_of_its_file(base: str, query: str) -> None:
    made = template(base, query)
    scheme, begins = {"https": (4, "https://"), "http": (3, "http://")}[base.partition(":")[0]]
    text = made.address.removeprefix(begins).encode()
    record = bytes([0xD1, 0x01, len(text) + 1, 0x55, scheme]) + text
    file = len(record).to_bytes(2, "big") + record

    def at(name: str, length: int) -> bytes:
        return file[made.offsets[name] - 2 :][: length + 2]

    assert at("PICCDataOffset", 32) == b"e=" + b"0" * 32
    assert at("SDMMACOffset", 16) == b"m=" + b"0" * 16
    if "&d=" in query:
        assert at("SDMENCOffset", made.offsets["SDMENCLength"]) == b"d=" + b"0" * 32
        assert made.offsets["SDMMACInputOffset"] == made.offsets["SDMENCOffset"]
    else:
        assert made.offsets["SDMMACInputOffset"] == made.offsets["SDMMACOffset"]
