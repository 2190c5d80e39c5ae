"""A source on its own: decodes messages one after the other, and remembers as the pipeline does."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from core.codes import DEVICE_CODE
from core.quarantine import REASONS
from ingest.decoding import Problem
from ingest.dialects import DECODERS, Decoded, ForeignSource, Result, Spoken, Told

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Samples beside the checkout, where there are any.
SHARED = Path(__file__).resolve().parents[4] / "shared" / "payloads"
KINDS = {"readings", "event", "scan", "status"}
HEALTH = {"battery", "battery_voltage", "rssi", "snr", "link_quality"}
POINTS = {"number", "boolean", "state", "event"}


class Following:
    """A source of one dialect and what it remembers."""

    def __init__(self, dialect: str, wanted: str = "#", **options: Any) -> None:
        zone = ZoneInfo(options["zone"]) if "zone" in options else SHANGHAI
        self.source = ForeignSource("wall", wanted, zone, DECODERS[dialect], options)
        self.memory: dict[str, Any] = {}

    def hear(self, topic: str, said: Any = b"") -> Result:
        """What a message leads to; what is to be remembered is seen by the next."""
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        result = self.source.decode(self.source, topic, payload, self.memory)
        if isinstance(result, Decoded):
            # As it is when it was kept in a database and read again.
            kept = msgspec.json.decode(orjson.dumps(dict(result.remember)))
            for key, value in [*kept.items(), *result.note.items()]:
                if value is None:
                    self.memory.pop(key, None)
                else:
                    self.memory[key] = value
        return result

    def told(self, topic: str, said: Any = b"") -> list[Told]:
        """What devices told by a message in which nothing was wrong."""
        return told_of(self.hear(topic, said))

    def spoken(self, topic: str, said: Any = b"") -> list[tuple[str, str, dict[str, Any]]]:
        """Device, kind and fields of each message that a message of the dialect amounts to."""
        return [
            (told.device, each.kind, dict(each.fields))
            for told in self.told(topic, said)
            for each in told.messages
        ]

    def reading(self, topic: str, said: Any = b"") -> dict[str, Any]:
        """The fields of the one message that it amounts to, which is of readings."""
        ((_, kind, fields),) = self.spoken(topic, said)
        assert kind == "readings"
        return fields


def told_of(result: Result) -> list[Told]:
    """What devices told, of a result without problems."""
    assert not isinstance(result, Problem), result
    if isinstance(result, Decoded):
        assert not result.problems
        return list(result.told)
    return [] if result is None else [result]


def check(result: Result) -> None:
    """A result is one that the pipeline can use, whatever was said."""
    if result is None:
        return
    if isinstance(result, Problem):
        assert result.reason in REASONS
        result.detail.encode()
        return
    whole = result if isinstance(result, Decoded) else Decoded([result])
    for problem in whole.problems:
        check(problem)
    # None forgets.
    orjson.dumps(dict(whole.remember))
    for answer in whole.answers:
        answer.topic.encode()
        assert isinstance(answer.payload, bytes)
    for told in whole.told:
        check_told(told)


def check_told(told: Told) -> None:
    """The device has a code, and what it says can be written."""
    assert DEVICE_CODE.fullmatch(told.device), told.device
    assert told.through is None or DEVICE_CODE.fullmatch(told.through)
    for each in told.messages:
        check_spoken(each)
    assert set(told.health) <= HEALTH
    assert all(isinstance(value, float | int) for value in told.health.values())
    if told.described is not None:
        about = told.described
        for text in (about.name, about.maker, about.model):
            assert text is None or text.encode() is not None
        for point in about.points:
            assert point.kind in POINTS
            assert point.key
            point.key.encode()


def check_spoken(each: Spoken) -> None:
    """A message of ours: flat, and in values that JSON has."""
    assert each.kind in KINDS
    orjson.dumps(each.fields)
    values = {key: value for key, value in each.fields.items() if key != "ts"}
    assert all(isinstance(value, bool | int | float | str) for value in values.values())
    assert values or each.kind == "readings"


def shared(folder: str) -> Sequence[Mapping[str, Any]]:
    """The samples of an ecosystem beside the checkout, by file; none where there are none."""
    files = sorted((SHARED / folder).glob("*.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]
