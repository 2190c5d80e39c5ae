"""Units of measurement: whether two fit each other, and values converted between them."""

import math
import re
from difflib import get_close_matches
from functools import lru_cache

import pint

from rules.wording import Message, Unusable, worded

# Units that are known without building the registry, which costs a fifth of a second at start-up.
COMMON_UNITS = frozenset(
    {
        "°C", "°F", "K", "%", "‰", "ppm", "ppb", "mm/s", "m/s", "mm", "m", "km", "m²", "m³", "m³/h",
        "L/min", "L/s", "L", "MPa", "kPa", "Pa", "bar", "mbar", "psi", "mA", "A", "V", "mV", "kV",
        "W", "kW", "MW", "kWh", "Wh", "kVA", "VA", "var", "kvar", "Hz", "rpm", "dB", "dBm", "lx",
        "lm", "s", "ms", "min", "h", "d", "kg", "g", "t", "Ω", "kΩ", "µg/m³", "mg/m³", "W/m²", "N",
        "N·m", "J", "kJ",
    }
)  # fmt: skip
_MOST_CHARACTERS = 32
_EXTRA_DEFINITIONS = (
    "volt_ampere_reactive = volt * ampere = var",
    "NTU = [turbidity]",
    "ppb = 1e-9",
)
# Spellings of keyboards and Chinese input methods, brought to the ones pint reads.
# A temperature within a larger unit is a difference, as in °C/min.
_DIFFERENCES = {"°C": "delta_degree_Celsius", "°F": "delta_degree_Fahrenheit"}
_SPELLINGS = {"℃": "°C", "℉": "°F", "％": "%", "Ω": "Ω", "μ": "µ", "㎡": "m²", "㎥": "m³"}
_TYPED_POWER = re.compile(r"(?<=[A-Za-z])([23])(?!\w)")
_TERM = r"(?:1|[^\W\d][^\W²³¹]*|[°%‰][^\W²³¹]*)(?:\*\*-?\d|\^-?\d|⁻?[¹²³])?"
_ALLOWED = re.compile(rf"{_TERM}(?:[*/·]{_TERM})*")
# These share a dimension with other units (1/time, none), but never mean the same quantity.
_OWN_KIND = (
    "revolutions_per_minute",
    "revolutions_per_second",
    "decibel",
    "decibelmilliwatt",
    "hertz",
)
_SIGNIFICANT_DIGITS = 12


class UnitError(Unusable):
    """A unit is unknown, or doesn't fit the one it meets."""


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry:  # type: ignore[type-arg]
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for definition in _EXTRA_DEFINITIONS:
        registry.define(definition)
    return registry


def _spelling(unit: str) -> str:
    for written, known in _SPELLINGS.items():
        unit = unit.replace(written, known)
    spelled = _TYPED_POWER.sub(r"**\1", unit.strip())
    if "/" in spelled:
        for written, known in _DIFFERENCES.items():
            spelled = spelled.replace(written, known)
    return spelled


@lru_cache(maxsize=1024)
def _parse(unit: str) -> pint.Unit:
    spelled = _spelling(unit)
    if not unit:
        return _registry().Unit("")
    if not spelled or len(spelled) > _MOST_CHARACTERS * 4 or not _ALLOWED.fullmatch(spelled):
        raise UnitError(worded("%(unit)s is not a unit", unit=repr(unit)))
    try:
        return _registry().parse_units(spelled)
    except (pint.PintError, AssertionError, ValueError):
        message = worded("%(unit)s is not a unit%(hint)s", unit=repr(unit), hint=_hint(unit))
        raise UnitError(message) from None


def _hint(unit: str) -> Message:
    folded = {known.casefold(): known for known in sorted(COMMON_UNITS)}
    folded |= {"c": "°C", "f": "°F", "degc": "°C"}
    near = get_close_matches(unit.casefold(), folded, n=1, cutoff=0.6)
    if not near:
        return Message("")
    return worded("; did you mean '%(word)s'?", word=folded[near[0]])


def require(unit: str) -> None:
    """Raises UnitError, with the nearest known unit, unless `unit` is one."""
    if unit in COMMON_UNITS:
        return
    if not unit or len(unit) > _MOST_CHARACTERS:
        message = worded(
            "%(unit)s has no length that a unit could have", unit=repr(unit[:_MOST_CHARACTERS])
        )
        raise UnitError(message)
    _parse(unit)


def _kind(unit: pint.Unit) -> frozenset[str]:
    name = format(unit, "C")
    return frozenset(kind for kind in _OWN_KIND if kind in name)


def fits(unit_a: str, unit_b: str) -> bool:
    """Whether values in `unit_a` can be stated in `unit_b`. Raises UnitError for unknown units."""
    if unit_a == unit_b:
        require(unit_a)
        return True
    a, b = _parse(unit_a), _parse(unit_b)
    return bool(a.dimensionality == b.dimensionality and _kind(a) == _kind(b))


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """`value` in `from_unit`, stated in `to_unit`; temperatures are points on their scales.

    Rounded to 12 significant digits, so that 25 % becomes 0.25 on every machine.
    Raises UnitError when the units don't fit, or one is unknown.
    """
    if from_unit == to_unit:
        return value
    if not fits(from_unit, to_unit):
        raise UnitError(worded("%(unit)s doesn't fit %(other)s", unit=from_unit, other=to_unit))
    quantity = _registry().Quantity(value, _parse(from_unit))
    return significant(float(quantity.to(_parse(to_unit)).magnitude))


def significant(value: float) -> float:
    """`value` rounded to 12 significant digits; zero, infinities and NaN as they are."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))


def linear(from_unit: str, to_unit: str) -> tuple[float, float]:
    """Factor and offset: `to = from * factor + offset`. Raises UnitError, also for dB scales."""
    if from_unit == to_unit:
        return 1.0, 0.0
    if "dB" in from_unit or "dB" in to_unit:
        message = worded(
            "%(unit)s and %(other)s are not on one linear scale", unit=from_unit, other=to_unit
        )
        raise UnitError(message)
    offset = convert(0.0, from_unit, to_unit)
    return significant(convert(1.0, from_unit, to_unit) - offset), offset


@lru_cache(maxsize=1024)
def is_multiplicative(unit: str) -> bool:
    """Whether zero of `unit` means none, as it does not with °C or dBm: only such values scale."""
    zero = _registry().Quantity(0.0, _parse(unit))
    return float(zero.to_base_units().magnitude) == 0.0


def product(unit_a: str, unit_b: str) -> str:
    """The unit of a product, in pint's long names. Raises UnitError for °C, dB, unknown units."""
    return _named(_scalable(unit_a) * _scalable(unit_b))


def quotient(unit_a: str, unit_b: str) -> str:
    """The unit of a quotient; `""` when the units cancel. Raises UnitError as `product` does."""
    return _named(_scalable(unit_a) / _scalable(unit_b))


def _scalable(unit: str) -> pint.Unit:
    if not is_multiplicative(unit):
        message = worded(
            "values in %(unit)s can't be multiplied or divided by others with a unit", unit=unit
        )
        raise UnitError(message)
    return _parse(unit)


def _named(unit: pint.Unit) -> str:
    return "" if unit == _registry().Unit("") else format(unit, "C")
