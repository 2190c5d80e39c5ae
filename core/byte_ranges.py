"""Parts of a file as browsers ask for them; Safari plays no sound that it gets only whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


def part_asked(header: str | None, size: int) -> tuple[int, int] | None:
    """From which byte to before which one is asked for (RFC 9110, 14.1.2); None for all of it.

    What is not understood, asks for several parts, or for one that is not there, is answered with
    the whole, as the standard allows.
    """
    found = _RANGE.fullmatch((header or "").strip())
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size) if last and int(last) else None
    begin, end = int(first), min(int(last) + 1, size) if last else size
    return (begin, end) if begin < end else None


@dataclass(frozen=True, slots=True)
class Part:
    """An answer to somebody who may have asked for a part of a file."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def in_part(content: bytes, header: str | None) -> Part:
    """What to answer to a Range header, or to none."""
    accepts = {"Accept-Ranges": "bytes"}
    asked = part_asked(header, len(content))
    if asked is None:
        return Part(200, content, accepts)
    begin, end = asked
    of_all = f"bytes {begin}-{end - 1}/{len(content)}"
    return Part(206, content[begin:end], {**accepts, "Content-Range": of_all})
