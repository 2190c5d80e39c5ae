"""What rounds and their points look like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Moment
from api.patrol.route_shapes import Order
from workflows.patrol.rounds.acting import LONGEST_REASON

RoundState = Literal["planned", "running", "complete", "incomplete", "missed", "cancelled"]
PointState = Literal["open", "scanned", "unknown", "missed", "excused"]


class RoundCounts(BaseModel):
    """How many points of a round are in which state."""

    open: int
    scanned: int
    unknown: int
    missed: int
    excused: int


class RoundItem(BaseModel):
    """A round. Who goes it is empty for who may not see that."""

    id: UUID
    site_id: UUID
    route_id: UUID
    route_code: str
    route_name: dict[str, str]
    plan_id: UUID
    team: str
    order: Order
    state: RoundState
    version: int
    planned_at: datetime
    opens_at: datetime = Field(description="From then to `ends_at` scans count for it.")
    begin_by: datetime = Field(description="When it counts as not begun.")
    ends_at: datetime
    settles_at: datetime = Field(description="When what nobody knows of counts as missed.")
    person_id: UUID | None
    person_name: str | None
    began_at: datetime | None
    ended_at: datetime | None
    reason: str = Field(description="Why it was called off.")
    paused_at: datetime | None = Field(description="Since when its guard is away at an alarm.")
    paused_s: int = Field(description="For how long they were before; its end was moved by it.")
    counts: RoundCounts


class RoundPage(BaseModel):
    """A page of rounds."""

    items: list[RoundItem]
    next: str | None


class RoundPointItem(BaseModel):
    """A checkpoint that a round goes to."""

    position: int
    checkpoint_id: UUID
    code: str
    name: dict[str, str]
    state: PointState = Field(
        description="unknown: its time is over, and a scan of it may still be on its way."
    )
    opens_at: datetime
    closes_at: datetime
    scanned_at: datetime | None = Field(description="By the scanner's clock.")
    scan_id: UUID | None
    grade: Literal["signed", "present", "weak"] | None
    channel: Literal["online", "sync", "mqtt", "import"] | None
    received_at: datetime | None
    judged_at: datetime | None = Field(description="When it was said to be unknown or missed.")
    annexed: bool = Field(description="The scan came after the round was closed.")
    reason: str = Field(description="Why it is excused.")
    off_seconds: int = Field(description="How far outside of its window; negative: early.")
    out_of_order: bool


class NextPoint(BaseModel):
    """The checkpoint that is expected next."""

    checkpoint_id: UUID
    name: dict[str, str]
    at: datetime = Field(description="When it is usually reached after the last scan.")


class RoundWhole(RoundItem):
    """A round with its points."""

    points: list[RoundPointItem]
    heard_at: datetime | None = Field(
        description="When a phone of whoever goes it was last heard of, until it is over."
    )
    next: NextPoint | None = Field(
        description="As past rounds were gone; null in any order, and until enough is known."
    )


class Why(Body):
    """Why a round is called off, or a point excused."""

    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class Contact(Body):
    """What a guard's phone says of itself."""

    told_until: Moment | None = Field(
        default=None,
        description="Every scan by its clock until then has been sent; null: it can't tell.",
    )


class ContactItem(BaseModel):
    """What is known of the phones of a guard."""

    heard_at: datetime
    told_until: datetime | None
