"""Tasmota (docs/MQTT.md of tasmota/docs): what its devices tell, cards at a PN532 among it.

Topics are `%prefix%/%topic%/SENSOR` by default, and in any other order that a device is set to.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ingest.decoding import Problem, decode_json
from ingest.dialects.naming import beside, named
from ingest.dialects.spoken import (
    Absent,
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Ordinary,
    Plan,
    Result,
    Shape,
    Spoken,
    TimeText,
    Told,
)
from ingest.dialects.tasmota.bridged import ENVELOPES, passed_on, wrapped
from ingest.dialects.tasmota.clock import NEVER, usual_clock, usual_time, when
from ingest.dialects.tasmota.describing import (
    DESCRIBED,
    DISCOVERY,
    NOT_MEASURED,
    SLEEPS,
    announced,
    points,
)
from ingest.dialects.values import Value, document, flat, health, name_in, number, sound

TELE, STAT = "tele", "stat"
# A message whose own JSON stands for something else than the state of its device.
_CARD_READERS = ("PN532", "RDM6300", "RC522")
_BEACON = "IBEACON"
_LEFT = NOT_MEASURED | {_BEACON, *_CARD_READERS, *ENVELOPES}
# With these a message tells more than values, or when in another way.
_ELSE = frozenset({"Epoch", "Device", _BEACON, *_CARD_READERS, *ENVELOPES})
_ONLINE = {b"Online": True, b"Offline": False}
# Also as somebody may have set the texts of states (`StateText`).
_SWITCHED = {"ON": True, "OFF": False, "1": True, "0": False, "TRUE": True, "FALSE": False}
_POWER = re.compile(r"POWER\d{0,2}", re.ASCII)
_SWITCHING = re.compile(r"POWER\d{0,2}|Switch\d{1,2}", re.ASCII)
_THRESHOLD = re.compile(r"(?:POWER|VOLTAGE|CURRENT)_(?:LOW|HIGH)", re.ASCII)
_STATUS = re.compile(r"STATUS\d{0,2}", re.ASCII)
_PRESSED = re.compile(r"(?:Button|Switch)\d{0,2}", re.ASCII)
# On topics of these, in JSON, what commands are answered where that goes by command (`SetOption4`),
# and what switches and buttons say to a topic of theirs.
_COMMANDS = re.compile(
    r"(?:POWER|DIMMER|SHUTTER)\d{0,2}|(?:BUTTON|SWITCH)\d{1,2}T?|PCF8574_INP|MCP230XX_INT", re.ASCII
)
# Inputs of an expander that changed, `{"PCF8574-1_INP":{"D2":1}}`: SENSOR tells all of them under
# the first of these names.
_INPUTS = re.compile(r"(PCF8574-\d)_INP|(MCP230XX)_INT", re.ASCII)
_INPUT = re.compile(r"D\d{1,2}", re.ASCII)
_TRIGGER = re.compile(r"(BUTTON|SWITCH)(\d{1,2})T?", re.ASCII)
# What of a command's result is the state of the device.
_RESULT = re.compile(r"POWER\d{0,2}|Dimmer\d?|Shutter\d{1,2}|Switch\d{1,2}", re.ASCII)


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message tells; None for commands, and what devices tell of their work.

    What stands in the source's filter as it is says where, not which device it is. `Time` is local
    and names no zone: it is the source's.
    """
    prefix, last, name = _parted(topic, source.topic_filter)
    if not prefix:
        levels = topic.split("/")
        return announced(levels, payload, memory) if levels[:2] == DISCOVERY else None
    if prefix == TELE and last in ("SENSOR", "STATE", *ENVELOPES):
        return _sensors(source, last, name, payload, memory)
    if last == "LWT" and prefix == TELE:
        online = _ONLINE.get(payload.strip())
        if online is None:
            return Problem("wrong_shape", "LWT is Online or Offline") if payload else None
        return _here(name, online, memory)
    if last == "DEEPSLEEP":
        return _sleeps(name, payload, memory)
    if prefix == TELE and last == "INFO1":
        return _module(name, payload, memory)
    if last in ("RESULT", "MARGINS") or (prefix == STAT and _is_answer(last, payload)):
        return _answered(source, prefix, last, name, payload, memory)
    if _POWER.fullmatch(last) if prefix == STAT else _THRESHOLD.fullmatch(last):
        on = _switched(payload.decode("utf-8", "replace"))
        if on is None:
            return Problem("wrong_shape", f"{last} is ON or OFF") if payload else None
        return _told(name, [Spoken("readings", {last: on})], memory)
    return None


def plan(source: ForeignSource, topic: str, memory: Mapping[str, Any]) -> Plan | None:
    """How SENSOR and STATE are read that tell nothing but values of the device itself."""
    prefix, last, name = _parted(topic, source.topic_filter)
    own = named(memory, name)
    if prefix != TELE or last not in ("SENSOR", "STATE"):
        return None
    if isinstance(own, Problem) or own.remember:
        return None
    shape = Shape(_Usual, usual_clock(source.zone))
    return Plan(own.code, partial(_ordinary, source.zone), leave_deep=_LEFT, shape=shape)


class _Time(msgspec.Struct, gc=False):
    """Without it a message is rare, and its only key may be a device behind a bridge."""

    time: TimeText = msgspec.field(name="Time")


_Usual = msgspec.defstruct(
    "_Usual",
    [(f"none{place}", Absent, msgspec.UNSET) for place in range(len(_ELSE) + 1)],
    bases=(_Time,),
    rename={f"none{place}": name for place, name in enumerate((*sorted(_ELSE), ""))},
    gc=False,
)


def _ordinary(zone: ZoneInfo, payload: bytes) -> Ordinary | None:
    fields = decode_json(payload)
    if not _ELSE.isdisjoint(fields) or len(fields) == 1:
        # The only one may be a device behind a bridge.
        return None
    said = fields.get("Time")
    if said is None:
        return fields, None, None
    seconds = usual_time(said, zone)
    return None if seconds is None else (fields, seconds, None)


@lru_cache(maxsize=16_384)
def _parted(topic: str, topic_filter: str) -> tuple[str, str, str]:
    """Prefix, last level and the device's name; no prefix where a topic is none of Tasmota's."""
    *path, last = topic.split("/")
    place = next((place for place, level in enumerate(path) if level in (TELE, STAT)), None)
    if place is None:
        return "", last, ""
    prefix = path[place]
    path[place] = ""
    return prefix, last, beside(path, topic_filter) or prefix


def _told(name: str, messages: list[Spoken], memory: Mapping[str, Any]) -> Result:
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    told = Told(own.code, messages)
    return Decoded([told], remember=own.remember) if own.remember else told


def _is_answer(last: str, payload: bytes) -> bool:
    if _STATUS.fullmatch(last):
        return True
    return payload[:1] == b"{" and _COMMANDS.fullmatch(last) is not None


def _switched(text: str) -> bool | None:
    return _SWITCHED.get(text.strip().upper())


def _here(name: str, online: bool, memory: Mapping[str, Any]) -> Result:
    """Its status; one that sleeps between its reports is missed by silence, as others like it."""
    own = named(memory, name)
    if not online and not isinstance(own, Problem) and memory.get(SLEEPS + own.code):
        return None
    return _told(name, [Spoken("status", {"online": online})], memory)


def _sleeps(name: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """`{"DeepSleep": {…}}`, said before a device goes to sleep; older ones say it under `stat`."""
    said = document(payload)
    own = named(memory, name)
    if isinstance(said, Problem) or isinstance(own, Problem) or "DeepSleep" not in said:
        return None
    if memory.get(SLEEPS + own.code):
        return None
    return Decoded(remember={SLEEPS + own.code: True})


def _sensors(
    source: ForeignSource, last: str, name: str, payload: bytes, memory: Mapping[str, Any]
) -> Result:
    if not payload:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    return _state(source, name, wrapped(last, said), memory)


def _module(name: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a device is, as it says when it starts. Older ones say it without `Info1` around it."""
    said = document(payload)
    inner = {} if isinstance(said, Problem) else said.get("Info1", said)
    module = name_in(inner.get("Module")) if isinstance(inner, dict) else None
    own = named(memory, name)
    if module is None or isinstance(own, Problem):
        return None
    told = Told(own.code, described=Described(maker="Tasmota", model=module))
    return Decoded([told], remember=own.remember)


def _state(
    source: ForeignSource, name: str, said: Mapping[str, Any], memory: Mapping[str, Any]
) -> Result:
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    moment = when(said, source.zone, memory, own.code) if "Time" in said else NEVER
    measured = flat(said, texts=False, leave=_LEFT) | _switches(said)
    messages = list(_scans(said, moment.ts))
    if measured:
        messages.append(Spoken("readings", {**measured, **moment.ts}))
    note = dict(moment.note)
    described = None
    known: dict[str, DescribedPoint] = memory.get(DESCRIBED + own.code, {})
    if "Wifi" not in said and not measured.keys() <= known.keys():
        # A switch that changes is told without the sensors beside it.
        known = {**known, **{point.key: point for point in points(measured, said)}}
        note[DESCRIBED + own.code] = known
        described = Described(points=tuple(known.values()))
    told = [Told(own.code, messages, health=_health(said), described=described)]
    if not any(envelope in said for envelope in ENVELOPES):
        return Decoded(told, remember=own.remember, note=note) if note or own.remember else told[0]
    passed = passed_on(said, name, moment.ts, memory)
    if not messages:
        told = []
    remember = {**(own.remember if told else {}), **passed.remember}
    return Decoded(told + passed.told, passed.problems, remember, note | passed.note)


def _health(said: Mapping[str, Any]) -> dict[str, float]:
    radio, battery = said.get("Wifi"), number(said.get("BatteryPercentage"))
    if not isinstance(radio, dict):
        return health(battery=battery)
    return health(
        battery=battery,
        link_quality=number(radio.get("RSSI")),
        rssi=number(radio.get("Signal")),
    )


def _answered(
    source: ForeignSource,
    prefix: str,
    last: str,
    name: str,
    payload: bytes,
    memory: Mapping[str, Any],
) -> Result:
    """What commands are answered, as far as it is the state of the device; else None."""
    if not payload:
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    if last.startswith("STATUS"):
        return _status(source, name, said, memory)
    if any(envelope in said for envelope in ENVELOPES):
        return _state(source, name, wrapped(last, said), memory)
    if trigger := _TRIGGER.fullmatch(last):
        action = said.get("STATE", said.get("TRIG"))
        said = {f"{trigger[1].capitalize()}{trigger[2]}": {"Action": action}} if action else said
    if last == "MARGINS":
        margins = said.get("MARGINS", said)
        measured = flat(margins, texts=False) if isinstance(margins, dict) else {}
        return _told(name, [Spoken("readings", dict(measured))], memory) if measured else None
    messages = list(_result(said)) if prefix == STAT else []
    return _told(name, messages, memory) if messages else None


def _status(
    source: ForeignSource, name: str, said: Mapping[str, Any], memory: Mapping[str, Any]
) -> Result:
    for part in ("StatusSNS", "StatusSTS"):
        inner = said.get(part)
        if isinstance(inner, dict):
            return _state(source, name, inner, memory)
    about = said.get("Status")
    title = name_in(about.get("DeviceName")) if isinstance(about, dict) else None
    if title is None:
        return None
    own = named(memory, name)
    if isinstance(own, Problem):
        return own
    return Decoded([Told(own.code, described=Described(title, "Tasmota"))], remember=own.remember)


def _result(said: Mapping[str, Any]) -> Iterator[Spoken]:
    measured: dict[str, Value] = {}
    for key, value in said.items():
        action = value.get("Action") if isinstance(value, dict) else None
        if isinstance(action, str) and _PRESSED.fullmatch(key):
            on = _switched(action)
            if on is not None and key.startswith("Switch"):
                measured[key] = on
            elif action and sound(action):
                yield Spoken("event", {"event": f"{key}.{action}"})
        elif _RESULT.fullmatch(key):
            measured |= flat({key: value}, texts=False)
        elif isinstance(value, dict) and (of := _INPUTS.fullmatch(key)):
            changed = {name: one for name, one in value.items() if _INPUT.fullmatch(name)}
            measured |= flat({of[1] or of[2]: changed}, texts=False)
    measured |= _switches(said)
    if measured:
        yield Spoken("readings", dict(measured))


def _switches(said: Mapping[str, Any]) -> dict[str, bool]:
    """What relays and switches say that are set to say other words than `ON` and `OFF`."""
    return {
        key: on
        for key, value in said.items()
        if isinstance(value, str) and _SWITCHING.fullmatch(key)
        if (on := _switched(value)) is not None
    }


def _scans(said: Mapping[str, Any], moment: Mapping[str, Any]) -> Iterator[Spoken]:
    for name in _CARD_READERS:
        read = said.get(name)
        number_read = sound(read.get("UID")) if isinstance(read, dict) else None
        if number_read:
            # What the card holds beside its number, and whether a key opened it, is not asked:
            # a number is all that a reader of this kind proves.
            yield Spoken("scan", {**moment, "guard": number_read})
    heard = said.get(_BEACON)
    if isinstance(heard, dict) and heard.get("STATE", "ON") == "ON":
        badge, loudness = sound(heard.get("MAC")), sound(heard.get("RSSI"))
        if badge:
            loud = {} if loudness is None else {"rssi": loudness}
            yield Spoken("scan", {**moment, "badge": badge, **loud})
