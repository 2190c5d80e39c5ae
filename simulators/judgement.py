"""Judgement: the tickets that came, compared with the ground truth. Pure; no I/O, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from simulators.faults.plan import OUTAGES, Expectation, Fault, FaultPlan

# Alarms that come up to this many seconds after the end of a fault are still its own.
AFTERMATH = 120.0
# Device times carry milliseconds; a trip is never earlier than its fault by more than that.
_ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class Observed:
    """An alarm episode or a ticket of the product. Times: seconds since the epoch.

    ticket: its ticket's id; None for an episode that opened none.
    """

    id: str
    rule: str
    asset: str
    tripped: float
    learned: float
    ticket: str | None


class Outcome(StrEnum):
    """How one expectation, or one fault that asks for nothing, came out."""

    RIGHT = "right"  # exactly one ticket, in time
    LATE = "late"  # one ticket, after it was due
    MISSING = "missing"  # no ticket
    DOUBLED = "doubled"  # more than one ticket for one fault
    QUIET = "quiet"  # nothing was asked for and nothing came
    FALSE = "false"  # nothing was asked for and something came
    UNCOVERED = "uncovered"  # none of the rules that would see it is installed
    SKIPPED = "skipped"  # an outage for which no command was given

    @property
    def good(self) -> bool:
        """Whether an ideal product could have come out so. Uncovered is no verdict on it."""
        return self not in (Outcome.LATE, Outcome.MISSING, Outcome.DOUBLED, Outcome.FALSE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the result. delay: seconds from the fault to when the product knew.

    tickets: those that were taken for the fault's.
    """

    fault: str
    kind: str
    asset: str
    rules: tuple[str, ...]
    outcome: Outcome
    delay: float | None = None
    allowed: float | None = None
    note: str = ""
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The whole result: a verdict for each expectation, and what nobody asked for."""

    verdicts: tuple[Verdict, ...]
    false: tuple[Observed, ...]

    @property
    def ok(self) -> bool:
        """Whether everything came out as with an ideal product."""
        return not self.false and all(verdict.outcome.good for verdict in self.verdicts)

    def counts(self) -> dict[str, int]:
        """How many verdicts of each outcome; `false` counts every alarm nobody asked for."""
        counts = {outcome.value: 0 for outcome in Outcome}
        for verdict in self.verdicts:
            counts[verdict.outcome.value] += 1
        counts[Outcome.FALSE.value] = len(self.false)
        return counts

    def as_json(self) -> dict[str, Any]:
        """The result as plain values for a machine."""
        return {
            "ok": self.ok,
            "counts": self.counts(),
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "false": [asdict(one) for one in self.false],
        }


def judge(
    plan: FaultPlan,
    start: float,
    observed: Sequence[Observed],
    *,
    installed: frozenset[str] | None = None,
    skipped: Iterable[str] = (),
    assets: Mapping[str, str] | None = None,
    by_trip: bool = False,
) -> Judgement:
    """Compare what the product opened in a run that began at `start` with the plan's truth.

    installed: the ids of the product's rules; None when they aren't known. skipped: the ids of
    faults that didn't happen. assets: device code → asset code, where they differ. by_trip: judge
    lateness by when the alarm tripped instead of when the product learned of it. Of what was
    there before the run, nothing may be given.
    """
    left_out = set(skipped)
    timed = [replace(one, learned=one.tripped) for one in observed] if by_trip else observed
    explained = set[str]()
    verdicts = list[Verdict]()
    happened = [fault for fault in plan.faults if fault.id not in left_out]
    for fault in happened:
        for expectation in fault.expected or ():
            verdict, used = _expected(fault, expectation, start, timed, installed)
            verdicts.append(verdict)
            explained |= used
        explained |= _tolerated(fault, start, observed)
    verdicts = _unshared(verdicts)
    # An alarm without a ticket was withheld, and one that joined a right ticket opened none.
    asked = {ticket for verdict in verdicts for ticket in verdict.tickets}
    false = tuple(
        one
        for one in observed
        if one.id not in explained and one.ticket and one.ticket not in asked
    )
    verdicts += [
        _unexpected(one, (assets or {}).get(one.target, one.target), start, false)
        for one in happened
        if not one.expected
    ]
    verdicts += [_skipped(fault) for fault in plan.faults if fault.id in left_out]
    order = {fault.id: number for number, fault in enumerate(plan.faults)}
    verdicts.sort(key=lambda verdict: order[verdict.fault])
    return Judgement(tuple(verdicts), false)


def _expected(
    fault: Fault,
    expectation: Expectation,
    start: float,
    observed: Sequence[Observed],
    installed: frozenset[str] | None,
) -> tuple[Verdict, set[str]]:
    """The verdict on one expectation, and the ids of what it explains."""
    candidates = sorted(
        (one for one in observed if _belongs(one, fault, start, expectation)),
        key=lambda one: one.tripped,
    )
    began = start + fault.start
    allowed = expectation.by - fault.start

    def verdict(
        outcome: Outcome, delay: float | None = None, note: str = "", tickets: tuple[str, ...] = ()
    ) -> Verdict:
        asset, rules, kind = expectation.asset, expectation.rules, fault.kind.value
        return Verdict(fault.id, kind, asset, rules, outcome, delay, allowed, note, tickets)

    if not candidates:
        known = installed is None or installed.intersection(expectation.rules)
        return verdict(Outcome.MISSING if known else Outcome.UNCOVERED), set()
    told = [one for one in candidates if one.ticket]
    if not told:
        note = f"{candidates[0].rule} tripped without a ticket"
        return verdict(Outcome.MISSING, None, note), {one.id for one in candidates}
    first = told[0]
    # A second rule that is right as well may have its own ticket; otherwise one fault has one.
    counted = [one for one in candidates if one.rule == first.rule or not _is_tolerated(one, fault)]
    used, delay = {one.id for one in counted}, first.learned - began
    tickets = tuple(dict.fromkeys(one.ticket for one in counted if one.ticket))
    if len(tickets) > 1:
        rules = " and ".join(sorted({one.rule for one in counted if one.ticket}))
        note = f"{len(tickets)} tickets by {rules}"
        return verdict(Outcome.DOUBLED, delay, note, tickets), used
    outcome = Outcome.RIGHT if delay <= allowed else Outcome.LATE
    return verdict(outcome, delay, first.rule, tickets), used


def _unshared(verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts, where one ticket can't be that of two faults on different things.

    The later fault has none of its own. On the same asset it may: a ticket that was closed lately
    is re-opened.
    """
    owners = dict[str, Verdict]()
    found = list[Verdict]()
    for verdict in verdicts:
        owner = next((owners[one] for one in verdict.tickets if one in owners), None)
        own = verdict
        if owner and owner.asset != verdict.asset:
            note = f"joined the ticket of {owner.fault} on {owner.asset}"
            own = replace(verdict, outcome=Outcome.MISSING, note=note)
        owners |= {one: own for one in own.tickets if one not in owners}
        found.append(own)
    return found


def _belongs(one: Observed, fault: Fault, start: float, expectation: Expectation) -> bool:
    return (
        one.asset in expectation.assets
        and one.rule in expectation.rules
        and _during(one, fault, start)
    )


def _during(one: Observed, fault: Fault, start: float) -> bool:
    return start + fault.start - _ROUNDING <= one.tripped <= start + fault.end + AFTERMATH


def _tolerated(fault: Fault, start: float, observed: Sequence[Observed]) -> set[str]:
    """The ids of what is a right consequence of the fault, though nobody asked for it."""
    return {one.id for one in observed if _during(one, fault, start) and _is_tolerated(one, fault)}


def _is_tolerated(one: Observed, fault: Fault) -> bool:
    return any(one.asset == t.asset and one.rule in t.rules for t in fault.tolerated)


def _unexpected(fault: Fault, asset: str, start: float, false: Sequence[Observed]) -> Verdict:
    """The verdict on a fault that asks for no ticket."""
    # A fault of the whole site, which names no asset, may be to blame for an alarm anywhere.
    blamed = [one for one in false if _during(one, fault, start) and asset in ("", one.asset)]
    outcome = Outcome.FALSE if blamed else Outcome.QUIET
    note = ", ".join(sorted({f"{one.rule} on {one.asset}" for one in blamed}))
    return Verdict(fault.id, fault.kind.value, asset, (), outcome, note=note)


def _skipped(fault: Fault) -> Verdict:
    note = "not run: " + (
        "no command to stop and start it was given"
        if fault.kind in OUTAGES
        else f"nobody could do what it needs ({', '.join(fault.needs)})"
    )
    return Verdict(fault.id, fault.kind.value, fault.target, (), Outcome.SKIPPED, note=note)
