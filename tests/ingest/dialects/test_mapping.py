"""Mappings, as one among the dialects; what they can say is tested in tests/core."""

from typing import Any

from ingest.dialects import Spoken
from tests.ingest.dialects.following import Following

MAPPING: dict[str, Any] = {
    "each": "$[*]",
    "device": "{@.d}",
    "time": {"path": "@.t"},
    "readings": [
        {"key": "temp", "path": "@.temp"},
        {"key": "online", "path": "@.s", "words": {"up": True, "down": False}, "as": "online"},
    ],
}
OPTIONS = {"mapping": MAPPING}
SAMPLES = [
    ("lines/a", [{"d": "pump-1", "t": 1795492801, "temp": 41.5, "s": "up"}]),
    ("lines/a", [{"d": "pump-1", "temp": 41.5}, {"d": "pump-2", "temp": 42}]),
    ("lines/b", [{"d": "pump-2", "s": "down"}]),
    ("lines/b", [{"d": 7, "temp": "nan"}]),
]


def test_each_record_is_a_device_that_tells() -> None:
    told = Following("mapping", "lines/#", **OPTIONS).spoken(*SAMPLES[1])
    assert told == [
        ("pump-1", "readings", {"temp": 41.5}),
        ("pump-2", "readings", {"temp": 42}),
    ]
    assert Spoken(*told[0][1:]).kind == "readings"
