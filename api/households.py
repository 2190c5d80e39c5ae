"""Households over HTTP: who lives in a space, added, changed, moved out, erased."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    kept,
    marked,
    require_unchanged,
)
from api.bodies import Body, Change
from api.deps import Asked, Permission
from api.errors import may_answer
from core.db import Session
from core.home_accounts import account_holders
from core.households import (
    MOST_PHONES,
    READ,
    WRITE,
    Details,
    Resident,
    add_resident,
    change_resident,
    contacts_of,
    erase,
    find_resident,
    find_space,
    household_of,
    move_out,
    shown_to,
)
from core.idempotency import keep, recall

router = APIRouter(tags=["households"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(WRITE))]
Relation = Literal["owner", "tenant", "family", "other"]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Phones = Annotated[
    list[Annotated[str, Field(max_length=40)]],
    Field(max_length=MOST_PHONES, description="Digits, however they are spaced."),
]
Day = date | None


class ResidentItem(BaseModel):
    """Somebody of a household. Numbers are masked where you may not see them."""

    id: UUID
    site_id: UUID
    space_id: UUID
    name: str
    phones: list[str]
    relation: Relation
    since: Day = Field(description="The day of moving in.")
    until: Day = Field(description="The day of moving out.")
    version: int


class MemberItem(ResidentItem):
    """Somebody of a household, and whether they have an account."""

    has_account: bool


class Household(BaseModel):
    """Everybody of a household, also who moved out."""

    items: list[MemberItem]


class ResidentMade(BaseModel):
    """Somebody who was added."""

    id: UUID


class ResidentToAdd(Body):
    """Somebody to add."""

    name: Name
    phones: Phones = Field(default_factory=list)
    relation: Relation = "owner"
    since: Day = None
    until: Day = None

    def details(self) -> Details:
        """What is to be known of them."""
        return Details(**{**self.model_dump(), "phones": tuple(self.phones)})


class ResidentChange(Change):
    """Fields to change."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"since", "until"})

    name: Name | None = None
    phones: Phones | None = None
    relation: Relation | None = None
    since: Day = None
    until: Day = None


def _shown(session: Session, asked: Asked, row: Resident) -> dict[str, Any]:
    [contact] = contacts_of(session, [row])
    return _plain(asdict(shown_to(asked.caller, contact)))


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: day and day.isoformat() for name in ("since", "until") for day in [found[name]]}
    return {**found, **days, "phones": list(found["phones"])}


@router.get(
    "/spaces/{space_id}/household",
    response_model=Household,
    summary="List who lives in a space",
    responses=may_answer(404),
)
def get_household(asked: Reader, space_id: UUID) -> Response:
    """Who lives there and who did; names stay on this answer and in no log."""
    with asked.parts.database.read() as session:
        found = household_of(session, asked.caller, space_id)
        holders = account_holders(session, [each.id for each in found])
    items = [{**_plain(asdict(each)), "has_account": each.id in holders} for each in found]
    return answer({"items": items})


@router.post(
    "/spaces/{space_id}/household",
    response_model=ResidentMade,
    status_code=201,
    summary="Add somebody to a household",
    responses=may_answer(404, 409),
)
def post_resident(
    asked: Writer, space_id: UUID, body: ResidentToAdd, idempotency_key: IdempotencyKey = None
) -> Response:
    """Names and numbers are encrypted under a key of their own."""
    request = claim(asked, f"POST /spaces/{space_id}/household", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            space = find_space(session, asked.caller, space_id, WRITE)
            row = add_resident(session, space, body.details(), actor=asked.actor, now=asked.now)
            # Answers are kept to be given again, so this one names nobody.
            content = {"id": row.id}
            made = keep(session, request, created(content, f"spaces/{space_id}/household"))
    return kept(made)


@router.patch(
    "/residents/{resident_id}",
    response_model=ResidentItem,
    summary="Change what is known of somebody",
    responses=may_answer(404, 412, 428),
)
def patch_resident(
    asked: Writer, resident_id: UUID, body: ResidentChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match."""
    with asked.parts.database.write() as session:
        row = find_resident(session, asked.caller, resident_id)
        require_unchanged(if_match, _shown(session, asked, row))
        [standing] = contacts_of(session, [row])
        details = replace(standing.details, **body.changes())
        change_resident(session, row, details, actor=asked.actor, now=asked.now)
        return marked(_shown(session, asked, row))


@router.post(
    "/residents/{resident_id}/move-out",
    response_model=ResidentItem,
    summary="Note that somebody moves out today",
    responses=may_answer(404, 409),
)
def move_resident_out(asked: Writer, resident_id: UUID) -> Response:
    """Somebody who has moved out already stays so."""
    with asked.parts.database.write() as session:
        row = find_resident(session, asked.caller, resident_id)
        move_out(session, row, actor=asked.actor, now=asked.now)
        return marked(_shown(session, asked, row))


@router.delete(
    "/residents/{resident_id}",
    status_code=204,
    summary="Erase somebody of a household",
    responses=may_answer(404),
)
def delete_resident(asked: Writer, resident_id: UUID) -> Response:
    """Destroys the key under which their name and numbers stand; that can't be undone."""
    with asked.parts.database.write() as session:
        row = find_resident(session, asked.caller, resident_id)
        erase(session, [row], actor=asked.actor, now=asked.now)
    return Response(status_code=204)
