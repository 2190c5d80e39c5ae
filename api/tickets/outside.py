"""People without an account on a ticket: contractors by their links, residents by theirs."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from workflows.alarms import acknowledge_of
from workflows.customers import find_sent, reports_of, revoke_report
from workflows.tickets import Ticket, with_merged
from workflows.tickets.contractors import (
    Contact,
    Job,
    find_offer,
    list_offers,
    offer,
    revoke_offer,
)
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import holds, require

router = APIRouter(tags=["tickets"])
DISPATCH = "tickets.dispatch"
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Dispatcher = Annotated[Asked, Depends(Permission(DISPATCH))]
LinkState = (
    Literal["waiting", "offered", "accepted", "arrived", "done"]
    | Literal["declined", "revoked", "expired", "passed_on"]
)
Line = Annotated[str, Field(max_length=120)]


class ContactGiven(Body):
    """Somebody outside who may do the job."""

    company: Line
    name: Line
    phone: Annotated[str, Field(max_length=40)]


class JobOffered(Body):
    """What is offered to whom; who comes first is asked first."""

    contacts: Annotated[list[ContactGiven], Field(min_length=1, max_length=5)]
    task: Annotated[str, Field(max_length=4000, description="What they read; no residents.")]
    access: Annotated[str, Field(max_length=4000, description="How to get in.")] = ""
    urgent: bool = Field(default=False, description="The next is asked if nobody accepts in time.")
    answer_minutes: Annotated[int, Field(ge=5, le=1440)] = 30
    days: Annotated[int, Field(ge=1, le=30, description="How long the links hold.")] = 7

    def job(self) -> Job:
        """The job as the workflow has it."""
        return Job(
            [Contact(one.company, one.name, one.phone) for one in self.contacts],
            self.task,
            self.access,
            self.urgent,
            timedelta(minutes=self.answer_minutes),
            timedelta(days=self.days),
        )


class ContractorLinkItem(BaseModel):
    """A job offered to somebody outside."""

    id: UUID
    ticket_id: UUID
    state: LinkState
    company: str
    name: str
    phone: str
    task: str
    access: str
    urgent: bool
    created_at: datetime
    expires_at: datetime
    offered_at: datetime | None
    answer_by: datetime | None
    accepted_at: datetime | None
    arrived_at: datetime | None
    arrived_by: Literal["sticker", "code", "tap"] | None
    done_at: datetime | None


class ContractorLinks(BaseModel):
    """The links of a ticket, the last made first."""

    items: list[ContractorLinkItem]


class FreshContractorLink(ContractorLinkItem):
    """A link just made; its path holds the secret, which is shown this once."""

    path: str


class FreshContractorLinks(BaseModel):
    """Links just made, in the order in which they are asked."""

    items: list[FreshContractorLink]


class ResidentReportItem(BaseModel):
    """That somebody without an account reported the ticket, or joined it."""

    id: UUID
    joined: bool
    phone: str | None = Field(description="Only for who may work the ticket.")
    created_at: datetime
    ends_at: datetime
    urges: int
    urged_at: datetime | None
    confirmed_at: datetime | None
    rating: int | None = Field(description="1 to 5.")
    rating_words: str
    rated_at: datetime | None


class ResidentReports(BaseModel):
    """What residents said on a ticket and on those merged into it, the first one first."""

    items: list[ResidentReportItem]


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ContractorLinkItem.model_fields}


@router.get(
    "/tickets/{ticket_id}/contractor-links",
    response_model=ContractorLinks,
    summary="List a ticket's links for contractors",
)
def get_contractor_links(asked: Reader, ticket_id: UUID) -> Response:
    """Without their secrets, which nobody can read again."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        return answer({"items": list_offers(session, ticket.id)})


@router.post(
    "/tickets/{ticket_id}/contractor-links",
    response_model=FreshContractorLinks,
    status_code=201,
    summary="Hand a ticket to contractors",
    responses=may_answer(409),
)
def post_contractor_links(asked: Dispatcher, ticket_id: UUID, body: JobOffered) -> Response:
    """Makes a link for each contact. Takes no Idempotency-Key, because a secret is never kept; a
    ticket that is with a contractor already is a conflict."""
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, DISPATCH, ticket)
        made = offer(session, ticket, body.job(), person=asked.person, now=asked.now)
        acknowledge_of(session, ticket, person=asked.person, now=asked.now)
        items = [{**_fields(link), "path": f"/c/{secret}"} for link, secret in made]
    return answer({"items": items}, 201)


@router.post(
    "/contractor-links/{link_id}/revoke",
    response_model=ContractorLinkItem,
    summary="Take a contractor's link back",
    responses=may_answer(409),
)
def revoke_contractor_link(asked: Dispatcher, link_id: UUID) -> Response:
    """The next contact of its list gets their turn; without one the ticket goes to its team."""
    with asked.parts.database.write() as session:
        link = find_offer(session, asked.caller, link_id)
        require(asked.caller, DISPATCH, session.get_one(Ticket, link.ticket_id))
        revoke_offer(session, link, person=asked.person, now=asked.now)
        return answer(_fields(link))


@router.get(
    "/tickets/{ticket_id}/resident-reports",
    response_model=ResidentReports,
    summary="Read what residents said on a ticket",
)
def get_resident_reports(asked: Reader, ticket_id: UUID) -> Response:
    """Reports, how often they asked how far it is, whether it is solved, and ratings."""
    with asked.parts.database.read() as session:
        ticket = find_ticket(session, asked.caller, ticket_id)
        found = reports_of(session, with_merged(session, ticket.id))
    if not holds(asked.caller, "tickets.work", ticket):
        found = [{**one, "phone": None} for one in found]
    return answer({"items": found})


@router.post(
    "/resident-reports/{report_id}/revoke",
    status_code=204,
    response_class=Response,
    summary="End a resident's progress link",
)
def revoke_resident_report(asked: Dispatcher, report_id: UUID) -> Response:
    """Ends it at once, and forgets the phone number that came with it."""
    with asked.parts.database.write() as session:
        row = find_sent(session, asked.caller, report_id)
        require(asked.caller, DISPATCH, session.get_one(Ticket, row.ticket_id))
        revoke_report(session, row, person=asked.person, now=asked.now)
    return Response(status_code=204)
