"""Values as other dialects write them, brought to what a reading may hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Any

from ingest.decoding import Problem, parse
from rules.units import COMMON_UNITS

Value = bool | int | float | str
LONGEST_TEXT = 100
DEEPEST = 5
# So many values of one message are looked at.
MOST = 2_000
_BIGGEST = 2**53
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
# Nine digits of seconds are the least that a device's clock can mean; a date has eight of them.
_COUNTED = re.compile(r"\d{9,16}(?:\.\d{1,9})?", re.ASCII)
# A number as programs write it. A code such as 007, or of more digits than a number can keep, is
# a text, which somebody may know again.
_QUOTED = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SWITCHED = {"ON": True, "OFF": False}
# No value at all, as programs print it; nothing is wrong then, and nothing measured.
NOTHING = frozenset(
    {"", "nan", "none", "null", "unavailable", "unknown", "undefined", "inf", "-inf", "infinity",
     "-infinity"}
)  # fmt: skip
# Of these `none` may be a state: no alarm.
_NO_VALUE = NOTHING - {"none"}
# Of those of more than one letter, also as other people write them: `KWH`, `Lx`, `Hours`.
_UNITS = {
    "C": "°C", "ºC": "°C", "degc": "°C", "F": "°F", "ºF": "°F", "degf": "°F", "％": "%",
    "%rh": "%", "hPa": "mbar", "ug/m³": "µg/m³", "ug/m3": "µg/m³", "µg/m3": "µg/m³",
    "㎍/㎥": "µg/m³", "mg/m3": "mg/m³", "㎥": "m³", "m3": "m³", "m3/h": "m³/h", "㎥/h": "m³/h",
    "l": "L", "l/min": "L/min", "liter": "L", "liters": "L", "litre": "L", "litres": "L",
    "㎜": "mm", "㎝": "cm", "meter": "m", "meters": "m", "metre": "m", "metres": "m", "in": "inch",
    "kn": "knot", "㎏": "kg", "v": "V", "volt": "V", "mv": "mV", "a": "A", "ma": "mA", "w": "W",
    "watt": "W", "kw": "kW", "kwh": "kWh", "var": "var", "kvar": "kvar", "hz": "Hz", "dba": "dB",
    "lux": "lx", "lx": "lx", "ohm": "Ω", "㏀": "kΩ", "rpm": "rpm", "r/min": "rpm", "kpa": "kPa",
    "MPA": "MPa", "Mpa": "MPa", "ppm": "ppm", "ppb": "ppb", "psi": "psi", "bar": "bar",
    "us/cm": "µS/cm",
    "sec": "s", "sec.": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min",
    "min.": "min", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
}  # fmt: skip
# Units beside the common ones that devices state; rules know them just so.
_MORE_UNITS = frozenset(
    {
        "cm", "ft", "inch", "km/h", "knot", "mph", "mm/h", "m/s²", "mmHg", "inHg", "mL", "L/h",
        "m³/s", "MWh", "GJ", "mW", "µA", "MΩ", "kHz", "µS/cm", "mS/cm", "mg/L", "NTU",
    }
)  # fmt: skip
_LETTERS = str.maketrans({"μ": "µ", "℃": "°C", "℉": "°F", "Ω": "Ω"})


def document(payload: bytes) -> dict[str, Any] | Problem:
    """The JSON object of a payload, or what is wrong with it."""
    said = parse(payload)
    if isinstance(said, dict | Problem):
        return said
    return Problem("wrong_shape", "expected a JSON object")


def words(payload: bytes) -> str | Problem:
    """The text of a payload, without what stands around it."""
    try:
        return payload.decode().strip()
    except UnicodeDecodeError as error:
        return Problem("not_utf8", f"byte {error.start} is not UTF-8")


def sound(value: Any) -> Value | None:
    """A value that a reading may hold; None for anything else, as for NaN and for long texts."""
    kind = type(value)
    if kind is bool:
        return bool(value)
    if kind is int:
        return int(value) if -_BIGGEST <= value <= _BIGGEST else _as_float(value)
    if kind is float:
        return float(value) if isfinite(value) else None
    if kind is str and len(value) <= LONGEST_TEXT and is_text(value):
        return str(value)
    return None


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def is_text(value: str) -> bool:
    """Whether a text can be written: JSON can hold halves of characters."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def number_in(text: str) -> int | float | None:
    """The number that a text is as a whole; None where it is none."""
    if len(text) > LONGEST_TEXT or not _NUMBER.fullmatch(text):
        return None
    found = float(text)
    if not isfinite(found):
        return None
    whole = text.lstrip("+-").isdigit() and abs(found) <= _BIGGEST
    return int(text) if whole else found


def scalar(text: str) -> Value | None:
    """What a bare text says: a number, a switch or itself; None where it is nothing."""
    if says_nothing(text):
        return None
    if text in _SWITCHED:
        return _SWITCHED[text]
    if text in ("true", "false"):
        return text == "true"
    found = number_in(text)
    return sound(text) if found is None else found


def switched(value: Any) -> Any:
    """`ON` and `OFF` as booleans, anything else as it is."""
    return _SWITCHED.get(value, value) if isinstance(value, str) else value


def unquoted(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Values of which those that are a number in quotes are that number.

    Of platforms that take `"25.5"` for 25.5: devices made for them send either. So it is with
    `"true"` and `"false"`. Texts that say that there is no value are left out.
    """
    return {key: _unquoted(value) for key, value in measured(fields).items()}


def measured(
    fields: Mapping[str, Value], states: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, Value]:
    """Values without the texts that say that there is none.

    states: by key, such texts that are states there all the same.
    """
    return {
        key: value
        for key, value in fields.items()
        if not isinstance(value, str) or not says_nothing(value) or value in states.get(key, ())
    }


def says_nothing(text: str) -> bool:
    """Whether a text says that there is no value."""
    text = text.strip()
    return text.lower() in _NO_VALUE or text == "None"


def numbers(fields: Mapping[str, Any]) -> dict[str, Value]:
    """Numbers and switches under the path to them, in quotes or not: what an event brings."""
    found = unquoted(flat(fields, texts=True))
    return {key: value for key, value in found.items() if not isinstance(value, str)}


def _unquoted(value: Value) -> Value:
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, str) or not _QUOTED.fullmatch(value):
        return value
    found = number_in(value)
    return value if found is None else found


def flat(
    fields: Mapping[str, Any], *, texts: bool, leave: frozenset[str] = frozenset()
) -> dict[str, Value]:
    """Values under the path to them, `a.b.1`. texts: whether texts beside ON and OFF are kept.

    leave: keys, at any depth, that hold no value of the device.
    """
    found: dict[str, Value] = {}
    for key, value in _flat("", fields, DEEPEST, leave):
        if texts or not isinstance(value, str):
            found[key] = value
            if len(found) >= MOST:
                break
    return found


def _flat(path: str, value: Any, depth: int, leave: frozenset[str]) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict):
        pairs = ((name, each) for name, each in value.items() if name not in leave)
    elif isinstance(value, list):
        pairs = ((str(place), each) for place, each in enumerate(value, 1))
    else:
        one = sound(switched(value))
        # `ts` is the time of a message of ours, whatever else somebody calls so.
        if one is not None and path and path != "ts" and is_text(path):
            yield path, one
        return
    if depth:
        for name, each in pairs:
            yield from _flat(f"{path}.{name}" if path else name, each, depth - 1, leave)


def moment(value: Any) -> Any:
    """A time as the pipeline takes one: numbers and texts as they are, anything else in words."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None if value is None else str(value)[:60].encode("utf-8", "replace").decode()
    if isinstance(value, str):
        return value[:60].encode("utf-8", "replace").decode()
    if isinstance(value, int) and not -_BIGGEST <= value <= _BIGGEST:
        # Beyond all time, which is all that is asked of it.
        return 1e300 if value > 0 else -1e300
    return value


def counted(value: Any) -> Any:
    """The same of a platform that counts its time in numbers, which may stand in quotes."""
    if isinstance(value, str) and _COUNTED.fullmatch(value.strip()):
        text = value.strip()
        return float(text) if "." in text else int(text)
    return None if value == "" else moment(value)


def timed(value: Any) -> dict[str, Any]:
    """`ts` of a message, where it says a time."""
    said = moment(value)
    return {} if said is None else {"ts": said}


def number(value: Any) -> float | None:
    """A finite number; None for anything else, as for a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    one = sound(value)
    return None if one is None else float(one)


def health(**values: float | None) -> dict[str, float]:
    """What is known of a device itself, by the names of `Told.health`."""
    return {name: round(value, 3) for name, value in values.items() if value is not None}


def known_unit(unit: Any) -> str | None:
    """The unit as rules write it; None for what is none there."""
    if not isinstance(unit, str):
        return None
    unit = unit.strip().translate(_LETTERS)
    unit = _UNITS.get(unit) or _UNITS.get(unit.lower() if len(unit) > 1 else "", unit)
    return unit if unit in COMMON_UNITS or unit in _MORE_UNITS else None


def name_in(value: Any) -> str | None:
    """A name that may be shown, of 1 to 200 characters; None for anything else."""
    if not isinstance(value, str) or not is_text(value):
        return None
    return value.replace("\0", "").strip()[:200] or None
