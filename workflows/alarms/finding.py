"""What the engine found, as it is written down: the finding, its ticket's draft, its proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rules.engine import Transition
from workflows import tickets


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


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket that a finding opened, continued or re-opened."""

    ticket_id: UUID
    number: int
    outcome: tickets.Outcome


def draft_of(finding: Finding, at: datetime, learned_at: datetime) -> tickets.Draft:
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


def proof_of(finding: Finding, episode_id: UUID) -> dict[str, Any]:
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
        "episode": str(episode_id),
        "rule": finding.rule.rule_id,
        "version": finding.rule.version,
        "condition": finding.rule.condition,
        "reason": finding.transition.reason,
        "inputs": inputs,
        **finding.also,
    }
