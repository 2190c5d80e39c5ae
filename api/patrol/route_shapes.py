"""What routes of rounds and plans of them look like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.bodies import Body, Names
from workflows.patrol.rounds import (
    EVERY_DAY,
    USUAL_SETTLE_MIN,
    USUAL_TOLERANCE_MIN,
    PlanDraft,
    RouteDraft,
    Stop,
    UnderStatute,
)
from workflows.patrol.rounds.plans import LONGEST_SETTLE_MIN, MOST_TIMES
from workflows.patrol.rounds.routes import LONGEST_MIN, MOST_POINTS

Order = Literal["ordered", "unordered", "random", "risk_weighted"]
InUse = Literal["active", "retired"]
Minute = Annotated[int, Field(ge=0, le=LONGEST_MIN)]
RouteCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
TeamCode = Annotated[str, Field(min_length=1, max_length=40)]


class RouteItem(BaseModel):
    """A route; its points stand in what is read of it alone."""

    id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    order: Order
    take: int | None = Field(description="How many points a round draws; null: all of them.")
    state: InUse
    version: int


class RoutePage(BaseModel):
    """A page of routes."""

    items: list[RouteItem]
    next: str | None


class RouteStop(BaseModel):
    """A checkpoint of a route, with the minutes of a round in which it is to be scanned."""

    checkpoint_id: UUID
    code: str
    name: dict[str, str]
    state: InUse = Field(description="Of the checkpoint; rounds leave out one that is retired.")
    opens_min: int | None
    closes_min: int | None


class RouteWhole(RouteItem):
    """A route with its points in their order."""

    points: list[RouteStop]


class Leg(BaseModel):
    """From a checkpoint of a route to the next: the stay at the first, and the way."""

    from_id: UUID
    from_name: dict[str, str]
    to_id: UUID
    to_name: dict[str, str]
    n: int = Field(description="How often it was gone in the last 90 days.")
    people: int = Field(description="How many people have gone it often enough to count.")
    usual_s: int | None = Field(description="Seconds; null until it was gone ten times.")
    quickest_s: int | None = Field(
        description="Seconds of those who hurry; null until two people have gone it often enough."
    )
    first_at: datetime | None
    last_at: datetime | None
    learned_at: datetime | None


class TimeOfPlan(BaseModel):
    """What a plan gives for its route. short_min: how many minutes too few, 0 for enough."""

    plan_id: UUID
    duration_min: int
    short_min: int


class RouteTimes(BaseModel):
    """How long a route takes, as past rounds have shown."""

    legs: list[Leg] = Field(description="In the route's order; none where rounds are drawn.")
    known: int = Field(description="Of how many legs the usual time is known.")
    known_s: int = Field(description="What these take together, in seconds.")
    usual_s: int | None = Field(description="The whole route; null until every leg is known.")
    plans: list[TimeOfPlan]


class StopToMake(Body):
    """A checkpoint that rounds go to."""

    checkpoint_id: UUID
    opens_min: Minute | None = Field(
        default=None, description="Minutes after the planned start; null: from the start."
    )
    closes_min: Minute | None = Field(
        default=None, description="Minutes after the planned start; null: to the end."
    )

    def stop(self) -> Stop:
        """The point that it describes."""
        return Stop(self.checkpoint_id, self.opens_min, self.closes_min)


class RouteToKeep(Body):
    """A whole route as it is to be."""

    code: RouteCode = Field(description="Small letters, digits, - and _. It can't be changed.")
    name: Names
    points: Annotated[list[StopToMake], Field(min_length=1, max_length=MOST_POINTS)]
    order: Order = Field(
        default="ordered",
        description="random and risk_weighted are drawn anew for each round; risk_weighted rather "
        "goes where rules opened tickets lately.",
    )
    take: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = Field(
        default=None, description="How many points a drawn round has; null: all of them."
    )

    def draft(self) -> RouteDraft:
        """The route that it describes."""
        stops = [each.stop() for each in self.points]
        return RouteDraft(self.code, self.name.filled(), stops, self.order, self.take)


class RouteToMake(RouteToKeep):
    """A route to create."""

    site_id: UUID


class StatuteOfPlan(Body):
    """What a plan is made under."""

    code: Annotated[str, Field(max_length=40, description="One of `GET /patrol-statutes`.")]
    hours: Annotated[
        str,
        Field(
            max_length=40,
            description="Code of the calendar or shift in which it counts, such as the opening "
            "hours; empty: around the clock.",
        ),
    ] = ""
    items: dict[str, list[Annotated[str, Field(max_length=36)]]] = Field(
        default_factory=dict,
        max_length=20,
        description="By what has to be looked at the ids of the checkpoints where that is done, "
        'or ["*"] for every one.',
    )

    def under(self) -> UnderStatute:
        """What it describes."""
        return UnderStatute(self.code, self.hours, self.items)


class PlanItem(BaseModel):
    """When rounds of a route begin, who goes them, and how exactly."""

    id: UUID
    site_id: UUID
    route_id: UUID
    route_code: str
    route_name: dict[str, str]
    times: list[str]
    weekdays: list[int]
    hours: str
    outside: bool
    team: str
    duration_min: int
    tolerance_min: int
    settle_min: int
    statute: StatuteOfPlan | None
    state: InUse
    version: int


class PlanPage(BaseModel):
    """A page of plans."""

    items: list[PlanItem]
    next: str | None


class PlanToKeep(Body):
    """A whole plan as it is to be."""

    times: Annotated[
        list[Annotated[str, Field(max_length=5)]],
        Field(
            min_length=1,
            max_length=MOST_TIMES,
            description="When rounds begin, by the site's clock, such as 22:00.",
        ),
    ]
    team: TeamCode = Field(description="Whose people on duty go.")
    duration_min: Annotated[
        int, Field(ge=1, le=LONGEST_MIN, description="From the planned start to the end.")
    ]
    weekdays: Annotated[
        tuple[Annotated[int, Field(ge=1, le=7)], ...],
        Field(min_length=1, max_length=7, description="1 = Monday, of the day of the start."),
    ] = EVERY_DAY
    hours: Annotated[
        str,
        Field(
            max_length=40,
            description="Code of a calendar or shift: only rounds that begin within it are made.",
        ),
    ] = ""
    outside: Annotated[bool, Field(description="Outside of `hours` instead.")] = False
    tolerance_min: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_MIN,
            description="How much earlier or later still counts; at most `duration_min`.",
        ),
    ] = USUAL_TOLERANCE_MIN
    settle_min: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_SETTLE_MIN,
            description="How long after its end a point that nobody knows of stays unknown.",
        ),
    ] = USUAL_SETTLE_MIN
    statute: Annotated[
        StatuteOfPlan | None, Field(description="What the plan is made under, if anything.")
    ] = None

    def draft(self) -> PlanDraft:
        """The plan that it describes."""
        return PlanDraft(
            self.times,
            self.team,
            self.duration_min,
            self.weekdays,
            self.hours,
            self.outside,
            self.tolerance_min,
            self.settle_min,
            self.statute.under() if self.statute else None,
        )


class PlanToMake(PlanToKeep):
    """A plan to create."""

    route_id: UUID
