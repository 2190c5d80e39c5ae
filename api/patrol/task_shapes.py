"""How tasks for guards are shown, and what people say of them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body

State = Literal["seeking", "offered", "passed_up", "accepted", "arrived", "over"]
OfferState = Literal["offered", "accepted", "passed", "lapsed", "withdrawn", "done"]
Reason = Literal["busy", "too_far", "post", "unwell", "other"]


class TaskPassed(Body):
    """Why somebody does not go."""

    reason: Reason = "other"


class TaskSent(Body):
    """Who goes."""

    person_id: UUID


class TaskCalledOff(Body):
    """Why nobody has to go."""

    reason: Annotated[str, Field(max_length=500)]


class TaskAnswer(Body):
    """What whoever is signed in on a phone says of a task."""

    answer: Literal["accept", "pass", "give_back"]
    reason: Reason = "other"


class Nearness(BaseModel):
    """Why somebody was thought to be near; nobody is tracked for it."""

    how: Literal["scan", "post", "unknown"] = Field(description="What says where they were.")
    by: Literal["way", "plan", "position", "tree", "unknown"] = Field(
        description="What says how long the way is: gone on rounds, a floor plan, or the tree."
    )
    seconds: int | None
    age_s: int | None = Field(description="How long ago they were seen there.")
    checkpoint_id: UUID | None
    checkpoint: dict[str, str] | None


class OfferItem(BaseModel):
    """Somebody who was asked, or sent."""

    number: int
    run: int
    person_id: UUID
    person_name: str
    state: OfferState
    offered_at: datetime
    answer_by: datetime | None
    answered_at: datetime | None
    by_id: UUID | None = Field(description="The supervisor who sent them; none: the nearest.")
    by_name: str | None
    near: Nearness | None = Field(
        description="None for whoever neither sends guards nor may see who scanned; so `reason`."
    )
    reason: str


class TaskItem(BaseModel):
    """An alarm to which somebody is sent. id: that of its ticket."""

    id: UUID
    site_id: UUID
    site_name: dict[str, str]
    time_zone: str
    ticket_number: int
    ticket_title: dict[str, str]
    priority: str
    life_safety: bool
    ticket_state: str
    recovered_at: datetime | None
    asset_id: UUID | None
    asset_name: dict[str, str] | None
    space_name: dict[str, str] | None
    state: State
    version: int
    run: int = Field(description="How often the fault asked for somebody anew.")
    began_at: datetime
    due_at: datetime | None = Field(description="When the next step is taken by itself.")
    person_id: UUID | None
    person_name: str | None
    offered_at: datetime | None
    accepted_at: datetime | None
    late_at: datetime | None
    arrived_at: datetime | None
    arrived_by: Literal["scan", "said"] | None
    scan_id: UUID | None
    proof: dict[str, Any] | None = Field(
        description="Of an arrival by scan: checkpoint, grade, and how near to the alarm it is."
    )
    passed_up_at: datetime | None
    ended_at: datetime | None
    why: Literal["finished", "ended", "cleared", "no_guards", "called_off"] | None
    reason: str


class TaskWhole(TaskItem):
    """With everybody who was asked, in order."""

    offers: list[OfferItem]
    may_send: bool


class TaskPage(BaseModel):
    """A page of tasks."""

    items: list[TaskItem]
    next: str | None


class Spread(BaseModel):
    """Seconds: of n, the middle, and within which nine in ten were."""

    n: int
    median: int
    p90: int


class TaskFigures(BaseModel):
    """How soon guards came. Of a task that was asked for anew the last time counts."""

    since: datetime
    until: datetime
    tasks: int
    accepted: int
    arrived: int
    proven: int = Field(description="Of those that arrived: by a scan.")
    late: int = Field(description="Not there within what the terms leave.")
    passed_up: int = Field(description="Where nobody could be sent, for a time at least.")
    offers: int
    lapsed: int
    passed: int
    accept_s: Spread | None = Field(description="From the alarm until somebody accepted.")
    arrive_s: Spread | None = Field(description="From accepting until they were there.")


class CouldGo(BaseModel):
    """Somebody on duty. why_not: none where they could go."""

    person_id: UUID
    name: str
    post: dict[str, str] | None
    near: Nearness
    why_not: Literal["away", "needed", "asked", "calls"] | None


class WhoCouldGo(BaseModel):
    """Everybody on duty, the nearest first."""

    items: list[CouldGo]


class PhoneTasks(BaseModel):
    """The tasks of whoever is signed in on a phone, as in the plan."""

    server_time: datetime
    items: list[dict[str, Any]]
