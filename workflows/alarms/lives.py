"""A rule that becomes one about lives takes the silence from its alarms.

What people shelved, or planned work suppressed, was an ordinary alarm then. Two people put a
version into force by which lives depend on it, so from then on only what two people confirmed
may withhold it.
"""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.rulebook import RuleVersion, holding_at
from workflows.alarms.model import Alarm, Withholding
from workflows.alarms.releasing import release
from workflows.alarms.withholding import standing_of

# Of one alarm two people have agreed that it may be silent.
_BY_ONE = or_(Withholding.kind != "out_of_service", Withholding.confirmed_by.is_(None))


def became_of_lives(session: Session) -> list[UUID]:
    """Alarms about lives of which their row does not know it, or that are withheld all the same."""
    silent = (
        select(Alarm.id)
        .join(Withholding, Withholding.alarm_id == Alarm.id)
        .where(Withholding.state == "standing", _BY_ONE, Alarm.life_safety)
    )
    rules = select(RuleVersion.rule_id).where(RuleVersion.active, RuleVersion.life_safety)
    ordinary = select(Alarm.id, Alarm.site_id, Alarm.rule_id).where(
        Alarm.rule_id.in_(rules), Alarm.life_safety.is_(False)
    )
    by_site: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for alarm_id, site_id, rule_id in session.execute(ordinary):
        by_site[site_id].append((alarm_id, rule_id))
    found = list(session.scalars(silent))
    for site_id, alarms in by_site.items():
        held = holding_at(session, site_id, {rule_id for _, rule_id in alarms})
        found += [
            alarm_id
            for alarm_id, rule_id in alarms
            if rule_id in held and held[rule_id].life_safety
        ]
    return sorted(set(found))


def take_silence_away(
    session: Session, alarm_id: UUID, *, now: datetime, actor: events.Actor
) -> int:
    """Let an alarm be one about lives; what withheld it without a second person ends.

    If it stands it is announced at once. 0 where it is none about lives any more.
    """
    alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
    version = holding_at(session, alarm.site_id, [alarm.rule_id]).get(alarm.rule_id)
    if version is not None:
        if not version.life_safety:
            return 0
        alarm.life_safety, alarm.severity = True, version.severity
        alarm.title = dict(version.title)
    row = standing_of(session, alarm.id)
    if row is not None and (row.kind != "out_of_service" or row.confirmed_by is None):
        release(session, alarm, "of_lives", actor=actor, now=now)
    session.flush()
    return 1
