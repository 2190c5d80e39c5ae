"""What the tests of frozen reports share: a day at a guarded site, and reading what was made."""

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pypdfium2
from openpyxl import load_workbook
from sqlalchemy import select

from core.db import Database
from core.files import FileStore
from core.ids import new_id
from tests import pictures
from tests.fixtures import NOON, SmallSite
from tests.workflows.manned import Guarded, put_post
from tests.workflows.walked import MINUTE, TEN, Walk, make_walk
from workflows.patrol.frozen.closing import Desk, close_day
from workflows.patrol.frozen.model import FrozenReport, ReportEdition
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.model import GuardReport

TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
# 02:00 in Shanghai on the day after.
NIGHT = TEN + 4 * timedelta(hours=1)


@dataclass
class Reported:
    """A guarded site, its store of files, and what is closed there."""

    guarded: Guarded
    files: FileStore

    @property
    def walk(self) -> Walk:
        return self.guarded.walk

    @property
    def database(self) -> Database:
        return self.guarded.database

    @property
    def desk(self) -> Desk:
        return Desk(self.database, self.files, "https://wk.example")

    def close(self, now: datetime = NIGHT, day: date = TODAY) -> UUID:
        """The supervisor closes a day."""
        caller = self.walk.caller(self.walk.supervisor)
        return close_day(self.desk, caller, self.walk.site.id, day, now=now)

    def phone(self) -> UUID:
        """A phone of the site, as guards' reports name theirs."""
        with self.database.write() as session:
            found = session.scalars(select(Phone.id)).first()
            if found is None:
                found = new_id()
                session.add(phone_row(found, self.walk))
        return found

    def report(
        self,
        at: datetime,
        text: str = "",
        *,
        photos: int = 0,
        place: str | None = "gate",
        choice: str = "leak",
        colour: str = "teal",
    ) -> UUID:
        """The guard reported something, and its photos are here."""
        phone, report = self.phone(), new_id()
        stored = self.files.put(pictures.photo(1280, 960, colour=colour)) if photos else ""
        with self.database.write() as session:
            session.add(
                GuardReport(
                    id=report,
                    site_id=self.walk.site.id,
                    phone_id=phone,
                    seq=1,
                    person_id=self.walk.guard,
                    kind="repair",
                    choice=choice,
                    checkpoint_id=self.walk.points[place] if place else None,
                    checks={"valve": True},
                    text=text,
                    occurred_at=at,
                    received_at=at,
                )
            )
            session.flush()
            for number in range(photos):
                session.add(
                    GuardFile(
                        id=new_id(),
                        site_id=self.walk.site.id,
                        phone_id=phone,
                        seq=number + 2,
                        person_id=self.walk.guard,
                        what="photo",
                        sha256=f"{number:064x}",
                        size=1,
                        state="complete",
                        taken_at=at + number * timedelta(seconds=5),
                        told_at=at,
                        original=stored,
                        copy=stored,
                        report_id=report,
                    )
                )
        return report

    def rows(self) -> list[FrozenReport]:
        """Every report and annex, by when it was made."""
        with self.database.read() as session:
            return list(session.scalars(select(FrozenReport).order_by(FrozenReport.closed_at)))

    def editions(self, report_id: UUID) -> dict[UUID | None, ReportEdition]:
        """The editions of a report by their client."""
        with self.database.read() as session:
            statement = select(ReportEdition).where(ReportEdition.report_id == report_id)
            return {row.client_id: row for row in session.scalars(statement)}

    def bytes_of(self, report_id: UUID) -> dict[tuple[UUID | None, str], bytes]:
        """Every file of a report."""
        return {
            (client, name): self.files.get(file["sha256"])
            for client, edition in self.editions(report_id).items()
            for name, file in edition.files.items()
        }

    def pdf(self, report_id: UUID, language: str = "en", client: UUID | None = None) -> str:
        """What the PDF says."""
        return text_of(self.bytes_of(report_id)[client, f"pdf-{language}"])

    def sheets(
        self, report_id: UUID, language: str = "en", client: UUID | None = None
    ) -> dict[str, list[list[Any]]]:
        """What the workbook says, by sheet."""
        return sheets_of(self.bytes_of(report_id)[client, f"xlsx-{language}"])


def phone_row(phone_id: UUID, walk: Walk) -> Phone:
    """A phone that nobody signs in on here."""
    return Phone(
        id=phone_id,
        site_id=walk.site.id,
        kind="post",
        label="Gate phone",
        key={"x": "", "y": ""},
        browser="",
        app="",
        enrolled_at=NOON,
        head_hash="",
        heard_at=NOON,
    )


def text_of(pdf: bytes) -> str:
    """The text of a PDF, its lines joined."""
    paper = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in paper)


def sheets_of(content: bytes) -> dict[str, list[list[Any]]]:
    """The cells of a workbook by sheet."""
    book = load_workbook(io.BytesIO(content))
    return {
        sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book
    }


def make_reported(database: Database, site: SmallSite, files: FileStore) -> Reported:
    """A site with a post, and a round at ten in the evening."""
    walk = make_walk(database, site)
    guarded = Guarded(walk, put_post(walk, "north"))
    guarded.members(walk.guard, walk.supervisor)
    walk.on_duty(walk.guard)
    walk.route()
    walk.plan(settle_min=60)
    return Reported(guarded, files)


def go(walk: Walk, *codes: str, start: datetime = TEN) -> None:
    """The guard goes to points, five minutes apart."""
    for number, code in enumerate(codes):
        walk.scan(code, start + 5 * number * MINUTE)
