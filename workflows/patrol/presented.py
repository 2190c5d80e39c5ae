"""What is presented at checkpoints: one kind of value for each kind of token."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson

# What says how it came, not what it is: the same scan may be sent again another way.
_ABOUT_THE_WAY = ("channel",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What every presentation says.

    id: made by whoever presents it, or from the message, so that sending it again is harmless.
    occurred_at: by the scanner's clock. channel: online, sync (kept and sent later), mqtt or
    import. site_id: where it is presented; none where only the token can tell.
    person_id: who presents it, as far as somebody answers for that. device_id: a device of ours
    that read it. guard: the number of the guard's card, where a reader or a wand tells it beside.
    """

    kind: ClassVar[str]

    id: UUID
    occurred_at: datetime
    channel: str
    site_id: UUID | None = None
    person_id: UUID | None = None
    device_id: UUID | None = None
    guard: str = ""

    @property
    def canonical(self) -> bytes:
        """Everything that is presented, the same bytes whenever it is the same."""
        said: dict[str, Any] = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in _ABOUT_THE_WAY
        }
        said["occurred_at"] = self.occurred_at.astimezone(UTC)
        return orjson.dumps({"kind": self.kind, **said}, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTap(Presented):
    """A tap on a signed tag. address: the URL that it wrote, or its query, as it came."""

    kind = "signed_tag"

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatingCode(Presented):
    """The digits of a display. checkpoint_id: where it hangs."""

    kind = "rotating_code"

    checkpoint_id: UUID
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAtReader(Presented):
    """A card held to our reader `device_id`. card: its number, as the reader tells it."""

    kind = "fixed_reader"

    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconHeard(Presented):
    """A badge that the gateway `device_id` hears. badge: its number; dbm: how loud, if told."""

    kind = "beacon"

    badge: str
    dbm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTag(Presented):
    """A plain NFC tag. uid: as its reader tells it."""

    kind = "static_tag"

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedCode(Presented):
    """A code on paper. code: what it says, without the address around it."""

    kind = "printed_code"

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Presented):
    """A phone that says where it is: degrees (WGS 84), accuracy in m (68 %, as phones tell it)."""

    kind = "position"

    checkpoint_id: UUID
    latitude: float
    longitude: float
    accuracy_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WandPoint(Presented):
    """A line of a wand's export. point: its number."""

    kind = "wand"

    point: str
