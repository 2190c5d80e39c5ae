"""Telling rules what the product knows: facts of the event log become moments of points.

A fact becomes the same moment however often it is told: its time follows from the log alone, and a
point and a time make a reading. How far the log was told is remembered when the moments are
durable; after a kill in between, the last of them are told again, which changes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core import events, shards
from core.clock import to_micros
from core.db import Session, is_unavailable
from core.leases import LeaseLost
from core.told_points import told_point
from ingest import metrics
from ingest.committing import Tenure
from ingest.registry import Moment
from ingest.run import Run
from ingest.stores import Stores
from workflows.tickets.told import opened

log = structlog.get_logger(__name__)

PART = "ingest told facts"
# So long it is shown that a fact was left out: nothing makes it good again.
_SHOWN_SECONDS = 86_400.0
# Facts that are written within so short a time may stand in the log in another order than they
# were learned in; each is told a little later than the one before.
_OUT_OF_ORDER = timedelta(minutes=1)
_MOST_AT_ONCE = 200
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class About:
    """What a fact tells: of which asset, which of rules.catalog.TOLD, and of what category.

    at: when it happened; None where that is when we learned it.
    """

    asset_id: UUID
    code: str
    category: str
    at: datetime | None = None


# By fact what it tells, given the ids of rules that listen to tickets themselves.
Tellers = Callable[[Session, Sequence[events.Event], frozenset[str]], Mapping[int, About]]


def tickets_opened(
    session: Session, facts: Sequence[events.Event], listening: frozenset[str]
) -> Mapping[int, About]:
    """Tickets opened on assets. Those that rules opened because of tickets are not told.

    So no rule, nor two by turns, can go on because of what it did itself.
    """
    ids = [UUID(fact.subject_id) for fact in facts]
    rows = opened(session, ids)
    found = {}
    for fact, ticket_id in zip(facts, ids, strict=True):
        row = rows.get(ticket_id)
        if row is not None and row.asset_id is not None and row.rule_id not in listening:
            found[fact.seq] = About(row.asset_id, "ticket_opened", row.category)
    return found


def scanned(
    session: Session, facts: Sequence[events.Event], listening: frozenset[str]
) -> Mapping[int, About]:
    """Scans at checkpoints, by the scanner's clock: what a phone kept is told when it comes."""
    del session, listening
    found = {}
    for fact in facts:
        said = fact.after or {}
        # What was refused may be nothing of ours.
        if "checkpoint" in said:
            code = "checkpoint_scanned" if fact.kind == "scan.record" else "scan_refused"
            category = str(said.get("reason", said["kind"]))
            asset_id = UUID(str(said["checkpoint"]))
            found[fact.seq] = About(asset_id, code, category, fact.happened_at)
    return found


def missed(
    session: Session, facts: Sequence[events.Event], listening: frozenset[str]
) -> Mapping[int, About]:
    """Checkpoints that are known to have been missed on a round, when their window closed."""
    del session, listening
    found = {}
    for fact in facts:
        said = fact.after or {}
        asset_id = UUID(str(said["checkpoint"]))
        route = str(said["route_code"])
        found[fact.seq] = About(asset_id, "checkpoint_missed", route, fact.happened_at)
    return found


TELLERS: Mapping[str, Tellers] = {
    "ticket.open": tickets_opened,
    "scan.record": scanned,
    "scan.refuse": scanned,
    "round.point_missed": missed,
}


@dataclass(slots=True)
class _Portion:
    """Facts that are told together. last: where they end."""

    last: events.Event
    moments: list[Moment] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class Telling:
    """Reads facts on the keeper's thread, and has them judged on that of ingest."""

    def __init__(self, stores: Stores, tenure: Tenure, run: Run, newest: events.Cursor) -> None:
        """newest: behind which everything lies that happened before this process began."""
        self._stores = stores
        self._tenure = tenure
        self._run = run
        self._newest = newest
        self._cursor: events.Cursor | None = None
        self._due = True
        self._size = _MOST_AT_ONCE
        self._portion: _Portion | None = None
        self._submitted = False
        # Set by the thread that knows: whether what was submitted is durable.
        self._outcome: bool | None = None
        # How many facts were left out, and when that is no longer to be shown.
        self._left_out = 0
        self._shown_until: float | None = None

    def note(self, facts: Sequence[events.Event]) -> None:
        """Facts that were just read by somebody who reads all of them."""
        self._due |= any(fact.kind in TELLERS for fact in facts)

    def look(self) -> None:
        """Go one step on: read facts, submit them, or remember that they are told."""
        if self._shown_until is not None and time.monotonic() >= self._shown_until:
            self._shown_until = None
            self._stores.health.report(PART, ok=True, detail=f"left out: {self._left_out}")
        if self._submitted:
            if self._outcome is None:
                return
            self._settle(durable=self._outcome)
        if self._portion is None and self._due:
            self._read()
        if self._portion is not None and not self._submitted:
            self._submit(self._portion)

    def _read(self) -> None:
        if self._cursor is None:
            self._cursor = self._begin()
        now = self._stores.clock.now()
        with self._stores.database.read() as session:
            facts = events.kinds_after(session, self._cursor, TELLERS.keys(), self._size)
        if not facts:
            self._due = False
            return
        portion = _Portion(facts[-1])
        try:
            portion.moments += self._moments(facts, now)
        except Exception as error:
            if _ends_all(error):
                raise
            # One by one, so that what fails stands alone and holds up none of the others.
            for fact in facts:
                portion.moments += self._moments_of_one(fact, now)
        self._portion = portion

    def _moments(self, facts: Sequence[events.Event], now: datetime) -> list[Moment]:
        moments = []
        with self._stores.database.write() as session:
            self._tenure.require(session)
            about = _about(session, facts, self._listening())
            for fact in facts:
                told = about.get(fact.seq)
                place = told and told_point(
                    session, told.asset_id, told.code, told.category, now=now
                )
                if told and place:
                    at = to_micros(told.at) if told.at else _moment_of(session, fact)
                    moments.append(
                        Moment(place.site, place.device, place.code, place.series, at, place.value)
                    )
        return moments

    def _moments_of_one(self, fact: events.Event, now: datetime) -> list[Moment]:
        try:
            return self._moments([fact], now)
        except Exception as error:
            if _ends_all(error):
                raise
            log.exception("a fact is left out", fact=fact.seq, kind=fact.kind)
            self._leave_out(fact, f"{type(error).__name__}: {error}")
            return []

    def _leave_out(self, fact: events.Event, why: str) -> None:
        """Go on without a fact, and have people see it: told later it would be late anyway."""
        metrics.LEFT_OUT.inc()
        self._left_out += 1
        self._shown_until = time.monotonic() + _SHOWN_SECONDS
        detail = f"left out: {self._left_out}, the newest {fact.kind} ({fact.seq}): {why}"
        self._stores.health.report(PART, ok=False, detail=detail[:300])

    def _begin(self) -> events.Cursor:
        """Where the last process was; what happened before there was such a thing is not told."""
        with self._stores.database.write() as session:
            known = shards.told_up_to(session, self._tenure.shard)
            if known is None:
                shards.note_told(session, self._tenure.shard, self._newest)
        return known or self._newest

    def _listening(self) -> frozenset[str]:
        return frozenset(
            binding.facts.rule_id
            for instance, binding in self._run.judge.registry.bindings.items()
            if "ticket_opened" in instance.rule.points
        )

    def _submit(self, portion: _Portion) -> None:
        registry = self._run.judge.registry
        waits = any(
            moment.code in registry.listens and registry.told(moment) is None
            for moment in portion.moments
        )
        if waits and time.monotonic() - portion.since < _PATIENCE_SECONDS:
            # The registry with the new point is on its way.
            return
        if not portion.moments:
            self._settle(durable=True)
            return
        self._outcome = None
        self._submitted = True
        self._run.submit(lambda: self._run.tell(portion.moments, self._done))

    def _done(self, durable: bool) -> None:
        self._outcome = durable

    def _settle(self, *, durable: bool) -> None:
        assert self._portion is not None
        if not durable and self._size > 1:
            # Again, one by one, so that what fails stands alone.
            self._portion, self._submitted, self._size = None, False, 1
            return
        if not durable:
            last = self._portion.last
            log.error("a fact is left out", fact=last.seq, kind=last.kind)
            self._leave_out(last, "the rules could not take it")
        cursor = (self._portion.last.txid, self._portion.last.seq)
        with self._stores.database.write() as session:
            self._tenure.require(session)
            shards.note_told(session, self._tenure.shard, cursor)
        self._cursor = cursor
        self._portion, self._submitted = None, False
        if durable:
            self._size = _MOST_AT_ONCE


def _ends_all(error: Exception) -> bool:
    return isinstance(error, LeaseLost) or is_unavailable(error)


def _about(
    session: Session, facts: Sequence[events.Event], listening: frozenset[str]
) -> Mapping[int, About]:
    found: dict[int, About] = {}
    for kind, teller in TELLERS.items():
        some = [fact for fact in facts if fact.kind == kind]
        if some:
            found |= teller(session, some, listening)
    return found


def _moment_of(session: Session, fact: events.Event) -> int:
    """When a fact is told to have happened, µs: when we learned it, and after all told before."""
    before = events.learned_before(session, fact, TELLERS.keys(), _OUT_OF_ORDER)
    at = 0
    for learned in (*before, fact.learned_at):
        at = max(to_micros(learned), at + 1)
    return at
