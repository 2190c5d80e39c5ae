"""Recordings: what is one, how long it is, and what its copy keeps to itself."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from core.voice import LARGEST_VOICE, LONGEST, read_voice
from tests.pictures import heic, photo
from tests.voices import long_webm, sample

SOUNDS = {
    "chromium.webm": "audio/webm",
    "tagged.webm": "audio/webm",
    "chromium.mp4": "audio/mp4",
    "safari.mp4": "audio/mp4",
    "phone.m4a": "audio/mp4",
}


@pytest.mark.parametrize(("name", "media_type"), SOUNDS.items())
def test_what_browsers_and_phones_record_is_measured(name: str, media_type: str) -> None:
    content = sample(name)
    read = read_voice(content)
    assert read.media_type == media_type
    assert read.seconds in (2, 3)
    assert len(read.copy) == len(content)
    # The sound itself is the same to the last byte.
    assert read_voice(read.copy).copy == read.copy


@pytest.mark.parametrize("name", ["phone.m4a", "tagged.webm"])
def test_the_copy_tells_neither_place_nor_device(name: str) -> None:
    content = sample(name)
    assert b"Secretphone" in content
    copy = read_voice(content).copy
    for secret in (b"Secretphone", b"Riverside", b"+31.2357", b"Lavf"):
        assert secret not in copy


def test_the_copy_names_no_program_of_a_browser() -> None:
    assert b"Chrome" in sample("chromium.webm")
    assert b"Chrome" not in read_voice(sample("chromium.webm")).copy


def test_two_minutes_are_taken_and_three_are_not() -> None:
    assert read_voice(long_webm(LONGEST)).seconds == LONGEST
    with pytest.raises(Invalid) as refused:
        read_voice(long_webm(180))
    assert refused.value.problems == ("voice: at most 2 minutes",)


NO_SOUNDS = {
    "nothing": b"",
    "text": b"hello, this is no sound",
    "jpeg": photo(40, 30),
    "heic": heic(),
    "video": sample("video.webm"),
    "mp3": b"ID3\x04" + bytes(500),
    "wav": b"RIFF\x00\x01\x00\x00WAVEfmt " + bytes(500),
    "matroska": sample("chromium.webm").replace(b"webm", b"mkv\0", 1),
    "cut-webm": sample("chromium.webm")[:-100],
    "cut-m4a": sample("phone.m4a")[:-100],
    "header-only": sample("chromium.webm")[:40],
    "silent": long_webm(0),
    "claims-much": b"\x1a\x45\xdf\xa3" + b"\x01" + b"\xfe" * 7 + bytes(20),
    "too-large": sample("chromium.webm")[:40] + bytes(LARGEST_VOICE),
    "page": b"<html><script>alert(1)</script></html>",
}


@pytest.mark.parametrize("content", NO_SOUNDS.values(), ids=NO_SOUNDS)
def test_what_is_no_recording_of_ours_is_refused_with_advice(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_voice(content)
    assert refused.value.problems[0].startswith("voice: ")
    assert "button" in refused.value.advice


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SOUNDS)), st.integers(0, 2**32))
@example("phone.m4a", 0)
def test_a_damaged_recording_is_read_or_refused_and_nothing_else(name: str, seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(sample(name))
    for _ in range(chance.randint(1, 12)):
        content[chance.randrange(min(len(content), 1_500))] = chance.randrange(256)
    try:
        read = read_voice(bytes(content[: chance.choice([len(content), chance.randrange(1_500)])]))
    except Invalid:
        return
    assert 1 <= read.seconds <= LONGEST + 5


def test_many_empty_pieces_are_not_walked_for_ever() -> None:
    head = sample("chromium.webm")[:40]
    with pytest.raises(Invalid):
        read_voice(head + b"\xec\x80" * 2_000_000)


@pytest.mark.parametrize("element", ["2ad7b1", "e7"])
def test_a_number_longer_than_any_clock_is_no_recording(element: str) -> None:
    """A scale or a time of a thousand digits is refused, before anybody calculates with it."""
    whole = long_webm(3)
    at = whole.index(bytes.fromhex("1f43b675"))
    huge = bytes.fromhex(element) + bytes.fromhex("4200") + b"\xff" * 0x200
    with pytest.raises(Invalid):
        read_voice(whole[:at] + huge + whole[at:])
