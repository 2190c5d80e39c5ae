"""The shapes of devices in requests and answers."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from api.bodies import Body, Change, Code, Names
from core.administration import NewAsset, NewDevice, NewPoint

Criticality = Literal["low", "medium", "high", "critical"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
DeviceCode = Annotated[str, Field(min_length=1, max_length=120)]


class DeviceItem(BaseModel):
    """A thing that speaks. path_id: the gateway it speaks through."""

    id: UUID
    site_id: UUID
    source_id: UUID | None
    path_id: UUID | None
    asset_id: UUID | None
    code: str = Field(description="Its name in topics.")
    name: dict[str, str]
    state: str
    clock_trusted: bool = Field(description="Whether its own time stamps are believed.")
    first_seen: datetime | None
    last_sample: dict[str, Any] | None = Field(description="What it said while it waited.")
    described: dict[str, Any] | None = Field(
        description="What it, or its bridge, says it is: `name`, `maker`, `model`, `points`."
    )


class DevicePage(BaseModel):
    """A page of devices."""

    items: list[DeviceItem]
    next: str | None


class DeviceToMake(Body):
    """A device to create."""

    site_id: UUID
    code: DeviceCode
    name: Names = Field(default_factory=Names)
    asset_id: UUID | None = None
    path_id: UUID | None = None
    source_id: UUID | None = None

    def new(self) -> NewDevice:
        """What is to be created."""
        return NewDevice(self.code, self.name.filled(), self.asset_id, self.path_id, self.source_id)


class DeviceChange(Change):
    """Fields to change."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"asset_id", "path_id", "source_id"})

    name: Names | None = None
    asset_id: UUID | None = None
    path_id: UUID | None = None
    source_id: UUID | None = None


class PointSuggested(BaseModel):
    """A key that the device sent, and the point that it may feed; no code where none fits."""

    key: str
    value: Any
    code: str | None
    kind: str
    unit: str | None
    low: float | None
    high: float | None
    states: list[str]
    scale: float | None = Field(description="What it says is to be multiplied by it.")
    shift: float | None = Field(description="And this added.")
    expected_interval: float | None = Field(description="Seconds.")


class BatteryShown(BaseModel):
    """What is to be bought when it is empty."""

    cell: str
    count: int


class SuggestionShown(BaseModel):
    """What a waiting device probably is. asset_id: an asset of that code stands already."""

    asset_code: str
    asset_id: UUID | None
    asset_type: str | None
    points: list[PointSuggested]
    name: dict[str, str]
    maker: str
    model: str
    profile: str | None = Field(description="The profile that it fits.")
    battery: BatteryShown | None
    rules: list[str] = Field(description="Those that would watch it.")


class AssetToAdopt(Body):
    """A new asset for the device, on the device's site."""

    code: Code
    type: Code
    name: Names
    space_id: UUID | None = None
    criticality: Criticality = "medium"

    def new(self) -> NewAsset:
        """What is to be created."""
        name = self.name.filled()
        return NewAsset(self.code, self.type, name, self.space_id, self.criticality)


class PointToFeed(Body):
    """What a key feeds. unit, kind and states are the catalogue's; stated, they must agree."""

    key: Annotated[str, Field(min_length=1, max_length=120)]
    code: Code
    unit: Annotated[str, Field(max_length=20)] | None = None
    kind: Literal["number", "boolean", "state", "event"] | None = None
    low: Finite | None = None
    high: Finite | None = None
    states: Annotated[list[str], Field(max_length=200)] | None = None
    expected_interval: Finite | None = Field(default=None, description="Seconds.")
    scale: Finite | None = Field(
        default=None, description="What the device says is multiplied by it."
    )
    shift: Finite | None = Field(
        default=None, description="Added after that; -1 and 1 turn a boolean round."
    )

    def new(self) -> NewPoint:
        """What is to be created."""
        return NewPoint(**self.model_dump())


class Adoption(Body):
    """Either an asset that stands or a new one, and the points that the device feeds."""

    asset_id: UUID | None = None
    new_asset: AssetToAdopt | None = None
    points: Annotated[list[PointToFeed], Field(max_length=200)]

    @model_validator(mode="after")
    def _one_asset(self) -> Self:
        if (self.asset_id is None) == (self.new_asset is None):
            raise ValueError("give either asset_id or new_asset")
        return self

    def standing_asset(self) -> UUID:
        """The asset that stands, where no new one is given."""
        assert self.asset_id is not None
        return self.asset_id
