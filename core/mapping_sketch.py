"""A first mapping from a message: where to begin, not what is right."""

import base64
import binascii
import json
from typing import Any

from core.mappings.paths import compile_path
from core.mappings.registers import COILS, REGISTERS, Response, responses
from core.mappings.templates import clean, compile_template
from rules.wording import Message

_TIMES = ("ts", "time", "timestamp", "datetime", "t")
_NAMES = ("device", "deviceId", "device_id", "imei", "IMEI", "sn", "id", "mac")
# By what the members of a list are called, and where their values stand.
_LABELS = ("name", "flag", "key", "tag", "code", "identifier", "id", "n", "m")
_VALUES = ("value", "val", "v", "data", "switcher")
_MOST = 40
_DEEPEST = 4


def sketch(topic: str, payload: bytes) -> dict[str, Any]:
    """A mapping that tells what it can find in a message."""
    levels = topic.split("/")
    # What stands last in a topic mostly says what it is about, the level before it who tells it.
    at = max(0, len(levels) - 2)
    pattern = "/".join("{device}" if place == at else level for place, level in enumerate(levels))
    base: dict[str, Any] = {"topic": pattern, "device": "{device}"}
    for encoding in ("binary", "hex", "base64"):
        data = _bytes(payload, encoding)
        if data is not None and (frames := _frames(data)):
            coded = {} if encoding == "binary" else {"encoding": encoding}
            return {**base, "payload": "modbus", **coded, "frames": frames}
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return {**base, "payload": "text", "readings": [{"key": "value", "path": "$"}]}
    return {**base, **_of_json(document)}


def _bytes(payload: bytes, encoding: str) -> bytes | None:
    if encoding == "binary":
        return payload
    plain = b"".join(payload.split())
    try:
        if encoding == "hex":
            return binascii.unhexlify(plain)
        return base64.b64decode(plain, validate=True)
    except (ValueError, binascii.Error):
        return None


def _frames(data: bytes) -> list[dict[str, Any]]:
    """A frame for each answer whose checksum is right; none where one is broken."""
    answers = responses(data, checked=True)
    sound = [one for one in answers if isinstance(one, Response)]
    if len(sound) < len(answers):
        return []
    return [_frame(one) for one in sound if one.function in (*COILS, *REGISTERS)]


def _frame(answer: Response) -> dict[str, Any]:
    coils = answer.function in COILS
    count = 8 * len(answer.data) if coils else len(answer.data) // 2
    where = "coil" if coils else "register"
    readings = [{"key": f"{where}_{at}", where: at} for at in range(min(count, _MOST))]
    frame: dict[str, Any] = {"slave": answer.slave, "function": answer.function, "start": 0}
    return {**frame, **({} if coils else {"count": count}), "readings": readings}


def _of_json(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    root = "$"
    if isinstance(document, list):
        found["each"], root = "$[*]", "@"
        document = document[0] if document else {}
    if not isinstance(document, dict):
        return {**found, "readings": [{"key": "value", "path": root}]}
    name = next((key for key in _NAMES if isinstance(document.get(key), str | int)), None)
    if name and found:
        found["device"] = f"{{{root}.{name}}}"
    time = next((key for key in _TIMES if document.get(key) is not None), None)
    if time:
        found["time"] = {"path": f"{root}.{time}"}
    besides = {time, name}
    readings = [
        {"key": key, "path": path}
        for key, path in _leaves(document, root, "", _DEEPEST)
        if key not in besides and _can_be_written(key, path)
    ]
    return {**found, "readings": readings[:_MOST] or [{"key": "value", "path": root}]}


def _can_be_written(key: str, path: str) -> bool:
    """Whether a mapping can say so: there are names with braces, half characters, or none."""
    if clean(key) != key or clean(path) != path:
        return False
    made = compile_template(key, ()), compile_path(path)
    return not any(isinstance(one, Message) for one in made)


def _leaves(value: Any, path: str, key: str, depth: int) -> list[tuple[str, str]]:
    """Numbers and switches with their keys and paths."""
    if isinstance(value, bool | int | float):
        return [(key or "value", path)]
    if isinstance(value, list) and depth:
        return _named(value, path, key)
    if not isinstance(value, dict) or not depth:
        return []
    found = []
    for name, inner in value.items():
        plain = name.replace("_", "").replace("-", "").isalnum() and not name[:1].isdigit()
        if not plain and ("'" in name or len(name) > 100):
            continue
        step = f".{name}" if plain else f"['{name}']"
        found += _leaves(inner, path + step, f"{key}.{name}" if key else name, depth - 1)
    return found


def _named(listed: list[Any], path: str, key: str) -> list[tuple[str, str]]:
    """Of a list of names and values each by its name; of any other list its numbers, by place."""
    found = []
    for place, one in enumerate(listed[:_MOST]):
        if isinstance(one, bool | int | float):
            found.append((f"{key}.{place}" if key else str(place), f"{path}[{place}]"))
        if not isinstance(one, dict):
            continue
        label = next((name for name in _LABELS if isinstance(one.get(name), str)), None)
        held = next((name for name in _VALUES if name in one), None)
        if label is None or held is None or "'" in one[label] or not 0 < len(one[label]) <= 100:
            continue
        found.append((one[label], f"{path}[?@.{label}=='{one[label]}'].{held}"))
    return found
