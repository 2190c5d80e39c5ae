"""What phones of guards say, and what they are told."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from api.bodies import Body, Moment, or_else
from api.patrol.privacy_shapes import LookShown
from core.badges import LONGEST_NUMBER
from workflows.patrol.journal.chain import LONGEST_ENTRY
from workflows.patrol.phones.enrolling import LONGEST_APP, LONGEST_BROWSER
from workflows.patrol.phones.plan import BATCH_ENTRIES

Digits = Annotated[str, Field(min_length=1, max_length=20)]


class PhoneKey(Body):
    """The public half of an ECDSA key on P-256 (RFC 7517), without what else a JWK may hold."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Annotated[str, Field(max_length=50)]
    y: Annotated[str, Field(max_length=50)]


class PhoneToEnrol(Body):
    """A phone that takes the place that a code stands for. id: the `kid` of its proof."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    id: UUID
    key: PhoneKey
    browser: Annotated[str, Field(max_length=LONGEST_BROWSER)] = ""
    app: Annotated[str, Field(max_length=LONGEST_APP)] = ""


class PhoneSelf(BaseModel):
    """A phone as it is told of itself. accepted: up to where its journal is known."""

    id: UUID
    kind: Literal["personal", "post"]
    label: str
    team: str
    site_id: UUID
    state: Literal["active", "lost", "retired"]
    person_id: UUID | None
    accepted: int


class Enrolled(BaseModel):
    """A phone that is known now."""

    phone: PhoneSelf
    server_time: datetime


class SignInByPin(Body):
    """Who, by login, chosen from the list of the plan or by badge, and their PIN."""

    login: Annotated[str | None, Field(max_length=80)] = None
    person_id: UUID | None = None
    badge: Annotated[
        str | None,
        Field(min_length=1, max_length=LONGEST_NUMBER, description="The number of their card."),
    ] = None
    pin: Digits | None = Field(
        default=None, description="Without one, only where `badge` is enough."
    )
    new_pin: Digits | None = Field(
        default=None, description="In place of one that somebody else has set."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "SignInByPin":
        if sum(one is not None for one in (self.login, self.person_id, self.badge)) != 1:
            raise ValueError("give one of login, person_id and badge")
        if self.pin is None and (self.badge is None or self.new_pin is not None):
            raise ValueError("give the pin")
        return self


class Who(BaseModel):
    """Somebody who signs in on the phone."""

    id: UUID
    name: str
    locale: str


class SignedInByPin(BaseModel):
    """Somebody is signed in. token: for the other routes; it ends with `token_ends_at`."""

    person: Who
    token: str | None = Field(description="None for who showed a badge without a PIN.")
    token_ends_at: datetime | None
    badge_id: UUID | None
    offline_until: datetime
    server_time: datetime


class SignOut(Body):
    """Who signs out."""

    person_id: UUID


def _room(value: Any) -> Any:
    """A browser that holds more than it may has no room left, and says so by less than none."""
    return max(0, value) if isinstance(value, int) else value


class Storage(Body):
    """What a browser says of its room. What makes no sense is left out, and the batch is taken."""

    persisted: Annotated[bool | None, or_else(None)] = None
    free_mb: Annotated[
        int | None, Field(ge=0, le=100_000_000), BeforeValidator(_room), or_else(None)
    ] = None


class JournalBatch(Body):
    """Entries of a journal, as the phone wrote them, in order.

    boot, mono_ms: of the phone's steady clock as it sends, as in an entry.
    """

    entries: Annotated[
        list[Annotated[str, Field(max_length=LONGEST_ENTRY)]], Field(max_length=BATCH_ENTRIES)
    ]
    signature: Annotated[str | None, Field(max_length=100)] = None
    head: Annotated[int, Field(ge=0, le=2**31 - 1)]
    sent_at: Moment
    boot: Annotated[str, Field(max_length=40)] = ""
    mono_ms: Annotated[int, Field(ge=0, le=2**53)] = 0
    app: Annotated[str, Field(max_length=LONGEST_APP)] = ""
    storage: Annotated[Storage | None, or_else(None)] = None


class VerdictShown(BaseModel):
    """What became of an entry."""

    seq: int
    id: UUID
    kind: str
    verdict: Literal["accepted", "refused", "kept", "not_understood"]
    reason: str | None
    text: dict[str, str] | None
    checkpoint_id: UUID | None
    round_id: UUID | None
    position: int | None
    post: Literal["came", "left", "other_post", "not_of_team"] | None = Field(
        description="What a scan at a post's checkpoint said of whoever scanned."
    )
    report_id: UUID | None
    ticket_number: int | None
    file_id: UUID | None
    marks: list[str]


class FileShown(BaseModel):
    """How far a file is."""

    id: UUID
    received: int
    bytes: int
    state: Literal["waiting", "complete", "wrong", "unusable"]


class JournalTaken(BaseModel):
    """How far a journal is. hash: of entry `accepted`. files: those that are not whole."""

    accepted: int
    hash: str
    server_time: datetime
    offset_ms: int | None
    told_until: datetime | None
    verdicts: list[VerdictShown]
    files: list[FileShown]


class LooksShown(BaseModel):
    """Who looked at the track of whoever is signed in on a phone."""

    person_id: UUID | None
    looks: list[LookShown]


class PlanShown(BaseModel):
    """What a phone takes along; see docs/guard-journal.md."""

    server_time: datetime
    phone: PhoneSelf
    site: dict[str, Any]
    people: list[dict[str, Any]]
    rounds: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    tasks: list[dict[str, Any]] = Field(
        description="Alarms that whoever is signed in is asked to go to, or goes to."
    )
    checkpoints: list[dict[str, Any]]
    choices: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    settings: dict[str, int | bool]
    purposes: list[dict[str, Any]]
