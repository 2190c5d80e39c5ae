"""What guards reported, with their photos."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.paging import rows_of
from core.places import Asset
from workflows.patrol.journal.model import PHOTO, GuardFile
from workflows.patrol.reports.choices import choices
from workflows.patrol.reports.model import GuardReport, GuardReportAddition
from workflows.tickets.model import Ticket

_ROWS = (
    rows_of(
        GuardReport.id,
        GuardReport.kind,
        GuardReport.choice,
        GuardReport.person_id,
        GuardReport.checkpoint_id,
        Asset.code.label("checkpoint_code"),
        Asset.name.label("checkpoint_name"),
        GuardReport.checks,
        GuardReport.text,
        GuardReport.occurred_at,
        GuardReport.state,
        GuardReport.closed_at,
        GuardReport.closed_by,
        GuardReport.closing,
        Ticket.number.label("ticket_number"),
    )
    .outerjoin(Asset, Asset.id == GuardReport.checkpoint_id)
    .outerjoin(Ticket, Ticket.id == GuardReport.ticket_id)
)


def reports_of(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """The reports of a span, in their order."""
    statement = _ROWS.where(
        GuardReport.site_id == site_id,
        GuardReport.occurred_at >= start,
        GuardReport.occurred_at < end,
    )
    return _whole(session, statement.order_by(GuardReport.occurred_at, GuardReport.id))


def report_of(session: Session, report_id: UUID) -> dict[str, Any] | None:
    """One report."""
    found = _whole(session, _ROWS.where(GuardReport.id == report_id))
    return found[0] if found else None


def reports_of_ticket(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The reports that a ticket came of."""
    statement = _ROWS.where(GuardReport.ticket_id == ticket_id)
    return _whole(session, statement.order_by(GuardReport.occurred_at, GuardReport.id))


def _whole(session: Session, statement: Any) -> list[dict[str, Any]]:
    rows = session.execute(statement).mappings().all()
    ids = [row["id"] for row in rows]
    files, additions = _files(session, ids), _additions(session, ids)
    found = []
    for row in rows:
        choice = choices().get(row["choice"])
        name = {"en": row["choice"]} if choice is None else choice.name.model_dump()
        told = [one for one in files[row["id"]] if one["what"] == PHOTO]
        asked = {} if choice is None else choice.checks
        checks = [
            {"code": code, "name": asked[code].model_dump(), "yes": yes}
            for code, yes in row["checks"].items()
            if code in asked
        ]
        found.append(
            {
                **row,
                "name": name,
                "checks": checks,
                "photos": told,
                "voice_notes": len(files[row["id"]]) - len(told),
                "additions": additions[row["id"]],
            }
        )
    return found


def _files(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Sequence[dict[str, Any]]]:
    """Photos and voice notes that are here whole and are what was hashed when they were taken."""
    statement = (
        select(GuardFile)
        .where(GuardFile.report_id.in_(ids), GuardFile.state == "complete")
        .order_by(GuardFile.taken_at, GuardFile.id)
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for row in session.scalars(statement):
        assert row.report_id is not None
        found[row.report_id].append(
            {
                "id": row.id,
                "what": row.what,
                "sha256": row.sha256,
                "taken_at": row.taken_at,
                "copy": row.copy,
            }
        )
    return found


def _additions(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Sequence[dict[str, Any]]]:
    statement = (
        select(GuardReportAddition)
        .where(GuardReportAddition.report_id.in_(ids))
        .order_by(GuardReportAddition.occurred_at, GuardReportAddition.id)
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for row in session.scalars(statement):
        found[row.report_id].append(
            {"id": row.id, "text": row.text, "at": row.occurred_at, "annexed": row.annexed}
        )
    return found
