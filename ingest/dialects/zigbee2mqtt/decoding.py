"""Zigbee2MQTT (MQTT topics and messages; Exposes): devices behind a bridge, by friendly name.

Topics are `<base>/<friendly name>`, whose name may have levels of its own, and `<base>/bridge/…`.
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import takewhile
from typing import Any, Literal

import msgspec

from ingest.decoding import Problem, decode_json, moment_in, parse
from ingest.dialects.naming import NAMED, device_code, named
from ingest.dialects.spoken import (
    Absent,
    Decoded,
    Described,
    ForeignSource,
    Ordinary,
    Plan,
    Result,
    Shape,
    Spoken,
    TimeText,
    Told,
)
from ingest.dialects.values import (
    document,
    flat,
    name_in,
    number_in,
    scalar,
    timed,
    words,
)
from ingest.dialects.zigbee2mqtt.describing import description_of, known_of
from ingest.dialects.zigbee2mqtt.stating import NOT_MEASURED, PRESSES, health_of, messages

BASE = "zigbee2mqtt"
# What the source remembers under this, the code of a bridge and a friendly name: {"words":
# {property: [on, off]}, "volts": True, where its voltage is in V, "states": {property:
# [state]}, of those that elsewhere are no value, "group": True}, each if it is so.
DEVICE = "device/"
# What is noted under this, the code of a bridge and a friendly name: that its actions come in JSON.
# A bridge made for Home Assistant says each of them once more, bare.
PRESSED = "pressed/"
_USUAL = f"{BASE}/"
_ASKED = frozenset({"set", "get"})
_ONLINE = {"online": True, "offline": False}
_MOST_DEVICES = 2_000


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for requests, answers, and what the bridge tells of its work."""
    bridge = _bridge_of(source, topic)
    if bridge is None:
        return None
    rest = topic[len(bridge.base) + 1 :]
    if rest.startswith("bridge/"):
        return _bridge(bridge, rest.removeprefix("bridge/"), payload, memory)
    if "/" in rest:
        levels = rest.split("/")
        if not _ASKED.isdisjoint(levels[1:]):
            return None
        if levels[-1] == "availability":
            return _availability(bridge, "/".join(levels[:-1]), payload, memory)
    return _state(bridge, rest, payload, memory)


def plan(source: ForeignSource, topic: str, memory: Mapping[str, Any]) -> Plan | None:
    """How states of a device are read that tell no action."""
    bridge = _bridge_of(source, topic)
    if bridge is None:
        return None
    name = topic[len(bridge.base) + 1 :]
    levels = name.split("/")
    if levels[0] == "bridge" or levels[-1] == "availability" or not _ASKED.isdisjoint(levels):
        return None
    if _is_part(bridge, name, memory):
        return None
    known = memory.get(bridge.key(name), {})
    meant: Mapping[str, Any] = known.get("words", {})
    own = named(memory, bridge.full(name))
    if isinstance(own, Problem) or own.remember or known.get("group"):
        return None
    words = {
        key: {off: False, on: True} if isinstance(on, str) and isinstance(off, str) else {}
        for key, (on, off) in meant.items()
    }
    return Plan(
        own.code,
        partial(_ordinary, bridge.code),
        words,
        NOT_MEASURED,
        shape=Shape(_Usual, moment_in, gateway=bridge.code),
    )


class _Usual(msgspec.Struct, gc=False):
    """What is read of a state beside its values; a contact may be a value of another name."""

    time: TimeText | float | None = msgspec.field(default=None, name="last_seen")
    action: Literal[""] | None = None
    click: Literal[""] | None = None
    contact: Absent = msgspec.UNSET
    nameless: Absent = msgspec.field(default=msgspec.UNSET, name="")


def _ordinary(bridge: str, payload: bytes) -> Ordinary | None:
    fields = decode_json(payload)
    if fields.get("action") or fields.get("click") or fields.get("battery").__class__ is str:
        return None
    contact = fields.get("contact")
    if contact is not None:
        if contact.__class__ is not bool or "open" in fields:
            return None
        fields["open"] = not contact
    return fields, fields.get("last_seen"), bridge


@dataclass(frozen=True, slots=True)
class _Bridge:
    """A bridge by its base topic. spelled: whether the source says which it is."""

    base: str
    spelled: bool

    @property
    def code(self) -> str:
        return device_code(self.base)

    def key(self, name: str) -> str:
        """Under what a source remembers a device, or a group."""
        return f"{DEVICE}{self.code}/{name}"

    def full(self, name: str) -> str:
        """A name that no device of another bridge of the source has."""
        return name if self.spelled else f"{self.base}/{name}"


def _bridge_of(source: ForeignSource, topic: str) -> _Bridge | None:
    """By the option, or the usual base topic, or what the filter spells, or one level."""
    given = source.options.get("base")
    if isinstance(given, str):
        return _bridge_at(given) if topic.startswith(f"{given}/") else None
    if topic.startswith(_USUAL):
        return _bridge_at(BASE)
    base = _spelled(source.topic_filter)
    if not base:
        first, _, rest = topic.partition("/")
        return _Bridge(first, spelled=False) if rest else None
    return _bridge_at(base) if topic.startswith(f"{base}/") else None


@lru_cache(maxsize=256)
def _bridge_at(base: str) -> _Bridge:
    return _Bridge(base, spelled=True)


@lru_cache(maxsize=256)
def _spelled(topic_filter: str) -> str:
    return "/".join(takewhile(lambda level: level not in ("+", "#"), topic_filter.split("/")))


def _state(bridge: _Bridge, rest: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    if _is_part(bridge, rest, memory) and payload[:1] == b"{":
        return None
    said = parse(payload)
    name = rest
    if not isinstance(said, dict):
        # One attribute a topic, as a bridge may be set to publish.
        name, _, attribute = rest.rpartition("/")
        if not payload:
            return None
        if not name or bridge.key(rest) in memory or payload[:1] in b"{[":
            return _shapeless(said)
        text = words(payload)
        if isinstance(text, Problem):
            return text
        if attribute in PRESSES and _pressed(bridge, name) in memory:
            return None
        states = memory.get(bridge.key(name), {}).get("states", {})
        bare = text if text in states.get(attribute, ()) else scalar(text)
        said = {attribute: said if isinstance(said, str) else bare}
        note = {}
    else:
        note = _noted(bridge, name, said, memory)
    if isinstance(said.get("battery"), str):
        # Bridges of 2018 and 2019 wrote "100.00".
        said["battery"] = number_in(said["battery"])
    known = memory.get(bridge.key(name))
    if known and known.get("group"):
        # What a group says, its members say as well.
        return None
    own = named(memory, bridge.full(name))
    if isinstance(own, Problem):
        return own
    told = Told(
        own.code,
        list(messages(said, known)),
        through=bridge.code,
        health=health_of(said, volts=bool(known and known.get("volts"))),
    )
    return Decoded([told], remember=own.remember, note=note) if own.remember or note else told


def _is_part(bridge: _Bridge, rest: str, memory: Mapping[str, Any]) -> bool:
    """Whether it is an endpoint of a device, as `lamp/l1`, of which the device itself tells all.

    A bridge made for Home Assistant says lights and covers of several endpoints that way as well.
    """
    name, _, part = rest.rpartition("/")
    whole = memory.get(bridge.key(name)) if name and part else None
    return whole is not None and not whole.get("group") and bridge.key(rest) not in memory


def _pressed(bridge: _Bridge, name: str) -> str:
    return f"{PRESSED}{bridge.code}/{name}"


def _noted(
    bridge: _Bridge, name: str, said: Mapping[str, Any], memory: Mapping[str, Any]
) -> dict[str, Any]:
    key = _pressed(bridge, name)
    pressed = any(said.get(each) for each in PRESSES)
    return {key: True} if pressed and key not in memory else {}


def _shapeless(said: Any) -> Problem:
    if isinstance(said, Problem):
        return said
    return Problem("wrong_shape", "a device says a JSON object")


def _availability(bridge: _Bridge, name: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """`online` and `offline`, bare or as a state; an empty one is a device renamed or removed."""
    if not payload:
        gone = _forgotten(bridge, name, memory)
        return Decoded(remember=gone) if gone else None
    if memory.get(bridge.key(name), {}).get("group"):
        return None
    online = _online(payload)
    if isinstance(online, Problem):
        return online
    own = named(memory, bridge.full(name))
    if isinstance(own, Problem):
        return own
    told = Told(own.code, [Spoken("status", {"online": online})], through=bridge.code)
    return Decoded([told], remember=own.remember)


def _online(payload: bytes) -> bool | Problem:
    word: Any = payload.strip().decode("utf-8", "replace")
    if word not in _ONLINE:
        said = parse(payload)
        word = said.get("state") if isinstance(said, dict) else said
    online = _ONLINE.get(word) if isinstance(word, str) else None
    return Problem("wrong_shape", "a state is online or offline") if online is None else online


def _bridge(bridge: _Bridge, rest: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    if not payload:
        return None
    code = bridge.code
    if rest == "state":
        online = _online(payload)
        if isinstance(online, Problem):
            return online
        return Told(code, [Spoken("status", {"online": online})])
    if rest in ("devices", "groups"):
        said = parse(payload)
        if isinstance(said, Problem):
            return said
        if not isinstance(said, list):
            return Problem("wrong_shape", f"bridge/{rest} is an array")
        listed = [one for one in said[:_MOST_DEVICES] if isinstance(one, dict)]
        listing = _devices if rest == "devices" else _groups
        return listing(bridge, listed, memory)
    if rest in ("info", "event", "health"):
        one = document(payload)
        if isinstance(one, Problem):
            return one
        if rest == "event":
            return _event(bridge, one, memory)
        return _info(code, one) if rest == "info" else _own_health(code, one)
    return None


def _info(code: str, said: Mapping[str, Any]) -> Told:
    coordinator = said.get("coordinator")
    model = coordinator.get("type") if isinstance(coordinator, dict) else None
    bridge = Described("Zigbee2MQTT", None, name_in(model))
    return Told(code, described=bridge)


def _own_health(code: str, said: Mapping[str, Any]) -> Told:
    # What it tells of every device there, the devices tell as well.
    measured = flat(said, texts=False, leave=frozenset({"devices", "response_time"}))
    when = timed(said.get("response_time"))
    return Told(code, [Spoken("readings", {**measured, **when})] if measured else [])


def _event(bridge: _Bridge, said: Mapping[str, Any], memory: Mapping[str, Any]) -> Result:
    """What happens to a device: of interviews what it is, and that one has left."""
    about = said.get("data")
    name = name_in(about.get("friendly_name")) if isinstance(about, dict) else None
    if not isinstance(about, dict) or name is None:
        return None
    left = said.get("type") == "device_leave"
    definition = about.get("definition") if about.get("status") == "successful" else None
    if not left and not isinstance(definition, dict):
        return None
    own = named(memory, bridge.full(name))
    if isinstance(own, Problem):
        return own
    messages = [Spoken("status", {"online": False})] if left else []
    described = None if left else description_of(about)
    told = Told(own.code, messages, through=bridge.code, described=described)
    return Decoded([told], remember=own.remember)


def _remembered(bridge: _Bridge, memory: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that a bridge has listed, with what is known of each."""
    start = bridge.key("")
    for key, known in memory.items():
        if key.startswith(start):
            yield key[len(start) :], known


def _forgotten(bridge: _Bridge, name: str, memory: Mapping[str, Any]) -> dict[str, Any]:
    """What a source forgets with a name: another may have its code then."""
    full = bridge.full(name)
    claim = NAMED + device_code(full)
    gone = {bridge.key(name): None} if bridge.key(name) in memory else {}
    return {**gone, claim: None} if memory.get(claim) == full else gone


def _groups(bridge: _Bridge, listed: list[dict[str, Any]], memory: Mapping[str, Any]) -> Decoded:
    """Groups are no devices: what is said under their names is left."""
    names = {name for one in listed if (name := name_in(one.get("friendly_name")))}
    known = {name for name, each in _remembered(bridge, memory) if each.get("group")}
    remember: dict[str, Any] = {bridge.key(name): {"group": True} for name in names - known}
    return Decoded(remember=remember | {bridge.key(name): None for name in known - names})


def _devices(bridge: _Bridge, listed: list[dict[str, Any]], memory: Mapping[str, Any]) -> Decoded:
    """All devices of a bridge with what each can say; those that are gone are forgotten."""
    told, problems = [], []
    by_name = {
        name: one
        for one in listed
        if (name := name_in(one.get("friendly_name")))
        and one.get("type") != "Coordinator"
        and one.get("disabled") is not True
    }
    remember: dict[str, Any] = {}
    for name, known in _remembered(bridge, memory):
        if name not in by_name and not known.get("group"):
            remember |= _forgotten(bridge, name, memory)
    now = ChainMap(remember, dict(memory))
    for name, one in by_name.items():
        own = named(now, bridge.full(name))
        if isinstance(own, Problem):
            problems.append(own)
            continue
        known = known_of(one)
        if known != memory.get(bridge.key(name)):
            remember[bridge.key(name)] = known
        remember.update(own.remember)
        told.append(Told(own.code, through=bridge.code, described=description_of(one)))
    return Decoded(told, problems, remember)
