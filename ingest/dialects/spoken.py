"""What a decoder makes of a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message as a device of ours would send it. kind: readings, scan or status.

    fields: what stands in its JSON.
    """

    kind: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a device told. device: its code."""

    device: str
    messages: Sequence[Spoken]
