"""Reading a mapping's document: checked and compiled, or every fault with its path."""

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from core.mappings.model import (
    ABOUT,
    CHARSETS,
    ENCODINGS,
    FRAMINGS,
    PAYLOADS,
    Condition,
    Frame,
    Inside,
    MessageMapping,
    Reading,
)
from core.mappings.paths import Path, compile_path
from core.mappings.place import Fault, Place
from core.mappings.readings import read_reading, read_time
from core.mappings.registers import COILS, REGISTERS
from core.mappings.templates import RECORD_NAME, Template, compile_template
from core.mappings.topics import TopicPattern, compile_topic
from rules.wording import Message, worded

MOST_READINGS = 500
MOST_FRAMES = 50
MOST_CONDITIONS = 10
LARGEST = 200_000
_KEYS = (
    "topic", "payload", "encoding", "charset", "ignore", "inside", "separator", "equals", "skip",
    "each", "only", "device", "through", *ABOUT, "time", "crc", "framing", "readings", "frames",
)  # fmt: skip
_BINARY = ("modbus", "bytes")


def read_mapping(document: Any) -> MessageMapping | list[Fault]:
    """The mapping that a document says, or everything that is wrong with it."""
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        return [Fault((), worded("names with values are expected here"))]
    if not _can_be_kept(document):
        return [
            Fault((), worded("only texts, numbers, true, false, lists and names can stand here"))
        ]
    top = Place(document)
    top.only(_KEYS)
    payload = top.choice("payload", PAYLOADS, "json")
    topic = _topic(top)
    levels = set(topic.names.values() if topic else ())
    names = set(levels)
    each = _path(top, "each")
    names |= {RECORD_NAME} if top.value.get("each") is not None else set()
    names |= {f"{RECORD_NAME}{place}" for place in range(1, each.wide + 1)} if each else set()
    names |= {"slave"} if payload == "modbus" else set()
    _unused(top, payload)
    mapping = MessageMapping(
        payload=payload,
        device=_device(top, names),
        topic=topic,
        encoding=top.choice("encoding", ENCODINGS, "binary"),
        charset=top.choice("charset", CHARSETS, "utf-8"),
        ignore=_ignored(top),
        inside=_inside(top),
        separator=_separator(top, "separator", ","),
        equals=_separator(top, "equals", "="),
        skip=top.whole("skip", 0, 100, 0) or 0,
        each=each,
        only=tuple(_conditions(top, levels)),
        through=_template(top, "through", names) if "through" in top.value else None,
        about=_about(top, names),
        time=read_time(top, "byte" if payload == "bytes" else "path", names),
        checked=top.flag("crc", default=True),
        tcp=top.choice("framing", FRAMINGS, "rtu") == "tcp",
        readings=tuple(_readings(top, payload, names)),
        frames=tuple(_frames(top, names)) if payload == "modbus" else (),
    )
    if not mapping.readings and not mapping.frames and not top.faults:
        what = "frames" if payload == "modbus" else "readings"
        top.refuse(None, worded("%(key)s is missing", key=what))
    return top.faults or mapping


def _can_be_kept(document: Any) -> bool:
    """Whether it is JSON: no dates of YAML, no half characters, no NaN."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _unused(top: Place, payload: str) -> None:
    """Keys that mean nothing with this payload."""
    for key, sense in (
        ("encoding", payload in _BINARY and "inside" not in top.value),
        ("charset", payload not in _BINARY or "inside" in top.value),
        ("separator", payload in ("csv", "pairs")),
        ("equals", payload == "pairs"),
        ("framing", payload == "modbus"),
        ("skip", payload == "csv"),
        ("crc", payload == "modbus"),
        ("frames", payload == "modbus"),
        ("readings", payload != "modbus"),
        ("each", payload in ("json", "lines")),
    ):
        if key in top.value and not sense:
            message = worded("%(key)s means nothing with this payload", key=key)
            top.refuse(key, message)


def _topic(top: Place) -> TopicPattern | None:
    if "topic" not in top.value:
        return None
    text = top.text("topic")
    return top.compiled("topic", compile_topic(text)) if text else None


def _template(top: Place, key: str, names: Collection[str]) -> Template | None:
    text = top.text(key)
    return top.compiled(key, compile_template(text, names)) if text else None


def _device(top: Place, names: Collection[str]) -> Template:
    return _template(top, "device", names) or Template("", ("",), frozenset())


def _about(top: Place, names: Collection[str]) -> dict[str, Template]:
    found = {key: _template(top, key, names) for key in ABOUT if key in top.value}
    return {key: text for key, text in found.items() if text is not None}


def _path(top: Place, key: str) -> Path | None:
    if key not in top.value:
        return None
    text = top.text(key)
    return top.compiled(key, compile_path(text)) if text else None


def _inside(top: Place) -> Inside | None:
    part = top.part("inside")
    if part is None:
        return None
    part.only(("path", "encoding"))
    path = _path(part, "path")
    if "path" not in part.value:
        part.refuse(None, worded("%(key)s is missing", key="path"))
    if path is not None and path.several:
        part.refuse("path", worded("one place is meant here; [*] leads to several"))
    encoding = part.choice("encoding", ("text", "hex", "base64"), "text")
    return Inside(path, encoding) if path else None


def _separator(top: Place, key: str, default: str) -> str:
    text = top.value.get(key, default)
    if isinstance(text, str) and len(text) == 1 and text not in '"\r\n':
        return text
    top.refuse(key, worded("one character, such as , or ;"))
    return default


def _ignored(top: Place) -> frozenset[str]:
    """Payloads that say nothing: heartbeats, and what a box says when it signs in."""
    value = top.value.get("ignore", [])
    texts = [_plain(each) for each in (value if isinstance(value, list) else [value])]
    if None in texts or len(texts) > 100:
        top.refuse("ignore", worded("a value, or a list of values, that the text must be"))
    return frozenset(each.strip() for each in texts if each is not None)


def _conditions(top: Place, names: Collection[str]) -> list[Condition]:
    """`only: {"{$.type}": [a, b]}`: texts and what they must be."""
    part = top.part("only")
    found = list[Condition]()
    if part is None:
        return found
    if len(part.value) > MOST_CONDITIONS:
        top.refuse("only", worded("at most %(most)d of them", most=MOST_CONDITIONS))
        return found
    for text, wanted in part.value.items():
        made = compile_template(text, names)
        listed = wanted if isinstance(wanted, list) else [wanted]
        plain = [_plain(each) for each in listed]
        if isinstance(made, Message):
            part.refuse(text, made)
        elif not plain or len(plain) > 100 or None in plain:
            part.refuse(text, worded("a value, or a list of values, that the text must be"))
        else:
            found.append(Condition(made, frozenset(each for each in plain if each is not None)))
    return found


def _plain(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _readings(place: Place, payload: str, names: Collection[str]) -> list[Any]:
    parts = place.parts("readings", MOST_READINGS)
    made = [read_reading(part, payload, names) for part in parts]
    return [each for each in made if each is not None]


def _frames(top: Place, names: Collection[str]) -> list[Frame]:
    frames = [_frame(part, names) for part in top.parts("frames", MOST_FRAMES)]
    of = {each.slave: tuple[Reading, ...]() for each in frames}
    for each in frames:
        of[each.slave] += each.readings
    return [replace(each, known=of[each.slave]) for each in frames]


def _frame(part: Place, names: Collection[str]) -> Frame:
    part.only(("slave", "function", "start", "count", "time", "readings"))
    function = part.whole("function", 1, 4, 3) or 3
    start = part.whole("start", 0, 65_535, 0) or 0
    count = part.whole("count", 1, 2000)
    payload = "coils" if function in COILS else "registers"
    readings = _readings(part, payload, names)
    if not readings:
        part.refuse(None, worded("%(key)s is missing", key="readings"))
    for reading in readings:
        register = reading.register
        if register is None:
            continue
        after = register.at + (register.width // 2 if function in REGISTERS else 1)
        if register.at < start or (count is not None and after > start + count):
            fault = worded(
                "%(at)d stands outside of this frame, which begins at %(start)d",
                at=register.at,
                start=start,
            )
            part.faults.append(Fault((*reading.place, payload.removesuffix("s")), fault))
    return Frame(
        place=part.path,
        slave=part.whole("slave", 0, 255),
        function=function,
        start=start,
        count=count,
        readings=tuple(readings),
        time=read_time(part, "register" if function in REGISTERS else "coil", names),
    )
