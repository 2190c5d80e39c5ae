"""What others say in their own way, told again as devices of ours would say it."""

from collections.abc import Mapping

from ingest.dialects.alink import decode as decode_alink
from ingest.dialects.chirpstack import decode as decode_chirpstack
from ingest.dialects.chirpstack import plan as plan_chirpstack
from ingest.dialects.ctwing import decode as decode_ctwing
from ingest.dialects.esphome import decode as decode_esphome
from ingest.dialects.gb26875 import decode as decode_gb26875
from ingest.dialects.homeassistant import decode as decode_homeassistant
from ingest.dialects.homie import decode as decode_homie
from ingest.dialects.iotda import decode as decode_iotda
from ingest.dialects.mapping import decode as decode_mapping
from ingest.dialects.onenet import decode as decode_onenet
from ingest.dialects.shelly import decode as decode_shelly
from ingest.dialects.sparkplug import decode as decode_sparkplug
from ingest.dialects.spoken import (
    FOLLOWED,
    Absent,
    Answer,
    Decoded,
    Decoder,
    Described,
    DescribedPoint,
    ForeignSource,
    Plan,
    Planner,
    Result,
    Shape,
    Spoken,
    Told,
)
from ingest.dialects.tasmota import decode as decode_tasmota
from ingest.dialects.tasmota import plan as plan_tasmota
from ingest.dialects.thingsboard import decode as decode_thingsboard
from ingest.dialects.tts import decode as decode_tts
from ingest.dialects.zigbee2mqtt import decode as decode_zigbee2mqtt
from ingest.dialects.zigbee2mqtt import plan as plan_zigbee2mqtt

# By the name that a source gives.
DECODERS: Mapping[str, Decoder] = {
    "chirpstack": decode_chirpstack,
    "gb26875": decode_gb26875,
    "sparkplug": decode_sparkplug,
    "alink": decode_alink,
    "esphome": decode_esphome,
    "homeassistant": decode_homeassistant,
    "homie": decode_homie,
    "iotda": decode_iotda,
    "shelly": decode_shelly,
    "tasmota": decode_tasmota,
    "zigbee2mqtt": decode_zigbee2mqtt,
    "thingsboard": decode_thingsboard,
    "tts": decode_tts,
    "mapping": decode_mapping,
    "onenet": decode_onenet,
    "ctwing": decode_ctwing,
}

# By the same name, of dialects whose ordinary messages are read in a quicker way.
PLANNERS: Mapping[str, Planner] = {
    "chirpstack": plan_chirpstack,
    "tasmota": plan_tasmota,
    "zigbee2mqtt": plan_zigbee2mqtt,
}

__all__ = [
    "DECODERS",
    "FOLLOWED",
    "PLANNERS",
    "Absent",
    "Answer",
    "Decoded",
    "Decoder",
    "Described",
    "DescribedPoint",
    "ForeignSource",
    "Plan",
    "Planner",
    "Result",
    "Shape",
    "Spoken",
    "Told",
]
