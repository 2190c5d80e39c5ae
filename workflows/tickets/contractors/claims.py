"""What a contractor says they used: labour, parts and costs, to be accepted or struck by us."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, Numeric, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.companies import companies_of
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.money import rounded
from core.people import Caller, Person
from rules.wording import worded
from workflows.tickets.contractors.coming import actor_of, is_needed, job_of, refuse_if_with_ours
from workflows.tickets.contractors.model import ContractorLink
from workflows.tickets.model import Ticket
from workflows.tickets.opening import with_merged
from workflows.tickets.rights import RIGHT_OF_ACTION
from workflows.tickets.scope import on_tickets, require
from workflows.tickets.work import MOST_COST, MOST_MINUTES, MOST_QUANTITY

KINDS = ("labour", "part", "cost")
# From when somebody is coming until the work is done; the bill for it is no part of this.
WHILE = ("accepted", "arrived")
MOST_CLAIMS = 50
# Whoever may close a ticket says what of it holds.
DECIDES = RIGHT_OF_ACTION["close"]
LONGEST_NAME = 120
_HOUR = Decimal(60)

CLAIM = Lifecycle(
    "contractor_claim",
    {
        "accept": {"claimed": "accepted", "struck": "accepted"},
        "strike": {"claimed": "struck", "accepted": "struck"},
    },
)


class ContractorClaim(Base):
    """A line of what a contractor says they used: no approval, and no part of our own work.

    minutes: of labour; quantity: of parts. unit_price: of an hour or a part, NULL = not said.
    cost: of the whole line, in the currency of the company's books.
    """

    __tablename__ = "contractor_claim"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    link_id: Mapped[UUID] = mapped_column(ForeignKey("contractor_link.id"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(10))
    what: Mapped[str] = mapped_column(String(LONGEST_NAME))
    minutes: Mapped[int | None] = mapped_column(Integer)
    quantity: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    cost: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A line to add. quantity: hours of labour, or how many parts; price: of one of these.

    Of another cost quantity is left out and price is the whole.
    """

    kind: str
    what: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None

    def problems(self) -> list[str]:
        """What is wrong with it, by field; empty for a line that can be written down."""
        found: list[str] = (
            [] if self.kind in KINDS else [worded("kind: one of %(known)s", known=", ".join(KINDS))]
        )
        name = " ".join(self.what.split())
        if len(name) > LONGEST_NAME or not (name or self.kind == "labour"):
            found.append(
                worded(
                    "%(kind)s: name it, in at most %(most)s characters",
                    kind=self.kind,
                    most=LONGEST_NAME,
                )
            )
        if self.kind == "labour" and not self.minutes:
            found.append(worded("hours: a number above zero, such as 1.5, of two weeks at most"))
        if self.kind == "part" and not (self.quantity and _fits(self.quantity, MOST_QUANTITY, 3)):
            found.append(worded("part: how many %(name)s, above zero", name=name))
        if self.kind == "cost" and self.price is None:
            found.append(worded("cost: how much for %(name)s", name=name))
        if self.price is not None and not _fits(self.price, MOST_COST, 2):
            found.append(worded("price: not below zero, with two decimals at most"))
        elif not found and (self.cost or 0) > MOST_COST:
            found.append(worded("price: at most %(most)s for a line", most=MOST_COST))
        return found

    @property
    def minutes(self) -> int:
        """The minutes of its hours; 0 where these can't be."""
        hours = self.quantity
        if hours is None or not hours.is_finite() or not 0 < hours <= MOST_MINUTES / _HOUR:
            return 0
        return round(hours * _HOUR)

    @property
    def cost(self) -> Decimal | None:
        """What the whole line costs; None where no price was said."""
        if self.price is None:
            return None
        times = Decimal(1) if self.quantity is None else self.quantity
        return rounded(times * self.price)


def _fits(number: Decimal, most: Decimal, digits: int) -> bool:
    """Whether a number is from zero to `most`, with so many decimals at most."""
    if not number.is_finite() or not 0 <= number <= most:
        return False
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -digits


def claim(
    session: Session,
    link: ContractorLink,
    lines: Sequence[NewClaim],
    *,
    now: datetime,
    form: UUID | None = None,
) -> None:
    """Write down what a contractor used for their job.

    form: which form of ours they sent. What stands of it already, by a second tap or after a lost
    answer, is not written down again. Invalid with everything that is wrong; Conflict before they
    accepted and once it is done, and for too many lines.
    """
    ticket = _open_job(session, link)
    problems: list[str] = [problem for line in lines for problem in line.problems()]
    if problems:
        raise Invalid(worded("nothing was written down"), problems=problems)
    sent = form or new_id()
    wanted = {_line_id(sent, link.id, place, line): line for place, line in enumerate(lines)}
    standing = select(ContractorClaim.id).where(ContractorClaim.link_id == link.id)
    known = set(session.scalars(standing))
    fresh = {line_id: line for line_id, line in wanted.items() if line_id not in known}
    if fresh and len(known) + len(fresh) > MOST_CLAIMS:
        raise Conflict(
            worded("a job holds at most %(most)s lines", most=MOST_CLAIMS),
            advice=worded("Add them up."),
        )
    for line_id, line in fresh.items():
        row = ContractorClaim(
            id=line_id,
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            link_id=link.id,
            at=now,
            kind=line.kind,
            what=" ".join(line.what.split()),
            minutes=line.minutes if line.kind == "labour" else None,
            quantity=line.quantity if line.kind == "part" else None,
            unit_price=None if line.kind == "cost" else line.price,
            cost=line.cost,
            state="claimed",
            version=1,
        )
        session.add(row)
        session.flush()
        _append(session, "ticket.claim", ticket.id, row, actor_of(link), now)


def _line_id(form: UUID, link: UUID, place: int, line: NewClaim) -> UUID:
    """The UUIDv7 of a line at a place of a form: the same whenever the same is sent again."""
    told = hashlib.sha256(f"{form} {link} {line!r}".encode()).digest()
    stamp, tail = form.int >> 80 << 80, int.from_bytes(told[:8]) >> 2
    # Lines of one moment are shown in the order of their ids.
    return UUID(int=stamp | 7 << 76 | place << 64 | 2 << 62 | tail)


def withdraw_claim(
    session: Session, link: ContractorLink, claim_id: UUID, *, now: datetime
) -> None:
    """Take a line of one's own away; the log keeps that it stood there.

    NotFound for any other; Conflict once it was decided or the job is done.
    """
    ticket = _open_job(session, link)
    row = session.get(ContractorClaim, claim_id, with_for_update=True)
    if row is None or row.link_id != link.id:
        raise NotFound(worded("there is no such line"), advice=worded("Load the job again."))
    if row.state != "claimed":
        raise Conflict(
            worded("this line was decided already"), advice=worded("Ask whoever gave you the job.")
        )
    _append(session, "ticket.claim_removed", ticket.id, row, actor_of(link), now)
    session.delete(row)
    session.flush()


def _open_job(session: Session, link: ContractorLink) -> Ticket:
    ticket = job_of(session, link)
    refuse_if_with_ours(link, ticket)
    if link.state not in WHILE or not is_needed(link, ticket):
        raise Conflict(
            worded("what was used is written down from when you accept until the work is done"),
            advice=worded("Tell whoever gave you the job."),
        )
    return ticket


def claims_of(session: Session, link: ContractorLink) -> list[dict[str, Any]]:
    """What was written down by a link, as its page shows it."""
    statement = select(ContractorClaim).where(ContractorClaim.link_id == link.id)
    rows = session.scalars(statement.order_by(ContractorClaim.at, ContractorClaim.id))
    return [_shown(row) for row in rows]


def list_claims(session: Session, ticket_id: UUID, reader: UUID) -> list[dict[str, Any]]:
    """What contractors claim on a ticket and on those merged into it, with their companies.

    own: whether the reader is of the company, and so decides nothing of it. The caller has judged
    who may see it.
    """
    own = {one.id for one in companies_of(session, reader)}
    statement = (
        select(ContractorClaim, ContractorLink.company, ContractorLink.company_id, Person.name)
        .join(ContractorLink, ContractorLink.id == ContractorClaim.link_id)
        .outerjoin(Person, Person.id == ContractorClaim.decided_by)
        .where(ContractorClaim.ticket_id.in_(with_merged(session, ticket_id)))
        .order_by(ContractorClaim.at, ContractorClaim.id)
    )
    return [
        {**_shown(row), "company": company, "own": firm in own, "decided_by_name": name}
        for row, company, firm, name in session.execute(statement)
    ]


def sums_of(claims: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    """The known cost of what is claimed, accepted and struck."""
    return {
        state: sum(
            (Decimal(one["cost"] or 0) for one in claims if one["state"] == state), Decimal(0)
        )
        for state in CLAIM.statuses
    }


def find_claim(session: Session, caller: Caller, claim_id: UUID) -> ContractorClaim:
    """A line on a ticket that the caller may read, locked. NotFound otherwise."""
    statement = select(ContractorClaim).where(ContractorClaim.id == claim_id).with_for_update()
    statement = on_tickets(statement, ContractorClaim.ticket_id, ContractorClaim.site_id, caller)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(worded("there is no such line"), advice=worded("Look for it on its ticket."))
    return row


def decide_claim(
    session: Session, caller: Caller, row: ContractorClaim, action: str, *, now: datetime
) -> Ticket:
    """Accept a line or strike it; returns its ticket. That books and pays nothing.

    NotAllowed without the right to close the ticket; Conflict where the table does not hold the
    action, and for whoever is of the company that claims it.
    """
    ticket = session.get_one(Ticket, row.ticket_id)
    require(caller, DECIDES, ticket)
    link = session.get_one(ContractorLink, row.link_id)
    if link.company_id in {one.id for one in companies_of(session, caller.person_id)}:
        raise Conflict(
            worded("you are of the company that claims this"),
            advice=worded("Ask a colleague to decide it."),
        )
    actor = events.Actor.person(caller.person_id)
    values = {"decided_by": caller.person_id, "decided_at": now}
    facts = {"ticket": str(ticket.id)}
    move(session, row, CLAIM, action, actor=actor, learned_at=now, values=values, facts=facts)
    _append(session, "ticket.claim_decided", ticket.id, row, actor, now)
    return ticket


def _append(
    session: Session,
    kind: str,
    ticket_id: UUID,
    row: ContractorClaim,
    actor: events.Actor,
    now: datetime,
) -> None:
    events.append(
        session,
        kind,
        ("ticket", ticket_id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={
            "line": str(row.id),
            "link": str(row.link_id),
            "kind": row.kind,
            "minutes": row.minutes,
            "quantity": None if row.quantity is None else str(row.quantity),
            "cost": None if row.cost is None else str(row.cost),
            "state": row.state,
        },
    )


def _shown(row: ContractorClaim) -> dict[str, Any]:
    return {
        "id": row.id,
        "link_id": row.link_id,
        "at": row.at,
        "kind": row.kind,
        "what": row.what,
        "minutes": row.minutes,
        "quantity": None if row.quantity is None else format(row.quantity.normalize(), "f"),
        "unit_price": None if row.unit_price is None else format(row.unit_price, ".2f"),
        "cost": None if row.cost is None else format(row.cost, ".2f"),
        "state": row.state,
        "decided_at": row.decided_at,
    }
