"""What waits for somebody: open tickets, and devices that nobody has adopted yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from core.devices import Device
from core.people import Caller, Person, scoped
from core.places import Asset
from workflows.tickets import ENDED, PRIORITIES, Ticket


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A ticket that has not ended, for a list."""

    id: UUID
    number: int
    site_id: UUID
    title: Mapping[str, str]
    kind: str
    priority: str
    life_safety: bool
    state: str
    team: str
    assignee: str | None
    asset_id: UUID | None
    asset_code: str | None
    asset_name: Mapping[str, str] | None
    happened_at: datetime
    learned_at: datetime
    repeats: int
    recovered_at: datetime | None
    respond_due: datetime | None
    resolve_due: datetime | None
    responded_at: datetime | None
    resolved_at: datetime | None

    @property
    def due(self) -> datetime | None:
        """The nearest deadline that is not met yet."""
        if self.state in ("resolved", "verified", "on_hold"):
            return None
        unmet = (
            None if self.responded_at else self.respond_due,
            None if self.resolved_at else self.resolve_due,
        )
        return min((due for due in unmet if due), default=None)


def open_tickets(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID | None = None,
    asset_id: UUID | None = None,
    limit: int = 50,
) -> list[OpenTicket]:
    """Tickets that have not ended: life safety first, then by priority, then the newest."""
    rank = case({name: rank for rank, name in enumerate(PRIORITIES)}, value=Ticket.priority)
    done = case((Ticket.state.in_(("resolved", "verified")), 1), else_=0)
    statement = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.site_id,
            Ticket.title,
            Ticket.kind,
            Ticket.priority,
            Ticket.life_safety,
            Ticket.state,
            Ticket.team,
            Person.name,
            Ticket.asset_id,
            Asset.code,
            Asset.name,
            Ticket.happened_at,
            Ticket.learned_at,
            Ticket.repeats,
            Ticket.recovered_at,
            Ticket.respond_due,
            Ticket.resolve_due,
            Ticket.responded_at,
            Ticket.resolved_at,
        )
        .outerjoin(Person, Person.id == Ticket.assignee_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .where(Ticket.state.not_in(ENDED))
        .order_by(done, Ticket.life_safety.desc(), rank.desc(), Ticket.number.desc())
        .limit(limit)
    )
    if site_id is not None:
        statement = statement.where(Ticket.site_id == site_id)
    if asset_id is not None:
        statement = statement.where(Ticket.asset_id == asset_id)
    rows = session.execute(scoped(statement, Ticket.site_id, caller, "tickets.read"))
    return [OpenTicket(*tuple(row)) for row in rows]


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
