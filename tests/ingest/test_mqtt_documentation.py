"""docs/mqtt.md says what the code does."""

import json
import re
from pathlib import Path

import pytest

from core.quarantine import BODY_LIMIT, REASONS
from core.telemetry.readings import Quality
from ingest.decoding import PARSE_LIMIT, Problem, is_announcement, own_topic, parse, status_online
from tests.ingest.stage import Stage

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")


def rows(first: str) -> list[list[str]]:
    """The cells of the table whose first heading is `first`."""
    table = re.search(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert table is not None
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table.group(1).splitlines()
    ]


def topics() -> dict[str, str]:
    """Kind of message to a topic of it."""
    names = (cells[0].strip("`") for cells in rows("topic"))
    filled = [n.replace("{site}", "riverside").replace("{device}", "pump-1") for n in names]
    return {name.rsplit("/", 1)[1]: name for name in filled}


def test_every_reason_of_quarantine_is_explained() -> None:
    assert tuple(cells[0].strip("`") for cells in rows("reason")) == REASONS


def test_every_quality_is_explained() -> None:
    told = [cells[0].strip("`") for cells in rows("quality")]
    assert told == [quality.name.lower() for quality in Quality]


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{PARSE_LIMIT // 1024**2} MiB" in TEXT
    assert f"{BODY_LIMIT // 1024} KiB" in TEXT


def test_the_topics_are_those_of_the_code() -> None:
    assert set(topics()) == {"readings", "status", "event", "scan", "announce"}
    for kind, name in topics().items():
        own = own_topic(name)
        assert is_announcement(name) if kind == "announce" else own and own.kind == kind


@pytest.mark.parametrize("kind", ["readings", "event", "scan", "announce"])
def test_every_example_is_a_json_object(kind: str) -> None:
    (payload,) = (cells[2] for cells in rows("topic") if cells[0].endswith(f"/{kind}`"))
    (example,) = re.findall(r"`([^`]+)`", payload)
    assert isinstance(json.loads(example), dict)
    assert not isinstance(parse(example.encode()), Problem)


def test_the_examples_of_status_are_understood() -> None:
    (cells,) = (cells for cells in rows("topic") if cells[0].endswith("/status`"))
    answers = [status_online(text.encode()) for text in re.findall(r"`([^`]+)`", cells[2])]
    assert answers == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "payload", "told"),
    [
        ("readings", b'{"online": true}', {}),
        ("status", b'{"online": true}', {}),
        ("event", b'{"event": "online"}', {"unknown_point": 1}),
        ("scan", b'{"guard": "g-17"}', {}),
        ("scan", b"{}", {"wrong_shape": 1}),
    ],
)
def test_every_kind_of_message_is_taken_in(
    stage: Stage, kind: str, payload: bytes, told: dict[str, int]
) -> None:
    stage.say("gw-1", payload, kind=kind)
    stage.finish()
    assert stage.reasons() == told
