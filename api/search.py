"""One search over everything that the caller may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import SignedIn
from workflows.patrol import rounds
from workflows.search import EACH, Found, FoundHousehold, find_households, fitting, search

router = APIRouter(tags=["search"])


class FoundTicketShown(BaseModel):
    """A ticket that fits."""

    id: UUID
    number: int
    site_id: UUID
    title: dict[str, str]
    state: str
    priority: str


class FoundPlaceShown(BaseModel):
    """A site, a space or an asset that fits."""

    kind: str = Field(description="site, space or asset.")
    id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    within: list[dict[str, str]] = Field(description="The names of what it is part of.")


class FoundPersonShown(BaseModel):
    """A colleague who fits."""

    id: UUID
    name: str


class FoundResidentShown(BaseModel):
    """Somebody of a household who fits; numbers are masked where you may not see them."""

    id: UUID
    name: str
    phones: list[str]
    relation: str


class FoundHouseholdShown(BaseModel):
    """A space, and who of its household fits."""

    place: FoundPlaceShown
    residents: list[FoundResidentShown]


class FoundRoundShown(BaseModel):
    """A round of a route that fits."""

    id: UUID
    planned_at: datetime
    state: str


class FoundRouteShown(BaseModel):
    """A route of rounds that fits."""

    id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    rounds: list[FoundRoundShown] = Field(
        description="Of a day to either side the one under way, the next, the last; at most two."
    )


class FoundShown(BaseModel):
    """What fits best of each kind, the best first."""

    tickets: list[FoundTicketShown]
    places: list[FoundPlaceShown]
    assets: list[FoundPlaceShown]
    people: list[FoundPersonShown]
    routes: list[FoundRouteShown]
    households: list[FoundHouseholdShown]
    households_complete: bool = Field(
        description="False in the first seconds after a start, while households are still read."
    )


@router.get("/search", response_model=FoundShown, summary="Search everything")
def get_search(
    asked: SignedIn,
    q: Annotated[
        str,
        Query(
            max_length=100,
            description="Chinese in part, pinyin or its initials, any spelling of a unit number, a "
            "ticket's number, part of a title, a name, or a phone number or part of it.",
        ),
    ] = "",
) -> Response:
    """Tickets, places, equipment, routes and colleagues that you may see, however spelled."""
    with asked.parts.database.read() as session:
        index, caller = asked.parts.places, asked.caller
        found = search(session, index, caller, q)
        complete = not index.residents.warming
        households = find_households(session, index, caller, q, now=asked.now)
        fits = fitting(q)
        routes = rounds.find_routes(session, caller, fits, now=asked.now, limit=EACH)
    more = {"households": [_home(each) for each in households], "routes": _ways(routes)}
    return answer({**_shown(found), **more, "households_complete": complete})


def _ways(routes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    fields = FoundRoundShown.model_fields
    return [
        {**way, "rounds": [{name: row[name] for name in fields} for row in way["rounds"]]}
        for way in routes
    ]


def _home(found: FoundHousehold) -> dict[str, Any]:
    return {
        "place": _fields(FoundPlaceShown, found.place),
        "residents": [_fields(FoundResidentShown, each) for each in found.residents],
    }


def _fields(shape: type[BaseModel], thing: object) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in shape.model_fields}


def _shown(found: Found) -> dict[str, Any]:
    return {
        "tickets": [_fields(FoundTicketShown, ticket) for ticket in found.tickets],
        **{
            kind: [_fields(FoundPlaceShown, place) for place in places]
            for kind, places in (("places", found.places), ("assets", found.assets))
        },
        "people": [{"id": person.id, "name": person.name} for person in found.people],
    }
