"""Reading frozen reports: the days of a site, one report with its annexes, its files, checking."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Node
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE
from workflows.patrol.frozen.audience import readers_at
from workflows.patrol.frozen.day import day_at, gather_day
from workflows.patrol.frozen.editions import edition_of
from workflows.patrol.frozen.model import (
    DAILY,
    FORMS,
    FrozenReport,
    ReportClient,
    ReportEdition,
    ReportFileDigest,
    ReportReader,
)
from workflows.tickets.model import Ticket
from workflows.tickets.scope import LEADS
from workflows.tickets.sos import SILENT_CATEGORY

Columns = TypeVarTuple("Columns")
KEY = (datetime, UUID)
KINDS = ("daily", "incident")
DIGEST = re.compile(r"[0-9a-f]{64}")
_ANNEX = aliased(FrozenReport)
_ROWS = rows_of(
    FrozenReport.id,
    FrozenReport.site_id,
    FrozenReport.kind,
    FrozenReport.number,
    FrozenReport.day,
    FrozenReport.subject_kind,
    FrozenReport.subject_id,
    FrozenReport.closed_at,
    FrozenReport.closed_by,
    Person.name.label("closed_by_name"),
).outerjoin(Person, Person.id == FrozenReport.closed_by)


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports are wanted; None does not restrict. number: a part of it. days: both included.

    state: closed (without an annex) or annexed.
    """

    site_id: UUID | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None
    number: str | None = None
    state: str | None = None


def list_frozen(
    session: Session, caller: Caller, wanted: ReportFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Reports that the caller may read, the last closed first. Key: closed_at, id.

    Each with how many `annexes` it has. Invalid for an unknown kind or state.
    """
    statement = _readable(_ROWS, caller).where(FrozenReport.annex == 0)
    if wanted.site_id is not None:
        statement = statement.where(FrozenReport.site_id == wanted.site_id)
    if wanted.kind is not None:
        statement = statement.where(FrozenReport.kind == _one_of("kind", wanted.kind, KINDS))
    if wanted.first is not None:
        statement = statement.where(FrozenReport.day >= wanted.first)
    if wanted.last is not None:
        statement = statement.where(FrozenReport.day <= wanted.last)
    if wanted.number:
        part = wanted.number.strip().upper()
        statement = statement.where(FrozenReport.number.contains(part, autoescape=True))
    if wanted.state is not None:
        has = select(_ANNEX.id).where(_ANNEX.of_id == FrozenReport.id).exists()
        annexed = _one_of("state", wanted.state, ("closed", "annexed")) == "annexed"
        statement = statement.where(has if annexed else ~has)
    page = newest_first(session, statement, (FrozenReport.closed_at, FrozenReport.id), wish)
    return Page(_with_annexes(session, page.items), page.next)


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise Invalid(
            worded("there is no such list"),
            problems=[worded("%(name)s: one of %(known)s", name=name, known=", ".join(known))],
        )
    return value


def _with_annexes(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    statement = select(FrozenReport.of_id).where(FrozenReport.of_id.in_([r["id"] for r in rows]))
    counts = defaultdict[UUID | None, int](int)
    for of_id in session.scalars(statement):
        counts[of_id] += 1
    return [
        {**row, "annexes": counts[row["id"]], "state": "annexed" if counts[row["id"]] else "closed"}
        for row in rows
    ]


def days_of(
    session: Session, caller: Caller, site: Node, last: date, count: int
) -> list[dict[str, Any]]:
    """Days of a site up to one, the last first, each `open`, `closed` or `annexed`."""
    caller.require(PEOPLE, site.id)
    first = last - timedelta(days=count - 1)
    statement = _ROWS.where(
        FrozenReport.site_id == site.id,
        FrozenReport.kind == DAILY,
        FrozenReport.annex == 0,
        FrozenReport.day.between(first, last),
    )
    closed = _with_annexes(session, session.execute(statement).mappings().all())  # type: ignore[arg-type]
    by_day = {row["day"]: row for row in closed}
    return [
        by_day.get(day) or {"day": day, "state": "open", "id": None, "annexes": 0}
        for day in (last - timedelta(days=number) for number in range(count))
    ]


def describe_frozen(session: Session, caller: Caller, report_id: UUID) -> dict[str, Any]:
    """One report with its `editions` and its `annexes`, each of these with theirs.

    An edition tells for whom it is, its digest, its content, and name, size and SHA-256 of each
    file. NotFound when the caller may not read it. The id of an annex leads to its report.
    """
    row = find_frozen(session, caller, report_id)
    if row.of_id is not None:
        row = session.get_one(FrozenReport, row.of_id)
    statement = _ROWS.where(or_(FrozenReport.id == row.id, FrozenReport.of_id == row.id))
    rows = session.execute(statement.order_by(FrozenReport.annex)).mappings().all()
    editions = _editions(session, [one["id"] for one in rows])
    told = [
        {**one, "annex": number, "editions": editions[one["id"]]} for number, one in enumerate(rows)
    ]
    annexes = told[1:]
    state = "annexed" if annexes else "closed"
    return {**told[0], "state": state, "annexes": annexes, "readers": _readers(session, row.id)}


def find_frozen(session: Session, caller: Caller, report_id: UUID) -> FrozenReport:
    """A report or an annex that the caller may read. NotFound otherwise."""
    statement = select(FrozenReport).where(FrozenReport.id == report_id)
    row = session.scalars(_readable(statement, caller)).first()
    if row is None:
        raise NotFound(
            worded("there is no such report"), advice=worded("Look for it in the list of reports.")
        )
    return row


def _readable(statement: Select[*Columns], caller: Caller) -> Select[*Columns]:
    """Restrict a query to reports of the caller's sites; of silent calls to who leads there."""
    silent = (
        select(Ticket.id)
        .where(Ticket.id == FrozenReport.subject_id, Ticket.category == SILENT_CATEGORY)
        .exists()
    )
    leads = FrozenReport.site_id.in_(caller.sites_for(LEADS))
    return scoped(statement, FrozenReport.site_id, caller, PEOPLE).where(or_(~silent, leads))


def _editions(session: Session, reports: Sequence[UUID]) -> Mapping[UUID, Sequence[dict[str, Any]]]:
    statement = (
        select(ReportEdition, ReportClient.name)
        .outerjoin(ReportClient, ReportClient.id == ReportEdition.client_id)
        .where(ReportEdition.report_id.in_(reports))
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for row, name in session.execute(statement):
        found[row.report_id].append(
            {
                "id": row.id,
                "client_id": row.client_id,
                "client_name": name,
                "digest": row.digest,
                "content": row.content,
                "files": [{"name": key, **row.files[key]} for key in sorted(row.files)],
            }
        )
    for some in found.values():
        some.sort(key=lambda one: (one["client_id"] is not None, one["client_name"] or ""))
    return found


def _readers(session: Session, report_id: UUID) -> list[dict[str, Any]]:
    statement = (
        select(ReportReader.person_id, Person.name, ReportReader.read_at)
        .join(Person, Person.id == ReportReader.person_id)
        .where(ReportReader.report_id == report_id)
        .order_by(ReportReader.read_at, ReportReader.person_id)
    )
    return [
        {"person_id": person_id, "name": name, "read_at": at}
        for person_id, name, at in session.execute(statement)
    ]


def note_read(session: Session, caller: Caller, report_id: UUID, *, now: datetime) -> None:
    """Keep that the caller has read a report, so that they are told of an annex; once is enough."""
    row = find_frozen(session, caller, report_id)
    of = row.of_id or row.id
    if session.get(ReportReader, (of, caller.person_id)) is not None:
        return
    reader = ReportReader(
        report_id=of, person_id=caller.person_id, site_id=row.site_id, read_at=now
    )
    try:
        with session.begin_nested():
            session.add(reader)
            session.flush()
    except IntegrityError:
        # On another device at this moment.
        return


def note_read_edition(session: Session, caller: Caller, edition_id: UUID, *, now: datetime) -> None:
    """As `note_read`, by one of its editions."""
    note_read(session, caller, session.get_one(ReportEdition, edition_id).report_id, now=now)


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A file of an edition. key: under which the store of files has it."""

    key: str
    media_type: str
    name: str


def find_file(
    session: Session, caller: Caller, edition_id: UUID, form: str, language: str
) -> FrozenFile:
    """A file of an edition that the caller may read. NotFound otherwise."""
    edition = session.get(ReportEdition, edition_id)
    if edition is None:
        raise NotFound(
            worded("there is no such report"), advice=worded("Look for it in the list of reports.")
        )
    row = find_frozen(session, caller, edition.report_id)
    return file_of(row, edition, form, language)


def file_of(row: FrozenReport, edition: ReportEdition, form: str, language: str) -> FrozenFile:
    """A file of an edition, for who may read that. NotFound for a form or language without one."""
    file = edition.files.get(f"{form}-{language}")
    if file is None:
        raise NotFound(worded("there is no such file"), advice=worded("pdf or xlsx, in en or zh."))
    name = f"{row.number}-{language}.{form}"
    return FrozenFile(file["sha256"], FORMS[form], name)


def preview_day(
    session: Session, caller: Caller, site: Node, day: date, *, now: datetime
) -> dict[str, Any]:
    """What a report of a day would say if it were closed now, as the house would read it."""
    caller.require(PEOPLE, site.id)
    asked = day_at(site, day)
    if asked.start > now:
        raise Invalid(
            worded("this day has not begun"), problems=[worded("day: one that has begun")]
        )
    return edition_of(gather_day(session, asked, now=now), readers_at(session, site.id)[0])


@dataclass(frozen=True, slots=True)
class Genuine:
    """What a digest stands for. what: content, or the name of the file. annexes: how many follow.

    latest: the number of the last annex of its report.
    """

    number: str
    kind: str
    day: date | None
    closed_at: datetime
    annex: int
    what: str
    annexes: int
    latest: str | None


def check_digest(session: Session, digest: str) -> Genuine | None:
    """Which report a digest is of: of its content, or of one of its files; None: of none of ours.

    Whoever knows a digest has the report. Invalid for what is no SHA-256 in hex.
    """
    wanted = "".join(digest.split()).lower()
    if not DIGEST.fullmatch(wanted):
        problems = [worded("digest: 64 letters and digits, 0 to 9 and a to f")]
        raise Invalid(worded("this is no SHA-256"), problems=problems)
    edition = session.scalars(select(ReportEdition).where(ReportEdition.digest == wanted)).first()
    what = "content"
    if edition is None:
        file = session.scalars(
            select(ReportFileDigest).where(ReportFileDigest.sha256 == wanted)
        ).first()
        if file is None:
            return None
        edition, what = session.get_one(ReportEdition, file.edition_id), file.name
    row = session.get_one(FrozenReport, edition.report_id)
    after = select(FrozenReport.number).where(FrozenReport.of_id == (row.of_id or row.id))
    numbers = list(session.scalars(after.order_by(FrozenReport.annex)))
    return Genuine(
        number=row.number,
        kind=row.kind,
        day=row.day,
        closed_at=row.closed_at,
        annex=row.annex,
        what=what,
        annexes=len(numbers),
        latest=numbers[-1] if numbers else None,
    )
