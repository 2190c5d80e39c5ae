"""M4A recordings: a small reader of ISO/IEC 14496-12 boxes, for sound and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.voice.sound import BROKEN, Sound, Unfit
from rules.wording import worded

_ENTERED = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"edts"}
)
# What playing needs. Everything else, tags and places first, becomes free space.
_KEPT = frozenset(
    {b"ftyp", b"styp", b"mdat", b"free", b"skip", b"wide", b"sidx", b"mfra"}
    | {b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"smhd", b"dinf", b"elst", b"mehd", b"trex"}
    | {b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss"}
    | {b"sgpd", b"sbgp", b"mfhd", b"tfhd", b"tfdt", b"trun", b"saiz", b"saio"}
)
_CODECS = (b"mp4a", b"Opus")
_MOST_BOXES = 20_000


@dataclass(slots=True)
class _Box:
    kind: bytes
    start: int
    begin: int
    end: int


@dataclass(slots=True)
class _Found:
    """What was read so far. whole, fragments: how long it lasts, counted in 1/scale seconds.

    always, here: how long a sample lasts where a run does not say: everywhere, in this fragment.
    """

    handlers: list[bytes] = field(default_factory=list)
    codecs: list[bytes] = field(default_factory=list)
    scale: int = 0
    whole: int = 0
    fragments: int = 0
    always: int = 0
    here: int = 0


def read_mp4(content: bytes) -> Sound:
    """How long the sound is, and the same bytes with tags, names and times blanked."""
    copy, found = bytearray(content), _Found()
    for box in _boxes(content):
        _read(content, box, found)
        _blank(copy, box)
    if found.handlers != [b"soun"]:
        raise Unfit(worded("sound alone, in one track, without video"))
    if len(found.codecs) != 1 or found.codecs[0] not in _CODECS:
        raise Unfit(worded("one track of AAC or Opus sound"))
    if not found.scale:
        raise Unfit(BROKEN)
    return Sound((found.whole + found.fragments) / found.scale, bytes(copy))


def _boxes(content: bytes) -> Iterator[_Box]:
    at, seen = 0, 0
    # Boxes within boxes end with them: each must end by where those around it do.
    within = [len(content)]
    while at < len(content):
        while at >= within[-1] and len(within) > 1:
            within.pop()
        seen += 1
        size, kind = _uint(content, at, 4), content[at + 4 : at + 8]
        begin = at + 8
        if size == 1:
            size, begin = _uint(content, begin, 8), begin + 8
        elif size == 0:
            size = within[-1] - at
        end = at + size
        if begin > end or end > within[-1] or seen > _MOST_BOXES:
            raise Unfit(BROKEN)
        yield _Box(kind, at, begin, end)
        if kind in _ENTERED:
            within.append(end)
            at = begin
        else:
            at = end


def _uint(content: bytes, at: int, width: int) -> int:
    if at + width > len(content):
        raise Unfit(BROKEN)
    return int.from_bytes(content[at : at + width], "big")


def _read(content: bytes, box: _Box, found: _Found) -> None:
    at = box.begin
    if box.kind == b"hdlr":
        found.handlers.append(content[at + 8 : at + 12])
    elif box.kind == b"stsd":
        count = _uint(content, at + 4, 4)
        found.codecs += [content[at + 12 : at + 16]] if count == 1 else [b"", b""]
    elif box.kind == b"mdhd":
        found.scale = _uint(content, at + (20 if _uint(content, at, 1) == 1 else 12), 4)
    elif box.kind == b"stts":
        found.whole += _times(content, box)
    elif box.kind == b"trex":
        found.always = _uint(content, at + 12, 4)
    elif box.kind == b"tfhd":
        found.here = _default_here(content, at, found.always)
    elif box.kind == b"trun":
        found.fragments += _run(content, box, found.here)


def _times(content: bytes, box: _Box) -> int:
    count, total = _uint(content, box.begin + 4, 4), 0
    if box.begin + 8 + 8 * count > box.end:
        raise Unfit(BROKEN)
    for number in range(count):
        at = box.begin + 8 + 8 * number
        total += _uint(content, at, 4) * _uint(content, at + 4, 4)
    return total


def _default_here(content: bytes, at: int, always: int) -> int:
    flags = _uint(content, at, 4)
    if not flags & 0x8:
        return always
    return _uint(content, at + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0), 4)


def _run(content: bytes, box: _Box, default: int) -> int:
    """How long the samples of a fragment last."""
    flags, count = _uint(content, box.begin, 4), _uint(content, box.begin + 4, 4)
    if not flags & 0x100:
        return count * default
    at = box.begin + 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    each = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if at + each * count > box.end:
        raise Unfit(BROKEN)
    return sum(_uint(content, at + each * number, 4) for number in range(count))


def _blank(copy: bytearray, box: _Box) -> None:
    if box.kind in (b"mvhd", b"tkhd", b"mdhd"):
        # When it was made and changed, by the clock of the phone.
        width = 16 if copy[box.begin : box.begin + 1] == b"\1" else 8
        _clear(copy, box.begin + 4, min(box.begin + 4 + width, box.end))
    elif box.kind == b"hdlr":
        _clear(copy, min(box.begin + 24, box.end), box.end)
    elif box.kind not in _ENTERED and box.kind not in _KEPT:
        copy[box.start + 4 : box.start + 8] = b"free"
        _clear(copy, box.begin, box.end)
    elif box.kind in (b"free", b"skip", b"wide"):
        _clear(copy, box.begin, box.end)


def _clear(copy: bytearray, begin: int, end: int) -> None:
    copy[begin:end] = bytes(end - begin)
