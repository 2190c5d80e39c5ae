"""What a back-test found: episodes, the tickets they would have opened, what changes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.asset_names import Assets, those_named
from core.clock import from_micros
from core.local_time import zone
from rules.replay import Episode, Listening, Outcome
from rules.rule import Rule
from workflows.laboratory.scenes import Subject

DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Lived:
    """One episode on an asset, in wall time (µs). ticket: whether it would have opened one."""

    tripped_at: int
    cleared_at: int | None
    reason: str
    cleared_for: str
    ticket: bool
    # Whether it stood already when the span began: then it is no alarm of the span.
    before: bool = False

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "tripped_at": _told(self.tripped_at),
            "cleared_at": None if self.cleared_at is None else _told(self.cleared_at),
            "reason": self.reason,
            "cleared_for": self.cleared_for,
            "ticket": self.ticket,
            "before": self.before,
        }


@dataclass(slots=True)
class Verdict:
    """What one rule would have done in the span.

    days: alarms by local day of their site. pending: delays that began; abandoned: that did not
    last. failures: (asset, when, why) where it could not be judged.
    """

    rule_id: str
    episodes: dict[UUID, list[Lived]] = field(default_factory=dict)
    days: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    abandoned: int = 0
    failures: list[tuple[UUID, int, str]] = field(default_factory=list)

    @property
    def alarms(self) -> int:
        """Trips within the span."""
        return sum(not each.before for one in self.episodes.values() for each in one)

    @property
    def tickets(self) -> int:
        """Tickets that they would have opened."""
        return sum(each.ticket for one in self.episodes.values() for each in one)

    def add(
        self, rule: Rule, subject: Subject, outcome: Outcome, listening: Listening, start: int
    ) -> None:
        """Take in what happened on one asset."""
        self.pending += outcome.pending
        self.abandoned += outcome.abandoned
        wall = listening.wall if rule.on_receipt_clock else _same
        failures = [(subject.asset_id, wall(at), why) for at, why in outcome.failures]
        self.failures += [each for each in failures if each[1] >= start]
        lived = _lived(rule, outcome.episodes, wall, start)
        if not lived:
            return
        self.episodes[subject.asset_id] = lived
        where = zone(subject.time_zone)
        for each in lived:
            if not each.before:
                self.days[from_micros(each.tripped_at).astimezone(where).date().isoformat()] += 1


def _same(at: int) -> int:
    return at


def _lived(rule: Rule, episodes: Sequence[Episode], wall: Any, start: int) -> list[Lived]:
    """The episodes of a span, of those that began before it the ones that reach into it.

    A ticket is taken to end with its episode, at the earliest possible: what comes back within
    `reopen_within` of that continues it.
    """
    found = []
    ended: int | None = None
    for each in episodes:
        tripped = wall(each.tripped_at)
        cleared = None if each.cleared_at is None else wall(each.cleared_at)
        before = tripped < start
        opens = ended is None or tripped - ended > rule.reopen_within
        ended = cleared
        if not before or cleared is None or cleared > start:
            told = (each.reason, each.cleared_for)
            found.append(Lived(tripped, cleared, *told, ticket=opens and not before, before=before))
    return found


@dataclass(frozen=True, slots=True)
class Changed:
    """The episodes of two versions against each other, by (asset, trip) of those that overlap."""

    both: int
    only_new: tuple[tuple[UUID, int], ...]
    only_old: tuple[tuple[UUID, int], ...]


def compare(new: Verdict, old: Verdict, until: int) -> Changed:
    """Which episodes of one have none of the other at the same time, and the reverse."""
    only_new, only_old, both = [], [], 0
    for asset in {*new.episodes, *old.episodes}:
        ours, theirs = new.episodes.get(asset, []), old.episodes.get(asset, [])
        met = _met(ours, theirs, until)
        both += sum(met)
        only_new += [(asset, e.tripped_at) for e, same in zip(ours, met, strict=True) if not same]
        back = zip(theirs, _met(theirs, ours, until), strict=True)
        only_old += [(asset, each.tripped_at) for each, same in back if not same]
    key = _by_time
    return Changed(both, tuple(sorted(only_new, key=key)), tuple(sorted(only_old, key=key)))


def _by_time(one: tuple[UUID, int]) -> tuple[int, UUID]:
    return one[1], one[0]


def _met(ours: Sequence[Lived], theirs: Sequence[Lived], until: int) -> list[bool]:
    """Which of our episodes have one of theirs at the same time; both are in order of time."""
    begins = [each.tripped_at for each in theirs]
    ends = [each.cleared_at or until for each in theirs]
    found = []
    for each in ours:
        # Of one asset none overlap, so the first that ends after ours began is the one.
        place = bisect_left(ends, each.tripped_at)
        found.append(place < len(begins) and begins[place] <= (each.cleared_at or until))
    return found


@dataclass(slots=True)
class Result:
    """A finished back-test. judged: (verdict, tickets) of those that the active version opened.

    old: what the active version would have done; None where there is none, or it says the same.
    """

    rule: Rule
    start: int
    end: int
    subjects: dict[UUID, Subject]
    new: Verdict
    old: Verdict | None
    judged: dict[str, int]
    readings: int
    seconds: float
    # Of the assets that the rules ask, by site.
    asked: Mapping[UUID, Assets] = field(default_factory=dict)

    def named(self, asset: UUID) -> Assets:
        """What is known of others that the reasons of an asset may name, by code."""
        return self.asked.get(self.subjects[asset].site_id, {})

    @property
    def days(self) -> float:
        """Length of the span."""
        return (self.end - self.start) / DAY

    @property
    def changed(self) -> Changed | None:
        """What changes against the active version."""
        return None if self.old is None else compare(self.new, self.old, self.end)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rule_id": self.rule.id,
            "from": _told(self.start),
            "until": _told(self.end),
            "readings": self.readings,
            "seconds": round(self.seconds, 3),
            "assets_judged": len(self.subjects),
            **self._verdict(self.new),
            "active": None if self.old is None else self._verdict(self.old),
            "changes": self._changes(),
            "verdicts_of_tickets": dict(self.judged),
        }

    def _verdict(self, verdict: Verdict) -> dict[str, Any]:
        return {
            "alarms": verdict.alarms,
            "alarms_a_day": round(verdict.alarms / self.days, 3),
            "busiest_day": max(verdict.days.values(), default=0),
            "days": dict(sorted(verdict.days.items())),
            "tickets": verdict.tickets,
            "delays_begun": verdict.pending,
            "delays_abandoned": verdict.abandoned,
            "failures": [
                {"asset_id": str(asset), "asset": self.subjects[asset].code, "at": _told(at),
                 "reason": why}
                for asset, at, why in verdict.failures
            ],
            "assets": [
                {
                    "asset_id": str(asset),
                    "code": self.subjects[asset].code,
                    "name": self.subjects[asset].name,
                    "alarms": sum(not each.before for each in lived),
                    "tickets": sum(each.ticket for each in lived),
                    "named": those_named(self.named(asset), [each.reason for each in lived]),
                    "episodes": [each.as_json() for each in lived],
                }
                for asset, lived in sorted(
                    verdict.episodes.items(), key=lambda one: self.subjects[one[0]].code
                )
            ],
        }  # fmt: skip

    def _changes(self) -> dict[str, Any] | None:
        changed = self.changed
        if changed is None:
            return None
        return {
            "both": changed.both,
            "only_new": [self._trip(*each) for each in changed.only_new],
            "only_active": [self._trip(*each) for each in changed.only_old],
        }

    def _trip(self, asset: UUID, at: int) -> dict[str, str]:
        code = self.subjects[asset].code
        return {"asset_id": str(asset), "asset": code, "tripped_at": _told(at)}


def _told(at: int) -> str:
    return from_micros(at).astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(at: int) -> datetime:
    """For pages."""
    return from_micros(at)
