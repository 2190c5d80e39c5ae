"""The tables of tickets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.folding import fold
from core.ids import new_id
from rules.rule import TICKET_KINDS

KINDS = TICKET_KINDS
PRIORITIES = ("low", "medium", "high", "critical")
# What it turned out to be, kept for the rules: an alarm that is seldom real needs another limit.
VERDICTS = ("real", "false", "test", "sensor_fault", "nuisance")
FALSE_CAUSES = ("cooking", "smoking", "joss_paper", "dust", "steam", "insect", "other")

# What is heard on site until somebody accepts it.
LOUD = "priority = 'critical' AND responded_at IS NULL"


class Ticket(Base):
    """A job for people. `number` is what they say on the phone.

    title: {"en": …, "zh": …} from a rule, or {"und": …} as somebody wrote it.
    happened_at: when it began; learned_at: when we learned of it, which starts both clocks.
    announced_at: when people were last told of it as of something new.
    fault_code, cause_code, remedy_code: what was found, by the lists in findings.yaml.
    verdict, verdict_cause: what it turned out to be, and of a false alarm what caused it.
    doer_id: who did the work; somebody else verifies it, unless the sensor does.
    search_text: the title as `searchable` writes it. former_teams: see `scope`.
    respond_within, resolve_within: what was promised, in seconds of the calendar `calendar`,
    counted from clock_from on without the pauses ([from, to] in µs); net_seconds: what it took.
    respond_due, resolve_due: the deadlines that come of it; moments: all that the clocks will do,
    marks: what of it is done, next_due: the nearest that is not.
    hold_until: when a hold ends by itself. over: what it is about had cleared before we learned
    of it, so it wakes nobody. escalation: the rung that was told last.
    """

    __tablename__ = "ticket"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    category: Mapped[str] = mapped_column(String(40), default="")
    priority: Mapped[str] = mapped_column(String(10))
    life_safety: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    description: Mapped[str] = mapped_column(Text, default="")
    team: Mapped[str] = mapped_column(String(40))
    former_teams: Mapped[str] = mapped_column(Text, default="", server_default="")
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reporter_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    rule_id: Mapped[str | None] = mapped_column(String(120))
    rule_version: Mapped[int | None] = mapped_column(Integer)
    happened_at: Mapped[datetime] = mapped_column(Instant)
    learned_at: Mapped[datetime] = mapped_column(Instant)
    repeats: Mapped[int] = mapped_column(Integer, default=0)
    announced_at: Mapped[datetime | None] = mapped_column(Instant)
    last_repeat_at: Mapped[datetime | None] = mapped_column(Instant)
    recovered_at: Mapped[datetime | None] = mapped_column(Instant)
    respond_due: Mapped[datetime | None] = mapped_column(Instant)
    resolve_due: Mapped[datetime | None] = mapped_column(Instant)
    next_due: Mapped[datetime | None] = mapped_column(Instant, index=True)
    responded_at: Mapped[datetime | None] = mapped_column(Instant)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    respond_within: Mapped[int | None] = mapped_column(Integer)
    resolve_within: Mapped[int | None] = mapped_column(Integer)
    calendar: Mapped[str] = mapped_column(String(60), default="always", server_default="always")
    clock_from: Mapped[datetime] = mapped_column(Instant)
    pauses: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    moments: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    marks: Mapped[list[str]] = mapped_column(JSON, default=list)
    net_seconds: Mapped[int | None] = mapped_column(Integer)
    held_at: Mapped[datetime | None] = mapped_column(Instant)
    hold_until: Mapped[datetime | None] = mapped_column(Instant)
    held_seconds: Mapped[int] = mapped_column(Integer, default=0)
    over: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    escalation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    previous_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    verdict: Mapped[str | None] = mapped_column(String(20))
    verdict_cause: Mapped[str | None] = mapped_column(String(20))
    fault_code: Mapped[str | None] = mapped_column(String(30))
    cause_code: Mapped[str | None] = mapped_column(String(30))
    remedy_code: Mapped[str | None] = mapped_column(String(30))
    doer_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    search_text: Mapped[str] = mapped_column(Text, default="", server_default="")

    __table_args__ = (
        Index("ix_ticket_site_state", "site_id", "state"),
        Index("ix_ticket_resolved", "resolved_at"),
        Index(
            "ix_ticket_merged_into",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index("ix_ticket_loud", "site_id", sqlite_where=text(LOUD), postgresql_where=text(LOUD)),
        # Pages newest first walk it; what a text is compared with is in it, so that looking
        # through a hundred thousand titles reads no ticket that does not fit. So is what decides
        # about tickets for whoever sees those of some teams only. One index, for of two that
        # begin alike a search could be planned over the one without the text.
        Index(
            "ix_ticket_found",
            *("learned_at", "id", "search_text", "asset_id", "number"),
            *("site_id", "team", "assignee_id", "reporter_id", "former_teams"),
        ),
    )


def searchable(title: Mapping[str, str]) -> str:
    """A title in all its languages, as the search compares it."""
    return fold(" ".join(title.values()))


class Fault(Base):
    """A fault, (rule, asset), and the ticket that stands for it.

    The partial unique index makes "one fault, one ticket" true under any concurrency: only one
    ticket that has not ended can hold a fault. A merge hands the fault to the target ticket.
    """

    __tablename__ = "fault"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    rule_id: Mapped[str] = mapped_column(String(120))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    holds: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        Index(
            "uq_fault_held",
            "rule_id",
            "asset_id",
            unique=True,
            sqlite_where=text("holds"),
            postgresql_where=text("holds"),
        ),
        Index("ix_fault_key", "rule_id", "asset_id"),
    )


class TicketEvidence(Base):
    """What proves it, copied in so that it outlives retention: trip, recovery, chart.

    at_micros: the moment it is about, in µs since the epoch, exactly as the reading had it.
    """

    __tablename__ = "ticket_evidence"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    at_micros: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Set until the readings around the moment are copied from telemetry, which is written after
    # the decision; who restarts finds the unfinished ones by it.
    chart_wanted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    __table_args__ = (
        Index(
            "ix_ticket_evidence_wanted",
            "chart_wanted",
            sqlite_where=text("chart_wanted"),
            postgresql_where=text("chart_wanted"),
        ),
    )


class TicketNote(Base):
    """What somebody wrote on a ticket; it stands here and not in the event log, so it can go.

    author_kind: contractor or resident, where none of ours wrote it. public: residents read it.
    """

    __tablename__ = "ticket_note"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    action: Mapped[str] = mapped_column(String(12), default="note")
    body: Mapped[str] = mapped_column(Text)
    author_kind: Mapped[str | None] = mapped_column(String(12))
    public: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


class TicketPhoto(Base):
    """A photo on a ticket. original, copy: the SHA-256 of the files; size: bytes of the original.

    width, height: pixels of the original, upright. author_kind: contractor or resident, where none
    of ours took it.
    """

    __tablename__ = "ticket_photo"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    original: Mapped[str] = mapped_column(String(64))
    copy: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(20))
    size: Mapped[int] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    author_kind: Mapped[str | None] = mapped_column(String(12))

    __table_args__ = (UniqueConstraint("ticket_id", "original"),)


class TicketVoice(Base):
    """A voice note on a ticket. original, copy: the SHA-256 of the files, as of a photo.

    note_id: the note that it was sent with, if with one. seconds: how long it is, rounded up.
    author_kind: resident, where none of ours said it.
    """

    __tablename__ = "ticket_voice"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"))
    note_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket_note.id"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    author_kind: Mapped[str | None] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(Instant)
    original: Mapped[str] = mapped_column(String(64))
    copy: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(20))
    size: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[int] = mapped_column(Integer)

    __table_args__ = (UniqueConstraint("ticket_id", "original"),)


class TicketMention(Base):
    """Somebody who is named in a note: by id, so that a note shows the name that they have now."""

    __tablename__ = "ticket_mention"

    note_id: Mapped[UUID] = mapped_column(ForeignKey("ticket_note.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)


class TicketCounter(Base):
    """The last human number given out."""

    __tablename__ = "ticket_counter"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[int] = mapped_column(Integer)


_COUNTER = cast(Table, TicketCounter.__table__)
_NEXT_NUMBER = (
    update(_COUNTER)
    .where(_COUNTER.c.id == 1)
    .values(value=_COUNTER.c.value + 1)
    .returning(_COUNTER.c.value)
)


def next_number(session: Session) -> int:
    """The next human number; the row stays locked until commit, so numbers have no doubles."""
    return int(session.connection().execute(_NEXT_NUMBER).scalar_one())
