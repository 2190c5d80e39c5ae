"""JSON as programs and firmware really send it."""

import pytest

from ingest.decoding import Problem, parse


@pytest.mark.parametrize(
    "payload",
    [
        b'\xef\xbb\xbf{"level": 1}',
        b'{"level": 1}\x00',
        b'{"level": 1}\r\n\x00\x00\x00',
        b'\xef\xbb\xbf {"level": 1}\n\x00',
    ],
)
def test_what_stands_around_a_json_text_does_no_harm(payload: bytes) -> None:
    assert parse(payload) == {"level": 1}


@pytest.mark.parametrize("payload", [b"", b"\x00", b'{"level": 1}\x00{', b'{"a\x00": 1}'])
def test_a_nul_makes_no_json_of_what_is_none(payload: bytes) -> None:
    found = parse(payload)
    assert isinstance(found, Problem)
    assert found.reason == "bad_json"
