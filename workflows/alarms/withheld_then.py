"""What withheld an alarm at a moment of the past, for those who ask why it told nobody."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.people import Caller, Person, scoped
from core.places import Asset
from workflows.alarms.model import Alarm, Withholding

READ = "alarms.read"


@dataclass(frozen=True, slots=True)
class WithheldThen:
    """kind: the state of the alarm; why: shelved, maintenance, outage, inhibited, out_of_service.

    until: as it was meant to end, ended_at: when it did. cause_kind, cause_id: the planned work or
    the alarm that it was for; cause_title, cause_asset: of that alarm.
    """

    alarm_id: UUID
    kind: str
    why: str
    reason: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    one_shot: bool
    patrol: str
    asked_by_name: str | None
    confirmed_by_name: str | None
    cause_kind: str | None
    cause_id: UUID | None
    cause_title: dict[str, str] | None = None
    cause_asset: dict[str, str] | None = None


def withheld_at(
    session: Session, caller: Caller, asset_id: UUID, rule_id: str, moment: datetime
) -> WithheldThen | None:
    """What withheld the alarm of a rule on an asset then; None where people were to be told.

    None too where the caller may not see alarms.
    """
    statement = (
        select(Withholding)
        .join(Alarm, Alarm.id == Withholding.alarm_id)
        .where(
            Alarm.asset_id == asset_id,
            Alarm.rule_id == rule_id,
            Withholding.state.in_(("standing", "ended")),
            Withholding.since <= moment,
            or_(Withholding.ended_at.is_(None), Withholding.ended_at > moment),
        )
        .order_by(Withholding.since.desc(), Withholding.id.desc())
    )
    rows = session.scalars(scoped(statement, Withholding.site_id, caller, READ))
    row = next((row for row in rows if _began(session, row) <= moment), None)
    return None if row is None else _told(session, row)


def _began(session: Session, row: Withholding) -> datetime:
    """When it began to hold: what a second person had to confirm, with that."""
    if row.confirmed_by is None:
        return row.since
    confirmed = events.latest(session, ("withholding", str(row.id)), ["withholding.confirm"])
    return row.since if confirmed is None else confirmed.happened_at


def _told(session: Session, row: Withholding) -> WithheldThen:
    title, asset = None, None
    if row.cause_kind == "alarm" and row.cause_id is not None:
        cause = select(Alarm.title, Asset.name).join(Asset, Asset.id == Alarm.asset_id)
        found = session.execute(cause.where(Alarm.id == row.cause_id)).first()
        title, asset = tuple(found) if found else (None, None)
    return WithheldThen(
        row.alarm_id,
        row.kind,
        row.why,
        row.reason,
        _began(session, row),
        row.until,
        row.ended_at,
        row.one_shot,
        row.patrol,
        _name(session, row.asked_by),
        _name(session, row.confirmed_by),
        row.cause_kind,
        row.cause_id,
        title,
        asset,
    )


def _name(session: Session, person_id: UUID | None) -> str | None:
    if person_id is None:
        return None
    return session.scalar(select(Person.name).where(Person.id == person_id))
