"""A rule: what is wrong, for how long, how much it matters, and the ticket it opens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.catalog import Text
from rules.durations import DAY, HOUR, format_duration
from rules.expression import Expression, Group
from rules.windows import MEASUREMENTS, Keeps

DEFAULT_REOPEN_WITHIN = 7 * DAY
DEFAULT_REALARM_AFTER = HOUR
# What a ticket is about; rules open them and so do people.
TICKET_KINDS = ("repair", "hazard", "complaint", "inquiry", "inspection_finding", "incident")

# Hazards whose alarms may have one cause; see the incidents in docs/rules.md.
FAMILIES = ("water", "power", "smoke", "network")


# Work that can be planned, and that rules may fall silent for.
PLANNED_WORK = ("maintenance", "outage")


class Severity(StrEnum):
    """How much a fault matters, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a condition must last: in µs, or in readings; both zero = not at all."""

    microseconds: int = 0
    readings: int = 0

    @property
    def immediate(self) -> bool:
        """Whether the first reading decides."""
        return self.microseconds == 0 and self.readings <= 1

    def __str__(self) -> str:
        if self.readings:
            return f"{self.readings} reading{'' if self.readings == 1 else 's'}"
        return format_duration(self.microseconds)


@dataclass(frozen=True, slots=True)
class TicketTemplate:
    """The ticket that an alarm opens; limits in µs, None = as its severity has it."""

    kind: str
    category: str
    team: str
    respond_within: int | None = None
    resolve_within: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One checked rule for the assets of one type, or of any (`asset_type` = "any")."""

    id: str
    title: Text
    asset_type: str
    when: Expression
    # None = as soon as `when` is false.
    clear_when: Expression | None
    on_delay: Delay
    off_delay: Delay
    severity: Severity
    life_safety: bool
    ticket: TicketTemplate
    # A recurrence within so many µs continues the last ticket.
    reopen_within: int = DEFAULT_REOPEN_WITHIN
    # A recurrence on an open ticket is announced again when so many µs passed since the last time.
    realarm_after: int = DEFAULT_REALARM_AFTER
    explanation: Text = field(default_factory=Text)
    response: Text = field(default_factory=Text)
    # Where its limits come from: a standard, a data sheet, or a value to start with.
    basis: Text = field(default_factory=Text)
    # While work of these kinds is planned on its asset, an alarm is withheld.
    suppress_while: tuple[str, ...] = ()
    # Once told, an alarm stays until somebody resets it, even after its condition is gone.
    latch: bool = False
    # An alarm that somebody has seen and that still stands is told again every so many µs.
    realarm_standing: int | None = None
    # What kind of hazard it finds, one of FAMILIES: alarms of one may become one incident.
    family: str | None = None
    # While an alarm of these rules stands on its asset or on what supplies it, it is withheld.
    inhibited_by: tuple[str, ...] = ()
    # The document as written, and a hash that changes only with its content.
    source: str = field(default="", repr=False)
    fingerprint: str = ""

    @property
    def on_receipt_clock(self) -> bool:
        """Whether silence decides, so that everything of this rule runs on the receipt clock."""
        clear = self.clear_when
        return self.when.on_receipt_clock or (clear is not None and clear.on_receipt_clock)

    @property
    def watches_every_point(self) -> bool:
        """Whether it looks at all points of its asset, not only at those it names."""
        clear = self.clear_when
        return self.when.watches_every_point or (clear is not None and clear.watches_every_point)

    @property
    def windows(self) -> Mapping[tuple[str, int], Keeps]:
        """The windows that its conditions look at, by code and span in µs."""
        wanted: dict[tuple[str, int], Keeps] = {}
        for expression in (self.when, *([self.clear_when] if self.clear_when else [])):
            for look in expression.looks:
                if not look.span:
                    continue
                key = expression.points[look.index].code, look.span
                wanted[key] = wanted.get(key, Keeps.NOTHING) | MEASUREMENTS[look.measure].keeps
                if expression.points[look.index].kind == "event":
                    wanted[key] |= Keeps.EVENTS
        return wanted

    @property
    def learned(self) -> frozenset[str]:
        """The codes of the points of which its conditions ask whether they are as usual."""
        expressions = (self.when, *([self.clear_when] if self.clear_when else []))
        return frozenset(
            each.points[look.index].code
            for each in expressions
            for look in each.looks
            if look.measure == "anomaly"
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The other assets that its conditions ask about."""
        clear = self.clear_when
        return tuple(dict.fromkeys((*self.when.groups, *(clear.groups if clear else ()))))

    @property
    def hours(self) -> frozenset[str]:
        """The names of the calendars and shifts that its conditions look at."""
        expressions = (self.when, *([self.clear_when] if self.clear_when else []))
        return frozenset(look.hours for each in expressions for look in each.looks if look.hours)

    @property
    def points(self) -> tuple[str, ...]:
        """The codes of the points that its conditions name."""
        named = [*self.when.points, *(self.clear_when.points if self.clear_when else ())]
        return tuple(dict.fromkeys(point.code for point in named))
