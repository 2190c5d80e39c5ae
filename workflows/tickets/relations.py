"""Links between tickets: what belongs together, what caused what, what came out of what."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.people import Caller
from rules.wording import worded
from workflows.tickets.model import Ticket
from workflows.tickets.scope import of_tickets

# What a link is called from its first ticket, and from its other end.
INVERSE: Mapping[str, str] = MappingProxyType(
    {
        "related_to": "related_to",
        "caused_by": "cause_of",
        "follow_up_of": "followed_up_by",
        "child_of": "parent_of",
    }
)
KINDS = (*INVERSE, *(other for kind, other in INVERSE.items() if other != kind))
MOST_LINKS = 50
# How many tickets a chain may hold before nobody looks for its end any more.
LONGEST_CHAIN = 200


class TicketRelation(Base):
    """A link: ticket `from_id` is `kind` of ticket `to_id`, kind a key of INVERSE.

    Of related tickets the smaller id comes first, so that two links can't say the same.
    """

    __tablename__ = "ticket_relation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    from_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("from_id", "to_id", "kind"),)


def _ordered(ticket: Ticket, kind: str, other: Ticket) -> tuple[Ticket, str, Ticket]:
    """The link as it is kept, whichever end it was made from."""
    if kind not in INVERSE:
        kind = next(key for key, inverse in INVERSE.items() if inverse == kind)
        return other, kind, ticket
    if kind == INVERSE[kind] and other.id < ticket.id:
        return other, kind, ticket
    return ticket, kind, other


def relate(
    session: Session, ticket: Ticket, kind: str, other: Ticket, *, person: UUID, now: datetime
) -> TicketRelation:
    """Link two tickets that the caller may both see, from either end; the log of both holds it.

    Invalid for a ticket with itself; Conflict where the link stands already, also the other way
    round, where it would close a circle, or where a ticket has a parent already.
    """
    problems = [] if kind in KINDS else [worded("kind: one of %(known)s", known=", ".join(KINDS))]
    if ticket.id == other.id:
        problems.append(worded("number: another ticket than this one"))
    if problems:
        raise Invalid(worded("the tickets were not linked"), problems=problems)
    first, kept, second = _ordered(ticket, kind, other)
    # Both, in one order: two that link the same tickets wait for each other.
    both = select(Ticket.id).where(Ticket.id.in_((first.id, second.id))).order_by(Ticket.id)
    session.execute(both.with_for_update())
    _require_new(session, first, kept, second)
    row = TicketRelation(
        id=new_id(),
        site_id=first.site_id,
        from_id=first.id,
        to_id=second.id,
        kind=kept,
        author_id=person,
        at=now,
    )
    session.add(row)
    session.flush()
    _append(session, "ticket.relate", row, (first, second), person, now)
    return row


def _require_new(session: Session, first: Ticket, kind: str, second: Ticket) -> None:
    standing = _links_of(session, [first.id, second.id])
    wanted = (first.id, kind, second.id)
    if any((row.from_id, row.kind, row.to_id) == wanted for row in standing):
        raise Conflict(
            worded(
                "tickets %(number)s and %(number2)s are linked like that already",
                number=first.number,
                number2=second.number,
            ),
            advice=worded("Remove the standing link first, if it should say something else."),
        )
    for end in (first, second):
        if sum(end.id in (row.from_id, row.to_id) for row in standing) >= MOST_LINKS:
            raise Conflict(
                worded("a ticket holds at most %(most)s links", most=MOST_LINKS),
                advice=worded("Remove one that says little."),
            )
    if kind == "child_of" and any(row.from_id == first.id and row.kind == kind for row in standing):
        raise Conflict(
            worded("ticket %(number)s has a parent already", number=first.number),
            advice=worded("Remove that link first."),
        )
    if kind != INVERSE[kind] and _leads_to(session, second.id, kind, first.id):
        raise Conflict(
            worded("that link would close a circle"),
            advice=worded("Look at the links of the other ticket."),
        )


def _links_of(session: Session, tickets: list[UUID]) -> list[TicketRelation]:
    ends = or_(TicketRelation.from_id.in_(tickets), TicketRelation.to_id.in_(tickets))
    return list(session.scalars(select(TicketRelation).where(ends)))


def _leads_to(session: Session, start: UUID, kind: str, wanted: UUID) -> bool:
    """Whether links of a kind lead from one ticket to another."""
    seen, waiting = {start}, {start}
    while waiting and len(seen) <= LONGEST_CHAIN:
        statement = select(TicketRelation.to_id).where(
            TicketRelation.from_id.in_(waiting), TicketRelation.kind == kind
        )
        waiting = set(session.scalars(statement)) - seen
        seen |= waiting
    return wanted in seen


def unrelate(
    session: Session,
    caller: Caller,
    ticket: Ticket,
    link_id: UUID,
    *,
    now: datetime,
) -> None:
    """Remove a link of a ticket. NotFound when it has none like that, or its end isn't seen."""
    row = session.get(TicketRelation, link_id)
    ends = list[Ticket]()
    if row is not None and ticket.id in (row.from_id, row.to_id):
        statement = select(Ticket).where(Ticket.id.in_((row.from_id, row.to_id)))
        ends = list(session.scalars(of_tickets(statement, caller)))
    if row is None or len(ends) != 2:
        raise NotFound(worded("there is no such link"), advice=worded("Load the ticket again."))
    _append(session, "ticket.unrelate", row, (ends[0], ends[1]), caller.person_id, now)
    session.delete(row)
    session.flush()


def _append(
    session: Session,
    kind: str,
    row: TicketRelation,
    ends: tuple[Ticket, Ticket],
    person: UUID,
    now: datetime,
) -> None:
    facts = {"link": str(row.id), "from": str(row.from_id), "to": str(row.to_id), "kind": row.kind}
    for end in ends:
        events.append(
            session,
            kind,
            ("ticket", end.id),
            actor=events.Actor.person(person),
            learned_at=now,
            site_id=end.site_id,
            after=facts,
        )


def list_relations(session: Session, caller: Caller, ticket_id: UUID) -> list[dict[str, Any]]:
    """The links of a ticket to others that the caller may see, as they are called from here."""
    links = sorted(_links_of(session, [ticket_id]), key=lambda row: (row.at, row.id))
    ends = {row.id: row.to_id if row.from_id == ticket_id else row.from_id for row in links}
    statement = select(Ticket.id, Ticket.number, Ticket.title, Ticket.state).where(
        Ticket.id.in_(ends.values())
    )
    statement = of_tickets(statement, caller)
    seen = {each.id: each for each in session.execute(statement)}
    return [
        {
            "id": row.id,
            "kind": row.kind if row.from_id == ticket_id else INVERSE[row.kind],
            "ticket_id": ends[row.id],
            "number": seen[ends[row.id]].number,
            "title": seen[ends[row.id]].title,
            "state": seen[ends[row.id]].state,
            "at": row.at,
        }
        for row in links
        if ends[row.id] in seen
    ]
