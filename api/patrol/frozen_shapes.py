"""What frozen reports and the clients that they are for look like over HTTP."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.bodies import Body, Line
from workflows.patrol.frozen.audience import (
    LONGEST_WAIT_MIN,
    MOST_ADDRESSES,
    ClientDraft,
    Reporting,
)
from workflows.patrol.frozen.model import USUAL_PARTS

Naming = Literal["names", "initials", "badges", "nobody"]
Part = Literal["reports", "photos", "marks", "alarms", "tickets", "calls", "hand_overs"]
Language = Literal["en", "zh"]
Form = Literal["pdf", "xlsx"]


class DayToClose(Body):
    """Which day of which site is closed."""

    site_id: UUID
    day: date


class IncidentToReport(Body):
    """What is reported, and for which clients there is an edition beside that of the house."""

    subject_kind: Literal["ticket", "guard_report"]
    subject_id: UUID
    clients: Annotated[list[UUID], Field(default_factory=list, max_length=20)]


class FrozenItem(BaseModel):
    """A report as it was closed."""

    id: UUID
    site_id: UUID
    kind: Literal["daily", "incident"]
    number: str = Field(description="What people say, and what stands on every page.")
    day: date | None
    subject_kind: Literal["", "ticket", "guard_report"]
    subject_id: UUID | None
    closed_at: datetime
    closed_by: UUID | None = Field(description="Null: by itself.")
    closed_by_name: str | None
    annexes: int
    state: Literal["closed", "annexed"]


class FrozenPage(BaseModel):
    """A page of reports."""

    items: list[FrozenItem]
    next: str | None


class FrozenFileOf(BaseModel):
    """A file of an edition. name: form and language, as `pdf-en`."""

    name: str
    sha256: str
    size: int


class EditionOf(BaseModel):
    """What a report says to somebody. content: all of it, whose canonical form has the digest."""

    id: UUID
    client_id: UUID | None = Field(description="Null: the edition that stays in the house.")
    client_name: str | None
    digest: str
    content: dict[str, Any]
    files: list[FrozenFileOf]


class AnnexOf(BaseModel):
    """What was learned after a report was closed."""

    id: UUID
    number: str
    annex: int
    closed_at: datetime
    closed_by: UUID | None
    closed_by_name: str | None
    editions: list[EditionOf]


class ReaderOf(BaseModel):
    """Somebody of the house who has read a report."""

    person_id: UUID
    name: str
    read_at: datetime


class FrozenWhole(BaseModel):
    """A report with its editions and its annexes."""

    id: UUID
    site_id: UUID
    kind: Literal["daily", "incident"]
    number: str
    day: date | None
    subject_kind: Literal["", "ticket", "guard_report"]
    subject_id: UUID | None
    closed_at: datetime
    closed_by: UUID | None
    closed_by_name: str | None
    state: Literal["closed", "annexed"]
    annex: int = Field(description="0: it is none.")
    editions: list[EditionOf]
    annexes: list[AnnexOf]
    readers: list[ReaderOf]


class LinksRevoked(BaseModel):
    """How many links to a report end, of those that were sent or waited to be."""

    revoked: int


class DayOfReports(BaseModel):
    """A day of a site, whether it is closed or not."""

    day: date
    state: Literal["open", "closed", "annexed"]
    id: UUID | None
    annexes: int
    number: str | None
    closed_at: datetime | None


class DaysOfReports(BaseModel):
    """Days, the last first."""

    items: list[DayOfReports]


class Preview(BaseModel):
    """What the house would read if a day were closed now."""

    content: dict[str, Any]


class Checked(BaseModel):
    """What a digest stands for. what: `content`, or the name of the file."""

    genuine: bool
    number: str | None = None
    kind: Literal["daily", "incident"] | None = None
    day: date | None = None
    closed_at: datetime | None = None
    annex: int | None = None
    what: str | None = None
    annexes: int | None = None
    latest: str | None = Field(default=None, description="The last annex to its report.")


class ClientToKeep(Body):
    """A client as it is to be."""

    name: Line
    language: Language = Field("zh", description="Of the messages that it gets.")
    naming: Naming = Field("initials", description="How people who work there are named.")
    parts: Annotated[list[Part], Field(max_length=20)] = Field(
        default_factory=lambda: list[Part](USUAL_PARTS),  # type: ignore[arg-type]
        description="What its editions hold beside posts and rounds.",
    )

    addresses: Annotated[list[str], Field(max_length=MOST_ADDRESSES)] = Field(
        default_factory=list,
        description="E-mail addresses that are sent a link to every report.",
    )

    def draft(self) -> ClientDraft:
        """The same for the use case."""
        return ClientDraft(
            self.name, self.language, self.naming, tuple(self.parts), tuple(self.addresses)
        )


class ClientToMake(ClientToKeep):
    """A client that a site is kept for."""

    site_id: UUID


class ClientItem(BaseModel):
    """A client."""

    id: UUID
    site_id: UUID
    name: str
    language: Language
    naming: Naming
    parts: list[Part]
    addresses: list[str]
    state: Literal["active", "ended"]
    version: int


class ClientList(BaseModel):
    """Clients, ended ones last."""

    items: list[ClientItem]


class ReportingToKeep(Body):
    """How a site reports."""

    closes_after_min: Annotated[int, Field(ge=0, le=LONGEST_WAIT_MIN)] | None = Field(
        description="So many minutes after its end a day closes by itself; null: by hand only."
    )
    naming: Naming

    def wanted(self) -> Reporting:
        """The same for the use case."""
        return Reporting(self.closes_after_min, self.naming)


class ReportingItem(BaseModel):
    """How a site reports. version: 0 where nothing was set."""

    site_id: UUID
    closes_after_min: int | None
    naming: Naming
    version: int
