"""What the engine found, as it is written down: the finding, its ticket's draft, its proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from core import events
from rules.engine import Transition
from workflows import tickets
from workflows.alarms.model import Alarm


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What the alarm and the ticket need to know of the rule, at the version that judged."""

    rule_id: str
    version: int
    title: Mapping[str, str]
    severity: str
    life_safety: bool
    condition: str
    kind: str
    category: str
    team: str
    respond_within: timedelta | None
    resolve_within: timedelta | None
    reopen_within: timedelta
    realarm_after: timedelta
    # While work of these kinds is planned on its asset, it tells nobody: maintenance, outage.
    suppress_while: tuple[str, ...] = ()
    # After its condition is gone it stays until somebody resets it.
    latch: bool = False
    # A standing alarm that somebody saw so long ago is told again; None = never.
    realarm_standing: timedelta | None = None
    # What kind of hazard it is, so that many alarms of one cause become one incident.
    family: str | None = None
    # While an alarm of these rules stands on its asset or on what supplies it, it tells nobody.
    inhibited_by: tuple[str, ...] = ()
    # Its delay and the longest window of its condition: so far back lies what a trip rests on.
    looks_back: timedelta = timedelta(0)
    # Set when the rule is only tried: then it opens nothing and nobody is told.
    shadow: UUID | None = None


@dataclass(frozen=True, slots=True)
class PointFacts:
    """A point that a rule reads, for the evidence."""

    series: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One transition of one alarm, as the engine decided it.

    at: the moment of the transition in µs since the epoch, wall time.
    also: further facts for the evidence, for example the devices behind a silent gateway.
    """

    site_id: UUID
    asset_id: UUID
    space_id: UUID | None
    rule: RuleFacts
    transition: Transition
    at: int
    points: Mapping[str, PointFacts]
    also: Mapping[str, Any] = field(default_factory=dict)


class Faulty(Protocol):
    """A fault to be judged: of a finding, or of an alarm that stands. at: µs of its trip."""

    @property
    def site_id(self) -> UUID: ...
    @property
    def asset_id(self) -> UUID: ...
    @property
    def space_id(self) -> UUID | None: ...
    @property
    def rule(self) -> RuleFacts: ...
    @property
    def at(self) -> int: ...


@dataclass(frozen=True, slots=True)
class StandingFault:
    """What an alarm stands for, as it was written down with its last transition."""

    site_id: UUID
    asset_id: UUID
    space_id: UUID | None
    rule: RuleFacts
    at: int


_SPANS = (
    "respond_within",
    "resolve_within",
    "reopen_within",
    "realarm_after",
    "realarm_standing",
    "looks_back",
)
_WORDS = ("condition", "kind", "category", "team")


def kept_facts(rule: RuleFacts) -> dict[str, Any]:
    """What an alarm keeps of its rule beside its own columns, as JSON values; spans in seconds."""
    kept: dict[str, Any] = {name: getattr(rule, name) for name in _WORDS}
    for name in _SPANS:
        span: timedelta | None = getattr(rule, name)
        kept[name] = None if span is None else span.total_seconds()
    kept |= {"family": rule.family, "inhibited_by": list(rule.inhibited_by)}
    return {**kept, "suppress_while": list(rule.suppress_while), "latch": rule.latch}


def rule_of(alarm: Alarm, kept: Mapping[str, Any]) -> RuleFacts:
    """The facts of the rule that judged an alarm last, from what `kept_facts` kept of it."""
    spans = {
        name: None if kept.get(name) is None else timedelta(seconds=kept[name]) for name in _SPANS
    }
    return RuleFacts(
        rule_id=alarm.rule_id,
        version=alarm.rule_version,
        title=alarm.title,
        severity=alarm.severity,
        life_safety=alarm.life_safety,
        condition=kept["condition"],
        kind=kept["kind"],
        category=kept["category"],
        team=kept["team"],
        respond_within=spans["respond_within"],
        resolve_within=spans["resolve_within"],
        reopen_within=spans["reopen_within"] or timedelta(0),
        realarm_after=spans["realarm_after"] or timedelta(0),
        suppress_while=tuple(kept.get("suppress_while", ())),
        latch=bool(kept.get("latch")),
        realarm_standing=spans["realarm_standing"],
        family=kept.get("family"),
        inhibited_by=tuple(kept.get("inhibited_by", ())),
        looks_back=spans["looks_back"] or timedelta(0),
    )


def judge_of(alarm: Alarm) -> events.Actor:
    """The rule of an alarm, as whoever did it."""
    return events.Actor("rule", f"{alarm.rule_id}@{alarm.rule_version}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that a finding opened, continued or re-opened."""

    ticket_id: UUID
    number: int
    outcome: tickets.Outcome


def draft_of(finding: Faulty, at: datetime, learned_at: datetime) -> tickets.Draft:
    """The ticket that a trip asks for."""
    rule = finding.rule
    return tickets.Draft(
        site_id=finding.site_id,
        space_id=finding.space_id,
        asset_id=finding.asset_id,
        kind=rule.kind,
        category=rule.category,
        priority=rule.severity,
        life_safety=rule.life_safety,
        title=rule.title,
        team=rule.team,
        happened_at=at,
        learned_at=learned_at,
        rule_id=rule.rule_id,
        rule_version=rule.version,
        respond_within=rule.respond_within,
        resolve_within=rule.resolve_within,
    )


def proof_of(finding: Finding) -> dict[str, Any]:
    """What proves a transition, as JSON values: rule, reason and the readings that it saw."""
    inputs = []
    for item in finding.transition.inputs:
        facts = finding.points.get(item.point)
        inputs.append(
            {
                "point": item.point,
                "value": None if item.value is None else float(item.value),
                "at": item.at,
                "unit": facts.unit if facts else None,
                "series": facts.series if facts else None,
            }
        )
    return {
        "rule": finding.rule.rule_id,
        "version": finding.rule.version,
        "condition": finding.rule.condition,
        "reason": finding.transition.reason,
        "inputs": inputs,
        **finding.also,
    }
