"""Units fit by what they measure, and values arrive unharmed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import units


@pytest.mark.parametrize(
    ("value", "unit", "other", "expected"),
    [
        (212, "°F", "°C", 100),
        (0, "°C", "K", 273.15),
        (80, "%", "ppm", 800_000),
        (1, "m/s", "mm/s", 1000),
        (1, "m³/h", "L/min", 16.6666666667),
        (1, "bar", "MPa", 0.1),
        (1, "MPa", "kPa", 1000),
        (30, "mA", "A", 0.03),
        (1.5, "kW", "W", 1500),
        (2, "h", "min", 120),
        (1, "kvar", "var", 1000),
        (5, "℃", "°C", 5),
        (5, "m3", "m³", 5),
    ],
)
def test_values_convert(value: float, unit: str, other: str, expected: float) -> None:
    assert units.convert(value, unit, other) == pytest.approx(expected, rel=1e-11)
    assert units.convert(units.convert(value, unit, other), other, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("unit", "other"),
    [("°C", "MPa"), ("A", "V"), ("rpm", "Hz"), ("dB", "%"), ("lx", "W"), ("m³/h", "m³"),
     ("dBm", "dB"), ("dBm", "mW")],
)  # fmt: skip
def test_units_of_different_quantities_do_not_fit(unit: str, other: str) -> None:
    assert not units.fits(unit, other)
    with pytest.raises(units.UnitError, match="doesn't fit"):
        units.convert(1, unit, other)


@pytest.mark.parametrize("unit", sorted(units.COMMON_UNITS))
def test_every_common_unit_is_really_known(unit: str) -> None:
    assert units.fits(unit, f"{unit}")
    units.is_multiplicative(unit)


@pytest.mark.parametrize("text", ["", "flow", "kpa", "(((", "m**99999", "1e9m", "__import__", "5"])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(units.UnitError):
        units.require(text)


@given(st.text(min_size=1, max_size=12))
def test_no_text_breaks_the_reading_of_units(text: str) -> None:
    try:
        units.require(text)
    except units.UnitError:
        return
    assert units.fits(text, text)


def test_temperatures_scale_linearly_and_decibels_do_not() -> None:
    factor, offset = units.linear("°F", "°C")
    assert 212 * factor + offset == pytest.approx(100)
    with pytest.raises(units.UnitError):
        units.linear("dBm", "mW")
