"""What Milesight's devices stored, where its length depends on what it is of."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.dialects.payloads.milesight_layouts import (
    MAGNET,
    TEMPERATURE,
    Field,
    Layout,
    Values,
    named,
)
from ingest.dialects.payloads.milesight_people import stored_count
from ingest.dialects.payloads.milesight_registers import stored_registers

# A channel, a type and the time, in seconds, stand before all of them.
_BEFORE = 6
_INPUTS, _REGISTERS, _WORDS = 0xDC, 0xDD, 0xE0
_WORDS_SIZE = 36
_CHANNELS = (b"\x20\xce", b"\x21\xce")


@dataclass(frozen=True, slots=True)
class Stored:
    """What was at a moment, seconds since 1970. length: of the whole, in bytes."""

    at: int
    values: Values
    fields: tuple[Field, ...]
    length: int


def read_stored(model: str, body: bytes) -> Stored | None:
    """What was stored of the entry that begins at a channel; None where none does.

    Raises IndexError and struct.error where the bytes end within it.
    """
    if body[0] not in (0x20, 0x21):
        return None
    reader = next((one for name, one in _READERS.items() if model.startswith(name)), None)
    found = reader(model, body) if reader else None
    if found is None:
        return None
    values, fields, length = found
    if length > len(body):
        raise IndexError
    return Stored(int.from_bytes(body[2:_BEFORE], "little"), values, fields, length)


_Found = tuple[Values, tuple[Field, ...], int]


def _by(layout: Layout, body: bytes, at: int) -> _Found:
    end = at + layout.size
    values = layout.read(body[at:end])
    return values, tuple(one for one in layout.fields if one.key in values), end


def _count(model: str, body: bytes) -> _Found | None:
    layout = stored_count(model, body[_BEFORE]) if body[:2] == _CHANNELS[0] else None
    return None if layout is None else _by(layout, body, _BEFORE + 1)


def _probe(model: str, body: bytes) -> _Found | None:
    """Entries of one generation are longer than those of the other, and nothing else is beside."""
    short, long = (_is_of(body, length) for length in (9, 11))
    if short == long:
        return None
    kind = body[_BEFORE] >> 4
    if short:
        layout = {1: _WARM, 2: _WARM, 3: _WARM, 4: _WARM, 5: _OPEN, 6: _OPEN}.get(kind)
        return _by(layout, body, _BEFORE + 1) if layout else ({}, (), 9)
    damp, warm = struct.unpack_from("<hh", body, _BEFORE + 1)
    values: Values = {}
    for key, number in (("humidity", damp), ("temperature", warm)):
        if number in (_CLOSED, _OPENED):
            values["magnet"] = number == _OPENED
        elif number not in (_ABSENT, _BEYOND):
            values[key] = number / 10
    return values, tuple(one for one in _PROBED if one.key in values), 11


_ABSENT, _CLOSED, _OPENED, _BEYOND = -999, -1000, -1001, -1002
_PROBED = (Field("humidity", 10, "%", "humidity"), TEMPERATURE, named(MAGNET, "magnet"))
_WARM = Layout("h", (TEMPERATURE,))
_OPEN = Layout("H", (named(MAGNET, "magnet"),))


def _is_of(body: bytes, length: int) -> bool:
    starts = range(0, len(body), length)
    return len(body) % length == 0 and all(body[at : at + 2] == _CHANNELS[0] for at in starts)


def _of_battery(model: str, body: bytes) -> _Found | None:
    """Of a controller on a battery; words on SDI-12 are left."""
    if body[1] == _INPUTS:
        numbers = struct.unpack_from("<BIBIii", body, _BEFORE)
        pairs = [
            _input(number, mode, value)
            for number, mode, value in ((1, *numbers[:2]), (2, *numbers[2:4]))
            if mode < len(_MODES)
        ]
        pairs += [(Field(f"analog_input_{each}", 1000), numbers[3 + each]) for each in (1, 2)]
        return *_told(pairs), _BEFORE + 18
    if body[1] == _REGISTERS:
        values, at = stored_registers(body, _BEFORE, 2, with_signs=False)
        return values, tuple(_of(values)), at
    if body[1] == _WORDS:
        (mask,) = struct.unpack_from("<H", body, _BEFORE)
        return {}, (), _BEFORE + 2 + _WORDS_SIZE * mask.bit_count()
    return None


def _of_mains(model: str, body: bytes) -> _Found | None:
    """Of a controller with many inputs: those that are used stand one behind the other."""
    if body[1] == _REGISTERS:
        values, at = stored_registers(body, _BEFORE, 4, with_signs=True)
        return values, tuple(_of(values)), at
    if body[1] != _INPUTS:
        return None
    (mask,) = struct.unpack_from("<H", body, _BEFORE)
    at, pairs = _BEFORE + 2, []
    for place in (bit for bit in range(16) if mask >> bit & 1):
        if place < 4:
            kind, number = struct.unpack_from("<BI", body, at)
            pairs.append(_input(place + 1, min(kind, 1) * 2, number))
            at += 5
        elif place in _USED:
            field, written = _USED[place]
            pairs.append((field, struct.unpack_from("<" + written, body, at)[0]))
            at += struct.calcsize("<" + written)
        else:
            # Words, of as many bytes as they may have.
            at += 48 if place == 12 else 0
    return *_told(pairs), at


_USED: Mapping[int, tuple[Field, str]] = {
    **{3 + each: (Field(f"gpio_output_{each}", 0), "B") for each in (1, 2)},
    **{5 + each: (Field(f"pt100_{each}", 1, "°C", "temperature"), "e") for each in (1, 2)},
    **{7 + each: (Field(f"adc_{each}", 1, "mA"), "e6x") for each in (1, 2)},
    **{9 + each: (Field(f"adv_{each}", 1, "V"), "e6x") for each in (1, 2)},
}
_MODES = ("gpio_input", "gpio_output", "gpio_counter")


def _input(number: int, mode: int, value: int) -> tuple[Field, Any]:
    return Field(f"{_MODES[mode]}_{number}", 1 if _MODES[mode] == "gpio_counter" else 0), value


def _told(pairs: list[tuple[Field, Any]]) -> tuple[Values, tuple[Field, ...]]:
    values = {one.key: value for one, number in pairs if (value := one.value(number)) is not None}
    return values, tuple(one for one, _ in pairs if one.key in values)


def _of(values: Values) -> Iterator[Field]:
    for key, value in values.items():
        yield Field(key, 0 if isinstance(value, bool) else 1)


_READERS: Mapping[str, Callable[[str, bytes], _Found | None]] = {
    "TS301": _probe,
    "UC300": _of_mains,
    "UC50": _of_battery,
    "VS1": _count,
}
