"""What marks on rounds look like over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body
from workflows.patrol.honesty import LONGEST_WORDS

MarkKind = Literal[
    "speed",
    "burst",
    "dwell",
    "harvest",
    "replay",
    "shared_phone",
    "two_phones",
    "clock",
    "photo",
]
MarkState = Literal["open", "answered", "upheld", "dismissed"]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS)]


class MarkItem(BaseModel):
    """A question about a round. It changes nothing of the round or its scans."""

    id: UUID
    site_id: UUID
    round_id: UUID
    route_code: str
    route_name: dict[str, str]
    planned_at: datetime
    person_id: UUID | None = Field(description="Whom it is about, who may answer.")
    person_name: str | None
    kind: MarkKind
    state: MarkState
    version: int
    scans: list[UUID] = Field(description="The scans that it is about.")
    evidence: list[dict[str, Any]] = Field(description="Figures, as in docs/honesty.md.")
    made_at: datetime
    answer: str | None
    answered_at: datetime | None
    decided_by: UUID | None
    decider_name: str | None
    decided_at: datetime | None
    reason: str | None = Field(description="Why it was decided so.")


class MarkPage(BaseModel):
    """A page of marks."""

    items: list[MarkItem]
    next: str | None


class MarkedScan(BaseModel):
    """A scan of the round, or one that the mark names. Others are named to who may know."""

    id: UUID
    checkpoint_id: UUID
    code: str
    name: dict[str, str]
    person_id: UUID | None
    person_name: str | None
    occurred_at: datetime
    received_at: datetime
    channel: str
    kind: str
    verdict: str
    asked: bool = Field(description="The mark is about it.")
    others: bool = Field(description="Somebody else made it.")


class MarkWhole(MarkItem):
    """A mark with the scans around it."""

    shown: list[MarkedScan]


class MarkAnswer(Body):
    """How it was, in the words of whoever it is about."""

    text: Words


class MarkDecision(Body):
    """What a supervisor makes of it."""

    decision: Literal["uphold", "dismiss"]
    reason: Words
