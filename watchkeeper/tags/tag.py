"""An NTAG 424 DNA as its data sheet (NT4H2421Gx rev. 3.0, 10) lets one speak to it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from watchkeeper.tags.secure_messaging import (
    BrokenAnswer,
    SecureSession,
    cmac,
    decrypt,
    encrypt,
    key_change,
    rotated,
    session_vectors,
)

APPLICATION = bytes.fromhex("D2760000850101")
NDEF_FILE = 2
FACTORY_KEY = bytes(16)
UID_LENGTH = 7
OK, MORE = 0x9100, 0x91AF
_ISO_OK = 0x9000
# A frame of a command holds 255 bytes; one of so many is within it with every signature.
_PIECE = 128
_NTAG, _MAJOR = 0x04, 0x30
_NXP = 0x04
_MEANINGS = {
    0x911E: "a signature or a key was wrong",
    0x917E: "a length was wrong",
    0x919D: "it is not permitted",
    0x919E: "a parameter was wrong",
    0x91AD: "it wants some time after wrong keys; leave it at the reader and try again",
    0x91AE: "the key was wrong",
    0x91CA: "another command was still going on",
    0x91EE: "its memory failed",
    0x91F0: "there is no such file",
}


class Mode(IntEnum):
    """How a command and its answer are protected."""

    PLAIN = 0
    MAC = 1
    FULL = 3


class Reader(Protocol):
    """A reader with a tag on it."""

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send a command; its answer and status word. Raises TagGone."""


class TagError(Exception):
    """Something about a tag went wrong; the text says what."""


class TagGone(TagError):
    """The tag left the reader, or the reader the machine."""


class TagRefused(TagError):
    """The tag answered with a status that is none of success."""

    def __init__(self, doing: str, status: int) -> None:
        meaning = _MEANINGS.get(status, "see the data sheet")
        super().__init__(f"{doing}: the tag answered {status:04X}, {meaning}")
        self.status = status


class WrongKey(TagRefused):
    """The tag does not hold the key."""


class OtherTag(TagError):
    """It is no NTAG 424 DNA, or one that hides what it is."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What guards a file. write_mode: as its data is written by whom key 0 lets."""

    write_mode: Mode
    size: int


class Ntag424:
    """One tag on a reader. Raises TagError of one kind or another.

    draw: makes random bytes; tests give their own.
    """

    def __init__(
        self, reader: Reader, *, draw: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._reader = reader
        self._draw = draw
        self._session: SecureSession | None = None

    def select(self) -> None:
        """Begin at the tag's application; ends what was authenticated."""
        self._session = None
        command = b"\x00\xa4\x04\x0c" + bytes([len(APPLICATION)]) + APPLICATION + b"\x00"
        _, status = self._reader.transmit(command)
        if status != _ISO_OK:
            raise OtherTag("this is no NTAG 424 DNA: it has no application for NFC Forum type 4")

    def identify(self) -> bytes:
        """The UID of an NTAG 424 DNA, as GetVersion tells it; before any authentication.

        Raises OtherTag for another chip, and for one that gives random UIDs.
        """
        hardware, status = self._send(0x60)
        parts = [hardware]
        while status == MORE and len(parts) < 4:
            more, status = self._send(0xAF)
            parts.append(more)
        if status != OK or len(parts) != 3 or len(hardware) < 4 or len(parts[2]) < UID_LENGTH:
            raise OtherTag("this is no NTAG 424 DNA: it does not say which chip it is")
        if (hardware[0], hardware[1], hardware[3]) != (_NXP, _NTAG, _MAJOR):
            raise OtherTag(f"this is no NTAG 424 DNA, but the chip {hardware.hex().upper()}")
        uid = parts[2][:UID_LENGTH]
        if not any(uid):
            raise OtherTag("the tag was set to random UIDs, and can't be known again")
        return uid

    def authenticate(self, number: int, key: bytes) -> None:
        """AuthenticateEV2First (10.4.1). Raises WrongKey."""
        self._session = None
        doing = f"authenticate with key {number}"
        sealed, status = self._send(0x71, bytes([number, 0]))
        if status != MORE or len(sealed) != 16:
            raise TagRefused(doing, status)
        theirs, ours = decrypt(key, sealed), self._draw(16)
        answer, status = self._send(0xAF, encrypt(key, ours + rotated(theirs)))
        if status == 0x91AE:
            raise WrongKey(doing, status)
        if status != OK or len(answer) != 32:
            raise TagRefused(doing, status)
        said = decrypt(key, answer)
        if said[4:20] != rotated(ours):
            # Only who has the key can turn our number: this one guessed.
            raise WrongKey(doing, 0x91AE)
        for_encryption, for_mac = session_vectors(ours, theirs)
        self._session = SecureSession(cmac(key, for_encryption), cmac(key, for_mac), said[:4])

    def card_uid(self) -> bytes:
        """GetCardUID: what it says under the session's keys, so that nobody else can say it."""
        return self._command("read the UID", 0x51, mode=Mode.FULL)[:UID_LENGTH]

    def key_version(self, number: int) -> int:
        """GetKeyVersion: which version somebody noted beside a key; before any authentication."""
        answer, status = self._send(0x64, bytes([number]))
        if status != OK or len(answer) != 1:
            raise TagRefused(f"read the version of key {number}", status)
        return answer[0]

    def file_settings(self, file: int = NDEF_FILE) -> FileSettings:
        """GetFileSettings, within a session."""
        said = self._command("read the settings", 0xF5, bytes([file]), mode=Mode.MAC)
        if len(said) < 7:
            raise TagError("read the settings: the tag said too little")
        option, rights = said[1], int.from_bytes(said[2:4], "little")
        write_keys = {rights >> 8 & 0xF, rights >> 4 & 0xF}
        # Where nobody needs a key to write, nothing is signed, whatever the file's own mode.
        mode = Mode(option & 3) if option & 3 in (0, 1, 3) and 0 in write_keys else Mode.PLAIN
        return FileSettings(mode, int.from_bytes(said[4:7], "little"))

    def change_file_settings(self, settings: bytes, file: int = NDEF_FILE) -> None:
        """ChangeFileSettings (10.7.1). settings: from FileOption on."""
        self._command("set the mirrors", 0x5F, bytes([file]), settings, Mode.FULL)

    def write(self, data: bytes, mode: Mode, file: int = NDEF_FILE) -> None:
        """WriteData from the beginning, in pieces of which each is written whole or not at all.

        The last is written first: what stands in front says how long the whole is.
        """
        for start in reversed(range(0, len(data), _PIECE)):
            piece = data[start : start + _PIECE]
            header = bytes([file]) + _three(start) + _three(len(piece))
            self._command("write the address", 0x8D, header, piece, mode)

    def read(self, length: int, file: int = NDEF_FILE) -> bytes:
        """ReadData without any session, as a phone reads: this is a tap, and counts as one."""
        header = bytes([file]) + _three(0) + _three(length)
        answer, status = self._send(0xAD, header)
        if status != OK or len(answer) != length:
            raise TagRefused("read the address", status)
        return answer

    def change_key(self, number: int, new: bytes, old: bytes, version: int) -> None:
        """ChangeKey (10.6.1), within a session of key 0; changing that one ends the session."""
        data = key_change(number, new, old, version)
        doing = f"change key {number}"
        if number:
            self._command(doing, 0xC4, bytes([number]), data, Mode.FULL)
            return
        # The session ends with its key, so the answer bears no signature.
        session = self._within()
        header, sealed = bytes([number]), session.seal(data)
        mac = session.command_mac(0xC4, header, sealed)
        self._session = None
        _, status = self._send(0xC4, header + sealed + mac)
        if status != OK:
            raise TagRefused(doing, status)

    def _within(self) -> SecureSession:
        if self._session is None:
            raise TagError("nobody authenticated at this tag")
        return self._session

    def _command(
        self, doing: str, code: int, header: bytes = b"", data: bytes = b"", mode: Mode = Mode.PLAIN
    ) -> bytes:
        """A command within the session; returns the data of its answer."""
        session = self._within()
        sent = session.seal(data) if mode is Mode.FULL else data
        mac = b"" if mode is Mode.PLAIN else session.command_mac(code, header, sent)
        answer, status = self._send(code, header + sent + mac)
        if status != OK:
            # The tag has ended the session, too.
            self._session = None
            raise TagRefused(doing, status)
        try:
            if mode is Mode.PLAIN:
                session.answered()
                return answer
            return session.open(answer) if mode is Mode.FULL else session.check(answer)
        except BrokenAnswer as error:
            self._session = None
            raise TagError(f"{doing}: {error}") from error

    def _send(self, code: int, data: bytes = b"") -> tuple[bytes, int]:
        """A native command, wrapped by ISO/IEC 7816-4."""
        length = bytes([len(data)]) if data else b""
        return self._reader.transmit(bytes([0x90, code, 0, 0]) + length + data + b"\x00")


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
