"""Drafts of rules: what somebody is writing, and what a pack offers, until it is decided on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound, Stale
from core.ids import new_id
from core.lifecycle import Lifecycle
from core.people import Caller
from core.places import Node
from core.rulebook import RuleVersion, active_at, take_turn
from core.rulebook_checks import LONGEST_DOCUMENT, check_document
from rules.wording import worded

READ = "rules.read"
EDIT = "rules.edit"
APPROVE = "rules.approve"
# One of these shows drafts: what somebody is still writing is no rule to be read by all.
SEES_DRAFTS = (EDIT, APPROVE)
LONGEST_REASON = 2000
# What approving a draft does: publish its document, publish an older one again, or retire.
CHANGE, ROLL_BACK, RETIRE = "change", "roll_back", "retire"

DRAFT = Lifecycle(
    "rule_draft",
    {
        "submit": {"draft": "in_review"},
        "withdraw": {"in_review": "draft"},
        "send_back": {"in_review": "draft"},
        "reject": {"in_review": "rejected"},
        "approve": {"in_review": "approved"},
        "revise": {"rejected": "draft"},
        "discard": {"draft": "discarded", "rejected": "discarded", "offered": "discarded"},
        "take_up": {"offered": "draft"},
    },
)
# Those that decide on what others wrote; the rest belongs to writing it.
DECISIONS = ("send_back", "reject", "approve")
NEEDS_REASON = ("submit", "send_back", "reject")
OPEN = ("draft", "in_review", "rejected", "offered")
RIGHT_OF_ACTION: Mapping[str, str] = {
    action: APPROVE if action in DECISIONS else EDIT for action in DRAFT.moves
}


class RuleDraft(Base):
    """A version in the making, kept as text: also while it is not sound.

    site_id: its node, where that is a site.
    rule_id: as its document has it; empty until it has one. rule_fixed: whether it is of a rule
    that exists, so that its id may not change. base_version: the version that it began from.
    seen_version: what was in force on its node when it was last saved; 0: nothing.
    fingerprint: of the document's meaning; empty while it is not sound.
    """

    __tablename__ = "rule_draft"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    rule_id: Mapped[str] = mapped_column(String(80), default="", index=True)
    rule_fixed: Mapped[bool] = mapped_column(Boolean, default=False)
    purpose: Mapped[str] = mapped_column(String(12), default=CHANGE)
    state: Mapped[str] = mapped_column(String(12), index=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    document: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    pack: Mapped[str] = mapped_column(String(80), default="")
    base_version: Mapped[int | None] = mapped_column(Integer)
    seen_version: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(80))
    updated_at: Mapped[datetime] = mapped_column(Instant)
    updated_by: Mapped[str] = mapped_column(String(80))
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_by: Mapped[str | None] = mapped_column(String(80))
    reviewed_at: Mapped[datetime | None] = mapped_column(Instant)
    reviewed_by: Mapped[str | None] = mapped_column(String(80))
    review_note: Mapped[str] = mapped_column(Text, default="")
    self_approved: Mapped[bool] = mapped_column(Boolean, default=False)
    published_version: Mapped[int | None] = mapped_column(Integer)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote: the document, where it shall hold, and why it changes.

    seen_version: what was in force there when they compared it, 0: nothing; None: what is now.
    """

    document: str
    node_id: UUID
    reason: str = ""
    seen_version: int | None = None


def site_of(node: Node) -> UUID | None:
    """The site that a node is; None for one above the sites."""
    return node.id if node.kind == "site" else None


def reason_of(text: str, *, required: bool = True) -> str:
    """A reason, trimmed. Invalid when it is missing or too long."""
    reason = text.strip()
    if (required and not reason) or len(reason) > LONGEST_REASON:
        raise Invalid(
            worded("a reason is missing") if not reason else worded("the reason is too long"),
            problems=[
                worded("reason: say why, in at most %(most)s characters", most=LONGEST_REASON)
            ],
        )
    return reason


def writable_node(session: Session, caller: Caller, node_id: UUID, permission: str) -> Node:
    """A node on which the caller may write or decide. NotAllowed, also when there is none."""
    node = session.get(Node, node_id)
    if node is None:
        caller.require(permission, node_id)
        raise NotFound(worded("there is no such place"), advice=worded("Look for it in the tree."))
    caller.require_over(permission, node)
    return node


def start_draft(
    session: Session,
    caller: Caller,
    written: Written,
    *,
    now: datetime,
    rule_id: str = "",
    base_version: int | None = None,
) -> RuleDraft:
    """Begin a draft. rule_id: of the rule that it changes; empty for a new rule."""
    node = writable_node(session, caller, written.node_id, EDIT)
    draft = RuleDraft(
        id=new_id(),
        state="draft",
        version=1,
        rule_id=rule_id,
        rule_fixed=bool(rule_id),
        base_version=base_version,
        created_at=now,
        created_by=str(caller.person_id),
    )
    _write(session, draft, written, node, caller, now)
    session.add(draft)
    session.flush()
    events.append(
        session,
        "rule_draft.start",
        ("rule_draft", draft.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=draft.site_id,
        after={"rule": draft.rule_id, "node": str(node.id), "base": base_version},
    )
    return draft


def start_from_version(
    session: Session,
    caller: Caller,
    rule_id: str,
    version: int,
    *,
    now: datetime,
    node_id: UUID | None = None,
) -> RuleDraft:
    """Begin a draft with the document of a version. node_id: where it shall hold, if elsewhere."""
    row = find_version(session, caller, rule_id, version)
    written = Written(row.document, node_id or row.node_id)
    draft = start_draft(session, caller, written, now=now, rule_id=rule_id, base_version=version)
    # It stays the pack's rule, however much people change of it.
    draft.pack = row.pack
    return draft


def find_version(session: Session, caller: Caller, rule_id: str, version: int) -> RuleVersion:
    """A version of a rule that holds, or held, where the caller may read. NotFound."""
    possible = 0 < version < 2**31
    statement = select(RuleVersion).where(
        RuleVersion.rule_id == rule_id, RuleVersion.version == version
    )
    row = session.scalars(statement).first() if possible else None
    if row is None or not may_see(session, caller, row.node_id):
        raise NotFound(
            worded("there is no such version"), advice=worded("Look for it in the list of rules.")
        )
    return row


def require_known(session: Session, caller: Caller, rule_id: str) -> None:
    """NotFound unless some version of the rule holds, or held, where the caller may read."""
    nodes = session.scalars(
        select(RuleVersion.node_id).where(RuleVersion.rule_id == rule_id).distinct()
    )
    if not any(may_see(session, caller, node_id) for node_id in nodes.all()):
        raise NotFound(
            worded("there is no such rule"), advice=worded("Look for it in the list of rules.")
        )


def may_see(
    session: Session, caller: Caller, node_id: UUID, rights: Sequence[str] = (READ,)
) -> bool:
    """Whether a node lies above, or is, a site where the caller holds one of these rights."""
    path = session.scalar(select(Node.path).where(Node.id == node_id)) or "?"
    sites = frozenset[UUID]().union(*(caller.sites_for(right) for right in rights))
    below = session.scalars(select(Node.path).where(Node.id.in_(sites)))
    return any(each.startswith(path) for each in below)


def find_draft(session: Session, caller: Caller, draft_id: UUID) -> RuleDraft:
    """A draft where the caller may edit or approve rules. NotFound for any other."""
    draft = session.get(RuleDraft, draft_id)
    if draft is None or not may_see(session, caller, draft.node_id, SEES_DRAFTS):
        raise NotFound(
            worded("there is no such draft"), advice=worded("Look for it in the list of rules.")
        )
    return draft


def hold_draft(
    session: Session,
    caller: Caller,
    draft: RuleDraft,
    permission: str,
    *,
    expected_version: int | None = None,
) -> Node:
    """Read a draft as it is now, so that nobody changes it until this is done; returns its place.

    NotAllowed without the right on that place; Stale when it is not the version that was read.
    """
    session.refresh(draft, with_for_update=True)
    node = session.get_one(Node, draft.node_id)
    caller.require_over(permission, node)
    if expected_version is not None and draft.version != expected_version:
        raise Stale(
            worded("this draft was changed since you read it"),
            advice=worded("Load it again and repeat your change."),
        )
    return node


def save_draft(
    session: Session,
    caller: Caller,
    draft: RuleDraft,
    written: Written,
    *,
    expected_version: int | None,
    now: datetime,
) -> RuleDraft:
    """Keep what somebody typed, sound or not. Conflict unless it is a draft; Stale."""
    hold_draft(session, caller, draft, EDIT, expected_version=expected_version)
    node = writable_node(session, caller, written.node_id, EDIT)
    if draft.state != "draft" or draft.purpose != CHANGE:
        raise Conflict(
            worded("a rule_draft that is %(state)s can't be written on", state=draft.state),
            advice=worded("Withdraw it from review first, or begin another draft."),
        )
    changed = [
        name
        for name in ("document", "node_id", "reason")
        if getattr(draft, name) != getattr(written, name)
    ]
    _write(session, draft, written, node, caller, now)
    draft.version += 1
    session.flush()
    events.append(
        session,
        "rule_draft.save",
        ("rule_draft", draft.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=draft.site_id,
        after={"fields": changed},
    )
    return draft


def _write(
    session: Session,
    draft: RuleDraft,
    written: Written,
    node: Node,
    caller: Caller,
    now: datetime,
) -> None:
    if len(written.document) > LONGEST_DOCUMENT:
        raise Invalid(
            worded("the document is too long"),
            problems=[worded("document: at most %(most)s characters", most=LONGEST_DOCUMENT)],
        )
    draft.document = written.document.replace("\r\n", "\n")
    moved = draft.node_id != node.id
    draft.node_id, draft.site_id = node.id, site_of(node)
    draft.reason = reason_of(written.reason, required=False)
    draft.updated_at, draft.updated_by = now, str(caller.person_id)
    rule = check_document(session, draft.document).rule
    draft.fingerprint = rule.fingerprint if rule else ""
    if rule is not None:
        draft.title = {"en": rule.title.en, "zh": rule.title.zh}
        if not draft.rule_fixed:
            draft.rule_id = rule.id
    elif draft.title is None:
        draft.title = {}
    standing = active_at(session, draft.rule_id, node.id)
    draft.seen_version = standing.version if standing else 0
    if written.seen_version is not None and not moved:
        # What came into force while they wrote was seen by nobody: it isn't replaced unread.
        draft.seen_version = written.seen_version


def require_sound(session: Session, draft: RuleDraft) -> None:
    """Invalid with every problem unless the draft's document may be put into force as it is."""
    name = f"{draft.rule_id or 'draft'}.yaml"
    checked = check_document(session, draft.document, name, draft.node_id)
    problems = checked.texts
    if checked.rule is not None and draft.rule_fixed and checked.rule.id != draft.rule_id:
        message = worded(
            "id: this is a draft of %(rule)s, whose id stays; it can't be changed",
            rule=draft.rule_id,
        )
        problems = [message]
    if problems:
        raise Invalid(
            worded("the rule is not sound yet"),
            problems=problems,
            advice=worded(
                "The draft is kept as it is. Correct what is named here, then submit it."
            ),
        )
    standing = require_seen(session, draft)
    if standing is not None and standing.fingerprint == draft.fingerprint:
        raise Conflict(
            worded("the version in force says the same"),
            advice=worded("Discard the draft, or change it."),
        )


def require_seen(session: Session, draft: RuleDraft) -> RuleVersion | None:
    """What is in force on the draft's place. Conflict unless its writer knew of that."""
    # Who comes into force at this moment is waited for, and then seen.
    take_turn(session, [draft.rule_id])
    standing = active_at(session, draft.rule_id, draft.node_id)
    if (standing.version if standing else 0) != draft.seen_version:
        raise Conflict(
            worded("another version came into force since this draft was saved"),
            advice=worded("Compare it with the version in force, then save the draft again."),
        )
    return standing
