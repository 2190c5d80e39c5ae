"""What contractors claim on tickets: reading it, accepting it, striking it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from workflows.tickets.contractors import decide_claim, find_claim, list_claims
from workflows.tickets.contractors.claims import DECIDES
from workflows.tickets.reading import find_ticket

router = APIRouter(tags=["tickets"])
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Decider = Annotated[Asked, Depends(Permission(DECIDES))]


class ClaimItem(BaseModel):
    """A line of what a contractor says they used. Amounts are decimal numbers as text."""

    id: UUID
    link_id: UUID = Field(description="The contractor's link by which it was written down.")
    company: str
    own: bool = Field(description="Whether you are of the company: then you do not decide it.")
    at: datetime
    kind: Literal["labour", "part", "cost"]
    what: str = Field(description="May be empty for labour.")
    minutes: int | None
    quantity: str | None
    unit_price: str | None = Field(description="Of an hour or a part.")
    cost: str | None = Field(description="Of the line; null where no price was said.")
    state: Literal["claimed", "accepted", "struck"]
    decided_at: datetime | None
    decided_by_name: str | None


class ClaimList(BaseModel):
    """What contractors claim on a ticket and on those merged into it, the first line first."""

    items: list[ClaimItem]


@router.get(
    "/tickets/{ticket_id}/contractor-claims",
    response_model=ClaimList,
    summary="List what contractors claim on a ticket",
)
def get_contractor_claims(asked: Reader, ticket_id: UUID) -> Response:
    """Labour, parts and other costs as they say: what is not accepted is no approval."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        return answer({"items": list_claims(session, ticket.id, asked.person)})


@router.post(
    "/contractor-claims/{claim_id}/accept",
    response_model=ClaimItem,
    summary="Accept a line that a contractor claims",
    responses=may_answer(409),
)
def accept_contractor_claim(asked: Decider, claim_id: UUID) -> Response:
    """From claimed or struck to accepted. Books and pays nothing. Whoever is of the company that
    claims it can't (409)."""
    return answer(_decided(asked, claim_id, "accept"))


@router.post(
    "/contractor-claims/{claim_id}/strike",
    response_model=ClaimItem,
    summary="Strike a line that a contractor claims",
    responses=may_answer(409),
)
def strike_contractor_claim(asked: Decider, claim_id: UUID) -> Response:
    """From claimed or accepted to struck; it stays on the ticket. Whoever is of the company that
    claims it can't (409)."""
    return answer(_decided(asked, claim_id, "strike"))


def _decided(asked: Asked, claim_id: UUID, action: str) -> dict[str, Any]:
    with asked.parts.database.write() as session:
        row = find_claim(session, asked.caller, claim_id)
        ticket = decide_claim(session, asked.caller, row, action, now=asked.now)
        listed = list_claims(session, ticket.id, asked.person)
        return next(one for one in listed if one["id"] == claim_id)
