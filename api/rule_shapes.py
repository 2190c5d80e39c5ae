"""What requests and answers about drafts of rules hold."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, StringConstraints

from core.rulebook_drafts import LONGEST_REASON, RuleDraft

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)
]
RuleIdentifier = Annotated[str, Path(max_length=120)]
State = Literal["draft", "in_review", "rejected", "approved", "discarded", "offered"]


class DraftItem(BaseModel):
    """A draft of a rule, without its document."""

    id: UUID
    node_id: UUID
    rule_id: str = Field(description="Empty while the document of a new rule has none.")
    rule_fixed: bool = Field(description="Whether it is of a rule that exists, whose id stays.")
    purpose: Literal["change", "roll_back", "retire"]
    state: State
    version: int = Field(description="Of the draft, for `If-Match`; not of the rule.")
    title: dict[str, str]
    pack: str
    base_version: int | None = Field(description="The version of the rule that it began from.")
    seen_version: int = Field(description="What was in force when it was last saved; 0: nothing.")
    reason: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    submitted_at: datetime | None
    submitted_by: str | None
    reviewed_at: datetime | None
    reviewed_by: str | None
    review_note: str
    self_approved: bool
    published_version: int | None


class DraftWhole(DraftItem):
    """A draft with its document, and what is wrong with it."""

    document: str
    problems: list[str] = Field(description="`file:line:column: message`; none when it is sound.")


class DraftPage(BaseModel):
    """A page of drafts."""

    items: list[DraftItem]
    next: str | None


def describe_draft(draft: RuleDraft) -> dict[str, Any]:
    """A draft as it is answered, without its document."""
    return {name: getattr(draft, name) for name in DraftItem.model_fields}
