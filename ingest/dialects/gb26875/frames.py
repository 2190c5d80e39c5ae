"""Frames of GB/T 26875.3-2011, chapter 6.6: `@@`, control unit, application data, checksum, `##`.

Numbers and addresses have their lowest byte first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ingest.decoding import Problem

START, END = b"@@", b"##"
# Commands (table 2).
CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = 1, 2, 3, 4, 5, 6
_CONTROL_UNIT = 25
_AROUND = len(START) + _CONTROL_UNIT + 1 + len(END)
LONGEST_DATA = 1024
_HEX = b"0123456789abcdefABCDEF"


@dataclass(frozen=True, slots=True)
class Frame:
    """serial, version and time: as they stand there, for the receipt. source, target: 6 bytes.

    sound: whether the checksum fits.
    """

    serial: bytes
    version: bytes
    time: bytes
    source: bytes
    target: bytes
    command: int
    data: bytes
    sound: bool

    def receipt(self) -> bytes:
        """That this was received, or that it has to be sent again (chapter 6.3)."""
        command = CONFIRM if self.sound else DENY
        unit = self.serial + self.version + self.time + self.target + self.source
        unit += b"\0\0" + bytes([command])
        return START + unit + bytes([sum(unit) & 0xFF]) + END


@dataclass(frozen=True, slots=True)
class Cut:
    """A frame that the bytes end within. at: where it begins."""

    at: int


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of frames. digits: as they were written in hexadecimal; or None."""

    body: bytes
    digits: bytes | None = None

    def tail(self, at: int) -> bytes:
        """What is delivered from the byte `at` on, as it was written."""
        return self.body[at:] if self.digits is None else self.digits[2 * at :]


def raw(payload: bytes) -> Raw:
    """The bytes of frames, which may be written as hexadecimal digits."""
    digits = payload.translate(None, b" \r\n\t")
    if digits[:4] == b"4040" and not digits.translate(None, _HEX):
        return Raw(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()), digits)
    return Raw(payload)


def frames(body: bytes) -> Iterator[Frame | Problem | Cut]:
    """The frames in these bytes, which may hold several; what stands between them is a Problem.

    A Cut is the last of them, if it is there.
    """
    at, cut = 0, -1
    while at < len(body):
        begin = body.find(START, at)
        # Whatever follows the beginning of a frame that is cut may be its own.
        if begin != at and cut < 0 and body[at:] != START[:1]:
            yield Problem("wrong_shape", f"no frame begins at byte {at}: @@ is expected")
        if begin < 0:
            break
        at = begin
        length = int.from_bytes(body[at + 24 : at + 26], "little")
        end = at + _AROUND + length
        if length <= LONGEST_DATA and end <= len(body) and body[end - 2 : end] == END:
            if cut >= 0:
                yield Problem("wrong_shape", f"the frame is cut: it ends at byte {at}")
            yield _frame(body[at:end])
            at, cut = end, -1
            continue
        if length <= LONGEST_DATA and end > len(body):
            cut = at if cut < 0 else cut
        elif cut < 0:
            yield Problem("wrong_shape", _why_none(at, length))
        at += 1
    if cut < 0 and body.endswith(START[:1]) and at < len(body):
        cut = len(body) - 1
    if cut >= 0:
        yield Cut(cut)


def _why_none(at: int, length: int) -> str:
    if length > LONGEST_DATA:
        return f"{length} bytes of data, of at most {LONGEST_DATA}"
    return f"no ## at the end of the frame at byte {at}"


def goes_on(begun: bytes, payload: bytes) -> bool:
    """Whether a payload is how a frame goes on that began in an earlier one.

    Boxes on a serial line pass on what came in before a pause, or as much as they have room for.
    """
    first = next(frames(raw(begun + payload).body), None)
    if isinstance(first, Frame) and first.sound:
        return True
    # A frame of its own, then; the rest of that other one was lost.
    anew = raw(payload).body.startswith(START)
    return isinstance(first, Frame | Cut) and not anew


def _frame(body: bytes) -> Frame:
    return Frame(
        serial=body[2:4],
        version=body[4:6],
        time=body[6:12],
        source=body[12:18],
        target=body[18:24],
        command=body[26],
        data=body[27:-3],
        sound=sum(body[2:-3]) & 0xFF == body[-3],
    )


def address(part: bytes) -> str:
    """An address of 6 bytes as 12 digits, the highest first."""
    return part[::-1].hex()


def moment(tag: bytes) -> str | None:
    """A time tag (8.2.2: second, minute, hour, day, month, year of the century) without a zone.

    None for one that is no time, as of a panel whose clock was never set.
    """
    second, minute, hour, day, month, year = tag
    sound = second < 60 and minute < 60 and hour < 24 and 0 < day < 32 and 0 < month < 13
    if not sound or year > 99:
        return None
    return f"20{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
