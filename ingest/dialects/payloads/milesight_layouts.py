"""What the channels of Milesight's sensors hold, after the guides of Milesight-IoT/SensorDecoders.

By channel and type; the lowest byte comes first. Keys are those of the guides. What a model has of
its own stands in milesight_models.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

Values = dict[str, float | bool | str]
Layouts = Mapping[tuple[int, int], "Layout"]
# What sensors write that can't measure: not connected, out of range, failed.
FAILED = frozenset({0xFFFD, 0xFFFE, 0xFFFF})


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a layout. divisor: 0 for one that is true or false, and false for one of `off`.

    nothing: numbers that are no value. words: the states that numbers stand for.
    """

    key: str
    divisor: int = 1
    unit: str | None = None
    means: str | None = None
    nothing: frozenset[int] = frozenset()
    words: tuple[str, ...] = ()
    off: frozenset[int] = frozenset({0})

    def value(self, number: float) -> float | bool | str | None:
        """What a number says; None where it is no value."""
        sound = without_noise(number)
        if sound is None or number in self.nothing:
            return None
        if self.words:
            return self.words[int(number)] if number < len(self.words) else None
        if self.divisor == 0:
            return number not in self.off
        return sound if self.divisor == 1 else sound / self.divisor

    @property
    def kind(self) -> str:
        """As in DescribedPoint."""
        if self.words:
            return "state"
        return "number" if self.divisor else "boolean"


@dataclass(frozen=True, slots=True)
class Layout:
    """format: of struct, without its byte order; `x` for bytes that say nothing.

    told: makes the fields' numbers of those that stand there, where these are not the same.
    """

    format: str
    fields: tuple[Field, ...] = ()
    told: Callable[[Sequence[Any]], Mapping[str, float]] | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return struct.calcsize("<" + self.format)

    def read(self, body: bytes) -> Values:
        """The values in `size` bytes."""
        numbers = struct.unpack("<" + self.format, body)
        found = (
            self.told(numbers)
            if self.told
            else {one.key: number for one, number in zip(self.fields, numbers, strict=True)}
        )
        known = {one.key: one.value(found[one.key]) for one in self.fields if one.key in found}
        return {key: value for key, value in known.items() if value is not None}


def without_noise(number: float) -> float | None:
    """A number as it was before it was written in 32 bits; None where it is none."""
    if not isinstance(number, float):
        return number
    return float(f"{number:.7g}") if isfinite(number) else None


def named(field: Field, key: str) -> Field:
    return replace(field, key=key)


def bits(numbers: Sequence[Any], keys: Sequence[str], place: int = 0) -> dict[str, float]:
    return {key: numbers[place] >> bit & 1 for bit, key in enumerate(keys)}


TEMPERATURE = Field("temperature", 10, "°C", "temperature")
PROBE = Field("temperature", 10, "°C", "temperature", frozenset({-1, -3}))
HUMIDITY = Field("humidity", 2, "%", "humidity")
MAGNET = Field("magnet_status", 0, means="door")
LEAK = Field("leakage_status", 0, means="moisture")
PIR = Field("pir", 0, means="motion")
OCCUPANCY = Field("occupancy", 0, means="occupancy")
TILT = Field("position", 0, means="tilt")
TAMPER = Field("tamper_status", 0, means="tamper")
DAYLIGHT = Field("daylight", 0, means="light")
DISTANCE = Field("distance", 1, "mm", "distance", FAILED)
DEPTH = Field("depth", 1, "cm", "depth", FAILED)
CO2 = Field("co2", 1, "ppm", "carbon_dioxide", FAILED)
LIGHT = Field("light_level")
ILLUMINATION = Field("illumination", 1, "lx", "illuminance")
PRESSURE = Field("pressure", 10, "mbar", "atmospheric_pressure", FAILED)
TVOC_INDEX = Field("tvoc", 100, nothing=FAILED)
TVOC = Field("tvoc", 1, "µg/m³", nothing=FAILED)
PM2_5 = Field("pm2_5", 1, "µg/m³", "pm25", FAILED)
PM10 = Field("pm10", 1, "µg/m³", "pm10", FAILED)
HCHO = Field("hcho", 100, "mg/m³", nothing=FAILED)
O3 = Field("o3", 100, "ppm", nothing=FAILED)
CURRENT = Field("current", 100, "A", "current", FAILED)
# An alarm is over by one of these: which it is depends on what it was about.
TEMPERATURE_ALARM = Field("temperature_alarm", 0, off=frozenset({0, 4, 16, 18, 20, 22}))
DISTANCE_ALARM = Field("distance_alarm", 0)


def _on(numbers: Sequence[Any]) -> dict[str, float]:
    # The other bits say whether it is locked, and who switched it.
    return {"socket_status": numbers[0] & 1}


# The same on every model that has it.
COMMON: Layouts = {
    (0x01, 0x75): Layout("B", (Field("battery", 1, "%", "battery"),)),
    (0x03, 0x67): Layout("h", (TEMPERATURE,)),
    (0x04, 0x68): Layout("B", (HUMIDITY,)),
    (0x03, 0x74): Layout("H", (Field("voltage", 10, "V", "voltage"),)),
    (0x03, 0x77): Layout("H", (DEPTH,)),
    (0x03, 0x7B): Layout("H", (Field("pressure", 1, "kPa", "pressure", FAILED),)),
    (0x03, 0x82): Layout("H", (DISTANCE,)),
    (0x04, 0x82): Layout("H", (DISTANCE,)),
    (0x03, 0x94): Layout("I", (ILLUMINATION,)),
    (0x03, 0x97): Layout("I", (Field("total_current", 100),)),
    (0x04, 0x80): Layout("I", (Field("active_power", 1, "W", "power"),)),
    (0x04, 0x98): Layout("H", (CURRENT,)),
    (0x05, 0x6A): Layout("H", (Field("activity"),)),
    (0x05, 0x81): Layout("B", (Field("power_factor", 1, "%", "power_factor"),)),
    (0x05, 0x8E): Layout("B", (Field("gas_status", 0, means="gas"),)),
    (0x06, 0x65): Layout("HHH", (ILLUMINATION, Field("infrared_and_visible"), Field("infrared"))),
    (0x06, 0x73): Layout("H", (PRESSURE,)),
    (0x09, 0x73): Layout("H", (PRESSURE,)),
    (0x06, 0x83): Layout("I", (Field("power_consumption", 1, "Wh", "energy"),)),
    (0x06, 0x9D): Layout("H", (ILLUMINATION,)),
    (0x06, 0xCB): Layout("B", (LIGHT,)),
    (0x07, 0x7D): Layout("H", (CO2,)),
    (0x07, 0xC9): Layout("H", (Field("current", 1, "mA", "current"),)),
    (0x08, 0x70): Layout("B", (Field("socket_status", 0, means="switch"),), _on),
    (0x08, 0x7D): Layout("H", (TVOC_INDEX,)),
    (0x08, 0xE6): Layout("H", (TVOC,)),
    (0x08, 0x90): Layout("I", (Field("life_remain", 1, "s"),)),
    (0x09, 0x67): Layout("h", (TEMPERATURE,)),
    (0x0A, 0x7D): Layout("H", (HCHO,)),
    (0x0B, 0x7D): Layout("H", (PM2_5,)),
    (0x0C, 0x7D): Layout("H", (PM10,)),
    (0x0D, 0x7D): Layout("H", (O3,)),
    (0x0E, 0x01): Layout("B", (Field("buzzer_status", 0),)),
    (0x83, 0x67): Layout("hB", (TEMPERATURE, TEMPERATURE_ALARM)),
    (0x89, 0x67): Layout("hB", (TEMPERATURE, TEMPERATURE_ALARM)),
    (0x83, 0xD7): Layout("h2xB", (TEMPERATURE, TEMPERATURE_ALARM)),
    (0x93, 0xD7): Layout("h2xB", (TEMPERATURE, TEMPERATURE_ALARM)),
    (0x83, 0xE9): Layout("H2xB", (DISTANCE, DISTANCE_ALARM)),
    (0x84, 0x82): Layout("HB", (DISTANCE, DISTANCE_ALARM)),
    (0x84, 0x98): Layout("4xHB", (CURRENT, Field("current_alarm"))),
    # What a device says of itself when it is switched on, and never a measurement.
    (0xFF, 0x01): Layout("x"),
    (0xFF, 0x08): Layout("6x"),
    (0xFF, 0x09): Layout("2x"),
    (0xFF, 0x0A): Layout("2x"),
    (0xFF, 0x0B): Layout("x"),
    (0xFF, 0x0F): Layout("x"),
    (0xFF, 0x16): Layout("8x"),
    (0xFF, 0x18): Layout("2x"),
    (0xFF, 0x26): Layout("x"),
    (0xFF, 0x2E): Layout("B", (Field("button"),)),
    (0xFF, 0x7C): Layout("43x"),
    (0xFF, 0xFE): Layout("x"),
    (0xFF, 0xFF): Layout("2x"),
}
