"""Rules over HTTP: what is in force where, their versions, and putting older ones back."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.rule_shapes import DraftItem, Reason, RuleIdentifier, describe_draft
from core.rulebook_history import history_of
from core.rulebook_reading import RuleFilter, describe_rule, document_of, list_rules
from core.rulebook_review import retire_rule, roll_back
from core.text_diff import compare

router = APIRouter(tags=["rules"])
Reader = Annotated[Asked, Depends(Permission("rules.read"))]
Approver = Annotated[Asked, Depends(Permission("rules.approve"))]


class RuleItem(BaseModel):
    """One version of a rule. node_id: it holds there and below, unless one is kept nearer."""

    rule_id: str
    version: int
    node_id: UUID
    title: dict[str, str]
    severity: str
    life_safety: bool
    asset_type: str
    pack: str
    active: bool
    created_at: datetime
    created_by: str
    reason: str = Field(description="Why it was put into force.")
    draft_id: UUID | None = Field(description="The draft that it was approved from.")
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str


class RulePage(BaseModel):
    """A page of rules."""

    items: list[RuleItem]
    next: str | None


class RuleDocument(RuleItem):
    """A version with its YAML document."""

    document: str


class RuleWhole(BaseModel):
    """A rule with its versions, newest first."""

    rule_id: str
    versions: list[RuleDocument]


class HistoryEntry(BaseModel):
    """One fact about a rule or a draft of it."""

    seq: int
    kind: str
    at: datetime
    actor_kind: str
    actor_id: str
    version: int | None
    before_version: int | None
    draft_id: UUID | None
    self_approved: bool
    reason: str


class RuleHistory(BaseModel):
    """Who changed what, when and why, newest first."""

    items: list[HistoryEntry]


class DiffPart(BaseModel):
    """A piece of a line, and whether just this piece differs."""

    text: str
    changed: bool


class DiffLine(BaseModel):
    """A line of a comparison; old and new are its numbers in either version."""

    kind: Literal["same", "removed", "added", "skipped"]
    old: int | None
    new: int | None
    parts: list[DiffPart]


class RuleDiff(BaseModel):
    """What differs between two versions; no lines when they are the same."""

    lines: list[DiffLine]


class RollBack(Body):
    """Which version to put into force again, and why."""

    version: Annotated[int, Field(ge=1, lt=2**31)]
    reason: Reason
    node_id: UUID | None = Field(None, description="Where; without it, where it was kept.")


class Retirement(Body):
    """Where a rule is taken out of force, and why."""

    node_id: UUID
    reason: Reason


Word = Annotated[str, Query(max_length=120)]
VersionAsked = Annotated[int | None, Query(ge=1, lt=2**31)]


@router.get("/rules", response_model=RulePage, summary="List rules, newest first")
def get_rules(
    asked: Reader,
    active: Annotated[bool, Query(description="false: versions out of force.")] = True,
    asset_type: Word = "",
    severity: Word = "",
    pack: Word = "",
    q: Annotated[str, Query(max_length=120, description="Words of the document.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Rules that hold on any site where you may read them."""
    with asked.parts.database.read() as session:
        wanted = RuleFilter(active, asset_type, severity, pack, q)
        asked_for = wish(limit, cursor, datetime, UUID)
        page = list_rules(session, asked.caller, asked_for, wanted=wanted)
    return page_answer(page)


@router.get(
    "/rules/{rule_id}",
    response_model=RuleWhole,
    summary="Read a rule with its versions",
)
def get_rule(asked: Reader, rule_id: Annotated[str, Path(max_length=120)]) -> Response:
    """Every version with its document."""
    with asked.parts.database.read() as session:
        content = describe_rule(session, asked.caller, rule_id)
    return answer(content)


@router.get(
    "/rules/{rule_id}/history",
    response_model=RuleHistory,
    summary="Read who changed a rule",
    responses=may_answer(404),
)
def get_rule_history(asked: Reader, rule_id: RuleIdentifier) -> Response:
    """The facts about its versions, and about its drafts where you may edit or approve rules."""
    with asked.parts.database.read() as session:
        items = history_of(session, asked.caller, rule_id)
    return answer({"items": items})


@router.get(
    "/rules/{rule_id}/diff",
    response_model=RuleDiff,
    summary="Compare two versions of a rule",
    responses=may_answer(404),
)
def get_rule_diff(
    asked: Reader, rule_id: RuleIdentifier, old: VersionAsked = None, new: VersionAsked = None
) -> Response:
    """Line by line, and word by word within a changed line.

    Without `new` the newest version, without `old` the one before it.
    """
    with asked.parts.database.read() as session:
        rule = describe_rule(session, asked.caller, rule_id)
    new = new or rule["versions"][0]["version"]
    old = old or max(1, new - 1)
    return answer({"lines": lines_of(document_of(rule, old), document_of(rule, new))})


def lines_of(old: str, new: str) -> list[dict[str, object]]:
    """The comparison of two documents, as it is answered."""
    return [
        {
            "kind": line.kind,
            "old": line.old,
            "new": line.new,
            "parts": [{"text": text, "changed": changed} for text, changed in line.parts],
        }
        for line in compare(old, new)
    ]


@router.post(
    "/rules/{rule_id}/roll-back",
    response_model=DraftItem,
    summary="Put an older version into force again",
    responses=may_answer(404, 409),
)
def roll_rule_back(asked: Approver, rule_id: RuleIdentifier, body: RollBack) -> Response:
    """As a new version. Of a life-safety rule it waits in review for a second person."""
    with asked.parts.database.write() as session:
        draft = roll_back(
            session,
            asked.caller,
            rule_id,
            body.version,
            reason=body.reason,
            node_id=body.node_id,
            now=asked.now,
        )
        content = describe_draft(draft)
    return answer(content, version=draft.version)


@router.post(
    "/rules/{rule_id}/retire",
    response_model=DraftItem,
    summary="Take a rule out of force",
    responses=may_answer(404, 409),
)
def retire_one_rule(asked: Approver, rule_id: RuleIdentifier, body: Retirement) -> Response:
    """On one place; what is kept above it holds there again. Of a life-safety rule it waits in
    review for a second person."""
    with asked.parts.database.write() as session:
        draft = retire_rule(
            session, asked.caller, rule_id, body.node_id, reason=body.reason, now=asked.now
        )
        content = describe_draft(draft)
    return answer(content, version=draft.version)
