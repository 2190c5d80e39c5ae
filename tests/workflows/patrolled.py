"""What the tests of patrols share: a checkpoint, a guard, and tags that write as real ones do.

The tag's arithmetic is written here once more, on AES alone, so that it does not lean on ours.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core import events
from core.badges import NewBadge, issue_badge
from core.db import Database
from core.ids import new_id
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from workflows.patrol import (
    REASONS,
    SCAN,
    Checkpoint,
    NewCheckpoint,
    NewToken,
    Presented,
    Put,
    Scan,
    SignedTap,
    create_checkpoint,
    present,
    put_token,
)


def aes(key: bytes, block: bytes) -> bytes:
    writer = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return writer.update(block) + writer.finalize()


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number ^ 0x87) & ((1 << 128) - 1)
    return number.to_bytes(16, "big")


def cmac(key: bytes, message: bytes) -> bytes:
    """RFC 4493, from the block cipher alone."""
    once = doubled(aes(key, bytes(16)))
    whole = len(message) > 0 and len(message) % 16 == 0
    blocks = [message[start : start + 16] for start in range(0, max(len(message), 1), 16)]
    last = blocks[-1] if whole else (blocks[-1] + b"\x80").ljust(16, b"\0")
    blocks[-1] = xor(last, once if whole else doubled(once))
    state = bytes(16)
    for block in blocks:
        state = aes(key, xor(state, block))
    return state


def cbc(key: bytes, start: bytes, plain: bytes) -> bytes:
    sealed, state = b"", start
    for begin in range(0, len(plain), 16):
        state = aes(key, xor(state, plain[begin : begin + 16]))
        sealed += state
    return sealed


@dataclass
class Tag:
    """An NTAG 424 DNA: what it was given, and how often it was tapped."""

    uid: bytes
    meta_key: bytes
    file_key: bytes
    counter: int = 0

    def tap(self, *, flags: int = 0xC7, tamper: bytes = b"") -> str:
        """The address that one tap writes."""
        self.counter += 1
        return self.address(self.counter, flags=flags, tamper=tamper)

    def address(self, counter: int, *, flags: int = 0xC7, tamper: bytes = b"") -> str:
        """The address of the n-th tap. tamper: two characters in front of its file, if any."""
        said = counter.to_bytes(3, "little")
        mirrored = bytes([flags]) + self.uid + (said if flags & 0x40 else b"")
        picc = cbc(self.meta_key, bytes(16), mirrored.ljust(16, b"\xa5"))
        data, maced = "", b""
        if tamper:
            key = cmac(self.file_key, bytes.fromhex("C33C00010080") + self.uid + said)
            start = aes(key, said.ljust(16, b"\0"))
            data = f"&d={cbc(key, start, tamper.ljust(16, b'x')).hex().upper()}"
            maced = data.removeprefix("&d=").encode() + b"&m="
        mac = self.mac(counter, maced)
        return f"https://wk.example/t?e={picc.hex().upper()}{data}&m={mac.hex().upper()}"

    def plain_address(self, counter: int) -> str:
        """The same with UID and counter in plain."""
        mac = self.mac(counter, b"").hex().upper()
        return f"https://wk.example/t?u={self.uid.hex().upper()}&c={counter:06X}&m={mac}"

    def mac(self, counter: int, maced: bytes) -> bytes:
        said = counter.to_bytes(3, "little")
        key = cmac(self.file_key, bytes.fromhex("3CC300010080") + self.uid + said)
        return cmac(key, maced)[1::2]


@dataclass
class Post:
    """A checkpoint of the small site with a guard, and how things are presented there."""

    database: Database
    site: SmallSite
    vault: Vault
    checkpoint_id: UUID
    guard: UUID

    def put(self, kind: str, value: str = "", **more: Any) -> Put:
        """Put something to be scanned there."""
        with self.database.write() as session:
            checkpoint = session.get_one(Checkpoint, self.checkpoint_id)
            new = NewToken(kind, value, **more)
            return put_token(
                session, checkpoint, new, vault=self.vault, actor=events.SYSTEM, now=NOON
            )

    def tag(self, uid: str = "04A1B2C3D4E5F6") -> Tag:
        """A signed tag that was written with what we showed for it."""
        return tag_of(uid, self.put("signed_tag", uid))

    def badge(self, number: str, *, kind: str = "card", starts_at: datetime | None = None) -> UUID:
        """A badge of the guard."""
        new = NewBadge(self.guard, kind, number, starts_at=starts_at)
        with self.database.write() as session:
            row = issue_badge(
                session,
                self.site.id,
                new,
                needs=SCAN,
                vault=self.vault,
                actor=events.SYSTEM,
                now=NOON,
            )
            return row.id

    def show(self, presented: Presented, now: datetime = NOON) -> Scan:
        """Present something, in a transaction of its own."""
        with self.database.write() as session:
            scan = present(session, presented, vault=self.vault, now=now)
            assert scan.verdict in REASONS
            return scan

    def about(self, **more: Any) -> dict[str, Any]:
        """What every presentation of the guard says."""
        return {
            "id": new_id(),
            "occurred_at": NOON,
            "channel": "online",
            "site_id": self.site.id,
            "person_id": self.guard,
            **more,
        }

    def tapped(self, address: str, **more: Any) -> SignedTap:
        """A tap that the guard presents."""
        return SignedTap(address=address, **self.about(**more))


def tag_of(uid: str, put: Put) -> Tag:
    """The tag that was written with what was shown."""
    meta_key, file_key = (
        bytes.fromhex(put.secrets[name]) for name in ("meta_read_key", "file_read_key")
    )
    return Tag(bytes.fromhex(uid), meta_key, file_key)


def make_post(database: Database, site: SmallSite) -> Post:
    """A checkpoint and a guard on the small site."""
    settings = load(secret_key="a key of the tests of patrols only")
    new = NewCheckpoint("gate", {"en": "Main gate", "zh": "大门"})
    with database.write() as session:
        row = create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=NOON)
        checkpoint_id = row.id
    return Post(database, site, Vault(settings), checkpoint_id, employ(database, site.id, "guard"))
