"""Reading which alarms stand, for the tree, the live page and whoever else looks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from core.asset_names import Assets, assets_named
from core.paging import rows_of
from core.people import Caller, scoped
from core.places import Asset, Node, Space
from workflows.alarms.incident_model import Incident
from workflows.alarms.model import WITHHELD, Alarm, Episode
from workflows.tickets import Ticket
from workflows.tickets.scope import scope_of

SEVERITIES = ("low", "medium", "high", "critical")
# A returned alarm waits for somebody to see it, but the asset is well again.
PRESENT = ("unacknowledged", "acknowledged")
# These stand in no list of what is open: nothing is wrong, or a list of its own shows them.
QUIET = ("normal", *WITHHELD)
UNSEEN = ("unacknowledged", "returned_unacknowledged")
_RANK = case({name: rank for rank, name in enumerate(SEVERITIES)}, value=Alarm.severity)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on one asset. worst: the highest severity present now, or "ok".

    withheld: further alarms that are not normal only in that they are withheld.
    """

    worst: str
    alarms: int
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm that is not normal, with what a person needs to recognise it.

    chatter_count: how often it tripped since it began to chatter, 0 where it does not.
    incident_id, incident_alarms: of the incident that it is a part of, if of any, and how many
    alarms that has.
    ticket_number, ticket_state and what decides who works it (see `scope.Placed`): of its ticket,
    if it has one that its reader sees. assets: what is known of others of its site by their code.
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
    chatter_count: int
    incident_id: UUID | None
    incident_alarms: int
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
    assets: Assets = field(default_factory=dict)


_WORST_FIRST = (
    case((Alarm.state.in_(UNSEEN), 0), else_=1),
    Alarm.life_safety.desc(),
    case((Alarm.state == "returned_unacknowledged", 1), else_=0),
    _RANK.desc(),
    Alarm.raised_at.desc(),
)
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
        Alarm.chatter_count,
        Alarm.incident_id,
        func.coalesce(Incident.alarms, 0),
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
    .outerjoin(Incident, Incident.id == Alarm.incident_id)
    .where(Alarm.state.not_in(QUIET))
    .order_by(*_WORST_FIRST)
)
# Each with its place among those of its incident.
_PLACES = select(
    Alarm.id,
    func.row_number()
    .over(
        partition_by=func.coalesce(Alarm.incident_id, Alarm.id),
        order_by=(*_WORST_FIRST, Alarm.id),
    )
    .label("place"),
).where(Alarm.state.not_in(QUIET))


@dataclass(frozen=True, slots=True)
class UnseenAlarm:
    """An alarm that nobody has acknowledged. learned_at: when it was last told of."""

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
    folded: bool = False,
    limit: int = 50,
) -> list[OpenAlarm]:
    """Alarms that are neither normal nor withheld where the caller holds `permission`.

    Unseen ones first, those about lives before all others, then what still is, then the most
    severe, then the newest. What is withheld is a list of its own (`withheld_now`).
    folded: of each incident the first only; the others are on its ticket.
    """
    own = and_(Ticket.id == Alarm.ticket_id, scope_of(caller).condition())
    statement = _OPEN.outerjoin(Ticket, own).limit(limit)
    places = scoped(_PLACES, Alarm.site_id, caller, permission)
    if site_id is not None:
        statement = statement.where(Alarm.site_id == site_id)
        places = places.where(Alarm.site_id == site_id)
    if folded:
        # By the database, so that the limit counts what is shown: an incident of a hundred alarms
        # would hide all that comes after it.
        each = places.subquery()
        statement = statement.where(Alarm.id.in_(select(each.c.id).where(each.c.place == 1)))
    if asset_id is not None:
        statement = statement.where(Alarm.asset_id == asset_id)
    rows = session.execute(scoped(statement, Alarm.site_id, caller, permission))
    found = [OpenAlarm(*tuple(row)) for row in rows]
    named = assets_named(session, ((each.site_id, each.reason) for each in found))
    return [replace(each, assets=named[each.site_id]) for each in found]


def unseen_alarms(session: Session, caller: Caller, permission: str) -> list[UnseenAlarm]:
    """Alarms that nobody has acknowledged, where the caller holds `permission`."""
    learned = (
        # One that was withheld, or told again, is news since then.
        select(func.max(func.coalesce(Episode.announced_at, Episode.learned_at)))
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
    """What stands on every asset that has an alarm which is open or withheld; one query."""
    present = case((Alarm.state.in_(PRESENT), _RANK), else_=-1)
    statement = (
        select(
            Alarm.asset_id,
            func.max(present),
            func.sum(case((Alarm.state.in_(WITHHELD), 0), else_=1)),
            func.sum(case((Alarm.state.in_(WITHHELD), 1), else_=0)),
        )
        .where(Alarm.state != "normal")
        .group_by(Alarm.asset_id)
    )
    if site_id is not None:
        statement = statement.where(Alarm.site_id == site_id)
    rows = session.execute(scoped(statement, Alarm.site_id, caller, "alarms.read"))
    return {
        asset_id: Standing(SEVERITIES[rank] if rank >= 0 else "ok", count, withheld)
        for asset_id, rank, count, withheld in rows
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
