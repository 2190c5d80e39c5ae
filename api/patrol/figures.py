"""Figures of rounds over HTTP: complete, covered, in time, and where nobody was when."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from core.clock import from_micros
from core.days import days_asked, today_of
from workflows import patrol
from workflows.patrol import rounds

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Day = Annotated[date | None, Query(description="A day of the site's own clock.")]
SHARES = ("completion", "coverage", "punctuality", "begun_in_time")


class RoundSumsOf(BaseModel):
    """What is counted of rounds that are over, and of their points. Shares are 0 to 1, or null."""

    complete: int
    incomplete: int
    missed_whole: int = Field(description="Rounds that nobody began.")
    cancelled: int
    unsettled: int = Field(description="Rounds that are over and wait for phones.")
    begun: int
    in_time: int = Field(description="Rounds begun within their tolerance.")
    scanned: int = Field(description="Points scanned before the round was closed.")
    inside: int = Field(description="Of these within their windows.")
    missed: int
    annexed: int = Field(description="Missed ones of which a scan was told after the closing.")
    unknown: int
    excused: int
    completion: float | None = Field(description="complete among complete, incomplete, missed.")
    coverage: float | None = Field(description="scanned among scanned and missed.")
    punctuality: float | None = Field(description="inside among scanned.")
    begun_in_time: float | None = Field(description="in_time among all that are over.")


class DayOf(RoundSumsOf):
    """What was planned for a day."""

    day: date


class RouteOf(RoundSumsOf):
    """A route with the sums of its rounds."""

    route_id: UUID
    code: str
    name: dict[str, str]


class VisitsOf(BaseModel):
    """When somebody was at a checkpoint, in a round or not."""

    checkpoint_id: UUID
    code: str
    name: dict[str, str]
    count: int
    by_hour: list[int] = Field(description="24: on how many of the days there was a scan.")
    last_at: datetime | None
    longest_gap_s: int | None = Field(description="Null where nobody has ever been there.")


class SiteOf(RoundSumsOf):
    """A site by its own clock. checkpoints: empty where several sites are asked for."""

    site_id: UUID
    name: dict[str, str]
    time_zone: str
    from_at: datetime
    until_at: datetime
    routes: list[RouteOf]
    checkpoints: list[VisitsOf]


class PatrolFiguresAnswer(BaseModel):
    """The figures of some days. before: those of as many days before."""

    at: datetime
    first_day: date
    last_day: date
    sums: RoundSumsOf
    before: RoundSumsOf
    days: list[DayOf]
    sites: list[SiteOf]


@router.get(
    "/patrol-figures",
    response_model=PatrolFiguresAnswer,
    summary="Measure rounds: complete, covered, in time, and where nobody was when",
    responses=may_answer(404),
)
def get_patrol_figures(
    asked: Reader,
    site: UUID | None = None,
    from_day: Annotated[Day, Query(alias="from")] = None,
    until_day: Annotated[Day, Query(alias="until")] = None,
) -> Response:
    """Of rounds planned from one day to another; by default the last 30 whole ones and today.

    Of every site where you may read rounds, or of one. A round that is not over counts for nothing.
    """
    with asked.parts.database.read() as session:
        today = today_of(rounds.sites_of(session, asked.caller), asked.now)
        days = days_asked(from_day, until_day, today)
        found = rounds.patrol_figures(session, asked.caller, site_id=site, days=days, now=asked.now)
    return answer(_told(found))


def _told(found: rounds.PatrolFigures) -> dict[str, Any]:
    return {
        "at": found.now,
        "first_day": found.days.first.isoformat(),
        "last_day": found.days.last.isoformat(),
        "sums": _sums(found.sums),
        "before": _sums(found.before),
        "days": [
            {"day": day.isoformat(), **_sums(sums)}
            for day, sums in zip(found.days, found.by_day, strict=True)
        ],
        "sites": [_site(line) for line in found.sites],
    }


def _sums(sums: rounds.RoundSums) -> Mapping[str, Any]:
    return {**asdict(sums), **{name: getattr(sums, name) for name in SHARES}}


def _site(line: rounds.SiteFigures) -> Mapping[str, Any]:
    return {
        **_sums(line.sums),
        "site_id": line.site.id,
        "name": dict(line.site.name),
        "time_zone": line.site.time_zone,
        "from_at": from_micros(line.span.start),
        "until_at": from_micros(line.span.end),
        "routes": _routes(line),
        "checkpoints": [{**asdict(one), "by_hour": list(one.by_hour)} for one in line.checkpoints],
    }


def _routes(line: rounds.SiteFigures) -> Sequence[Mapping[str, Any]]:
    return [
        {**_sums(one.sums), "route_id": one.route_id, "code": one.code, "name": dict(one.name)}
        for one in line.routes
    ]
