"""Return visits: the service desk asks who reported a fault whether it is mended, and how well.

Whoever did the work does not ask. A visit that satisfies verifies the ticket; one that does not
opens it again with the reason. What a resident rates by their own link counts as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Integer,
    Select,
    String,
    Text,
    and_,
    exists,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed
from core.ids import new_id
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from core.places import Asset, Node, Space
from rules.wording import worded
from workflows.customers.reports import LONGEST_TEXT, SETTLED, ResidentReport
from workflows.tickets import Step, Ticket, act, with_merged
from workflows.tickets.doers import doers
from workflows.tickets.scope import of_tickets, require

RIGHT = "tickets.dispatch"
WAYS = ("phone", "on_spot")
# Whoever is asked much later has forgotten how it was.
WITHIN = timedelta(days=14)


class ReturnVisit(Base):
    """That somebody asked how a repair turned out. way: phone, or on_spot.

    words: what they were told; it stands in this row only, so that it can be erased.
    """

    __tablename__ = "return_visit"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    by_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    way: Mapped[str] = mapped_column(String(10))
    satisfied: Mapped[bool] = mapped_column(Boolean)
    rating: Mapped[int] = mapped_column(Integer)
    words: Mapped[str] = mapped_column(Text, default="", server_default="")


@dataclass(frozen=True, slots=True)
class AskedReporter:
    """What came of a return visit; see `ReturnVisit`."""

    way: str
    satisfied: bool
    rating: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class DueVisit:
    """A ticket whose reporter has not been asked yet. reporter: a colleague's name, or nothing."""

    ticket_id: UUID
    resolved_at: datetime
    number: int
    title: Mapping[str, str]
    state: str
    site_id: UUID
    site: Mapping[str, str]
    asset: Mapping[str, str] | None
    space: Mapping[str, str] | None
    reporter: str | None


def _problems(asked: AskedReporter) -> list[str]:
    problems: list[str] = (
        [] if asked.way in WAYS else [worded("way: one of %(known)s", known=", ".join(WAYS))]
    )
    if not 1 <= asked.rating <= 5:
        problems.append(worded("rating: 1 to 5"))
    if len(asked.words) > LONGEST_TEXT:
        problems.append(worded("words: at most 2,000 characters"))
    if not asked.satisfied and not asked.words.strip():
        problems.append(worded("words: say what is not in order"))
    return problems


def is_reported(session: Session, ticket: Ticket) -> bool:
    """Whether somebody reported it, who can be asked how it turned out."""
    if ticket.reporter_id is not None:
        return True
    family = with_merged(session, ticket.id)
    reported = select(ResidentReport.id).where(ResidentReport.ticket_id.in_(family)).limit(1)
    return session.scalar(reported) is not None


def record_return_visit(
    session: Session, caller: Caller, ticket: Ticket, asked: AskedReporter, *, now: datetime
) -> ReturnVisit:
    """Write down a return visit: satisfied verifies the ticket, not satisfied opens it again.

    Invalid with every problem; Conflict while the work is not done or nobody reported it;
    NotAllowed for whoever had a hand in the work.
    """
    require(caller, RIGHT, ticket)
    problems = _problems(asked)
    if problems:
        raise Invalid(worded("the return visit was not written down"), problems=problems)
    if ticket.state not in SETTLED:
        raise Conflict(
            worded(
                "the work on ticket %(number)s is not done (%(state)s)",
                number=ticket.number,
                state=ticket.state,
            ),
            advice=worded("Ask once it is resolved."),
        )
    if not is_reported(session, ticket):
        raise Conflict(
            worded("nobody reported this"), advice=worded("Verify it on the spot instead.")
        )
    if caller.person_id in doers(session, ticket):
        raise NotAllowed(
            worded("who did the work does not make the return visit"),
            advice=worded("Leave it to a colleague."),
        )
    row = ReturnVisit(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        by_id=caller.person_id,
        at=now,
        way=asked.way,
        satisfied=asked.satisfied,
        rating=asked.rating,
        words=asked.words.strip(),
    )
    session.add(row)
    session.flush()
    _say(session, ticket, row)
    if not asked.satisfied:
        step = Step("reopen", asked.words)
        act(session, ticket, step, person=caller.person_id, now=now)
    elif ticket.state == "resolved":
        step = Step("verify", checked_by="return_visit")
        act(session, ticket, step, person=caller.person_id, now=now)
    return row


def _say(session: Session, ticket: Ticket, row: ReturnVisit) -> None:
    events.append(
        session,
        "ticket.return_visit",
        ("ticket", ticket.id),
        actor=events.Actor.person(row.by_id),
        learned_at=row.at,
        site_id=ticket.site_id,
        after={
            "visit": str(row.id),
            "way": row.way,
            "satisfied": row.satisfied,
            "stars": row.rating,
        },
    )


def visits_of(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The return visits of a ticket, the first one first, with who made them."""
    names = ("id", "at", "by_id", "way", "satisfied", "rating", "words")
    statement = (
        select(*(getattr(ReturnVisit, name) for name in names), Person.name.label("by_name"))
        .join(Person, Person.id == ReturnVisit.by_id)
        .where(ReturnVisit.ticket_id == ticket_id)
        .order_by(ReturnVisit.at, ReturnVisit.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def _due(now: datetime) -> Select[Any]:
    """Tickets done of late that somebody reported, and whose reporter was not heard since."""
    done = and_(Ticket.state.in_(SETTLED), Ticket.resolved_at > now - WITHIN)
    family = select(Ticket.id.label("top"), Ticket.id.label("id")).where(done).cte(recursive=True)
    merged = aliased(Ticket)
    family = family.union_all(
        select(family.c.top, merged.id).where(merged.merged_into_id == family.c.id)
    )
    reports = (
        select(literal(1))
        .select_from(ResidentReport)
        .join(family, family.c.id == ResidentReport.ticket_id)
        .where(family.c.top == Ticket.id)
    )
    rated = reports.where(ResidentReport.rated_at >= Ticket.resolved_at)
    visited = exists().where(
        ReturnVisit.ticket_id == Ticket.id, ReturnVisit.at >= Ticket.resolved_at
    )
    # Who reported something and mended it knows how it turned out.
    by_colleague = and_(
        Ticket.reporter_id.is_not(None), Ticket.reporter_id.is_distinct_from(Ticket.doer_id)
    )
    return (
        rows_of(
            Ticket.id.label("ticket_id"),
            Ticket.resolved_at.label("resolved_at"),
            Ticket.number.label("number"),
            Ticket.title.label("title"),
            Ticket.state.label("state"),
            Ticket.site_id.label("site_id"),
            Node.name.label("site"),
            Asset.name.label("asset"),
            Space.name.label("space"),
            Person.name.label("reporter"),
        )
        .join(Node, Node.id == Ticket.site_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .outerjoin(Space, Space.id == Ticket.space_id)
        .outerjoin(Person, Person.id == Ticket.reporter_id)
        .where(done, or_(by_colleague, reports.exists()), ~rated.exists(), ~visited)
    )


def due_visits(
    session: Session,
    caller: Caller,
    *,
    now: datetime,
    site_id: UUID | None = None,
    limit: int = 50,
) -> list[DueVisit]:
    """Whom the caller has to ask yet, who waits longest first."""
    statement = _due(now)
    if site_id is not None:
        statement = statement.where(Ticket.site_id == site_id)
    statement = of_tickets(statement, caller, RIGHT)
    statement = statement.order_by(Ticket.resolved_at, Ticket.id).limit(limit)
    return [DueVisit(*tuple(row)) for row in session.execute(statement)]


def list_due_visits(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    now: datetime,
    site_id: UUID | None = None,
) -> Page[dict[str, Any]]:
    """The same as a page, what was done last first. Keys: resolved_at, id."""
    statement = _due(now)
    if site_id is not None:
        statement = statement.where(Ticket.site_id == site_id)
    statement = of_tickets(statement, caller, RIGHT)
    return newest_first(session, statement, (Ticket.resolved_at, Ticket.id), wish)
