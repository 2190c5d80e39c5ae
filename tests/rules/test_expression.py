"""Conditions say what they mean, in the units they mean it in, or say where they are wrong."""

import pytest

from rules.catalog import shipped_catalog
from rules.expression import ExpressionError, compile_expression
from rules.slots import ReceiptNow, Slot

CATALOG = shipped_catalog()


def holds(asset_type: str, text: str, **values: float) -> bool | None:
    expression = compile_expression(text, CATALOG[asset_type].points)
    slots = {point.code: Slot(values.get(point.code)) for point in expression.points}
    bound = expression.bind(slots, ReceiptNow(), Slot())
    told = bound.holds()
    assert bound.test(True)() is (told is True)
    assert bound.test(False)() is (told is False)
    return told


def faults(asset_type: str | None, text: str) -> list[tuple[int, str]]:
    points = CATALOG[asset_type].points if asset_type else None
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, points)
    return [(fault.offset, fault.message) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("asset_type", "text", "value", "expected"),
    [
        ("pump", "motor_temperature > 167 °F", 75.1, True),
        ("pump", "motor_temperature > 167 °F", 74.9, False),
        ("pump", "motor_temperature > 348.15 K", 75.1, True),
        ("pump", "motor_temperature < -5 °C", -6, True),
        ("pump", "outlet_pressure < 2 bar", 0.19, True),
        ("pump", "outlet_pressure < 200 kPa", 0.21, False),
        ("pump", "flow < 10 L/min", 0.59, True),
        ("pump", "flow < 10 L/min", 0.61, False),
        ("pump", "vibration > 0.0051 m/s", 5.2, True),
        ("pump", "flow >= 5 m3/h", 5, True),
        ("pump", "100 < current", 101, True),
        ("distribution_board", "residual_current > 0.3 A", 301, True),
        ("distribution_board", "residual_current > 0.2 A + 0.1", 301, True),
        ("distribution_board", "residual_current - 0.1 A > 0.2 A", 301, True),
        ("distribution_board", "0.1 A + residual_current < 0.3 A", 199, True),
        ("distribution_board", "0.1 A + residual_current < 0.3 A", 201, False),
        ("distribution_board", "power > 5000 W", 5.1, True),
        ("drainage_pit", "level > 150 cm", 1.6, True),
        ("room", "co2 > 0.1 %", 1001, True),
        ("gateway", "rssi < -90 dBm", -95, True),
        ("fan", "speed < 100 rpm", 50, True),
        ("lift", "floor == 3", 3, True),
        ("lift", "floor != 3", 3, False),
        ("lift", "abs(floor) > 2", -3, True),
    ],
)
def test_limits_are_converted_to_the_unit_of_the_point(
    asset_type: str, text: str, value: float, expected: bool
) -> None:
    point = max((p for p in CATALOG[asset_type].points if p in text), key=len)
    assert holds(asset_type, text, **{point: value}) is expected


def test_units_follow_through_products_and_quotients() -> None:
    board = {"voltage": 400.0, "current": 20.0, "power": 7.0}
    assert holds("distribution_board", "voltage * current > 7.9 kW", **board) is True
    assert holds("distribution_board", "voltage * current > 8.1 kW", **board) is False
    assert holds("distribution_board", "power < voltage * current", **board) is True
    assert holds("distribution_board", "current / 25 A > 75 %", **board) is True
    assert holds("distribution_board", "current / 25 A > 85 %", **board) is False


def test_words_bind_as_in_python() -> None:
    pump = {"running": 0.0, "flow": 5.0, "current": 9.0}
    assert holds("pump", "running and flow > 1 or current > 8", **pump) is True
    assert holds("pump", "running and (flow > 1 or current > 8)", **pump) is False
    assert holds("pump", "not running and flow - 1 * 2 > 2", **pump) is True
    assert holds("pump", "running == false", **pump) is True
    assert holds("pump", "-flow < -4 and 2 * (flow + 1) == 12", **pump) is True


def test_states_are_compared_by_name_from_either_side() -> None:
    assert holds("lift", 'mode == "fault"', mode=4) is True
    assert holds("lift", "'inspection' != mode", mode=3) is False


def test_unknown_values_leave_open_only_what_they_decide() -> None:
    assert holds("pump", "flow > 1 or running", running=1) is True
    assert holds("pump", "flow > 1 or running", running=0) is None
    assert holds("pump", "flow > 1 and running", running=0) is False
    assert holds("pump", "flow > 1 and running", running=1) is None
    assert holds("pump", "not flow > 1") is None


@pytest.mark.parametrize(
    ("asset_type", "text", "offset", "message"),
    [
        ("pump", "motor_temprature > 3", 0, "did you mean 'motor_temperature'?"),
        ("pump", "running and foo", 12, "no point 'foo' here"),
        ("pump", "outlet_pressure < 2 A", 18, "2 A doesn't fit MPa"),
        ("pump", "motor_temperature > 75 C", 20, "did you mean °C?"),
        ("pump", "outlet_pressure > 3 kpa", 20, "did you mean 'kPa'?"),
        ("pump", "flow > 3 flow", 9, "'flow' is not a unit"),
        ("pump", "running > 3", 0, "running is true or false"),
        ("pump", "running + 1 > 3", 0, "can't be calculated with"),
        ("pump", "flow", 0, "not true or false"),
        ("pump", "flow > 1 and 3", 13, "not true or false"),
        ("pump", "flow > running", 0, "flow is a number"),
        ("pump", "flow > current", 7, "current in A doesn't fit m³/h"),
        ("pump", "5 > 3", 0, "never changes"),
        ("pump", "true", 0, "never changes"),
        ("pump", "flow / 0 > 3", 5, "divides by zero"),
        ("pump", "motor_temperature - 20 > 5 °F", 25, "write every number in °C"),
        ("pump", "motor_temperature * flow > 5", 18, "can't be multiplied"),
        ("pump", 'running == "on"', 11, "has no state 'on'"),
        ("lift", "floor > 3 m", 8, "floor has no unit"),
        ("lift", 'mode == "fualt"', 8, "did you mean 'fault'?"),
        ("lift", 'mode > "fault"', 5, "only == and !="),
        ("lift", "mode == 3", 0, "mode is a state"),
        ("drainage_pit", "level > 2m", 8, "write 2 m for metres"),
        ("fan", "speed > 5 Hz", 8, "5 Hz doesn't fit rpm"),
        ("pump", "averag(flow) > 3", 0, "no function 'averag'"),
        ("pump", "abs(flow, 3) > 3", 0, "abs(x) takes 1 argument, not 2"),
        ("pump", "abs(running) > 3", 4, "abs() takes a number"),
        ("pump", "age(flow)", 0, "not true or false"),
        ("pump", "age(3) > 5m", 4, "takes the name of a point"),
        ("pump", "age(flow) > flow", 12, "may only be compared with a constant"),
        ("pump", "age(flow) + 1 > 5m", 0, "can only be compared with a constant"),
        ("pump", "age(flow) == 5m", 10, "use <, <=, > or >="),
        ("pump", "age(flow) > 10 m", 12, "write 10m for minutes"),
        ("pump", "age(flow) > 3 MPa", 12, "is not a time"),
        ("pump", "age(flow) > 0s", 12, "above zero"),
        ("pump", "overdue(flow)", 8, "takes a constant number"),
        ("pump", "overdue(0.5)", 0, "from 1 to 1000"),
        (None, "flow > 3", 0, "only overdue()"),
        (None, "path_age() > 5m", 0, "only overdue()"),
        ("pump", "flow = 3", 5, "write == to compare"),
        ("pump", "1 < flow < 3", 9, "can't be chained"),
        ("pump", "(flow > 3", 0, "not closed"),
        ("pump", "flow > 3)", 8, "can't stand here"),
        ("pump", "flow >", 6, "ends where"),
        ("pump", "flow > 3 and", 12, "ends where"),
        ("pump", "flow current", 5, "can't stand here"),
        ("pump", 'mode == "fault', 8, "quote is not closed"),
        ("pump", "flow ≥ 3", 5, "write >="),
        ("pump", "age(flow) > 30m1h", 12, "in this order"),
        ("pump", "flow > 1e999", 7, "too large"),
        ("pump", "", 0, "ends where"),
        ("pump", "flow.__class__ > 3", 4, "no meaning"),
        ("pump", "__import__('os') == 3", 0, "no function"),
    ],
)
def test_a_fault_is_told_at_its_place(
    asset_type: str | None, text: str, offset: int, message: str
) -> None:
    found = faults(asset_type, text)
    assert len(found) == 1
    assert found[0][0] == offset
    assert message in found[0][1]


def test_every_fault_of_a_condition_is_told_at_once() -> None:
    found = faults("pump", "foo > 1 and bar < 2 or vibration > 3 kg or avg(flow) > 2")
    assert [offset for offset, _ in found] == [0, 12, 35, 43]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 31 + "running" + ")" * 31,
        "not " * 31 + "running",
        "-" * 31 + "flow > 1",
        "flow" + " + flow" * 31 + " > 1",
        "running or " * 400 + "running",
    ],
)
def test_deep_or_long_conditions_are_refused(text: str) -> None:
    assert any(word in faults("pump", text)[0][1] for word in ("nested deeper", "characters"))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 29 + "running" + ")" * 29,
        " or ".join(["flow > 1"] * 300),
        "flow" + " + flow" * 28 + " > 1",
        "abs(" * 14 + "-(1 - flow / (flow + 1))" + ")" * 14 + " > 0",
    ],
)
def test_what_may_be_written_also_runs(text: str) -> None:
    assert holds("pump", text, running=1, flow=3) is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("anomaly(running)", "anomaly() takes a number, and running is none"),
        ("anomaly(flow, 2h)", "anomaly(point) takes 1 argument, not 2"),
        ("anomaly(flow + 1)", "anomaly() takes the name of a point"),
        ("anomaly(flow) > 2", "anomaly() is true or false"),
        ("anomaly(flow) and age(flow) > 5m", "one rule can't do both"),
        ("anomaly(nothing)", "no point 'nothing' here"),
    ],
)
def test_what_anomaly_does_not_take_is_told(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, shipped_catalog()["pump"].points)
    assert any(told in fault.message for fault in caught.value.faults), caught.value.faults
