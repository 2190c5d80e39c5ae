"""Templates to fill in: an Excel workbook with every sheet, or one sheet as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from rules.catalog import Text
from workflows.intake.choices import CHOICES
from workflows.intake.sheets import HOW, SHEETS, SKIP, Column, Sheet

ENCODINGS = ("utf-8-sig", "gb18030")
# So many rows can be chosen for; a sheet may have more.
_PREPARED = 5_000
_NOTES, _EXAMPLE, _FIRST = 1, 2, 3
_NOTE = Text("Note", "说明")
_LISTS = Text("Lists", "选项")
_ABOUT: Sequence[Text] = (
    Text(
        "Fill in the sheets that you need; leave the others empty or delete them.",
        "只填需要的工作表，其余可留空或删除。",
    ),
    Text(
        "Each row is found by its code (people by their login): it is added if there is none, and "
        "changed if there is. Nothing is ever deleted.",
        "按编码（人员按登录名）匹配：没有则新增，已有则修改，不会删除任何内容。",
    ),
    Text(
        "An empty cell leaves what stands; a - empties it where the notes say so.",
        "单元格留空表示不修改；说明允许时，填 - 表示清空。",
    ),
    Text(
        "Rows with anything in the first column, such as the notes and the example, are not read.",
        "第一列有内容的行（如说明和示例）不会导入。",
    ),
    Text(
        "Keep the cells as Text: otherwise Excel makes dates and rounded numbers of codes and "
        "phone numbers.",
        "请保持单元格为“文本”格式，否则 Excel 会把编码和手机号变成日期或科学计数。",
    ),
    Text(
        "Hand it in under Import: first you see what would change, then you decide.",
        "在“导入”页面上传：先预览改动，确认后才生效。",
    ),
)
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Offer:
    """What the cells of a template may be chosen from, and what stands, to be changed.

    lists: words by group of choices. rows: by sheet, in the order of its columns.
    """

    sheets: Sequence[str] = tuple(SHEETS)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)


def words_of(group: str, language: str) -> list[str]:
    """The words of a group of choices."""
    return [text.get(language) for text in CHOICES[group].values()]


def make_workbook(language: str, offer: Offer) -> bytes:
    """An Excel workbook to fill in, in one language; it is understood in both."""
    target = io.BytesIO()
    # Whatever somebody called a pump, it stays a text and never becomes a formula.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        writer = _Writer(book, language, offer)
        for code in offer.sheets:
            writer.sheet(SHEETS[code])
        writer.instructions()
        writer.lists()
    return target.getvalue()


class _Writer:
    def __init__(self, book: Any, language: str, offer: Offer) -> None:
        self._book = book
        self._language = language
        self._offer = offer
        self._places: dict[str, tuple[int, int]] = {}
        text = {"num_format": "@", "valign": "top"}
        self._text = book.add_format(text)
        self._head = book.add_format({**text, "bold": True, "bottom": 1, "bg_color": "#DCE9EE"})
        self._must = book.add_format({**text, "bold": True, "bottom": 1, "bg_color": "#BFD9E3"})
        grey = {**text, "font_color": "#5B6770", "bg_color": "#F4F6F8", "text_wrap": True}
        self._grey = book.add_format(grey)
        self._list_of_groups()

    def _word(self, text: Text) -> str:
        return text.get(self._language)

    def _list_of_groups(self) -> None:
        for number, group in enumerate((*CHOICES, *self._offer.lists)):
            self._places[group] = (number, len(self._words(group)))

    def _words(self, group: str) -> Sequence[str]:
        if group in self._offer.lists:
            return self._offer.lists[group]
        return words_of(group, self._language)

    def sheet(self, sheet: Sheet) -> None:
        """One sheet: headings, notes, an example, and what stands."""
        page = self._book.add_worksheet(self._word(sheet.title))
        for index, column in enumerate(sheet.columns):
            page.set_column(index, index, column.width, self._text)
            head = self._must if column.required else self._head
            page.write_string(0, index, self._word(column.title), head)
            note, example = self._word(column.note), self._word(column.example)
            if column is SKIP:
                note = self._word(_NOTE)
            page.write_string(_NOTES, index, note, self._grey)
            page.write_string(_EXAMPLE, index, example, self._grey)
            self._validate(page, index, column)
        page.set_row(_NOTES, 64)
        for number, row in enumerate(self._offer.rows.get(sheet.code, ()), _FIRST):
            for index, value in enumerate(row):
                if value:
                    page.write_string(number, index, value, self._text)
        page.freeze_panes(1, 0)

    def _validate(self, page: Any, index: int, column: Column) -> None:
        number, count = self._places.get(column.choices, (0, 0))
        if not count:
            return
        letters = xl_col_to_name(number)
        # Only helps to write: whoever writes something else is told by the preview.
        rule = {
            "validate": "list",
            "source": f"='{self._word(_LISTS)}'!${letters}$1:${letters}${count}",
            "error_type": "information" if column.open else "warning",
            "ignore_blank": True,
        }
        page.data_validation(_FIRST, index, _FIRST + _PREPARED, index, rule)

    def instructions(self) -> None:
        """The sheet that says how."""
        page = self._book.add_worksheet(self._word(HOW))
        page.set_column(0, 0, 90, self._grey)
        for number, text in enumerate(_ABOUT):
            page.write_string(number, 0, self._word(text), self._grey)

    def lists(self) -> None:
        """The hidden sheet that the choices come from."""
        page = self._book.add_worksheet(self._word(_LISTS))
        for group, (column, _count) in self._places.items():
            for number, word in enumerate(self._words(group)):
                page.write_string(number, column, word, self._text)
        page.hide()


def make_csv(sheet: Sheet, language: str, encoding: str, rows: Rows = ()) -> bytes:
    """One sheet as CSV, to fill in; encoding: one of ENCODINGS."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    columns = sheet.columns
    writer.writerow([column.title.get(language) for column in columns])
    notes = [column.note.get(language) for column in columns]
    writer.writerow([_NOTE.get(language), *notes[1:]])
    writer.writerow([_harmless(column.example.get(language)) for column in columns])
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    return target.getvalue().encode(encoding, "replace")


def _harmless(value: str) -> str:
    """A text that no spreadsheet takes for a formula; reading takes the mark off again."""
    number = value.lstrip("-").replace(".", "", 1).isdecimal()
    return (
        f"'{value}" if value[:1] in "=+-@\t\r" and value not in ("", "-") and not number else value
    )
