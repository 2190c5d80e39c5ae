"""Recording reports: what a guard's phone tells becomes a report, an addition, perhaps a ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.places import Asset
from rules.wording import worded
from workflows.patrol.journal.model import GuardFile, JournalEntry
from workflows.patrol.model import ASSET_TYPE
from workflows.patrol.reports.choices import OPENING, Choice, choices
from workflows.patrol.reports.evidence import attach_to_ticket
from workflows.patrol.reports.joining import join_ticket
from workflows.patrol.reports.model import GuardReport, GuardReportAddition
from workflows.patrol.rounds.model import Round
from workflows.tickets.opening import Draft
from workflows.tickets.reporting import report as open_reported

LONGEST_TEXT = 4_000
MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What a phone tells of a report. files: ids of photos and voice notes that it told of before.

    choice: a code of choices.yaml. checks: what was ticked, by code. task_id: the task for which
    somebody was sent and reports what they found.
    """

    id: UUID
    site_id: UUID
    phone_id: UUID
    seq: int
    person_id: UUID
    occurred_at: datetime
    choice: str = ""
    checkpoint_id: UUID | None = None
    round_id: UUID | None = None
    checks: Mapping[str, bool] = field(default_factory=dict)
    files: Sequence[UUID] = ()
    text: str = ""
    task_id: UUID | None = None


def record_report(session: Session, told: Told, *, now: datetime) -> tuple[GuardReport, list[str]]:
    """Keep a report, open its ticket where its choice says so; returns it with what is odd.

    That of somebody who was sent joins the ticket that they were sent for. A checkpoint, round or
    file that is not there is left out and marked: what was seen is never lost for it. Invalid for
    an unknown choice, and for a text that is too long.
    """
    choice = choices().get(told.choice)
    problems = [] if choice else [worded("choice: none of GET /guard/plan")]
    if len(told.text) > LONGEST_TEXT:
        problems.append(worded("text: at most %(most)s characters", most=LONGEST_TEXT))
    if choice is None or problems:
        raise Invalid(worded("the report was not taken"), problems=problems)
    if session.get(GuardReport, told.id) is not None:
        raise Conflict(
            worded("this id stands for another report"), advice=worded("Make a new id for each.")
        )
    marks: list[str] = []
    told = _on_site(session, told, marks)
    row = GuardReport(
        id=told.id,
        site_id=told.site_id,
        phone_id=told.phone_id,
        seq=told.seq,
        person_id=told.person_id,
        kind=choice.kind,
        choice=told.choice,
        checkpoint_id=told.checkpoint_id,
        round_id=told.round_id,
        checks={code: bool(told.checks.get(code)) for code in choice.checks if code in told.checks},
        text=told.text.replace("\0", "").strip(),
        occurred_at=told.occurred_at,
        received_at=now,
        state="open",
        version=1,
    )
    session.add(row)
    session.flush()
    _tell(session, "guard_report.record", row, told, now, {"kind": row.kind, "choice": row.choice})
    _join_files(session, row, told, marks)
    if told.task_id is not None:
        row.ticket_id = join_ticket(session, row, told.task_id, _description(row, choice), now)
        if row.ticket_id is None:
            marks.append("no_task")
    if row.ticket_id is not None:
        session.flush()
        attach_to_ticket(session, row, now=now)
    elif choice.kind in OPENING and choice.ticket is not None:
        row.ticket_id = _open_ticket(session, row, choice, marks, now)
        session.flush()
        attach_to_ticket(session, row, now=now)
    return row, marks


def _on_site(session: Session, told: Told, marks: list[str]) -> Told:
    """The same without a checkpoint or round that is none of the site."""
    if told.checkpoint_id is not None:
        asset = session.get(Asset, told.checkpoint_id)
        if asset is None or asset.site_id != told.site_id or asset.type != ASSET_TYPE:
            marks.append("no_checkpoint")
            told = replace(told, checkpoint_id=None)
    if told.round_id is not None:
        going = session.get(Round, told.round_id)
        if going is None or going.site_id != told.site_id:
            marks.append("no_round")
            told = replace(told, round_id=None)
    return told


def _join_files(
    session: Session,
    row: GuardReport,
    told: Told,
    marks: list[str],
    addition: GuardReportAddition | None = None,
) -> None:
    """Let files belong to a report: those that its writer took with this phone, and of no other."""
    orphaned = (
        select(GuardFile.id)
        .join(
            JournalEntry,
            (JournalEntry.phone_id == GuardFile.phone_id) & (JournalEntry.seq == GuardFile.seq),
        )
        .where(GuardFile.phone_id == told.phone_id, JournalEntry.kind == "orphaned")
    )
    statement = select(GuardFile).where(
        GuardFile.id.in_(told.files[:MOST_FILES]),
        GuardFile.phone_id == told.phone_id,
        or_(GuardFile.person_id.is_(None), GuardFile.person_id == row.person_id),
        GuardFile.report_id.is_(None),
        GuardFile.log_id.is_(None),
        # What was kept under an earlier key counts for nothing by itself.
        GuardFile.id.not_in(orphaned),
    )
    found = session.scalars(statement).all()
    for file in found:
        file.report_id = row.id
        file.addition_id = addition.id if addition else None
        file.annexed = bool(addition and addition.annexed)
    if len(found) < len(set(told.files)):
        marks.append("no_file")
    session.flush()


def _open_ticket(
    session: Session, row: GuardReport, choice: Choice, marks: list[str], now: datetime
) -> UUID | None:
    assert choice.ticket is not None
    checkpoint = session.get(Asset, row.checkpoint_id) if row.checkpoint_id else None
    draft = Draft(
        site_id=row.site_id,
        kind=choice.kind,
        priority=choice.ticket.priority,
        title=choice.name.model_dump(),
        team=choice.ticket.team,
        category=choice.ticket.category,
        description=_description(row, choice),
        space_id=checkpoint.space_id if checkpoint else None,
        # The phone's clock may be ahead of ours, and nobody reports what is to come.
        happened_at=min(row.occurred_at, now),
        learned_at=now,
        reporter_id=row.person_id,
    )
    actor = events.Actor.person(row.person_id)
    try:
        return open_reported(session, draft, actor=actor).id
    except Invalid:
        # The category was retired here; a ticket without one is better than none.
        marks.append("no_category")
        return open_reported(session, replace(draft, category=""), actor=actor).id


def _description(row: GuardReport, choice: Choice) -> str:
    ticked = [
        f"{choice.checks[code].en} / {choice.checks[code].zh} {'✓' if yes else '✗'}"
        for code, yes in row.checks.items()
    ]
    return "\n".join([*([row.text] if row.text else []), *ticked])


def record_more(
    session: Session, told: Told, report_id: UUID, *, now: datetime
) -> tuple[GuardReportAddition, list[str]]:
    """Add something to one's own report; to one that was closed it is annexed, and changes nothing.

    NotFound for a report that is not there, NotAllowed for somebody else's.
    """
    row = session.get(GuardReport, report_id, with_for_update=True)
    if row is None or row.site_id != told.site_id:
        raise NotFound(
            worded("there is no such report"), advice=worded("Look at what was handed in.")
        )
    if row.person_id != told.person_id:
        raise NotAllowed(
            worded("this is somebody else's report"), advice=worded("Write one of your own.")
        )
    if len(told.text) > LONGEST_TEXT:
        problems = [worded("text: at most %(most)s characters", most=LONGEST_TEXT)]
        raise Invalid(worded("nothing was added"), problems=problems)
    if session.get(GuardReportAddition, told.id) is not None:
        raise Conflict(
            worded("this id stands for something else"), advice=worded("Make a new id for each.")
        )
    addition = GuardReportAddition(
        id=told.id,
        site_id=row.site_id,
        report_id=row.id,
        person_id=told.person_id,
        text=told.text.replace("\0", "").strip(),
        occurred_at=told.occurred_at,
        received_at=now,
        annexed=row.state == "closed",
    )
    session.add(addition)
    session.flush()
    marks: list[str] = []
    _join_files(session, row, told, marks, addition)
    _tell(session, "guard_report.add", row, told, now, {"annexed": addition.annexed})
    attach_to_ticket(session, row, now=now)
    return addition, marks


def _tell(
    session: Session,
    kind: str,
    row: GuardReport,
    told: Told,
    now: datetime,
    after: dict[str, Any],
) -> None:
    events.append(
        session,
        kind,
        ("guard_report", row.id),
        actor=events.Actor.person(told.person_id),
        learned_at=now,
        happened_at=told.occurred_at,
        site_id=row.site_id,
        after={**after, "phone": str(told.phone_id), "seq": told.seq},
    )
