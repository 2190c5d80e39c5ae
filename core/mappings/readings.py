"""Reading one value of a mapping's document: where it stands, and what becomes of it."""

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from core.codes import time_zone_fault
from core.mappings.model import HEALTH, SENT_AS, Plain, Reading, Register, TimeField, Value
from core.mappings.paths import Path, compile_path
from core.mappings.place import Place
from core.mappings.registers import ORDERS, TYPES
from core.mappings.templates import Template, as_text, compile_template
from core.mappings.times import FORMATS, format_fault
from rules import units
from rules.wording import Message, worded

MOST_WORDS = 200
_WHERE = {
    "json": "path",
    "lines": "path",
    "text": "path",
    "csv": "path",
    "pairs": "path",
    "form": "path",
    "registers": "register",
    "coils": "coil",
    "bytes": "byte",
}
_KEYS = (
    "key", "as", "value", "text", "scale", "offset", "bit", "bits", "unit", "to", "words", "nan",
    "time", "required",
)  # fmt: skip
_OF_BYTES = ("type", "order", "length")
# Types whose width the mapping says.
_OPEN = ("text", "hex")
_BYTES_OF_A_REGISTER = 2
_SPAN = 1e6
_BIGGEST = 2**53


def read_reading(place: Place, payload: str, names: Collection[str]) -> Reading | None:
    """One entry of `readings`; None after noting what is wrong with it."""
    where = _WHERE[payload if payload != "modbus" else "registers"]
    in_bytes = where in ("register", "byte")
    coded = (*_OF_BYTES, "at") if where == "path" else _OF_BYTES if in_bytes else ()
    place.only((*_KEYS, where, *coded))
    before = len(place.faults)
    key = place.text("key")
    template = place.compiled("key", compile_template(key, names)) if key else None
    sent_as = place.choice("as", SENT_AS, "reading")
    if sent_as == "health" and key is not None and key not in HEALTH:
        place.refuse("key", worded("one of %(known)s%(hint)s", known=", ".join(HEALTH), hint=""))
    given = [name for name in (where, "value", "text") if name in place.value]
    if len(given) != 1:
        known = ", ".join((where, "value", "text"))
        place.refuse(None, worded("a reading has exactly one of %(known)s", known=known))
    unit, linear = _units(place)
    reading = Reading(
        place=place.path,
        key=template or Template("", ("",), frozenset()),
        sent_as=sent_as,
        value=_value(place, linear),
        path=_path(place) if where == "path" else None,
        fixed=_fixed(place),
        text=_text(place, names),
        register=_register(place, where),
        time=read_time(place, where, names),
        unit=unit,
        required=place.flag("required", default=False),
    )
    return reading if len(place.faults) == before else None


def _path(place: Place) -> Path | None:
    if "path" not in place.value:
        return None
    text = place.text("path")
    path = place.compiled("path", compile_path(text)) if text else None
    if path is not None and path.several:
        place.refuse("path", worded("one place is meant here; [*] leads to several"))
    return path


def _fixed(place: Place) -> Plain | None:
    value = place.value.get("value")
    if "value" in place.value and not _is_plain(value):
        place.refuse("value", worded("a number, a text, true or false"))
        return None
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= _BIGGEST
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= 200)


def _text(place: Place, names: Collection[str]) -> Template | None:
    if "text" not in place.value:
        return None
    text = place.text("text")
    return place.compiled("text", compile_template(text, names)) if text else None


def _register(place: Place, where: str) -> Register | None:
    if where not in place.value or (where == "path" and not _is_coded(place)):
        return None
    at = place.whole("at", 0, 65_535, 0) if where == "path" else place.whole(where, 0, 65_535)
    if where == "coil":
        return None if at is None else Register(at, "bool", "ABCD", 1)
    kind = place.choice("type", tuple(TYPES), "u16")
    order = place.choice("order", ORDERS, "ABCD")
    width = TYPES[kind][0] or place.whole("length", 1, 200, 2) or 2
    if kind not in _OPEN and "length" in place.value:
        place.refuse("length", worded("%(key)s means nothing with this type", key="length"))
    if where == "register" and width % _BYTES_OF_A_REGISTER:
        place.refuse("type", worded("a register has two bytes; a bit of it is had by `bit`"))
    return None if at is None else Register(at, kind, order, width)


def _is_coded(place: Place) -> bool:
    """Whether what stands at a path is to be read as the bytes of a register."""
    if "type" in place.value:
        return True
    for key in ("order", "length", "at"):
        if key in place.value:
            place.refuse(None, worded("%(key)s is missing", key="type"))
    return False


def _units(place: Place) -> tuple[str | None, tuple[float, float]]:
    """In which unit the value is told, and factor and offset to it."""
    sent = _unit(place, "unit")
    wanted = _unit(place, "to")
    if "to" in place.value and "unit" not in place.value:
        place.refuse("to", worded("to convert, say in which `unit` the value is sent, too"))
    if sent is None or wanted is None:
        return sent, (1.0, 0.0)
    try:
        return wanted, _linear(sent, wanted)
    except units.UnitError as error:
        place.refuse("to", error.message)
        return wanted, (1.0, 0.0)


def _linear(sent: str, wanted: str) -> tuple[float, float]:
    """Factor and offset, the factor over a span that is wide enough for the digits of a value."""
    factor, offset = units.linear(sent, wanted)
    if offset:
        factor = (units.convert(_SPAN, sent, wanted) - offset) / _SPAN
    return factor, offset


def _unit(place: Place, key: str) -> str | None:
    if key not in place.value:
        return None
    text = place.text(key)
    if text is None:
        return None
    try:
        units.require(text)
    except units.UnitError as error:
        place.refuse(key, error.message)
        return None
    return text


def _value(place: Place, linear: tuple[float, float]) -> Value:
    bit = place.whole("bit", 0, 63) if "bit" in place.value else None
    for key in ("scale", "offset", "unit"):
        if bit is not None and key in place.value:
            place.refuse(key, worded("a bit has no %(key)s", key=key))
    return Value(
        nan=_nan(place),
        words=_words(place),
        bit=bit,
        scale=place.number("scale", 1.0),
        offset=place.number("offset", 0.0),
        linear=linear,
        bits=_bits(place),
        unit=place.value.get("unit") if isinstance(place.value.get("unit"), str) else None,
    )


def _bits(place: Place) -> tuple[int, int] | None:
    """The first and the last of the bits that hold a number."""
    if "bits" not in place.value:
        return None
    value = place.value["bits"]
    if isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value):
        first, last = value
        if 0 <= first <= last <= 63:
            return first, last
    place.refuse("bits", worded("the first and the last bit, such as [4, 7]"))
    return None


def _nan(place: Place) -> frozenset[str]:
    value = place.value.get("nan", [])
    listed = value if isinstance(value, list) else [value]
    texts = [as_text(each) if _is_plain(each) else None for each in listed]
    if None in texts or len(texts) > MOST_WORDS:
        place.refuse("nan", worded("a value, or a list of values, that mean: not measured"))
    return frozenset(text for text in texts if text is not None)


def _words(place: Place) -> dict[str, Plain] | None:
    value = place.value.get("words")
    if value is None:
        return None
    if isinstance(value, dict):
        # YAML takes a 0 without quotes for a number, and means the same.
        value = {str(key) if type(key) is int else key: meant for key, meant in value.items()}
    part = Place({"words": value}, place.path, place.faults).part("words")
    if part is None:
        return None
    if not part.value or len(part.value) > MOST_WORDS:
        place.refuse("words", worded("at most %(most)d of them", most=MOST_WORDS))
    for word, meant in part.value.items():
        if not _is_plain(meant):
            part.refuse(word, worded("a number, a text, true or false"))
    return dict(part.value)


def read_time(place: Place, where: str, names: Collection[str]) -> TimeField | None:
    """When it was, if the mapping says so. where: as a reading of this payload says its place."""
    part = place.part("time") if "time" in place.value else None
    if part is None:
        return None
    in_bytes = where in ("register", "byte")
    ways = ("path", "text", *((where,) if in_bytes else ()))
    part.only((*ways, "format", "zone", *(_OF_BYTES if in_bytes else ())))
    given = [name for name in ways if name in part.value]
    if not given:
        part.refuse(None, worded("%(key)s is missing", key="path"))
    elif len(given) > 1:
        part.refuse(None, worded("a reading has exactly one of %(known)s", known=", ".join(ways)))
    written = part.text("format", "auto")
    fault = format_fault(written) if written else None
    if fault is not None:
        part.refuse("format", fault)
    return TimeField(
        format=written or FORMATS[0],
        zone=_zone(part),
        path=_path(part),
        text=_text(part, names),
        register=_register(part, where) if in_bytes else None,
    )


def _zone(part: Place) -> ZoneInfo | None:
    if "zone" not in part.value:
        return None
    name = part.text("zone")
    fault = time_zone_fault(name) if name else None
    if fault:
        part.refuse("zone", Message(fault))
    return None if fault or not name else ZoneInfo(name)
