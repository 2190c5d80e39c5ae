"""Statutes over HTTP: what they ask of patrols, and whether the plans of routes keep them."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from workflows import patrol
from workflows.patrol import rounds
from workflows.patrol.statutes import STATUTES

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]


class StatuteSource(BaseModel):
    """A text, and the article of it."""

    code: str
    name: dict[str, str]
    article: str
    force: Literal["law", "rule", "standard"]
    seen: Literal["full", "reprint"] = Field(
        description="How it was read for this list: all of it, or the article in a reprint."
    )
    address: str


class StatuteThing(BaseModel):
    """Something that the patrol has to look at."""

    code: str
    name: dict[str, str]


class StatuteItem(BaseModel):
    """What a statute asks of patrols. Whom it binds is for people to judge."""

    code: str
    title: dict[str, str]
    binds: dict[str, str]
    asks: dict[str, str]
    sources: list[StatuteSource]
    items: list[StatuteThing]
    every_min: int | None = Field(description="So long at most between the begins of two rounds.")
    times_a_day: int | None = Field(description="So many rounds each day at least.")
    counts_in: Literal["open", "night"] | None = Field(
        description="Which hours a plan has to name: those of business, or the night."
    )
    at_closing: bool = Field(description="Whether a round is due when these hours end.")


class StatuteList(BaseModel):
    """Every statute that plans can be made under."""

    items: list[StatuteItem]


class CoverageFinding(BaseModel):
    """Something that plans lack, or that is to be known of them."""

    code: Literal["gap", "closing", "day", "items", "hours", "drawn", "no_plan", "tolerance"] = (
        Field(description="tolerance only warns: planned it is kept, walked it may not be.")
    )
    count: int
    minutes: int
    at: datetime | None
    day: date | None
    items: list[str]


class CoverageItem(BaseModel):
    """A route under a statute, judged for the next 28 days."""

    site_id: UUID
    route_id: UUID
    route_code: str
    route_name: dict[str, str]
    statute: str
    plan_ids: list[UUID]
    kept: bool
    findings: list[CoverageFinding]


class CoverageList(BaseModel):
    """Every route that plans in use name a statute for."""

    items: list[CoverageItem]


@router.get("/patrol-statutes", response_model=StatuteList, summary="What statutes ask of patrols")
def get_patrol_statutes(asked: Reader) -> Response:
    """In both languages, with where it is written and how that was read. No legal advice."""
    return answer({"items": [asdict(statute) for statute in STATUTES.values()]})


@router.get(
    "/patrol-coverage", response_model=CoverageList, summary="Whether plans keep their statutes"
)
def get_patrol_coverage(
    asked: Reader, site: UUID | None = None, route: UUID | None = None
) -> Response:
    """What is broken first. Judged by planned begins, with the calendars as they stand now."""
    with asked.parts.database.read() as session:
        rows = rounds.coverage(session, asked.caller, now=asked.now, site_id=site, route_id=route)
    return answer(
        {"items": [{**row, "findings": [asdict(one) for one in row["findings"]]} for row in rows]}
    )
