"""Configurations that devices announce: what they have, on which topics, and what it is called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.dialects.homeassistant.availability import Group, group_of, name_of, word
from ingest.dialects.homeassistant.templates import Fault, template
from ingest.dialects.spoken import DescribedPoint
from ingest.dialects.values import is_text, known_unit, name_in, number, sound

COMPONENTS = frozenset(
    {
        "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "date",
        "datetime", "device", "device_automation", "device_tracker", "event", "fan", "humidifier",
        "image", "lawn_mower", "light", "lock", "notify", "number", "scene", "select", "sensor",
        "siren", "switch", "tag", "text", "time", "update", "vacuum", "valve", "water_heater",
    }
)  # fmt: skip
# Those that stand for what is read here; every other key keeps its name.
_SHORT = {
    "act_t": "action_topic", "act_tpl": "action_template", "atype": "automation_type",
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "bri_stat_t": "brightness_state_topic",
    "bri_val_tpl": "brightness_value_template", "cmps": "components",
    "curr_hum_t": "current_humidity_topic", "curr_hum_tpl": "current_humidity_template",
    "curr_temp_t": "current_temperature_topic", "curr_temp_tpl": "current_temperature_template",
    "dev": "device", "dev_cla": "device_class", "e": "encoding", "ent_cat": "entity_category",
    "evt_typ": "event_types", "exp_aft": "expire_after", "mode_stat_t": "mode_state_topic",
    "mode_stat_tpl": "mode_state_template", "o": "origin", "off_dly": "off_delay",
    "ops": "options", "p": "platform",
    "pct_stat_t": "percentage_state_topic", "pct_val_tpl": "percentage_value_template",
    "pl": "payload", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off", "pl_on": "payload_on", "pos_t": "position_topic",
    "pos_tpl": "position_template", "stat_cla": "state_class", "stat_off": "state_off",
    "stat_on": "state_on", "stat_t": "state_topic", "stat_tpl": "state_template",
    "stat_val_tpl": "state_value_template", "stype": "subtype", "t": "topic",
    "temp_stat_t": "temperature_state_topic", "temp_stat_tpl": "temperature_state_template",
    "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
_SHORT_DEVICE = {
    "cns": "connections", "ids": "identifiers", "mf": "manufacturer", "mdl": "model",
}  # fmt: skip
# Beside its state: what more a component tells, the topic of it, and its template.
_CHANNELS = (
    ("", "state_topic", ("value_template", "state_value_template")),
    ("action", "action_topic", ("action_template",)),
    ("brightness", "brightness_state_topic", ("brightness_value_template",)),
    ("current_humidity", "current_humidity_topic", ("current_humidity_template",)),
    ("current_temperature", "current_temperature_topic", ("current_temperature_template",)),
    ("mode", "mode_state_topic", ("mode_state_template",)),
    ("percentage", "percentage_state_topic", ("percentage_value_template",)),
    ("position", "position_topic", ("position_template",)),
    ("temperature", "temperature_state_topic", ("temperature_state_template",)),
)
_MOST_COMPONENTS, _MOST_STATES, _MOST_PLACES = 300, 100, 8
_LONGEST_TOPIC = 200
# A year, in seconds.
_LONGEST_DELAY = 366 * 86_400
# After so many intervals the shipped rule `sensor-silent` takes a point for silent.
OVERDUE = 3
_FIT = re.compile(r"[^+#\x00-\x1f\x7f]+")
# States of these are times, pictures or text for people.
_UNREAD = frozenset({"button", "camera", "image", "notify", "scene", "device_tracker", "update"})
_TIMES = frozenset({"timestamp", "date"})


@dataclass(frozen=True, slots=True)
class Bound:
    """What a topic tells: a JSON object, kept under the topic for the messages that come there."""

    topic: str
    said: dict[str, Any]


@dataclass(slots=True)
class Announced:
    """What a configuration announces of one device. problems: parts that can't be followed.

    available: groups of topics that say whether it is there, by name.
    """

    device: str
    about: Mapping[str, Any]
    through: str | None
    bound: list[Bound] = field(default_factory=list)
    available: dict[str, Group] = field(default_factory=dict)
    points: list[DescribedPoint] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """What a topic of configurations names: component, node or "", and object."""

    component: str
    node: str
    name: str


def place_of(levels: list[str]) -> Place | None:
    """Of `<prefix>/<component>/[<node>/]<object>/config`; None for any other topic."""
    if levels[-1] != "config":
        return None
    for at in (len(levels) - 4, len(levels) - 3):
        if at > 0 and levels[at] in COMPONENTS and all(levels[at:]):
            node = levels[at + 1] if at == len(levels) - 4 else ""
            return Place(levels[at], node, levels[-2])
    return None


def announced(place: Place, said: Mapping[str, Any]) -> Announced:
    """What a configuration says, of one component or of a whole device."""
    whole = _expanded(said, None)
    about = whole.get("device")
    known: dict[str, Any] = {
        _SHORT_DEVICE.get(str(key), str(key)): value
        for key, value in (about.items() if isinstance(about, dict) else ())
    }
    found = Announced(_device(known, whole, place), known, _text(known.get("via_device")))
    if place.component != "device":
        _component(found, place.component, f"{place.component}.{place.name}", whole)
        return found
    listed = whole.get("components")
    several = list(listed.items())[:_MOST_COMPONENTS] if isinstance(listed, dict) else []
    for key, one in several:
        if not isinstance(one, dict):
            continue
        part = {**_shared(whole), **_expanded(one, said.get("~"))}
        platform = part.get("platform")
        # With nothing but its platform a component is taken away.
        if isinstance(platform, str) and len(one) > 1 and sound(key):
            _component(found, platform, f"{platform}.{key}", part)
    return found


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() and sound(value) else None


def _shared(whole: Mapping[str, Any]) -> dict[str, Any]:
    """What a device's configuration says for all of its components."""
    kept = ("state_topic", "encoding")
    return {
        key: value
        for key, value in whole.items()
        if key in kept or key.startswith(("availability", "payload_available", "payload_not"))
    }


def _expanded(said: Mapping[str, Any], base: Any) -> dict[str, Any]:
    """With whole names for the short ones, and topics without the base that `~` stands for."""
    base = said.get("~", base)
    whole = {_SHORT.get(key, key): value for key, value in said.items() if key != "~"}
    for key, value in whole.items():
        if key.endswith("topic"):
            whole[key] = _based(value, base)
    places = whole.get("availability")
    if isinstance(places, dict):
        places = [places]
    if isinstance(places, list):
        whole["availability"] = [
            _expanded(one, base) for one in places[:_MOST_PLACES] if isinstance(one, dict)
        ]
    return whole


def _based(topic: Any, base: Any) -> Any:
    if not isinstance(topic, str) or not isinstance(base, str):
        return topic
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _device(about: Mapping[str, Any], whole: Mapping[str, Any], place: Place) -> str:
    """The device by its first identifier or connection; else the entity, or what the topic says."""
    ids = about.get("identifiers")
    first = ids[0] if isinstance(ids, list) and ids else ids
    if _text(first):
        return str(first)
    links = about.get("connections")
    link = links[0] if isinstance(links, list) and links else None
    if isinstance(link, list) and len(link) == 2 and _text(link[1]):
        return str(link[1])
    if place.component == "device":
        return f"{place.node}/{place.name}" if place.node else place.name
    name = f"{place.node}/{place.name}" if place.node else place.name
    return _text(whole.get("unique_id")) or name


def _component(found: Announced, component: str, key: str, said: Mapping[str, Any]) -> None:
    if component in _UNREAD or component not in COMPONENTS:
        return
    title = name_in(said.get("name"))
    try:
        if component == "device_automation":
            _trigger(found, said)
        elif component == "tag":
            _bind(found, said.get("topic"), said, ("value_template",), {"kind": "scan"})
        else:
            for channel, topic, templates in _CHANNELS:
                if topic in said:
                    _channel(found, component, key, channel, topic, templates, said, title)
        _availability(found, said)
    except Fault as fault:
        found.problems.append(f"{key[:60]}: {fault}")


def _channel(
    found: Announced,
    component: str,
    key: str,
    channel: str,
    topic: str,
    templates: tuple[str, ...],
    said: Mapping[str, Any],
    title: str | None,
) -> None:
    """One value of a component. Fault where its topic or its template can't be used."""
    means = _text(said.get("device_class")) if not channel else None
    if means in _TIMES:
        return
    key = f"{key}.{channel}" if channel else key
    kind, words = _kind(component, channel, said)
    binding: dict[str, Any] = {"kind": kind, "key": key, **words}
    health = _health(component, key, said)
    _bind(found, said.get(topic), said, templates, binding | ({"health": health} if health else {}))
    unit, every = known_unit(said.get("unit_of_measurement")), _interval(said)
    if kind == "event":
        names = _strings(said.get("event_types"))
        found.points += [DescribedPoint(f"{key}.{each}", "event", name=title) for each in names]
    elif kind == "boolean":
        found.points.append(DescribedPoint(key, "boolean", None, (), title, means, every))
    elif kind == "text" and (states := _strings(said.get("options"))):
        found.points.append(DescribedPoint(key, "state", None, states, title, means, every))
    elif kind == "number" or (kind == "any" and means):
        found.points.append(DescribedPoint(key, "number", unit, (), title, means, every))


def _kind(component: str, channel: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """How values are read, and the words that stand for true and false."""
    on, off = word(said.get("payload_on"), "ON"), word(said.get("payload_off"), "OFF")
    if channel:
        return ("text" if channel in ("action", "mode") else "number"), {}
    if component == "binary_sensor":
        lasts = number(said.get("off_delay"))
        back = {} if lasts is None or not 0 <= lasts <= _LONGEST_DELAY else {"lasts": lasts}
        return "boolean", {"on": on, "off": off, **back}
    if component in ("switch", "siren", "fan", "humidifier", "light"):
        if said.get("schema") == "json":
            return "object", {}
        words = {"on": word(said.get("state_on"), on), "off": word(said.get("state_off"), off)}
        return "boolean", words
    if component == "event":
        return "event", {}
    if component == "sensor":
        options = said.get("device_class") == "enum" or "options" in said
        measured = any(said.get(each) for each in ("unit_of_measurement", "state_class"))
        return ("text" if options else "number" if measured else "any"), {}
    return ("number" if component == "number" else "text"), {}


def _interval(said: Mapping[str, Any]) -> float | None:
    """How often a value is expected, seconds, of one that is taken for gone after `expire_after`.

    A point is overdue after three times its interval, so it is a third of that.
    """
    expires = number(said.get("expire_after"))
    return expires / OVERDUE if expires and 0 < expires <= _LONGEST_DELAY else None


def _strings(value: Any) -> tuple[str, ...]:
    listed = value[:_MOST_STATES] if isinstance(value, list) else []
    return tuple(each for each in listed if isinstance(each, str) and each and sound(each))


def _health(component: str, key: str, said: Mapping[str, Any]) -> str | None:
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


def _trigger(found: Announced, said: Mapping[str, Any]) -> None:
    """A press and the like: `button_1.button_short_press`."""
    names = [_text(said.get("subtype")), _text(said.get("type"))]
    name = ".".join(each for each in names if each)
    if not name:
        return
    payload = sound(said.get("payload"))
    binding = {"kind": "trigger", "event": name} | ({} if payload is None else {"on": str(payload)})
    _bind(found, said.get("topic"), said, ("value_template",), binding)
    found.points.append(DescribedPoint(name, "event", name=name))


def _availability(found: Announced, said: Mapping[str, Any]) -> None:
    group = group_of(said)
    if group is None:
        return
    for place in group["places"]:
        _topic(place["topic"])
        if "template" in place:
            _template(place["template"])
    found.available[name_of(group)] = group


def _bind(
    found: Announced,
    topic: Any,
    said: Mapping[str, Any],
    templates: tuple[str, ...],
    binding: dict[str, Any],
) -> None:
    """Follow a topic. Fault where there is none, or its template can't be worked out."""
    for name in templates:
        text = said.get(name)
        if isinstance(text, str) and text:
            binding = {**binding, "template": _template(text)}
            break
    bound = Bound(_topic(topic), {**binding, "device": found.device})
    if bound not in found.bound:
        found.bound.append(bound)


def _topic(topic: Any) -> str:
    """A topic that can be followed. Fault for any other."""
    if not isinstance(topic, str) or not _FIT.fullmatch(topic) or len(topic) > _LONGEST_TOPIC:
        raise Fault("its topic is none")
    if topic.startswith(("$", "wk/")) or not is_text(topic):
        raise Fault("its topic belongs to somebody else")
    return topic


def _template(text: str) -> str:
    """A template that can be worked out. Fault for any other."""
    if not is_text(text):
        raise Fault("its template is no text")
    template(text)
    return text
