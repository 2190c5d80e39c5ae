"""Reading spreadsheets: whatever Excel does to them, and whatever people do to Excel."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter import Workbook as Written

from core.tables import MOST_ROWS, xlsx
from tests.workflows.spreadsheets import found, open_workbook, saved, workbook
from workflows.intake import LARGEST_FILE, read_file
from workflows.intake.faults import TEXTS, Fault, Unreadable
from workflows.intake.lines import Lines, lines_from_json, lines_to_json

HEAD = ["Site", "Code", "Name in English", "Kind", "Inside"]
ZH = ["项目", "编码", "中文名称", "类型", "上级空间"]
GOOD = {"Spaces": [HEAD, ["riverside", "b1", "Building 1", "Building", None]]}
GOOD_FILE = workbook(GOOD)
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500


def texts(said: Lines) -> list[dict[str, str]]:
    return [{code: entry.text for code, entry in line.entries.items()} for line in said.lines]


def csv(*rows: str, encoding: str = "utf-8") -> bytes:
    return "\r\n".join(rows).encode(encoding)


def refusal(content: bytes, filename: str = "file.xlsx") -> str:
    with pytest.raises(Unreadable) as caught:
        read_file(content, filename)
    assert caught.value.problems == (caught.value.fault.text,)
    return caught.value.fault.code


def test_headings_are_understood_in_both_languages() -> None:
    row = ["riverside", "b1", "x", "Building", "-"]
    english = read_file(workbook({"Spaces": [HEAD, row]}), "a.xlsx")
    chinese = read_file(workbook({"空间": [ZH, row]}), "a.xlsx")
    assert texts(english)[0].keys() - {"name_en"} == texts(chinese)[0].keys() - {"name_zh"}
    assert not english.faults + chinese.faults


def test_headings_may_be_decorated_and_stand_below_a_title() -> None:
    rows = [["Riverside Court"], [], [" SITE: ", "code *", "名称"], ["riverside", "b1", "一号楼"]]
    said = read_file(workbook({"My spaces": rows}), "a.xlsx")
    assert texts(said) == [{"site": "riverside", "code": "b1", "name_zh": "一号楼"}]
    assert said.lines[0].cell("code") == "B4"


def test_blanks_of_every_kind_are_taken_off_and_empty_rows_passed_over() -> None:
    rows = [HEAD, ["\u3000riverside\xa0", " b1\n", None, None], [], [None, " ", "\u3000"], ["", ""]]
    said = read_file(workbook({"Spaces": rows}), "a.xlsx")
    assert texts(said) == [{"site": "riverside", "code": "b1"}]


def test_notes_and_example_are_not_read() -> None:
    rows = [["Skip", *HEAD], ["Note", "explains"], ["Example", "riverside", "x"], [None, "a", "b"]]
    assert texts(read_file(workbook({"Spaces": rows}), "a.xlsx")) == [{"site": "a", "code": "b"}]


def test_numbers_that_were_texts_come_back_as_they_were_typed() -> None:
    rows = [["Login", "Name"], [13800000000.0, "Wei"], [13800000001, 7.5], ["007", True]]
    logins = [entry["login"] for entry in texts(read_file(workbook({"People": rows}), "a.xlsx"))]
    assert logins == ["13800000000", "13800000001", "007"]


def test_leading_zeros_that_only_the_format_shows_are_kept() -> None:
    book = open_workbook({"Spaces": [HEAD, ["riverside", 7]]})
    book["Spaces"]["B2"].number_format = "000"
    [line] = read_file(saved(book), "a.xlsx").lines
    assert line.entries["code"].text == "007"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (date(2003, 1, 2), "date"),
        (123456789012345678, "digits"),
        ("#REF!", "error_value"),
        ("x" * 201, "too_long"),
        ("a\u0085b\u0007", "control"),
    ],
)
def test_what_excel_spoiled_is_named_by_cell(value: Any, code: str) -> None:
    if code == "control":
        said = read_file(csv(",".join(HEAD), f"riverside,{value}"), "spaces.csv")
    else:
        said = read_file(workbook({"Spaces": [HEAD, ["riverside", value]]}), "a.xlsx")
    assert [(fault.cell, fault.code) for fault in said.faults] == [("B2", code)]
    assert "%(" not in said.faults[0].text


def test_a_formula_counts_by_its_stored_result() -> None:
    target = io.BytesIO()
    with Written(target) as book:
        sheet = book.add_worksheet("Spaces")
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["riverside"])
        sheet.write_formula(1, 1, '="b"&1', None, "b1")
    assert texts(read_file(target.getvalue(), "a.xlsx"))[0]["code"] == "b1"


def test_a_row_of_nothing_but_formulas_without_results_is_told() -> None:
    bare = open_workbook({"Spaces": [HEAD, ["riverside", "b3"], ["=A2", '="b"&4']]})
    said = read_file(saved(bare), "a.xlsx")
    assert found(said.faults)[:2] == [("Spaces!A3", "formula"), ("Spaces!B3", "formula")]


def test_a_formula_without_a_result_is_refused_and_one_whose_result_is_empty_is_empty() -> None:
    bare = open_workbook({"Spaces": [HEAD, ["riverside", '="b"&3']]})
    assert found(read_file(saved(bare), "a.xlsx").faults) == [("Spaces!B2", "formula")]

    def emptied(xml: bytes) -> bytes:
        cell = b'<c r="C2" t="str"><f>IF(A1="","",A1)</f><v></v></c>'
        return re.sub(rb'<c r="C2".*?</c>', cell, xml)

    said = read_file(with_part("xl/worksheets/sheet1.xml", emptied), "a.xlsx")
    assert said.faults == []
    assert "name_en" not in texts(said)[0]


def test_merged_cells_are_refused_among_the_rows_and_fine_above_them() -> None:
    rows = [["Spaces of Riverside"], HEAD, ["riverside", "b1"], [None, "b2"], [None, "b3"]]
    book = open_workbook({"Spaces": rows})
    book["Spaces"].merge_cells("A1:E1")
    assert read_file(saved(book), "a.xlsx").faults == []
    book["Spaces"].merge_cells("A3:A5")
    [fault] = read_file(saved(book), "a.xlsx").faults
    assert (fault.place, fault.code) == ("Spaces!A3", "merged")
    assert "A3:A5" in fault.text


def test_headings_that_are_unknown_doubled_or_missing_are_named_by_cell() -> None:
    rows = [["Site", "Site", "Colour", "Kind"], ["a", "b", "c", "d", "loose"]]
    said = read_file(workbook({"Spaces": rows}), "a.xlsx")
    assert found(said.faults) == [
        ("Spaces!B1", "twice_heading"),
        ("Spaces!C1", "unknown_heading"),
        ("Spaces!A1", "missing_column"),
    ]


def test_values_without_a_heading_are_named_once() -> None:
    rows = [HEAD, ["riverside", "b1", "x", "y", "z", "loose"], ["riverside", "b2"] + ["v"] * 4]
    said = read_file(workbook({"Spaces": rows}), "a.xlsx")
    assert found(said.faults) == [("Spaces!F2", "no_heading")]


def test_every_cell_that_must_be_filled_is_named() -> None:
    said = read_file(
        workbook({"Points": [["Device", "Point", "Key"], [None, None, "t"]]}), "a.xlsx"
    )
    assert found(said.faults) == [("Points!A2", "missing"), ("Points!B2", "missing")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_as_excel_writes_it(encoding: str, delimiter: str) -> None:
    rows = [delimiter.join(ZH), delimiter.join(["riverside", "b1", "1号楼", "楼栋", ""])]
    said = read_file(csv(*rows, encoding=encoding), "anything.csv")
    assert texts(said)[0] == {"site": "riverside", "code": "b1", "name_zh": "1号楼", "kind": "楼栋"}
    assert said.lines[0].cell("name_zh") == "C2"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1.38E+10", "shortened"),
        ("2003/1/2", "date"),
        ("3月2日", "date"),
        ("2-Mar", "date"),
        ("#N/A", "error_value"),
    ],
)
def test_what_excel_spoiled_before_it_wrote_csv_is_named_by_cell(written: str, code: str) -> None:
    said = read_file(csv("登录名,姓名,角色", f"{written},陈伟,保安"), "a.csv")
    assert [(fault.cell, fault.code) for fault in said.faults] == [("A2", code)]


def test_csv_takes_off_the_mark_against_formulas_and_the_tail_of_a_number() -> None:
    said = read_file(csv("登录名,姓名", "13800000000.0,'=cmd|calc"), "a.csv")
    assert texts(said) == [{"login": "13800000000", "name": "=cmd|calc"}]


def test_a_csv_whose_headings_fit_several_sheets_goes_by_its_name() -> None:
    rows = csv("site,code,name_zh", "riverside,b1,1号楼")
    assert refusal(rows, "stuff.csv") == "which_sheet"
    assert read_file(rows, "资产 2026.csv").lines[0].sheet.code == "assets"


def test_sheets_that_are_none_of_ours_are_named_and_not_read() -> None:
    said = read_file(workbook({**GOOD, "Sheet4": [["a", "b"], [1, 2]]}), "a.xlsx")
    assert said.unread == ["Sheet4"]
    assert len(said.lines) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (OLD_EXCEL, "old_excel"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no_table"),
        (b"%PDF-1.7\0", "no_table"),
        (b"\xff\xfeA", "encoding"),
        (b"\x81\xff\x81\xff,\x80", "encoding"),
        (b"just a text", "no_sheet"),
        (workbook({"Sheet4": [["a"], [1]], "Sheet5": [["b"]]}), "no_sheet"),
        (workbook({"Spaces": [HEAD]}), "no_rows"),
        (b"a" * (LARGEST_FILE + 1), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_spreadsheet_is_refused_with_what_to_do(content: bytes, code: str) -> None:
    assert refusal(content) == code


def archive(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return target.getvalue()


def with_part(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A good workbook with one part changed."""
    with zipfile.ZipFile(io.BytesIO(workbook(GOOD))) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    parts[name] = change(parts[name])
    return archive(parts)


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    assert refusal(archive({"photo.jpg": b"x"})) == "no_table"
    assert refusal(archive({"[Content_Types].xml": b"<Types/>"})) == "broken"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = with_part("xl/worksheets/sheet1.xml", lambda _: b" " * (200 << 20))
    assert len(bomb) < 1 << 20
    assert refusal(bomb) == "too_large_inside"


def test_a_bomb_of_cells_and_one_of_entities_are_refused() -> None:
    cells = with_part("xl/worksheets/sheet1.xml", lambda _: b"<row>" + b"<c/>" * 1_000_001)
    assert refusal(cells) == "too_many_cells"
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha">]>'
    assert refusal(with_part("xl/workbook.xml", lambda xml: laughs + xml)) == "broken"


@pytest.mark.parametrize("tag", [b"<mergeCell ", b"<c "])
def test_many_tags_that_never_end_take_no_time(tag: bytes) -> None:
    unended = with_part("xl/worksheets/sheet1.xml", lambda xml: xml + tag * 40_000 + b">")
    began = time.process_time()
    assert refusal(unended) == "broken"
    # Looking for the end of each took ten seconds and more, with which nothing else could run.
    assert time.process_time() - began < 3


def test_a_cell_far_to_the_right_counts_with_all_that_are_empty_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def far(xml: bytes) -> bytes:
        row = b'<row r="3"><c r="XFD3"><v>1</v></c></row>'
        return xml.replace(b"</sheetData>", row + b"</sheetData>")

    monkeypatch.setattr(xlsx, "MOST_CELLS", 16_000)
    assert refusal(with_part("xl/worksheets/sheet1.xml", far)) == "too_many_cells"


def test_a_bomb_of_merged_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    merged = b'<mergeCells><mergeCell ref="A1:B2"/></mergeCells>' * 101
    bomb = with_part("xl/worksheets/sheet1.xml", lambda xml: _before_end(xml, merged))
    monkeypatch.setattr(xlsx, "MOST_CELLS", 100)
    assert refusal(bomb) == "too_many_cells"


def _before_end(xml: bytes, more: bytes) -> bytes:
    return xml.replace(b"</worksheet>", more + b"</worksheet>")


def test_a_sheet_that_claims_a_row_beyond_all_rows_takes_no_time() -> None:
    far = with_part(
        "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'<row r="2"', b'<row r="99999999999"')
    )
    assert refusal(far) == "no_rows"


def test_more_rows_than_are_read_are_refused_and_not_cut_off() -> None:
    rows = [["riverside", f"c{n}"] for n in range(MOST_ROWS + 1)]
    assert refusal(workbook({"Spaces": [HEAD, *rows]})) == "too_many_rows"
    lines = csv("site,code,parent", *[f"riverside,c{n}," for n in range(MOST_ROWS + 1)])
    assert refusal(lines, "spaces.csv") == "too_many_rows"


def test_a_file_cut_off_anywhere_is_refused() -> None:
    whole = workbook(GOOD)
    for size in range(4, len(whole), 97):
        assert refusal(whole[:size]) in ("broken", "no_table")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused_and_never_fails(data: st.DataObject) -> None:
    content = bytearray(GOOD_FILE)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        read_file(bytes(content), "a.xlsx")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(Unreadable):
        read_file(content, "spaces.csv")


def test_lines_and_findings_can_be_kept() -> None:
    said = read_file(workbook({"Spaces": [HEAD, ["riverside", "b1"], ["", "b2", "", "x"]]}), "a")
    assert lines_from_json(lines_to_json(said.lines)) == said.lines
    for fault in read_file(workbook({"Spaces": [["Site", "Hue", "Kind"], ["a"]]}), "a").faults:
        assert Fault.from_json(fault.as_json()) == fault


def test_every_text_of_a_finding_says_what_to_do() -> None:
    assert [code for code, text in TEXTS.items() if text.count(".") < 1] == []
