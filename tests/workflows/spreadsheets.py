"""Spreadsheets as people hand them in, and a desk to hand them in at."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from openpyxl import Workbook
from sqlalchemy import select

from core.db import Database
from core.people import Caller, Person, caller_for
from tests.fixtures import NOON
from workflows.intake import (
    Intake,
    Kept,
    Preview,
    Upload,
    apply_import,
    hand_in,
    make_plan,
    read_file,
    undo_import,
)
from workflows.intake.faults import Fault
from workflows.intake.plan import Plan
from workflows.intake.reading import find_import

Rows = Sequence[Any]


def workbook(sheets: Mapping[str, Rows]) -> bytes:
    """An .xlsx file with these sheets, cell by cell; a text that begins with = is a text."""
    book = open_workbook(sheets)
    for cell in [cell for sheet in book for row in sheet.iter_rows() for cell in row]:
        if cell.data_type == "f":
            cell.data_type = "s"
    return saved(book)


def open_workbook(sheets: Mapping[str, Rows]) -> Workbook:
    book = Workbook()
    book.remove(book["Sheet"])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return book


def saved(book: Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def found(faults: Sequence[Fault]) -> list[tuple[str, str]]:
    """Where, and what is wrong."""
    return [(fault.place, fault.code) for fault in faults]


@dataclass
class Desk:
    """Somebody who hands in files."""

    database: Database
    person_id: UUID
    now: datetime = NOON

    @property
    def caller(self) -> Caller:
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, self.person_id))

    def plan(self, content: bytes, filename: str = "file.xlsx") -> Plan:
        """What a file would do, without keeping it."""
        said = read_file(content, filename)
        with self.database.read() as session:
            return make_plan(session, self.caller, said)

    def hand_in(self, content: bytes, filename: str = "file.xlsx") -> UUID:
        """Keep a file to be applied."""
        said = read_file(content, filename)
        with self.database.read() as session:
            plan = make_plan(session, self.caller, said)
        upload = Upload(filename, content)
        with self.database.write() as session:
            preview = Preview(said, plan)
            return hand_in(session, self.caller, upload, preview, now=self.now).id

    def apply(self, import_id: UUID, *, version: int | None = None) -> Plan:
        with self.database.write() as session:
            row = find_import(session, self.caller, import_id, to_change=True)
            return apply_import(session, self.caller, row, now=self.now, expected_version=version)

    def bring_in(self, sheets: Mapping[str, Rows]) -> UUID:
        """Hand in and apply."""
        import_id = self.hand_in(workbook(sheets))
        self.apply(import_id)
        return import_id

    def undo(self, import_id: UUID, spoken: Sequence[int] = ()) -> list[Kept]:
        with self.database.write() as session:
            row = find_import(session, self.caller, import_id, to_change=True)
            return undo_import(
                session, self.caller, row, spoken=spoken, now=self.now, expected_version=None
            )

    def row(self, import_id: UUID) -> Intake:
        with self.database.read() as session:
            return session.get_one(Intake, import_id)

    def all(self, model: Any) -> dict[str, Any]:
        """Every row of a model by its code."""
        with self.database.read() as session:
            return {row.code: row for row in session.scalars(select(model))}


def reasons(kept: Sequence[Kept]) -> list[tuple[str, str, str]]:
    """What stayed and why."""
    return sorted((one.kind, one.reason, one.table) for one in kept)
