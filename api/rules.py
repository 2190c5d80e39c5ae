"""Rules over HTTP, to read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.paging import Cursor, Limit, wish
from core.rulebook_reading import describe_rule, list_rules

router = APIRouter(tags=["rules"])
Reader = Annotated[Asked, Depends(Permission("rules.read"))]


class RuleItem(BaseModel):
    """One version of a rule. node_id: it holds there and on everything below."""

    rule_id: str
    version: int
    node_id: UUID
    title: dict[str, str]
    severity: str
    life_safety: bool
    pack: str
    active: bool
    created_at: datetime
    created_by: str


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


@router.get("/rules", response_model=RulePage, summary="List rules, newest first")
def get_rules(
    asked: Reader,
    active: Annotated[bool, Query(description="false: versions out of force.")] = True,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Rules that hold on any site where you may read them."""
    with asked.parts.database.read() as session:
        wanted = wish(limit, cursor, datetime, UUID)
        page = list_rules(session, asked.caller, wanted, active=active)
    return page_answer(page)


@router.get("/rules/{rule_id}", response_model=RuleWhole, summary="Read a rule with its versions")
def get_rule(asked: Reader, rule_id: Annotated[str, Path(max_length=120)]) -> Response:
    """Every version with its document."""
    with asked.parts.database.read() as session:
        content = describe_rule(session, asked.caller, rule_id)
    return answer(content)
