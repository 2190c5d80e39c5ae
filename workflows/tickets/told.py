"""What tickets tell the rules: on which assets they were opened, and of what category."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.tickets.model import Ticket


class Opened(NamedTuple):
    """An opened ticket, as far as rules are concerned; rule_id: of the rule that opened it."""

    asset_id: UUID | None
    category: str
    rule_id: str | None


def opened(session: Session, ticket_ids: Iterable[UUID]) -> Mapping[UUID, Opened]:
    """What these tickets are about, by id; those that are not there are left out."""
    columns = select(Ticket.id, Ticket.asset_id, Ticket.category, Ticket.rule_id)
    rows = session.execute(columns.where(Ticket.id.in_(list(ticket_ids))))
    return {ticket_id: Opened(asset, category, rule) for ticket_id, asset, category, rule in rows}
