"""What phones say of calls for help, and how these are shown."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.bodies import Body, Moment, or_else
from workflows.patrol import sos

State = Literal["received", "seen", "acknowledged", "coming", "over"]
Kind = Literal["open", "silent"]
Outcome = Literal["real", "false", "test"]


class PhonePlace(Body):
    """Where the phone says to be. What is no position is left out, and the call is taken."""

    model_config = ConfigDict(extra="ignore")

    latitude: float
    longitude: float
    accuracy_m: Annotated[float | None, or_else(None)] = Field(
        default=None, description="68 %, as phones tell it."
    )
    age_s: Annotated[float, or_else(0.0)] = Field(
        default=0, description="How old the position was when it was sent."
    )

    def place(self) -> sos.Place:
        """What the body says."""
        return sos.Place(self.latitude, self.longitude, self.accuracy_m, self.age_s)


class _Said(Body):
    id: UUID = Field(description="The phone's own; the same again changes nothing.")
    place: PhonePlace | None = Field(default=None, description="Only while the app is in front.")
    occurred_at: Moment | None = Field(default=None, description="By the phone's clock.")


class SosPress(_Said):
    """Somebody presses for help. Only id and kind must make sense; what else does not is left out.

    What can't be read as a practice is none.
    """

    model_config = ConfigDict(extra="ignore")

    kind: Kind = Field(default="open", description="silent: nothing shows or sounds on the phone.")
    practice: Annotated[bool, or_else(instead=False)] = Field(
        default=False, description="Counts nowhere, and nobody is told."
    )
    site_id: Annotated[UUID | None, or_else(None)] = Field(
        default=None, description="Else by their shift, their last scan, or where they may scan."
    )
    phone: Annotated[
        str, Field(max_length=64, description="How the phone names itself."), or_else("")
    ] = ""
    place: Annotated[PhonePlace | None, or_else(None)] = Field(
        default=None, description="Only while the app is in front."
    )
    occurred_at: Annotated[Moment | None, or_else(None)] = Field(
        default=None, description="By the phone's clock."
    )

    def press(self) -> sos.Press:
        """What the body says."""
        return sos.Press(
            self.id,
            self.kind,
            self.practice,
            self.site_id,
            self.place.place() if self.place else None,
            self.phone,
            self.occurred_at,
        )


class SosMoved(_Said):
    """Where the phone is now, while its call stands."""

    place: PhonePlace

    def press(self) -> sos.Press:
        """What the body says."""
        return sos.Press(self.id, place=self.place.place(), occurred_at=self.occurred_at)


class SosCancel(_Said):
    """The sender wants to call it off."""

    phrase: Annotated[str, Field(max_length=200)] = Field(
        default="", description="Their own, see PUT /me/sos-phrase. A wrong one is taken as well."
    )

    def press(self) -> sos.Press:
        """What the body says, without the phrase."""
        place = self.place.place() if self.place else None
        return sos.Press(self.id, place=place, occurred_at=self.occurred_at)


class SosPhraseBody(Body):
    """The word by which one shows that one calls off oneself. Case and spaces don't count."""

    phrase: Annotated[str, Field(min_length=1, max_length=200)]


class SosEnd(Body):
    """What it was, said by somebody who has seen to the person."""

    outcome: Outcome
    note: Annotated[str, Field(max_length=4000)] = ""


class Look(BaseModel):
    """Somebody looked at where the sender was."""

    by: str
    at: datetime


class SenderView(BaseModel):
    """What the phone of whoever called may show."""

    id: UUID = Field(description="Of the call; a further press is told that of the first.")
    state: State
    practice: bool
    received_at: datetime
    presses: int
    show: bool = Field(description="False: show nothing, sound nothing, change nothing.")
    aloud: bool = Field(description="Whether to sound once `aloud_after_s` have passed.")
    aloud_after_s: float | None
    ask_again_s: float = Field(description="How often to ask, and to send until it is received.")
    over: bool
    seen_at: datetime | None
    acknowledged_at: datetime | None
    coming_at: datetime | None
    acknowledged_by: str | None = Field(description="Who answered, by name.")
    coming_by: str | None = Field(description="Who is on the way, by name.")
    call: str | None = Field(description="The number to call with one tap.")
    looks: list[Look] = Field(description="Once it is over: who looked at where you were.")
    person_id: UUID


class LastPlace(BaseModel):
    """The newest accepted scan of somebody."""

    checkpoint_id: UUID
    checkpoint: dict[str, str]
    space: dict[str, str] | None
    at: datetime = Field(description="By the scanner's clock.")
    grade: Literal["signed", "present", "weak"]


class SosItem(BaseModel):
    """A call for help, as who may answer it sees it."""

    id: UUID
    site_id: UUID
    site_name: dict[str, str]
    time_zone: str
    ticket_number: int | None
    state: State
    version: int
    kind: Kind
    origin: Literal["phone", "button", "lone_worker", "ticket"]
    practice: bool
    person_id: UUID | None
    person_name: str | None
    phone: str
    presses: int
    opened_at: datetime
    pressed_at: datetime | None
    last_press_at: datetime
    rung: int = Field(description="How many rungs of the chain were told.")
    due_at: datetime | None = Field(description="When the next is told.")
    seen_at: datetime | None
    seen_by: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    coming_at: datetime | None
    coming_by: str | None
    cancelled_at: datetime | None
    cancel_proof: Literal["phrase", "wrong", "none"] | None
    ended_at: datetime | None
    ended_by: str | None
    outcome: Outcome | None
    asset_id: UUID | None
    asset_name: dict[str, str] | None
    space_name: dict[str, str] | None


class SosWhole(SosItem):
    """With where its sender was last known to be."""

    last_place: LastPlace | None
    last_signal_at: datetime | None = Field(description="When their phone was heard of last.")
    call: str | None = Field(description="Their telephone; none of a silent call.")


class StandingCalls(BaseModel):
    """Calls that stand: those nobody answered first, practices last."""

    items: list[SosWhole]


class SosPage(BaseModel):
    """A page of calls."""

    items: list[SosItem]
    next: str | None


class PositionItem(BaseModel):
    """Where the phone said to be."""

    latitude: float
    longitude: float
    accuracy_m: float | None
    at: datetime
    received_at: datetime


class PositionsSeen(BaseModel):
    """Positions of a call, the last first."""

    items: list[PositionItem]
