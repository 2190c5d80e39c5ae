"""Deciding on rules: a draft's steps, rolling back, retiring, and who must be the second."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from core import events
from core.accounts import Password
from core.errors import Conflict, Invalid, NotAllowed
from core.identity.links import Identity
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller, Credential, Grant, Person
from core.permissions import ROLES
from core.places import Node
from core.rulebook import Because, RuleVersion, active_at, publish, retire
from core.rulebook_checks import check_document, columns_of
from core.rulebook_drafts import (
    APPROVE,
    CHANGE,
    DECISIONS,
    DRAFT,
    RETIRE,
    RIGHT_OF_ACTION,
    ROLL_BACK,
    RuleDraft,
    find_version,
    hold_draft,
    reason_of,
    require_known,
    require_seen,
    require_sound,
    site_of,
    writable_node,
)
from core.rulebook_shadows import end_shadows_of
from rules.wording import Message, worded


def others_who_approve(session: Session, caller: Caller, node: Node, *, now: datetime) -> int:
    """How many other people could approve on a node: they hold the right and can sign in."""
    # On a place above the sites only who holds the right company-wide decides.
    nodes = session.execute(select(Node.id, Node.kind, Node.path))
    above = [
        node_id
        for node_id, kind, path in nodes
        if node.path.startswith(path) and (node.kind == "site" or kind == "company")
    ]
    roles = [role for role, rights in ROLES.items() if APPROVE in rights]
    can_sign_in = or_(
        exists().where(Password.person_id == Person.id),
        exists().where(Identity.person_id == Person.id),
        exists().where(
            Credential.person_id == Person.id,
            Credential.kind == "session",
            Credential.ends_at > now,
        ),
    )
    statement = (
        select(Person.id)
        .join(Grant, Grant.person_id == Person.id)
        .where(
            Grant.node_id.in_(above),
            Grant.role.in_(roles),
            Person.left_at.is_(None),
            Person.id != caller.person_id,
            can_sign_in,
        )
        .distinct()
    )
    return len(session.scalars(statement).all())


def is_own(caller: Caller, draft: RuleDraft) -> bool:
    """Whether somebody would decide on what they wrote or submitted themselves."""
    return str(caller.person_id) in (draft.submitted_by, draft.updated_by)


def concerns_life_safety(session: Session, draft: RuleDraft) -> bool:
    """Whether a draft is of a life-safety rule, or would make one an ordinary rule."""
    rule = check_document(session, draft.document).rule
    standing = session.scalars(
        select(RuleVersion.life_safety).where(
            RuleVersion.rule_id == draft.rule_id, RuleVersion.active
        )
    ).all()
    return any(standing) or (rule is not None and rule.life_safety)


def refusal_to_approve(
    session: Session, caller: Caller, draft: RuleDraft, *, now: datetime
) -> Message | None:
    """Why this person may not approve this draft although they hold the right; None: they may."""
    if not is_own(caller, draft):
        return None
    if concerns_life_safety(session, draft):
        return worded("a life-safety rule needs a second person")
    node = session.get_one(Node, draft.node_id)
    if others_who_approve(session, caller, node, now=now):
        return worded("somebody else approves what you wrote or submitted")
    return None


def act_on_draft(
    session: Session,
    caller: Caller,
    draft: RuleDraft,
    action: str,
    *,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> RuleDraft:
    """Move a draft by any action. What is discarded is tried no more."""
    if action == "approve":
        return approve(
            session, caller, draft, now=now, note=reason, expected_version=expected_version
        )
    hold_draft(session, caller, draft, RIGHT_OF_ACTION[action], expected_version=expected_version)
    actor = events.Actor.person(caller.person_id)
    values: dict[str, Any] = {}
    if action == "submit":
        if draft.state == "draft":
            require_sound(session, draft)
        given = reason_of(reason or draft.reason)
        values = {"submitted_at": now, "submitted_by": str(caller.person_id), "reason": given}
    elif action in DECISIONS:
        note = reason_of(reason)
        values = {"reviewed_at": now, "reviewed_by": str(caller.person_id), "review_note": note}
    move(
        session,
        draft,
        DRAFT,
        action,
        actor=actor,
        learned_at=now,
        values=values,
        facts={"rule": draft.rule_id},
    )
    if action == "discard":
        end_shadows_of(session, draft, actor=actor, now=now)
    return draft


def approve(
    session: Session,
    caller: Caller,
    draft: RuleDraft,
    *,
    now: datetime,
    note: str = "",
    expected_version: int | None = None,
) -> RuleDraft:
    """Put what a draft says into force. NotAllowed where a second person is needed; Stale."""
    # What is published is what was read: nobody writes on it before, or between the two.
    hold_draft(session, caller, draft, APPROVE, expected_version=expected_version)
    DRAFT.target("approve", draft.state)
    refusal = refusal_to_approve(session, caller, draft, now=now)
    if refusal is not None:
        raise NotAllowed(refusal, advice=worded("Ask another person who may approve rules here."))
    given = reason_of(note, required=False)
    _carry_out(session, caller, draft, now, own=is_own(caller, draft), note=given)
    return draft


def _carry_out(
    session: Session,
    caller: Caller,
    draft: RuleDraft,
    now: datetime,
    *,
    own: bool,
    note: str = "",
    facts: Mapping[str, Any] = {},
) -> None:
    """Put what a draft says into force, and write down who decided it. facts: more to tell."""
    actor = events.Actor.person(caller.person_id)
    told = {"draft": str(draft.id), "self_approved": own, **facts}
    published = _put_into_force(session, draft, actor, now, told)
    move(
        session,
        draft,
        DRAFT,
        "approve",
        actor=actor,
        learned_at=now,
        values={
            "reviewed_at": now,
            "reviewed_by": str(caller.person_id),
            "review_note": note,
            "self_approved": own,
            "published_version": published,
        },
        facts={"rule": draft.rule_id, "version": published, "self_approved": own},
    )
    end_shadows_of(session, draft, actor=actor, now=now)


def _put_into_force(
    session: Session,
    draft: RuleDraft,
    actor: events.Actor,
    now: datetime,
    facts: dict[str, Any],
) -> int | None:
    if draft.purpose == RETIRE:
        if active_at(session, draft.rule_id, draft.node_id) is not None:
            # What was asked for was the end of the version that stood then.
            require_seen(session, draft)
        taken = retire(
            session,
            [draft.rule_id],
            actor=actor,
            now=now,
            node_id=draft.node_id,
            reason=draft.reason,
            facts=facts,
        )
        if not taken:
            raise Conflict(
                worded("it is out of force already"), advice=worded("Reject this request.")
            )
        return None
    require_sound(session, draft)
    because = Because(draft.reason, draft.id, facts)
    row = publish_document(
        session, draft.document, draft.node_id, draft.pack, actor=actor, now=now, because=because
    )
    return row.version


def publish_document(
    session: Session,
    document: str,
    node_id: UUID,
    pack: str,
    *,
    actor: events.Actor,
    now: datetime,
    because: Because,
) -> RuleVersion:
    """Check a document and put it into force. Invalid, or Conflict when nothing would change."""
    checked = check_document(session, document)
    if checked.rule is None:
        raise Invalid(worded("the rule is not sound"), problems=checked.texts)
    row = publish(
        session,
        **columns_of(checked.rule),
        node_id=node_id,
        document=document,
        pack=pack,
        actor=actor,
        now=now,
        because=because,
    )
    if row is None:
        raise Conflict(
            worded("the version in force says the same"),
            advice=worded("There is nothing to change."),
        )
    return row


def roll_back(
    session: Session,
    caller: Caller,
    rule_id: str,
    version: int,
    *,
    reason: str,
    now: datetime,
    node_id: UUID | None = None,
) -> RuleDraft:
    """Put an older version into force again, as a new one; returns the decided request.

    Of a life-safety rule it waits in review for a second person, and so it does where this version
    never held: there nobody reviewed it.
    """
    row = find_version(session, caller, rule_id, version)
    node = writable_node(session, caller, node_id or row.node_id, APPROVE)
    draft = _request(session, caller, row, node, ROLL_BACK, reason, now)
    return _decide_at_once(session, caller, draft, now)


def retire_rule(
    session: Session, caller: Caller, rule_id: str, node_id: UUID, *, reason: str, now: datetime
) -> RuleDraft:
    """Take a rule out of force on a node; below it, what is kept above holds again.

    Of a life-safety rule it waits in review for a second person.
    """
    require_known(session, caller, rule_id)
    node = writable_node(session, caller, node_id, APPROVE)
    row = active_at(session, rule_id, node.id)
    if row is None:
        raise Conflict(
            worded("no version of this rule is in force on this place itself"),
            advice=worded("Look where it is kept, and retire it there."),
        )
    draft = _request(session, caller, row, node, RETIRE, reason, now)
    return _decide_at_once(session, caller, draft, now)


def _request(
    session: Session,
    caller: Caller,
    row: RuleVersion,
    node: Node,
    purpose: str,
    reason: str,
    now: datetime,
) -> RuleDraft:
    standing, person = active_at(session, row.rule_id, node.id), str(caller.person_id)
    draft = RuleDraft(
        id=new_id(),
        node_id=node.id,
        site_id=site_of(node),
        rule_id=row.rule_id,
        rule_fixed=True,
        purpose=purpose,
        state="draft",
        version=1,
        document=row.document,
        fingerprint=row.fingerprint,
        title=row.title,
        pack=row.pack,
        base_version=row.version,
        seen_version=standing.version if standing else 0,
        created_at=now,
        created_by=person,
        updated_at=now,
        updated_by=person,
    )
    session.add(draft)
    session.flush()
    move(
        session,
        draft,
        DRAFT,
        "submit",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"submitted_at": now, "submitted_by": person, "reason": reason_of(reason)},
        facts={"rule": row.rule_id, "purpose": purpose, "base": row.version},
    )
    return draft


def _decide_at_once(session: Session, caller: Caller, draft: RuleDraft, now: datetime) -> RuleDraft:
    """What was in force here before, or is to end, was reviewed: one person may decide it."""
    if concerns_life_safety(session, draft) or not _was_in_force_here(session, draft):
        if draft.purpose == ROLL_BACK:
            require_sound(session, draft)
        return draft
    _carry_out(session, caller, draft, now, own=True, facts={"purpose": draft.purpose})
    return draft


def _was_in_force_here(session: Session, draft: RuleDraft) -> bool:
    before = select(RuleVersion.id).where(
        RuleVersion.rule_id == draft.rule_id,
        RuleVersion.node_id == draft.node_id,
        RuleVersion.fingerprint == draft.fingerprint,
    )
    return session.scalars(before).first() is not None


__all__ = [
    "CHANGE",
    "act_on_draft",
    "approve",
    "others_who_approve",
    "publish_document",
    "refusal_to_approve",
    "retire_rule",
    "roll_back",
]
