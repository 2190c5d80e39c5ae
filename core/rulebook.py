"""The rulebook: every version of every rule, and which of them is in force where."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
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
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id
from core.places import Node


class RuleVersion(Base):
    """One version of one rule. At most one version of a rule is active on a node of the tree.

    node_id: the node on which it holds, with everything below it, except where another active
    version of the same rule is kept nearer.
    pack: the file or pack that it came from; fingerprint: of the document's meaning.
    draft_id: the draft that it was approved from; reason: why it was put into force.
    ended_at, ended_by, end_reason: when and by whom it was put out of force, and why.
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
    asset_type: Mapped[str] = mapped_column(String(60), default="", server_default="")
    draft_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(80))
    end_reason: Mapped[str] = mapped_column(Text, default="", server_default="")

    __table_args__ = (
        Index("uq_rule_version_number", "rule_id", "version", unique=True),
        Index(
            "uq_rule_version_active_at",
            "rule_id",
            "node_id",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )


def active_versions(session: Session) -> list[RuleVersion]:
    """The versions in force of every rule."""
    statement = (
        select(RuleVersion)
        .where(RuleVersion.active)
        .order_by(RuleVersion.rule_id, RuleVersion.version)
    )
    return list(session.scalars(statement))


def places_nearer(
    versions: Sequence[RuleVersion], paths: Mapping[UUID, str]
) -> dict[UUID, tuple[str, ...]]:
    """For each version the places below its own on which another version of its rule is kept."""
    kept: dict[str, list[str]] = defaultdict(list)
    for version in versions:
        kept[version.rule_id].append(paths[version.node_id])
    found = {}
    for version in versions:
        own = paths[version.node_id]
        below = (path for path in kept[version.rule_id] if path != own and path.startswith(own))
        found[version.id] = tuple(below)
    return found


def places_kept_below(
    versions: Iterable[RuleVersion], paths: Mapping[UUID, str], rule_id: str, place: str
) -> tuple[str, ...]:
    """The places below one on which a version of the rule is kept: what the one says ends there."""
    kept = (paths[version.node_id] for version in versions if version.rule_id == rule_id)
    return tuple(path for path in kept if path != place and path.startswith(place))


def active_at(session: Session, rule_id: str, node_id: UUID) -> RuleVersion | None:
    """The version of a rule in force that is kept on this very node."""
    return session.scalars(
        select(RuleVersion).where(
            RuleVersion.rule_id == rule_id, RuleVersion.node_id == node_id, RuleVersion.active
        )
    ).first()


def holding_at(
    session: Session, site_id: UUID, rule_ids: Collection[str] | None = None
) -> dict[str, RuleVersion]:
    """The versions that hold on a site, by their rules: of each the one that is kept nearest."""
    site = select(Node.path).where(Node.id == site_id).scalar_subquery()
    statement = (
        select(RuleVersion)
        .join(Node, Node.id == RuleVersion.node_id)
        .where(RuleVersion.active, func.substr(site, 1, func.length(Node.path)) == Node.path)
        .order_by(func.length(Node.path), RuleVersion.rule_id)
    )
    if rule_ids is not None:
        statement = statement.where(RuleVersion.rule_id.in_(rule_ids))
    # What is nearer comes later.
    return {row.rule_id: row for row in session.scalars(statement)}


def known_rules(session: Session) -> set[str]:
    """The ids of all rules of which there is any version."""
    return set(session.scalars(select(RuleVersion.rule_id).distinct()))


@dataclass(frozen=True, slots=True)
class Because:
    """Why a version comes into force: in somebody's words, and the draft it was approved from."""

    reason: str = ""
    draft_id: UUID | None = None
    # What the log says besides, as JSON values: ids and field names only.
    facts: Mapping[str, Any] = field(default_factory=dict)


def take_turn(session: Session, rule_ids: Collection[str]) -> None:
    """Wait until nobody else changes what is in force of these rules, to the end of their
    transaction; what is read afterwards stays true to the end of ours.

    Everybody begins with the same row, the first version of each rule in order of their ids.
    Without it two who had read different versions as the newest each waited for the other's row.
    On SQLite writers follow each other anyway.
    """
    session.execute(
        select(RuleVersion.id)
        .where(RuleVersion.rule_id.in_(rule_ids), RuleVersion.version == 1)
        .order_by(RuleVersion.rule_id)
        .with_for_update()
    )


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
    asset_type: str = "",
    because: Because | None = None,
) -> RuleVersion | None:
    """Put a rule into force on a node as its next version; the one in force there steps back.

    None when the one in force there says the same.
    """
    because = because or Because()
    take_turn(session, [rule_id])
    standing = active_at(session, rule_id, node_id)
    if standing and standing.fingerprint == fingerprint:
        return None
    newest = session.scalar(
        select(func.max(RuleVersion.version)).where(RuleVersion.rule_id == rule_id)
    )
    if standing is not None:
        _end(session, standing, actor, now, "")
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
        asset_type=asset_type,
        draft_id=because.draft_id,
        reason=because.reason,
    )
    session.add(row)
    events.append(
        session,
        "rule.publish",
        ("rule", rule_id),
        actor=actor,
        learned_at=now,
        before={"version": standing.version} if standing else None,
        after={"version": row.version, "node": str(node_id), **because.facts},
    )
    return row


def _end(
    session: Session, row: RuleVersion, actor: events.Actor, now: datetime, reason: str
) -> None:
    row.active = False
    row.ended_at, row.ended_by, row.end_reason = now, actor.id, reason
    # At once: on one node no two may be in force, not even within a transaction.
    session.flush()


def retire(
    session: Session,
    rule_ids: Sequence[str],
    *,
    actor: events.Actor,
    now: datetime,
    node_id: UUID | None = None,
    reason: str = "",
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Take rules out of force; returns how many versions were in force.

    node_id: only what is kept on this node; None: wherever it is.
    """
    take_turn(session, rule_ids)
    statement = select(RuleVersion).where(RuleVersion.rule_id.in_(rule_ids), RuleVersion.active)
    if node_id is not None:
        statement = statement.where(RuleVersion.node_id == node_id)
    rows = session.scalars(statement.order_by(RuleVersion.rule_id)).all()
    for row in rows:
        _end(session, row, actor, now, reason)
        events.append(
            session,
            "rule.retire",
            ("rule", row.rule_id),
            actor=actor,
            learned_at=now,
            before={"version": row.version},
            after={"node": str(row.node_id), **facts},
        )
    return len(rows)
