"""What Home Assistant says of itself: its birth message, and its will.

Many publishers don't have their configurations retained. They send them when they start, and again
when they hear that Home Assistant was born.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.dialects.spoken import ForeignSource

BIRTH_TOPIC = "birth_topic"
_ONLINE, _OFFLINE = b"online", b"offline"


@dataclass(frozen=True, slots=True)
class Birth:
    """The topic on which it is said, in the words that Home Assistant has unless told otherwise."""

    topic: str

    @property
    def retained(self) -> bool:
        """Never: a publisher that starts later sends its configurations anyway."""
        return False

    def said(self, *, online: bool, at: int) -> bytes:
        """What is published there. at: ms since 1970, which it does not tell."""
        return _ONLINE if online else _OFFLINE

    def offline_since(self, payload: bytes) -> int | None:
        """0 where a message says that Home Assistant is gone; None for any other message."""
        return 0 if payload == _OFFLINE else None


def births(source: ForeignSource) -> Iterator[Birth]:
    """The birth that a source says by its option `birth_topic`; none without."""
    topic: Any = source.options.get(BIRTH_TOPIC)
    if isinstance(topic, str):
        yield Birth(topic)
