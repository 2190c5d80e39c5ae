"""Mappings as documents: every fault is told at its path; and no bytes break one that stands."""

import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dialects import option_faults
from core.mappings import Fault, MessageMapping, as_yaml, evaluate, from_text, read_mapping
from rules.located_yaml import Located

UTC = ZoneInfo("UTC")
PAGE = Path(__file__).parents[2] / "docs" / "mappings.md"
GOOD: dict[str, Any] = {
    "topic": "site/{device}/up",
    "device": "{device}",
    "readings": [{"key": "level", "path": "$.level", "unit": "mm", "to": "m"}],
}
FRAMES: dict[str, Any] = {
    "payload": "modbus",
    "device": "box-{slave}",
    "frames": [{"start": 10, "count": 4, "readings": [{"key": "level", "register": 10}]}],
}


def faults(document: Any) -> list[str]:
    found = read_mapping(document)
    return [fault.text for fault in found] if isinstance(found, list) else []


def changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def reading(**fields: Any) -> dict[str, Any]:
    return changed(GOOD, readings=[{"key": "level", **fields}])


def register(**fields: Any) -> dict[str, Any]:
    entry = {"key": "level", "register": 10, **fields}
    return changed(FRAMES, frames=[{"start": 10, "count": 4, "readings": [entry]}])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "names with values are expected here"),
        (changed(GOOD, device="\ud800"), "only texts, numbers, true, false, lists"),
        (changed(GOOD, skip=float("nan")), "only texts, numbers, true, false, lists"),
        (reading(value=10**400), "readings[0].value: a number, a text, true or false"),
        (changed(GOOD, devise="x"), "devise: unknown"),
        (changed(GOOD, device=None), "device is missing"),
        (changed(GOOD, device="{devise}"), "device: there is no 'devise' here; known are a path"),
        (changed(GOOD, device="{$.a"), "device: a brace is not closed"),
        (changed(GOOD, topic="a/{Device}/b"), "topic: level '{Device}' is neither plain text"),
        (changed(GOOD, topic="{a}/{a}", device="x"), "topic: two levels are called 'a'"),
        (
            changed(GOOD, payload="xml"),
            "payload: one of json, lines, text, csv, pairs, form, modbus, bytes",
        ),
        (changed(GOOD, encoding="hex"), "encoding: encoding means nothing with this payload"),
        (changed(GOOD, each="$.a["), "each: from character 4 on this is no step of a path"),
        (changed(GOOD, readings=[]), "readings is missing"),
        (changed(GOOD, readings={"key": "x"}), "readings: a list is expected here"),
        (changed(GOOD, readings=["x"]), "readings[0]: names with values are expected here"),
        (changed(GOOD, only={"{$.t}": []}), "only.{$.t}: a value, or a list of values"),
        (changed(GOOD, only={"{#}": "x"}), "only.{#}: there is no '#' here"),
        (changed(GOOD, inside={"encoding": "hex"}), "inside: path is missing"),
        (changed(GOOD, time={"path": "$.t", "format": "%Q"}), "time.format: '%Q' is no pattern"),
        (changed(GOOD, time={"path": "$.t", "format": "%Y %Y"}), "time.format: '%Y %Y' is no"),
        (changed(GOOD, time={"path": "$.t", "format": "epoch"}), "time.format: one of auto, s,"),
        (changed(GOOD, time={"path": "$.t", "zone": "Shanghai"}), "time.zone: there is no time"),
        (changed(GOOD, time={"format": "s"}), "time: path is missing"),
        (reading(), "readings[0]: a reading has exactly one of path, value, text"),
        (reading(path="$.a", value=1), "readings[0]: a reading has exactly one of"),
        (reading(path="level"), "readings[0].path: a path begins with $"),
        (reading(path="$.a[*]"), "readings[0].path: one place is meant here"),
        (reading(path="$.a", unit="mmm"), "readings[0].unit: 'mmm' is not a unit"),
        (reading(path="$.a", unit="mm", to="°C"), "readings[0].to: mm doesn't fit °C"),
        (reading(path="$.a", to="m"), "readings[0].to: to convert, say in which `unit`"),
        (reading(path="$.a", scale="2"), "readings[0].scale: a number"),
        (reading(path="$.a", bit=64), "readings[0].bit: a whole number from 0 to 63"),
        (reading(path="$.a", bit=1, scale=2), "readings[0].scale: a bit has no scale"),
        (reading(path="$.a", words={"on": []}), "readings[0].words.on: a number, a text,"),
        (reading(path="$.a", nan={}), "readings[0].nan: a value, or a list of values"),
        (reading(value=[]), "readings[0].value: a number, a text, true or false"),
        (reading(path="$.a", required=1), "readings[0].required: true or false"),
        (reading(key="volt", path="$.a", **{"as": "health"}), "readings[0].key: one of battery"),
        (reading(path="$.a", **{"as": "scan"}), "readings[0].as: one of reading, event"),
        (reading(register=1), "readings[0].register: unknown"),
        (changed(FRAMES, readings=[]), "readings: readings means nothing with this payload"),
        (changed(FRAMES, frames=[{"readings": []}]), "frames[0]: readings is missing"),
        (changed(FRAMES, frames=[{"function": 6}]), "frames[0].function: a whole number from 1"),
        (register(register=9), "frames[0].readings[0].register: 9 stands outside of this frame"),
        (register(register=13, type="f32"), "frames[0].readings[0].register: 13 stands outside"),
        (register(type="u8"), "frames[0].readings[0].type: a register has two bytes"),
        (register(type="u24"), "frames[0].readings[0].type: one of u8, s8, u16"),
        (register(order="ACBD"), "frames[0].readings[0].order: one of ABCD, CDAB, BADC, DCBA"),
    ],
)
def test_a_fault_is_told_at_its_path(document: Any, said: str) -> None:
    assert any(one.startswith(said) for one in faults(document)), faults(document)


def test_every_fault_is_told_not_just_the_first() -> None:
    wrong = changed(GOOD, topic="a/#/b", device="{x}", readings=[{"path": "a"}, {"key": "b"}])
    assert len(faults(wrong)) == 5


def test_a_source_tells_the_faults_of_its_mapping_as_its_own() -> None:
    options = {"zone": "Asia/Shanghai", "mapping": reading(path="level")}
    assert [name for name, _ in option_faults("mapping", options)] == ["mapping.readings[0].path"]
    assert not list(option_faults("mapping", {}))


def test_a_document_survives_its_way_through_text() -> None:
    for document in (GOOD, FRAMES, reading(path="$.液位", words={"满": True})):
        for text in (as_yaml(document), json.dumps(document, ensure_ascii=False)):
            read = from_text(text)
            assert isinstance(read, Located)
            assert read.value == document
            assert isinstance(read_mapping(read.value), MessageMapping)


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "x" * 300_000, "a: &b 1\nc: *b"])
def test_text_that_is_no_document_says_so(text: str) -> None:
    read = from_text(text)
    assert isinstance(read, list)
    assert all(isinstance(fault, Fault) for fault in read)


# Whatever comes, nothing is raised.

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "level", "t", "d", "devices", "x"]), inner)
    ),
    max_leaves=12,
)
WIDE: dict[str, Any] = {
    "topic": "{first}/#",
    "device": "{first}-{$.d}{@.d}{#}",
    "through": "{$.x}",
    "each": "$.devices.*",
    "time": {"path": "@.t"},
    "readings": [
        {"key": "{@.a}", "path": "@.level", "scale": 1e15, "unit": "°F", "to": "°C"},
        {"key": "w", "path": "$.a", "words": {"1": True}, "nan": ["--"], "as": "event"},
        {"key": "b", "path": "$.x", "bit": 63, "time": {"path": "$.t", "format": "ms"}},
        {"key": "battery", "path": "$.level", "as": "health"},
        {"key": "o", "path": "$.x", "as": "online", "time": {"path": "@.t", "format": "%Y"}},
    ],
}
STANDING = [
    read_mapping(document)
    for document in (
        WIDE,
        changed(WIDE, each=None, device="{first}", through="{@.a}"),
        changed(WIDE, payload="csv", each=None, device="{@[0]}"),
        changed(WIDE, payload="text", each=None, device="{@}"),
        changed(WIDE, inside={"path": "$.a"}),
        changed(GOOD, topic=None, device="x"),
        changed(FRAMES),
        changed(FRAMES, crc=False, encoding="hex"),
        changed(FRAMES, crc=False, inside={"path": "$.a", "encoding": "base64"}),
        {"payload": "bytes", "device": "x", "readings": [{"key": "a", "byte": 3, "type": "f64"}]},
    )
]


@settings(max_examples=150)
@given(
    st.text(max_size=12),
    st.binary(max_size=40)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.text().map(lambda text: text.encode("utf-8", "replace")),
)
def test_no_message_breaks_a_mapping(topic: str, payload: bytes) -> None:
    for standing in STANDING:
        assert isinstance(standing, MessageMapping)
        outcome = evaluate(standing, topic, payload, UTC)
        for said in outcome.said:
            for spoke in said.messages:
                # As it goes on into the pipeline.
                json.dumps(spoke.fields).encode()


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(WIDE) + sorted(FRAMES) + ["crc", "only"]), JSON))
def test_no_document_breaks_the_reader(document: dict[str, Any]) -> None:
    read = read_mapping({**WIDE, **document})
    assert isinstance(read, MessageMapping) or read


# The page about them tells the truth.


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_mapping_of_the_page_is_one() -> None:
    read = [yaml.safe_load(block) for block in blocks("yaml")]
    whole = [one["sources"][0]["options"]["mapping"] if "sources" in one else one for one in read]
    assert len(whole) == 4
    assert [faults(document) for document in whole] == [[], [], [], []]


def test_the_named_values_of_the_page_are_told_as_it_says() -> None:
    named = read_mapping(yaml.safe_load(blocks("yaml")[1]))
    assert isinstance(named, MessageMapping)
    outcome = evaluate(named, "gateway/gw-1/data", blocks("json")[0].encode(), UTC)
    assert not outcome.troubles
    [said] = outcome.said
    assert [spoke.fields for spoke in said.messages] == [{"temperature": 28.8, "door_open": True}]


def test_the_message_of_the_page_is_told_as_it_says() -> None:
    standing = read_mapping(yaml.safe_load(blocks("yaml")[-1]))
    assert isinstance(standing, MessageMapping)
    message = blocks("json")[-1]
    outcome = evaluate(standing, "gateway/gw-1/report", message.encode(), UTC)
    assert not outcome.troubles
    room1, room2 = outcome.said
    noon = 1795492805000000
    assert {spoke.kind: spoke.fields for spoke in room1.messages} == {
        "readings": {"ts": noon, "temperature": 22.0},
        "status": {"ts": noon, "online": True},
    }
    assert (room1.device, room1.through, room1.health) == ("room-1", "gw-1", {"battery": 88.0})
    assert room2.messages[0].fields == {"ts": noon, "online": False}
