"""Reading what is withheld: of some alarms, and as a list of its own."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session, aliased

from core.errors import Invalid, NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Node
from rules.wording import worded
from workflows.alarms.model import WITHHELD, WITHHOLDING, Alarm, Withholding

READ = "alarms.read"
_ASKED, _CONFIRMED = aliased(Person), aliased(Person)


@dataclass(frozen=True, slots=True)
class Silence:
    """What withholds an alarm. until: None where it ends when the alarm clears, or its cause.

    asked_by, confirmed_by: the names of who did; of planned work and other causes nobody's.
    """

    id: UUID
    kind: str
    why: str
    reason: str
    since: datetime
    until: datetime | None
    one_shot: bool
    patrol: str
    asked_by_id: UUID | None
    asked_by: str | None
    confirmed_by: str | None
    cause_kind: str | None
    cause_id: UUID | None

    def shown(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


_COLUMNS = (
    Withholding.id,
    Withholding.kind,
    Withholding.why,
    Withholding.reason,
    Withholding.since,
    Withholding.until,
    Withholding.one_shot,
    Withholding.patrol,
    Withholding.asked_by,
    _ASKED.name,
    _CONFIRMED.name,
    Withholding.cause_kind,
    Withholding.cause_id,
)
_SILENCES = (
    rows_of(Withholding.alarm_id, *_COLUMNS)
    .outerjoin(_ASKED, _ASKED.id == Withholding.asked_by)
    .outerjoin(_CONFIRMED, _CONFIRMED.id == Withholding.confirmed_by)
)


def silences(
    session: Session, alarm_ids: Iterable[UUID], state: str = "standing"
) -> dict[UUID, Silence]:
    """What withholds each of these alarms now; or, asked, is to put it out of service."""
    wanted = list(alarm_ids)
    if not wanted:
        return {}
    statement = _SILENCES.where(Withholding.alarm_id.in_(wanted), Withholding.state == state)
    return {row[0]: Silence(*tuple(row)[1:]) for row in session.execute(statement)}


@dataclass(frozen=True, slots=True)
class WithheldFilter:
    """Which withholdings are wanted; what is None does not restrict."""

    state: str = "standing"
    kind: str | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    alarm_id: UUID | None = None

    def restrict(self, statement: Select[Any]) -> Select[Any]:
        """The statement with every given restriction. Invalid for words that mean nothing."""
        problems = []
        if self.state != "all" and self.state not in WITHHOLDING.statuses:
            known = ", ".join((*WITHHOLDING.statuses, "all"))
            problems.append(
                worded("state: %(state)s is none of %(known)s", state=repr(self.state), known=known)
            )
        if self.kind is not None and self.kind not in WITHHELD:
            problems.append(
                worded(
                    "kind: %(kind)s is none of %(known)s",
                    kind=repr(self.kind),
                    known=", ".join(WITHHELD),
                )
            )
        if problems:
            raise Invalid(worded("there is no such list"), problems=problems)
        if self.state != "all":
            statement = statement.where(Withholding.state == self.state)
        exact = {
            Withholding.kind: self.kind,
            Withholding.site_id: self.site_id,
            Withholding.alarm_id: self.alarm_id,
            Alarm.asset_id: self.asset_id,
        }
        for column, value in exact.items():
            if value is not None:
                statement = statement.where(column == value)
        return statement


_LIST = (
    rows_of(
        Withholding.id,
        Withholding.site_id,
        Node.name.label("site_name"),
        Node.code.label("site_code"),
        Withholding.alarm_id,
        Alarm.rule_id,
        Alarm.title,
        Alarm.severity,
        Alarm.life_safety,
        Alarm.phase,
        Alarm.asset_id,
        Asset.code.label("asset_code"),
        Asset.name.label("asset_name"),
        Withholding.kind,
        Withholding.why,
        Withholding.state,
        Withholding.version,
        Withholding.reason,
        Withholding.patrol,
        Withholding.one_shot,
        Withholding.since,
        Withholding.until,
        Withholding.ended_at,
        Withholding.asked_by,
        _ASKED.name.label("asked_by_name"),
        Withholding.confirmed_by,
        _CONFIRMED.name.label("confirmed_by_name"),
        Withholding.cause_kind,
        Withholding.cause_id,
    )
    .join(Alarm, Alarm.id == Withholding.alarm_id)
    .join(Asset, Asset.id == Alarm.asset_id)
    .join(Node, Node.id == Withholding.site_id)
    .outerjoin(_ASKED, _ASKED.id == Withholding.asked_by)
    .outerjoin(_CONFIRMED, _CONFIRMED.id == Withholding.confirmed_by)
)


def list_withheld(
    session: Session,
    caller: Caller,
    wanted: WithheldFilter,
    wish: Wish,
    permission: str = READ,
) -> Page[dict[str, Any]]:
    """What withholds alarms where the caller holds `permission`, last first. Keys: since, id.

    stands: whether the condition of the alarm holds, so that it would be told if nothing did.
    """
    statement = wanted.restrict(scoped(_LIST, Withholding.site_id, caller, permission))
    return newest_first(session, statement, (Withholding.since, Withholding.id), wish, _item)


def withheld_first(
    session: Session,
    caller: Caller,
    wanted: WithheldFilter,
    limit: int,
    permission: str = READ,
) -> tuple[list[dict[str, Any]], bool]:
    """So much of what `list_withheld` lists, and whether there is more of it.

    What is out of service comes before all else: one outage suppresses hundreds of alarms.
    """
    statement = wanted.restrict(scoped(_LIST, Withholding.site_id, caller, permission))
    order = case((Withholding.kind == "out_of_service", 0), else_=1)
    ordered = statement.order_by(order, Withholding.since.desc(), Withholding.id.desc())
    rows = session.execute(ordered.limit(limit + 1)).mappings().all()
    return [_item(row) for row in rows[:limit]], len(rows) > limit


def place_of(session: Session, caller: Caller, withholding_id: UUID) -> tuple[datetime, UUID]:
    """After what the list goes on; NotFound where the caller may not read it."""
    statement = select(Withholding.since).where(Withholding.id == withholding_id)
    since = session.scalar(scoped(statement, Withholding.site_id, caller, READ))
    if since is None:
        raise NotFound(
            worded("there is no such request"), advice=worded("Look for it in the list of alarms.")
        )
    return since, withholding_id


def _item(row: Any) -> dict[str, Any]:
    item = dict(row)
    item["stands"] = item.pop("phase") in ("active", "clearing")
    return item


def describe_withholding(session: Session, caller: Caller, withholding_id: UUID) -> dict[str, Any]:
    """One withholding as the list shows it; the caller found it already."""
    statement = scoped(
        _LIST.where(Withholding.id == withholding_id), Withholding.site_id, caller, READ
    )
    return _item(session.execute(statement).mappings().one())
