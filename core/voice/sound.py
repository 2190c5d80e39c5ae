"""What the readers of recordings have in common."""

from dataclasses import dataclass


class Unfit(Exception):
    """What a recording would have to be."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How many seconds a recording lasts, and the same bytes with all else blanked."""

    seconds: float
    copy: bytes
