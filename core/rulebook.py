"""The rulebook: every version of every rule, as the document somebody imported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id


class RuleVersion(Base):
    """One version of one rule. At most one version of a rule is active.

    node_id: the node of the tree on which the rule holds, with everything below it.
    pack: the file or pack that it came from; fingerprint: of the document's meaning.
    """

    __tablename__ = "rule_version"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    rule_id: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    severity: Mapped[str] = mapped_column(String(10))
    life_safety: Mapped[bool] = mapped_column(Boolean)
    document: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
    pack: Mapped[str] = mapped_column(String(80), default="")
    active: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(80))

    __table_args__ = (
        Index("uq_rule_version_number", "rule_id", "version", unique=True),
        Index(
            "uq_rule_version_active",
            "rule_id",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )


def active_versions(session: Session) -> list[RuleVersion]:
    """The version in force of every rule."""
    statement = select(RuleVersion).where(RuleVersion.active).order_by(RuleVersion.rule_id)
    return list(session.scalars(statement))


def known_rules(session: Session) -> set[str]:
    """The ids of all rules of which there is any version."""
    return set(session.scalars(select(RuleVersion.rule_id).distinct()))


def publish(
    session: Session,
    *,
    rule_id: str,
    node_id: UUID,
    title: Mapping[str, str],
    severity: str,
    life_safety: bool,
    document: str,
    fingerprint: str,
    pack: str,
    actor: events.Actor,
    now: datetime,
) -> RuleVersion | None:
    """Put a rule into force as its next version; None when the active one says the same."""
    standing = session.scalars(
        select(RuleVersion).where(RuleVersion.rule_id == rule_id, RuleVersion.active)
    ).first()
    if standing and standing.fingerprint == fingerprint and standing.node_id == node_id:
        return None
    newest = session.scalar(
        select(func.max(RuleVersion.version)).where(RuleVersion.rule_id == rule_id)
    )
    session.execute(
        update(RuleVersion)
        .where(RuleVersion.rule_id == rule_id, RuleVersion.active)
        .values(active=False)
    )
    row = RuleVersion(
        id=new_id(),
        node_id=node_id,
        rule_id=rule_id,
        version=(newest or 0) + 1,
        title=dict(title),
        severity=severity,
        life_safety=life_safety,
        document=document,
        fingerprint=fingerprint,
        pack=pack,
        active=True,
        created_at=now,
        created_by=actor.id,
    )
    session.add(row)
    events.append(
        session,
        "rule.publish",
        ("rule", rule_id),
        actor=actor,
        learned_at=now,
        before={"version": newest} if newest else None,
        after={"version": row.version},
    )
    return row


def retire(session: Session, rule_ids: Sequence[str], *, actor: events.Actor, now: datetime) -> int:
    """Take rules out of force; returns how many were in force."""
    rows = session.execute(
        update(RuleVersion)
        .where(RuleVersion.rule_id.in_(rule_ids), RuleVersion.active)
        .values(active=False)
        .returning(RuleVersion.rule_id, RuleVersion.version)
    ).all()
    for rule_id, version in rows:
        before: dict[str, Any] = {"version": version}
        events.append(
            session,
            "rule.retire",
            ("rule", rule_id),
            actor=actor,
            learned_at=now,
            before=before,
        )
    return len(rows)
