"""The first mapping that the editor offers for a message."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.mapping_sketch import sketch
from core.mappings import MessageMapping, evaluate, read_mapping


@pytest.mark.parametrize(
    ("message", "values"),
    [
        (
            {"sensorDatas": [{"flag": "T1", "value": 288}, {"flag": "R2", "switcher": "1"}]},
            {"T1": 288, "R2": 1},
        ),
        (
            {"rw": {"r_data": [{"name": "node 01", "value": "19"}, {"name": "it's", "value": 1}]}},
            {"node 01": 19},
        ),
        ({"d": [1, {"other": 2}, True], "x": 3}, {"d.0": 1, "d.2": True, "x": 3}),
    ],
)
def test_lists_are_offered_value_by_value(message: dict[str, Any], values: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    mapping = read_mapping(sketch("gw/box-1/up", payload))
    assert isinstance(mapping, MessageMapping)
    outcome = evaluate(mapping, "gw/box-1/up", payload, ZoneInfo("UTC"))
    assert not outcome.troubles
    [said] = outcome.said
    assert said.device == "box-1"
    assert [spoke.fields for spoke in said.messages] == [values]
