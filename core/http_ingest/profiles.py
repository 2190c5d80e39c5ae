"""How platforms prove who they are, and where their message stands: a row a platform.

OneNET (China Mobile): "HTTP 推送" of its documentation, and the receiver that it publishes
(cm-heclouds/data-push). CTWing (China Telecom) signs nothing; its address carries a token.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from rules.wording import worded

BEARER = "authorization"
# Proxies on the way write it: anew for each try, and others the same for all that belongs together.
TRACE = "x-request-id"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A request as it came. headers: by their names in small letters."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Profile:
    """One way of pushing. name: in both languages.

    proof: `token` (a header of `tokens`, or `token` in the address), `hmac` (SHA-256 of the body,
    or of `timestamp.body` where there is a header for it, in hexadecimal behind `prefix`) or
    `onenet`. challenges: what is given back, by its name in the address. ids: headers and members
    of the body that tell one delivery from another.
    """

    code: str
    name: Mapping[str, str]
    proof: str
    tokens: tuple[str, ...] = ()
    signature: str = ""
    prefix: str = ""
    timestamp: str = ""
    window: timedelta = timedelta(minutes=5)
    challenges: tuple[str, ...] = ("challenge", "echostr", "hub.challenge")
    ids: tuple[str, ...] = ("idempotency-key", "x-request-id", "x-delivery-id")
    members: tuple[str, ...] = ()
    encrypts: bool = False


_TOKENS = (BEARER, "x-api-key", "x-token")
PROFILES: Mapping[str, Profile] = {
    each.code: each
    for each in (
        Profile("token", {"en": "Token", "zh": "令牌"}, "token", tokens=_TOKENS),
        Profile(
            "hmac",
            {"en": "Signature of the body (HMAC-SHA256)", "zh": "正文签名（HMAC-SHA256）"},
            "hmac",
            signature="x-hub-signature-256",
            prefix="sha256=",
            ids=("x-github-delivery", "idempotency-key", "x-request-id", "x-delivery-id"),
        ),
        Profile(
            "hmac-time",
            {
                "en": "Signature of time and body (HMAC-SHA256)",
                "zh": "时间与正文签名（HMAC-SHA256）",
            },
            "hmac",
            signature="x-signature",
            timestamp="x-timestamp",
        ),
        Profile(
            "onenet",
            {"en": "OneNET (China Mobile)", "zh": "OneNET（中国移动）"},
            "onenet",
            challenges=("msg",),
            members=("id",),
            encrypts=True,
        ),
        Profile(
            "ctwing",
            {"en": "CTWing (China Telecom)", "zh": "CTWing（中国电信）"},
            "token",
            tokens=_TOKENS,
        ),
    )
}


def is_proved(
    profile: Profile, secrets: Sequence[str], pushed: Pushed, now: datetime, *, asks: bool = False
) -> bool:
    """Whether who pushes knows one of the secrets. asks: it is a challenge, nothing was pushed."""
    prove = {"token": _token, "hmac": _signed, "onenet": _onenet}[profile.proof]
    # Each is tried, also behind the right one: how long it takes tells nothing.
    return any([prove(profile, secret, pushed, now, asks) for secret in secrets])


def _same(given: str | bytes, wanted: str | bytes) -> bool:
    one = given.encode("utf-8", "replace") if isinstance(given, str) else given
    other = wanted.encode() if isinstance(wanted, str) else wanted
    return hmac.compare_digest(one, other)


def _token(profile: Profile, secret: str, pushed: Pushed, _now: datetime, _asks: bool) -> bool:
    given = [pushed.headers[name] for name in profile.tokens if name in pushed.headers]
    given = [_bare_token(text) for text in given]
    given += [pushed.query["token"]] if "token" in pushed.query else []
    return any([_same(text.strip(), secret) for text in given])


def _bare_token(text: str) -> str:
    """The token of a header: alone, behind Bearer, or the password of Basic (RFC 7617)."""
    scheme, _, rest = text.partition(" ")
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() != "basic":
        return text
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _signed(profile: Profile, secret: str, pushed: Pushed, now: datetime, asks: bool) -> bool:
    signed = (challenge_of(profile, pushed) or "").encode() if asks else pushed.body
    if profile.timestamp:
        stamp = pushed.headers.get(profile.timestamp, "")
        if not _is_near(stamp, now, profile.window):
            return False
        signed = stamp.encode("utf-8", "replace") + b"." + signed
    wanted = profile.prefix + hmac.digest(secret.encode(), signed, "sha256").hex()
    return _same(pushed.headers.get(profile.signature, "").lower(), wanted)


def _is_near(stamp: str, now: datetime, window: timedelta) -> bool:
    """Whether a time in seconds since 1970 is about now."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return False
    return abs(int(stamp) - now.timestamp()) <= window.total_seconds()


def _onenet(_profile: Profile, secret: str, pushed: Pushed, _now: datetime, asks: bool) -> bool:
    """signature = Base64(MD5(token + nonce + msg)), which may come with escapes of an address."""
    if asks:
        said: Mapping[str, str] = pushed.query
        message = pushed.query.get("msg", "")
    else:
        said = _members(pushed.body)
        message = said.get("msg", "")
    given = said.get("signature") or said.get("msg_signature") or ""
    text = f"{secret}{said.get('nonce', '')}{message}".encode("utf-8", "replace")
    wanted = base64.b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode()
    # A plus that was not escaped has become a blank.
    plain = given.strip().replace(" ", "+")
    return any([_same(plain, wanted), _same(unquote(plain), wanted)])


def _members(body: bytes) -> dict[str, str]:
    """The members of an envelope: texts as they are, all else as it is written."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return {key: _text(bytes(value)) for key, value in raw.items()}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}


def _text(written: bytes) -> str:
    text = written.decode()
    if text.startswith('"'):
        read: str = json.loads(text)
        return read
    return "" if text == "null" else text


def challenge_of(profile: Profile, pushed: Pushed) -> str | None:
    """What is to be given back; None when nothing is asked."""
    return next((pushed.query[name] for name in profile.challenges if name in pushed.query), None)


def asked_in_body(pushed: Pushed) -> str | None:
    """The challenge of a body that is nothing else; None for all others."""
    if len(pushed.body) > 2_000:
        return None
    said = _members(pushed.body)
    return said.get("challenge") if said.keys() <= {"challenge", "type", "token"} else None


@dataclass(frozen=True, slots=True)
class Opened:
    """What was pushed, out of its envelope. ids: what tells this delivery from others, if known."""

    message: bytes
    ids: tuple[str, ...] = field(default=())

    @property
    def told_apart(self) -> bool:
        """Whether one of the ids is the platform's own."""
        return any(not name.startswith(f"{TRACE}:") for name in self.ids)


class Sealed(ValueError):
    """The message is encrypted, and can't be read by the key we have."""


def opened(profile: Profile, pushed: Pushed, cipher_key: str | None) -> Opened:
    """The message that was pushed. Raises Sealed."""
    ids = tuple(_ids(profile, pushed))
    if profile.proof != "onenet":
        return Opened(pushed.body, ids)
    text = _members(pushed.body).get("msg", "")
    if cipher_key is None:
        return Opened(text.encode("utf-8", "replace"), ids)
    return Opened(decrypted(text, cipher_key), ids)


def _ids(profile: Profile, pushed: Pushed) -> Iterator[str]:
    for name in profile.ids:
        if pushed.headers.get(name):
            content = f":{hashlib.sha256(pushed.body).hexdigest()}" if name == TRACE else ""
            yield f"{name}:{pushed.headers[name]}{content}"
    if profile.timestamp:
        yield f"signature:{pushed.headers.get(profile.signature, '').lower()}"
    said: Mapping[str, Any] = _members(pushed.body) if profile.members else {}
    for name in profile.members:
        if said.get(name):
            # The same name of other content is another delivery.
            content = hashlib.sha256(pushed.body).hexdigest()
            yield f"{name}:{said[name]}:{content}"


def cipher_key_fault(text: str) -> str | None:
    """Why a text is no key of encrypted messages; None when it is one."""
    if len(text) in (16, 43) and text.isascii() and text.isprintable():
        return None
    return worded("16 characters, or 43 (an EncodingAESKey)")


def decrypted(text: str, cipher_key: str) -> bytes:
    """A message in AES-CBC (PKCS #7), whose vector is the beginning of the key. Raises Sealed.

    A key of 16 characters encrypts the message alone; one of 43 is Base64 of 32 bytes, and then 16
    random bytes and the length (4 bytes, big-endian) stand before the message.
    """
    try:
        long = len(cipher_key) == 43
        key = base64.b64decode(cipher_key + "=") if long else cipher_key.encode()
        read = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = read.update(base64.b64decode(text, validate=True)) + read.finalize()
        # The long kind pads to blocks of 32 bytes, the short one to blocks of 16.
        unpad = PKCS7(256 if long else 128).unpadder()
        plain = unpad.update(padded) + unpad.finalize()
    except (ValueError, binascii.Error):
        raise Sealed("it can't be decrypted by the key that was set") from None
    if not long:
        return plain
    length = int.from_bytes(plain[16:20], "big")
    if len(plain) < 20 + length:
        raise Sealed("it can't be decrypted by the key that was set")
    return plain[20 : 20 + length]
