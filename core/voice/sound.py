"""What the readers of recordings have in common."""

from dataclasses import dataclass

from rules.wording import Message, worded

BROKEN = worded("the recording is damaged")


class Unfit(Exception):
    """What a recording would have to be."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Sound:
    """How many seconds a recording lasts, and the same bytes with all else blanked."""

    seconds: float
    copy: bytes
