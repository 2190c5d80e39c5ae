"""What waits for somebody: tickets, and devices that nobody has adopted yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from core.devices import Device
from core.paging import rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Node, Space
from workflows.tickets import ENDED, PRIORITIES, RUNNING, Ticket
from workflows.tickets.reading import TicketFilter
from workflows.tickets.scope import of_tickets

# Behind every deadline: where a ticket stands that has none, or whose clocks rest.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket for a list. space: that of the ticket itself, where it is on no asset."""

    id: UUID
    number: int
    site_id: UUID
    site: Mapping[str, str]
    time_zone: str
    title: Mapping[str, str]
    kind: str
    category: str
    priority: str
    life_safety: bool
    state: str
    team: str
    assignee: str | None
    asset_id: UUID | None
    asset_code: str | None
    asset_name: Mapping[str, str] | None
    space: Mapping[str, str] | None
    happened_at: datetime
    learned_at: datetime
    repeats: int
    recovered_at: datetime | None
    respond_due: datetime | None
    resolve_due: datetime | None
    responded_at: datetime | None
    resolved_at: datetime | None
    ended_at: datetime | None
    version: int

    @property
    def due(self) -> datetime | None:
        """The nearest deadline that is not met yet; None while both clocks rest."""
        if self.state not in RUNNING:
            return None
        unmet = (
            None if self.responded_at else self.respond_due,
            None if self.resolved_at else self.resolve_due,
        )
        return min((due for due in unmet if due), default=None)


def _listed() -> Select[Any]:
    return (
        rows_of(
            Ticket.id,
            Ticket.number,
            Ticket.site_id,
            Node.name,
            Node.time_zone,
            Ticket.title,
            Ticket.kind,
            Ticket.category,
            Ticket.priority,
            Ticket.life_safety,
            Ticket.state,
            Ticket.team,
            Person.name,
            Ticket.asset_id,
            Asset.code,
            Asset.name,
            Space.name,
            Ticket.happened_at,
            Ticket.learned_at,
            Ticket.repeats,
            Ticket.recovered_at,
            Ticket.respond_due,
            Ticket.resolve_due,
            Ticket.responded_at,
            Ticket.resolved_at,
            Ticket.ended_at,
            Ticket.version,
        )
        .join(Node, Node.id == Ticket.site_id)
        .outerjoin(Person, Person.id == Ticket.assignee_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .outerjoin(Space, Space.id == Ticket.space_id)
    )


def open_tickets(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID | None = None,
    asset_id: UUID | None = None,
    limit: int = 50,
) -> list[ListedTicket]:
    """Tickets that have not ended: life safety first, then by priority, then the newest."""
    rank = case({name: rank for rank, name in enumerate(PRIORITIES)}, value=Ticket.priority)
    done = case((Ticket.state.in_(("resolved", "verified")), 1), else_=0)
    statement = (
        _listed()
        .where(Ticket.state.not_in(ENDED))
        .order_by(done, Ticket.life_safety.desc(), rank.desc(), Ticket.number.desc())
        .limit(limit)
    )
    if site_id is not None:
        statement = statement.where(Ticket.site_id == site_id)
    if asset_id is not None:
        statement = statement.where(Ticket.asset_id == asset_id)
    rows = session.execute(of_tickets(statement, caller))
    return [ListedTicket(*tuple(row)) for row in rows]


def _due() -> Any:
    """The nearest unmet deadline of a ticket whose clocks run, else `_NEVER`; in SQL."""
    respond = case((Ticket.responded_at.is_(None), Ticket.respond_due), else_=None)
    resolve = case((Ticket.resolved_at.is_(None), Ticket.resolve_due), else_=None)
    nearest = case(
        (and_(respond.is_not(None), or_(resolve.is_(None), respond < resolve)), respond),
        else_=resolve,
    )
    return case((Ticket.state.in_(RUNNING), func.coalesce(nearest, _NEVER)), else_=_NEVER)


@dataclass(frozen=True, slots=True)
class TicketsFound:
    """A page of tickets; next: how many to skip for the following one, None at the end."""

    items: Sequence[ListedTicket]
    next: int | None


def browse_tickets(
    session: Session,
    caller: Caller,
    wanted: TicketFilter,
    *,
    by_deadline: bool = False,
    skip: int = 0,
    limit: int = 50,
) -> TicketsFound:
    """Tickets that the caller may read, as people leaf through them.

    by_deadline: the nearest deadline first, those without one last, life safety before all; else
    the newest first.
    """
    statement = wanted.restrict(_listed())
    statement = of_tickets(statement, caller, site_column=wanted.site_column)
    if by_deadline:
        statement = statement.order_by(Ticket.life_safety.desc(), _due(), Ticket.number)
    else:
        statement = statement.order_by(Ticket.learned_at.desc(), Ticket.id.desc())
    rows = session.execute(statement.offset(skip).limit(limit + 1)).all()
    items = [ListedTicket(*tuple(row)) for row in rows[:limit]]
    return TicketsFound(items, skip + limit if len(rows) > limit else None)


def count_tickets(session: Session, caller: Caller, wanted: TicketFilter) -> int:
    """How many tickets `browse_tickets` leafs through."""
    statement = wanted.restrict(select(func.count()).select_from(Ticket))
    return session.scalar(of_tickets(statement, caller, site_column=wanted.site_column)) or 0


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """A device that speaks but that nobody has adopted yet."""

    id: UUID
    site_id: UUID
    code: str
    first_seen: datetime | None
    sample: Mapping[str, Any]


def waiting_devices(
    session: Session, caller: Caller, *, site_id: UUID | None = None, limit: int = 20
) -> list[WaitingDevice]:
    """Devices that wait for adoption, the newest first."""
    statement = (
        select(Device.id, Device.site_id, Device.code, Device.first_seen, Device.last_sample)
        .where(Device.state == "waiting")
        .order_by(Device.first_seen.desc(), Device.code)
        .limit(limit)
    )
    if site_id is not None:
        statement = statement.where(Device.site_id == site_id)
    rows = session.execute(scoped(statement, Device.site_id, caller, "devices.read"))
    return [
        WaitingDevice(device_id, site, code, first_seen, sample or {})
        for device_id, site, code, first_seen, sample in rows
    ]
