"""Closing a day or an incident: what is known of it is frozen.

Everything is read, typeset and stored before the transaction that says so, so that nobody waits to
write meanwhile. Files that were stored for one who came too late are named by nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.ids import new_id
from core.people import Caller
from core.places import Node
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, WRITE
from workflows.patrol.frozen.audience import readers_at
from workflows.patrol.frozen.canon import plain
from workflows.patrol.frozen.day import SiteDay, day_at, gather_day
from workflows.patrol.frozen.editions import Reader, edition_of
from workflows.patrol.frozen.happened import GUARD_REPORT, TICKET, gather_report, gather_ticket
from workflows.patrol.frozen.making import Made, Pictures, make_edition
from workflows.patrol.frozen.model import (
    DAILY,
    INCIDENT,
    FrozenReport,
    ReportEdition,
    ReportFileDigest,
)
from workflows.patrol.frozen.naming import people_named
from workflows.patrol.frozen.sending import prepare
from workflows.patrol.reports.model import GuardReport
from workflows.tickets.model import Ticket
from workflows.tickets.scope import READ as READ_TICKETS
from workflows.tickets.scope import holds
from workflows.tickets.sos import SILENT_CATEGORY, sos_of

# What was about to be committed while a report was gathered is looked for once more.
OVERLAP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where reports are made: the database, the store of files, the product's own address.

    guard: called first in every transaction that writes; raises where it must not.
    """

    database: Database
    files: FileStore
    base: str
    guard: Callable[[Session], None] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that writes down what was made."""
        with self.database.write() as session:
            if self.guard is not None:
                self.guard(session)
            yield session


@dataclass(frozen=True, slots=True)
class Head:
    """What a report says of itself."""

    number: str
    at: str
    closed_by: str | None
    annex: int = 0
    of: str = ""


def number_of_day(site: Node, day: date) -> str:
    """What a daily report is called: `RIVERSIDE-20261124`."""
    return f"{site.code.upper()}-{day:%Y%m%d}"


def close_day(
    desk: Desk, caller: Caller | None, site_id: UUID, day: date, *, now: datetime
) -> UUID:
    """Freeze a day; returns the id of its report. caller: None: the time that was set for it.

    Raises NotAllowed, Invalid for a day that is not over, Conflict for one that is closed.
    """
    with desk.database.read() as session:
        asked = find_day(session, caller, site_id, day)
        if asked.end > now:
            raise Invalid(
                worded("this day is not over"),
                problems=[worded("day: one that ended before %(moment)s", moment=now.isoformat())],
            )
        if _closed(session, site_id, day) is not None:
            raise _twice()
        content = gather_day(session, asked, now=now)
        closer = None if caller is None else caller.person_id
        head = head_of(number_of_day(asked.site, day), closer, now)
        readers = readers_at(session, site_id)
        content = with_head(session, content, head, closer, now)
    made = make_all(desk, content, readers, now)
    row = FrozenReport(
        id=new_id(),
        site_id=site_id,
        kind=DAILY,
        number=head.number,
        day=day,
        annex=0,
        closed_at=now,
        closed_by=closer,
        looked_at=now - OVERLAP,
    )
    try:
        with desk.transaction() as session:
            return keep(session, row, made, now=now)
    except IntegrityError:
        # Somebody else closed it at this moment.
        raise _twice() from None


def make_all(
    desk: Desk, content: Mapping[str, Any], readers: Sequence[Reader], now: datetime
) -> list[Made]:
    """An edition for each reader."""
    pictures = Pictures(desk.files)
    return [
        make_edition(
            edition_of(content, reader),
            reader.client_id,
            files=desk.files,
            pictures=pictures,
            base=desk.base,
            now=now,
        )
        for reader in readers
    ]


def close_incident(
    desk: Desk,
    caller: Caller,
    subject: tuple[str, UUID],
    *,
    clients: Collection[UUID] = (),
    now: datetime,
) -> UUID:
    """Freeze what is known of an incident; returns the id of its report.

    subject: ("ticket" or "guard_report", its id). clients: for whom there is an edition beside that
    of the house. Raises NotFound, NotAllowed, Invalid for clients of elsewhere, Conflict for one
    that has a report, and for a silent call that is not over or is to leave the house.
    """
    with desk.database.read() as session:
        content, site_id = _incident(session, caller, subject, clients)
        site = session.get_one(Node, site_id)
        number = number_of_incident(site, content)
        if _reported(session, subject[1]) is not None:
            raise _incident_twice()
        head = head_of(number, caller.person_id, now)
        readers = readers_at(session, site_id)
        if unknown := set(clients) - {one.client_id for one in readers}:
            problems = [
                worded("clients: %(one)s is none of this site", one=one)
                for one in sorted(map(str, unknown))
            ]
            raise Invalid(worded("the report was not made"), problems=problems)
        readers = [one for one in readers if one.client_id is None or one.client_id in clients]
        content = with_head(session, content, head, caller.person_id, now)
    made = make_all(desk, content, readers, now)
    row = FrozenReport(
        id=new_id(),
        site_id=site_id,
        kind=INCIDENT,
        number=number,
        subject_kind=subject[0],
        subject_id=subject[1],
        annex=0,
        closed_at=now,
        closed_by=caller.person_id,
        looked_at=now - OVERLAP,
    )
    try:
        with desk.transaction() as session:
            return keep(session, row, made, now=now)
    except IntegrityError:
        raise _incident_twice() from None


def number_of_incident(site: Node, content: Mapping[str, Any]) -> str:
    """What an incident report is called: by its ticket `RIVERSIDE-T42`, else `RIVERSIDE-R7F3A…`."""
    about = content["about"]
    # The end of an id is random, its beginning a time.
    end = f"R{about['id'][-8:].upper()}" if about["number"] is None else f"T{about['number']}"
    return f"{site.code.upper()}-{end}"


def _incident(
    session: Session, caller: Caller, subject: tuple[str, UUID], clients: Collection[UUID]
) -> tuple[dict[str, Any], UUID]:
    kind, subject_id = subject
    if kind == GUARD_REPORT:
        told = session.get(GuardReport, subject_id)
        if told is None or told.site_id not in caller.sites_for(PEOPLE):
            raise NotFound(
                worded("there is no such report"), advice=worded("Look for it in the list.")
            )
        caller.require(WRITE, told.site_id)
        if told.ticket_id is not None:
            number = session.get_one(Ticket, told.ticket_id).number
            raise Conflict(
                worded("this report opened ticket %(number)s", number=number),
                advice=worded("Make the report of that ticket; it tells of both."),
            )
        return gather_report(session, told.id, told.site_id), told.site_id
    ticket = session.get(Ticket, subject_id) if kind == TICKET else None
    if ticket is None or not holds(caller, READ_TICKETS, ticket):
        raise NotFound(
            worded("there is no such ticket"), advice=worded("Look for it in the list of tickets.")
        )
    caller.require(WRITE, ticket.site_id)
    if ticket.category == SILENT_CATEGORY:
        _require_quiet(session, ticket, clients)
    return gather_ticket(session, ticket), ticket.site_id


def _require_quiet(session: Session, ticket: Ticket, clients: Collection[UUID]) -> None:
    """A silent call stays in the house, and nothing is written of it while it stands."""
    call = sos_of(session, ticket)
    if clients or (call is not None and call.state != "over"):
        raise Conflict(
            worded(
                "a silent call for help is told to nobody outside, and to nobody while it stands"
            ),
            advice=worded("End the call first, and make its report for the house alone."),
        )


def _incident_twice() -> Conflict:
    return Conflict(
        worded("this incident has a report"),
        advice=worded("Read it; what came since is added as an annex."),
    )


def _reported(session: Session, subject_id: UUID) -> FrozenReport | None:
    return session.scalars(
        select(FrozenReport).where(FrozenReport.subject_id == subject_id, FrozenReport.annex == 0)
    ).first()


def find_day(session: Session, caller: Caller | None, site_id: UUID, day: date) -> SiteDay:
    """A day of a site that the caller may close."""
    site = session.get(Node, site_id)
    if site is None or site.kind != "site":
        raise NotFound(worded("there is no such site"), advice=worded("Look for it in the tree."))
    if caller is not None:
        caller.require(WRITE, site_id)
    return day_at(site, day)


def _twice() -> Conflict:
    return Conflict(worded("this day is closed already"), advice=worded("Read its report instead."))


def _closed(session: Session, site_id: UUID, day: date) -> FrozenReport | None:
    return session.scalars(
        select(FrozenReport).where(
            FrozenReport.site_id == site_id,
            FrozenReport.kind == DAILY,
            FrozenReport.day == day,
            FrozenReport.annex == 0,
        )
    ).first()


def head_of(number: str, closer: UUID | None, now: datetime, **more: Any) -> Head:
    """What a report says of itself that is closed now; closer: None: by itself."""
    return Head(number, now.isoformat(), None if closer is None else str(closer), **more)


def with_head(
    session: Session, content: Mapping[str, Any], head: Head, closer: UUID | None, now: datetime
) -> dict[str, Any]:
    """A content with what its report says of itself; whoever closed it is named as all are."""
    people = {} if closer is None else plain(people_named(session, [closer], now))
    return {**content, "closed": asdict(head), "people": {**people, **content["people"]}}


def keep(
    session: Session,
    row: FrozenReport,
    made: Sequence[Made],
    *,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> UUID:
    """Write down a report whose files are stored."""
    session.add(row)
    session.flush()
    for one in made:
        edition = ReportEdition(
            id=new_id(),
            site_id=row.site_id,
            report_id=row.id,
            client_id=one.client_id,
            content=dict(one.content),
            digest=one.digest,
            files={name: dict(file) for name, file in one.files.items()},
        )
        session.add(edition)
        session.flush()
        prepare(session, edition, now=now)
        for name, file in one.files.items():
            session.add(
                ReportFileDigest(
                    edition_id=edition.id, name=name, site_id=row.site_id, sha256=file["sha256"]
                )
            )
    session.flush()
    events.append(
        session,
        "patrol_report.annex" if row.annex else "patrol_report.close",
        ("patrol_report", row.id),
        actor=events.Actor.person(row.closed_by)
        if row.closed_by
        else events.Actor("job", "reports"),
        learned_at=now,
        site_id=row.site_id,
        after={
            "number": row.number,
            "digests": [one.digest for one in made],
            **(facts or {}),
        },
    )
    return row.id
