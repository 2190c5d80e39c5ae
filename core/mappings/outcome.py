"""What came of a message that a mapping was asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.mappings.model import Reading


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a message, or a part of it, could not be used. reason: of core.quarantine.REASONS."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Spoke:
    """What a device of ours would have sent. kind: readings or status."""

    kind: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What one device said. known: all readings that the mapping has of such a device."""

    device: str
    messages: Sequence[Spoke]
    through: str | None = None
    health: Mapping[str, float] = field(default_factory=dict)
    # Its name, maker and model, as far as the message says them.
    about: Mapping[str, str] = field(default_factory=dict)
    known: Sequence[Reading] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a message means. meant: the mapping is about such messages at all."""

    said: Sequence[Said] = ()
    troubles: Sequence[Trouble] = ()
    meant: bool = True
