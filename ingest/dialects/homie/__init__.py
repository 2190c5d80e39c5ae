"""The Homie convention (homieiot/convention): version 5, and the older ones without a number."""

from collections.abc import Mapping
from typing import Any

from ingest.dialects.homie import five, four
from ingest.dialects.spoken import ForeignSource, Result

__all__ = ["decode"]


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for what is to be set, logs, and broadcasts."""
    if five.is_five(topic) and not four.knows(source, topic, memory):
        return five.decode(source, topic, payload, memory)
    return four.decode(source, topic, payload, memory)
