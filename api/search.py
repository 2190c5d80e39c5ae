"""One search over everything that the caller may see."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import SignedIn
from workflows.search import Found, search

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


class FoundShown(BaseModel):
    """What fits best of each kind, the best first."""

    tickets: list[FoundTicketShown]
    places: list[FoundPlaceShown]
    assets: list[FoundPlaceShown]
    people: list[FoundPersonShown]


@router.get("/search", response_model=FoundShown, summary="Search everything")
def get_search(
    asked: SignedIn,
    q: Annotated[
        str,
        Query(
            max_length=100,
            description="Chinese in part, pinyin or its initials, any spelling of a unit number, a "
            "ticket's number, part of a title, a name, or a phone number.",
        ),
    ] = "",
) -> Response:
    """Tickets, places, equipment and colleagues that you may see, however they are spelled."""
    with asked.parts.database.read() as session:
        found = search(session, asked.parts.places, asked.caller, q)
    return answer(_shown(found))


def _shown(found: Found) -> dict[str, Any]:
    return {
        "tickets": [
            {name: getattr(ticket, name) for name in FoundTicketShown.model_fields}
            for ticket in found.tickets
        ],
        **{
            kind: [
                {name: getattr(place, name) for name in FoundPlaceShown.model_fields}
                for place in places
            ]
            for kind, places in (("places", found.places), ("assets", found.assets))
        },
        "people": [{"id": person.id, "name": person.name} for person in found.people],
    }
