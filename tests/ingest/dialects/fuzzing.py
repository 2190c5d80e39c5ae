"""Messages that nobody would send: samples taken apart and put together wrongly, by a seed."""

import importlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ingest.dialects import DECODERS, Decoded, ForeignSource
from tests.ingest.dialects.following import SHARED, check

Sample = tuple[str, bytes]
FOLDERS = {
    "alink": "cloud_platforms",
    "chirpstack": "chirpstack_v4",
    "homeassistant": "homeassistant_discovery",
    "homie": "homie_v5",
    "iotda": "cloud_platforms",
    "shelly": "shelly_gen2",
    "sparkplug": "sparkplug_b",
    "tts": "the_things_stack_v3",
}
# Of dialects whose own tests have no list of samples.
EXTRA: dict[str, list[tuple[str, Any]]] = {
    "ctwing": [
        (
            "http/site/ctwing",
            {
                "messageType": "dataReport",
                "deviceId": "a7",
                "timestamp": 1606982320277,
                "payload": {"serviceId": "1", "serviceData": {"TData": 30, "Alarm": 2}},
            },
        ),
        (
            "http/site/ctwing",
            {"messageType": "deviceOnlineOfflineReport", "deviceId": "a7", "eventType": 1},
        ),
        (
            "http/site/ctwing",
            {"messageType": "eventReport", "IMEI": "86", "eventContent": {"open": 1}},
        ),
        ("http/site/ctwing", {"messageType": "commandResponse", "deviceId": "a7"}),
    ],
    "mapping": [
        ("boxes/b1/up", {"d": "b1", "t": "2026-11-24 12:00:00", "temp": 21.5, "s": "up"}),
        ("boxes/b1/up", {"d": "b1", "t": 1795492801, "temp": "7", "s": "down"}),
        ("boxes/b2/up", {"d": "b2", "temp": None, "extra": {"a": [1, 2]}}),
        ("boxes/b3/up", {"d": "b3", "temp": 1e308, "s": "perhaps"}),
    ],
    "onenet": [
        (
            "http/site/onenet",
            {
                "messageType": "notify",
                "notifyType": "property",
                "deviceName": "iot-1",
                "data": {"params": {"WF": {"value": 23.6, "time": 1524448722123}}},
            },
        ),
        (
            "http/site/onenet",
            {"messageType": "lifeCycle", "deviceName": "iot-1", "data": {"status": "online"}},
        ),
        ("http/site/onenet", {"type": 1, "dev_id": 7, "ds_id": "t", "value": 4, "at": 1466133706}),
        ("http/site/onenet", [{"type": 2, "dev_id": 7, "status": 0}, {"type": 7, "dev_id": 7}]),
    ],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "mapping": {
        "mapping": {
            "topic": "boxes/{device}/up",
            "device": "{device}",
            "time": {"path": "$.t"},
            "readings": [
                {"key": "temp", "path": "$.temp"},
                {
                    "key": "online",
                    "path": "$.s",
                    "words": {"up": True, "down": False},
                    "as": "online",
                },
            ],
        }
    },
}
_ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Santiago", "UTC")
_WORDS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 255, 1.33, 1e308, -1e400, float("nan"), 10**18, 10**400, "", "ON",
    "OFF", "online", "offline", "nan", "null", "~", "{{ value }}", "\0", "\ud800", "水浸",
    "2026-10-25T02:30:00", "20151212T121212Z", "9999-12-31T23:59:59", "x" * 300, [], {}, [[]],
    {"value": 1, "time": 1}, {"state": "online"}, "a/b", "a.b", "+", "#", "$x", " ",
)  # fmt: skip
_BYTES = (
    b"",
    b"{",
    b"[",
    b"}",
    b"\xff",
    b"\0",
    b'"',
    b"null",
    b"1e999",
    b"online",
    b"ON",
    b",",
    b":",
)
# Memory that grew without end would be another test.
_MOST_REMEMBERED = 300


def samples_of(dialect: str) -> list[Sample]:
    """The samples of a dialect's own tests, and those beside the checkout."""
    listed = EXTRA.get(dialect)
    if listed is None:
        module = importlib.import_module(f"tests.ingest.dialects.test_{dialect}")
        listed = getattr(module, "SAMPLES", [])
    own = [(topic, _payload(said)) for topic, said in listed]
    files = sorted((SHARED / FOLDERS.get(dialect, dialect)).glob("*.json"))
    documents = [json.loads(file.read_text("utf-8")) for file in files]
    return own + [
        (str(each["topic"]), str(each["payload_raw"]).encode())
        for each in documents
        if isinstance(each.get("topic"), str) and isinstance(each.get("payload_raw"), str)
    ]


def _payload(said: Any) -> bytes:
    return said if isinstance(said, bytes) else json.dumps(said).encode()


def messages(samples: Sequence[Sample], seed: int) -> Iterator[Sample]:
    """Messages without end, each a sample that something happened to."""
    chance = random.Random(seed)
    documents = [_document(payload) for _, payload in samples]
    while True:
        place = chance.randrange(len(samples))
        topic, payload = samples[place]
        document = documents[place]
        if document is not None and chance.random() < 0.7:
            payload = _payload_of(_changed(document, chance, 0))
        if chance.random() < 0.4:
            payload = _broken(payload, samples, chance)
        if chance.random() < 0.4:
            topic = _renamed(topic, samples, chance)
        yield topic, payload


def _document(payload: bytes) -> Any:
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _payload_of(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:
        # Numbers too long and halves of characters, which JSON can write.
        return json.dumps(document).encode()


def _changed(value: Any, chance: random.Random, depth: int) -> Any:
    """A document in which here and there something else stands."""
    luck = chance.random()
    if luck < 0.04 or (depth and luck < 0.1):
        return chance.choice(_WORDS)
    if isinstance(value, dict):
        changed = {
            _key(key, chance): _changed(each, chance, depth + 1)
            for key, each in value.items()
            if chance.random() > 0.03
        }
        if luck > 0.95:
            changed[str(chance.choice(_WORDS))] = chance.choice(_WORDS)
        return changed
    if isinstance(value, list):
        changed_list = [_changed(each, chance, depth + 1) for each in value]
        return changed_list * 2 if luck > 0.97 else changed_list
    return value


def _key(key: str, chance: random.Random) -> str:
    return key if chance.random() > 0.02 else str(chance.choice(_WORDS))[:200]


def _broken(payload: bytes, samples: Sequence[Sample], chance: random.Random) -> bytes:
    luck = chance.randrange(6)
    if luck == 0:
        return chance.choice(_BYTES)
    if luck == 1:
        return samples[chance.randrange(len(samples))][1]
    at = chance.randrange(len(payload) + 1)
    if luck == 2:
        return payload[:at]
    if luck == 3:
        return payload[:at] + chance.choice(_BYTES) + payload[at:]
    if luck == 4:
        return payload[:at] + bytes([chance.randrange(256)]) + payload[at + 1 :]
    return chance.randbytes(chance.randrange(40))


def _renamed(topic: str, samples: Sequence[Sample], chance: random.Random) -> str:
    levels = topic.split("/")
    at = chance.randrange(len(levels))
    luck = chance.randrange(5)
    if luck == 0:
        levels[at] = chance.choice(
            ("", "a", "set", "status", "state", "config", "$x", "x" * 200, " ")
        )
    elif luck == 1:
        del levels[at]
    elif luck == 2:
        levels.insert(at, chance.choice(("a", "b.c", "5", "tele", "sys", "水")))
    elif luck == 3:
        other = samples[chance.randrange(len(samples))][0].split("/")
        levels[at:] = other[chance.randrange(len(other)) :]
    else:
        levels.append(chance.choice(("x", "state", "availability", "rpc", "online", "get")))
    return "/".join(levels)


def feed(dialect: str, count: int, seed: int) -> dict[str, int]:
    """Decode so many broken messages, each with what those before it left; how each ended.

    Raises whatever a decoder lets escape, and AssertionError for an answer that can't be used.
    """
    chance = random.Random(seed)
    ends = {"told": 0, "problem": 0, "nothing": 0}
    memory: dict[str, Any] = {}
    stream = messages(samples_of(dialect), seed)
    source = _source(dialect, chance)
    for number, (topic, payload) in zip(range(count), stream, strict=False):
        if number % 500 == 0:
            source, memory = _source(dialect, chance), {}
        try:
            result = source.decode(source, topic, payload, memory)
            check(result)
        except Exception as error:
            where = f"{dialect} seed {seed} message {number}: {topic!r} {payload[:2_000]!r}"
            error.add_note(where)
            raise
        if isinstance(result, Decoded):
            _remember(memory, {**result.remember, **result.note})
            ends["told" if result.told else "problem" if result.problems else "nothing"] += 1
        else:
            ends[
                "nothing" if result is None else "told" if hasattr(result, "device") else "problem"
            ] += 1
    return ends


def _source(dialect: str, chance: random.Random) -> ForeignSource:
    wanted = chance.choice(("#", "+/#", "a/#"))
    zone = ZoneInfo(chance.choice(_ZONES))
    return ForeignSource("wall", wanted, zone, DECODERS[dialect], OPTIONS.get(dialect, {}))


def _remember(memory: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            memory.pop(key, None)
        elif key in memory or len(memory) < _MOST_REMEMBERED:
            memory[key] = value
