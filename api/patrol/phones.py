"""Phones of guards over HTTP, as supervisors see them; and PINs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version, page_answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.pins import new_pin
from workflows import patrol
from workflows.patrol.phones.enrolling import LONGEST_LABEL, NewPlace, make_place
from workflows.patrol.phones.giving import give_pin, set_own_pin
from workflows.patrol.phones.standing import (
    describe_phone,
    find_phone,
    list_phones,
    move_phone,
)

router = APIRouter(tags=["guard"])
Reader = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Kind = Literal["personal", "post"]


class PhoneItem(BaseModel):
    """A phone. offset_ms: how far our clock was ahead of its own when it spoke last."""

    id: UUID
    site_id: UUID
    kind: Kind
    label: str
    team: str
    person_id: UUID | None
    person_name: str | None
    state: Literal["active", "lost", "retired"]
    version: int
    browser: str
    app: str
    enrolled_at: datetime
    heard_at: datetime
    told_until: datetime | None
    offset_ms: int | None
    accepted: int = Field(description="Up to which entry its journal has arrived without a gap.")
    head: int = Field(description="The newest entry that it told us of.")
    signed_in_id: UUID | None
    storage: dict[str, Any] | None
    forked_at: datetime | None = Field(description="When two were seen to continue its journal.")


class PhonePage(BaseModel):
    """A page of phones."""

    items: list[PhoneItem]
    next: str | None


class UserShown(BaseModel):
    """Somebody who signed in on a phone."""

    person_id: UUID
    person_name: str
    online_at: datetime
    offline_until: datetime
    signed_in_at: datetime | None
    signed_out_at: datetime | None


class PhoneWhole(PhoneItem):
    """A phone with the people who signed in on it."""

    people: list[UserShown]


class PlaceToMake(Body):
    """A place for a phone that is to come."""

    site_id: UUID
    kind: Kind
    label: Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]
    person_id: UUID | None = Field(default=None, description="Whose a personal one is.")
    team: Annotated[str, Field(max_length=40)] = Field(
        default="", description="Whose rounds it takes along; empty: those of the site."
    )

    def new(self) -> NewPlace:
        """What is to be made."""
        return NewPlace(self.kind, self.label, self.person_id, self.team)


class PlaceMade(BaseModel):
    """A place for a phone. The code is shown now and never again."""

    id: UUID
    site_id: UUID
    kind: Kind
    label: str
    team: str
    person_id: UUID | None
    ends_at: datetime
    code: str
    path: str


class PinToSet(Body):
    """A PIN."""

    pin: Annotated[str, Field(min_length=1, max_length=20, description="6 to 10 digits.")]


@router.get("/phones", response_model=PhonePage, summary="List phones")
def get_phones(
    asked: Reader,
    site: UUID | None = None,
    state: Annotated[
        str | None, Query(max_length=20, description="active, lost or retired.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Phones of every site where you see who scans, the last set up first."""
    with asked.parts.database.read() as session:
        page = list_phones(
            session, asked.caller, wish(limit, cursor, UUID), site_id=site, state=state
        )
    return page_answer(page)


@router.get("/phones/{phone_id}", response_model=PhoneWhole, summary="Read a phone")
def get_phone(asked: Reader, phone_id: UUID) -> Response:
    """With the people who signed in on it."""
    with asked.parts.database.read() as session:
        content = describe_phone(session, asked.caller, phone_id)
    return answer(content, version=content["version"])


@router.post(
    "/phone-places",
    response_model=PlaceMade,
    status_code=201,
    summary="Make a place for a phone",
)
def post_phone_place(asked: Writer, body: PlaceToMake) -> Response:
    """The code counts once and for half an hour. Takes no Idempotency-Key: it is shown once."""
    with asked.parts.database.write() as session:
        row, code = make_place(
            session, asked.caller, body.site_id, body.new(), vault=asked.parts.vault, now=asked.now
        )
        content = {
            "id": row.id,
            "site_id": row.site_id,
            "kind": row.kind,
            "label": row.label,
            "team": row.team,
            "person_id": row.person_id,
            "ends_at": row.ends_at,
            "code": code,
            "path": f"/guard/#enrol={code}",
        }
    return answer(content, 201, headers={"Cache-Control": "no-store"})


def _moved(asked: Writer, phone_id: UUID, action: str, if_match: str | None) -> Response:
    expected = expected_version(if_match)
    with asked.parts.database.write() as session:
        row = find_phone(session, asked.caller, phone_id, permission=patrol.WRITE)
        move_phone(
            session, row, action, actor=asked.actor, now=asked.now, expected_version=expected
        )
        content = describe_phone(session, asked.caller, phone_id)
    return answer(content, version=content["version"])


@router.post(
    "/phones/{phone_id}/lose",
    response_model=PhoneWhole,
    summary="Report a phone as lost",
    responses=may_answer(409, 412),
)
def post_phone_lose(asked: Writer, phone_id: UUID, if_match: IfMatch = None) -> Response:
    """It is refused from now on, and whoever is signed in on it is no more."""
    return _moved(asked, phone_id, "lose", if_match)


@router.post(
    "/phones/{phone_id}/find",
    response_model=PhoneWhole,
    summary="Take back that a phone is lost",
    responses=may_answer(409, 412),
)
def post_phone_find(asked: Writer, phone_id: UUID, if_match: IfMatch = None) -> Response:
    """It goes on where it was, and what it kept meanwhile arrives."""
    return _moved(asked, phone_id, "find", if_match)


@router.post(
    "/phones/{phone_id}/retire",
    response_model=PhoneWhole,
    summary="Take a phone out of use",
    responses=may_answer(409, 412),
)
def post_phone_retire(asked: Writer, phone_id: UUID, if_match: IfMatch = None) -> Response:
    """For good: it is set up anew to be used again. What it has not handed in is lost to us."""
    return _moved(asked, phone_id, "retire", if_match)


@router.put("/me/pin", status_code=204, summary="Set my PIN")
def put_my_pin(asked: Guard, body: PinToSet) -> Response:
    """For signing in on phones that are known. It takes the place of the one before.

    Not by a limited token, such as that of a phone.
    """
    pin = new_pin(body.pin)
    with asked.parts.database.write() as session:
        set_own_pin(session, asked.caller, pin, now=asked.now)
    return Response(status_code=204)


@router.put("/people/{person_id}/pin", status_code=204, summary="Give somebody a PIN")
def put_person_pin(asked: Writer, person_id: UUID, body: PinToSet) -> Response:
    """Who scans only where you set patrols up. They must change it when they first use it."""
    pin = new_pin(body.pin)
    with asked.parts.database.write() as session:
        give_pin(session, asked.caller, person_id, pin, now=asked.now)
    return Response(status_code=204)
