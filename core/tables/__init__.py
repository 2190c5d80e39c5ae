"""Tables that people hand in as Excel workbooks or CSV, read without trusting them."""

from pathlib import PurePath

from core.tables.table import (
    EMPTY,
    LARGEST_FILE,
    MOST_ROWS,
    Cell,
    Row,
    Table,
    column_letters,
    top_left,
)
from core.tables.text_table import read_csv
from core.tables.unreadable import UnreadableTable
from core.tables.xlsx import read_workbook

__all__ = [
    "EMPTY",
    "LARGEST_FILE",
    "MOST_ROWS",
    "Cell",
    "Row",
    "Table",
    "UnreadableTable",
    "column_letters",
    "read_tables",
    "top_left",
]


def read_tables(content: bytes, filename: str) -> list[Table]:
    """The tables of an Excel workbook, or the one of a CSV file.

    Raises UnreadableTable when it is neither, or too large.
    """
    if not content:
        raise UnreadableTable("empty_file")
    if len(content) > LARGEST_FILE:
        raise UnreadableTable("too_large", limit=str(LARGEST_FILE >> 20))
    if content[:4] == b"PK\x03\x04":
        return read_workbook(content)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise UnreadableTable("old_excel")
    return [read_csv(content, PurePath(filename).stem or "CSV")]
