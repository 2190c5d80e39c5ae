"""Messages of other dialects, decoded as a source would, and the samples that the field gave."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.dialects import DECODERS, Decoded, ForeignSource, Result, Told

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "payloads"


def spoken_to(
    dialect: str,
    topic: str,
    document: Any,
    memory: Mapping[str, Any] | None = None,
    *,
    wanted: str = "#",
    **options: Any,
) -> Result:
    """What a decoder makes of a message; anything but bytes is sent as JSON."""
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    decode = DECODERS[dialect]
    source = ForeignSource("here", wanted, ZoneInfo("Asia/Shanghai"), decode, options)
    return decode(source, topic, payload, memory or {})


def told(result: Result) -> Told:
    """The one device that a message told of, all of it sound."""
    if isinstance(result, Decoded):
        assert not result.problems
        (one,) = result.told
        return one
    assert isinstance(result, Told)
    return result


def readings(one: Told) -> list[dict[str, Any]]:
    """The fields of its readings, in order."""
    return [each.fields for each in one.messages if each.kind == "readings"]


def sample(folder: str, name: str) -> tuple[str, bytes]:
    """Topic and payload of a sample of the field, where there are any beside the checkout."""
    path = SAMPLES / folder / f"{name}.json"
    if not path.exists():
        pytest.skip("no samples beside the checkout")
    stored = json.loads(path.read_text(encoding="utf-8"))
    return stored["topic"], stored["payload_raw"].encode()
