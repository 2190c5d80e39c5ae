"""The two halves of an alarm's life, which mirror each other: tripping and clearing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rules.rule import Delay, Rule
from rules.states import Phase, TransitionKind


@dataclass(frozen=True, slots=True)
class Leg:
    """From rest, through a delay, to the other leg's rest."""

    rest: Phase
    running: Phase
    end: Phase
    begins: TransitionKind
    drops: TransitionKind
    ends: TransitionKind

    def delay(self, rule: Rule) -> Delay:
        """The rule's delay on this leg."""
        return rule.on_delay if self is TRIPPING else rule.off_delay


TRIPPING = Leg(
    rest=Phase.NORMAL,
    running=Phase.PENDING,
    end=Phase.ACTIVE,
    begins=TransitionKind.PENDING,
    drops=TransitionKind.ABANDONED,
    ends=TransitionKind.TRIPPED,
)
CLEARING = Leg(
    rest=Phase.ACTIVE,
    running=Phase.CLEARING,
    end=Phase.NORMAL,
    begins=TransitionKind.CLEARING,
    drops=TransitionKind.RESUMED,
    ends=TransitionKind.CLEARED,
)
LEGS: Mapping[Phase, Leg] = MappingProxyType(
    {phase: leg for leg in (TRIPPING, CLEARING) for phase in (leg.rest, leg.running)}
)
