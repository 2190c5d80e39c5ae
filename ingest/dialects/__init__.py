"""What others say in their own way, told again as devices of ours would say it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ingest.decoding import Problem
from ingest.dialects.spoken import Spoken, Told
from ingest.dialects.tasmota import decode as decode_tasmota

Decoder = Callable[[str, str, bytes, ZoneInfo], Told | Problem | None]
# By the name that a source gives. Each decodes (topic, filter of the source, payload, zone), and
# returns None for what it has no use for.
DECODERS: Mapping[str, Decoder] = {"tasmota": decode_tasmota}


@dataclass(frozen=True, slots=True)
class ForeignSource:
    """A filter of topics on which another dialect is spoken. zone: of times that name none."""

    topic_filter: str
    zone: ZoneInfo
    decode: Decoder


__all__ = ["DECODERS", "Decoder", "ForeignSource", "Spoken", "Told"]
