"""Secure unique NFC messages (SUN/SDM) of NTAG 424 DNA tags, by NXP AN12196 rev. 1.8, AES mode.

Pure functions: a text and keys in, what the tag said out. The address that a tag of ours writes:

    {base}/t?e=<PICCData, 32 hex>[&d=<file data, 32 n hex>]&m=<MAC, 16 hex>    encrypted mirror
    {base}/t?u=<UID, 14 hex>&c=<counter, 6 hex>[&d=…]&m=<MAC, 16 hex>          plain mirror
"""

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
UID_LENGTH, COUNTER_LENGTH, MAC_LENGTH = 7, 3, 8
# PICCData of a tag in LRP mode: eight random bytes and sixteen encrypted ones.
_LRP_LENGTH = 24
# PICCDataTag: what is mirrored, and the length of the UID in the low half.
_HAS_UID, _HAS_COUNTER = 0x80, 0x40
_WITHOUT_UID = (_HAS_COUNTER, _HAS_COUNTER | UID_LENGTH)
_FOR_ENCRYPTION = bytes.fromhex("C33C00010080")
_FOR_MAC = bytes.fromhex("3CC300010080")
_ADDRESS = re.compile(
    r"(?:^|[?&])(?:e=(?P<picc>[0-9A-Fa-f]*)|u=(?P<uid>[0-9A-Fa-f]*)(?:&c=(?P<ctr>[0-9A-Fa-f]*))?)"
    r"&(?P<maced>d=(?P<data>[0-9A-Fa-f]*)&m=|m=)(?P<mac>[0-9A-Fa-f]*)(?=$|[&#])"
)


class Flaw(StrEnum):
    """Why what a tag wrote can't be taken."""

    MALFORMED = "malformed"
    LRP = "lrp"
    UNREADABLE = "unreadable"
    NO_UID = "no_uid"
    NO_COUNTER = "no_counter"
    WRONG_MAC = "wrong_mac"


class Flawed(Exception):
    """What a tag wrote can't be taken. uid: as far as it could be read, else empty."""

    def __init__(self, flaw: Flaw, uid: bytes = b"") -> None:
        super().__init__(flaw.value)
        self.flaw = flaw
        self.uid = uid


class Tamper(StrEnum):
    """What the wire of a TagTamper says: its state since ever, and now."""

    CLOSED = "closed"
    OPENED_BEFORE = "opened_before"
    OPEN = "open"
    NOT_INITIALISED = "not_initialised"
    NOT_SUPPORTED = "not_supported"


_TAMPER = {
    b"CC": Tamper.CLOSED,
    b"OC": Tamper.OPENED_BEFORE,
    b"OO": Tamper.OPEN,
    b"II": Tamper.NOT_INITIALISED,
    b"NT": Tamper.NOT_SUPPORTED,
}


@dataclass(frozen=True, slots=True)
class Tap:
    """What stands in the address of one tap.

    mac_input: the ASCII over which the MAC goes, as it was sent. picc: the encrypted PICCData;
    empty where UID and counter stand in plain. file_data: encrypted, empty where there is none.
    as_written: whether every digit is as a tag writes it, in upper case.
    """

    mac: bytes
    mac_input: bytes = b""
    picc: bytes = b""
    file_data: bytes = b""
    uid: bytes = b""
    counter: int | None = None
    as_written: bool = True


@dataclass(frozen=True, slots=True)
class Picc:
    """Whose tap it was, and the how-manieth. uid: 7 bytes; counter: taps since it was set up."""

    uid: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The two AES-128 keys of one tap."""

    encryption: bytes
    mac: bytes


def read_tap(address: str) -> Tap:
    """What stands in an address or its query. Raises Flawed: malformed, lrp or no_counter."""
    found = _ADDRESS.search(address)
    if found is None:
        raise Flawed(Flaw.MALFORMED)
    parts = {name: text or "" for name, text in found.groupdict().items()}
    picc, uid = _hex(parts["picc"]), _hex(parts["uid"])
    file_data, mac = _hex(parts["data"]), _hex(parts["mac"])
    if len(picc) == _LRP_LENGTH:
        raise Flawed(Flaw.LRP)
    if len(mac) != MAC_LENGTH or len(file_data) % BLOCK or len(file_data) > 256:
        raise Flawed(Flaw.MALFORMED)
    counter = None
    if found["uid"] is not None:
        counter = _plain_counter(uid, found["ctr"])
    elif len(picc) != BLOCK:
        raise Flawed(Flaw.MALFORMED)
    return Tap(
        mac=mac,
        # Over the characters as they came: a tag writes capitals, and signs those.
        mac_input=parts["maced"].removeprefix("d=").encode() if parts["data"] else b"",
        picc=picc,
        file_data=file_data,
        uid=uid,
        counter=counter,
        as_written=all(text == text.upper() for name, text in parts.items() if name != "maced"),
    )


def _hex(text: str) -> bytes:
    if len(text) % 2:
        raise Flawed(Flaw.MALFORMED)
    return bytes.fromhex(text)


def _plain_counter(uid: bytes, text: str | None) -> int:
    if len(uid) != UID_LENGTH:
        raise Flawed(Flaw.MALFORMED)
    if text is None:
        raise Flawed(Flaw.NO_COUNTER, uid)
    if len(text) != 2 * COUNTER_LENGTH:
        raise Flawed(Flaw.MALFORMED)
    # In plain the most significant byte stands first, other than in PICCData.
    return int(text, 16)


def open_picc(meta_key: bytes, tap: Tap) -> Picc:
    """Whose tap it was: PICCData decrypted (AES-128-CBC, IV 0), or what stands in plain.

    meta_key: K_SDMMetaRead, which can't depend on the UID. Raises Flawed: unreadable where the
    key is not the tag's, no_uid and no_counter where the tag mirrors less than we need.
    """
    if not tap.picc:
        if tap.counter is None:
            raise Flawed(Flaw.NO_COUNTER, tap.uid)
        return Picc(tap.uid, tap.counter)
    if len(tap.picc) != BLOCK:
        raise Flawed(Flaw.LRP if len(tap.picc) == _LRP_LENGTH else Flaw.MALFORMED)
    plain = _decrypt(meta_key, bytes(BLOCK), tap.picc)
    flags, rest = plain[0], plain[1:]
    if flags in _WITHOUT_UID:
        raise Flawed(Flaw.NO_UID)
    # Another key than the tag's opens to noise, which hardly ever looks like this.
    if flags & ~_HAS_COUNTER != _HAS_UID | UID_LENGTH:
        raise Flawed(Flaw.UNREADABLE)
    uid = rest[:UID_LENGTH]
    if not flags & _HAS_COUNTER:
        raise Flawed(Flaw.NO_COUNTER, uid)
    counter = rest[UID_LENGTH : UID_LENGTH + COUNTER_LENGTH]
    return Picc(uid, int.from_bytes(counter, "little"))


def session_keys(file_key: bytes, picc: Picc) -> SessionKeys:
    """The keys of one tap, from K_SDMFileRead by SV1 and SV2 (AN12196, 3.3)."""
    said = picc.uid + picc.counter.to_bytes(COUNTER_LENGTH, "little")
    return SessionKeys(
        encryption=_cmac(file_key, (_FOR_ENCRYPTION + said).ljust(BLOCK, b"\0")),
        mac=_cmac(file_key, (_FOR_MAC + said).ljust(BLOCK, b"\0")),
    )


def sdm_mac(file_key: bytes, picc: Picc, mac_input: bytes) -> bytes:
    """The 8 bytes that the tag writes: every second one of the CMAC, from the second on."""
    return _cmac(session_keys(file_key, picc).mac, mac_input)[1::2]


def is_genuine(file_key: bytes, picc: Picc, tap: Tap) -> bool:
    """Whether the tag that has this key wrote this; compared in constant time."""
    return hmac.compare_digest(sdm_mac(file_key, picc, tap.mac_input), tap.mac)


def waste_a_mac() -> None:
    """Take as long as judging a MAC takes, for what is refused before it has one to judge."""
    is_genuine(bytes(BLOCK), Picc(bytes(UID_LENGTH), 0), Tap(mac=bytes(MAC_LENGTH)))


def open_file_data(file_key: bytes, picc: Picc, tap: Tap) -> bytes:
    """The mirrored part of the tag's file, decrypted; empty where it mirrors none."""
    if not tap.file_data:
        return b""
    key = session_keys(file_key, picc).encryption
    counter = picc.counter.to_bytes(COUNTER_LENGTH, "little").ljust(BLOCK, b"\0")
    return _decrypt(key, _encrypt_block(key, counter), tap.file_data)


def tamper_of(file_data: bytes) -> Tamper | None:
    """What a TagTamper writes in front of its file; None where no such word stands there."""
    return _TAMPER.get(file_data[:2])


def diversified(master: bytes, data: bytes) -> bytes:
    """A key of one tag: CMAC(master, 01 ‖ data), by NXP AN10922 for AES-128.

    data: 16 to 31 bytes. For fewer, AN10922 pads otherwise than CMAC does; ValueError.
    """
    if not BLOCK <= len(data) < 2 * BLOCK:
        raise ValueError("16 to 31 bytes of diversification data are needed")
    return _cmac(master, b"\x01" + data)


def _cmac(key: bytes, message: bytes) -> bytes:
    maker = CMAC(algorithms.AES(key))
    maker.update(message)
    return maker.finalize()


def _decrypt(key: bytes, start: bytes, sealed: bytes) -> bytes:
    reader = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return reader.update(sealed) + reader.finalize()


def _encrypt_block(key: bytes, block: bytes) -> bytes:
    # One block under CBC with IV 0 is that block under ECB, which AN12196 names.
    writer = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK))).encryptor()
    return writer.update(block) + writer.finalize()
