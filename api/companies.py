"""Companies that are hired for a site: hiring one, inviting its people, and ending it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import BASE, IdempotencyKey, answer, claim, created, kept
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from core.companies import (
    READ,
    WRITE,
    Hired,
    describe_company,
    end_company_person,
    find_company,
    hire_company,
    hired_at,
)
from core.company_accounts import invite_to_company, revoke_company_invitation
from core.db import Session
from core.errors import NotFound
from core.idempotency import keep, recall
from core.people import find_node
from workflows.tickets.contractors import end_hire

router = APIRouter(tags=["companies"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(WRITE))]


class CompanyPersonItem(BaseModel):
    """Somebody of a company who signs in."""

    id: UUID
    name: str


class CompanyInvitationItem(BaseModel):
    """An invitation that nobody has used yet."""

    id: UUID
    created_at: datetime
    ends_at: datetime


class CompanyItem(BaseModel):
    """A company that is hired for a site."""

    id: UUID
    site_id: UUID
    name: str
    hired_at: datetime
    people: list[CompanyPersonItem]
    invitations: list[CompanyInvitationItem] = Field(description="Those that wait to be used.")


class CompanyList(BaseModel):
    """Every company that is hired for a site, by name."""

    items: list[CompanyItem]


class CompanyToHire(Body):
    """A company to hire."""

    name: Annotated[str, Field(min_length=1, max_length=120)]


class FreshCompanyInvitation(CompanyInvitationItem):
    """An invitation just made; its path holds the secret, which is shown this once."""

    path: str


class HireEnded(BaseModel):
    """What became of the open jobs of a company that is hired no more."""

    jobs_passed_on: int


def _shown(hired: Hired) -> dict[str, Any]:
    row = hired.company
    return {
        "id": row.id,
        "site_id": row.site_id,
        "name": row.name,
        "hired_at": row.hired_at,
        "people": [{"id": person, "name": name} for person, name in hired.people.items()],
        "invitations": [
            {"id": one.id, "created_at": one.created_at, "ends_at": one.ends_at}
            for one in hired.waiting
        ],
    }


def _require_site(session: Session, asked: Asked, site_id: UUID, right: str) -> None:
    if find_node(session, asked.caller, "places.read", site_id).kind != "site":
        raise NotFound("companies are hired for a site", advice="Name a site.")
    asked.caller.require(right, site_id)


@router.get(
    "/sites/{site_id}/companies",
    response_model=CompanyList,
    summary="List hired companies",
    responses=may_answer(404),
)
def get_companies(asked: Reader, site_id: UUID) -> Response:
    """With who of each signs in, and the invitations that wait, without their secrets."""
    with asked.parts.database.read() as session:
        _require_site(session, asked, site_id, READ)
        found = hired_at(session, site_id, now=asked.now)
    return answer({"items": [_shown(each) for each in found]})


@router.post(
    "/sites/{site_id}/companies",
    response_model=CompanyItem,
    status_code=201,
    summary="Hire a company",
    responses=may_answer(404, 409),
)
def post_company(
    asked: Writer, site_id: UUID, body: CompanyToHire, idempotency_key: IdempotencyKey = None
) -> Response:
    """A company of the same name, however its case, is hired there once (409)."""
    request = claim(asked, f"POST /sites/{site_id}/companies", idempotency_key, body)
    with asked.parts.database.write() as session:
        _require_site(session, asked, site_id, WRITE)
        made = recall(session, request)
        if made is None:
            row = hire_company(session, asked.caller, site_id, body.name, now=asked.now)
            content = _shown(describe_company(session, row, now=asked.now))
            made = keep(session, request, created(content, f"sites/{site_id}/companies"))
    return kept(made)


@router.post(
    "/companies/{company_id}/invitations",
    response_model=FreshCompanyInvitation,
    status_code=201,
    summary="Invite somebody of a company",
    responses=may_answer(404),
)
def post_company_invitation(asked: Writer, company_id: UUID) -> Response:
    """Takes no Idempotency-Key: the secret is shown once and its answer is never kept."""
    with asked.parts.database.write() as session:
        row = find_company(session, asked.caller, company_id)
        invitation, secret = invite_to_company(session, row, by=asked.person, now=asked.now)
        content = {
            "id": invitation.id,
            "created_at": invitation.created_at,
            "ends_at": invitation.ends_at,
            "path": f"/join/company/{secret}",
        }
        place = f"{BASE}/sites/{row.site_id}/companies"
    return answer(content, 201, headers={"Location": place})


@router.delete(
    "/companies/{company_id}/invitations/{invitation_id}",
    status_code=204,
    summary="Revoke an invitation to a company",
    responses=may_answer(404),
)
def delete_company_invitation(asked: Writer, company_id: UUID, invitation_id: UUID) -> Response:
    """Its link stops working at once."""
    with asked.parts.database.write() as session:
        row = find_company(session, asked.caller, company_id)
        revoke_company_invitation(session, row, invitation_id, actor=asked.actor, now=asked.now)
    return Response(status_code=204)


@router.delete(
    "/companies/{company_id}/people/{person_id}",
    status_code=204,
    summary="End the account of somebody of a company",
    responses=may_answer(404),
)
def delete_company_person(asked: Writer, company_id: UUID, person_id: UUID) -> Response:
    """At once; an account that opens more, of another company or as a colleague, keeps that."""
    with asked.parts.database.write() as session:
        row = find_company(session, asked.caller, company_id)
        end_company_person(session, row, person_id, actor=asked.actor, now=asked.now)
    return Response(status_code=204)


@router.post(
    "/companies/{company_id}/end",
    response_model=HireEnded,
    summary="Hire a company no more",
    responses=may_answer(404),
)
def post_company_end(asked: Writer, company_id: UUID) -> Response:
    """Ends the accounts of its people, its invitations and the links of its open jobs, which go on
    to the next contact or back to the team."""
    with asked.parts.database.write() as session:
        row = find_company(session, asked.caller, company_id)
        passed_on = end_hire(session, row, person=asked.person, now=asked.now)
    return answer({"jobs_passed_on": passed_on})
