"""Bodies that were packed on their way (`Content-Encoding`): gzip and deflate."""

import zlib
from dataclasses import replace

from core.http_ingest.profiles import Pushed

# As large as a body may be that was not packed.
MOST_UNPACKED = 1024 * 1024
_PLAIN = ("", "identity")
# zlib's word for either header, gzip's or zlib's own; and for none, as some send deflate.
_EITHER, _BARE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class Packed(ValueError):
    """The body can't be unpacked, or not within reason."""


def unpacked(pushed: Pushed) -> Pushed:
    """The request with its body as it was before it was packed. Raises Packed.

    A signature holds for what came, so this is for what was proved already.
    """
    encoding = pushed.headers.get("content-encoding", "").strip().lower()
    if encoding in _PLAIN:
        return pushed
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Packed(f"{encoding[:40]!r} is not known here; gzip and deflate are")
    ways = (_EITHER, _BARE) if encoding == "deflate" else (_EITHER,)
    for way in ways:
        body = _unpacked(pushed.body, way)
        if body is not None:
            return replace(pushed, body=body)
    raise Packed(f"the body is no {encoding}")


def _unpacked(body: bytes, way: int) -> bytes | None:
    """What was packed in this way; None where it wasn't."""
    reader = zlib.decompressobj(way)
    try:
        plain = reader.decompress(body, MOST_UNPACKED + 1)
    except zlib.error:
        return None
    if len(plain) > MOST_UNPACKED:
        raise Packed(f"unpacked it has more than {MOST_UNPACKED} bytes")
    return plain if reader.eof else None
