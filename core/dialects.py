"""The dialects that a source may name, and the options of each. Decoders stand in ingest/dialects.

A dialect costs a line here, one in ingest/dialects, its module and a section in docs/dialects.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.codes import time_zone_fault
from core.mappings import Fault, read_mapping
from rules.located_yaml import nearest
from rules.wording import worded

ZONE = "zone"
_LEVEL = re.compile(r"[^\s/+#\x00-\x1f\x7f]+")
# None of the broker's, and none of ours: sirens obey what is said there.
_TOPIC = re.compile(r"(?!\$|wk/)[^\s+#\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Option:
    """What an option may be. kind: zone (IANA name), text, level (of a topic), topic, choice
    (one of `choices`) or mapping (docs/mappings.md).
    """

    kind: str
    choices: tuple[str, ...] = ()

    def fault(self, value: Any) -> str | None:
        """Why a value is none for this option; None when it is one."""
        if not isinstance(value, str) or not value or len(value) > 200:
            return worded("a text of 1 to 200 characters")
        if self.kind == "zone":
            return time_zone_fault(value)
        if self.kind == "level" and not _LEVEL.fullmatch(value):
            return worded("one level of a topic, without blanks, /, + and #")
        if self.kind == "topic" and not _TOPIC.fullmatch(value):
            return worded("a topic without blanks, + and #, that does not begin with $ or wk/")
        if self.kind == "choice" and value not in self.choices:
            return worded(
                "one of %(known)s%(hint)s",
                known=", ".join(self.choices),
                hint=nearest(value, self.choices),
            )
        return None


# `zone`: of time stamps that name none; every dialect takes it.
_ZONE: Mapping[str, Option] = {ZONE: Option("zone")}
# `codec`: for payloads that the network server did not decode.
_LORAWAN: Mapping[str, Option] = {**_ZONE, "codec": Option("choice", ("cayenne", "milesight"))}
DIALECTS: Mapping[str, Mapping[str, Option]] = {
    "wk": _ZONE,
    "tasmota": _ZONE,
    "alink": _ZONE,
    "esphome": _ZONE,
    # birth_topic: where ingest says that it is there, as Home Assistant would.
    "homeassistant": {**_ZONE, "birth_topic": Option("topic")},
    "homie": _ZONE,
    "iotda": _ZONE,
    "shelly": _ZONE,
    # base: the base topic, where it isn't `zigbee2mqtt` and the filter doesn't spell it.
    "zigbee2mqtt": {**_ZONE, "base": Option("text")},
    "chirpstack": _LORAWAN,
    # answer_topic: where receipts are published.
    "gb26875": {**_ZONE, "answer_topic": Option("text")},
    # host: the host application that ingest is for edge nodes which wait for one.
    "sparkplug": {**_ZONE, "host": Option("level")},
    "thingsboard": _ZONE,
    "tts": _LORAWAN,
    "mapping": {**_ZONE, "mapping": Option("mapping")},
    "onenet": _ZONE,
    # device: by what of a message its device is called.
    "ctwing": {**_ZONE, "device": Option("choice", ("deviceId", "IMEI"))},
}

# In these networks whichever gateway is near passes a message of a device on.
ROAMING = frozenset({"chirpstack", "tts"})


def option_faults(dialect: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong with it) for each that the dialect can't have; none if all is well."""
    known = DIALECTS.get(dialect, _ZONE)
    for name, value in options.items():
        if name not in known:
            yield name, worded("unknown%(hint)s", hint=nearest(name, list(known)))
        elif known[name].kind == "mapping":
            yield from mapping_faults(name, value)
        elif fault := known[name].fault(value):
            yield name, fault


def mapping_faults(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The same for a mapping: each fault under the path to it, `mapping.readings[2].path`."""
    found = read_mapping(value)
    for fault in found if isinstance(found, list) else ():
        yield Fault((name, *fault.path), fault.message).where, fault.message
