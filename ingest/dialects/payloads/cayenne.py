"""Cayenne LPP: channel, type and value, one behind the other, the highest byte first.

Types by the LPP 1.x table of myDevices and those its Arduino library added; keys as The Things
Stack writes them, so that a payload reads the same whoever decodes it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingest.decoding import Problem
from ingest.dialects.payloads.content import Content
from ingest.dialects.spoken import DescribedPoint


@dataclass(frozen=True, slots=True)
class _Type:
    """parts: one number each of `size` bytes, or several of the same size. step: of one unit."""

    name: str
    size: int
    step: float = 1
    signed: bool = False
    parts: tuple[str, ...] = ()
    steps: tuple[float, ...] = ()
    boolean: bool = False
    unit: str | None = None
    means: str | None = None


_AXES = ("x", "y", "z")
_TYPES: Mapping[int, _Type] = {
    0: _Type("digital_in", 1),
    1: _Type("digital_out", 1),
    2: _Type("analog_in", 2, 0.01, signed=True),
    3: _Type("analog_out", 2, 0.01, signed=True),
    100: _Type("generic", 4),
    101: _Type("luminosity", 2, unit="lx", means="illuminance"),
    102: _Type("presence", 1, boolean=True, means="presence"),
    103: _Type("temperature", 2, 0.1, signed=True, unit="°C", means="temperature"),
    104: _Type("relative_humidity", 1, 0.5, unit="%", means="humidity"),
    113: _Type("accelerometer", 2, 0.001, signed=True, parts=_AXES),
    115: _Type("barometric_pressure", 2, 0.1, unit="mbar", means="atmospheric_pressure"),
    116: _Type("voltage", 2, 0.01, unit="V"),
    117: _Type("current", 2, 0.001, unit="A"),
    118: _Type("frequency", 4, unit="Hz"),
    120: _Type("percentage", 1, unit="%"),
    121: _Type("altitude", 2, signed=True, unit="m"),
    125: _Type("concentration", 2, unit="ppm"),
    128: _Type("power", 2, unit="W"),
    130: _Type("distance", 4, 0.001, unit="m"),
    131: _Type("energy", 4, 0.001, unit="kWh"),
    132: _Type("direction", 2),
    133: _Type("unix_time", 4),
    134: _Type("gyrometer", 2, 0.01, signed=True, parts=_AXES),
    135: _Type("colour", 1, parts=("red", "green", "blue")),
    136: _Type(
        "gps",
        3,
        signed=True,
        parts=("latitude", "longitude", "altitude"),
        steps=(0.0001, 0.0001, 0.01),
    ),
    142: _Type("switch", 1, boolean=True),
}
# As ChirpStack's codec names what is read here under the names on the right.
_OF_CHIRPSTACK = {
    "temperatureSensor": "temperature",
    "humiditySensor": "relative_humidity",
    "illuminanceSensor": "luminosity",
    "presenceSensor": "presence",
    "barometer": "barometric_pressure",
}
_BY_NAME = {kind.name: kind for kind in _TYPES.values() if kind.means is not None}
_CALLED = re.compile(r"([a-z_]+)_\d{1,3}|([A-Za-z]+)\.\d{1,3}", re.ASCII)


def points_by_key(values: Iterable[str]) -> tuple[DescribedPoint, ...]:
    """What values are, by their keys, which a codec of the network for Cayenne LPP gave them.

    As far as nothing else is called so: `temperature_1` of The Things Stack, and
    `temperatureSensor.1` of ChirpStack.
    """
    found = []
    for key in values:
        called = _CALLED.fullmatch(key)
        name = called and (called[1] or _OF_CHIRPSTACK.get(called[2]))
        kind = _BY_NAME.get(name) if name else None
        if kind is not None:
            said = "boolean" if kind.boolean else "number"
            found.append(DescribedPoint(key, said, kind.unit, means=kind.means))
    return tuple(found)


def read_cayenne(payload: bytes, model: str) -> Content:
    """Values under `type_channel`. What follows a type that is not known can't be told apart."""
    del model
    values: dict[str, float | bool] = {}
    points: list[DescribedPoint] = []
    problem = None
    at = 0
    while at < len(payload):
        kind = _TYPES.get(payload[at + 1]) if at + 1 < len(payload) else None
        length = kind.size * max(1, len(kind.parts)) if kind else 0
        body = payload[at + 2 : at + 2 + length]
        if kind is None or len(body) < length:
            what = "ends within a value" if kind or at + 1 >= len(payload) else "type is not known"
            problem = Problem("wrong_shape", f"Cayenne LPP: {what}, byte {at}")
            break
        name = f"{kind.name}_{payload[at]}"
        values.update(_values(name, kind, body))
        if not kind.parts:
            said = "boolean" if kind.boolean else "number"
            points.append(DescribedPoint(name, said, kind.unit, means=kind.means))
        at += 2 + length
    return Content(values, points=tuple(points), problem=problem)


def _values(name: str, kind: _Type, body: bytes) -> dict[str, float | bool]:
    keys = [f"{name}.{part}" for part in kind.parts] or [name]
    steps = kind.steps or (kind.step,) * len(keys)
    found: dict[str, float | bool] = {}
    for place, (key, step) in enumerate(zip(keys, steps, strict=True)):
        part = body[place * kind.size : (place + 1) * kind.size]
        number = int.from_bytes(part, "big", signed=kind.signed)
        found[key] = bool(number) if kind.boolean else _scaled(number, step)
    return found


def _scaled(number: int, step: float) -> float:
    # 272 * 0.1 is 27.200000000000003; what was meant has no more digits than the step.
    return number if step == 1 else round(number * step, 6)
