"""What is said over HTTP about privacy: consents, what is held, and who looked."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Moment

Purpose = Literal["position", "badge"]
Language = Literal["en", "zh"]


class ConsentItem(BaseModel):
    """A purpose with the text in force, and whether you agree to it. digest: by language."""

    purpose: Purpose
    version: int
    title: dict[str, str]
    text: dict[str, str]
    digest: dict[str, str]
    agreed: bool
    given_at: datetime | None


class HoldShown(BaseModel):
    """Why a span of your track is kept longer."""

    case: Literal["mark", "sos", "report", "ticket"]
    since: datetime
    until: datetime
    ticket_number: int | None


class LookShown(BaseModel):
    """Who looked where you were."""

    at: datetime
    by: str
    what: str
    why: str
    since: datetime | None
    until: datetime | None


class OwnPrivacy(BaseModel):
    """What you agreed to, what of yours is kept longer, and who looked."""

    track_days: int
    consents: list[ConsentItem]
    holds: list[HoldShown]
    looks: list[LookShown]


class ConsentGiven(Body):
    """Which text you were shown, and agree to."""

    purpose: Purpose
    version: int
    language: Language
    digest: Annotated[str, Field(min_length=64, max_length=64)]
    by: Literal["page", "phone"] = "phone"


class ConsentWithdrawn(Body):
    """What you agree to no more. No reason is asked."""

    purpose: Purpose
    by: Literal["page", "phone"] = "phone"


class ScannerItem(BaseModel):
    """Somebody who may scan on a site. agreed: by what besides tags they may be known."""

    id: UUID
    name: str
    agreed: list[Purpose]


class ScannerList(BaseModel):
    """Everybody who may scan on a site."""

    items: list[ScannerItem]


class TrackLook(BaseModel):
    """A look at somebody's track."""

    at: datetime
    site_id: UUID | None
    person_id: UUID
    person_name: str
    by_id: UUID
    by: str
    what: str
    why: str
    since: datetime | None
    until: datetime | None


class TrackLookPage(BaseModel):
    """A page of looks."""

    items: list[TrackLook]
    next: str | None


class TrackHoldToMake(Body):
    """Whose track is needed for a ticket, from when to when."""

    person_id: UUID
    ticket_number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    since: Moment
    until: Moment


class TrackHoldItem(BaseModel):
    """A span of somebody's track that a ticket needs."""

    id: UUID
    site_id: UUID
    person_id: UUID
    ticket_id: UUID
    since: datetime
    until: datetime
    made_by: UUID
    made_at: datetime
    released_at: datetime | None


class TrackHoldList(BaseModel):
    """What is held by hand."""

    items: list[TrackHoldItem]
