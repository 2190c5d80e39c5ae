"""What a micro-batch leaves behind: readings to store, decisions to commit, ids to acknowledge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.clock import from_micros
from core.quarantine import Rejected
from core.telemetry.readings import Quality, ReadingBatch
from ingest.decoding import Problem
from ingest.dialects import Answer
from ingest.receipt_clock import Span
from ingest.registry import SiteState, Way
from workflows.alarms import Finding
from workflows.patrol import Presented


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that nobody adopted yet has spoken."""

    site_id: UUID
    code: str
    sample: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Present:
    """A state that a retained message told: no history, but known."""

    site_id: UUID
    series: int
    value: float
    at: int


@dataclass(slots=True)
class Batch:
    """Effects of messages and of time, not yet durable.

    rows: readings newer than anything stored of their points, so they cannot be duplicates.
    odd: late, replacing and replayed readings, for which the store looks before it writes.
    """

    rows: ReadingBatch = field(default_factory=ReadingBatch)
    odd: ReadingBatch = field(default_factory=ReadingBatch)
    mids: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    waiting: dict[tuple[UUID, str], Waiting] = field(default_factory=dict)
    presents: list[Present] = field(default_factory=list)
    trust: dict[UUID, bool] = field(default_factory=dict)
    # Readings that were judged by a value which gives way to another: series, time, value.
    replaced: list[tuple[int, int, float]] = field(default_factory=list)
    gaps: list[Span] = field(default_factory=list)
    # What readers and gateways have read at checkpoints.
    scans: list[Presented] = field(default_factory=list)
    # What sources are to remember: by source and key, None to forget.
    remembered: dict[tuple[UUID, str], Any] = field(default_factory=dict)
    # What devices, by site and code, say they are, and when they said it.
    described: dict[tuple[UUID, str], tuple[dict[str, Any], datetime]] = field(default_factory=dict)
    # What is to be published in return, once the rest is durable.
    answers: list[Answer] = field(default_factory=list)
    # By which ways devices were heard: the first, and another one if they stray; and when.
    ways: dict[UUID, tuple[Way, Way | None, datetime]] = field(default_factory=dict)
    # By whom credentials of devices are used at once, None for by one alone again; and when.
    twice: dict[UUID, tuple[list[dict[str, Any]] | None, datetime]] = field(default_factory=dict)
    messages: int = 0
    # Chatter and floods are to be looked at; what has not moved since this moment is quiet.
    quiet_since: datetime | None = None

    @property
    def decided(self) -> bool:
        """Whether anything needs a transaction."""
        return bool(
            self.findings
            or self.rejected
            or self.waiting
            or self.presents
            or self.trust
            or self.gaps
            or self.replaced
            or self.scans
            or self.remembered
            or self.described
            or self.ways
            or self.twice
            or self.quiet_since
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all to do."""
        nothing = not (self.mids or len(self.rows) or len(self.odd) or self.answers)
        return nothing and not self.decided

    def add_row(self, series: int, at: int, value: float, received: int, quality: Quality) -> None:
        """Add a reading that cannot be a duplicate."""
        self.rows.append(series, at, value, received, quality)

    def add_odd(self, series: int, at: int, value: float, received: int, quality: Quality) -> None:
        """Add a reading that may be stored already."""
        self.odd.append(series, at, value, received, quality)

    def reject(
        self,
        site: SiteState | None,
        code: str,
        topic: str,
        problems: Sequence[Problem],
        payload: bytes,
        received: int,
    ) -> None:
        """Quarantine a message: once for each reason, with the first finding of that reason."""
        first: dict[str, Problem] = {}
        for problem in problems:
            first.setdefault(problem.reason, problem)
        for problem in first.values():
            self.rejected.append(
                Rejected(
                    site_id=site.site_id if site else None,
                    device_code=code,
                    topic=topic,
                    reason=problem.reason,
                    detail=problem.detail,
                    body=payload,
                    received_at=from_micros(received),
                )
            )
