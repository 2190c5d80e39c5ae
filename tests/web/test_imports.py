"""Imports in the console: templates, handing in, the preview, applying, undoing."""

import io
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from playwright.sync_api import Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core.accounts import holders_of
from core.administration import update_asset
from core.events import SYSTEM
from core.places import Asset
from core.tables import LARGEST_FILE
from tests.web.conftest import client_of, signed_in
from tests.web.markup import read
from tests.web.stage import Stage, WebServer
from tests.workflows.spreadsheets import workbook
from web.import_progress import Watched
from web.pages.imports import XLSX
from workflows.intake import applying, make_plan
from workflows.intake.lines import read_file
from workflows.intake.plan import Plan
from workflows.intake.sheets import SHEETS

SPACES = ["Site", "Code", "Name in English", "Kind", "Inside"]
GOOD: dict[str, list[Any]] = {
    "Spaces": [SPACES, ["riverside", "b9", "Building 9", "Building", None]],
    "Assets": [
        ["Site", "Code", "Type", "Name in English", "Criticality"],
        ["riverside", "b9-pump", "Pump", "=HYPERLINK(1)", "High"],
        ["riverside", "b1-pump-1", None, "Booster", None],
    ],
}
WRONG: dict[str, list[Any]] = {
    "Spaces": [SPACES, ["riverside", "b 9", None, "Building", "nowhere"]],
}
STAFF: dict[str, list[Any]] = {
    "People": [
        ["Login", "Name", "Role", "Where"],
        ["13800000001", "Zhao", "Guard", "riverside"],
        ["13800000002", "Qian", "Guard", "riverside"],
    ]
}


@pytest.fixture
def desk(stage: Stage) -> TestClient:
    """An administrator's browser, without scripts."""
    return client_of(stage, "administrator")


def csrf(client: TestClient) -> str:
    return csrf_token(client.cookies[SESSION_COOKIE])


def send(client: TestClient, content: bytes, name: str = "file.xlsx") -> Response:
    fields = {"csrf": csrf(client), "watch": "w"}
    return client.post("/imports", data=fields, files={"file": (name, content, XLSX)})


def hand_in(client: TestClient, sheets: Mapping[str, Sequence[Any]]) -> str:
    """The address of the preview."""
    answer = send(client, workbook(sheets))
    assert answer.status_code == 303
    return str(answer.headers["location"])


def press(client: TestClient, address: str, action: str, version: int = 1) -> Response:
    fields = {"csrf": csrf(client), "version": str(version)}
    return client.post(f"{address}/{action}", data=fields)


def sheet_of(content: bytes) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return list(book.worksheets[0].iter_rows(values_only=True))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_template_can_be_filled_in_and_explains_each_column(stage: Stage, language: str) -> None:
    client = client_of(stage, "administrator", language)
    answer = client.get("/imports/template.xlsx")
    assert "attachment" in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    titles = [sheet.title.get(language) for sheet in SHEETS.values()]
    assert book.sheetnames[: len(titles)] == titles
    page = book[SHEETS["assets"].title.get(language)]
    heads, notes, example = list(page.iter_rows(max_row=3, values_only=True))
    assert heads == tuple(column.title.get(language) for column in SHEETS["assets"].columns)
    assert all(notes)
    assert example[2] == "b1-pump-1"
    # Everything is text, so that Excel leaves codes and phone numbers alone.
    assert {cell.number_format for cell in page[2]} == {"@"}
    sources = {rule.formula1 for rule in page.data_validations.dataValidation}
    assert len(sources) == 3
    lists = book.worksheets[-1]
    assert lists.sheet_state == "hidden"
    assert "riverside" in [cell.value for column in lists.iter_cols() for cell in column]


def test_what_stands_can_be_taken_along_and_handed_in_again(desk: TestClient) -> None:
    filled = desk.get("/imports/template.xlsx?filled=true").content
    address = str(send(desk, filled).headers["location"])
    page = desk.get(address).text
    assert "Everything stands as the file says" in page
    assert "Apply" not in read(page).text


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_csv_templates_are_read_again(stage_at_noon: Stage, encoding: str) -> None:
    # The roster that is filled in is the one of the month, by the clocks of the site.
    stage = stage_at_noon
    client = client_of(stage, "administrator", "zh")
    press(client, hand_in(client, STAFF), "apply")
    row = ["riverside", "b1-f9", "赵磊", "+86 138 0013 8000"]
    home = {"住户": [["项目", "房号", "姓名", "电话"], row]}
    press(client, hand_in(client, home), "apply")
    today = f"{stage.parts.clock.now():%Y-%m-%d}"
    duty = {
        "班组成员": [["项目", "班组", "登录名"], ["riverside", "security", "13800000001"]],
        "排班明细": [
            ["项目", "班组", "登录名", "日期", "班次"],
            ["riverside", "security", "13800000001", today, "早"],
        ],
    }
    press(client, hand_in(client, duty), "apply")
    for code, sheet in SHEETS.items():
        answer = client.get(f"/imports/template.csv?sheet={code}&encoding={encoding}&filled=true")
        said = read_file(answer.content, "file.csv")
        assert said.faults == []
        assert {line.sheet for line in said.lines} <= {sheet}
    assert client.get("/imports/template.csv?sheet=nothing").status_code == 404


def test_an_exported_cell_is_never_a_formula(stage: Stage, desk: TestClient) -> None:
    assert press(desk, hand_in(desk, GOOD), "apply").status_code == 303
    table = desk.get("/imports/template.csv?sheet=assets&filled=true").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in table
    for cell in re.split(r"[,\r\n]+", table):
        assert not cell.startswith(("=", "+", "@"))
    book = openpyxl.load_workbook(
        io.BytesIO(desk.get("/imports/template.xlsx?filled=true").content)
    )
    types = {cell.data_type for page in book.worksheets for row in page for cell in row}
    assert "f" not in types
    # And back: the mark is taken off again.
    again = send(desk, table.encode(), "assets.csv").headers["location"]
    assert "Everything stands as the file says" in desk.get(str(again)).text


def test_a_preview_shows_what_would_change_field_by_field(stage: Stage, desk: TestClient) -> None:
    address = hand_in(desk, GOOD)
    page = desk.get(address).text
    assert re.findall(r"<del>(.*?)</del>.*?<ins>(.*?)</ins>", page) == [
        (stage_name(stage, "b1-pump-1"), "Booster")
    ]
    assert "Assets, row 3" in page
    new = desk.get(f"{address}?view=create").text
    assert "riverside / b9" in new
    assert "<ins>High</ins>" in new
    assert "b9" not in [asset.code for asset in stage_assets(stage)]


def stage_assets(stage: Stage) -> list[Asset]:
    with stage.parts.database.read() as session:
        return list(session.scalars(select(Asset)))


def stage_name(stage: Stage, code: str) -> str:
    return next(asset.name["en"] for asset in stage_assets(stage) if asset.code == code)


def test_the_preview_speaks_the_readers_language(stage: Stage) -> None:
    client = client_of(stage, "administrator", "zh")
    address = hand_in(client, WRONG)
    page = client.get(address).text
    assert "“b 9”不能作为编码" in page
    assert "没有空间“nowhere”" in page
    assert "Spaces" in page
    assert "预览改动" not in page
    new = client.get(f"{hand_in(client, GOOD)}?view=create").text
    assert "<ins>高</ins>" in new
    assert "<ins>水泵</ins>" in new


def test_every_wrong_cell_is_shown_and_can_be_taken_along(desk: TestClient) -> None:
    address = hand_in(desk, WRONG)
    page = read(desk.get(address).text)
    assert [text for text in page.text if re.fullmatch(r"[A-Z]\d", text)] == ["B2", "E2"]
    assert "Apply" not in page.text
    rows = sheet_of(desk.get(f"{address}/faults.xlsx").content)
    assert [row[:2] for row in rows] == [("Sheet", "Cell"), ("Spaces", "B2"), ("Spaces", "E2")]
    assert press(desk, address, "apply").status_code == 422


def test_an_import_is_applied_and_undone_as_a_whole(stage: Stage, desk: TestClient) -> None:
    before = {asset.code: asset.name for asset in stage_assets(stage)}
    address = hand_in(desk, GOOD)
    applied = press(desk, address, "apply")
    assert applied.headers["location"] == f"{address}?told=applied"
    assert stage_name(stage, "b1-pump-1") == "Booster"
    assert "Everything is applied." in desk.get(applied.headers["location"]).text
    assert press(desk, address, "apply", 2).status_code == 409
    undone = press(desk, address, "undo", 2)
    page = desk.get(undone.headers["location"]).text
    assert "All of it was taken back." in page
    assert {asset.code: asset.name for asset in stage_assets(stage)} == before


def test_what_stays_is_named_with_its_reason(stage: Stage, desk: TestClient) -> None:
    address = hand_in(desk, GOOD)
    press(desk, address, "apply")
    with stage.parts.database.write() as session:
        asset = session.scalars(select(Asset).where(Asset.code == "b9-pump")).one()
        now = stage.parts.clock.now()
        update_asset(session, asset, {"criticality": "low"}, actor=SYSTEM, now=now)
    page = desk.get(press(desk, address, "undo", 2).headers["location"]).text
    assert "1 thing was in use and stayed" in page
    assert "riverside / b9-pump" in page
    assert "Somebody has changed it since." in page


def test_a_preview_that_became_stale_is_shown_anew(stage: Stage, desk: TestClient) -> None:
    address = hand_in(desk, GOOD)
    with stage.parts.database.write() as session:
        asset = session.get_one(Asset, stage.assets["b1-pump-1"])
        now = stage.parts.clock.now()
        update_asset(session, asset, {"name": {"en": "Mine"}}, actor=SYSTEM, now=now)
    refused = press(desk, address, "apply")
    assert refused.headers["location"] == f"{address}?told=changed"
    page = desk.get(refused.headers["location"]).text
    assert "Something has changed since the preview" in page
    assert "<del>Mine</del>" in page
    assert press(desk, address, "apply", 2).headers["location"] == f"{address}?told=applied"


def test_the_pages_can_be_read_aloud_and_hold_nothing_inline(desk: TestClient) -> None:
    address = hand_in(desk, GOOD)
    for page in ("/imports", address, f"{address}?view=create", hand_in(desk, WRONG)):
        markup = read(desk.get(page).text)
        assert markup.without_label == []
        assert markup.inline == []
        assert markup.headings[0] == "h1"


def test_a_file_is_discarded(desk: TestClient) -> None:
    address = hand_in(desk, GOOD)
    assert press(desk, address, "discard").headers["location"] == "/imports"
    assert "Discarded" in desk.get("/imports").text
    assert "Building 9" not in desk.get(address).text


@pytest.mark.parametrize(
    ("content", "language", "told"),
    [
        (b"", "en", "The file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "zh", "另存为“Excel 工作簿（.xlsx）”"),
        (b"%PDF\0", "en", "This is no Excel or CSV file"),
        (workbook({"Sheet1": [["a"], ["b"]]}), "zh", "人员、空间、资产、接入设备、测点"),
    ],
)
def test_what_is_no_spreadsheet_is_told_in_the_readers_language(
    stage: Stage, content: bytes, language: str, told: str
) -> None:
    answer = send(client_of(stage, "administrator", language), content)
    assert answer.status_code == 422
    assert told in answer.text


def test_new_people_get_a_link_each(stage: Stage, desk: TestClient) -> None:
    address = hand_in(desk, STAFF)
    press(desk, address, "apply")
    assert "2 new people have no password yet." in desk.get(address).text
    rows = sheet_of(press(desk, address, "links").content)
    assert [row[:2] for row in rows[1:]] == [("Qian", "13800000002"), ("Zhao", "13800000001")]
    link = str(rows[1][2]).partition("/sign-in/")[2]
    page = TestClient(stage.app, follow_redirects=False).get(f"/sign-in/{link}")
    assert page.status_code == 200
    with stage.parts.database.read() as session:
        assert len(holders_of(session, ["13800000001", "13800000002"])) == 2
    # A link that nobody has used yet goes with its person.
    press(desk, address, "undo", 2)
    with stage.parts.database.read() as session:
        assert holders_of(session, ["13800000001", "13800000002"]) == {}


def test_who_comes_by_a_link_finds_the_login_kept_and_sets_a_password(
    stage: Stage, desk: TestClient
) -> None:
    press(desk, hand_in(desk, STAFF), "apply")
    with stage.parts.database.read() as session:
        person = holders_of(session, ["13800000001"])["13800000001"]
    client = signed_in(stage, stage.secret(person, "session"))
    page = client.get("/account").text
    assert 'value="13800000001"' in page
    assert 'name="present"' not in page
    fields = {"csrf": csrf(client), "login": "13800000001", "password": "three quiet pumps"}
    assert client.post("/account/password", data=fields).status_code == 303
    assert 'name="present"' in client.get("/account").text


def test_who_may_change_nothing_sees_no_import(stage: Stage) -> None:
    guard = client_of(stage, "guard")
    assert 'href="/imports"' not in guard.get("/").text
    for address in ("/imports", "/imports/template.xlsx", "/imports/progress"):
        assert guard.get(address).status_code == 403
    assert send(guard, workbook(GOOD)).status_code == 403


def test_a_form_of_another_site_hands_in_nothing(desk: TestClient) -> None:
    files = {"file": ("a.xlsx", workbook(GOOD), XLSX)}
    assert desk.post("/imports", data={"csrf": "forged"}, files=files).status_code == 403


def test_progress_is_told_to_who_waits_only() -> None:
    watched, me, other = Watched(), UUID(int=1), UUID(int=2)
    with watched.watch(me, "w") as told:
        assert watched.of(me, "w") is None
        told("checking", 2, 5)
        found = watched.of(me, "w")
        assert found is not None
        assert (found.stage, found.done, found.total) == ("checking", 2, 5)
        assert watched.of(other, "w") is None
    assert watched.of(me, "w") is None


def test_a_file_that_is_too_large_is_told_before_it_is_sent(
    stage: Stage, server: WebServer, signed_in_page: Page, console_log: list[str]
) -> None:
    page = signed_in_page
    page.goto(f"{stage.url}/imports")
    content = b"x" * (LARGEST_FILE + 1)
    page.set_input_files("#file", {"name": "a.xlsx", "mimeType": XLSX, "buffer": content})
    page.get_by_role("button", name="Show what would change").click()
    told = page.locator("#file").evaluate("input => input.validationMessage")
    assert told == "This file is too large. Split it into several."
    expect(page).to_have_url(f"{stage.url}/imports")
    assert console_log == []


KEEP_WHAT_IS_SHOWN = r"""() => {
  const place = document.querySelector("[data-under-way]");
  new MutationObserver(() => {
    const told = place.querySelector("p").textContent.trim();
    const share = place.querySelector("progress").value;
    sessionStorage.setItem("told", `${sessionStorage.getItem("told")}\n${told}, ${share}`);
  }).observe(place, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def slowly(make_plan: Callable[..., Plan], answered: threading.Semaphore) -> Callable[..., Plan]:
    """The same on a machine that is slow: it goes on when the page has asked a few times more."""

    def made(session: Any, caller: Any, said: Any, told: Any, **more: Any) -> Plan:
        plan = make_plan(session, caller, said, told, **more)
        told("checking", 4, 5)
        while answered.acquire(blocking=False):
            pass
        for _ in range(4):
            assert answered.acquire(timeout=60)
        return plan

    return made


def test_five_thousand_rows_show_their_progress_and_are_applied(
    stage: Stage,
    server: WebServer,
    page: Page,
    console_log: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = stage.person("Wei Chen", "administrator")
    secret = stage.secret(person, "session")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    rows = [["riverside", f"pump-{n}", "Pump", f"Pump {n}", "High"] for n in range(5_000)]
    content = workbook({"Assets": [GOOD["Assets"][0], *rows]})
    page.goto(f"{stage.url}/imports")
    page.set_input_files("#file", {"name": "big.xlsx", "mimeType": XLSX, "buffer": content})
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible(timeout=60_000)
    answered = threading.Semaphore(0)
    page.on("requestfinished", lambda one: answered.release() if "progress" in one.url else None)
    monkeypatch.setattr(applying, "make_plan", slowly(make_plan, answered))
    # The page can't be asked while it waits for the next one, so it keeps what it showed.
    page.evaluate(KEEP_WHAT_IS_SHOWN)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Everything is applied.")).to_be_visible(timeout=60_000)
    told = page.evaluate("sessionStorage.getItem('told')")
    assert re.search(r"^Comparing it with what stands · [1-9]\d* s, 0\.8$", told, re.M)
    assert len(stage_assets(stage)) == len(stage.assets) + 5_000
    assert console_log == []
