"""Words of sources: dialects, why a message waits, and as what a value is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from web.languages import mark

# Names of products are the same in every language; a code without a word is shown as it is.
DIALECT: Mapping[str, str] = {
    "wk": mark("Watchkeeper's own topics"),
    "mapping": mark("Mapping"),
    "onenet": "OneNET",
    "ctwing": "CTWing",
    "tasmota": "Tasmota",
    "zigbee2mqtt": "Zigbee2MQTT",
    "chirpstack": "ChirpStack",
    "sparkplug": "Sparkplug B",
    "tts": "The Things Stack",
}


@dataclass(frozen=True, slots=True)
class OptionWords:
    """An option of a dialect as a form asks for it. name: as the dialect knows it."""

    name: str
    label: str
    hint: str
    example: str


# By dialect: as which host ingest is there for those who wait for one.
HOST_OPTIONS: Mapping[str, OptionWords] = {
    "sparkplug": OptionWords(
        "host",
        mark("Host application (Sparkplug B)"),
        mark(
            "Edge nodes that were given a primary host publish nothing before it is there. With "
            "its name here Watchkeeper is that host; empty, it is none."
        ),
        "scada-1",
    ),
    "homeassistant": OptionWords(
        "birth_topic",
        mark("Birth topic (Home Assistant)"),
        mark(
            "Many publishers announce their devices only when Home Assistant was born: with a "
            "topic here Watchkeeper says so in its place. Leave it empty where Home Assistant "
            "itself is on this broker."
        ),
        "homeassistant/status",
    ),
}
QUARANTINE: Mapping[str, str] = {
    "bad_json": mark("no JSON"),
    "not_utf8": mark("no UTF-8"),
    "too_deep": mark("nested too deeply"),
    "too_large": mark("too large"),
    "wrong_shape": mark("of another shape"),
    "wrong_type": mark("a value that can't be"),
    "out_of_range": mark("out of range"),
    "bad_time": mark("no time"),
    "unknown_point": mark("unknown point"),
    "unknown_site": mark("unknown site"),
    "unknown_device": mark("unknown device"),
    "no_source": mark("no source"),
    "unsupported": mark("not supported"),
    "failed": mark("failed"),
}
SENT_AS: Mapping[str, str] = {
    "reading": mark("reading"),
    "event": mark("event"),
    "online": mark("online or not"),
    "health": mark("health of the device"),
}
SOURCE_WORDS: Mapping[str, Mapping[str, str]] = {
    "dialect": DIALECT,
    "quarantine": QUARANTINE,
    "sent_as": SENT_AS,
}
