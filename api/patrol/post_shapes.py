"""What posts, who was there when, and their orders look like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from api.bodies import Body, Moment, Names
from api.patrol.route_shapes import InUse, RouteCode, TeamCode
from workflows.patrol.posts import USUAL_CREW, USUAL_TOLERANCE_MIN, PostDraft
from workflows.patrol.posts.clocking import LONGEST_REASON
from workflows.patrol.posts.keeping import LARGEST_CREW, LONGEST_TOLERANCE_MIN, MOST_HOURS
from workflows.patrol.posts.orders import LONGEST_BODY

Way = Literal["scan", "card", "supervisor", "self", "forgotten"]
DutyState = Literal["present", "left", "forgotten"]
OrdersState = Literal["draft", "published", "replaced"]


class PostItem(BaseModel):
    """A post of a site."""

    id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    team: str
    hours: list[str] = Field(description="In which it is to be manned; none: at all times.")
    minimum_crew: int
    for_rounds: bool = Field(description="Who is there is on duty for rounds of the team.")
    checkpoint_id: UUID | None
    checkpoint_code: str | None
    checkpoint_name: dict[str, str] | None
    tolerance_min: int
    state: InUse
    version: int
    short_since: datetime | None = Field(description="Since when too few are there.")


class PostPage(BaseModel):
    """A page of posts."""

    items: list[PostItem]
    next: str | None


class CrewItem(BaseModel):
    """Somebody who is at a post."""

    duty_id: UUID
    person_id: UUID
    name: str
    since: datetime
    shift_end: datetime
    came_by: Way
    knows_orders: bool = Field(description="They acknowledged the orders in force.")


class PostWhole(PostItem):
    """A post, with who is there now."""

    needed: int = Field(description="How many should be there now.")
    present: int
    missing: int
    until: datetime | None = Field(description="When how many should be there may change.")
    orders_number: int | None = Field(description="Of the orders in force.")
    crew: list[CrewItem] = Field(
        description="For who stands there, and where you hold `scans.read`; else empty."
    )


class PostToKeep(Body):
    """A whole post as it is to be."""

    code: RouteCode = Field(description="Small letters, digits, - and _. It can't be changed.")
    name: Names
    team: TeamCode = Field(description="Whose people stand there.")
    hours: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=40)], ...],
        Field(
            max_length=MOST_HOURS,
            description="Codes of calendars and shifts in which it is to be manned; none: always.",
        ),
    ] = ()
    minimum_crew: Annotated[int, Field(ge=0, le=LARGEST_CREW)] = USUAL_CREW
    for_rounds: Annotated[
        bool, Field(description="Who is there counts as on duty for rounds of the team.")
    ] = False
    checkpoint_id: Annotated[
        UUID | None,
        Field(description="What is scanned to come and to go; no round goes there."),
    ] = None
    tolerance_min: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_TOLERANCE_MIN,
            description="How long after the end of a shift somebody may still leave.",
        ),
    ] = USUAL_TOLERANCE_MIN

    def draft(self) -> PostDraft:
        """The post that it describes."""
        return PostDraft(
            self.code,
            self.name.filled(),
            self.team,
            self.hours,
            self.minimum_crew,
            self.for_rounds,
            self.checkpoint_id,
            self.tolerance_min,
        )


class PostToMake(PostToKeep):
    """A post to set up."""

    site_id: UUID


class ClockIn(Body):
    """Who comes to a post: somebody, with the reason why no scan says so, or a card's number."""

    person_id: UUID | None = None
    card: Annotated[str, Field(max_length=80)] = ""
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    at: Moment | None = Field(
        default=None, description="Since when, within the last 24 hours; null: now."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "ClockIn":
        if (self.person_id is None) == (not self.card.strip()):
            raise ValueError("give person_id with a reason, or a card")
        if self.card.strip() and self.at is not None:
            raise ValueError("a card is read in now; leave out at")
        return self


class ClockOut(Body):
    """That somebody leaves. Of others it takes a reason."""

    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    at: Moment | None = Field(
        default=None, description="When, within the last 24 hours; null: now."
    )


class DutyItem(BaseModel):
    """Somebody at a post, from when to when by the clock of whatever told it."""

    id: UUID
    site_id: UUID
    post_id: UUID
    post_code: str
    post_name: dict[str, str]
    person_id: UUID
    person_name: str
    state: DutyState = Field(description="forgotten: nobody said that they left.")
    started_at: datetime
    ended_at: datetime | None = Field(description="Of a forgotten one the end of the shift.")
    came_by: Way
    left_by: Way | None
    came_scan_id: UUID | None
    left_scan_id: UUID | None
    came_reason: str
    left_reason: str
    shift_end: datetime


class DutyPage(BaseModel):
    """A page of who was at posts when."""

    items: list[DutyItem]
    next: str | None


class OrdersItem(BaseModel):
    """A version of the orders of a post; its text is Markdown."""

    id: UUID
    post_id: UUID
    number: int
    state: OrdersState
    version: int
    body: dict[str, str]
    digest: str | None = Field(description="SHA-256 of the version, in hex; what is acknowledged.")
    written_at: datetime
    published_at: datetime | None
    written_by_name: str
    reads: int = Field(description="How many have acknowledged it.")


class OrdersList(BaseModel):
    """Every version of the orders of a post, the newest first."""

    items: list[OrdersItem]


class OrdersToWrite(Body):
    """What the next version of the orders says, as Markdown. It is published in both languages."""

    en: Annotated[str, Field(max_length=LONGEST_BODY)] = ""
    zh: Annotated[str, Field(max_length=LONGEST_BODY)] = ""


class OrdersReadBy(BaseModel):
    """Somebody who is to know the orders in force."""

    person_id: UUID
    name: str
    read_at: datetime | None
    at_post: bool
    next_shift: datetime | None = Field(description="Within 36 hours; it may have begun.")


class OrdersReaders(BaseModel):
    """Who is to know the orders in force, those first who should read them soonest."""

    number: int | None
    items: list[OrdersReadBy]


class Acknowledgement(Body):
    """That the caller has read orders."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the text shown.")]


class AcknowledgementItem(BaseModel):
    """When the caller acknowledged orders."""

    orders_id: UUID
    digest: str
    read_at: datetime
