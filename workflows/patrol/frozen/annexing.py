"""What comes after a report was closed: an annex beside it, and whoever read it is told."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import Conflict
from core.events import Event
from core.ids import new_id
from core.people import Caller
from core.places import Node
from rules.wording import worded
from workflows.patrol.checkpoints import WRITE
from workflows.patrol.frozen.audience import readers_at
from workflows.patrol.frozen.closing import OVERLAP, Desk, Head, head_of, keep, with_head
from workflows.patrol.frozen.comparing import Change, changes, key_of
from workflows.patrol.frozen.day import day_at, gather_day
from workflows.patrol.frozen.editions import Reader, edition_of
from workflows.patrol.frozen.happened import TICKET, gather_report, gather_ticket
from workflows.patrol.frozen.making import Made, Pictures, make_edition
from workflows.patrol.frozen.model import DAILY, FrozenReport, ReportEdition, ReportReader
from workflows.patrol.frozen.reading import find_frozen
from workflows.patrol.honesty.model import PatrolMark
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds.model import Round
from workflows.tickets.model import Ticket
from workflows.tickets.sos import Sos

# So long after its closing a report is looked after; what comes later still is annexed by hand.
# Less than what is deleted after a month would take: what is gone is no news.
LOOKED_AFTER = timedelta(days=28)
# What is of a day although facts about it happen later: by kind, when it was.
_OF_DAYS: Mapping[str, tuple[Any, Select[UUID, datetime]]] = {
    "round": (Round.id, select(Round.id, Round.planned_at)),
    "patrol_mark": (
        PatrolMark.id,
        select(PatrolMark.id, Round.planned_at).join(Round, Round.id == PatrolMark.round_id),
    ),
    "guard_report": (GuardReport.id, select(GuardReport.id, GuardReport.occurred_at)),
    "guard_file": (
        GuardFile.id,
        select(GuardFile.id, GuardReport.occurred_at).join(
            GuardReport, GuardReport.id == GuardFile.report_id
        ),
    ),
    "sos": (Sos.id, select(Sos.id, Sos.opened_at)),
}
_AT_ONCE = 1_000
# Of reports for which nothing came so much of the log is looked at again each time.
_QUIET = timedelta(hours=1)


def annex(desk: Desk, caller: Caller | None, report_id: UUID, *, now: datetime) -> UUID | None:
    """Tell in an annex what came since a report was closed; None where nothing did.

    Whoever has read the report is named in the fact, and so is told. caller: None: time itself.
    Raises NotFound, NotAllowed, Conflict when somebody else makes one at this moment.
    """
    with desk.database.read() as session:
        row = _found(session, caller, report_id)
        before = _last_editions(session, row.id)
        number = 1 + max(0, *_numbers(session, row.id))
        closer = None if caller is None else caller.person_id
        head = head_of(f"{row.number}-A{number}", closer, now, annex=number, of=row.number)
        gathered = _gathered(session, row, now)
        content = with_head(session, gathered, head, closer, now)
        readers = [one for one in readers_at(session, row.site_id) if one.client_id in before]
        house = _house_beside(session, before)
    made = _made(desk, content, readers, before, house, now)
    if not any(one.client_id is None for one in made):
        with desk.transaction() as session:
            session.get_one(FrozenReport, row.id).looked_at = now - OVERLAP
        return None
    more = FrozenReport(
        id=new_id(),
        site_id=row.site_id,
        kind=row.kind,
        number=head.number,
        day=row.day,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        of_id=row.id,
        annex=number,
        closed_at=now,
        closed_by=closer,
        looked_at=now,
    )
    return _kept(desk, row.id, more, made, head, now)


def annex_by_hand(desk: Desk, caller: Caller, report_id: UUID, *, now: datetime) -> UUID:
    """As `annex`. Conflict where nothing has changed."""
    made = annex(desk, caller, report_id, now=now)
    if made is None:
        raise Conflict(
            worded("nothing was learned since this report was closed"),
            advice=worded("It says all that is known. Look again when more has come."),
        )
    return made


def _kept(
    desk: Desk,
    report_id: UUID,
    more: FrozenReport,
    made: Sequence[Made],
    head: Head,
    now: datetime,
) -> UUID:
    try:
        with desk.transaction() as session:
            session.get_one(FrozenReport, report_id).looked_at = now - OVERLAP
            told = [one for one in _readers_of(session, report_id) if one != more.closed_by]
            facts = {
                "of": str(report_id),
                "people": [str(one) for one in told],
                "about": {"en": head.number, "zh": head.number},
            }
            return keep(session, more, made, now=now, facts=facts)
    except IntegrityError:
        raise Conflict(
            worded("somebody else makes an annex at this moment"),
            advice=worded("Read that one first."),
        ) from None


def _found(session: Session, caller: Caller | None, report_id: UUID) -> FrozenReport:
    if caller is None:
        return session.get_one(FrozenReport, report_id)
    row = find_frozen(session, caller, report_id)
    caller.require(WRITE, row.site_id)
    return session.get_one(FrozenReport, row.of_id) if row.of_id else row


def _gathered(session: Session, row: FrozenReport, now: datetime) -> dict[str, Any]:
    if row.kind == DAILY:
        assert row.day is not None
        return gather_day(session, day_at(session.get_one(Node, row.site_id), row.day), now=now)
    assert row.subject_id is not None
    if row.subject_kind == TICKET:
        return gather_ticket(session, session.get_one(Ticket, row.subject_id))
    return gather_report(session, row.subject_id, row.site_id)


def _numbers(session: Session, report_id: UUID) -> list[int]:
    statement = select(FrozenReport.annex).where(FrozenReport.of_id == report_id)
    return [0, *session.scalars(statement)]


def _last_editions(session: Session, report_id: UUID) -> dict[UUID | None, ReportEdition]:
    """Of a report and its annexes, by reader, the edition that was made last."""
    statement = (
        select(ReportEdition)
        .join(FrozenReport, FrozenReport.id == ReportEdition.report_id)
        .where(or_(FrozenReport.id == report_id, FrozenReport.of_id == report_id))
        .order_by(FrozenReport.annex)
    )
    return {row.client_id: row for row in session.scalars(statement)}


def _made(
    desk: Desk,
    content: Mapping[str, Any],
    readers: Sequence[Reader],
    before: Mapping[UUID | None, ReportEdition],
    house: Mapping[UUID, Mapping[str, Any]],
    now: datetime,
) -> list[Made]:
    """An edition for each reader for whom something has changed.

    house: by report what its house was told. What is otherwise for a client alone, because it is
    told differently now (how people are named, photos or not), is no change of what is known.
    """
    pictures = Pictures(desk.files)
    whole_told = edition_of(content, readers[0])
    made = []
    for reader in readers:
        told = edition_of(content, reader)
        last = before[reader.client_id]
        known = {_about(one) for one in changes(house[last.report_id], whole_told)}
        found = [one for one in changes(last.content, told) if _about(one) in known]
        if found:
            whole = {**told, "changes": [asdict(one) for one in found]}
            made.append(
                make_edition(
                    whole,
                    reader.client_id,
                    files=desk.files,
                    pictures=pictures,
                    base=desk.base,
                    now=now,
                )
            )
    return made


def _about(change: Change) -> tuple[str, str, Any, Any]:
    """What a change is about, the same for every reader."""
    row = change.after or change.before or {}
    outer = None if change.within is None else key_of(change.within)
    return change.what, change.how, key_of(row), outer


def _house_beside(
    session: Session, editions: Mapping[UUID | None, ReportEdition]
) -> Mapping[UUID, Mapping[str, Any]]:
    """By report the content of the house's edition beside these."""
    statement = select(ReportEdition).where(
        ReportEdition.report_id.in_({one.report_id for one in editions.values()}),
        ReportEdition.client_id.is_(None),
    )
    return {row.report_id: row.content for row in session.scalars(statement)}


def _readers_of(session: Session, report_id: UUID) -> list[UUID]:
    statement = select(ReportReader.person_id).where(ReportReader.report_id == report_id)
    return list(session.scalars(statement.order_by(ReportReader.read_at, ReportReader.person_id)))


def reports_to_look_at(session: Session, *, now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Daily reports for which something may have come since they were looked at, and the others.

    That is when the log has learned of something that happened on their day, or of a round, a mark,
    a report or a call for help that is theirs. Gathering a day costs more than this by far.
    """
    statement = select(FrozenReport).where(
        FrozenReport.kind == DAILY,
        FrozenReport.annex == 0,
        FrozenReport.closed_at > now - LOOKED_AFTER,
    )
    rows = session.scalars(statement.order_by(FrozenReport.day, FrozenReport.id)).all()
    by_site = defaultdict[UUID, list[FrozenReport]](list)
    for row in rows:
        by_site[row.site_id].append(row)
    due = {one for site_id, some in by_site.items() for one in _due(session, site_id, some)}
    ids = [row.id for row in rows]
    return [one for one in ids if one in due], [one for one in ids if one not in due]


def _due(session: Session, site_id: UUID, rows: Sequence[FrozenReport]) -> Iterator[UUID]:
    site = session.get_one(Node, site_id)
    later = _learned_later(session, site_id, min(row.looked_at for row in rows))
    for row in rows:
        assert row.day is not None
        asked = day_at(site, row.day)
        fact = select(Event.seq).where(
            Event.site_id == site_id,
            Event.learned_at > row.looked_at,
            Event.happened_at >= asked.start,
            Event.happened_at < asked.end,
        )
        is_theirs = any(
            asked.start <= at < asked.end and learned > row.looked_at for at, learned in later
        )
        if is_theirs or session.scalar(fact.limit(1)) is not None:
            yield row.id


def _learned_later(
    session: Session, site_id: UUID, since: datetime
) -> list[tuple[datetime, datetime]]:
    """Of what was learned since then when that was which it is about, and when it was learned."""
    statement = (
        select(Event.subject_kind, Event.subject_id, func.max(Event.learned_at))
        .where(
            Event.site_id == site_id,
            Event.learned_at > since,
            Event.subject_kind.in_(tuple(_OF_DAYS)),
        )
        .group_by(Event.subject_kind, Event.subject_id)
    )
    learned = defaultdict[str, dict[UUID, datetime]](dict)
    for kind, subject_id, at in session.execute(statement):
        learned[kind][UUID(subject_id)] = at
    found = []
    for kind, known in learned.items():
        ids = list(known)
        for start in range(0, len(ids), _AT_ONCE):
            column, moments = _OF_DAYS[kind]
            some = session.execute(moments.where(column.in_(ids[start : start + _AT_ONCE])))
            found += [(at, known[subject]) for subject, at in some]
    return found


def note_quiet(session: Session, quiet: Sequence[UUID], *, now: datetime) -> None:
    """Keep that nothing came for these, so that the log is not gone through again from there."""
    session.execute(
        update(FrozenReport)
        .where(FrozenReport.id.in_(quiet), FrozenReport.looked_at < now - 2 * _QUIET)
        .values(looked_at=now - _QUIET)
        .execution_options(synchronize_session=False)
    )
