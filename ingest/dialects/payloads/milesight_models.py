"""Channels that are one thing on this model of Milesight's and another on that."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.dialects.payloads.milesight_controllers import (
    inputs,
    motor_valves,
    of_battery,
    phases,
    valves,
)
from ingest.dialects.payloads.milesight_layouts import (
    CO2,
    DAYLIGHT,
    DEPTH,
    DISTANCE,
    DISTANCE_ALARM,
    FAILED,
    HCHO,
    HUMIDITY,
    ILLUMINATION,
    LEAK,
    LIGHT,
    MAGNET,
    O3,
    OCCUPANCY,
    PIR,
    PM2_5,
    PM10,
    PRESSURE,
    PROBE,
    TAMPER,
    TEMPERATURE,
    TEMPERATURE_ALARM,
    TILT,
    TVOC,
    TVOC_INDEX,
    Field,
    Layout,
    Layouts,
    bits,
    named,
)
from ingest.dialects.payloads.milesight_people import GATE, LINES, OVERHEAD


def _at(numbers: Sequence[Any]) -> dict[str, float]:
    latitude, longitude, status = numbers
    return {"latitude": latitude, "longitude": longitude, "motion_status": status & 0x0F}


def _nearby(numbers: Sequence[Any]) -> dict[str, float]:
    # Whose networks it saw is nobody's business here.
    return {"motion_status": numbers[0] & 0x0F}


def _gpio(numbers: Sequence[Any]) -> dict[str, float]:
    """Of history: an input, or what was counted at it, by the mode that stands before both."""
    temperature, humidity, mode, level, pulse = numbers
    known: dict[str, float] = {"temperature": temperature, "humidity": humidity}
    return {**known, **({"gpio": level} if mode == 1 else {"pulse": pulse})}


def _water(numbers: Sequence[Any]) -> dict[str, float]:
    temperature, humidity, mode, level, water = numbers
    known: dict[str, float] = {"temperature": temperature, "humidity": humidity}
    return {**known, **({"gpio": level} if mode == 1 else {"water": water})}


def _tilted(numbers: Sequence[Any]) -> dict[str, float]:
    """An angle in the upper 15 bits, and in the lowest whether it is beyond its limit."""
    angles = {f"angle_{axis}": number >> 1 for axis, number in zip("xyz", numbers, strict=True)}
    limits = {f"threshold_{axis}": number & 1 for axis, number in zip("xyz", numbers, strict=True)}
    return {**angles, **limits}


def _leaning(numbers: Sequence[Any]) -> dict[str, float]:
    angles = {f"angle_{axis}": number for axis, number in zip("xyz", numbers[:3], strict=True)}
    return {**angles, **bits(numbers, _LIMITS, 3)}


def _sound(numbers: Sequence[Any]) -> dict[str, float]:
    """How loudness is weighted stands before it: by frequency (Z, A, C) and by time."""
    weight, level, equivalent, highest = numbers
    tone, speed = "ZACZ"[weight & 3], "IFSI"[weight >> 2 & 3]
    return {f"L{tone}{speed}": level, f"L{tone}eq": equivalent, f"L{tone}{speed}max": highest}


def _switches(count: int, written: str = "B") -> Layout:
    keys = tuple(f"switch_{number}" for number in range(1, count + 1))
    fields = tuple(Field(key, 0, means="switch") for key in keys)
    return Layout(written, fields, lambda numbers: bits(numbers, keys))


_HUMIDITY = Field("humidity", 10, "%", "humidity")
# Of what somebody asked it to tell again, and which probe is connected.
_ASKED: Layouts = {
    (0xFD, 0x6B): Layout("4x"),
    (0xFD, 0x6C): Layout("8x"),
    (0xFD, 0x6D): Layout("x"),
    (0xFF, 0xA0): Layout("9x"),
}


def _probe(number: int) -> dict[tuple[int, int], Layout]:
    """One of two probes, each of which may be a contact."""
    channel = 0x02 + number
    fields = (named(TEMPERATURE, f"temperature_chn{number}"),)
    damp = (named(_HUMIDITY, f"humidity_chn{number}"),)
    return {
        (channel, 0x9A): Layout("h", damp),
        (channel + 0x80, 0x9A): Layout("hx", damp),
        (channel + 0x90, 0x67): Layout("h3x", fields),
        (channel + 0x90, 0x9A): Layout("h3x", damp),
        (channel + 0xB0, 0x67): Layout("x"),
        (channel + 0xB0, 0x9A): Layout("x"),
        (channel, 0x67): Layout("h", fields),
        (channel, 0x00): Layout("B", (named(MAGNET, f"magnet_chn{number}"),)),
        (channel + 0x80, 0x67): Layout("hx", fields),
        (channel + 0x90, 0xD7): Layout("h3x", fields),
    }


_TOTALS = (Field("total_in"), Field("total_out"))
_PERIODS = (Field("period_in"), Field("period_out"))
# Of counters of people who pass.
_PASSING: Layouts = {
    (0x02, 0x75): Layout("x"),
    (0x03, 0xF4): Layout("2x"),
    (0x04, 0xCC): Layout("HH", _TOTALS),
    (0x05, 0xCC): Layout("HH", _PERIODS),
    (0x84, 0xCC): Layout("HHx", _TOTALS),
    (0x85, 0xCC): Layout("HHx", _PERIODS),
    (0x0A, 0xEF): Layout("4x"),
    (0x81, 0xEE): Layout("x"),
}
_LIMITS = tuple(f"threshold_{axis}" for axis in "xyz")
_ANGLES = (
    *(Field(f"angle_{axis}", 100) for axis in "xyz"),
    *(Field(key, 0, means="tilt") for key in _LIMITS),
)
_AIR = (TEMPERATURE, HUMIDITY, PIR, LIGHT, CO2)
_DUST = (PRESSURE, PM2_5, PM10)
_GPIO = Field("gpio", 0)
_WATER = Field("water")
_LIQUID = Field("liquid", words=("uncalibrated", "full", "critical liquid level alert"))
_MOTION = ("unknown", "start moving", "moving", "stop moving")
_GAS_ALARM = Field(
    "alarm",
    words=(
        "power off",
        "power on",
        "sensor fault",
        "sensor fault recovered",
        "sensor will be invalid soon",
        "device invalid",
    ),
)
_MOISTURE = Field("moisture", 100, "%", nothing=FAILED)
_SALT = Field("electricity", nothing=FAILED)
_MOVED = Field("motion_status", words=_MOTION)
_PLACE = (Field("latitude", 1_000_000), Field("longitude", 1_000_000))
_SOUNDS = tuple(
    Field(f"L{tone}{how}", 10, "dB")
    for tone in "ZAC"
    for how in ("I", "F", "S", "eq", "Imax", "Fmax", "Smax")
)
# By how a model begins; the longest that fits. What stands here goes before the common ones.
OF_MODEL: Mapping[str, Layouts] = {
    "AM307": {
        (0x05, 0x00): Layout("B", (PIR,)),
        (0x20, 0xCE): Layout("hHBBHHH", (*_AIR, TVOC_INDEX, PRESSURE)),
        (0x21, 0xCE): Layout("hHBBHHH", (*_AIR, TVOC, PRESSURE)),
    },
    "AM308": {
        (0x05, 0x00): Layout("B", (PIR,)),
        (0x20, 0xCE): Layout("hHBBHHHHH", (*_AIR, TVOC_INDEX, *_DUST)),
        (0x21, 0xCE): Layout("hHBBHHHHH", (*_AIR, TVOC, *_DUST)),
    },
    "AM319": {
        (0x20, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC_INDEX, *_DUST, HCHO)),
        (0x21, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC, *_DUST, HCHO)),
    },
    "AM319-O3": {
        (0x20, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC_INDEX, *_DUST, O3)),
        (0x21, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC, *_DUST, O3)),
    },
    "AM319L-O3": {
        (0x20, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC_INDEX, *_DUST, O3)),
        (0x21, 0xCE): Layout("hHBBHHHHHH", (*_AIR, TVOC, *_DUST, O3)),
    },
    "AM10": {(0x08, 0x7D): Layout("H", (Field("tvoc", 1, "ppb"),))},
    "AM": {(0x05, 0x00): Layout("B", (PIR,))},
    "AT101": {
        (0x04, 0x88): Layout("iiB", (*_PLACE, _MOVED), _at),
        (0x84, 0x88): Layout("iiB", (*_PLACE, _MOVED), _at),
        (0x05, 0x00): Layout("B", (TILT,)),
        (0x06, 0xD9): Layout("8xB", (_MOVED,), _nearby),
        (0x07, 0x00): Layout("B", (TAMPER,)),
        (0x20, 0xCE): Layout("ii", (_PLACE[1], _PLACE[0])),
    },
    "CT10": {(0x09, 0x67): Layout("h", (PROBE,))},
    "CT3": {**phases((0x04, 0x06, 0x08)), (0x09, 0x67): Layout("h", (PROBE,))},
    "EM300": {(0x20, 0xCE): Layout("hBx", (TEMPERATURE, HUMIDITY))},
    "EM300-CL": {
        (0x03, 0xED): Layout("B", (_LIQUID,)),
        (0x04, 0xEE): Layout("x"),
        (0x83, 0xED): Layout("BB", (_LIQUID, Field("liquid_alarm", 0))),
    },
    "EM300-DI": {
        (0x05, 0x00): Layout("B", (_GPIO,)),
        (0x05, 0xC8): Layout("I", (Field("pulse"),)),
        (0x05, 0xE1): Layout("4xf", (_WATER,)),
        (0x85, 0x00): Layout("BB", (_GPIO, Field("gpio_alarm", 0))),
        (0x85, 0xE1): Layout("4xfB", (_WATER, Field("water_alarm"))),
        (0x20, 0xCE): Layout("hBBBI", (TEMPERATURE, HUMIDITY, _GPIO, Field("pulse")), _gpio),
        (0x21, 0xCE): Layout("hBxBB4xf", (TEMPERATURE, HUMIDITY, _GPIO, _WATER), _water),
    },
    # Its counter is a magnet on a meter, and it has no history of plain counts.
    "EM300-DI-HALL": {(0x06, 0xE1): Layout("4xf", (_WATER,))},
    "EM300-MCS": {
        (0x06, 0x00): Layout("B", (MAGNET,)),
        (0x20, 0xCE): Layout("hBB", (TEMPERATURE, HUMIDITY, MAGNET)),
    },
    # The guide names channel 6, the device speaks on 5.
    "EM300-MLD": {
        (0x05, 0x00): Layout("B", (LEAK,)),
        (0x06, 0x00): Layout("B", (LEAK,)),
        (0x20, 0xCE): Layout("3xB", (LEAK,)),
    },
    "EM300-SLD": {
        (0x05, 0x00): Layout("B", (LEAK,)),
        (0x20, 0xCE): Layout("hBB", (TEMPERATURE, HUMIDITY, LEAK)),
    },
    "EM300-ZLD": {
        (0x05, 0x00): Layout("B", (LEAK,)),
        (0x20, 0xCE): Layout("hBB", (TEMPERATURE, HUMIDITY, LEAK)),
    },
    "EM310-TILT": {(0x03, 0xCF): Layout("hhhB", _ANGLES, _leaning)},
    "EM310-UDL": {(0x04, 0x00): Layout("B", (TILT,))},
    "EM320-TH": {(0x20, 0xCE): Layout("hB", (TEMPERATURE, HUMIDITY))},
    "EM320-TILT": {(0x03, 0xD4): Layout("hhh", _ANGLES, _tilted)},
    "EM400": {(0x05, 0x00): Layout("B", (TILT,))},
    "EM41": {
        (0x05, 0x00): Layout("B", (TILT,)),
        (0x06, 0xC7): Layout("2x"),
        (0x94, 0x82): Layout("H2xB", (DISTANCE, DISTANCE_ALARM)),
        (0xB4, 0x82): Layout("H", (DISTANCE,)),
        (0x20, 0xCE): Layout("Hh3x", (DISTANCE, TEMPERATURE)),
    },
    "EM500-CO2": {
        (0x05, 0x7D): Layout("H", (CO2,)),
        (0x20, 0xCE): Layout("HHhB", (CO2, PRESSURE, TEMPERATURE, HUMIDITY)),
    },
    "EM500-LGT": {(0x20, 0xCE): Layout("I", (ILLUMINATION,))},
    "EM500-PP": {(0x20, 0xCE): Layout("H", (Field("pressure", 1, "kPa", "pressure", FAILED),))},
    "EM500-PT100": {(0x20, 0xCE): Layout("h", (TEMPERATURE,))},
    "EM500-SMT": {
        (0x03, 0x67): Layout("h", (PROBE,)),
        (0x04, 0x68): Layout("B", (Field("moisture", 2, "%"),)),
        (0x04, 0xCA): Layout("H", (_MOISTURE,)),
        (0x05, 0x7F): Layout("H", (_SALT,)),
        (0x20, 0xCE): Layout("HhH", (_SALT, PROBE, _MOISTURE)),
    },
    "EM500-SWL": {(0x20, 0xCE): Layout("H", (DEPTH,)), (0xFF, 0x1B): Layout("5x")},
    "EM500-UDL": {(0x20, 0xCE): Layout("H", (DISTANCE,))},
    "GS101": {
        (0x06, 0x01): Layout("B", (Field("valve_status", 0, means="opening"),)),
        (0x07, 0x01): Layout("B", (Field("relay_output_status", 0),)),
        (0xFF, 0x3F): Layout("B", (_GAS_ALARM,)),
    },
    "GS301": {
        (0x02, 0x67): Layout("h", (TEMPERATURE,)),
        (0x03, 0x68): Layout("B", (HUMIDITY,)),
        (0x04, 0x7D): Layout("H", (Field("nh3", 100, "ppm", nothing=FAILED),)),
        (0x05, 0x7D): Layout("H", (Field("h2s", 100, "ppm", nothing=FAILED),)),
        (0x06, 0x7D): Layout("H", (Field("h2s", 1000, "ppm", nothing=FAILED),)),
        (0x07, 0xEA): Layout("5x"),
    },
    "TS101": {(0x20, 0xCE): Layout("h", (TEMPERATURE,))},
    "TS201": {
        (0x93, 0x67): Layout("h2xB", (TEMPERATURE, TEMPERATURE_ALARM)),
        (0xB3, 0x67): Layout("x"),
        (0xFF, 0xA0): Layout("9x"),
        (0x20, 0xCE): Layout("xh", (TEMPERATURE,)),
    },
    # Two generations write alarms and history in ways of their own, and go by one name.
    "TS301": {
        **_ASKED,
        (0x03, 0x00): Layout("B", (named(MAGNET, "magnet"),)),
        (0x03, 0x9A): Layout("h", (_HUMIDITY,)),
        (0x83, 0x67): Layout("hx", (TEMPERATURE,)),
        (0x83, 0x9A): Layout("hx", (_HUMIDITY,)),
        (0x93, 0x67): Layout("h3x", (TEMPERATURE,)),
        (0x93, 0x9A): Layout("h3x", (_HUMIDITY,)),
        (0x93, 0xD7): Layout("h3x", (TEMPERATURE,)),
        (0xB3, 0x67): Layout("x"),
        (0xB3, 0x9A): Layout("x"),
    },
    "TS302": {**_ASKED, **_probe(1), **_probe(2)},
    "UC100": {(0xFF, 0x15): Layout("x")},
    "UC300": {**inputs(), (0xFF, 0x15): Layout("x")},
    "UC50": of_battery(),
    "UC51": valves(),
    "UC521": motor_valves(),
    "VS121": OVERHEAD,
    "VS132": GATE,
    "VS133": LINES,
    "VS135": LINES,
    "VS330": {
        (0x02, 0x82): Layout("H", (DISTANCE,)),
        (0x03, 0x8E): Layout("B", (OCCUPANCY,)),
        (0x04, 0x8E): Layout("x"),
    },
    "VS35": _PASSING,
    "VS360": _PASSING,
    "VS34": {(0x03, 0x00): Layout("B", (OCCUPANCY,))},
    "VS370": {
        (0x03, 0x00): Layout("B", (OCCUPANCY,)),
        (0x04, 0x00): Layout("B", (named(LIGHT, "illuminance"),)),
    },
    "WS201": {(0x04, 0xD6): Layout("B", (Field("remaining", 1, "%"),))},
    "WS202": {(0x03, 0x00): Layout("B", (PIR,)), (0x04, 0x00): Layout("B", (DAYLIGHT,))},
    "WS203": {
        (0x05, 0x00): Layout("B", (OCCUPANCY,)),
        (0x20, 0xCE): Layout("xBhB", (OCCUPANCY, TEMPERATURE, HUMIDITY)),
    },
    "WS301": {(0x03, 0x00): Layout("B", (MAGNET,)), (0x04, 0x00): Layout("B", (TAMPER,))},
    "WS302": {(0x05, 0x5B): Layout("BHHH", _SOUNDS, _sound)},
    "WS303": {(0x03, 0x00): Layout("B", (LEAK,))},
    "WS501": {(0xFF, 0x29): _switches(1)},
    "WS502": {(0xFF, 0x29): _switches(2)},
    "WS503": {(0xFF, 0x29): _switches(3)},
    "WS558": {
        (0x07, 0xC9): Layout("H", (Field("total_current", 1, "mA", "current"),)),
        (0x08, 0x31): _switches(8, "xB"),
    },
    "WT101": {
        (0x04, 0x67): Layout("h", (named(TEMPERATURE, "target_temperature"),)),
        (0x05, 0x92): Layout("B", (Field("valve_opening", 1, "%"),)),
        (0x06, 0x00): Layout("B", (TAMPER,)),
        (0x07, 0x00): Layout("B", (Field("window_detection", 0, means="window"),)),
        (0x08, 0xE5): Layout("x"),
        (0x09, 0x90): Layout("2x"),
        (0x0A, 0x00): Layout("B", (Field("freeze_protection", 0),)),
        (0x0B, 0x90): Layout("2x"),
    },
    "WT201": {
        (0x04, 0x67): Layout("h", (named(TEMPERATURE, "target_temperature"),)),
        (0x05, 0xE7): Layout("x"),
        (0x06, 0xE8): Layout("x"),
        (0x07, 0xBC): Layout("x"),
        (0x08, 0x8E): Layout("B", (Field("system_status", 0),)),
        (0x09, 0x68): Layout("B", (HUMIDITY,)),
        (0x0A, 0x6E): Layout("x"),
    },
    "WTS": {
        (0x05, 0x84): Layout("h", (Field("wind_direction", 10),)),
        (0x07, 0x92): Layout("H", (Field("wind_speed", 10, "m/s"),)),
        (0x08, 0x77): Layout("Hx", (Field("rainfall_total", 100, "mm"),)),
        (0x08, 0xEC): Layout("Ix", (Field("rainfall_total", 100, "mm"),)),
        (0x86, 0x73): Layout("Hx", (PRESSURE,)),
        (0x87, 0x92): Layout("Hx", (Field("wind_speed", 10, "m/s"),)),
        (0x88, 0xEC): Layout("I2x", (Field("rainfall_total", 100, "mm"),)),
        (0x20, 0xCE): Layout("hB8x", (TEMPERATURE, HUMIDITY)),
        (0x21, 0xCE): Layout("hB10x", (TEMPERATURE, HUMIDITY)),
    },
}
