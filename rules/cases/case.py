"""A case: what is told to one rule on one asset, and what it must decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum

from rules.expression import Branch
from rules.hours import Hours
from rules.rule import Rule, Severity
from rules.states import TransitionKind

# What a case can expect, by its key; the steps in between are told with a failure only.
DECISIONS = {
    "trip": TransitionKind.TRIPPED,
    "clear": TransitionKind.CLEARED,
    "fail": TransitionKind.FAILED,
    "recover": TransitionKind.RECOVERED,
}


class StepKind(StrEnum):
    """What happens at a step."""

    MESSAGE = "message"
    # Something was heard through the asset, as from a device behind a gateway.
    THROUGH = "through"
    # The process ends and another continues from the persisted state.
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Step:
    """`at` is event time, `received` the receipt clock; both in µs."""

    kind: StepKind
    at: int
    received: int
    # By point code, in the point's unit; booleans are 1.0 and 0.0, states their number. Those of
    # another asset by its name and the code: `pump-2/fault`.
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """A decision that must come at `at` (µs); None = whatever it is."""

    kind: TransitionKind
    at: int
    severity: Severity | None
    reason: str | None
    # Where it stands in the file.
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another asset of a case. relation: the branch that it stands on, empty = each of its type."""

    asset_type: str
    relation: str
    points: tuple[str, ...]

    def stands_on(self, branch: Branch) -> bool:
        """Whether a question about this branch is asked of it."""
        return branch.asset_type == self.asset_type and self.relation in ("", branch.relation)


@dataclass(frozen=True, slots=True)
class Case:
    """One story of one rule. Decisions after `until` (µs) are not asked for."""

    rule: Rule
    name: str
    # The points that the asset has, with their expected interval in µs, 0 = none.
    points: Mapping[str, int]
    steps: tuple[Step, ...]
    until: int
    expected: tuple[Expected, ...]
    # Whether its times are absolute, or count from its start.
    absolute: bool
    # Where the case stands in the file, and where what it expects does.
    line: int
    column: int
    expect_line: int
    expect_column: int
    # The calendars and shifts of the asset's site.
    hours: Mapping[str, Hours] = field(default_factory=dict)
    # Its local time.
    zone: tzinfo | None = None
    # The other assets that the rule asks about, by name.
    around: Mapping[str, Neighbour] = field(default_factory=dict)
