"""The caller themselves: who they are, where they may do what, and their API tokens."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.answers import BASE, answer
from api.bodies import Body
from api.deps import SignedIn
from api.errors import may_answer
from core.callers import end_token, make_token, tokens_of
from core.errors import NotFound

router = APIRouter(tags=["me"])


class Me(BaseModel):
    """The caller. sites: for each permission the sites on which it is held."""

    id: UUID
    name: str
    locale: str
    sites: dict[str, list[UUID]]
    company_wide: list[str]


class Token(BaseModel):
    """An API token without its secret."""

    id: UUID
    label: str
    created_at: datetime
    ends_at: datetime
    scope: list[str] | None = Field(
        description="The permissions it is limited to; null: all those of its person."
    )


class TokenPage(BaseModel):
    """The caller's tokens."""

    items: list[Token]
    next: None = None


class FreshToken(Token):
    """A token just made; the secret is shown this once and stored nowhere."""

    secret: str


class NewToken(Body):
    """A token to make."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    days: Annotated[int, Field(ge=1, le=730)] = 365
    scope: Annotated[list[str] | None, Field(max_length=100)] = None


@router.get("/me", response_model=Me, summary="Who am I")
def get_me(asked: SignedIn) -> Response:
    """Who you are, and which permissions you hold on which sites."""
    caller = asked.caller
    content = {
        "id": caller.person_id,
        "name": caller.name,
        "locale": caller.locale,
        "sites": {permission: sorted(sites) for permission, sites in sorted(caller.sites.items())},
        "company_wide": sorted(caller.company_wide),
    }
    return answer(content)


@router.get("/me/tokens", response_model=TokenPage, summary="List my tokens")
def get_tokens(asked: SignedIn) -> Response:
    """Your API tokens that have not ended, without their secrets."""
    with asked.parts.database.read() as session:
        rows = tokens_of(session, asked.person, now=asked.now)
    return answer({"items": rows, "next": None})


@router.post("/me/tokens", response_model=FreshToken, status_code=201, summary="Make a token")
def post_token(asked: SignedIn, body: NewToken) -> Response:
    """Takes no Idempotency-Key: a secret is shown once and its answer is never kept."""
    with asked.parts.database.write() as session:
        facts, secret = make_token(
            session,
            asked.caller,
            label=body.label,
            lifetime=timedelta(days=body.days),
            scope=body.scope,
            now=asked.now,
        )
    location = {"Location": f"{BASE}/me/tokens/{facts['id']}"}
    return answer({**facts, "secret": secret}, 201, headers=location)


@router.delete(
    "/me/tokens/{token_id}", status_code=204, summary="End a token", responses=may_answer(404)
)
def delete_token(asked: SignedIn, token_id: UUID) -> Response:
    """The token stops working at once."""
    with asked.parts.database.write() as session:
        if not end_token(session, asked.person, token_id, now=asked.now):
            raise NotFound("you have no such token", advice="List your tokens.")
    return Response(status_code=204)
