"""Return visits: whether who reported it is satisfied, asked by who did not do the work."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer, page_answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from workflows.customers import (
    AskedReporter,
    list_due_visits,
    record_return_visit,
    visits_of,
)
from workflows.tickets.reading import find_ticket

router = APIRouter(tags=["tickets"])
RIGHT = "tickets.dispatch"
Desk = Annotated[Asked, Depends(Permission(RIGHT))]
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Way = Literal["phone", "on_spot"]


class ReturnVisitItem(BaseModel):
    """That somebody asked how a repair turned out."""

    id: UUID
    at: datetime
    by_id: UUID
    by_name: str
    way: Way
    satisfied: bool
    rating: int = Field(description="1 to 5.")
    words: str


class ReturnVisits(BaseModel):
    """The return visits of a ticket, the first one first."""

    items: list[ReturnVisitItem]


class ReturnVisitBody(Body):
    """What came of a return visit; who is not satisfied says why as `words`."""

    way: Way
    satisfied: bool
    rating: Annotated[int, Field(ge=1, le=5)]
    words: Annotated[str, Field(max_length=2000)] = ""


class DueVisitItem(BaseModel):
    """A ticket whose reporter has not been asked yet."""

    ticket_id: UUID
    resolved_at: datetime
    number: int
    title: dict[str, str]
    state: str
    site_id: UUID
    site: dict[str, str]
    asset: dict[str, str] | None
    space: dict[str, str] | None
    reporter: str | None = Field(description="A colleague who reported it; null: a resident.")


class DueVisits(BaseModel):
    """A page of them."""

    items: list[DueVisitItem]
    next: str | None


@router.get(
    "/return-visits-due", response_model=DueVisits, summary="List return visits that are due"
)
def get_return_visits_due(
    asked: Desk,
    site: Annotated[UUID | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What was done in the last 14 days and reported by somebody who was not heard since."""
    wished = wish(limit, cursor, datetime, UUID)
    with asked.parts.database.read() as session:
        page = list_due_visits(session, asked.caller, wished, now=asked.now, site_id=site)
    return page_answer(page)


@router.get("/tickets/{ticket_id}/return-visits", response_model=ReturnVisits)
def get_return_visits(ticket_id: UUID, asked: Reader) -> Response:
    """The return visits of a ticket, the first one first."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        return answer({"items": visits_of(session, ticket.id)})


@router.post(
    "/tickets/{ticket_id}/return-visits",
    status_code=201,
    response_model=ReturnVisits,
    responses=may_answer(409),
)
def post_return_visit(ticket_id: UUID, body: ReturnVisitBody, asked: Desk) -> Response:
    """Write a return visit down: satisfied verifies the ticket, else it opens again.

    Whoever had a hand in the work may not (403). Answers with all of the ticket.
    """
    given: dict[str, Any] = body.model_dump()
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        record_return_visit(session, asked.caller, ticket, AskedReporter(**given), now=asked.now)
        items = visits_of(session, ticket.id)
    return answer({"items": items}, 201)
