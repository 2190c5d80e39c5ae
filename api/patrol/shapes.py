"""What checkpoints, tokens and badges look like over HTTP."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Change, Code, Moment, Names
from workflows.patrol import (
    NewBadge,
    NewCheckpoint,
    NewToken,
)

Criticality = Literal["low", "medium", "high", "critical"]
TokenKind = Literal[
    "signed_tag",
    "rotating_code",
    "fixed_reader",
    "beacon",
    "static_tag",
    "printed_code",
    "position",
    "wand",
]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Radius = Annotated[float, Field(ge=5, le=1000, allow_inf_nan=False)]
Label = Annotated[str, Field(max_length=80)]


class GradeShown(BaseModel):
    """How much a token proves."""

    code: Literal["signed", "present", "weak"]
    name: dict[str, str]


class KindShown(BaseModel):
    """A kind of token, what it proves and what it can't, to be shown as it stands."""

    code: TokenKind
    grade: Literal["signed", "present", "weak"]
    name: dict[str, str]
    proves: dict[str, str]
    cannot: dict[str, str]


class ReasonShown(BaseModel):
    """A verdict in words."""

    code: str
    text: dict[str, str]


class ProofShown(BaseModel):
    """Grades from the strongest to the weakest, kinds of tokens, and verdicts."""

    grades: list[GradeShown]
    kinds: list[KindShown]
    verdicts: list[ReasonShown]


class CheckpointItem(BaseModel):
    """A checkpoint; its id is that of its asset."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    code: str
    name: dict[str, str]
    criticality: Criticality
    state: Literal["active", "retired"]
    version: int
    latitude: float | None
    longitude: float | None
    radius_m: float | None


class CheckpointPage(BaseModel):
    """A page of checkpoints."""

    items: list[CheckpointItem]
    next: str | None


class CheckpointToMake(Body):
    """A checkpoint to create, with its asset. radius_m: 30 unless told otherwise."""

    site_id: UUID
    code: Code
    name: Names
    space_id: UUID | None = None
    criticality: Criticality = "medium"
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    radius_m: Radius | None = None

    def new(self) -> NewCheckpoint:
        """What is to be created."""
        return NewCheckpoint(
            self.code,
            self.name.filled(),
            self.space_id,
            self.criticality,
            self.latitude,
            self.longitude,
            self.radius_m,
        )


class CheckpointChange(Change):
    """Fields to change. Latitude and longitude both null take the position away."""

    may_be_null: ClassVar[frozenset[str]] = frozenset(
        {"space_id", "latitude", "longitude", "radius_m"}
    )

    name: Names | None = None
    space_id: UUID | None = None
    criticality: Criticality | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    radius_m: Radius | None = None


class TokenItem(BaseModel):
    """What is scanned at a checkpoint. Its secrets are shown once, when it is put there."""

    id: UUID
    site_id: UUID
    checkpoint_id: UUID
    kind: TokenKind
    grade: Literal["signed", "present", "weak"]
    state: Literal["active", "lost", "replaced"]
    version: int
    label: str
    key_version: int
    device_id: UUID | None
    weakest_dbm: int | None
    created_at: datetime
    replaced_by: UUID | None


class TokenList(BaseModel):
    """Every token that a checkpoint has or had, the newest first."""

    items: list[TokenItem]


class EarlierKeysShown(BaseModel):
    """Keys of a signed tag that count no more, but may still be in it (hexadecimal)."""

    key_version: int
    application_key: str
    file_read_key: str


class TokenPut(TokenItem):
    """A token that was put there."""

    secrets: dict[str, str] = Field(
        description="Shown now and never again: keys of a signed tag (hexadecimal) with the query "
        "to write, secret of a display, content of a printed code."
    )
    address: str = Field(
        description="The whole address to write to a signed tag, or to print; else empty."
    )
    earlier_keys: list[EarlierKeysShown] = Field(
        description="Of a signed tag that had others before, the newest first: it only takes new "
        "keys from who knows the old ones."
    )


class TagToFind(Body):
    """A signed tag as its reader tells it."""

    uid: Annotated[str, Field(max_length=40, description="14 hexadecimal digits.")]


class TapToProve(Body):
    """What a signed tag wrote when it was read after it was set up."""

    address: Annotated[str, Field(max_length=2000)]


class TagProven(BaseModel):
    """A signed tag holds the keys of its token."""

    counter: int = Field(description="Taps since it was set up; this one is used up.")


class TokenToPut(Body):
    """What is to be put at a checkpoint, or in the place of another token."""

    kind: TokenKind
    value: Annotated[
        str,
        Field(
            max_length=200,
            description="UID of a tag, number of a wand's point; content of a printed code or "
            "secret (base32) of a display, or empty to draw one.",
        ),
    ] = ""
    label: Label = ""
    device_id: UUID | None = Field(default=None, description="Reader or gateway.")
    weakest_dbm: Annotated[
        int | None, Field(ge=-120, le=0, description="How faintly a badge may be heard.")
    ] = None

    def new(self) -> NewToken:
        """What is to be put there."""
        return NewToken(self.kind, self.value, self.label, self.device_id, self.weakest_dbm)


class BadgeItem(BaseModel):
    """A card or beacon by which somebody is known. Its number is kept as a keyed hash only."""

    id: UUID
    site_id: UUID
    person_id: UUID
    person_name: str
    kind: Literal["card", "beacon"]
    label: str
    starts_at: datetime
    ends_at: datetime | None


class BadgePage(BaseModel):
    """A page of badges."""

    items: list[BadgeItem]
    next: str | None


class BadgeToIssue(Body):
    """A badge to issue."""

    site_id: UUID
    person_id: UUID
    kind: Literal["card", "beacon"]
    number: Annotated[str, Field(min_length=1, max_length=80)]
    label: Label = ""
    starts_at: Moment | None = Field(default=None, description="Null: now.")
    ends_at: Moment | None = None

    def new(self) -> NewBadge:
        """What is to be issued."""
        return NewBadge(
            self.person_id, self.kind, self.number, self.label, self.starts_at, self.ends_at
        )
