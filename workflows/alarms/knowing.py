"""Alarms that never tripped: known by their rule and asset, so that they can be withheld too."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from core.people import Caller, scoped
from core.places import Asset
from core.rulebook import RuleVersion, holding_at
from rules.catalog import ANY
from rules.located_yaml import LocatedYamlError, load_all
from rules.wording import worded
from workflows.alarms.model import Alarm
from workflows.alarms.reading import READ


@dataclass(frozen=True, slots=True)
class RuleOnAsset:
    """A rule in force for an asset. alarm_id: of its alarm, where there is one already."""

    rule_id: str
    title: dict[str, str]
    severity: str
    life_safety: bool
    alarm_id: UUID | None
    state: str


def rules_on(session: Session, asset: Asset) -> list[RuleOnAsset]:
    """The rules in force that judge assets of its type on its site, by their ids."""
    found = {
        alarm.rule_id: alarm
        for alarm in session.scalars(select(Alarm).where(Alarm.asset_id == asset.id))
    }
    listed = []
    for version in _versions(session, asset):
        alarm = found.get(version.rule_id)
        listed.append(
            RuleOnAsset(
                version.rule_id,
                dict(version.title),
                version.severity,
                version.life_safety,
                alarm.id if alarm else None,
                alarm.state if alarm else "normal",
            )
        )
    return listed


@lru_cache(maxsize=4096)
def judged_type(document: str) -> str | None:
    """Which type of asset a rule judges; no more of it is read, and a version never changes."""
    try:
        found = next((each.value for each in load_all(document, "rule", aliases=False)), None)
    except LocatedYamlError:
        return None
    applies = found.get("applies_to") if isinstance(found, dict) else None
    named = applies.get("asset_type") if isinstance(applies, dict) else None
    return named if isinstance(named, str) else None


def _versions(session: Session, asset: Asset) -> list[RuleVersion]:
    """The versions that judge an asset, by their rules."""
    held = sorted(holding_at(session, asset.site_id).items())
    return [row for _, row in held if judged_type(row.document) in (asset.type, ANY)]


def is_of_lives(session: Session, alarm: Alarm) -> bool:
    """Whether lives depend on an alarm, by the version in force of its rule.

    Its row says so of the version that judged it last, which may have been another.
    """
    version = holding_at(session, alarm.site_id, [alarm.rule_id]).get(alarm.rule_id)
    return alarm.life_safety if version is None else version.life_safety


def known_alarm(session: Session, caller: Caller, asset_id: UUID, rule_id: str) -> Alarm:
    """The alarm of a rule on an asset, made where it never did anything yet.

    NotFound where the caller may not read alarms of the asset, or the rule does not judge it.
    """
    statement = scoped(select(Asset).where(Asset.id == asset_id), Asset.site_id, caller, READ)
    asset = session.scalars(statement).first()
    if asset is None:
        raise NotFound(worded("there is no such asset, or you may not see it"))
    standing = (
        select(Alarm).where(Alarm.asset_id == asset_id, Alarm.rule_id == rule_id).with_for_update()
    )
    alarm = session.scalars(standing).first()
    if alarm is not None:
        return alarm
    version = next((one for one in _versions(session, asset) if one.rule_id == rule_id), None)
    if version is None:
        raise NotFound(
            worded("no rule %(rule_id)s judges this asset", rule_id=repr(rule_id)),
            advice=worded("Look at the rules in force."),
        )
    alarm = Alarm(
        id=new_id(),
        site_id=asset.site_id,
        asset_id=asset_id,
        rule_id=rule_id,
        rule_version=version.version,
        title=dict(version.title),
        severity=version.severity,
        life_safety=version.life_safety,
        state="normal",
        version=1,
        episodes=0,
    )
    try:
        with session.begin_nested():
            session.add(alarm)
            session.flush()
    except IntegrityError:
        # It tripped for the first time at this moment, or somebody else asked for it.
        return session.scalars(standing).one()
    return alarm
