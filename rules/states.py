"""What the engine remembers of an alarm, and what it says when that changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where an alarm stands between its condition and its delays."""

    NORMAL = "normal"
    PENDING = "pending"
    ACTIVE = "active"
    CLEARING = "clearing"


class TransitionKind(StrEnum):
    """What happened to an alarm."""

    PENDING = "pending"  # normal -> pending: the on-delay started
    COUNTED = "counted"  # one more reading towards "N readings"
    ABANDONED = "abandoned"  # pending -> normal: it did not last
    TRIPPED = "tripped"  # normal, pending -> active
    CLEARING = "clearing"  # active -> clearing: the off-delay started
    RESUMED = "resumed"  # clearing -> active: the recovery did not last
    CLEARED = "cleared"  # active, clearing -> normal
    FAILED = "failed"  # the condition can't be evaluated; the phase stays
    RECOVERED = "recovered"  # it can again


@dataclass(frozen=True, slots=True)
class AlarmState:
    """All that must be persisted of an alarm; times in µs of its rule's clock, or None.

    `due_receipt` is on the receipt clock always. `changed_at` is the time of the last
    transition (0 = none yet): readings not newer than it were judged already.
    """

    phase: Phase = Phase.NORMAL
    since: int | None = None
    due: int | None = None
    due_receipt: int | None = None
    count: int = 0
    changed_at: int = 0
    tripped_at: int | None = None
    cleared_at: int | None = None
    failing: str | None = None
    # Of a rule on many assets: how far each point had been read at the last transition.
    seen: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a decision was made on; `at` is its event time in µs, 0 = never."""

    point: str
    value: float | None
    at: int


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of an alarm, with the values and the reason behind it.

    `at` is event time in µs; on the receipt clock for rules that silence decides.
    """

    kind: TransitionKind
    at: int
    before: AlarmState
    after: AlarmState
    inputs: tuple[Input, ...]
    reason: str
