"""Configurations that devices announce: what they have, on which topics, and what it is called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.dialects.homeassistant.availability import Group, group_of, name_of
from ingest.dialects.homeassistant.components import (
    CHANNELS,
    COMPONENTS,
    MEANS,
    ONE_TEMPLATE,
    TIMES,
    UNREAD,
    health_of,
    interval_of,
    kind_of,
    states_of,
    strings,
    unit_of,
)
from ingest.dialects.homeassistant.templates import Fault, TimeFault, template
from ingest.dialects.spoken import DescribedPoint
from ingest.dialects.values import is_text, name_in, says_nothing, sound

# Those that stand for what is read here; every other key keeps its name.
_SHORT = {
    "act_stat_t": "activity_state_topic", "act_t": "action_topic", "act_tpl": "action_template",
    "act_val_tpl": "activity_value_template", "atype": "automation_type",
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "bri_stat_t": "brightness_state_topic",
    "bri_val_tpl": "brightness_value_template", "cmps": "components",
    "curr_hum_t": "current_humidity_topic", "curr_hum_tpl": "current_humidity_template",
    "curr_temp_t": "current_temperature_topic", "curr_temp_tpl": "current_temperature_template",
    "dev": "device", "dev_cla": "device_class", "e": "encoding", "ent_cat": "entity_category",
    "evt_typ": "event_types", "exp_aft": "expire_after", "fan_mode_stat_t": "fan_mode_state_topic",
    "fan_mode_stat_tpl": "fan_mode_state_template", "hum_stat_t": "target_humidity_state_topic",
    "hum_state_tpl": "target_humidity_state_template", "migr_discvry": "migrate_discovery",
    "mode_stat_t": "mode_state_topic", "mode_stat_tpl": "mode_state_template", "o": "origin",
    "off_dly": "off_delay", "ops": "options", "osc_stat_t": "oscillation_state_topic",
    "osc_val_tpl": "oscillation_value_template", "p": "platform",
    "pct_stat_t": "percentage_state_topic", "pct_val_tpl": "percentage_value_template",
    "pl": "payload", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off", "pl_on": "payload_on", "pos_clsd": "position_closed",
    "pos_open": "position_open", "pos_t": "position_topic",
    "pos_tpl": "position_template", "pr_mode_stat_t": "preset_mode_state_topic",
    "pr_mode_val_tpl": "preset_mode_value_template", "spd_rng_max": "speed_range_max",
    "spd_rng_min": "speed_range_min", "stat_cla": "state_class",
    "stat_closing": "state_closing", "stat_clsd": "state_closed", "stat_jam": "state_jammed",
    "stat_locked": "state_locked", "stat_locking": "state_locking",
    "stat_off": "state_off", "stat_on": "state_on", "stat_t": "state_topic",
    "stat_open": "state_open", "stat_opening": "state_opening", "stat_stopped": "state_stopped",
    "stat_tpl": "state_template", "stat_unlocked": "state_unlocked",
    "stat_unlocking": "state_unlocking", "stat_val_tpl": "state_value_template", "stype": "subtype",
    "swing_mode_stat_t": "swing_mode_state_topic", "swing_mode_stat_tpl":
    "swing_mode_state_template", "t": "topic", "temp_hi_stat_t": "temperature_high_state_topic",
    "temp_hi_stat_tpl": "temperature_high_state_template",
    "temp_lo_stat_t": "temperature_low_state_topic",
    "temp_lo_stat_tpl": "temperature_low_state_template", "temp_stat_t": "temperature_state_topic",
    "temp_stat_tpl": "temperature_state_template", "temp_unit": "temperature_unit",
    "tilt_status_t": "tilt_status_topic", "tilt_status_tpl": "tilt_status_template",
    "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
_SHORT_DEVICE = {
    "cns": "connections", "ids": "identifiers", "mf": "manufacturer", "mdl": "model",
}  # fmt: skip
_MOST_COMPONENTS, _MOST_PLACES = 300, 8
_LONGEST_TOPIC = 200
_FIT = re.compile(r"[^+#\x00-\x1f\x7f]+")


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
    # Without a device an entity stands for itself.
    alone = {"name": whole.get("name")} if place.component != "device" else {}
    known: dict[str, Any] = {
        _SHORT_DEVICE.get(str(key), str(key)): value
        for key, value in (about if isinstance(about, dict) and about else alone).items()
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
    if _text(first) or (isinstance(first, int) and not isinstance(first, bool)):
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
    if component in UNREAD or component not in COMPONENTS:
        return
    title = name_in(said.get("name"))
    before = len(found.bound)
    try:
        if component == "device_automation":
            _trigger(found, said)
        elif component == "tag":
            _bind(found, said.get("topic"), said, ("value_template",), {"kind": "scan"})
        else:
            for channel, topic, templates in CHANNELS:
                if said.get(topic):
                    _channel(found, component, key, channel, topic, templates, said, title)
        _availability(found, said, found.bound[before:])
    except Fault as fault:
        if isinstance(fault, TimeFault) and kind_of(component, "", said)[0] == "any":
            # A time, though nothing but its template says so.
            return
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
    means = MEANS.get(channel) if channel else _text(said.get("device_class"))
    if means in TIMES:
        return
    key = f"{key}.{channel}" if channel else key
    kind, words = kind_of(component, channel, said)
    if component in ONE_TEMPLATE:
        templates = (*templates, "value_template")
    binding: dict[str, Any] = {"kind": kind, "key": key, **words}
    health = health_of(component, key, said)
    states = states_of(component, channel, said)
    # Such texts that elsewhere say that there is no value: a smoke detector's `unknown`.
    odd = [each for each in states if says_nothing(each)]
    binding |= ({"health": health} if health else {}) | ({"states": odd} if odd else {})
    _bind(found, said.get(topic), said, templates, binding)
    unit, every = unit_of(channel, said), interval_of(said)
    if kind == "event":
        names = strings(said.get("event_types"))
        found.points += [DescribedPoint(f"{key}.{each}", "event", name=title) for each in names]
    elif kind == "boolean":
        found.points.append(DescribedPoint(key, "boolean", None, (), title, means, every))
    elif kind == "object" and component == "light":
        found.points.append(DescribedPoint(f"{key}.state", "boolean", name=title))
    elif kind in ("text", "valve") and states:
        found.points.append(DescribedPoint(key, "state", None, states, title, means, every))
        further = [f"{key}.position"] if words.get("reports") else []
        found.points += [DescribedPoint(each, "number", "%", name=title) for each in further]
    elif kind == "number" or (kind == "any" and means):
        found.points.append(DescribedPoint(key, "number", unit, (), title, means, every))


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


def _availability(found: Announced, said: Mapping[str, Any], bound: list[Bound]) -> None:
    """Take in what says whether an entity is there. bound: what its topics tell.

    Where a message itself says that the entity is not, its value is none: a template made it up.
    """
    group = group_of(said)
    if group is None:
        return
    for place in group["places"]:
        _topic(place["topic"])
        if "template" in place:
            _template(place["template"])
            for one in bound:
                if one.topic == place["topic"]:
                    one.said["there"] = {k: v for k, v in place.items() if k != "topic"}
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
