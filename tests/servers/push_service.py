"""A push service with the browsers behind it: it checks the sender (RFC 8292) and decrypts."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def from_url(text: str) -> bytes:
    """Base64 of URLs, read."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_url(content: bytes) -> str:
    """Base64 of URLs, written."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Browser:
    """A browser that subscribed: its keys, and the messages that it could read."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    read: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gone: bool = False

    @property
    def public(self) -> bytes:
        """The key that it gives away."""
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def form(self) -> dict[str, str]:
        """What its page sends us."""
        return {
            "endpoint": self.endpoint,
            "p256dh": to_url(self.public),
            "auth": to_url(self.auth),
        }

    def decrypt(self, body: bytes) -> bytes:
        """The content of an aes128gcm body of one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\0" + self.public + sender
        secret = HKDF(hashes.SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain.endswith(b"\x02")
        return plain[:-1]


@dataclass
class PushService:
    """What a push service knows. status: what it answers instead, such as 429."""

    url: str = ""
    now: float = 0
    status: int = 0
    browsers: dict[str, Browser] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser that subscribes."""
        path = f"/push/{to_url(os.urandom(12))}"
        self.browsers[path] = Browser(self.url + path)
        return self.browsers[path]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Judge one message; the status of the answer."""
        if self.status:
            return self.status
        browser = self.browsers.get(path)
        if browser is None:
            return 404
        if browser.gone:
            return 410
        if not self._is_ours(headers.get("Authorization", "")):
            return 403
        if headers.get("Content-Encoding") != "aes128gcm" or "TTL" not in headers:
            return 400
        browser.read.append(json.loads(browser.decrypt(body)))
        browser.headers.append(headers)
        return 201

    def _is_ours(self, authorization: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        head, claims, signature = fields["t"].split(".")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_url(fields["k"]))
        raw = from_url(signature)
        numbers = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
        signed = f"{head}.{claims}".encode()
        key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))
        told = json.loads(from_url(claims))
        self.subjects.append(told["sub"])
        lasts = told["exp"] - self.now
        good = json.loads(from_url(head)) == {"typ": "JWT", "alg": "ES256"}
        return good and scheme == "vapid" and told["aud"] == self.url and 0 < lasts <= 24 * 3600


@contextmanager
def serving_pushes(now: float) -> Iterator[PushService]:
    """A push service on a free port of this machine. now: its clock, in seconds."""
    service = PushService(now=now)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """One message."""
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(service.take(self.path, dict(self.headers.items()), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
