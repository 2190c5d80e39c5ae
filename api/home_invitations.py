"""Inviting people of households to an account, and letting somebody in who forgot."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from core.home_accounts import LIFETIME, MOST_AT_ONCE
from core.households import WRITE
from core.people import CREDENTIAL_LIFETIME
from workflows.customers import Slip, invite_household, invite_resident, let_in_resident

router = APIRouter(tags=["households"])
Writer = Annotated[Asked, Depends(Permission(WRITE))]


class FreshHomeInvitation(BaseModel):
    """An invitation just made; its path holds the secret, which is shown this once."""

    resident_id: UUID
    space_id: UUID
    name: str
    path: str
    ends_at: datetime


class FreshHomeInvitations(BaseModel):
    """Invitations just made, home by home."""

    items: list[FreshHomeInvitation] = Field(max_length=MOST_AT_ONCE)


class FreshHomeLink(BaseModel):
    """A one-time sign-in link; its path holds the secret, which is shown this once."""

    path: str
    ends_at: datetime


def _shown(slip: Slip, now: datetime) -> dict[str, Any]:
    return {
        "resident_id": slip.contact.id,
        "space_id": slip.contact.space_id,
        "name": slip.contact.name,
        "path": f"/join/home/{slip.secret}",
        "ends_at": now + LIFETIME,
    }


@router.post(
    "/residents/{resident_id}/invitation",
    response_model=FreshHomeInvitation,
    status_code=201,
    summary="Invite somebody of a household",
    responses=may_answer(404, 409),
)
def post_home_invitation(asked: Writer, resident_id: UUID) -> Response:
    """Ends the one that waited for them. Takes no Idempotency-Key: the secret is shown once and its
    answer is never kept. Whoever has an account, or moved out, is a conflict."""
    now = asked.now
    with asked.parts.database.write() as session:
        slip = invite_resident(session, asked.caller, resident_id, now=now)
    return answer(_shown(slip, now), 201)


@router.post(
    "/spaces/{space_id}/invitations",
    response_model=FreshHomeInvitations,
    status_code=201,
    summary="Invite everybody who lives in a space",
    responses=may_answer(404),
)
def post_home_invitations(asked: Writer, space_id: UUID) -> Response:
    """Also in the spaces within it, at most 300 people; who has an account, or moved out, is left
    out. Those that waited end. Takes no Idempotency-Key."""
    now = asked.now
    with asked.parts.database.write() as session:
        _, slips = invite_household(session, asked.caller, space_id, now=now)
    return answer({"items": [_shown(slip, now) for slip in slips]}, 201)


@router.post(
    "/residents/{resident_id}/link",
    response_model=FreshHomeLink,
    status_code=201,
    summary="Make a sign-in link for somebody of a household",
    responses=may_answer(404, 409),
)
def post_home_link(asked: Writer, resident_id: UUID) -> Response:
    """For somebody who forgot their password: it works once and for 24 hours. Conflict for somebody
    without an account, and for one whose account opens more than homes of yours."""
    now = asked.now
    with asked.parts.database.write() as session:
        slip = let_in_resident(session, asked.caller, resident_id, now=now)
    content = {"path": f"/sign-in/{slip.secret}", "ends_at": now + CREDENTIAL_LIFETIME["link"]}
    return answer(content, 201)
