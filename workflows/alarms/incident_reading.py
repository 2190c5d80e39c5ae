"""Reading incidents: lists for programs, and what the page of a ticket shows."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from core.asset_names import name_assets
from core.clock import from_micros
from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset, Space
from rules.wording import worded
from workflows.alarms.incident_model import Incident, IncidentChild
from workflows.alarms.incidents import WINDOW
from workflows.alarms.model import Alarm, Episode
from workflows.alarms.reading import READ
from workflows.alarms.releasing import STANDS
from workflows.tickets import ENDED, Ticket, with_merged
from workflows.tickets.scope import scope_of

# So many alarms beside an incident are shown.
_MOST_BESIDE = 50


def _statement(caller: Caller) -> Select[Any]:
    standing = (
        select(func.count())
        .select_from(IncidentChild)
        .join(Alarm, Alarm.id == IncidentChild.alarm_id)
        .where(
            IncidentChild.incident_id == Incident.id,
            IncidentChild.split_at.is_(None),
            Alarm.phase.in_(STANDS),
        )
        .correlate(Incident)
        .scalar_subquery()
    )
    # An incident is for everybody who reads alarms, its ticket for its team.
    own = and_(Ticket.id == Incident.ticket_id, scope_of(caller).condition())
    statement = (
        rows_of(
            Incident.id,
            Incident.site_id,
            Incident.family,
            Incident.root_kind,
            Incident.root_id,
            Incident.first_micros,
            Incident.last_micros,
            Incident.learned_at,
            Incident.alarms,
            standing.label("standing"),
            Ticket.id.label("ticket_id"),
            Ticket.number.label("ticket_number"),
            Ticket.state.label("ticket_state"),
        )
        .select_from(Incident)
        .outerjoin(Ticket, own)
    )
    return scoped(statement, Incident.site_id, caller, READ)


def list_incidents(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    going_on: bool | None = None,
) -> Page[dict[str, Any]]:
    """Incidents that the caller may read, the newest first. Keys: learned_at, id.

    going_on: only those whose ticket has not ended, or only the others.
    """
    statement = _statement(caller)
    if site_id is not None:
        statement = statement.where(Incident.site_id == site_id)
    if going_on is not None:
        whole = aliased(Ticket)
        ended = (
            select(whole.id)
            .where(whole.id == Incident.ticket_id, whole.state.in_(ENDED))
            .correlate(Incident)
            .exists()
        )
        statement = statement.where(~ended if going_on else ended)
    page = newest_first(session, statement, (Incident.learned_at, Incident.id), wish, _timed)
    _name_roots(session, page.items)
    return page


def describe_incident(session: Session, caller: Caller, incident_id: UUID) -> dict[str, Any]:
    """One incident with its alarms, and those beside it; NotFound when it is not theirs to read."""
    row = session.execute(_statement(caller).where(Incident.id == incident_id)).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such incident"),
            advice=worded("Look for it in the list of incidents."),
        )
    return _whole(session, caller, dict(row))


def incidents_of(session: Session, caller: Caller, ticket_id: UUID) -> list[dict[str, Any]]:
    """The incidents that a ticket, or one merged into it, stands for, whole, oldest first."""
    family = with_merged(session, ticket_id)
    statement = _statement(caller).where(Incident.ticket_id.in_(family))
    rows = session.execute(statement.order_by(Incident.first_micros)).mappings().all()
    return [_whole(session, caller, dict(row)) for row in rows]


def _whole(session: Session, caller: Caller, row: dict[str, Any]) -> dict[str, Any]:
    first, last = row["first_micros"], row["last_micros"]
    item = _timed(row)
    _name_roots(session, [item])
    item["children"] = _children(session, item["id"])
    inside = [child["alarm_id"] for child in item["children"] if child["split_at"] is None]
    item["beside"] = _beside(session, caller, item["site_id"], (first, last), inside)
    return item


def _timed(row: Any) -> dict[str, Any]:
    item = dict(row)
    item["first_at"] = from_micros(item.pop("first_micros"))
    item["last_at"] = from_micros(item.pop("last_micros"))
    return item


def _name_roots(session: Session, items: Iterable[dict[str, Any]]) -> None:
    """What the common cause is called: the equipment, the building, or the alarm."""
    rows = list(items)
    wanted = {item["root_id"] for item in rows}
    names: dict[UUID, dict[str, str]] = {}
    for key, name in (
        (Asset.id, Asset.name),
        (Space.id, Space.name),
        (Alarm.id, Alarm.title),
    ):
        names |= {
            one: text for one, text in session.execute(select(key, name).where(key.in_(wanted)))
        }
    for item in rows:
        item["root"] = names.get(item["root_id"], {})


def _children(session: Session, incident_id: UUID) -> list[dict[str, Any]]:
    statement = (
        rows_of(
            Alarm.id.label("alarm_id"),
            Alarm.site_id,
            Alarm.title,
            Alarm.severity,
            Alarm.state,
            Alarm.reason,
            Alarm.phase,
            Alarm.asset_id,
            Asset.code.label("asset_code"),
            Asset.name.label("asset_name"),
            Asset.type.label("asset_type"),
            IncidentChild.tripped_micros,
            IncidentChild.split_at,
        )
        .join(IncidentChild, IncidentChild.alarm_id == Alarm.id)
        .join(Asset, Asset.id == Alarm.asset_id)
        .where(IncidentChild.incident_id == incident_id)
        .order_by(IncidentChild.tripped_micros, Alarm.id)
    )
    rows = [dict(row) for row in session.execute(statement).mappings()]
    name_assets(session, rows)
    return [_child(row) for row in rows]


def _child(item: dict[str, Any]) -> dict[str, Any]:
    item.pop("site_id")
    item["tripped_at"] = from_micros(item.pop("tripped_micros"))
    item["standing"] = item.pop("phase") in STANDS
    return item


def _beside(
    session: Session,
    caller: Caller,
    site_id: UUID,
    span: tuple[int, int],
    inside: list[UUID],
) -> list[dict[str, Any]]:
    """Alarms of the site that tripped around the same time and are no part of it."""
    own = and_(Ticket.id == Episode.ticket_id, scope_of(caller).condition())
    statement = (
        rows_of(
            Alarm.id.label("alarm_id"),
            Alarm.title,
            Alarm.severity,
            Alarm.life_safety,
            Alarm.asset_id,
            Asset.name.label("asset_name"),
            func.min(Episode.tripped_micros).label("tripped"),
            func.max(Ticket.number).label("ticket_number"),
        )
        .join(Episode, Episode.alarm_id == Alarm.id)
        .join(Asset, Asset.id == Alarm.asset_id)
        .outerjoin(Ticket, own)
        .where(
            Episode.site_id == site_id,
            Episode.tripped_micros.between(span[0] - WINDOW, span[1] + WINDOW),
            Alarm.id.not_in(inside),
        )
        .group_by(Alarm.id, Asset.id)
        .order_by(Alarm.life_safety.desc(), func.min(Episode.tripped_micros))
        .limit(_MOST_BESIDE)
    )
    found = []
    for row in session.execute(statement).mappings():
        item = dict(row)
        item["tripped_at"] = from_micros(item.pop("tripped"))
        found.append(item)
    return found
