"""Recordings as browsers and phones make them, each of two to three seconds."""

from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    """One of them: chromium.webm, chromium.mp4, safari.mp4, phone.m4a, tagged.webm, video.webm.

    phone.m4a and tagged.webm say where and with what they were recorded.
    """
    return (SAMPLES / name).read_bytes()


def long_webm(seconds: int) -> bytes:
    """A WebM of so many seconds, by the times that its clusters say."""
    head = bytes.fromhex("1a45dfa3 87 4282 84") + b"webm"
    track = bytes.fromhex("ae 8c 83 81 02 86 86") + b"A_OPUS" + b"\xec\x80"[:1] + b"\x80"
    tracks = bytes.fromhex("1654ae6b") + bytes([0x80 | len(track)]) + track
    time = b"\xe7\x84" + (seconds * 1000).to_bytes(4, "big")
    block = b"\xa3\x85\x81\x00\x00\x80\x00"
    cluster = bytes.fromhex("1f43b675 01ffffffffffffff") + time + block
    return head + bytes.fromhex("18538067 01ffffffffffffff") + tracks + cluster
