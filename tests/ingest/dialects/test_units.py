"""Units that devices state, as rules write them."""

import pytest

from ingest.dialects.values import known_unit
from rules import units


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        ("℃", "°C"),
        (" C ", "°C"),
        ("ºC", "°C"),
        ("℉", "°F"),
        ("hPa", "mbar"),
        ("cm", "cm"),
        ("mmHg", "mmHg"),
        ("µS/cm", "µS/cm"),
        ("μS/cm", "µS/cm"),
        ("μg/m³", "µg/m³"),
        ("L/h", "L/h"),
        ("km/h", "km/h"),
        ("Lx", "lx"),
        ("sec", "s"),
        ("Hours", "h"),
        ("Hr", "h"),
        ("days", "d"),
        ("meters", "m"),
        ("VAR", "var"),
        ("dBA", "dB"),
        ("Watt", "W"),
        ("%RH", "%"),
        ("㎥", "m³"),
        ("lqi", None),
        ("raw unit", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_unit_is_known_however_it_is_written(stated: object, known: str | None) -> None:
    assert known_unit(stated) == known
    if known is not None:
        units.require(known)


@pytest.mark.parametrize("unit", sorted(units.COMMON_UNITS))
def test_a_unit_that_rules_write_stays_as_it_is(unit: str) -> None:
    assert known_unit(unit) == unit


def test_a_level_in_centimetres_is_none_in_metres() -> None:
    """Without its unit it would be taken for one of the catalogue's."""
    assert units.linear(known_unit("cm") or "", "m") == (0.01, 0.0)
