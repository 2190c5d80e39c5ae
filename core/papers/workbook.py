"""A document as a workbook (Office Open XML, ECMA-376): a sheet for each of its parts."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from core.papers.document import Bars, Cell, Document, Figures, Heat, Lines, Pictures, Table

_WIDEST = 110
_LONGEST = 32_767
_COLOURS = {"good": "#18794E", "doubtful": "#9A5B00", "bad": "#B42318"}
# A picture in its row: 0.5 of a thumbnail, in points of height.
_SCALE, _HEIGHT = 0.5, 120
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")


def workbook_of(document: Document, pictures: Mapping[str, bytes], *, now: datetime) -> bytes:
    """A workbook of a document: what it is about first, then each table and the pictures.

    pictures: JPEGs by their key. Texts are never formulas. The same document at the same moment is
    the same file, byte for byte.
    """
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        created = now.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        book.set_properties({"title": f"{document.title} {document.number}", "created": created})
        _Written(book, document, pictures).write()
    return target.getvalue()


class _Written:
    """A workbook while it is written."""

    def __init__(self, book: Workbook, document: Document, pictures: Mapping[str, bytes]) -> None:
        self._book = book
        self._document = document
        self._pictures = pictures
        wrapped = {"text_wrap": True, "valign": "top"}
        self._plain = book.add_format(wrapped)
        self._bold = book.add_format({**wrapped, "bold": True})
        self._title = book.add_format({"bold": True, "font_size": 16})
        self._head = book.add_format({**wrapped, "bold": True, "bottom": 1, "bg_color": "#EEF2F6"})
        self._share = book.add_format({"num_format": "0%", "align": "left"})
        self._tones = {
            name: book.add_format({**wrapped, "bold": True, "font_color": colour})
            for name, colour in _COLOURS.items()
        }
        self._names = set[str]()

    def write(self) -> None:
        """Every sheet."""
        self._first()
        tables = [one for one in self._document.blocks if isinstance(one, Table)]
        for title, some in _by_title(tables):
            self._table(title, some)
        for block in self._document.blocks:
            if isinstance(block, Pictures) and block.pictures:
                self._shown(block)
            elif isinstance(block, Heat) and block.strips:
                self._heat(block)

    def _sheet(self, title: str) -> Worksheet:
        plain = _FORBIDDEN.sub(" ", title)[:28].strip() or "-"
        name, number = plain, 1
        while name.casefold() in self._names:
            number += 1
            name = f"{plain} {number}"
        self._names.add(name.casefold())
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_landscape()
        return sheet

    def _first(self) -> None:
        said = self._document
        sheet = self._sheet(said.title)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 22)
        sheet.set_column(2, 2, 60)
        sheet.write_string(0, 0, said.title, self._title)
        sheet.write_string(1, 0, said.subtitle)
        row = 3
        for name, value in (*said.facts, ("SHA-256", said.digest)):
            sheet.write_string(row, 0, name, self._bold)
            sheet.write_string(row, 1, value)
            row += 1
        for block in said.blocks:
            if isinstance(block, Figures | Lines | Bars):
                row = self._part(sheet, row + 1, block)
        sheet.write_string(row + 1, 0, said.checking)

    def _part(self, sheet: Worksheet, row: int, block: Figures | Lines | Bars) -> int:
        sheet.write_string(row, 0, block.title, self._head)
        sheet.write_blank(row, 1, None, self._head)
        sheet.write_blank(row, 2, None, self._head)
        if isinstance(block, Lines):
            for number, line in enumerate(block.lines, 1):
                sheet.write_string(row + number, 0, line)
            return row + len(block.lines) + 1
        if isinstance(block, Bars):
            for number, (name, share) in enumerate(zip(block.names, block.shares, strict=True), 1):
                sheet.write_string(row + number, 0, name)
                if share is None:
                    sheet.write_string(row + number, 1, "–")
                else:
                    sheet.write_number(row + number, 1, share, self._share)
            return row + len(block.names) + 1
        for number, one in enumerate(block.figures, 1):
            sheet.write_string(row + number, 0, one.name)
            sheet.write_string(row + number, 1, one.value, self._tones.get(one.tone, self._bold))
            sheet.write_string(row + number, 2, one.note)
        return row + len(block.figures) + 1

    def _table(self, title: str, tables: Sequence[Table]) -> None:
        sheet = self._sheet(title)
        heads = any(one.head for one in tables)
        shift = 1 if heads else 0
        for column, width in enumerate(_widths(tables[0], heads=heads)):
            sheet.set_column(column, column, width)
        for column, name in enumerate(tables[0].columns):
            sheet.write_string(0, column + shift, name, self._head)
        if heads:
            sheet.write_string(0, 0, title, self._head)
        row = 1
        for one in tables:
            for cells in one.rows:
                if heads:
                    above = " · ".join(said for said in (one.head, one.note) if said)
                    sheet.write_string(row, 0, above, self._plain)
                for column, cell in enumerate(cells, shift):
                    self._cell(sheet, row, column, cell)
                row += 1
        if row == 1:
            sheet.write_string(1, 0, tables[0].empty)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)

    def _cell(self, sheet: Worksheet, row: int, column: int, cell: str | Cell) -> None:
        if isinstance(cell, Cell):
            form: Any = self._tones.get(cell.tone, self._plain)
            sheet.write_string(row, column, _fitting(cell.text), form)
        else:
            sheet.write_string(row, column, _fitting(cell), self._plain)

    def _shown(self, block: Pictures) -> None:
        sheet = self._sheet(block.title)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 90)
        for row, one in enumerate(block.pictures):
            sheet.set_row(row, _HEIGHT)
            content = self._pictures.get(one.key)
            if content is not None:
                options = {
                    "image_data": io.BytesIO(content),
                    "x_scale": _SCALE,
                    "y_scale": _SCALE,
                    "x_offset": 4,
                    "y_offset": 4,
                    "description": one.caption[0] if one.caption else "",
                }
                sheet.insert_image(row, 0, f"{one.key}.jpg", options)
            sheet.write_string(row, 1, "\n".join(one.caption), self._plain)

    def _heat(self, block: Heat) -> None:
        sheet = self._sheet(block.title)
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, len(block.hours), 4)
        sheet.write_string(0, 0, block.title, self._head)
        for column, hour in enumerate(block.hours, 1):
            sheet.write_string(0, column, hour, self._head)
        for row, strip in enumerate(block.strips, 1):
            sheet.write_string(row, 0, strip.name)
            for column, count in enumerate(strip.counts, 1):
                if count:
                    sheet.write_number(row, column, count)
        last = len(block.strips)
        scale = {"type": "2_color_scale", "min_color": "#D9EFE2", "max_color": "#18794E"}
        sheet.conditional_format(1, 1, last, len(block.hours), scale)
        sheet.write_string(last + 2, 0, block.note)
        sheet.freeze_panes(1, 1)


def _by_title(tables: Sequence[Table]) -> Iterator[tuple[str, list[Table]]]:
    """Tables that follow each other under one title, and have the same columns, are one sheet."""
    found: list[tuple[str, list[Table]]] = []
    for one in tables:
        follows = found and (not one.title or one.title == found[-1][0])
        if follows and found[-1][1][0].columns == one.columns:
            found[-1][1].append(one)
        else:
            found.append((one.title or one.head, [one]))
    yield from found


def _fitting(text: str) -> str:
    """As much as a cell takes: of a longer text nothing at all would be written."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _widths(table: Table, *, heads: bool) -> list[float]:
    whole = sum(table.widths)
    own = [max(8.0, _WIDEST * width / whole) for width in table.widths]
    return [30.0, *own] if heads else own
