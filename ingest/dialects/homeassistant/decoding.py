"""Home Assistant's MQTT discovery (integrations/mqtt): configurations, and the states they name.

Configurations stand on `<prefix>/<component>/[<node>/]<object>/config`, states wherever these say;
those topics are followed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem, parse
from ingest.dialects.homeassistant.availability import heard as heard_groups
from ingest.dialects.homeassistant.availability import is_there, says
from ingest.dialects.homeassistant.configuring import Announced, Place, announced, place_of
from ingest.dialects.homeassistant.positions import percent, valve_told
from ingest.dialects.homeassistant.templates import Fault, render
from ingest.dialects.naming import Named, device_code, named
from ingest.dialects.spoken import (
    FOLLOWED,
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.values import (
    NOTHING,
    Value,
    document,
    flat,
    health,
    name_in,
    number_in,
    says_nothing,
    scalar,
    sound,
    words,
)

# What the source remembers under these: of a configuration its device, the topics that it follows,
# the points that it describes and what says whether it is there; of a device its configurations,
# and what of all of these says whether it is there. Under FOLLOWED and a topic stands a list of
# [configuration, or DEVICE and a device, what the topic tells].
CONFIGURATION, DEVICE, GROUPS = "config/", "device/", "groups/"
# What is noted under this and a device: what each of its groups said.
AVAILABLE = "available/"
_MOST_BOUND = 500
# As templates print what is true or false in JSON.
_PRINTED = {"True": True, "False": False}


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for commands, and for topics that no configuration names."""
    followed = memory.get(FOLLOWED + topic)
    if followed:
        return _state(topic, payload, followed, memory)
    place = place_of(topic.split("/"))
    return None if place is None else _configuration(place, topic, payload, memory)


def _configuration(place: Place, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    before = memory.get(CONFIGURATION + topic)
    if not payload:
        return _forgotten(topic, before, memory) if before else None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if _taken_back(said):
        return _forgotten(topic, before, memory) if before else None
    found = announced(place, said)
    own = named(memory, found.device)
    if isinstance(own, Problem):
        return own
    now = {
        "device": found.device,
        "topics": list(dict.fromkeys(bound.topic for bound in found.bound)),
        "points": [
            [
                point.key,
                point.kind,
                point.unit,
                list(point.states),
                point.name,
                point.means,
                point.interval,
            ]
            for point in found.points
        ],
        "available": found.available,
    }
    remember = {**own.remember, **_changes(topic, now, found, before, memory)}
    described = Described(
        name_in(found.about.get("name")),
        name_in(found.about.get("manufacturer")),
        name_in(found.about.get("model")),
        tuple(_all_points(found.device, remember, memory)),
    )
    through = device_code(found.through) if found.through else None
    told = Told(own.code, through=through if through != own.code else None, described=described)
    problems = [Problem("unsupported", detail) for detail in found.problems]
    return Decoded([told], problems, remember)


def _taken_back(said: Mapping[str, Any]) -> bool:
    """Whether a configuration holds nothing, or goes over into the one of its whole device."""
    return not said or said.get("migrate_discovery", said.get("migr_discvry")) is True


def _forgotten(topic: str, before: Mapping[str, Any], memory: Mapping[str, Any]) -> Decoded:
    """What is left of a configuration that was taken back."""
    return Decoded(remember=_changes(topic, None, None, before, memory))


def _changes(
    topic: str,
    now: dict[str, Any] | None,
    found: Announced | None,
    before: Mapping[str, Any] | None,
    memory: Mapping[str, Any],
) -> dict[str, Any]:
    """What is to be remembered where a configuration says something else than before."""
    changed: dict[str, Any] = {CONFIGURATION + topic: now}
    for each in before["topics"] if before else ():
        kept = [one for one in memory.get(FOLLOWED + each, []) if one[0] != topic]
        changed[FOLLOWED + each] = kept or None
    for bound in found.bound[:_MOST_BOUND] if found else ():
        key = FOLLOWED + bound.topic
        standing = changed[key] if key in changed else memory.get(key)
        now_bound = [*(standing or []), [topic, bound.said]]
        changed[key] = sorted(now_bound, key=_first)[-_MOST_BOUND:]
    for device in {one["device"] for one in (before, now) if one}:
        listed = [each for each in memory.get(DEVICE + device, []) if each != topic]
        if now and now["device"] == device:
            listed.append(topic)
        changed[DEVICE + device] = sorted(listed) or None
        _regroup(device, changed, memory)
    return {key: value for key, value in changed.items() if value != memory.get(key)}


def _regroup(device: str, changed: dict[str, Any], memory: Mapping[str, Any]) -> None:
    """Follow what the configurations of a device, as they are now, say of whether it is there.

    Each topic is kept once for a device, since all entities behind a bridge name the bridge's.
    """
    groups: dict[str, Any] = {}
    for topic in changed[DEVICE + device] or ():
        groups |= _kept(CONFIGURATION + topic, changed, memory).get("available", {})
    before = memory.get(GROUPS + device) or {}
    changed[GROUPS + device] = groups or None
    told = [DEVICE + device, {"kind": "available", "device": device}]
    topics = {
        place["topic"]: these is groups
        for these in (before, groups)
        for group in these.values()
        for place in group["places"]
    }
    for topic, wanted in topics.items():
        key = FOLLOWED + topic
        others = [one for one in _kept(key, changed, memory) or () if one[0] != told[0]]
        changed[key] = sorted([*others, *([told] if wanted else [])], key=_first) or None


def _kept(key: str, changed: Mapping[str, Any], memory: Mapping[str, Any]) -> Any:
    """What will be remembered, as far as it is decided already."""
    return (changed[key] if key in changed else memory.get(key)) or {}


def _first(one: list[Any]) -> str:
    return str(one[0])


def _all_points(
    device: str, changed: Mapping[str, Any], memory: Mapping[str, Any]
) -> Iterator[DescribedPoint]:
    """What all configurations of a device describe; most devices have one for each point."""
    for topic in changed.get(DEVICE + device, memory.get(DEVICE + device)) or ():
        known = _kept(CONFIGURATION + topic, changed, memory)
        for code, kind, unit, states, *rest in known.get("points", ()):
            yield DescribedPoint(code, kind, unit, tuple(states), *rest)


@dataclass(slots=True)
class _Heard:
    """What one device tells by a message, collected from all that its topic stands for."""

    own: Named
    measured: dict[str, Value] = field(default_factory=dict)
    others: list[Spoken] = field(default_factory=list)
    known: dict[str, float] = field(default_factory=dict)
    lasts: dict[str, float] = field(default_factory=dict)

    def told(self) -> Told:
        readings = [Spoken("readings", dict(self.measured), self.lasts)] if self.measured else []
        return Told(self.own.code, [*readings, *self.others], health=self.known)


def _state(topic: str, payload: bytes, followed: list[Any], memory: Mapping[str, Any]) -> Result:
    if not payload:
        return None
    text = words(payload)
    if isinstance(text, Problem):
        return text
    heard: dict[str, _Heard] = {}
    problems: list[Problem] = []
    several = sum(bound["kind"] != "available" for _, bound in followed) > 1
    note: dict[str, Any] = {}
    remember: dict[str, Any] = {}
    for _, bound in followed:
        name = bound["device"]
        if name not in heard:
            own = named(memory, name)
            if isinstance(own, Problem):
                problems.append(own)
                continue
            heard[name] = _Heard(own)
            remember.update(own.remember)
        if bound["kind"] == "available":
            note.update(_available(heard[name], name, topic, text, memory))
            continue
        said = _said(bound, text)
        if said is None or ((several or "lasts" in bound) and _for_another(bound, said)):
            continue
        if (problem := _hear(heard[name], bound, said)) is not None:
            problems.append(problem)
    told = [one.told() for one in heard.values()]
    return Decoded(told, problems, remember, note)


def _for_another(bound: Mapping[str, Any], text: str) -> bool:
    """Whether a word on a topic of several switches is one of another: a code of a remote."""
    return (
        bound["kind"] == "boolean"
        and "template" not in bound
        and text not in (bound["on"], bound["off"])
    )


def _said(bound: Mapping[str, Any], text: str) -> str | None:
    """The text that counts; None where the template makes nothing of the payload."""
    if "there" in bound and says(bound["there"], text) is False:
        return None
    if "template" in bound:
        try:
            text = render(bound["template"], text)
        except Fault:
            # As with a partial state that lacks what the template asks for.
            return None
    if "json" in bound and text.startswith("{"):
        # A siren tells beside its state how it sounds.
        whole = parse(text.encode("utf-8", "replace"))
        state = whole.get("state") if isinstance(whole, dict) else text
        text = "" if state is None else str(state)
    return text if text or "template" not in bound else None


def _available(
    one: _Heard, name: str, topic: str, text: str, memory: Mapping[str, Any]
) -> dict[str, Any]:
    """Take in whether a device is there, by all of its groups; returns what is to be noted."""
    groups = memory.get(GROUPS + name) or {}
    key = AVAILABLE + one.own.code
    before = {group: said for group, said in (memory.get(key) or {}).items() if group in groups}
    known = heard_groups(groups, topic, text, before)
    online = is_there(groups, known)
    # What a topic says beside its two words is nothing new.
    spoke = any(known.get(group) is not before.get(group) for group in groups)
    if spoke and online is not None:
        one.others.append(Spoken("status", {"online": online}))
    return {key: known}


def _hear(one: _Heard, bound: Mapping[str, Any], text: str) -> Problem | None:
    """Take in what one configuration makes of a message."""
    kind = bound["kind"]
    if kind == "trigger":
        if bound.get("on", text) == text:
            one.others.append(Spoken("event", {"event": bound["event"]}))
        return None
    if kind == "scan":
        if sound(text) and text:
            one.others.append(Spoken("scan", {"guard": text}))
        return None
    key = bound["key"]
    if kind in ("event", "object", "valve"):
        return _structure(one, bound, text)
    value = _value(kind, key, text, bound)
    if isinstance(value, Problem) or value is None:
        return value
    one.measured[key] = value
    one.lasts.pop(key, None)
    if value is True and "lasts" in bound:
        one.lasts[key] = bound["lasts"]
    if "health" in bound and not isinstance(value, bool | str):
        one.known.update(_health(bound["health"], value))
    return None


def _structure(one: _Heard, bound: Mapping[str, Any], text: str) -> Problem | None:
    kind, key = bound["kind"], bound["key"]
    if text.lower() in NOTHING:
        return None
    if kind == "valve":
        valve = valve_told(text, bound)
        if isinstance(valve, Problem):
            return valve
        one.measured |= valve
        return None
    said = parse(text.encode("utf-8", "replace"))
    if isinstance(said, Problem):
        return said
    if not isinstance(said, dict):
        return Problem("wrong_shape", f"{key[:60]}: a JSON object is expected")
    if kind == "object":
        one.measured |= flat({key: said}, texts=True)
        return None
    name = said.get("event_type")
    if isinstance(name, str) and name and sound(name):
        one.others.append(Spoken("event", {"event": f"{key}.{name}"}))
    return None


def _value(kind: str, key: str, text: str, bound: Mapping[str, Any]) -> Value | Problem | None:
    if kind == "boolean":
        if text in (bound["on"], bound["off"]):
            return bool(text == bound["on"])
        if text.lower() in NOTHING:
            return None
        detail = f"{key[:60]}: {text[:40]!r} is neither {bound['on'][:40]} nor {bound['off'][:40]}"
        return Problem("wrong_type", detail)
    if kind == "text":
        told = text in bound.get("states", ()) or not says_nothing(text)
        return sound(text) if told else None
    if text.lower() in NOTHING and kind == "number":
        return None
    if kind == "any" and text in _PRINTED:
        return _PRINTED[text]
    found = number_in(text) if kind == "number" else scalar(text)
    if found is None and kind == "number":
        return Problem("wrong_type", f"{key[:60]}: {text[:40]!r} is no number")
    if "scale" in bound and isinstance(found, int | float):
        return percent(found, bound["scale"])
    return found


def _health(what: str, value: float) -> dict[str, float]:
    if what == "lqi":
        return health(link_quality=value * 100 / 255)
    if what == "millivolts":
        return health(battery_voltage=value / 1000)
    return health(**{what: value})
