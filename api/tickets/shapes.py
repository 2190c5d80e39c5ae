"""The shapes of tickets in requests and answers."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Change, Line, Moment, Prose
from api.checklists import ItemShown
from api.tickets.said import Note, PhotoShown, VoiceShown
from core.errors import Invalid
from workflows.tickets import Draft, Step
from workflows.tickets.categories import Category
from workflows.tickets.mentions import MOST_NAMED
from workflows.tickets.templates import TicketTemplate
from workflows.tickets.work import Findings, NewWork

Kind = Literal["repair", "hazard", "complaint", "inquiry", "inspection_finding", "incident"]
Priority = Literal["low", "medium", "high", "critical"]
Verdict = Literal["real", "false", "test", "sensor_fault", "nuisance"]
LinkKind = Literal[
    "related_to",
    "caused_by",
    "cause_of",
    "follow_up_of",
    "followed_up_by",
    "child_of",
    "parent_of",
]
FalseCause = Literal["cooking", "smoking", "joss_paper", "dust", "steam", "insect", "other"]


class TicketItem(BaseModel):
    """A ticket as lists show it."""

    id: UUID
    number: int = Field(description="What people say on the phone.")
    site_id: UUID
    space_id: UUID | None
    asset_id: UUID | None
    asset_code: str | None
    asset_name: dict[str, str] | None
    kind: Kind
    category: str
    priority: Priority
    life_safety: bool
    state: str
    version: int
    title: dict[str, str] = Field(description="en and zh, or und as somebody wrote it.")
    team: str
    assignee_id: UUID | None
    rule_id: str | None
    rule_version: int | None
    happened_at: datetime
    learned_at: datetime
    repeats: int
    last_repeat_at: datetime | None
    recovered_at: datetime | None = Field(description="When the sensor recovered.")
    respond_due: datetime | None
    resolve_due: datetime | None
    responded_at: datetime | None
    resolved_at: datetime | None
    ended_at: datetime | None
    previous_id: UUID | None
    merged_into_id: UUID | None


class TicketPage(BaseModel):
    """A page of tickets."""

    items: list[TicketItem]
    next: str | None


class Evidence(BaseModel):
    """What proves it. data: rule, version, condition, reason and the readings that decided."""

    id: UUID
    kind: str
    at: datetime
    data: dict[str, Any]
    chart: dict[str, Any] | None = Field(description="By series: point, unit, at (µs), value.")


class HistoryEvent(BaseModel):
    """One fact of the ticket's history."""

    id: UUID
    kind: str
    actor_kind: str
    actor_id: str
    happened_at: datetime
    learned_at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class WorkShown(BaseModel):
    """A line of the work on a ticket."""

    id: UUID
    at: datetime
    author_id: UUID
    author_name: str
    kind: Literal["labour", "part"]
    what: str
    minutes: int | None
    quantity: str | None = Field(description="A decimal number as text.")
    cost: str | None = Field(description="A decimal number as text, in the books' currency.")


class NewWorkBody(Body):
    """Labour with its minutes, or a part with its quantity."""

    kind: Literal["labour", "part"]
    what: Annotated[str, Field(min_length=1, max_length=120)]
    minutes: Annotated[int, Field(ge=1, le=20_160)] | None = None
    quantity: Annotated[Decimal, Field(gt=0, le=100_000, decimal_places=3)] | None = None
    cost: Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=2)] | None = None

    def line(self) -> NewWork:
        """The line that the body describes."""
        return NewWork(self.kind, self.what, self.minutes, self.quantity, self.cost)


class FindingsBody(Body):
    """Codes of what was found, what caused it, what was done; see `/finding-lists`."""

    fault: Annotated[str, Field(max_length=30)] | None = None
    cause: Annotated[str, Field(max_length=30)] | None = None
    remedy: Annotated[str, Field(max_length=30)] | None = None

    def findings(self) -> Findings:
        """What the body says."""
        return Findings(self.fault, self.cause, self.remedy)


class FindingLists(BaseModel):
    """The short lists of an asset type: codes with their names."""

    faults: dict[str, dict[str, str]]
    causes: dict[str, dict[str, str]]
    remedies: dict[str, dict[str, str]]


class FireAlarmShown(BaseModel):
    """The short clock of a fire alarm. After `due_at` it counts as a fire."""

    state: Literal["unseen", "seen", "fire", "answered", "not_fire"]
    rounds: int = Field(description="How often the detector went off anew.")
    began_at: datetime
    seen_due: datetime
    confirm_due: datetime
    due_at: datetime | None
    seen_at: datetime | None
    seen_by: UUID | None
    seen_by_name: str | None
    sent_id: UUID | None = Field(description="Who was sent to look.")
    sent_name: str | None
    why: Literal["pressed", "unseen", "unconfirmed"] | None
    fire_at: datetime | None
    answered_at: datetime | None
    answered_by: UUID | None
    answered_by_name: str | None
    decided_at: datetime | None = Field(description="When somebody found that it is no fire.")
    decided_by: UUID | None
    decided_by_name: str | None
    cause: str | None = Field(description="What it was instead.")
    photo_id: UUID | None = Field(description="What shows it.")


class SignatureShown(BaseModel):
    """A signature; see `/signatures/{id}` for its picture."""

    id: UUID
    at: datetime
    name: str | None = Field(description="Who signed; null where you may not know, or erased.")
    shown_by: UUID = Field(description="Whose device it was signed on.")
    shown_by_name: str
    sha256: str = Field(description="Of the picture, in hex; the event log holds it, too.")


class SignatureBody(Body):
    """What somebody signed. picture: a PNG of at most 256 KB, in base64."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    picture: Annotated[str, Field(min_length=1, max_length=360_000)]

    def content(self) -> bytes:
        """The picture. Invalid when it is no base64."""
        try:
            return b64decode(self.picture, validate=True)
        except ValueError:
            raise Invalid(
                "the signature was not kept", problems=["picture: a PNG in base64"]
            ) from None


class LinkShown(BaseModel):
    """A link to another ticket, as it is called from this one."""

    id: UUID
    kind: LinkKind
    ticket_id: UUID
    number: int
    title: dict[str, str]
    state: str
    at: datetime


class LinkBody(Body):
    """A link to make: this ticket is `kind` of the ticket with that number."""

    kind: LinkKind
    number: Annotated[int, Field(ge=1, le=999_999_999)]


class TicketWhole(TicketItem):
    """A ticket with everything that belongs to it."""

    fire_alarm: FireAlarmShown | None = Field(description="Only of fire alarms.")

    description: str
    reporter_id: UUID | None
    held_at: datetime | None
    held_seconds: int
    hold_until: datetime | None
    respond_within: int | None = Field(description="What was promised, in seconds.")
    resolve_within: int | None = Field(description="What was promised, in seconds.")
    calendar: str = Field(description="The code of the calendar in which both count.")
    net_seconds: int | None = Field(description="Working time to resolution, without holds.")
    over: bool = Field(description="It had cleared itself before we learned of it.")
    escalation: int = Field(description="The rung of the escalation that was told last.")
    verdict: Verdict | None = Field(description="What it turned out to be.")
    verdict_cause: FalseCause | None = Field(description="What caused a false alarm.")
    doer_id: UUID | None = Field(description="Who did the work; somebody else verifies it.")
    evidence: list[Evidence]
    notes: list[Note]
    photos: list[PhotoShown]
    voices: list[VoiceShown]
    work: list[WorkShown]
    checklist: list[ItemShown]
    signatures: list[SignatureShown]
    links: list[LinkShown] = Field(description="Only to tickets that the caller may read.")
    fault_code: str | None = Field(description="What was found; see `/finding-lists`.")
    cause_code: str | None
    remedy_code: str | None
    events: list[HistoryEvent]
    actions: list[str] = Field(description="What the caller may do with it now.")


class NewTicket(Body):
    """A ticket to open. id: made by the client if it likes, best a UUIDv7."""

    id: UUID | None = None
    site_id: UUID
    space_id: UUID | None = None
    asset_id: UUID | None = None
    kind: Kind = "repair"
    category: Annotated[str, Field(max_length=40)] = Field(
        default="", description="See `/nodes/{site_id}/ticket-categories`."
    )
    priority: Priority = "medium"
    title: Line | None = Field(default=None, description="Needed without a template.")
    description: Prose = ""
    team: Annotated[str, Field(min_length=1, max_length=40)] = "maintenance"
    happened_at: Moment | None = Field(default=None, description="When it began; now if not given.")
    template: Annotated[str, Field(max_length=40)] | None = Field(
        default=None,
        description="A code of `/nodes/{site_id}/ticket-templates`: what is not given comes from "
        "it, and so does the checklist.",
    )

    def filled(self, template: TicketTemplate | None, language: str) -> "NewTicket":
        """The ticket with what its template says of the fields that were not given."""
        if template is None:
            return self
        said = {name: getattr(template, name) for name in ("kind", "category", "priority", "team")}
        texts = template.description
        said["description"] = texts.get(language) or next(filter(None, texts.values()), "")
        given = self.model_fields_set
        return self.model_copy(update={k: v for k, v in said.items() if k not in given})

    def begun(self, category: Category | None) -> "NewTicket":
        """The ticket with the team and priority of its category, where they were not given."""
        said = {"team": category.team, "priority": category.priority} if category else {}
        given = self.model_fields_set
        return self.model_copy(update={k: v for k, v in said.items() if v and k not in given})

    def draft(self, reporter: UUID, now: datetime, title: Mapping[str, str] | None = None) -> Draft:
        """What is to be opened; nobody can report what lies in the future.

        title: what its template calls it, where the body doesn't.
        """
        return Draft(
            id=self.id,
            site_id=self.site_id,
            space_id=self.space_id,
            asset_id=self.asset_id,
            kind=self.kind,
            category=self.category,
            priority=self.priority,
            title={"und": self.title} if self.title else dict(title or {}),
            description=self.description,
            team=self.team,
            reporter_id=reporter,
            happened_at=min(self.happened_at or now, now),
            learned_at=now,
        )


class TicketChange(Change):
    """Fields to change; what is left out stays."""

    kind: Kind | None = None
    category: Annotated[str, Field(max_length=40)] | None = None
    priority: Priority | None = None
    team: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    title: Line | None = None
    description: Prose | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were given, the title as somebody wrote it."""
        given = super().changes()
        return {**given, "title": {"und": given["title"]}} if "title" in given else given


class NewNote(Body):
    """A remark."""

    body: Annotated[str, Field(min_length=1, max_length=20_000)]
    public: bool = Field(default=False, description="Residents who reported it read it, too.")
    mentions: Annotated[list[UUID], Field(max_length=MOST_NAMED)] = Field(
        default_factory=list,
        description="Colleagues whom it names, besides those whom an @ and a whole name mean.",
    )


class ActionBody(Body):
    """What an action may carry. note: the reason, which hold, cancel, reopen and merge need."""

    note: Prose = ""
    assignee_id: UUID | None = None
    team: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    into_id: UUID | None = Field(default=None, description="merge: the ticket that goes on.")
    verdict: Verdict | None = Field(
        default=None, description="resolve, close, cancel: what it turned out to be."
    )
    cause: FalseCause | None = Field(default=None, description="What caused a false alarm.")
    until: Moment | None = Field(
        default=None,
        description="hold: when it ends by itself. Longer than the terms of the site allow takes "
        "`tickets.manage`.",
    )
    public: bool = Field(default=False, description="Residents who reported it read the note, too.")

    def step(self, action: str, *, long: bool) -> Step:
        """The action with what it carries. long: whether the caller may hold a ticket for long."""
        return Step(
            action,
            self.note,
            self.assignee_id,
            self.team,
            self.into_id,
            self.verdict,
            self.cause,
            self.until,
            long,
            self.public,
        )
