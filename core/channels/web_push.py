"""Web push: encrypted for one browser (RFC 8291), signed as ours (VAPID, RFC 8292).

The libraries for it bring an HTTP client of their own and are under the MPL; what is needed is
short, stands on `cryptography`, and is held against the vectors of RFC 8291 in the tests.
"""

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.channels.asking import TIMEOUT
from core.channels.message import Message, Outcome
from core.errors import WatchkeeperError
from core.settings import is_safe_address
from core.vault import Vault

CURVE = ec.SECP256R1()
# The order of P-256 (FIPS 186-5, SP 800-186).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY_LENGTH, AUTH_LENGTH, SALT_LENGTH = 65, 16, 16
RECORD = 4096
# One record holds it all: less the header of RFC 8188, the tag and the mark of the last record.
LONGEST = RECORD - 86 - 17
# A message that could not be delivered meanwhile is no news any more; it is sent again by its plan.
KEPT_SECONDS = 600
# RFC 8292 allows 24 hours.
TOKEN_HOLDS = timedelta(hours=12)


def encoded(content: bytes) -> str:
    """Base64 as URLs take it, without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """What `encoded` was given. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser takes pushes, and for whom they are encrypted."""

    endpoint: str
    key: bytes
    auth: bytes


def read_subscription(endpoint: str, key: str, auth: str) -> Subscription:
    """A subscription as a browser gives it. Raises ValueError with what is wrong."""
    try:
        found = Subscription(endpoint, decoded(key), decoded(auth))
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, found.key)
    except ValueError:
        raise ValueError("the keys of this browser can't be read") from None
    if len(found.key) != KEY_LENGTH or len(found.auth) != AUTH_LENGTH or len(endpoint) > 1000:
        raise ValueError("the keys of this browser can't be read")
    return found


def is_push_service(endpoint: str, services: str) -> bool:
    """Whether we post to this address: a push service of the setting, over TLS.

    services: host names apart by white space; `*.` at the front stands for any part.
    """
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    if not is_safe_address(endpoint) or parts.username is not None:
        return False
    return any(
        host.endswith(one[1:]) if one.startswith("*.") else host == one
        for one in services.lower().split()
    )


def _expanded(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(
    content: bytes, to: Subscription, sender: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """A message as aes128gcm in one record. sender, salt: fresh for each message."""
    if len(content) > LONGEST:
        raise ValueError(f"a push holds {LONGEST} bytes")
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, to.key)
    own = _point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), receiver)
    # RFC 8291, section 3.4: the secret of the subscription goes in first.
    secret = HKDF(hashes.SHA256(), 32, to.auth, b"WebPush: info\0" + to.key + own).derive(shared)
    extracted = HKDF.extract(hashes.SHA256(), salt, secret)
    key = _expanded(extracted, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _expanded(extracted, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4, "big") + len(own).to_bytes(1, "big") + own
    return header + AESGCM(key).encrypt(nonce, content + b"\x02", None)


@dataclass(frozen=True)
class Vapid:
    """Who we are to push services. The key is derived from the vault's, so that it stands nowhere
    else and every process has the same.

    contact: an address of whoever runs the installation, mailto: or https:.
    """

    vault: Vault
    contact: str

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        # 128 bits more than needed: no bias that matters (FIPS 186-5, A.2.1).
        drawn = int.from_bytes(self.vault.derive("vapid 1", 48), "big")
        return ec.derive_private_key(drawn % (ORDER - 1) + 1, CURVE)

    @cached_property
    def public(self) -> str:
        """The key that browsers subscribe with."""
        return encoded(_point(self._key.public_key()))

    def authorization(self, endpoint: str, now: datetime) -> str:
        """The header of a message to an endpoint: a JWT (ES256) for its origin."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((now + TOKEN_HOLDS).timestamp()),
            "sub": self.contact,
        }
        pieces = ({"typ": "JWT", "alg": "ES256"}, claims)
        signed = ".".join(encoded(json.dumps(one).encode()) for one in pieces)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"vapid t={signed}.{signature}, k={self.public}"


@dataclass(frozen=True)
class WebPush:
    """A push to one browser. That the push service took it is all that is ever known of it."""

    vapid: Vapid
    services: str
    now: Callable[[], datetime]
    name: str = "push"
    address_kind: str = "push"

    def send(self, address: str, message: Message) -> Outcome:
        """Send one push. address: as `pack` made it; reference of the outcome: the device's id."""
        device, _, sealed = address.partition(":")
        try:
            to = unpack(self.vapid.vault, device, bytes.fromhex(sealed))
        except WatchkeeperError as error:
            return Outcome(sent=False, text=error.detail[:300], reference=device)
        if not is_push_service(to.endpoint, self.services):
            text = "the setting push_services does not name this push service"
            return Outcome(sent=False, text=text, reference=device)
        sender, salt = ec.generate_private_key(CURVE), os.urandom(SALT_LENGTH)
        body = encrypt(payload(message), to, sender, salt)
        try:
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
                answer = client.post(to.endpoint, content=body, headers=self._headers(to, message))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome(sent=False, text=type(error).__name__, reference=device)
        if answer.status_code in (404, 410):
            text = "this browser takes no pushes any more"
            return Outcome(sent=False, text=text, reference=device, gone=True)
        if not answer.is_success:
            text = f"the push service answered {answer.status_code}"
            return Outcome(sent=False, text=text, reference=device)
        return Outcome(sent=True, text="taken by the push service", reference=device)

    def _headers(self, to: Subscription, message: Message) -> dict[str, str]:
        return {
            "Authorization": self.vapid.authorization(to.endpoint, self.now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Urgency": "high",
            # One that waits at the push service gives way to the next of the same notice.
            "Topic": message.reference,
        }


def payload(message: Message) -> bytes:
    """What the service worker reads: nothing that anybody wrote, for it shows on a locked phone."""
    content = {
        "title": message.plain,
        "accept": message.accept if message.takes else "",
        "link": urlsplit(message.link).path,
        "page": message.page,
        "tag": message.reference,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def about(device: str) -> str:
    """What the vault is told that a subscription belongs to."""
    return f"push device {device}"


def pack(vault: Vault, device: str, to: Subscription) -> bytes:
    """A subscription sealed: whoever knows its address and keys could push to it."""
    keys = {"endpoint": to.endpoint, "key": encoded(to.key), "auth": encoded(to.auth)}
    return vault.seal(json.dumps(keys), about(device))


def unpack(vault: Vault, device: str, sealed: bytes) -> Subscription:
    """The subscription that was sealed. Raises WrongKey."""
    found = json.loads(vault.unseal(sealed, about(device)))
    return Subscription(found["endpoint"], decoded(found["key"]), decoded(found["auth"]))
