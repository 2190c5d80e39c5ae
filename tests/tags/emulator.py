"""An NTAG 424 DNA that is not there: it checks what it is told as the data sheet says.

By NT4H2421Gx rev. 3.0. Its arithmetic is that of the tests, on AES alone.
"""

import os
import zlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.workflows.patrolled import aes, cbc, cmac, xor
from watchkeeper.tags.tag import TagGone

APPLICATION = bytes.fromhex("D2760000850101")
HARDWARE = bytes.fromhex("04040230001105")
SOFTWARE = bytes.fromhex("04040201021105")
# After so many wrong keys in a row it makes whoever asks wait.
MOST_FAILURES = 50


class Refusal(Exception):
    """The tag answers with this status, and ends its session."""


@dataclass
class Session:
    """What an authentication left: with which key, and what both sides know."""

    number: int
    encryption: bytes
    mac: bytes
    transaction: bytes
    counter: int = 0

    def start(self, label: str) -> bytes:
        known = bytes.fromhex(label) + self.transaction + self.counter.to_bytes(2, "little")
        return aes(self.encryption, known.ljust(16, b"\0"))

    def signature(self, first: int, rest: bytes) -> bytes:
        count = self.counter.to_bytes(2, "little")
        return cmac(self.mac, bytes([first]) + count + self.transaction + rest)[1::2]


@dataclass
class EmulatedTag:
    """What the tag keeps without power, and on what reader it lies.

    most_failures: how many wrong keys it was shown in a row. gone_at: the how-manieth command from
    now finds no tag any more; with answer_lost it has done what it was told before it went.
    """

    uid: bytes
    hardware: bytes = HARDWARE
    keys: list[bytes] = field(default_factory=lambda: [bytes(16)] * 5)
    versions: list[int] = field(default_factory=lambda: [0] * 5)
    content: bytearray = field(default_factory=lambda: bytearray(256))
    option: int = 0x00
    rights: int = 0xEEE0
    mirrors: bytes = b""
    taps: int = 0
    failures: int = 0
    most_failures: int = 0
    commands: int = 0
    gone_at: int | None = None
    answer_lost: bool = False

    def __post_init__(self) -> None:
        self.lay_down()

    def lay_down(self) -> None:
        """Lay it on the reader: whatever went on is forgotten, what is kept is kept."""
        self.gone_at = None
        self.selected = False
        self.session: Session | None = None
        self.challenge: tuple[int, bytes] | None = None
        self.frames: list[bytes] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """What a reader does with it."""
        self.commands += 1
        if self.gone_at is not None:
            self.gone_at -= 1
            if self.gone_at <= 0:
                if self.gone_at == 0 and self.answer_lost:
                    self._answer(command)
                raise TagGone("the tag left the reader")
        return self._answer(command)

    def tap(self) -> str:
        """The address that a phone reads."""
        self.lay_down()
        self.transmit(b"\x00\xa4\x04\x0c\x07" + APPLICATION + b"\x00")
        length = 2 + int.from_bytes(self.content[:2], "big")
        said, status = self.transmit(
            bytes.fromhex("90AD000007020000 00") + length.to_bytes(3, "little") + b"\x00"
        )
        assert status == 0x9100, hex(status)
        assert said[6:7] in (b"\x03", b"\x04")
        return {3: "http://", 4: "https://"}[said[6]] + said[7:].decode()

    def _answer(self, command: bytes) -> tuple[bytes, int]:
        try:
            return self._do(command)
        except Refusal as refusal:
            self.session = self.challenge = None
            status: int = refusal.args[0]
            return b"", status

    def _do(self, command: bytes) -> tuple[bytes, int]:
        if command[:4] == b"\x00\xa4\x04\x0c":
            if command[5:-1] != APPLICATION:
                return b"", 0x6A82
            self.selected, self.session = True, None
            return b"", 0x9000
        assert command[:1] == b"\x90"
        assert command[2:4] == b"\0\0"
        assert command[-1:] == b"\0"
        assert len(command) == 5 or command[4] == len(command) - 6
        code, body = command[1], command[5:-1]
        if not self.selected:
            raise Refusal(0x919D)
        if code == 0xAF:
            return self._continue(body)
        self.challenge = None
        doing = {
            0x60: self._version,
            0x71: self._authenticate,
            0x64: self._key_version,
            0x51: self._card_uid,
            0xF5: self._settings,
            0x5F: self._change_settings,
            0x8D: self._write,
            0xAD: self._read,
            0xC4: self._change_key,
        }
        if code not in doing:
            raise Refusal(0x911C)
        return doing[code](body)

    def _version(self, body: bytes) -> tuple[bytes, int]:
        if self.session is not None or body:
            raise Refusal(0x917E)
        self.frames = [SOFTWARE, self.uid + bytes(7)]
        return self.hardware, 0x91AF

    def _continue(self, body: bytes) -> tuple[bytes, int]:
        if self.challenge is not None:
            return self._prove(*self.challenge, body)
        if not self.frames or body:
            raise Refusal(0x917E)
        said = self.frames.pop(0)
        return said, 0x91AF if self.frames else 0x9100

    def _authenticate(self, body: bytes) -> tuple[bytes, int]:
        self.session = None
        if len(body) != 2 or body[0] > 4:
            raise Refusal(0x9140)
        if self.failures > MOST_FAILURES:
            raise Refusal(0x91AD)
        drawn = os.urandom(16)
        self.challenge = (body[0], drawn)
        return cbc(self.keys[body[0]], bytes(16), drawn), 0x91AF

    def _prove(self, number: int, ours: bytes, body: bytes) -> tuple[bytes, int]:
        self.challenge = None
        key = self.keys[number]
        said = opened(key, bytes(16), body)
        if len(body) != 32 or said[16:] != ours[1:] + ours[:1]:
            self.failures += 1
            self.most_failures = max(self.most_failures, self.failures)
            raise Refusal(0x91AE)
        self.failures = 0
        theirs, transaction = said[:16], os.urandom(4)
        mixed = theirs[:2] + xor(theirs[2:8], ours[:6]) + ours[6:] + theirs[8:]
        self.session = Session(
            number,
            cmac(key, bytes.fromhex("A55A00010080") + mixed),
            cmac(key, bytes.fromhex("5AA500010080") + mixed),
            transaction,
        )
        answer = transaction + theirs[1:] + theirs[:1] + bytes(12)
        return cbc(key, bytes(16), answer), 0x9100

    def _key_version(self, body: bytes) -> tuple[bytes, int]:
        if self.session is not None or len(body) != 1:
            raise Refusal(0x917E)
        return bytes([self.versions[body[0]]]), 0x9100

    def _card_uid(self, body: bytes) -> tuple[bytes, int]:
        self._unsigned(0x51, body, 0)
        return self._signed(self.uid, sealed=True)

    def _settings(self, body: bytes) -> tuple[bytes, int]:
        said = bytes([0, self.option]) + self.rights.to_bytes(2, "little") + b"\x00\x01\x00"
        said += self.mirrors
        if self.session is None:
            return said, 0x9100
        self._unsigned(0xF5, body, 1)
        return self._signed(said)

    def _change_settings(self, body: bytes) -> tuple[bytes, int]:
        settings = self._opened(0x5F, body, 1)
        self._require(self.rights & 0xF)
        if body[0] != 2 or settings[0] not in (0x00, 0x40):
            raise Refusal(0x919E)
        if settings[0] & 0x40:
            check_mirrors(settings[3:])
            if not self.mirrors:
                # Turning the mirrors on begins to count anew.
                self.taps = 0
        self.option, self.mirrors = settings[0], settings[3:]
        self.rights = int.from_bytes(settings[1:3], "little")
        return self._signed(b"")

    def _write(self, body: bytes) -> tuple[bytes, int]:
        file, start, length = body[0], three(body[1:4]), three(body[4:7])
        allowed = {self.rights >> 8 & 0xF, self.rights >> 4 & 0xF}
        number = None if self.session is None else self.session.number
        if file != 2 or (0xE not in allowed and number not in allowed):
            raise Refusal(0x91AE)
        mode = self.option & 3 if number in allowed else 0
        data = body[7:]
        if mode == 3:
            data = self._opened(0x8D, body, 7)
        elif mode == 1:
            data = self._unsigned(0x8D, body, 7 + length)[7:]
        if len(data) != length or not 0 < start + length <= len(self.content):
            raise Refusal(0x917E)
        self.content[start : start + length] = data
        if mode:
            return self._signed(b"")
        if self.session is not None:
            self.session.counter += 1
        return b"", 0x9100

    def _read(self, body: bytes) -> tuple[bytes, int]:
        start, length = three(body[1:4]), three(body[4:7])
        if self.session is not None or self.rights >> 12 != 0xE or body[0] != 2:
            raise Refusal(0x91AE)
        said = bytes(self.content)
        if self.option & 0x40:
            self.taps += 1
            said = self._mirrored()
        return said[start : start + length], 0x9100

    def _mirrored(self) -> bytes:
        """The file as it is read, with UID, counter and signature in it."""
        picc_at, signed_from, signed_at = (three(self.mirrors[3 + i : 6 + i]) for i in (0, 3, 6))
        access = int.from_bytes(self.mirrors[1:3], "little")
        meta_key, file_key = self.keys[access >> 12], self.keys[access >> 8 & 0xF]
        count = self.taps.to_bytes(3, "little")
        plain = (b"\xc7" + self.uid + count).ljust(16, b"\x5a")
        said = bytearray(self.content)
        said[picc_at : picc_at + 32] = cbc(meta_key, bytes(16), plain).hex().upper().encode()
        key = cmac(file_key, bytes.fromhex("3CC300010080") + self.uid + count)
        mac = cmac(key, bytes(said[signed_from:signed_at]))[1::2]
        said[signed_at : signed_at + 16] = mac.hex().upper().encode()
        return bytes(said)

    def _change_key(self, body: bytes) -> tuple[bytes, int]:
        data = self._opened(0xC4, body, 1)
        self._require(0)
        number = body[0]
        if number > 4:
            raise Refusal(0x9140)
        if len(data) != (21 if number else 17):
            raise Refusal(0x917E)
        new, version = data[:16], data[16]
        if number:
            new = xor(new, self.keys[number])
            if (zlib.crc32(new) ^ 0xFFFFFFFF).to_bytes(4, "little") != data[17:]:
                raise Refusal(0x911E)
        self.keys[number], self.versions[number] = new, version
        if number:
            return self._signed(b"")
        self.session = None
        return b"", 0x9100

    def _require(self, number: int) -> None:
        if self.session is None or self.session.number != number:
            raise Refusal(0x91AE)

    def _unsigned(self, code: int, body: bytes, length: int) -> bytes:
        """A command without its signature, which must be right."""
        session = self.session
        if session is None:
            raise Refusal(0x91AE)
        said, mac = body[:-8], body[-8:]
        if session.signature(code, said) != mac:
            raise Refusal(0x911E)
        if len(said) < length:
            raise Refusal(0x917E)
        return said

    def _opened(self, code: int, body: bytes, header: int) -> bytes:
        """The data of an encrypted command."""
        said = self._unsigned(code, body, header)
        session = self.session
        assert session is not None
        plain = opened(session.encryption, session.start("A55A"), said[header:])
        data, mark, rest = plain.rpartition(b"\x80")
        if not mark or rest.strip(b"\0"):
            raise Refusal(0x911E)
        return data

    def _signed(self, data: bytes, *, sealed: bool = False) -> tuple[bytes, int]:
        session = self.session
        assert session is not None
        session.counter += 1
        if sealed:
            padded = (data + b"\x80").ljust(len(data) // 16 * 16 + 16, b"\0")
            data = cbc(session.encryption, session.start("5AA5"), padded)
        return data + session.signature(0, data), 0x9100


def opened(key: bytes, start: bytes, sealed: bytes) -> bytes:
    reader = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return reader.update(sealed) + reader.finalize()


def three(number: bytes) -> int:
    return int.from_bytes(number, "little")


def check_mirrors(mirrors: bytes) -> None:
    """What the tag refuses of SDM settings (table 71); this one mirrors UID and counter, sealed."""
    if len(mirrors) != 12 or mirrors[0] != 0xC1:
        raise Refusal(0x919E)
    access = int.from_bytes(mirrors[1:3], "little")
    if access >> 12 > 4 or access >> 8 & 0xF > 4 or access >> 4 & 0xF != 0xF:
        raise Refusal(0x919E)
    picc_at, signed_from, signed_at = (three(mirrors[3 + i : 6 + i]) for i in (0, 3, 6))
    apart = signed_at >= picc_at + 32 or picc_at >= signed_at + 16
    if signed_from > signed_at or signed_at > 240 or picc_at > 224 or not apart:
        raise Refusal(0x919E)
