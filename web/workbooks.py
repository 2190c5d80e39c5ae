"""Tables to take along as a workbook (Office Open XML, ECMA-376)."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from fastapi import Response
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from web.reader import Reader

Cell = str | int | float | datetime | None
# A title and its columns, as marked texts, and the rows.
Table = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]


def workbook(reader: Reader, tables: Iterable[Table]) -> bytes:
    """A sheet for each table; texts are never formulas, times stand as they are given."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for title, columns, rows in tables:
            sheet = book.add_worksheet(reader.translate(title))
            for column, name in enumerate(columns):
                sheet.set_column(column, column, 44 if column == 0 else 18)
                sheet.write_string(0, column, reader.translate(name), head)
            for number, row in enumerate(rows, 1):
                for column, value in enumerate(row):
                    _write(sheet, number, column, value, moment)
            sheet.freeze_panes(1, 0)
    return target.getvalue()


def _write(sheet: Worksheet, row: int, column: int, value: Cell, moment: object) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), moment)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, value)


def attached(content: bytes, kind: str, name: str) -> Response:
    """A file to keep. kind: its media type."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
