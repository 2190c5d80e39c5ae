"""Alarms that nobody judges any more: their rule was retired, or what they listened to.

So is one whose rule judges equipment of another type by now.

Such an alarm would stand for ever: it would go on inhibiting others, be told again every few
hours, and be announced when its shelving ends, for a rule that nobody wants. So it is over. Its
ticket stays as it is, for nobody has measured that the fault is gone: people end it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from core import events
from core.clock import to_micros
from core.devices import Device, Point
from core.lifecycle import move
from core.places import Asset, Node
from core.rulebook import RuleVersion, holding_at
from core.site_file import load_catalog
from rules.catalog import ANY
from rules.document import load_rules
from workflows.alarms.inhibition import release_inhibited
from workflows.alarms.knowing import judged_type
from workflows.alarms.model import ALARM, WITHHELD, Alarm
from workflows.alarms.releasing import STANDS, open_episode, release

_STATES = ("unacknowledged", "acknowledged", *WITHHELD)
_SITE, _PLACE = aliased(Node), aliased(Node)
_OF_RULE = RuleVersion.rule_id == Alarm.rule_id
_HOLDS = (
    exists()
    .where(_OF_RULE, RuleVersion.active)
    .where(_PLACE.id == RuleVersion.node_id, _SITE.id == Alarm.site_id)
    .where(func.substr(_SITE.path, 1, func.length(_PLACE.path)) == _PLACE.path)
)
# Only what was there once can be gone.
_WAS_RETIRED = exists().where(_OF_RULE, RuleVersion.ended_at.is_not(None))
_WAS_CHANGED = exists().where(_OF_RULE, RuleVersion.version > 1)


def _device(*states: str) -> ColumnElement[bool]:
    """Whether the asset of an alarm has a device in one of these states, or is fed by one."""
    fed = exists().where(
        Point.asset_id == Alarm.asset_id, Device.id == Point.device_id, Device.state.in_(states)
    )
    return or_(fed, exists().where(Device.asset_id == Alarm.asset_id, Device.state.in_(states)))


_RULE_IS_GONE = and_(_WAS_RETIRED, ~_HOLDS)
# One person retires a device, which is too few to end an alarm about lives.
_A_DEVICE_IS_GONE = and_(~Alarm.life_safety, _device("retired"))
_THERE = ("active", "waiting")
_STANDS = and_(Alarm.state.in_(_STATES), Alarm.phase.in_(STANDS))
_MOST = 200


def forsaken(session: Session) -> list[UUID]:
    """Alarms that stand although nothing can ever clear them."""
    stands = select(Alarm).where(_STANDS, or_(_RULE_IS_GONE, _A_DEVICE_IS_GONE))
    found = [alarm.id for alarm in session.scalars(stands).all() if _is_forsaken(session, alarm)]
    return list(dict.fromkeys([*found, *_of_other_types(session)]))[:_MOST]


def _of_other_types(session: Session) -> list[UUID]:
    """Alarms whose rule judges equipment of another type since it was changed."""
    statement = (
        select(Alarm.id, Alarm.site_id, Alarm.rule_id, Asset.type)
        .join(Asset, Asset.id == Alarm.asset_id)
        .where(_STANDS, _WAS_CHANGED)
    )
    by_site: dict[UUID, list[tuple[UUID, str, str]]] = defaultdict(list)
    for alarm_id, site_id, rule_id, kind in session.execute(statement):
        by_site[site_id].append((alarm_id, rule_id, kind))
    found: list[UUID] = []
    for site_id, alarms in by_site.items():
        held = holding_at(session, site_id, {rule_id for _, rule_id, _ in alarms})
        found += [
            alarm_id
            for alarm_id, rule_id, kind in alarms
            if rule_id in held and _is_of_another(held[rule_id], kind)
        ]
    return found


def _is_of_another(version: RuleVersion, asset_type: str) -> bool:
    return judged_type(version.document) not in (None, ANY, asset_type)


def _is_forsaken(session: Session, alarm: Alarm) -> bool:
    if alarm.phase not in STANDS:
        return False
    this = select(Alarm.id).where(Alarm.id == alarm.id)
    if session.scalar(this.where(_RULE_IS_GONE)) is not None:
        return True
    version = holding_at(session, alarm.site_id, [alarm.rule_id]).get(alarm.rule_id)
    if version is not None:
        kind = session.scalar(select(Asset.type).where(Asset.id == alarm.asset_id))
        if kind is not None and _is_of_another(version, kind):
            return True
    gone = session.scalar(this.where(_A_DEVICE_IS_GONE)) is not None
    return gone and not _is_fed(session, alarm, version)


def _is_fed(session: Session, alarm: Alarm, version: RuleVersion | None) -> bool:
    """Whether a device that is there says what the rule judges its asset by.

    Or others do, or events: then nobody can tell that nothing will ever clear it.
    """
    codes: Sequence[str] = ()
    if version is not None:
        rules = load_rules(version.document, version.rule_id, load_catalog(session)).rules
        if not rules or rules[0].groups:
            return True
        conditions = (rules[0].when, *([rules[0].clear_when] if rules[0].clear_when else []))
        if any(point.kind == "event" for each in conditions for point in each.points):
            return True
        if not (rules[0].watches_every_point or rules[0].when.watches_path):
            codes = rules[0].points
    if not codes:
        there = select(Alarm.id).where(Alarm.id == alarm.id, _device(*_THERE))
        return session.scalar(there) is not None
    fed = (
        select(Point.id)
        .join(Device, Device.id == Point.device_id)
        .where(Point.asset_id == alarm.asset_id, Point.code.in_(codes), Device.state.in_(_THERE))
    )
    return session.scalar(fed.limit(1)) is not None


def let_go(session: Session, alarm_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """End an alarm that nobody judges; 0 where it is judged again, or stands no more."""
    alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
    if not _is_forsaken(session, alarm):
        return 0
    alarm.phase, alarm.count = "normal", 0
    alarm.since = alarm.due = alarm.due_receipt = alarm.failing = None
    alarm.returned_at, alarm.realarm_due = now, None
    episode = open_episode(session, alarm)
    if episode is not None:
        episode.cleared_micros = max(to_micros(now), episode.tripped_micros)
    session.flush()
    if alarm.state in WITHHELD:
        release(session, alarm, "forsaken", actor=actor, now=now)
    elif alarm.state in ALARM.moves["clear"]:
        move(session, alarm, ALARM, "clear", actor=actor, learned_at=now)
    release_inhibited(session, alarm, now)
    session.flush()
    return 1
