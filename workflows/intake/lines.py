"""From tables to lines: which sheet it is, which column is which, and every cell that is wrong."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from core.tables import (
    EMPTY,
    Cell,
    Row,
    Table,
    UnreadableTable,
    column_letters,
    read_tables,
    top_left,
)
from workflows.intake.faults import Fault, Unreadable, Value, listed
from workflows.intake.sheets import DAYS, HOW, SHEETS, SKIP, Column, Sheet

# A title and some remarks may stand above the headings.
_HEADINGS_WITHIN = 10
_LONGEST = 200
Told = Callable[[str, int, int], None]
_MONTH = re.compile(r"(20\d\d)\s*[-/.年]\s*(\d{1,2})(?!\d)\s*月?")


class Entry(NamedTuple):
    """What one cell of a line says. column: its place in the file, from 0."""

    text: str
    column: int
    number: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One row that is to be read: what is filled in, by the code of the column.

    columns: where each column of the sheet stands, also the empty ones.
    """

    sheet: Sheet
    title: str
    row: int
    entries: Mapping[str, Entry]
    columns: Mapping[str, int]

    def text(self, column: str) -> str:
        """What a cell says; "" when it is empty."""
        entry = self.entries.get(column)
        return entry.text if entry else ""

    def cell(self, column: str) -> str:
        """Where a column of this line stands, like B7; "" when the file has no such column."""
        index = self.columns.get(column)
        return "" if index is None else f"{column_letters(index)}{self.row}"

    def fault(self, column: str, code: str, **values: Value) -> Fault:
        """A finding in one of the cells."""
        place = self.columns.get(column, 0)
        cell = self.cell(column) or f"{column_letters(place)}{self.row}"
        return Fault(code, values, self.title, cell, self.row, place)


@dataclass(slots=True)
class Lines:
    """Everything that a file says. unread: names of sheets that are none of ours."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def lines_to_json(lines: Sequence[Line]) -> list[Any]:
    """Lines for keeping; `lines_from_json` makes them again."""
    tables: dict[str, tuple[str, Mapping[str, int], list[Any]]] = {}
    for line in lines:
        table = tables.setdefault(line.title, (line.sheet.code, line.columns, []))
        table[2].append([line.row, {code: list(entry) for code, entry in line.entries.items()}])
    return [[title, *table] for title, table in tables.items()]


def lines_from_json(kept: Sequence[Any]) -> list[Line]:
    """Lines that were kept."""
    return [
        Line(SHEETS[code], title, row, {key: Entry(*one) for key, one in said.items()}, columns)
        for title, code, columns, rows in kept
        for row, said in rows
    ]


def read_file(content: bytes, filename: str, told: Told = lambda *_: None) -> Lines:
    """Read an Excel workbook or a CSV file. Unreadable when it is neither, or too large."""
    told("reading", 0, 0)
    try:
        tables = read_tables(content, filename)
    except UnreadableTable as error:
        raise Unreadable(error.code, **error.values) from error
    return _recognise(tables, told)


def _recognise(tables: Sequence[Table], told: Told) -> Lines:
    found = Lines()
    total = sum(len(table.rows) for table in tables)
    done = known = 0
    for table in tables:
        told("reading", done, total)
        sheet = _sheet_of(table, alone=len(tables) == 1)
        if sheet is not None:
            known += 1
            _read_table(sheet, table, found)
        elif plain(table.name) not in _OURS:
            found.unread.append(table.name)
        done += len(table.rows)
    if not known:
        raise Unreadable("no_sheet", known=listed(sheet.title for sheet in SHEETS.values()))
    if not found.lines and not found.faults:
        raise Unreadable("no_rows")
    return found


def plain(text: str) -> str:
    """A heading without what people decorate it with."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


_OURS = {plain(HOW.en), plain(HOW.zh)}


def _sheet_of(table: Table, *, alone: bool) -> Sheet | None:
    # A roster is often called by its month.
    name = plain(_MONTH.sub("", table.name)) or plain(table.name)
    for sheet in SHEETS.values():
        if name in (plain(sheet.code), plain(sheet.title.en), plain(sheet.title.zh)):
            return sheet
    if not alone:
        return None
    # One table alone may be called anything: its headings tell what it is.
    scores = {code: _score(sheet, table.rows) for code, sheet in SHEETS.items()}
    best = max(scores.values())
    fitting = [SHEETS[code] for code, score in scores.items() if score == best]
    if best < 2:
        return None
    # Logins and names alone are people: a roster has days besides, a crew its team.
    fitting = [sheet for sheet in fitting if _is_whole(sheet, table.rows)] or fitting
    if len(fitting) == 1:
        return fitting[0]
    named = [s for s in fitting if any(plain(word) in name for word in (s.title.en, s.title.zh))]
    if len(named) != 1:
        raise Unreadable("which_sheet", known=listed(sheet.title for sheet in fitting))
    return named[0]


@cache
def _headings(code: str) -> dict[str, Column]:
    """The columns of a sheet by every heading that they may have."""
    found: dict[str, Column] = {}
    for column in SHEETS[code].columns:
        names = (column.title.zh, column.title.en, column.code, *column.also)
        for name in names:
            found.setdefault(plain(name), column)
    return found


def _is_whole(sheet: Sheet, rows: Sequence[Row]) -> bool:
    """Whether some row has every heading that the sheet can't do without: of a month, a day."""
    known = _headings(sheet.code)
    codes = {column.code for column in sheet.columns}
    needed = {column.code for column in sheet.columns if column.required}
    for row in rows[:_HEADINGS_WITHIN]:
        texts = (plain(cell.text) for cell in row.cells)
        found = {known[text].code for text in texts if text in known}
        if needed <= found and (codes.isdisjoint(DAYS) or not found.isdisjoint(DAYS)):
            return True
    return False


def _score(sheet: Sheet, rows: Sequence[Row]) -> int:
    known = _headings(sheet.code)
    return max(
        (sum(plain(cell.text) in known for cell in row.cells) for row in rows[:_HEADINGS_WITHIN]),
        default=0,
    )


def _read_table(sheet: Sheet, table: Table, found: Lines) -> None:
    head = _head_row(sheet, table.rows)
    if head is None:
        found.faults.append(Fault("no_headings", {}, table.name))
        return
    columns, faults = _columns(sheet, table, head)
    found.faults += faults
    rows = [row for row in table.rows if row.number > head.number]
    found.faults += _merged(table, head.number, columns)
    required = [column for column in sheet.columns if column.required]
    missing = [column for column in required if column.code not in columns]
    if missing:
        found.faults += [
            Fault("missing_column", {"title": column.title}, table.name, f"A{head.number}")
            for column in missing
        ]
        return
    found.faults += _without_heading(table.name, rows, head, columns)
    above = _said_above(sheet, table, head)
    for row in rows:
        if not _is_decoration(sheet, row):
            _read_row(sheet, table.name, row, columns, found, above)


def _said_above(sheet: Sheet, table: Table, head: Row) -> Mapping[str, Entry]:
    """The month that the title above the headings says, or else the name of the sheet."""
    titles = [cell.text for row in table.rows if row.number < head.number for cell in row.cells]
    for text in (*titles, table.name) if sheet.above else ():
        if match := _MONTH.search(text):
            return {sheet.above: Entry("-".join(match.groups()), 0)}
    return {}


def _is_decoration(sheet: Sheet, row: Row) -> bool:
    """Whether a row only tells the days of the week."""
    words = {plain(cell.text) for cell in row.cells if cell.text}
    return bool(words) and words <= sheet.decoration


def _head_row(sheet: Sheet, rows: Sequence[Row]) -> Row | None:
    known = _headings(sheet.code)

    def hits(row: Row) -> int:
        return sum(plain(cell.text) in known for cell in row.cells if cell.text)

    best = max(rows[:_HEADINGS_WITHIN], key=hits, default=None)
    return best if best is not None and hits(best) >= 1 else None


def _columns(sheet: Sheet, table: Table, head: Row) -> tuple[dict[str, int], list[Fault]]:
    known = _headings(sheet.code)
    columns: dict[str, int] = {}
    faults = []
    for index, cell in enumerate(head.cells):
        if not cell.text:
            continue
        place = (table.name, f"{column_letters(index)}{head.number}", head.number, index)
        column = known.get(plain(cell.text))
        if column is None and plain(cell.text) in map(plain, sheet.passed_over):
            continue
        if column is None:
            titles = listed((each.title for each in sheet.columns), most=20)
            faults.append(Fault("unknown_heading", {"text": cell.text, "known": titles}, *place))
        elif column.code in columns:
            faults.append(Fault("twice_heading", {"text": cell.text}, *place))
        else:
            columns[column.code] = index
    return columns, faults


def _merged(table: Table, head: int, columns: Mapping[str, int]) -> Iterator[Fault]:
    read = set(columns.values())
    for cells in table.merged:
        first_row, first_column, last_row = top_left(cells)
        if last_row > head and (not read or first_column <= max(read)):
            place = cells.partition(":")[0]
            yield Fault("merged", {"range": cells}, table.name, place, first_row, first_column)


def _without_heading(
    name: str, rows: Sequence[Row], head: Row, columns: Mapping[str, int]
) -> Iterator[Fault]:
    headed = {index for index, cell in enumerate(head.cells) if cell.text}
    told = set[int]()
    for row in rows:
        if _skipped(row, columns):
            continue
        for index, cell in enumerate(row.cells):
            if cell.text and index not in headed and index not in told:
                told.add(index)
                place = f"{column_letters(index)}{row.number}"
                yield Fault("no_heading", {}, name, place, row.number, index)


def _skipped(row: Row, columns: Mapping[str, int]) -> bool:
    index = columns.get(SKIP.code)
    return index is not None and index < len(row.cells) and bool(row.cells[index].text)


def _read_row(
    sheet: Sheet,
    name: str,
    row: Row,
    columns: Mapping[str, int],
    found: Lines,
    above: Mapping[str, Entry],
) -> None:
    if _skipped(row, columns):
        return
    entries = {}
    faults = []
    for code, index in columns.items():
        cell = row.cells[index] if index < len(row.cells) else EMPTY
        # What looks like a date is one where a date is wanted.
        is_day = cell.fault == "date" and sheet.column(code).day
        fault = None if is_day else _fault_of(cell)
        if fault is not None:
            place = f"{column_letters(index)}{row.number}"
            faults.append(Fault(fault[0], fault[1], name, place, row.number, index))
        elif cell.text:
            entries[code] = Entry(cell.text, index, cell.number)
    if not entries and not faults:
        return
    line = Line(sheet, name, row.number, {**above, **entries}, columns)
    for column in sheet.columns:
        wrong = any(fault.column == columns.get(column.code) for fault in faults)
        if column.required and column.code not in entries and not wrong:
            faults.append(line.fault(column.code, "missing", title=column.title))
    found.lines.append(line)
    found.faults += faults


def _fault_of(cell: Cell) -> tuple[str, Mapping[str, str]] | None:
    if cell.fault:
        return cell.fault, cell.values
    if len(cell.text) > _LONGEST:
        return "too_long", {"limit": str(_LONGEST), "size": str(len(cell.text))}
    if any(unicodedata.category(sign) == "Cc" for sign in cell.text):
        return "control", {}
    return None
