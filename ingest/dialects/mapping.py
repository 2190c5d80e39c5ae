"""Mappings (docs/mappings.md): what no dialect covers is read as its source's mapping says."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from core.mappings import MessageMapping, Reading, Said, evaluate, read_mapping
from core.mappings.registers import TEXTS
from ingest.decoding import Problem
from ingest.dialects.spoken import (
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.values import name_in

OPTION = "mapping"
# Of how many sources the compiled mappings are kept.
_KEPT = 500
# By the identity of a source's options, which are held here, so that no other object can have it:
# a source that is loaded anew brings options of its own.
_compiled: OrderedDict[int, tuple[Mapping[str, Any], MessageMapping | None]] = OrderedDict()
# What is known of devices, likewise by the identity of the readings that tell it.
_described: OrderedDict[int, tuple[Sequence[Reading], tuple[DescribedPoint, ...]]] = OrderedDict()


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What the mapping makes of a message; None for one that it is not about."""
    mapping = _mapping_of(source.options)
    if mapping is None:
        return Problem("unsupported", "the source has no mapping yet; it is written in the console")
    outcome = evaluate(mapping, topic, payload, source.zone)
    if not outcome.meant:
        return None
    problems = [Problem(each.reason, str(each.detail)) for each in outcome.troubles]
    if not outcome.said and problems:
        return problems[0]
    return Decoded([_told(each) for each in outcome.said], problems)


def _mapping_of(options: Mapping[str, Any]) -> MessageMapping | None:
    """The compiled mapping of a source; None when it has none that can be used."""
    kept = _compiled.get(id(options))
    if kept is None:
        read = read_mapping(options[OPTION]) if options.get(OPTION) is not None else None
        kept = options, read if isinstance(read, MessageMapping) else None
        _compiled[id(options)] = kept
        if len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return kept[1]


def _told(said: Said) -> Told:
    messages = [Spoken(each.kind, _written(each.fields)) for each in said.messages]
    points = _points_of(said.known)
    about = {key: name_in(text) for key, text in said.about.items()}
    return Told(
        said.device,
        messages,
        through=said.through,
        health=said.health,
        described=Described(**about, points=points) if points or about else None,
    )


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without the halves of characters that JSON can hold, and nothing else can."""
    return {
        key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for key, value in fields.items()
    }


def _points_of(known: Sequence[Reading]) -> tuple[DescribedPoint, ...]:
    """What the mapping says of a device's values, whatever of them stands in this message."""
    kept = _described.get(id(known))
    if kept is None:
        points = [_point(each) for each in known if each.key.constant]
        kept = known, tuple(point for point in points if point is not None)
        _described[id(known)] = kept
        if len(_described) > _KEPT:
            _described.popitem(last=False)
    return kept[1]


def _point(reading: Reading) -> DescribedPoint | None:
    """A value as far as the mapping tells its kind; None where it tells nothing."""
    key, value = reading.key.text, reading.value
    if reading.sent_as == "event":
        return DescribedPoint(key, "event")
    if reading.sent_as != "reading":
        return None
    words = set(value.words.values()) if value.words else set()
    if value.bit is not None or (reading.register and reading.register.type == "bool"):
        return DescribedPoint(key, "boolean")
    if words and all(isinstance(word, bool) for word in words):
        return DescribedPoint(key, "boolean")
    if words and all(isinstance(word, str) for word in words):
        return DescribedPoint(key, "state", states=tuple(sorted(map(str, words))))
    if reading.unit is not None or (reading.register and reading.register.type not in TEXTS):
        return DescribedPoint(key, "number", reading.unit)
    return None
