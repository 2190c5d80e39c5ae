"""What a pack brings: new rules come into force, changed ones are offered and never overwrite."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.ids import new_id
from core.places import Node
from core.rulebook import RuleVersion, active_at, publish, take_turn
from core.rulebook_checks import columns_of
from core.rulebook_drafts import RuleDraft, site_of
from rules.document import Rule


@dataclass(slots=True)
class Brought:
    """What became of the rules of a pack, by their ids."""

    published: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def bring_in(
    session: Session,
    rules: Sequence[Rule],
    node: Node,
    pack: str,
    *,
    now: datetime,
    only_new: bool,
) -> Brought:
    """Take in the rules of a pack on a node.

    A rule of which there is no version comes into force. only_new: every other is offered, as when
    the product brings a newer pack of its own; else, when somebody imports a file, it replaces the
    version in force, unless a person decided on any version: then it is offered as well.
    """
    brought = Brought()
    take_turn(session, [rule.id for rule in rules])
    for rule in rules:
        _where(session, brought, rule, node, pack, now, only_new).append(rule.id)
    return brought


def _where(
    session: Session,
    brought: Brought,
    rule: Rule,
    node: Node,
    pack: str,
    now: datetime,
    only_new: bool,
) -> list[str]:
    known = _versions(session, rule.id)
    standing = active_at(session, rule.id, node.id)
    if standing is not None and standing.fingerprint == rule.fingerprint:
        return brought.unchanged
    decided = any(row.draft_id or row.end_reason for row in known)
    if not known or not (only_new or decided):
        publish(
            session,
            **columns_of(rule),
            node_id=node.id,
            document=rule.source,
            pack=pack,
            actor=events.SYSTEM,
            now=now,
        )
        return brought.published
    if any(row.fingerprint == rule.fingerprint for row in known) or not _offer(
        session, rule, node, pack, now
    ):
        # It was in force once, or somebody decided on it: that is not asked again.
        return brought.unchanged
    return brought.offered


def _versions(session: Session, rule_id: str) -> list[RuleVersion]:
    return list(session.scalars(select(RuleVersion).where(RuleVersion.rule_id == rule_id)))


def _offer(session: Session, rule: Rule, node: Node, pack: str, now: datetime) -> bool:
    drafts = session.scalars(select(RuleDraft).where(RuleDraft.rule_id == rule.id)).all()
    if any(draft.pack == pack and draft.fingerprint == rule.fingerprint for draft in drafts):
        return False
    waiting = [draft for draft in drafts if draft.state == "offered" and draft.node_id == node.id]
    if waiting:
        _renew(waiting[0], rule, pack, now)
        return True
    standing = active_at(session, rule.id, node.id)
    draft = RuleDraft(
        id=new_id(),
        node_id=node.id,
        site_id=site_of(node),
        rule_id=rule.id,
        rule_fixed=True,
        state="offered",
        version=1,
        base_version=standing.version if standing else None,
        seen_version=standing.version if standing else 0,
        created_at=now,
        created_by=events.SYSTEM.id,
    )
    _renew(draft, rule, pack, now)
    session.add(draft)
    session.flush()
    _told(session, draft.id, rule.id, pack, now)
    return True


def _renew(draft: RuleDraft, rule: Rule, pack: str, now: datetime) -> None:
    """A newer pack's words take the place of those that nobody took up."""
    draft.document, draft.fingerprint, draft.pack = rule.source, rule.fingerprint, pack
    draft.title = {"en": rule.title.en, "zh": rule.title.zh}
    draft.updated_at, draft.updated_by = now, events.SYSTEM.id


def _told(session: Session, draft_id: UUID, rule_id: str, pack: str, now: datetime) -> None:
    events.append(
        session,
        "rule_draft.offer",
        ("rule_draft", draft_id),
        actor=events.SYSTEM,
        learned_at=now,
        after={"rule": rule_id, "pack": pack},
    )
