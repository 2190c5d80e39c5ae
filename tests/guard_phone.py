"""A guard's phone as the tests hold it: a key, a journal, and proofs as a browser makes them.

Written from docs/guard-journal.md, and sharing nothing with the product.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from core.ids import new_id


def unpadded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class GuardPhone:
    """What a phone keeps. clock_ahead: how far its own clock is ahead of true time."""

    id: UUID = field(default_factory=new_id)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    entries: list[str] = field(default_factory=list)
    person: UUID | None = None
    boot: str = "boot-1"
    clock_ahead: timedelta = timedelta(0)
    knows_offset: bool = True

    @property
    def key(self) -> dict[str, str]:
        """Its public key as a JWK."""
        numbers = self.private.public_key().public_numbers()
        x, y = (unpadded(half.to_bytes(32, "big")) for half in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def sign(self, text: str) -> str:
        """A signature as WebCrypto gives it."""
        r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(SHA256())))
        return unpadded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def proof(self, method: str, path: str, now: datetime, **changed: Any) -> str:
        """The proof of one request. changed: what of header and claims is otherwise."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "kid": str(self.id)}
        claims = {
            "htm": method,
            "htu": path,
            "iat": int(now.timestamp()),
            "jti": secrets.token_hex(16),
        }
        header |= {name: value for name, value in changed.items() if name in header}
        claims |= {name: value for name, value in changed.items() if name in claims}
        said = ".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))
        return f"{said}.{self.sign(said)}"

    @property
    def head(self) -> int:
        """The number of the newest entry."""
        return len(self.entries)

    def hash_of(self, seq: int) -> str:
        """The hash of an entry; of number 0 what stands before the first."""
        text = self.entries[seq - 1] if seq else f"wk-journal-1\n{self.id}"
        return hashlib.sha256(text.encode()).hexdigest()

    def running(self, at: datetime) -> int:
        """Its steady clock at a true time, in ms."""
        return int(at.timestamp() * 1000) % 10**12

    def note(self, kind: str, at: datetime, **data: Any) -> UUID:
        """Record an entry at a true time; returns its id."""
        entry_id, device_at = new_id(), at + self.clock_ahead
        offset = -int(self.clock_ahead / timedelta(milliseconds=1)) if self.knows_offset else None
        entry = {
            "v": 1,
            "seq": self.head + 1,
            "prev": self.hash_of(self.head),
            "id": str(entry_id),
            "at": iso(device_at),
            "mono_ms": self.running(at),
            "boot": self.boot,
            "offset_ms": offset,
            "person": str(self.person) if self.person else None,
            "kind": kind,
            "data": data,
        }
        self.entries.append(json.dumps(entry, ensure_ascii=False))
        return entry_id

    def sign_in(self, person: UUID, at: datetime, by: str = "online") -> None:
        """Record that somebody signs in."""
        self.person = person
        self.note("sign_in", at, by=by)

    def scan(self, uid: str, at: datetime) -> UUID:
        """Record a scan of a plain tag."""
        return self.note("scan", at, shown={"kind": "static_tag", "uid": uid})

    def batch(self, first: int = 1, last: int | None = None) -> tuple[list[str], str]:
        """Entries from a number to a number, with their signature."""
        last = self.head if last is None else last
        entries = self.entries[first - 1 : last]
        if not entries:
            return [], ""
        seq = first + len(entries) - 1
        return entries, self.sign(f"wk-journal-1\n{self.id}\n{seq}\n{self.hash_of(seq)}")

    def body(self, sent_at: datetime, first: int = 1, last: int | None = None) -> dict[str, Any]:
        """A batch as it goes over HTTP. sent_at: true time."""
        entries, signature = self.batch(first, last)
        return {
            "entries": entries,
            "signature": signature or None,
            "head": self.head,
            "sent_at": iso(sent_at + self.clock_ahead),
            "boot": self.boot,
            "mono_ms": self.running(sent_at),
        }
