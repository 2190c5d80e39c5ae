"""Milesight's current transformers and controllers: phases, inputs, counters and valves."""

from collections.abc import Sequence
from typing import Any

from ingest.dialects.payloads.milesight_layouts import FAILED, Field, Layout

_WHOLE = 100


def phases(channels: Sequence[int]) -> dict[tuple[int, int], Layout]:
    """A current transformer of three phases: charge, current, and its alarm with the extremes."""
    found: dict[tuple[int, int], Layout] = {}
    for number, channel in enumerate(channels, 1):
        current = Field(f"current_chn{number}", 10, "A", "current", FAILED)
        alarm = Field(f"current_chn{number}_alarm")
        found[channel - 1, 0x97] = Layout("I", (Field(f"current_chn{number}_total", 100),))
        found[channel, 0x99] = Layout("H", (current,))
        found[channel + 0x80, 0x99] = Layout("4xHB", (current, alarm))
        # Since firmware 2, of those that are set to it.
        energy = Field(f"ch{number}_sumkwh", 100, "kWh", "energy")
        found[0x0F + number, 0x63] = Layout("I", (energy,))
    found[0x13, 0x75] = Layout("B", (Field("low_voltage_alarm", 0),))
    return found


def inputs() -> dict[tuple[int, int], Layout]:
    """A controller's inputs, outputs, counters, resistors (PT100) and analogue inputs."""
    found: dict[tuple[int, int], Layout] = {}
    for number in range(1, 5):
        found[0x02 + number, 0x00] = Layout("B", (Field(f"gpio_input_{number}", 0),))
        found[0x02 + number, 0xC8] = Layout("I", (Field(f"gpio_counter_{number}"),))
    for number in (1, 2):
        probe = Field(f"pt100_{number}", 10, "°C", "temperature")
        found[0x06 + number, 0x01] = Layout("B", (Field(f"gpio_output_{number}", 0),))
        found[0x08 + number, 0x67] = Layout("h", (probe,))
        half = Field(f"pt100_{number}", 1, "°C", "temperature")
        found[0x08 + number, 0xE2] = Layout("e6x", (half,))
        for first, key, unit in ((0x0A, "adc", "mA"), (0x0C, "adv", "V")):
            name = f"{key}_{number}"
            found[first + number, 0x02] = Layout("I", (Field(name, 100, unit),))
            found[first + number, 0xE2] = Layout("e6x", (Field(name, 1, unit),))
    return found


def of_battery() -> dict[tuple[int, int], Layout]:
    """A controller on a battery: two inputs or outputs, and two analogue inputs."""
    found: dict[tuple[int, int], Layout] = {
        # What sensors on SDI-12 say in words of their own.
        (0x08, 0xDB): Layout("37x"),
        (0xFF, 0x14): Layout("x"),
        (0xFF, 0x15): Layout("x"),
    }
    for number in (1, 2):
        found[0x02 + number, 0x00] = Layout("B", (Field(f"gpio_input_{number}", 0),))
        found[0x02 + number, 0x01] = Layout("B", (Field(f"gpio_output_{number}", 0),))
        found[0x02 + number, 0xC8] = Layout("I", (Field(f"gpio_counter_{number}"),))
        analogue = f"analog_input_{number}"
        found[0x04 + number, 0x02] = Layout("h6x", (Field(analogue, 1000),))
        found[0x04 + number, 0xE2] = Layout("e6x", (Field(analogue),))
        found[0x84 + number, 0xE2] = Layout("e7x", (Field(analogue),))
    return found


_OF_VALVES = tuple(
    field
    for number in (1, 2)
    for field in (
        Field(f"valve_{number}", 0, means="opening"),
        Field(f"gpio_{number}", 0),
        Field(f"valve_{number}_pulse"),
    )
)


def _valve(numbers: Sequence[Any]) -> dict[str, float]:
    """Of history: whether a valve was open, and what was counted at it or how its input was."""
    bits, pulse = numbers
    number = 2 if bits >> 4 & 1 else 1
    beside = (
        {f"valve_{number}_pulse": pulse} if bits >> 1 & 1 else {f"gpio_{number}": bits >> 2 & 1}
    )
    return {f"valve_{number}": bits & 1, **beside}


def valves() -> dict[tuple[int, int], Layout]:
    found: dict[tuple[int, int], Layout] = {
        (0x09, 0x7B): Layout("H", (Field("pressure", 1, "kPa", "pressure", FAILED),)),
        (0xB9, 0x7B): Layout("x"),
        (0x20, 0xCE): Layout("BI", _OF_VALVES, _valve),
        (0x21, 0xCE): Layout("H", (Field("pressure", 1, "kPa", "pressure", FAILED),)),
    }
    for number in (1, 2):
        valve = Field(f"valve_{number}", 0, means="opening", nothing=frozenset({0xFF}))
        found[0x01 + 2 * number, 0x01] = Layout("B", (valve,))
        found[0x02 + 2 * number, 0xC8] = Layout("I", (Field(f"valve_{number}_pulse"),))
        found[0x06 + number, 0x01] = Layout("B", (Field(f"gpio_{number}", 0),))
    return found


def _opened(number: int) -> Layout:
    """How far a motor valve is open; one of three ways opens to the left, or to the right."""
    opening, direction = f"valve_{number}_opening", f"valve_{number}_direction"

    def told(numbers: Sequence[Any]) -> dict[str, float]:
        ways, degree = numbers
        if ways != 1:
            return {opening: degree}
        right = degree > _WHOLE
        return {opening: degree - _WHOLE if right else degree, direction: right}

    return Layout("BB", (Field(opening, 1, "%"), Field(direction, words=("left", "right"))), told)


def motor_valves() -> dict[tuple[int, int], Layout]:
    """A controller of two motor valves, with two inputs and two pressures."""
    found: dict[tuple[int, int], Layout] = {(0x0D, 0xE3): Layout("4x")}
    for number in (1, 2):
        pressure = Field(f"pressure_{number}", 1, "kPa", "pressure", FAILED)
        alarm = Field(f"pressure_{number}_alarm", 0)
        found[0x01 + 2 * number, 0xF6] = _opened(number)
        found[0x02 + 2 * number, 0xC8] = Layout("I", (Field(f"valve_{number}_pulse"),))
        found[0x06 + number, 0x01] = Layout("B", (Field(f"gpio_{number}", 0),))
        found[0x08 + number, 0x7B] = Layout("H", (pressure,))
        found[0x0A + number, 0xF5] = Layout("6xHB", (pressure, alarm))
        found[0x0D + number, 0x01] = Layout("x")
        found[0xB1 + 2 * number, 0xF6] = Layout("2x")
        found[0xB8 + number, 0x7B] = Layout("x")
    return found
