"""Secure messaging of NTAG 424 DNA in AES mode, by the data sheet NT4H2421Gx rev. 3.0, 9.1.

Pure: keys and bytes in, bytes out. The values of NXP AN12196 are in tests/tags.
"""

import binascii
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
MAC_LENGTH = 8
_COMMAND, _RESPONSE = b"\xa5\x5a", b"\x5a\xa5"
# Counter and length of the key derivation: one key of 128 bits.
_LENGTHS = b"\x00\x01\x00\x80"


class BrokenAnswer(Exception):
    """What came back was not said by the tag that the session was begun with."""


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-128-CMAC (NIST SP 800-38B)."""
    maker = CMAC(algorithms.AES(key))
    maker.update(message)
    return maker.finalize()


def short_mac(key: bytes, message: bytes) -> bytes:
    """The 8 bytes that are sent of a CMAC: every second one, from the second on."""
    return cmac(key, message)[1::2]


def encrypt(key: bytes, plain: bytes, start: bytes = bytes(BLOCK)) -> bytes:
    """AES-128-CBC; whole blocks. start: the initialisation vector."""
    writer = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return writer.update(plain) + writer.finalize()


def decrypt(key: bytes, sealed: bytes, start: bytes = bytes(BLOCK)) -> bytes:
    """The reverse of `encrypt`."""
    reader = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return reader.update(sealed) + reader.finalize()


def padded(plain: bytes) -> bytes:
    """ISO/IEC 9797-1, method 2: one bit, then zeros, up to a whole block."""
    return (plain + b"\x80").ljust(len(plain) // BLOCK * BLOCK + BLOCK, b"\0")


def unpadded(plain: bytes) -> bytes:
    """The reverse of `padded`. Raises BrokenAnswer."""
    body, mark, rest = plain.rpartition(b"\x80")
    if not mark or rest.strip(b"\0"):
        raise BrokenAnswer("the tag's answer is not padded as it should be")
    return body


def rotated(block: bytes) -> bytes:
    """One byte to the left."""
    return block[1:] + block[:1]


def xor(one: bytes, other: bytes) -> bytes:
    """Byte by byte, of the same length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def session_vectors(ours: bytes, theirs: bytes) -> tuple[bytes, bytes]:
    """SV1 and SV2 of two random numbers of 16 bytes (9.1.7): what session keys come from."""
    mixed = ours[:2] + xor(ours[2:8], theirs[:6]) + theirs[6:] + ours[8:]
    return _COMMAND + _LENGTHS + mixed, _RESPONSE + _LENGTHS + mixed


@dataclass(slots=True)
class SecureSession:
    """What both sides know after an authentication.

    transaction: TI, 4 bytes; counter: CmdCtr, how many commands were answered since.
    """

    encryption_key: bytes
    mac_key: bytes
    transaction: bytes
    counter: int = 0

    def command_mac(self, code: int, header: bytes, data: bytes) -> bytes:
        """The MAC of a command; data: as it is sent, encrypted or not."""
        return short_mac(self.mac_key, bytes([code]) + self._count() + header + data)

    def seal(self, plain: bytes) -> bytes:
        """Data of a command, encrypted; nothing stays nothing."""
        if not plain:
            return b""
        return encrypt(self.encryption_key, padded(plain), self._start(_COMMAND))

    def answered(self) -> None:
        """A command was answered: both sides count."""
        self.counter += 1

    def check(self, answer: bytes) -> bytes:
        """The data of an answer whose MAC is right. Counts first. Raises BrokenAnswer."""
        self.answered()
        if len(answer) < MAC_LENGTH:
            raise BrokenAnswer("the tag's answer bears no signature")
        data, mac = answer[:-MAC_LENGTH], answer[-MAC_LENGTH:]
        wanted = short_mac(self.mac_key, b"\x00" + self._count() + data)
        if not hmac.compare_digest(mac, wanted):
            raise BrokenAnswer("the signature of the tag's answer is wrong")
        return data

    def open(self, answer: bytes) -> bytes:
        """As `check`, decrypted."""
        data = self.check(answer)
        if not data:
            return b""
        if len(data) % BLOCK:
            raise BrokenAnswer("the tag's answer is no whole number of blocks")
        return unpadded(decrypt(self.encryption_key, data, self._start(_RESPONSE)))

    def _count(self) -> bytes:
        return self.counter.to_bytes(2, "little") + self.transaction

    def _start(self, label: bytes) -> bytes:
        known = label + self.transaction + self.counter.to_bytes(2, "little")
        # One block under CBC from zeros is that block under ECB, which the data sheet names.
        return encrypt(self.encryption_key, known.ljust(BLOCK, b"\0"))


def key_change(number: int, new: bytes, old: bytes, version: int) -> bytes:
    """The data of ChangeKey (10.6.1). old: of any key but number 0, which was authenticated with.

    The checksum is that of IEEE 802.3 without its last inversion, least significant byte first.
    """
    if number == 0:
        return new + bytes([version])
    checksum = binascii.crc32(new) ^ 0xFFFFFFFF
    return xor(new, old) + bytes([version]) + checksum.to_bytes(4, "little")
