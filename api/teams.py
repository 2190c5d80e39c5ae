"""Teams over HTTP: who is on duty, and the roster."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.bodies import Body, Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from core.db import Session
from core.errors import Invalid, NotFound
from core.people import find_node
from core.places import Node
from core.rosters import (
    LONGEST_LOOK,
    MOST_WEEKS,
    add_shifts,
    on_duty,
    remove_shift,
    shifts_between,
    who_answers,
)
from core.teams import members_of, team_at, teams_at

router = APIRouter(tags=["teams"])
READ = "people.read"
Reader = Annotated[Asked, Depends(Permission(READ))]
Rosterer = Annotated[Asked, Depends(Permission("rosters.write"))]
Code = Annotated[str, Query(max_length=40)]
Kind = Literal["duty", "on_call"]


class MemberShown(BaseModel):
    """Somebody in a team."""

    person_id: UUID
    name: str
    skills: list[str] = Field(description="Categories of work; none means all.")


class TeamShown(BaseModel):
    """A team of a site."""

    code: str
    name: dict[str, str]
    mode: Literal["grab", "round_robin", "load"]
    cover: str | None = Field(description="The calendar in which somebody must be on duty.")
    version: int
    members: list[MemberShown]


class TeamList(BaseModel):
    """Every team of a site."""

    items: list[TeamShown]


class OnDutyShown(BaseModel):
    """Somebody who answers."""

    person_id: UUID
    name: str
    kind: Kind
    until: datetime
    for_id: UUID | None = Field(description="Whom they stand in for.")


class DutyShown(BaseModel):
    """Who answers for a team at a moment."""

    items: list[OnDutyShown]
    level: str = Field(description="team, or where it falls through to.")
    people: list[UUID]
    phones: list[str] = Field(description="Duty phones, where nobody is on duty.")


class ShiftShown(BaseModel):
    """A shift."""

    id: UUID
    person_id: UUID
    name: str
    kind: Kind
    starts_at: datetime
    ends_at: datetime


class ShiftList(BaseModel):
    """The shifts that touch a span, in order."""

    items: list[ShiftShown]


class NewShifts(Body):
    """Shifts for some weeks; several people take turns, a week each, in their order."""

    people: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    kind: Kind = "duty"
    weekdays: Annotated[list[int], Field(min_length=1, max_length=7, description="0 = Monday.")]
    starts: time
    ends: time = Field(description="At or before the start: on the next day.")
    first: date
    weeks: Annotated[int, Field(ge=1, le=MOST_WEEKS)] = 1


class ShiftsMade(BaseModel):
    """What was made."""

    made: int


def _site(session: Session, asked: Asked, site_id: UUID) -> Node:
    site = find_node(session, asked.caller, READ, site_id)
    if site.kind != "site":
        raise NotFound("teams belong to a site", advice="Name a site.")
    return site


@router.get("/sites/{site_id}/teams", response_model=TeamList, responses=may_answer(404))
def get_teams(site_id: UUID, asked: Reader) -> Response:
    """Every team of a site, with who is in it."""
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        found = [_team(session, site, team.code) for team in teams_at(session, site.id)]
    return answer({"items": found})


def _team(session: Session, site: Node, code: str) -> dict[str, Any]:
    team = team_at(session, site.id, code)
    members = [
        {"person_id": person.id, "name": person.name, "skills": member.skills}
        for member, person in members_of(session, site.id, code)
    ]
    return {
        "code": team.code,
        "name": dict(team.name),
        "mode": team.mode,
        "cover": team.cover,
        "version": team.version,
        "members": members,
    }


@router.get(
    "/sites/{site_id}/teams/{code}/duty", response_model=DutyShown, responses=may_answer(404)
)
def get_duty(site_id: UUID, code: str, asked: Reader, at: Moment | None = None) -> Response:
    """Who answers for a team now, or at another moment."""
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        moment = at or asked.now
        items = [
            {
                "person_id": one.person_id,
                "name": one.name,
                "kind": one.kind,
                "until": one.until,
                "for_id": one.for_id,
            }
            for one in on_duty(session, site.id, code, moment)
        ]
        falls = who_answers(session, site.id, code, moment)
    return answer(
        {"items": items, "level": falls.level, "people": falls.people, "phones": falls.phones}
    )


@router.get(
    "/sites/{site_id}/teams/{code}/shifts", response_model=ShiftList, responses=may_answer(404)
)
def get_shifts(
    site_id: UUID, code: str, asked: Reader, start: Moment | None = None, end: Moment | None = None
) -> Response:
    """The shifts of a team in a span of at most 92 days; the next seven days if none is given."""
    begin = start or asked.now
    finish = end or begin + timedelta(days=7)
    if not begin < finish <= begin + LONGEST_LOOK:
        raise Invalid(
            "the roster was not read", problems=["end: after the start, by 92 days at most"]
        )
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        items = [
            {
                "id": shift.id,
                "person_id": shift.person_id,
                "name": name,
                "kind": shift.kind,
                "starts_at": shift.starts_at,
                "ends_at": shift.ends_at,
            }
            for shift, name in shifts_between(session, site.id, code, begin, finish)
        ]
    return answer({"items": items})


@router.post(
    "/sites/{site_id}/teams/{code}/shifts",
    status_code=201,
    response_model=ShiftsMade,
    responses=may_answer(404, 409),
)
def post_shifts(site_id: UUID, code: str, body: NewShifts, asked: Rosterer) -> Response:
    """Fill the roster; nobody gets two shifts at once (409)."""
    with asked.parts.database.write() as session:
        site = _site(session, asked, site_id)
        made = add_shifts(
            session,
            asked.caller,
            site,
            code,
            body.people,
            kind=body.kind,
            weekdays=body.weekdays,
            hours=(body.starts, body.ends),
            first=body.first,
            weeks=body.weeks,
            now=asked.now,
        )
    return answer({"made": made}, 201)


@router.delete("/shifts/{shift_id}", status_code=204, responses=may_answer(404))
def delete_shift(shift_id: UUID, asked: Rosterer) -> Response:
    """Take a shift out of the roster."""
    with asked.parts.database.write() as session:
        remove_shift(session, asked.caller, shift_id, now=asked.now)
    return Response(status_code=204)
