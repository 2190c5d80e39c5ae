"""What others say in their own way, told again as devices of ours would say it."""

from collections.abc import Mapping

from ingest.dialects.spoken import (
    FOLLOWED,
    Answer,
    Decoded,
    Decoder,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.tasmota import decode as decode_tasmota
from ingest.dialects.zigbee2mqtt import decode as decode_zigbee2mqtt

# By the name that a source gives.
DECODERS: Mapping[str, Decoder] = {
    "tasmota": decode_tasmota,
    "zigbee2mqtt": decode_zigbee2mqtt,
}

__all__ = [
    "DECODERS",
    "FOLLOWED",
    "Answer",
    "Decoded",
    "Decoder",
    "Described",
    "DescribedPoint",
    "ForeignSource",
    "Result",
    "Spoken",
    "Told",
]
