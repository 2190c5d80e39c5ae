"""Words of sources: dialects, why a message waits, and as what a value is told."""

from collections.abc import Mapping

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
