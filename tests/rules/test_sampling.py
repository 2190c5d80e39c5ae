"""Times that are quicker than the sensors are refused with what to write instead."""

import pytest

from rules.durations import MINUTE, SECOND
from rules.sampling import too_quick
from tests.rules.building import rule

SLOW = {"motor_temperature": 10 * MINUTE, "flow": 30 * SECOND, "running": 10 * MINUTE}
HOT = "motor_temperature > 75 °C"


@pytest.mark.parametrize(
    ("settings", "wanted", "told"),
    [
        (
            {"when": HOT, "for_": "15s"},
            "for",
            "15s is shorter than the 10m between two readings of motor_temperature, so a"
            " single reading would decide; write 2 readings, or at least 20m",
        ),
        ({"when": HOT, "for_": "5m"}, "for", "5m is shorter than the 10m"),
        ({"when": HOT, "for_": "15m", "clear_for": "1m"}, "clear_for", "1m is shorter"),
        (
            {"when": "avg(motor_temperature, 15m) > 75 °C"},
            "when",
            "avg(motor_temperature, 15m) is too short for a point that is heard every 10m; write"
            " at least 30m",
        ),
        (
            {"when": "avg(motor_temperature, 1h) > 75 °C", "for_": "1m"},
            "for",
            "1m is shorter than the 10m between two readings of motor_temperature, so a"
            " single reading would decide; write at least 20m",
        ),
        ({"when": "changes(running, 5m) > 3"}, "when", "changes(running, 5m) is too short"),
        (
            {"when": "age(motor_temperature) > 10m"},
            "when",
            "age(motor_temperature) passes 10m before each reading",
        ),
    ],
)
def test_what_is_quicker_than_its_points_is_told_with_advice(
    settings: dict[str, str], wanted: str, told: str
) -> None:
    ((key, problem),) = too_quick(rule(**settings), SLOW)
    assert problem.startswith(told)
    assert key == wanted


def test_those_whom_it_asks_about_are_heard_no_oftener_than_they_speak() -> None:
    slow = {"pump.motor_temperature": 10 * MINUTE}
    asks = "any(pump.motor_temperature > 75 °C in site)"
    ((key, problem),) = too_quick(rule(when=asks, for_="15s"), slow)
    assert key == "for"
    assert problem == (
        "15s is shorter than the 10m between two readings of pump.motor_temperature, so a single"
        " reading would decide; write at least 20m"
    )
    assert too_quick(rule(when=asks, for_="20m"), slow) == []
    # A quicker point of its own looks often enough.
    both = slow | {"flow": 30 * SECOND}
    assert too_quick(rule(when=f"{asks} and flow < 1 m³/h", for_="1m"), both) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"when": HOT},
        {"when": HOT, "for_": "2 readings"},
        {"when": HOT, "for_": "10m", "clear_for": "20m"},
        # The quicker of two points looks often enough.
        {"when": f"{HOT} and flow < 1 m³/h", "for_": "1m"},
        {"when": "outlet_pressure > 5 bar", "for_": "1s"},
        {"when": "avg(motor_temperature, 20m) > 75 °C"},
        {"when": "since(running) > 1m"},
        {"when": "age(motor_temperature) > 15m", "for_": "1m"},
    ],
)
def test_what_suits_its_points_is_left_alone(settings: dict[str, str]) -> None:
    assert too_quick(rule(**settings), SLOW) == []
