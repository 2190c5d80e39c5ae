"""What rules in the shadow find: kept beside the alarms, with nothing opened and nobody told."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Integer,
    Select,
    String,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base
from core.ids import new_id
from core.rulebook_shadows import RuleShadow
from rules.engine import AlarmState, Phase, TransitionKind
from workflows.alarms.finding import Finding

# So many episodes of each asset are kept.
KEPT = 1000


class ShadowAlarm(Base):
    """The engine's state of one rule in the shadow on one asset; see `workflows.alarms.Alarm`."""

    __tablename__ = "shadow_alarm"

    shadow_id: Mapped[UUID] = mapped_column(ForeignKey("rule_shadow.id"), primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    phase: Mapped[str] = mapped_column(String(10))
    since: Mapped[int | None] = mapped_column(BigInteger)
    due: Mapped[int | None] = mapped_column(BigInteger)
    due_receipt: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    tripped_at: Mapped[int | None] = mapped_column(BigInteger)
    cleared_at: Mapped[int | None] = mapped_column(BigInteger)
    failing: Mapped[str | None] = mapped_column(Text)
    seen: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))


class ShadowEpisode(Base):
    """From one trip in the shadow to its clearing; times in µs since the epoch, wall time."""

    __tablename__ = "shadow_episode"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    shadow_id: Mapped[UUID] = mapped_column(ForeignKey("rule_shadow.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    tripped_micros: Mapped[int] = mapped_column(BigInteger)
    cleared_micros: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("shadow_id", "asset_id", "tripped_micros"),)


_STATE = (
    "since",
    "due",
    "due_receipt",
    "count",
    "changed_at",
    "tripped_at",
    "cleared_at",
    "failing",
    "seen",
)


def record_shadows(session: Session, findings: Sequence[Finding]) -> list[Finding]:
    """Write down what was found in the shadow; returns the findings that are of real alarms.

    In the transaction of all other findings, so that after a kill both continue from one instant.
    """
    real: list[Finding] = []
    for finding in findings:
        if finding.rule.shadow is None:
            real.append(finding)
        else:
            _record(session, finding, finding.rule.shadow)
    return real


def _record(session: Session, finding: Finding, shadow_id: UUID) -> None:
    state = finding.transition.after
    row = session.get(ShadowAlarm, (shadow_id, finding.asset_id))
    if row is None:
        row = ShadowAlarm(shadow_id=shadow_id, asset_id=finding.asset_id, site_id=finding.site_id)
        session.add(row)
    row.phase = state.phase.value
    for name in _STATE:
        setattr(row, name, getattr(state, name))
    if finding.transition.kind is TransitionKind.TRIPPED:
        _forget_old(session, finding, shadow_id)
        session.add(
            ShadowEpisode(
                id=new_id(),
                shadow_id=shadow_id,
                asset_id=finding.asset_id,
                site_id=finding.site_id,
                tripped_micros=finding.at,
                reason=finding.transition.reason,
            )
        )
    elif finding.transition.kind is TransitionKind.CLEARED:
        _clear(session, finding, shadow_id)
    session.flush()


def _newest(finding: Finding, shadow_id: UUID) -> Select[ShadowEpisode]:
    return (
        select(ShadowEpisode)
        .where(ShadowEpisode.shadow_id == shadow_id, ShadowEpisode.asset_id == finding.asset_id)
        .order_by(ShadowEpisode.tripped_micros.desc())
        .limit(1)
    )


def _clear(session: Session, finding: Finding, shadow_id: UUID) -> None:
    """Close the episode that stands, which is the newest: no older one is looked at."""
    episode = session.scalars(_newest(finding, shadow_id)).first()
    if episode is not None and episode.cleared_micros is None:
        episode.cleared_micros = finding.at


def _forget_old(session: Session, finding: Finding, shadow_id: UUID) -> None:
    """A rule that flaps in the shadow fills no disk: only the newest are compared anyway."""
    surplus = session.scalars(_newest(finding, shadow_id).offset(KEPT - 1)).first()
    if surplus is not None:
        session.delete(surplus)


def rule_in_shadow(shadow_id: UUID) -> str:
    """The name under which ingest keeps a rule in the shadow apart from the one in force."""
    return f"shadow:{shadow_id}"


def shadow_states(session: Session) -> dict[tuple[str, UUID], tuple[int, AlarmState]]:
    """The engine states of everything in the shadow, as `standing_states` has those of alarms."""
    statement = (
        select(ShadowAlarm, RuleShadow.version)
        .join(RuleShadow, RuleShadow.id == ShadowAlarm.shadow_id)
        .where(RuleShadow.state == "running")
    )
    return {
        (rule_in_shadow(row.shadow_id), row.asset_id): (
            version,
            AlarmState(phase=Phase(row.phase), **{name: getattr(row, name) for name in _STATE}),
        )
        for row, version in session.execute(statement)
    }
