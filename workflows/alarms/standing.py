"""Reading which alarms stand, for the tree, the live page and whoever else looks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from core.paging import rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from workflows.alarms.model import Alarm, Episode
from workflows.tickets import Ticket
from workflows.tickets.scope import scope_of

SEVERITIES = ("low", "medium", "high", "critical")
# A returned alarm waits for somebody to see it, but the asset is well again.
PRESENT = ("unacknowledged", "acknowledged")
UNSEEN = ("unacknowledged", "returned_unacknowledged")
_RANK = case({name: rank for rank, name in enumerate(SEVERITIES)}, value=Alarm.severity)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on one asset. worst: the highest severity present now, or "ok"."""

    worst: str
    alarms: int


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm that is not normal, with what a person needs to recognise it.

    ticket_number, ticket_state and what decides who works it (see `scope.Placed`): of its ticket,
    if it has one that its reader sees.
    """

    id: UUID
    site_id: UUID
    asset_id: UUID
    asset_code: str
    asset_name: Mapping[str, str]
    asset_type: str
    rule_id: str
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    state: str
    reason: str
    raised_at: datetime | None
    returned_at: datetime | None
    episodes: int
    ticket_number: int | None
    ticket_state: str | None
    team: str
    former_teams: str
    assignee_id: UUID | None
    reporter_id: UUID | None
    site: Mapping[str, str]
    site_code: str
    space: Mapping[str, str] | None
    space_code: str | None


# In the order of the fields of OpenAlarm; the ticket is joined as far as its reader sees it.
_OPEN = (
    rows_of(
        Alarm.id,
        Alarm.site_id,
        Alarm.asset_id,
        Asset.code,
        Asset.name,
        Asset.type,
        Alarm.rule_id,
        Alarm.title,
        Alarm.severity,
        Alarm.life_safety,
        Alarm.state,
        Alarm.reason,
        Alarm.raised_at,
        Alarm.returned_at,
        Alarm.episodes,
        Ticket.number,
        Ticket.state,
        func.coalesce(Ticket.team, ""),
        func.coalesce(Ticket.former_teams, ""),
        Ticket.assignee_id,
        Ticket.reporter_id,
        Node.name,
        Node.code,
        Space.name,
        Space.code,
    )
    .join(Asset, Asset.id == Alarm.asset_id)
    .join(Node, Node.id == Alarm.site_id)
    .outerjoin(Space, Space.id == Asset.space_id)
    .where(Alarm.state != "normal")
    .order_by(
        case((Alarm.state == "acknowledged", 1), else_=0),
        Alarm.life_safety.desc(),
        case((Alarm.state == "returned_unacknowledged", 1), else_=0),
        _RANK.desc(),
        Alarm.raised_at.desc(),
    )
)


@dataclass(frozen=True, slots=True)
class UnseenAlarm:
    """An alarm that nobody has acknowledged. learned_at: when we learned of its last trip."""

    id: UUID
    site_id: UUID
    asset_id: UUID
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    learned_at: datetime


def open_alarms(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID | None = None,
    asset_id: UUID | None = None,
    permission: str = "alarms.read",
    limit: int = 50,
) -> list[OpenAlarm]:
    """Alarms that are not normal where the caller holds `permission`.

    Unseen ones first, those about lives before all others, then what still is, then the most
    severe, then the newest.
    """
    own = and_(Ticket.id == Alarm.ticket_id, scope_of(caller).condition())
    statement = _OPEN.outerjoin(Ticket, own).limit(limit)
    if site_id is not None:
        statement = statement.where(Alarm.site_id == site_id)
    if asset_id is not None:
        statement = statement.where(Alarm.asset_id == asset_id)
    rows = session.execute(scoped(statement, Alarm.site_id, caller, permission))
    return [OpenAlarm(*tuple(row)) for row in rows]


def unseen_alarms(session: Session, caller: Caller, permission: str) -> list[UnseenAlarm]:
    """Alarms that nobody has acknowledged, where the caller holds `permission`."""
    learned = (
        select(func.max(Episode.learned_at))
        .where(Episode.alarm_id == Alarm.id)
        .correlate(Alarm)
        .scalar_subquery()
    )
    statement = rows_of(
        Alarm.id,
        Alarm.site_id,
        Alarm.asset_id,
        Alarm.title,
        Alarm.severity,
        Alarm.life_safety,
        learned,
    ).where(Alarm.state.in_(UNSEEN))
    rows = session.execute(scoped(statement, Alarm.site_id, caller, permission))
    return [UnseenAlarm(*tuple(row)) for row in rows]


def standing_by_asset(
    session: Session, caller: Caller, *, site_id: UUID | None = None
) -> dict[UUID, Standing]:
    """What stands on every asset that has an open alarm; one grouped query."""
    present = case((Alarm.state.in_(PRESENT), _RANK), else_=-1)
    statement = (
        select(Alarm.asset_id, func.max(present), func.count(Alarm.id))
        .where(Alarm.state != "normal")
        .group_by(Alarm.asset_id)
    )
    if site_id is not None:
        statement = statement.where(Alarm.site_id == site_id)
    rows = session.execute(scoped(statement, Alarm.site_id, caller, "alarms.read"))
    return {
        asset_id: Standing(SEVERITIES[rank] if rank >= 0 else "ok", count)
        for asset_id, rank, count in rows
    }


def alarm_titles(
    session: Session, caller: Caller, alarm_ids: Iterable[UUID]
) -> dict[UUID, tuple[Mapping[str, str], str]]:
    """(title, asset code) of alarms, for pages that show what the log says about them."""
    statement = (
        select(Alarm.id, Alarm.title, Asset.code)
        .join(Asset, Asset.id == Alarm.asset_id)
        .where(Alarm.id.in_(list(alarm_ids)))
    )
    rows = session.execute(scoped(statement, Alarm.site_id, caller, "alarms.read"))
    return {alarm_id: (title, code) for alarm_id, title, code in rows}
