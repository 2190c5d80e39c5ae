"""Reading CSV as Excel and others write it: UTF-8, GBK or UTF-16, with comma, semicolon or tab."""

import csv
import io
import re

from core.tables.table import EMPTY, MOST_CELLS, MOST_ROWS, Cell, Row, Table, trimmed
from core.tables.unreadable import UnreadableTable

_SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d{1,3}")
_WHOLE = re.compile(r"(\d{5,15})\.0+")
# 3-2 becomes one of these, by the language of the spreadsheet.
_DATE = re.compile(
    r"\d{4}[/-]\d{1,2}[/-]\d{1,2}(?: \d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}月\d{1,2}日"
    r"|\d{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|\d{4}年\d{1,2}月(?:\d{1,2}日)?"
)
_ERROR = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)")
_LOOKED_AT = 10
# A template that holds data marks what a spreadsheet would take for a formula.
_MARKED = re.compile(r"'(?=[=+\-@\t\r])")


def read_csv(content: bytes, name: str) -> Table:
    """The one table of a CSV file. UnreadableTable when it is none."""
    text = _decode(content)
    if "\0" in text:
        raise UnreadableTable("no_table")
    rows, cells = [], 0
    try:
        # Excel numbers what it opens by records, and so do we.
        records = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        for number, record in enumerate(records, 1):
            row = tuple(_cell(field) for field in record)
            cells += len(row)
            if any(cell.text for cell in row):
                rows.append(Row(number, row))
            if len(rows) > MOST_ROWS:
                raise UnreadableTable("too_many_rows", limit=str(MOST_ROWS))
            if cells > MOST_CELLS:
                raise UnreadableTable("too_many_cells", limit=str(MOST_CELLS))
    except csv.Error as error:
        raise UnreadableTable("no_table") from error
    return Table(name, rows)


def _decode(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in content:
        raise UnreadableTable("no_table")
    else:
        # GBK without its later characters is GB 18030, which every text of it can be read as.
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableTable("encoding")


def _delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:_LOOKED_AT])
    return max(",;\t", key=head.count)


def _cell(field: str) -> Cell:
    text = _MARKED.sub("", trimmed(field))
    if not text:
        return EMPTY
    if _SHORTENED.fullmatch(text):
        return Cell(text, fault="shortened", values={"text": text})
    if _DATE.fullmatch(text):
        return Cell(text, fault="date", values={"text": text})
    if _ERROR.fullmatch(text):
        return Cell(text, fault="error_value", values={"text": text})
    if whole := _WHOLE.fullmatch(text):
        return Cell(whole[1], number=True)
    return Cell(text, number=text.isascii() and text.isdecimal())
