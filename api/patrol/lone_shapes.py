"""Who has to check in, how often, and how they stand."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body
from workflows.patrol import lone

WatchState = Literal["well", "due", "out_of_signal", "missed"]
HeardBy = Literal["start", "scan", "journal", "check_in", "contact", "answered"]


class LonePlanBody(Body):
    """A plan. Only the people of `team` who are on duty, not those on call."""

    team: Annotated[str, Field(min_length=1, max_length=40)]
    every_min: Annotated[int, Field(description="How long one sign of life lasts: 1 to 240.")]
    grace_min: Annotated[
        int, Field(description="So long after they were reminded they count as missed.")
    ] = 3
    wait_min: Annotated[
        int, Field(description="So much longer where there is known to be no signal; 0: never.")
    ] = 15
    hours: Annotated[
        str, Field(max_length=40, description="Code of a calendar or a shift; only within it.")
    ] = ""
    outside: Annotated[bool, Field(description="Only outside of `hours`.")] = False
    contact_counts: Annotated[
        bool,
        Field(
            description="A phone that is heard by itself counts. It also is in the pocket of "
            "somebody who lies there."
        ),
    ] = False

    def draft(self) -> lone.LoneDraft:
        """What the body says."""
        return lone.LoneDraft(**self.model_dump())


class NewLonePlan(LonePlanBody):
    """A plan of a site."""

    site_id: UUID

    def draft(self) -> lone.LoneDraft:
        """What the body says."""
        return lone.LoneDraft(**self.model_dump(exclude={"site_id"}))


class LonePlanItem(BaseModel):
    """A plan as it is."""

    id: UUID
    site_id: UUID
    team: str
    hours: str
    outside: bool
    every_min: int
    grace_min: int
    wait_min: int
    contact_counts: bool
    state: Literal["active", "retired"]
    version: int


class LonePlans(BaseModel):
    """Plans, those in use first."""

    items: list[LonePlanItem]


class WatchItem(BaseModel):
    """Somebody on duty who has to check in."""

    id: UUID
    site_id: UUID
    site_name: dict[str, str]
    person_id: UUID
    person_name: str
    state: WatchState = Field(
        description="due: they were reminded; out_of_signal: overdue where there is no signal."
    )
    began_at: datetime
    ends_at: datetime = Field(description="When their shift ends.")
    heard_at: datetime = Field(description="Their last sign of life.")
    heard_by: HeardBy
    checkpoint: dict[str, str] | None = Field(description="Where that was, if anybody knows.")
    due_at: datetime
    reminded_at: datetime | None
    missed_at: datetime | None
    sos_id: UUID | None = Field(description="The call for help that a missed one became.")
    every_min: int
    grace_min: int
    wait_min: int
    last_signal_at: datetime | None


class Watches(BaseModel):
    """Who is watched: those overdue first."""

    items: list[WatchItem]


class OwnWatch(BaseModel):
    """How one stands oneself; null: one need not check in now."""

    watch: WatchItem | None


class DeadZoneItem(BaseModel):
    """A checkpoint or space without signal."""

    place_id: UUID
    set_at: datetime
    name: dict[str, str] | None


class DeadZones(BaseModel):
    """What was flagged; what late scans have shown comes beside that."""

    items: list[DeadZoneItem]
