"""Spreadsheets that go out with an import: what to correct, and links for new people."""

import io
from collections.abc import Iterable, Sequence

from xlsxwriter import Workbook

from web.languages import mark
from web.reader import Reader

FAULTS = (
    mark("To be corrected"),
    ((mark("Sheet"), 20), (mark("Cell"), 10), (mark("What to do"), 90)),
)
LINKS = (
    mark("Sign-in links"),
    ((mark("Name"), 24), (mark("Login"), 20), (mark("Link, works once within 7 days"), 90)),
)


def as_xlsx(
    reader: Reader,
    about: tuple[str, Sequence[tuple[str, int]]],
    rows: Iterable[Sequence[str]],
) -> bytes:
    """One sheet of texts; none of them ever becomes a formula or a link."""
    title, columns = about
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(target, options) as book:
        sheet = book.add_worksheet(reader.translate(title))
        head = book.add_format({"bold": True, "bottom": 1})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for column, (name, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, reader.translate(name), head)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value, text)
        sheet.freeze_panes(1, 0)
    return target.getvalue()
