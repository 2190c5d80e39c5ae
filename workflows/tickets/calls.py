"""Calls: tickets that people wrote about something critical, and that nobody has accepted yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.orm import Session

from core.paging import rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from workflows.tickets.model import Ticket
from workflows.tickets.scope import of_tickets

SHOWN_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A critical ticket without an alarm. It waits as an alarm does, until somebody takes it."""

    id: UUID
    number: int
    title: Mapping[str, str]
    priority: str
    life_safety: bool
    state: str
    assignee_id: UUID | None
    learned_at: datetime
    site_id: UUID
    site: Mapping[str, str]
    site_code: str
    asset_id: UUID | None
    asset: Mapping[str, str] | None
    space: Mapping[str, str] | None
    space_code: str | None


def waiting_calls(session: Session, caller: Caller, permission: str) -> list[WaitingCall]:
    """The calls where the caller holds `permission`: about lives first, then the newest."""
    statement = (
        rows_of(
            Ticket.id,
            Ticket.number,
            Ticket.title,
            Ticket.priority,
            Ticket.life_safety,
            Ticket.state,
            Ticket.assignee_id,
            Ticket.learned_at,
            Ticket.site_id,
            Node.name,
            Node.code,
            Ticket.asset_id,
            Asset.name,
            Space.name,
            Space.code,
        )
        .join(Node, Node.id == Ticket.site_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .outerjoin(Space, Space.id == Ticket.space_id)
        .where(
            Ticket.state.in_(("open", "assigned")),
            Ticket.responded_at.is_(None),
            # What a rule found sounds as its alarm, and is silent once that is acknowledged.
            Ticket.rule_id.is_(None),
            Ticket.over.is_(False),
            or_(Ticket.priority == "critical", Ticket.life_safety),
        )
        .order_by(Ticket.life_safety.desc(), Ticket.number.desc())
        .limit(SHOWN_AT_MOST)
    )
    rows = session.execute(
        of_tickets(scoped(statement, Ticket.site_id, caller, permission), caller)
    )
    return [WaitingCall(*tuple(row)) for row in rows]
