"""Reading Excel workbooks that somebody hands in, who may be careless or mean harm."""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook

from core.tables.table import (
    EMPTY,
    LARGEST_INSIDE,
    MOST_CELLS,
    MOST_ROWS,
    Cell,
    Row,
    Table,
    trimmed,
)
from core.tables.unreadable import UnreadableTable

# What openpyxl and zipfile raise for files that are none, or damaged, or made to hurt.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
_CELL = re.compile(rb"<(?:\w+:)?c[ >/]")
# No "<" within a tag: without that each of many tags that never end is looked for to the end.
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^<>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?c ([^<>]*)>\s*<(?:\w+:)?f[ >/]")
_PLACE = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')
_ZEROS = re.compile(r"0{2,}")
# A double keeps 15 digits for sure; Excel shows the others as zeros.
_EXACT = 10**15


def read_workbook(content: bytes) -> list[Table]:
    """The sheets of an .xlsx file that hold anything. UnreadableTable when it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = _parts(archive)
        return list(_tables(content, parts))
    except _BROKEN as error:
        if isinstance(error, UnreadableTable):
            raise
        raise UnreadableTable("broken") from error


class _Part:
    """What a sheet's XML says that openpyxl does not tell while it streams."""

    def __init__(self, xml: bytes) -> None:
        self.merged = [found.decode() for found in _MERGED.findall(xml)]
        self.formulas = frozenset(_formulas(xml))


def _formulas(xml: bytes) -> Iterator[str]:
    """The places of formulas, but those that say that their result is a text: it may be empty."""
    for attributes in _FORMULA.findall(xml):
        place = _PLACE.search(attributes)
        if place is not None and b't="str"' not in attributes:
            yield place[1].decode()


def _parts(archive: zipfile.ZipFile) -> dict[str, _Part]:
    """Look through every part before anything makes objects of it."""
    files = archive.infolist()
    if not any(file.filename == "[Content_Types].xml" for file in files):
        raise UnreadableTable("no_table")
    # What a part claims to have is all that zipfile gives of it, so claiming less does not help.
    if sum(file.file_size for file in files) > LARGEST_INSIDE:
        raise UnreadableTable("too_large_inside", limit=str(LARGEST_INSIDE >> 20))
    parts, cells = {}, 0
    for file in files:
        if not file.filename.endswith((".xml", ".rels")):
            continue
        xml = archive.read(file)
        # No workbook has a document type; whoever writes one wants entities. Nor is any UTF-16.
        if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UnreadableTable("broken")
        if "worksheets/" in file.filename:
            cells += _counted(_CELL.finditer(xml)) + _counted(_MERGED.finditer(xml))
            _require_few(cells)
            parts[file.filename] = _Part(xml)
    return parts


def _counted(found: Iterable[object]) -> int:
    """How many there are, as far as that matters."""
    return sum(1 for _ in islice(found, MOST_CELLS + 1))


def _require_few(cells: int) -> None:
    if cells > MOST_CELLS:
        raise UnreadableTable("too_many_cells", limit=str(MOST_CELLS))


def _tables(content: bytes, parts: dict[str, _Part]) -> Iterator[Table]:
    with warnings.catch_warnings():
        # It warns of what it does not keep, which is not asked of it here.
        warnings.simplefilter("ignore")
        book: Any = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        total = cells = 0
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            part = parts.get(sheet._worksheet_path)
            formulas = part.formulas if part else frozenset[str]()
            rows = []
            for number, read in _filled(sheet):
                # A cell far to the right makes a row of thousands, of which the file holds one.
                cells += len(read)
                _require_few(cells)
                row = Row(number, tuple(_cell(cell, formulas) for cell in read))
                if not any(cell.text or cell.fault for cell in row.cells):
                    continue
                total += 1
                if total > MOST_ROWS:
                    raise UnreadableTable("too_many_rows", limit=str(MOST_ROWS))
                rows.append(row)
            if rows:
                yield Table(str(sheet.title), rows, part.merged if part else ())
    finally:
        book.close()


def _filled(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows that hold cells, with their numbers."""
    # What a sheet says of its own size is wrong often enough, and would cut it short.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(max_row=1_048_576), 1):
        if cells:
            yield number, cells


def _cell(cell: Any, formulas: frozenset[str]) -> Cell:
    value = cell.value
    if value is None:
        # The filler between cells has no coordinate.
        place = getattr(cell, "coordinate", "") if formulas else ""
        return Cell(fault="formula") if place in formulas and place else EMPTY
    if isinstance(value, str):
        text = trimmed(value)
        if cell.data_type == "e":
            return Cell(text, fault="error_value", values={"text": text})
        return Cell(text)
    if isinstance(value, bool):
        return Cell("TRUE" if value else "FALSE")
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    if isinstance(value, datetime | date | time | timedelta):
        text = _moment(value)
        return Cell(text, fault="date", values={"text": text})
    return Cell(trimmed(str(value)))


def _moment(value: datetime | date | time | timedelta) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)


def _number(value: float, number_format: str) -> Cell:
    """A number as it was typed: 13800000000.0 was a phone number, and 7 shown as 007 is 007."""
    if value != value or abs(value) >= _EXACT:
        return Cell(f"{value:g}", fault="digits")
    if value == int(value):
        text = str(int(value))
        if value >= 0 and _ZEROS.fullmatch(number_format):
            return Cell(text.zfill(len(number_format)))
        return Cell(text, number=True)
    return Cell(f"{value:.15g}", number=True)
