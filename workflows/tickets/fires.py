"""Fire alarms that somebody has to look after, as a control room and the siren on site see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session, aliased

from core.paging import rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Node, Space
from workflows.tickets.fire_alarms import BURNING, RUNNING, FireAlarm
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket
from workflows.tickets.scope import of_tickets

SHOWN_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class StandingFire:
    """A fire alarm whose clock runs, or which stands as a fire. due_at: None once it is a fire.

    sent: who was sent to look; answered: who took the fire on.
    """

    id: UUID
    number: int
    title: Mapping[str, str]
    state: str
    why: str | None
    began_at: datetime
    due_at: datetime | None
    fire_at: datetime | None
    sent: str | None
    answered: str | None
    site_id: UUID
    site: Mapping[str, str]
    asset_id: UUID | None
    asset: Mapping[str, str] | None
    space: Mapping[str, str] | None


_SENT, _ANSWERED = aliased(Person), aliased(Person)


def standing_fires(session: Session, caller: Caller, permission: str) -> list[StandingFire]:
    """What stands where the caller holds `permission`: fires nobody took on, then what is due."""
    rank = case((FireAlarm.state == "fire", 0), (FireAlarm.state == "answered", 2), else_=1)
    statement = (
        rows_of(
            Ticket.id,
            Ticket.number,
            Ticket.title,
            FireAlarm.state,
            FireAlarm.why,
            FireAlarm.began_at,
            FireAlarm.due_at,
            FireAlarm.fire_at,
            _SENT.name,
            _ANSWERED.name,
            Ticket.site_id,
            Node.name,
            Ticket.asset_id,
            Asset.name,
            Space.name,
        )
        .select_from(FireAlarm)
        .join(Ticket, Ticket.id == FireAlarm.id)
        .join(Node, Node.id == Ticket.site_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .outerjoin(Space, Space.id == Ticket.space_id)
        .outerjoin(_SENT, _SENT.id == FireAlarm.sent_id)
        .outerjoin(_ANSWERED, _ANSWERED.id == FireAlarm.answered_by)
        .where(
            # As the index of those that stand has it.
            FireAlarm.state != "not_fire",
            FireAlarm.state.in_((*RUNNING, *BURNING)),
            Ticket.state.not_in(("resolved", "verified", *ENDED)),
        )
        .order_by(rank, FireAlarm.due_at, FireAlarm.fire_at.desc(), Ticket.number)
        .limit(SHOWN_AT_MOST)
    )
    statement = of_tickets(scoped(statement, FireAlarm.site_id, caller, permission), caller)
    rows = session.execute(statement)
    return [StandingFire(*tuple(row)) for row in rows]


def describe_fire_alarm(session: Session, ticket_id: UUID) -> dict[str, Any] | None:
    """The short clock of a ticket with the names of who acted on it; None when it runs none."""
    by, decided = aliased(Person), aliased(Person)
    names = ["state", "rounds", "began_at", "seen_due", "confirm_due", "due_at", "seen_at"]
    names += ["seen_by", "sent_id", "why", "fire_at", "answered_at", "answered_by"]
    names += ["decided_at", "decided_by", "cause", "photo_id"]
    statement = (
        select(
            *(getattr(FireAlarm, name) for name in names),
            by.name.label("seen_by_name"),
            _SENT.name.label("sent_name"),
            _ANSWERED.name.label("answered_by_name"),
            decided.name.label("decided_by_name"),
        )
        .select_from(FireAlarm)
        .outerjoin(by, by.id == FireAlarm.seen_by)
        .outerjoin(_SENT, _SENT.id == FireAlarm.sent_id)
        .outerjoin(_ANSWERED, _ANSWERED.id == FireAlarm.answered_by)
        .outerjoin(decided, decided.id == FireAlarm.decided_by)
        .where(FireAlarm.id == ticket_id)
    )
    row = session.execute(statement).mappings().first()
    return None if row is None else dict(row)
