"""What the components of Home Assistant tell: on which channels, in which words and units."""

from collections.abc import Mapping
from typing import Any

from ingest.dialects.homeassistant.availability import word
from ingest.dialects.homeassistant.positions import scale_of
from ingest.dialects.values import known_unit, number, sound

COMPONENTS = frozenset(
    {
        "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "date",
        "datetime", "device", "device_automation", "device_tracker", "event", "fan", "humidifier",
        "image", "lawn_mower", "light", "lock", "notify", "number", "scene", "select", "sensor",
        "siren", "switch", "tag", "text", "time", "update", "vacuum", "valve", "water_heater",
    }
)  # fmt: skip
# Beside its state: what more a component tells, the topic of it, and its templates.
CHANNELS = (
    ("", "state_topic", ("value_template", "state_value_template", "state_template")),
    ("action", "action_topic", ("action_template",)),
    ("activity", "activity_state_topic", ("activity_value_template",)),
    ("brightness", "brightness_state_topic", ("brightness_value_template",)),
    ("current_humidity", "current_humidity_topic", ("current_humidity_template",)),
    ("current_temperature", "current_temperature_topic", ("current_temperature_template",)),
    ("fan_mode", "fan_mode_state_topic", ("fan_mode_state_template",)),
    ("mode", "mode_state_topic", ("mode_state_template",)),
    ("oscillation", "oscillation_state_topic", ("oscillation_value_template",)),
    ("percentage", "percentage_state_topic", ("percentage_value_template",)),
    ("position", "position_topic", ("position_template",)),
    ("preset_mode", "preset_mode_state_topic", ("preset_mode_value_template",)),
    ("swing_mode", "swing_mode_state_topic", ("swing_mode_state_template",)),
    ("target_humidity", "target_humidity_state_topic", ("target_humidity_state_template",)),
    ("temperature", "temperature_state_topic", ("temperature_state_template",)),
    ("temperature_high", "temperature_high_state_topic", ("temperature_high_state_template",)),
    ("temperature_low", "temperature_low_state_topic", ("temperature_low_state_template",)),
    ("tilt", "tilt_status_topic", ("tilt_status_template",)),
)  # fmt: skip
_WORDED = frozenset(
    {"action", "activity", "fan_mode", "mode", "oscillation", "preset_mode", "swing_mode"}
)
# Of these a value_template holds for every topic that has none of its own.
ONE_TEMPLATE = frozenset({"climate", "humidifier", "water_heater"})
MEANS = {"current_humidity": "humidity", "current_temperature": "temperature"}
# States of these are times, pictures or text for people.
UNREAD = frozenset(
    {"button", "camera", "date", "datetime", "image", "notify", "scene", "time", "update"}
)
TIMES = frozenset({"timestamp", "date"})


_MOST_STATES = 100
# A year, in seconds.
_LONGEST_DELAY = 366 * 86_400
# After so many intervals the shipped rule `sensor-silent` takes a point for silent.
OVERDUE = 3


def kind_of(component: str, channel: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """How values are read, and the words that stand for true and false."""
    on, off = word(said.get("payload_on"), "ON"), word(said.get("payload_off"), "OFF")
    if channel:
        scale = scale_of(channel, said)
        return ("text" if channel in _WORDED else "number"), {"scale": scale} if scale else {}
    if component == "binary_sensor":
        lasts = number(said.get("off_delay"))
        back = {} if lasts is None or not 0 <= lasts <= _LONGEST_DELAY else {"lasts": lasts}
        return "boolean", {"on": on, "off": off, **back}
    if component in ("switch", "siren", "fan", "humidifier", "light"):
        if said.get("schema") == "json" and component == "light":
            return "object", {}
        if said.get("schema") == "template" and component == "light":
            # So its template writes them.
            on, off = word(said.get("payload_on"), "on"), word(said.get("payload_off"), "off")
        words = {"on": word(said.get("state_on"), on), "off": word(said.get("state_off"), off)}
        return "boolean", words | ({"json": True} if component == "siren" else {})
    if component == "valve":
        return "valve", _valve(said)
    if component == "event":
        return "event", {}
    if component == "vacuum":
        return "object", {}
    if component == "sensor":
        options = said.get("device_class") == "enum" or "options" in said
        measured = any(said.get(each) for each in ("unit_of_measurement", "state_class"))
        return ("text" if options else "number" if measured else "any"), {}
    return ("number" if component == "number" else "text"), {}


def _valve(said: Mapping[str, Any]) -> dict[str, Any]:
    scale = scale_of("position", said)
    words = {key: word(said.get(key), usual) for key, usual in _OF_VALVES}
    return {
        "reports": said.get("reports_position") is True,
        "words": list(dict.fromkeys(words.values())),
        "open": words["state_open"],
        "closed": words["state_closed"],
    } | ({"scale": scale} if scale else {})


_OF_VALVES = (
    ("state_open", "open"), ("state_opening", "opening"), ("state_closed", "closed"),
    ("state_closing", "closing"),
)  # fmt: skip
# What these say when nothing else was agreed on, and how it is agreed on.
_STATES: Mapping[str, tuple[tuple[str | None, str], ...]] = {
    "alarm_control_panel": tuple(
        (None, each)
        for each in ("disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation",
                     "armed_custom_bypass", "pending", "triggered", "arming", "disarming")
    ),
    "cover": (("state_open", "open"), ("state_opening", "opening"), ("state_closed", "closed"),
              ("state_closing", "closing"), ("state_stopped", "stopped")),
    "lock": (("state_locked", "LOCKED"), ("state_unlocked", "UNLOCKED"),
             ("state_locking", "LOCKING"), ("state_unlocking", "UNLOCKING"),
             ("state_jammed", "JAMMED"), ("state_open", "OPEN"), ("state_opening", "OPENING")),
    "valve": _OF_VALVES,
}  # fmt: skip
_LISTS = {"": "options", "mode": "modes", "fan_mode": "fan_modes", "preset_mode": "preset_modes",
          "swing_mode": "swing_modes"}  # fmt: skip


def states_of(component: str, channel: str, said: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that a channel may say, as far as the configuration tells them."""
    if not channel and component in _STATES:
        named = (word(said.get(key or ""), usual) for key, usual in _STATES[component])
        return tuple(dict.fromkeys(named))
    return strings(said.get(_LISTS.get(channel, "")))


def unit_of(channel: str, said: Mapping[str, Any]) -> str | None:
    """The unit of a channel's values, as far as it is known here."""
    if "temperature" in channel:
        return known_unit(said.get("temperature_unit"))
    if channel in ("current_humidity", "target_humidity", "percentage", "position", "tilt"):
        return "%"
    return None if channel else known_unit(said.get("unit_of_measurement"))


def interval_of(said: Mapping[str, Any]) -> float | None:
    """How often a value is expected, seconds, of one that is taken for gone after `expire_after`.

    A point is overdue after three times its interval, so it is a third of that.
    """
    expires = number(said.get("expire_after"))
    return expires / OVERDUE if expires and 0 < expires <= _LONGEST_DELAY else None


def strings(value: Any) -> tuple[str, ...]:
    """The texts in a list, as far as a reading may hold them."""
    listed = value[:_MOST_STATES] if isinstance(value, list) else []
    return tuple(each for each in listed if isinstance(each, str) and each and sound(each))


def health_of(component: str, key: str, said: Mapping[str, Any]) -> str | None:
    """What of the device itself a sensor tells, by its class and unit."""
    means, unit = said.get("device_class"), said.get("unit_of_measurement")
    if component != "sensor":
        return None
    if means == "battery":
        return "battery"
    if means == "signal_strength" and unit in ("dBm", "dB"):
        return "rssi"
    if unit == "lqi" or key.lower().endswith(("linkquality", "link_quality")):
        return "lqi" if unit != "%" else "link_quality"
    battery = "battery" in key.lower() and said.get("entity_category") == "diagnostic"
    if means == "voltage" and battery:
        return "millivolts" if unit == "mV" else "battery_voltage"
    return None
