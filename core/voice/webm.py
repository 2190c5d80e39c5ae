"""WebM recordings: a small reader of Matroska (RFC 9559), for sound and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.voice.sound import BROKEN, Sound, Unfit
from rules.wording import worded

_HEADER, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _INFO, _TRACKS, _TRACK = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE
_CLUSTER, _GROUP = 0x1F43B675, 0xA0
_SCALE, _TOOLS = 0x2AD7B1, (0x4D80, 0x5741)
_KIND, _CODEC, _TIME = 0x83, 0x86, 0xE7
_BLOCKS = (0xA3, 0xA1)
# Read through from one element to the next, so that their own sizes, which a recorder does not
# know while it writes, are not needed.
_ENTERED = frozenset({_HEADER, _SEGMENT, _INFO, _TRACKS, _TRACK, _CLUSTER, _GROUP})
_SOUND, _CODECS = 2, (b"A_OPUS", b"A_VORBIS")
# Of everything else only what playing needs stays: the index of places, of times, and of
# the description of a track all but its name.
_KEPT_ALWAYS = frozenset(
    {0x114D9B74, 0x1C53BB6B, 0xEC, _SCALE, 0x4489, _TIME, *_BLOCKS, 0xAB, 0xA7, 0x9B, 0xFB, 0x75A2}
    | {0x4286, 0x42F7, 0x42F2, 0x42F3, _DOC_TYPE, 0x4287, 0x4285}
    | {0xD7, 0x73C5, _KIND, 0xB9, 0x88, 0x55AA, 0x9C, 0x22B59C, _CODEC, 0x63A2, 0x56AA, 0x56BB}
    | {0xE1, 0x23E383, 0x6DE7, 0x6DF8, 0x55EE, 0xAA}
)
_VOID = 0xEC
# Two minutes of sound are some six thousand blocks.
_MOST_ELEMENTS = 50_000
_DEFAULT_SCALE = 1_000_000
_LONGEST_NUMBER = 8


@dataclass(frozen=True, slots=True)
class _Element:
    id: int
    # Where it begins, where what it holds begins, and where that ends.
    start: int
    begin: int
    end: int


def read_webm(content: bytes) -> Sound:
    """How long the sound is, and the same bytes with titles, tags and pictures made void."""
    copy, scale, cluster, last = bytearray(content), _DEFAULT_SCALE, 0, 0
    codecs: list[bytes] = []
    for one in _elements(content):
        held = content[one.begin : one.end]
        if one.id == _DOC_TYPE and held.rstrip(b"\0") != b"webm":
            raise Unfit(worded("a WebM or M4A recording"))
        if one.id == _KIND and int.from_bytes(held, "big") != _SOUND:
            raise Unfit(worded("sound alone, without video"))
        if one.id == _CODEC:
            codecs.append(held.rstrip(b"\0"))
        elif one.id == _SCALE:
            scale = _counted(held) or _DEFAULT_SCALE
        elif one.id == _TIME:
            cluster = _counted(held)
        elif one.id in _BLOCKS:
            last = max(last, cluster + _offset(held))
        _blank(copy, one)
    if len(codecs) != 1 or codecs[0] not in _CODECS:
        raise Unfit(worded("one track of Opus or Vorbis sound"))
    return Sound(last * scale / 1e9, bytes(copy))


def _elements(content: bytes) -> Iterator[_Element]:
    at = seen = 0
    while at < len(content):
        seen += 1
        number, begin = _number(content, at, keep_mark=True)
        size, begin = _number(content, begin)
        end = begin if number in _ENTERED else begin + (size or 0)
        if number is None or (size is None and number not in _ENTERED):
            raise Unfit(BROKEN)
        if end > len(content) or seen > _MOST_ELEMENTS:
            raise Unfit(BROKEN)
        yield _Element(number, at, begin, end)
        at = end


def _number(content: bytes, at: int, *, keep_mark: bool = False) -> tuple[int | None, int]:
    """A number of variable length and where it ends; None for "not known"."""
    first = content[at] if at < len(content) else 0
    width = 9 - first.bit_length()
    if not 1 <= width <= 8 or at + width > len(content):
        raise Unfit(BROKEN)
    whole = int.from_bytes(content[at : at + width], "big")
    if keep_mark:
        return whole, at + width
    value = whole & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), at + width


def _counted(held: bytes) -> int:
    """An unsigned number, which has at most eight bytes."""
    if len(held) > _LONGEST_NUMBER:
        raise Unfit(BROKEN)
    return int.from_bytes(held, "big")


def _offset(block: bytes) -> int:
    """The time of a block after its cluster's."""
    _, at = _number(block, 0)
    if at + 2 > len(block):
        raise Unfit(BROKEN)
    return int.from_bytes(block[at : at + 2], "big", signed=True)


def _blank(copy: bytearray, one: _Element) -> None:
    if one.id in _ENTERED or one.id in _KEPT_ALWAYS:
        return
    if one.id in _TOOLS:
        # A file has to name the programs that wrote it; an empty name is one.
        copy[one.begin : one.end] = bytes(one.end - one.begin)
        return
    size = one.end - one.start
    # Its own size takes one byte, or eight where it would not fit into one.
    head = bytes([_VOID, 0x80 | (size - 2)]) if size - 2 < 127 else _large_void(size)
    copy[one.start : one.end] = head + bytes(size - len(head))


def _large_void(size: int) -> bytes:
    return bytes([_VOID]) + ((1 << 56) | (size - 9)).to_bytes(8, "big")
