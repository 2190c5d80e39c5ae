"""What scans and exports of wands look like over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Moment
from api.patrol.shapes import Latitude, Longitude, TokenKind
from workflows.patrol import (
    Position,
    Presented,
    PrintedCode,
    RotatingCode,
    SignedTap,
    StaticTag,
    WandItem,
    WandPlan,
    WandProblem,
)


class ScanItem(BaseModel):
    """Something presented. Person, device and evidence are empty for who may not see them."""

    id: UUID
    site_id: UUID
    checkpoint_id: UUID | None
    checkpoint_code: str | None
    checkpoint_name: dict[str, str] | None
    token_id: UUID | None
    person_id: UUID | None
    person_name: str | None
    device_id: UUID | None
    occurred_at: datetime = Field(description="By the scanner's clock.")
    received_at: datetime
    channel: Literal["online", "sync", "mqtt", "import"]
    kind: TokenKind
    grade: Literal["signed", "present", "weak"]
    verdict: str = Field(description="accepted, or why not; see GET /checkpoint-proof.")
    evidence: dict[str, Any]
    coarse_at: datetime | None = Field(
        description="Since when only the record of work is kept of it (WATCHKEEPER_TRACK_DAYS)."
    )


class ScanPage(BaseModel):
    """A page of scans."""

    items: list[ScanItem]
    next: str | None


class _Shown(Body):
    """What every presentation by a phone says. id: made by the phone, the same when sent again."""

    id: UUID
    occurred_at: Moment
    channel: Literal["online", "sync"] = "online"
    site_id: UUID | None = Field(default=None, description="Null: where the token is.")

    def _about(self, person_id: UUID) -> dict[str, Any]:
        return {
            "id": self.id,
            "occurred_at": self.occurred_at,
            "channel": self.channel,
            "site_id": self.site_id,
            "person_id": person_id,
        }


class TapShown(_Shown):
    """A tap on a signed tag."""

    kind: Literal["signed_tag"]
    address: Annotated[str, Field(max_length=2000, description="The URL that the tag wrote.")]

    def presented(self, person_id: UUID) -> Presented:
        """What is presented, by whom."""
        return SignedTap(address=self.address, **self._about(person_id))


class CodeShown(_Shown):
    """The digits of a display."""

    kind: Literal["rotating_code"]
    checkpoint_id: UUID
    code: Annotated[str, Field(min_length=1, max_length=20)]

    def presented(self, person_id: UUID) -> Presented:
        """What is presented, by whom."""
        about = self._about(person_id)
        return RotatingCode(checkpoint_id=self.checkpoint_id, code=self.code, **about)


class TagShown(_Shown):
    """A plain NFC tag."""

    kind: Literal["static_tag"]
    uid: Annotated[str, Field(min_length=1, max_length=80)]

    def presented(self, person_id: UUID) -> Presented:
        """What is presented, by whom."""
        return StaticTag(uid=self.uid, **self._about(person_id))


class PrintShown(_Shown):
    """A code on paper."""

    kind: Literal["printed_code"]
    code: Annotated[str, Field(min_length=1, max_length=200)]

    def presented(self, person_id: UUID) -> Presented:
        """What is presented, by whom."""
        return PrintedCode(code=self.code, **self._about(person_id))


class PositionShown(_Shown):
    """Where a phone says that it is."""

    kind: Literal["position"]
    checkpoint_id: UUID
    latitude: Latitude
    longitude: Longitude
    accuracy_m: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]

    def presented(self, person_id: UUID) -> Presented:
        """What is presented, by whom."""
        return Position(
            checkpoint_id=self.checkpoint_id,
            latitude=self.latitude,
            longitude=self.longitude,
            accuracy_m=self.accuracy_m,
            **self._about(person_id),
        )


ShownByPhone = Annotated[
    TapShown | CodeShown | TagShown | PrintShown | PositionShown, Field(discriminator="kind")
]


class ProfileShown(BaseModel):
    """A kind of export that can be read."""

    code: str
    name: dict[str, str]
    headings: dict[str, list[str]] = Field(description="Empty where columns go by position.")
    zone: str = Field(description="IANA, or site.")


class ProfileList(BaseModel):
    """Every profile."""

    items: list[ProfileShown]


class WandLineShown(BaseModel):
    """A line of an export, and what becomes of it."""

    sheet: str
    row: int
    at: datetime
    point: str
    action: Literal["new", "known", "refused", "guard"]
    verdict: str
    scan_id: UUID
    checkpoint_id: UUID | None
    person_id: UUID | None


class WandProblemShown(BaseModel):
    """A line that is wrong. row: 0 is the sheet as a whole."""

    sheet: str
    row: int
    text: dict[str, str]


class WandShown(BaseModel):
    """What an import does, or did."""

    applied: bool
    counts: dict[str, int]
    problems: list[WandProblemShown]
    items: list[WandLineShown]


def wand_shown(plan: WandPlan, *, applied: bool) -> dict[str, Any]:
    """A plan as it goes out."""
    return {
        "applied": applied,
        "counts": dict(plan.counts),
        "problems": [_problem_shown(each) for each in plan.problems],
        "items": [_line_shown(each) for each in plan.items],
    }


def _problem_shown(each: WandProblem) -> dict[str, Any]:
    text = {"en": each.text.en, "zh": each.text.zh}
    return {"sheet": each.sheet, "row": each.row, "text": text}


def _line_shown(item: WandItem) -> dict[str, Any]:
    return {
        "sheet": item.line.sheet,
        "row": item.line.row,
        "at": item.line.at,
        "point": item.line.point,
        "action": item.action,
        "verdict": item.verdict,
        "scan_id": item.scan_id,
        "checkpoint_id": item.checkpoint_id,
        "person_id": item.person_id,
    }
