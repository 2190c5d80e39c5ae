"""Labels on paper: what a printer gets, read again as a phone and a person read it."""

import io
from datetime import UTC, datetime

import pypdfium2
import pytest
import typst
import zxingcpp
from openpyxl import load_workbook

from core.errors import Unavailable
from core.papers import FONT, ON_A_SHEET, PaperLabel, label_sheets, typesetting, workbook_of
from core.papers.document import Document, Table

NOW = datetime(2026, 11, 29, 4, 0, 1, 250, tzinfo=UTC)
CALL = {"en": "Patrol checkpoint", "zh": "巡更点"}
LONG = (
    "A #name that [is] *very* $long$, of a checkpoint behind the sprinkler valve room on the second"
)


def label(number: int, **more: str) -> PaperLabel:
    address = f"https://watch.example/t?q=code{number:04}abcdefgh"
    name = {"en": f"Gate {number}", "zh": f"{number}号门", **more}
    return PaperLabel(name, [{"en": "Court", "zh": "滨江苑"}], f"cp-{number}", address, address)


def sheets(labels: list[PaperLabel], language: str = "zh") -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(label_sheets(labels, CALL, language=language, now=NOW))


def text_of(page: pypdfium2.PdfPage) -> str:
    return " ".join(str(page.get_textpage().get_text_bounded()).split())


def test_every_code_of_every_sheet_is_read_from_the_paper() -> None:
    labels = [label(number) for number in range(ON_A_SHEET + 2)]
    paper = sheets(labels)
    assert [page.get_size() for page in paper] == [pytest.approx((595.28, 841.89), abs=0.1)] * 2
    read = []
    for page in paper:
        # 200 dots an inch, less than any printer.
        found = zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil())
        read.append([code.text for code in found])
    assert (len(read[0]), len(read[1])) == (ON_A_SHEET, 2)
    assert sorted(read[0] + read[1]) == sorted(each.address for each in labels)


def test_labels_stand_where_the_stationer_cuts_them() -> None:
    (page,) = sheets([label(number) for number in range(ON_A_SHEET)])
    found = zxingcpp.read_barcodes(page.render(scale=1).to_pil())
    millimetres = 25.4 / 72
    lefts = sorted({round(code.position.top_left.x * millimetres) for code in found})
    tops = sorted({round(code.position.top_left.y * millimetres) for code in found})
    # 66.04 mm from one to the next across, 38.1 mm down.
    assert (max(lefts) - min(lefts)) == pytest.approx(132, abs=2)
    assert (max(tops) - min(tops)) == pytest.approx(6 * 38.1, abs=2)


def test_what_people_wrote_is_text_in_both_languages_and_never_markup() -> None:
    (page,) = sheets([label(7, en=LONG, zh="地下二层喷淋阀门室后面名字非常长的巡更点")])
    said = text_of(page)
    assert "#name that [is] *very* $long$" in said
    assert "地下二层喷淋阀门室" in said.replace(" ", "")
    for part in ("cp-7", "巡更点", "Patrol checkpoint", "滨江苑", "watch.example/t?"):
        assert part in said
    assert "https" not in said
    (other,) = sheets([label(7, zh="")], language="en")
    assert "Court" in text_of(other)
    assert "滨江苑" not in text_of(other)


def test_every_character_has_a_glyph_of_the_font() -> None:
    made = label_sheets([label(1)], CALL, language="zh", now=NOW)
    assert b"NotoSansCJK" in made


def test_without_the_font_there_is_no_paper_but_a_clear_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = typst.Fonts

    def bare(**_options: object) -> typst.Fonts:
        return whole(include_system_fonts=False)

    with monkeypatch.context() as patched:
        typesetting._fonts.cache_clear()
        patched.setattr(typst, "Fonts", bare)
        with pytest.raises(Unavailable, match=FONT) as refused:
            label_sheets([label(1)], CALL, language="zh", now=NOW)
        assert "fonts-noto-cjk" in refused.value.advice
    # Installed meanwhile, it is found without a restart.
    assert label_sheets([label(1)], CALL, language="zh", now=NOW).startswith(b"%PDF")


def test_of_a_text_longer_than_a_cell_a_workbook_holds_the_beginning() -> None:
    table = Table("Reports", ["What"], (1,), [["门没有锁" * 9_000]])
    document = Document("Day", "", "N-1", "0" * 64, [], [table], "", "zh", "{n}")
    book = load_workbook(io.BytesIO(workbook_of(document, {}, now=NOW)))
    said = str(book["Reports"]["A2"].value)
    assert (len(said), said[:4], said[-1]) == (32_767, "门没有锁", "…")
