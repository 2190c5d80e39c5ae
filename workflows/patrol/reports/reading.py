"""Reading guards' reports, and closing one."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from core import events
from core.errors import Invalid, NotFound
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, READ, WRITE
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.journal.orphans import find_orphaned_file
from workflows.patrol.reports.choices import choices
from workflows.patrol.reports.model import REPORT, GuardReport, GuardReportAddition
from workflows.tickets.model import Ticket

KEY = (datetime, UUID)
STATES = REPORT.statuses
LONGEST_CLOSING = 1_000
_Closer = aliased(Person)
_ROWS = (
    rows_of(
        GuardReport.id,
        GuardReport.site_id,
        GuardReport.kind,
        GuardReport.choice,
        GuardReport.person_id,
        Person.name.label("person_name"),
        GuardReport.phone_id,
        GuardReport.seq,
        GuardReport.checkpoint_id,
        Asset.code.label("checkpoint_code"),
        Asset.name.label("checkpoint_name"),
        GuardReport.round_id,
        GuardReport.checks,
        GuardReport.text,
        GuardReport.occurred_at,
        GuardReport.received_at,
        GuardReport.state,
        GuardReport.version,
        GuardReport.ticket_id,
        Ticket.number.label("ticket_number"),
        GuardReport.closed_at,
        GuardReport.closed_by,
        _Closer.name.label("closed_by_name"),
        GuardReport.closing,
    )
    .join(Person, Person.id == GuardReport.person_id)
    .outerjoin(_Closer, _Closer.id == GuardReport.closed_by)
    .outerjoin(Asset, Asset.id == GuardReport.checkpoint_id)
    .outerjoin(Ticket, Ticket.id == GuardReport.ticket_id)
)


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports are wanted; None does not restrict. kind, state: one each."""

    site_id: UUID | None = None
    person_id: UUID | None = None
    kind: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_reports(
    session: Session, caller: Caller, wanted: ReportFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Reports of the caller's own, and all where they see who scans; the last first, by its time.

    Each with `files`. Key: occurred_at, id. Invalid for an unknown state.
    """
    if wanted.state is not None and wanted.state not in STATES:
        raise Invalid(
            worded("there is no such state"),
            problems=[worded("state: one of %(known)s", known=", ".join(STATES))],
        )
    statement = _seen(_ROWS, caller)
    for column, value in (
        (GuardReport.site_id, wanted.site_id),
        (GuardReport.person_id, wanted.person_id),
        (GuardReport.kind, wanted.kind),
        (GuardReport.state, wanted.state),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(GuardReport.occurred_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(GuardReport.occurred_at < wanted.until)
    page = newest_first(session, statement, (GuardReport.occurred_at, GuardReport.id), wish, _shown)
    files = _files(session, [row["id"] for row in page.items])
    return Page([{**row, "files": files[row["id"]]} for row in page.items], page.next)


def _seen(statement: Any, caller: Caller) -> Any:
    statement = scoped(statement, GuardReport.site_id, caller, READ)
    everybody = GuardReport.site_id.in_(caller.sites_for(PEOPLE))
    return statement.where(or_(GuardReport.person_id == caller.person_id, everybody))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    choice = choices().get(row["choice"])
    name = {"en": row["choice"]} if choice is None else choice.name.model_dump()
    return {**row, "name": name}


def _files(session: Session, ids: Collection[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    statement = (
        rows_of(
            GuardFile.report_id,
            GuardFile.id,
            GuardFile.what,
            GuardFile.state,
            GuardFile.sha256,
            GuardFile.size.label("bytes"),
            GuardFile.received,
            GuardFile.media_type,
            GuardFile.width,
            GuardFile.height,
            GuardFile.seconds,
            GuardFile.taken_at,
            GuardFile.completed_at,
            GuardFile.addition_id,
            GuardFile.annexed,
        )
        .where(GuardFile.report_id.in_(ids))
        .order_by(GuardFile.taken_at, GuardFile.id)
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for row in session.execute(statement).mappings():
        found[row["report_id"]].append({k: v for k, v in row.items() if k != "report_id"})
    return found


def describe_report(session: Session, caller: Caller, report_id: UUID) -> dict[str, Any]:
    """One report with its `files`, and its `additions` in the order in which they were made.

    NotFound when the caller may not read it.
    """
    statement = _seen(_ROWS.where(GuardReport.id == report_id), caller)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _unknown()
    additions = (
        rows_of(
            GuardReportAddition.id,
            GuardReportAddition.text,
            GuardReportAddition.occurred_at,
            GuardReportAddition.received_at,
            GuardReportAddition.annexed,
        )
        .where(GuardReportAddition.report_id == report_id)
        .order_by(GuardReportAddition.occurred_at, GuardReportAddition.id)
    )
    return {
        **_shown(dict(row)),
        "files": _files(session, [report_id])[report_id],
        "additions": [dict(one) for one in session.execute(additions).mappings()],
    }


def close_report(
    session: Session,
    caller: Caller,
    report_id: UUID,
    word: str,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> GuardReport:
    """Close a report with a word. What comes for it afterwards is annexed.

    NotFound when the caller may not read it, Invalid for a word that is too long, Conflict for one
    that is closed.
    """
    statement = _seen(select(GuardReport).where(GuardReport.id == report_id), caller)
    row: GuardReport | None = session.scalars(statement.with_for_update()).first()
    if row is None:
        raise _unknown()
    caller.require(WRITE, row.site_id)
    closing = " ".join(word.split())
    if len(closing) > LONGEST_CLOSING:
        problems = [worded("closing: at most %(most)s characters", most=LONGEST_CLOSING)]
        raise Invalid(worded("nothing was changed"), problems=problems)
    move(
        session,
        row,
        REPORT,
        "close",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"closed_at": now, "closed_by": caller.person_id, "closing": closing},
        expected_version=expected_version,
    )
    return row


def find_guard_file(session: Session, caller: Caller, file_id: UUID) -> GuardFile:
    """A whole file of a report that the caller may read, of a log, or of what a phone kept under an
    earlier key, where they see who scans. NotFound otherwise."""
    whole = select(GuardFile).where(GuardFile.id == file_id, GuardFile.state == "complete")
    reported = whole.join(GuardReport, GuardReport.id == GuardFile.report_id)
    # What one shift leaves to the next is for all who see the post.
    logged = scoped(whole.where(GuardFile.log_id.is_not(None)), GuardFile.site_id, caller, READ)
    row: GuardFile | None = session.scalars(_seen(reported, caller)).first()
    row = row or session.scalars(logged).first()
    row = row or find_orphaned_file(session, caller, file_id)
    if row is None:
        raise NotFound(worded("there is no such file"), advice=worded("Look for it on its report."))
    return row


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such report"), advice=worded("Look for it in the list of reports.")
    )
