"""The work on a ticket: labour, parts and what they cost; what was found, caused it, mended it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import ForeignKey, Integer, Numeric, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.people import Person
from core.places import Asset
from rules.wording import worded
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket

FINDINGS_FILE = Path(__file__).with_name("findings.yaml")
KINDS = ("labour", "part")
LISTS = ("faults", "causes", "remedies")
ANY = "any"
MOST_LINES = 100
MOST_MINUTES = 14 * 24 * 60
MOST_QUANTITY, MOST_COST = Decimal(100_000), Decimal(10_000_000)


class WorkLine(Base):
    """A line of the work on a ticket. minutes: of labour; quantity: of parts.

    cost: in the currency of the company's books, before tax; NULL = not known.
    """

    __tablename__ = "ticket_work"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(10))
    what: Mapped[str] = mapped_column(String(120))
    minutes: Mapped[int | None] = mapped_column(Integer)
    quantity: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))
    cost: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))


@dataclass(frozen=True, slots=True)
class NewWork:
    """A line to add; see `WorkLine`."""

    kind: str
    what: str
    minutes: int | None = None
    quantity: Decimal | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Codes of what was found, what caused it, what was done; None = not said."""

    fault: str | None = None
    cause: str | None = None
    remedy: str | None = None


@lru_cache(maxsize=1)
def _all_lists() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]:
    return MappingProxyType(yaml.safe_load(FINDINGS_FILE.read_text(encoding="utf-8")))


def lists_for(asset_type: str | None) -> dict[str, dict[str, Mapping[str, str]]]:
    """The lists of an asset type, its own codes first: {list: {code: names}}."""
    known = _all_lists()
    own = known.get(asset_type or ANY, {})
    return {name: {**own.get(name, {}), **known[ANY][name]} for name in LISTS}


def cause_name(code: str) -> Mapping[str, str]:
    """What a cause is called, of whichever asset type; empty for one that stands in no list."""
    found = (lists["causes"].get(code) for lists in _all_lists().values() if "causes" in lists)
    return next((name for name in found if name), {})


def _type_of(session: Session, ticket: Ticket) -> str | None:
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    return asset.type if asset else None


def _require_open(ticket: Ticket) -> None:
    if ticket.state in ENDED:
        raise Conflict(
            worded(
                "ticket %(number)s has ended (%(state)s)", number=ticket.number, state=ticket.state
            ),
            advice=worded("Re-open it first, or write on the ticket that goes on."),
        )


def add_work(
    session: Session, ticket: Ticket, line: NewWork, *, person: UUID, now: datetime
) -> WorkLine:
    """Write down labour or a part. Invalid with every problem; Conflict once the ticket ended."""
    _require_open(ticket)
    problems = _problems(line)
    if problems:
        raise Invalid(worded("the work was not written down"), problems=problems)
    standing = session.scalars(select(WorkLine.id).where(WorkLine.ticket_id == ticket.id)).all()
    if len(standing) >= MOST_LINES:
        raise Conflict(
            worded("a ticket holds at most %(most)s lines", most=MOST_LINES),
            advice=worded("Add them up."),
        )
    row = WorkLine(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        author_id=person,
        at=now,
        kind=line.kind,
        what=" ".join(line.what.split()),
        minutes=line.minutes,
        quantity=line.quantity,
        cost=line.cost,
    )
    session.add(row)
    session.flush()
    _append(session, "ticket.work", ticket, row, person, now)
    return row


def _problems(line: NewWork) -> list[str]:
    problems: list[str] = (
        [] if line.kind in KINDS else [worded("kind: one of %(known)s", known=", ".join(KINDS))]
    )
    if not 1 <= len(" ".join(line.what.split())) <= 120:
        problems.append(worded("what: 1 to 120 characters"))
    if line.kind == "labour" and not (line.minutes and 0 < line.minutes <= MOST_MINUTES):
        problems.append(worded("minutes: how long it took"))
    if line.kind == "part" and not (line.quantity and 0 < line.quantity <= MOST_QUANTITY):
        problems.append(worded("quantity: how many"))
    if line.cost is not None and not 0 <= line.cost <= MOST_COST:
        problems.append(worded("cost: not below zero"))
    return problems


def _append(
    session: Session, kind: str, ticket: Ticket, row: WorkLine, person: UUID, now: datetime
) -> None:
    events.append(
        session,
        kind,
        ("ticket", ticket.id),
        actor=events.Actor.person(person),
        learned_at=now,
        site_id=ticket.site_id,
        after={
            "line": str(row.id),
            "kind": row.kind,
            "minutes": row.minutes,
            "quantity": None if row.quantity is None else str(row.quantity),
            "cost": None if row.cost is None else str(row.cost),
        },
    )


def remove_work(
    session: Session, ticket: Ticket, line_id: UUID, *, person: UUID, now: datetime
) -> None:
    """Take a line away; the log keeps that it stood there. NotFound when the ticket has none."""
    _require_open(ticket)
    row = session.get(WorkLine, line_id)
    if row is None or row.ticket_id != ticket.id:
        raise NotFound(worded("there is no such line"), advice=worded("Load the ticket again."))
    _append(session, "ticket.work_removed", ticket, row, person, now)
    session.delete(row)
    session.flush()


def list_work(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The lines of a ticket in the order in which they were written, with who wrote them."""
    statement = (
        select(WorkLine, Person.name)
        .join(Person, Person.id == WorkLine.author_id)
        .where(WorkLine.ticket_id == ticket_id)
        .order_by(WorkLine.at, WorkLine.id)
    )
    return [
        {
            "id": row.id,
            "at": row.at,
            "author_id": row.author_id,
            "author_name": name,
            "kind": row.kind,
            "what": row.what,
            "minutes": row.minutes,
            "quantity": None if row.quantity is None else format(row.quantity.normalize(), "f"),
            "cost": None if row.cost is None else format(row.cost, ".2f"),
        }
        for row, name in session.execute(statement)
    ]


def totals(lines: list[dict[str, Any]]) -> tuple[int, Decimal]:
    """The minutes of labour and the known cost of all lines."""
    minutes = sum(line["minutes"] or 0 for line in lines)
    return minutes, sum((Decimal(line["cost"] or 0) for line in lines), Decimal(0))


def record_findings(
    session: Session, ticket: Ticket, found: Findings, *, person: UUID, now: datetime
) -> None:
    """Say by codes what was found. Invalid for a code that the asset type's lists lack."""
    _require_open(ticket)
    known = lists_for(_type_of(session, ticket))
    given = dict(zip(LISTS, (found.fault, found.cause, found.remedy), strict=True))
    problems: list[str] = [
        worded("%(name)s: none of %(known)s", name=name, known=", ".join(known[name]))
        for name, code in given.items()
        if code is not None and code not in known[name]
    ]
    if problems:
        raise Invalid(worded("nothing was written down"), problems=problems)
    before = {"fault": ticket.fault_code, "cause": ticket.cause_code, "remedy": ticket.remedy_code}
    ticket.fault_code, ticket.cause_code, ticket.remedy_code = given.values()
    session.flush()
    events.append(
        session,
        "ticket.findings",
        ("ticket", ticket.id),
        actor=events.Actor.person(person),
        learned_at=now,
        site_id=ticket.site_id,
        before=before,
        after={"fault": found.fault, "cause": found.cause, "remedy": found.remedy},
    )
