"""Reading alarms and their episodes: lists of plain rows for programs and pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from core.asset_names import name_assets
from core.clock import from_micros
from core.db import Instant
from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset
from rules.wording import worded
from workflows.alarms.incident_model import Incident
from workflows.alarms.model import ALARM, WITHHELD, Alarm, Episode, Withholding
from workflows.alarms.withheld_now import silences
from workflows.tickets.scope import scope_of, seen_of

READ = "alarms.read"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
STATE_GROUPS: Mapping[str, tuple[str, ...] | None] = MappingProxyType(
    {
        "active": tuple(state for state in ALARM.statuses if state != "normal"),
        "all": None,
        "withheld": WITHHELD,
        **{state: (state,) for state in ALARM.statuses},
    }
)
_LIST = (
    rows_of(
        Alarm.id,
        Alarm.site_id,
        Alarm.asset_id,
        Asset.code.label("asset_code"),
        Asset.name.label("asset_name"),
        Alarm.rule_id,
        Alarm.rule_version,
        Alarm.title,
        Alarm.severity,
        Alarm.life_safety,
        Alarm.state,
        Alarm.phase,
        Alarm.reason,
        Alarm.failing,
        Alarm.raised_at,
        Alarm.returned_at,
        Alarm.episodes,
        Alarm.chatter_since,
        Alarm.chatter_count,
        Alarm.incident_id,
        func.coalesce(Incident.alarms, 0).label("incident_alarms"),
        Alarm.ticket_id,
        Alarm.version,
        Alarm.realarm_due,
    )
    .join(Asset, Asset.id == Alarm.asset_id)
    .outerjoin(Incident, Incident.id == Alarm.incident_id)
)
_EPISODES = (
    rows_of(
        Episode.id,
        Episode.site_id,
        Episode.alarm_id,
        Alarm.rule_id,
        Alarm.asset_id,
        Asset.code.label("asset_code"),
        Episode.rule_version,
        Episode.tripped_micros,
        Episode.cleared_micros,
        Episode.learned_at,
        Episode.acknowledged_at,
        Episode.acknowledged_by,
        Episode.reason,
        Episode.ticket_id,
        Episode.announced_at,
        Withholding.why.label("withheld"),
        Episode.trips,
        Episode.chattered_until,
    )
    .outerjoin(Withholding, Withholding.id == Episode.withholding_id)
    .join(Alarm, Alarm.id == Episode.alarm_id)
    .join(Asset, Asset.id == Alarm.asset_id)
)


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms or episodes are wanted; what is None does not restrict."""

    states: tuple[str, ...] | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    rule_id: str | None = None
    alarm_id: UUID | None = None
    chattering: bool | None = None

    def restrict(self, statement: Select[Any]) -> Select[Any]:
        """The statement with every given restriction."""
        exact = {
            Alarm.site_id: self.site_id,
            Alarm.asset_id: self.asset_id,
            Alarm.rule_id: self.rule_id,
            Alarm.id: self.alarm_id,
        }
        for column, value in exact.items():
            if value is not None:
                statement = statement.where(column == value)
        if self.states is not None:
            statement = statement.where(Alarm.state.in_(self.states))
        if self.chattering is not None:
            statement = statement.where(Alarm.chatter_since.is_not(None) == self.chattering)
        return statement


def states_named(word: str) -> tuple[str, ...] | None:
    """Status names from `active` (all but normal), `withheld`, `all` or one; None is every status.

    Raises Invalid for a name that no alarm can have.
    """
    if word not in STATE_GROUPS:
        known = ", ".join(STATE_GROUPS)
        raise Invalid(
            worded("there is no such status"),
            problems=[worded("state: %(word)s is none of %(known)s", word=repr(word), known=known)],
        )
    return STATE_GROUPS[word]


def list_alarms(
    session: Session, caller: Caller, wanted: AlarmFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Alarms that the caller may read, the last raised first. Keys: raised_at, id.

    ticket_id is None as well where the ticket is not theirs to read.
    """
    statement = wanted.restrict(scoped(_LIST, Alarm.site_id, caller, READ))
    # One that never tripped, because its delay still runs, comes last.
    raised = func.coalesce(Alarm.raised_at, literal(LONG_AGO, Instant))
    page = newest_first(session, statement, (raised, Alarm.id), wish)
    name_assets(session, page.items)
    _hide_tickets(session, caller, page.items)
    _say_what_withholds(session, page.items)
    return page


def list_episodes(
    session: Session, caller: Caller, wanted: AlarmFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Episodes that the caller may read, the last tripped first. Keys: tripped_micros, id."""
    statement = wanted.restrict(scoped(_EPISODES, Episode.site_id, caller, READ))
    page = newest_first(session, statement, (Episode.tripped_micros, Episode.id), wish, _episode)
    name_assets(session, page.items)
    _hide_tickets(session, caller, page.items)
    return page


def _hide_tickets(session: Session, caller: Caller, items: Iterable[dict[str, Any]]) -> None:
    """Name no ticket that the caller may not read: an alarm is everybody's, its ticket a team's."""
    scope = scope_of(caller)
    asked = [item for item in items if item["ticket_id"] and item["site_id"] not in scope.whole]
    if not asked:
        return
    seen = seen_of(session, scope, {item["ticket_id"] for item in asked})
    for item in asked:
        if item["ticket_id"] not in seen:
            item["ticket_id"] = None


def _say_what_withholds(session: Session, items: Iterable[dict[str, Any]]) -> None:
    """withheld: what keeps an alarm from telling anybody, None where it speaks."""
    listed = list(items)
    held = silences(session, [item["id"] for item in listed if item["state"] in WITHHELD])
    for item in listed:
        silence = held.get(item["id"])
        item["withheld"] = None if silence is None else silence.shown()


def _episode(row: Mapping[str, Any]) -> dict[str, Any]:
    item = dict(row)
    cleared = item.pop("cleared_micros")
    item["tripped_at"] = from_micros(item.pop("tripped_micros"))
    item["cleared_at"] = None if cleared is None else from_micros(cleared)
    return item


def find_alarm(
    session: Session, caller: Caller, alarm_id: UUID, *, to_change: bool = False
) -> Alarm:
    """One alarm that the caller may read; NotFound otherwise. to_change: lock it until commit."""
    statement = scoped(select(Alarm).where(Alarm.id == alarm_id), Alarm.site_id, caller, READ)
    if to_change:
        statement = statement.with_for_update(of=Alarm)
    alarm = session.scalars(statement).first()
    if alarm is None:
        raise NotFound(
            worded("there is no such alarm"), advice=worded("Look for it in the list of alarms.")
        )
    return alarm


def describe_alarm(session: Session, caller: Caller, alarm_id: UUID) -> dict[str, Any]:
    """One alarm as the list shows it; NotFound when the caller may not read it."""
    statement = scoped(_LIST.where(Alarm.id == alarm_id), Alarm.site_id, caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such alarm"), advice=worded("Look for it in the list of alarms.")
        )
    item = dict(row)
    name_assets(session, [item])
    _hide_tickets(session, caller, [item])
    _say_what_withholds(session, [item])
    return item
