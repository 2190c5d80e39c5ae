"""The tables of alarms and their status table (ISA-18.2 / IEC 62682)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# In these an alarm is judged and written down, but tells nobody: areas G, H and I of ISA-18.2.
WITHHELD = ("shelved", "suppressed", "out_of_service")
_TOLD = ("normal", "unacknowledged", "acknowledged", "returned_unacknowledged", "latched")
# Names of ISA-18.2: RTN is "returned to normal". What was withheld goes to normal, and is judged
# again there: `trip` follows in the same transaction where its condition still stands.
ALARM = Lifecycle(
    "alarm",
    {
        "trip": {
            "normal": "unacknowledged",
            "returned_unacknowledged": "unacknowledged",
            "latched": "unacknowledged",
        },
        "clear": {"unacknowledged": "returned_unacknowledged", "acknowledged": "normal"},
        "acknowledge": {"unacknowledged": "acknowledged", "returned_unacknowledged": "normal"},
        "realarm": {"acknowledged": "unacknowledged"},
        # Follows in one transaction whatever leads a latching alarm to normal, but for its reset.
        "latch": {"normal": "latched"},
        "reset": {"latched": "normal"},
        "shelve": dict.fromkeys((*_TOLD, "shelved"), "shelved"),
        "unshelve": {"shelved": "normal"},
        "suppress": dict.fromkeys((*_TOLD, "suppressed"), "suppressed"),
        "unsuppress": {"suppressed": "normal"},
        "take_out": dict.fromkeys((*_TOLD, *WITHHELD), "out_of_service"),
        "return_to_service": {"out_of_service": "normal"},
        # What happens behind the silence.
        "withheld_trip": {status: status for status in WITHHELD},
        "withheld_clear": {status: status for status in WITHHELD},
    },
)
WITHHOLDING = Lifecycle(
    "withholding",
    {
        "confirm": {"asked": "standing"},
        "refuse": {"asked": "refused"},
        "lapse": {"asked": "lapsed"},
        "end": {"standing": "ended"},
    },
)


class Alarm(Base):
    """One rule on one asset: the status people see, and the engine's state with its timers.

    phase … seen are `rules.engine.AlarmState`, in µs; only the worker that owns the site moves
    them. state is moved by the lifecycle table, by that worker, by people and by the jobs. facts:
    of the rule that judged last (`finding.kept_facts`), so that it can be announced without its
    reading; None where it never tripped. realarm_due: when a standing alarm that somebody saw is
    told again. recent … chatter_proof: see `chatter`. family: of hazards, as its rule says;
    incident_id: the incident that it was a part of last, see `incidents`. inhibited_by: as the rule
    says, as `inhibition.as_kept` writes it.
    """

    __tablename__ = "alarm"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), index=True)
    rule_id: Mapped[str] = mapped_column(String(120))
    rule_version: Mapped[int] = mapped_column(Integer)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    severity: Mapped[str] = mapped_column(String(10))
    life_safety: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(24), default="normal")
    version: Mapped[int] = mapped_column(Integer, default=1)
    reason: Mapped[str] = mapped_column(Text, default="")
    episodes: Mapped[int] = mapped_column(Integer, default=0)
    raised_at: Mapped[datetime | None] = mapped_column(Instant)
    returned_at: Mapped[datetime | None] = mapped_column(Instant)
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))
    family: Mapped[str | None] = mapped_column(String(10))
    inhibited_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incident.id"))
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    realarm_due: Mapped[datetime | None] = mapped_column(Instant)

    phase: Mapped[str] = mapped_column(String(10), default="normal")
    since: Mapped[int | None] = mapped_column(BigInteger)
    due: Mapped[int | None] = mapped_column(BigInteger)
    due_receipt: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer, default=0)
    changed_at: Mapped[int] = mapped_column(BigInteger, default=0)
    tripped_at: Mapped[int | None] = mapped_column(BigInteger)
    cleared_at: Mapped[int | None] = mapped_column(BigInteger)
    failing: Mapped[str | None] = mapped_column(Text)
    seen: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))

    recent: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    chatter_since: Mapped[datetime | None] = mapped_column(Instant)
    chatter_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    chatter_heard_at: Mapped[datetime | None] = mapped_column(Instant)
    chatter_proof: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("rule_id", "asset_id"),
        Index("ix_alarm_site_state", "site_id", "state"),
        Index(
            "ix_alarm_chatter",
            "site_id",
            sqlite_where=text("chatter_since IS NOT NULL"),
            postgresql_where=text("chatter_since IS NOT NULL"),
        ),
        Index("ix_alarm_incident_id", "incident_id"),
        Index(
            "ix_alarm_family",
            "site_id",
            "family",
            "raised_at",
            sqlite_where=text("family IS NOT NULL"),
            postgresql_where=text("family IS NOT NULL"),
        ),
        Index(
            "ix_alarm_inhibited_by",
            "site_id",
            "raised_at",
            sqlite_where=text("inhibited_by <> ''"),
            postgresql_where=text("inhibited_by <> ''"),
        ),
        Index("ix_alarm_realarm", "state", "realarm_due"),
    )


class Episode(Base):
    """From one trip of an alarm to its clearing. It opens at most one ticket.

    trips: how often it tripped meanwhile, which is once unless the alarm chattered, from its trip
    until chattered_until.
    withholding_id: what kept it from being told when it tripped; proof: then, what its ticket is
    to show should the alarm be announced after all. announced_at: when it was, or told again.
    """

    __tablename__ = "episode"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    rule_version: Mapped[int] = mapped_column(Integer)
    tripped_micros: Mapped[int] = mapped_column(BigInteger)
    cleared_micros: Mapped[int | None] = mapped_column(BigInteger)
    learned_at: Mapped[datetime] = mapped_column(Instant)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    trips: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    chattered_until: Mapped[datetime | None] = mapped_column(Instant)
    announced_at: Mapped[datetime | None] = mapped_column(Instant)
    withholding_id: Mapped[UUID | None] = mapped_column(ForeignKey("withholding.id"))
    proof: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("alarm_id", "tripped_micros"),
        Index("ix_episode_site_tripped", "site_id", "tripped_micros"),
        Index("ix_episode_site_learned", "site_id", "learned_at"),
    )


class Withholding(Base):
    """Why an alarm tells nobody, from when to when; at most one stands for an alarm.

    kind: the status of the alarm meanwhile. why: shelved, maintenance, outage, inhibited or
    out_of_service. until: None for a shelving that ends when the alarm clears (one_shot), and for
    a cause whose end nobody knows. from_state: of the alarm before. cause_kind, cause_id: what
    suppresses it, for example ("planned_work", …). patrol: who walks instead of a life-safety
    alarm that is out of service. asked_by and confirmed_by are two people there.
    """

    __tablename__ = "withholding"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"))
    kind: Mapped[str] = mapped_column(String(16))
    why: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    from_state: Mapped[str] = mapped_column(String(24), default="normal")
    reason: Mapped[str] = mapped_column(Text, default="")
    patrol: Mapped[str] = mapped_column(String(120), default="")
    one_shot: Mapped[bool] = mapped_column(Boolean, default=False)
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    cause_kind: Mapped[str | None] = mapped_column(String(20))
    cause_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_withholding_alarm_id", "alarm_id"),
        Index("ix_withholding_due", "state", "until"),
        Index("ix_withholding_cause", "cause_id"),
        Index(
            "uq_withholding_standing",
            "alarm_id",
            unique=True,
            sqlite_where=text("state = 'standing'"),
            postgresql_where=text("state = 'standing'"),
        ),
        Index(
            "uq_withholding_asked",
            "alarm_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )
