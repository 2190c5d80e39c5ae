"""What came of a replay: the episodes of each asset, and what could not be judged."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.states import Input, Phase, Transition, TransitionKind

# What a rule does more often on one asset is flapping, and would only fill the memory.
MOST = 20_000


class TooOften(Exception):
    """A rule trips, or fails, so often on one asset that there is no sense in going on."""


@dataclass(slots=True)
class Episode:
    """From a trip to its clearing; times in µs, `cleared_at` None while it still stands."""

    tripped_at: int
    reason: str
    inputs: tuple[Input, ...] = ()
    cleared_at: int | None = None
    cleared_for: str = ""


@dataclass(slots=True)
class Outcome:
    """Everything that one rule did on one asset.

    pending: how often its on-delay began; abandoned: how often it did not last.
    failures: when it could not be judged, and why.
    """

    asset: str
    episodes: list[Episode] = field(default_factory=list)
    pending: int = 0
    abandoned: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)
    phase: Phase = Phase.NORMAL

    def add(self, transitions: Iterable[Transition]) -> None:
        """Note what the engine has said, in order."""
        for each in transitions:
            self._add(each)

    def _add(self, transition: Transition) -> None:
        kind = transition.kind
        self.phase = transition.after.phase
        if len(self.episodes) >= MOST or len(self.failures) >= MOST:
            raise TooOften(self.asset)
        if kind is TransitionKind.TRIPPED:
            self.episodes.append(Episode(transition.at, transition.reason, transition.inputs))
        elif kind is TransitionKind.CLEARED and self.episodes:
            self.episodes[-1].cleared_at = transition.at
            self.episodes[-1].cleared_for = transition.reason
        elif kind is TransitionKind.PENDING:
            self.pending += 1
        elif kind is TransitionKind.ABANDONED:
            self.abandoned += 1
        elif kind is TransitionKind.FAILED:
            self.failures.append((transition.at, transition.after.failing or transition.reason))
