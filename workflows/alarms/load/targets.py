"""What the figures of alarms are measured against, and what the sources say of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GOOD, WATCH, ACT = "good", "watch", "act"
# Too few alarms to say anything; nothing in the sources to measure against.
FEW, PLAIN = "few", "plain"
VERDICTS = (GOOD, WATCH, ACT, FEW, PLAIN)
# Ten alarms that trip once each are 5 % of so many: with fewer no site could meet the target.
ENOUGH_FOR_TOP_TEN = 200
# One alarm of so many is 1 %: with fewer the target for the highest priority says nothing.
ENOUGH_FOR_PRIORITIES = 100
# So long an average shows weekdays, nights and weather.
ENOUGH_DAYS = 30

BOTH = "EEMUA 191, ISA-18.2 (16.4)"
EEMUA = "EEMUA 191"
ISA = "ISA-18.2 (16.4)"
OURS = "own figure; the sources give none"


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be. limit: from where on something must be done.

    under: a value that equals the target does not meet it. at_least: more is better. own_limit:
    the sources give a target only, and the limit is twice as far off.
    """

    target: float | None
    limit: float | None = None
    source: str = BOTH
    unit: str = ""
    under: bool = False
    at_least: bool = False
    own_limit: bool = False

    def verdict(self, value: float | None) -> str:
        """What a value means."""
        if self.target is None or value is None:
            return PLAIN
        limit = self.target if self.limit is None else self.limit
        if self.at_least:
            return GOOD if value >= self.target else WATCH if value >= limit else ACT
        if value < self.target or (value == self.target and not self.under):
            return GOOD
        return WATCH if value <= limit and limit > self.target else ACT


# In the order in which they are shown. Shares are in percent, times in seconds.
TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "rate_hour": Target(6, 12, unit="h"),
        "rate_interval": Target(1, 2, unit="10min"),
        "peak_interval": Target(10, 20, unit="10min", own_limit=True),
        "busy_intervals": Target(1, 2, unit="%", under=True, own_limit=True),
        "flood_time": Target(1, 5, unit="%", under=True),
        "top_ten": Target(5, source=ISA, unit="%"),
        "chattering": Target(0, source=ISA),
        "fleeting": Target(0, source=ISA),
        "stale": Target(5, 10, source=ISA, under=True, own_limit=True),
        "low": Target(80, 60, unit="%", at_least=True, own_limit=True),
        "medium": Target(15, 30, unit="%", own_limit=True),
        "high": Target(5, 10, unit="%", own_limit=True),
        "critical": Target(1, 2, source=ISA, unit="%", under=True, own_limit=True),
        "acknowledged_half": Target(None, source=OURS, unit="s"),
        "acknowledged_most": Target(None, source=OURS, unit="s"),
        "never_acknowledged": Target(None, source=OURS),
        "false_share": Target(None, source=OURS, unit="%"),
    }
)
NEEDS: Mapping[str, int] = MappingProxyType(
    {
        "top_ten": ENOUGH_FOR_TOP_TEN,
        **dict.fromkeys(("low", "medium", "high", "critical"), ENOUGH_FOR_PRIORITIES),
    }
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure with what it is measured against."""

    code: str
    value: float | None
    verdict: str

    @property
    def goal(self) -> Target:
        """What it is measured against."""
        return TARGETS[self.code]


def measured(code: str, value: float | None, annunciations: int) -> Metric:
    """A figure, judged where there are enough alarms to judge it."""
    enough = annunciations >= NEEDS.get(code, 0)
    return Metric(code, value, TARGETS[code].verdict(value) if enough else FEW)


def worst(metrics: Mapping[str, Metric]) -> str:
    """The worst verdict of all that could be judged; PLAIN where none could."""
    found = {metric.verdict for metric in metrics.values()}
    return next((verdict for verdict in (ACT, WATCH, GOOD) if verdict in found), PLAIN)
