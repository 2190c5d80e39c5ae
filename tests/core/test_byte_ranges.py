"""Parts of a file, as a Range header asks for them."""

import pytest

from core.byte_ranges import in_part

WHOLE = b"0123456789"


@pytest.mark.parametrize(
    ("header", "status", "body", "said"),
    [
        (None, 200, WHOLE, None),
        ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, WHOLE, "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 200, WHOLE, None),
        ("bytes=-0", 200, WHOLE, None),
        ("bytes=99999999999999999999-", 200, WHOLE, None),
        ("bytes=5-2", 200, WHOLE, None),
        ("bytes=-", 200, WHOLE, None),
        ("bytes=0-1,4-5", 200, WHOLE, None),
        ("lines=0-1", 200, WHOLE, None),
    ],
)
def test_a_part_is_what_was_asked_for(
    header: str | None, status: int, body: bytes, said: str | None
) -> None:
    part = in_part(WHOLE, header)
    assert (part.status, part.body, part.headers.get("Content-Range")) == (status, body, said)
    assert part.headers["Accept-Ranges"] == "bytes"
