"""What one rule does: the alarms that it has now, and the tickets that it opened."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from core.asset_names import name_assets
from core.paging import rows_of
from core.people import Caller, scoped
from core.places import Asset
from workflows.alarms.model import Alarm
from workflows.alarms.reading import READ
from workflows.tickets import Ticket
from workflows.tickets.scope import of_tickets, scope_of

LOOK_BACK = timedelta(days=30)
MOST = 50


@dataclass(frozen=True, slots=True)
class Doings:
    """alarms: those not back to normal, the newest first. tickets: of the last 30 days, likewise.

    verdicts: how many of these tickets turned out to be what; "" for those not judged yet.
    """

    alarms: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    verdicts: Mapping[str, int]


def doings_of(session: Session, caller: Caller, rule_id: str, *, now: datetime) -> Doings:
    """What a rule does where the caller may see alarms and tickets."""
    own = and_(Ticket.id == Alarm.ticket_id, scope_of(caller).condition())
    alarms = (
        rows_of(
            Alarm.id,
            Alarm.site_id,
            Alarm.asset_id,
            Asset.name.label("asset_name"),
            Alarm.state,
            Alarm.reason,
            Alarm.raised_at,
            Ticket.number,
        )
        .join(Asset, Asset.id == Alarm.asset_id)
        .outerjoin(Ticket, own)
        .where(Alarm.rule_id == rule_id, Alarm.state != "normal")
        .order_by(Alarm.raised_at.desc())
        .limit(MOST)
    )
    opened = (
        rows_of(Ticket.number, Ticket.state, Ticket.verdict, Ticket.learned_at, Asset.name)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .where(Ticket.rule_id == rule_id, Ticket.learned_at >= now - LOOK_BACK)
        .order_by(Ticket.learned_at.desc())
    )
    tickets = [dict(row) for row in session.execute(of_tickets(opened, caller)).mappings()]
    read = session.execute(scoped(alarms, Alarm.site_id, caller, READ)).mappings()
    found = [dict(row) for row in read]
    name_assets(session, found)
    verdicts = Counter(row["verdict"] or "" for row in tickets)
    return Doings(found, tickets[:MOST], verdicts)


def standing_counts(session: Session, caller: Caller) -> dict[str, int]:
    """How many alarms each rule has that are not back to normal, where the caller sees alarms."""
    statement = scoped(
        select(Alarm.rule_id).where(Alarm.state != "normal"), Alarm.site_id, caller, READ
    )
    return dict(Counter(session.scalars(statement)))
