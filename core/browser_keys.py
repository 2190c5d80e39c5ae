"""Keys that stay in a browser: ECDSA on P-256 as WebCrypto makes them, and what one signed."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

_HALF = 32
PROOF = "dpop+jwt"
LONGEST_PROOF = 2_000


def unpadded(text: str) -> bytes | None:
    """The bytes behind base64url without padding (RFC 4648); None when it is none."""
    try:
        plain = text.encode("ascii")
        return urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except (ValueError, binascii.Error):
        return None


def read_key(jwk: Mapping[str, object]) -> dict[str, str] | None:
    """The public key that a browser hands in, as it is kept; None when it is no point of P-256."""
    halves = {name: jwk.get(name) for name in ("x", "y")}
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        return None
    key = {name: half for name, half in halves.items() if isinstance(half, str)}
    return key if len(key) == 2 and _public(key) is not None else None


def _public(key: Mapping[str, str]) -> ec.EllipticCurvePublicKey | None:
    x, y = unpadded(key["x"]), unpadded(key["y"])
    if x is None or y is None or len(x) != _HALF or len(y) != _HALF:
        return None
    numbers = (int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    try:
        return ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    except ValueError:
        return None


def is_signed(key: Mapping[str, str], text: str, signature: str) -> bool:
    """Whether `text` was signed by a key: ECDSA with SHA-256, r and s as WebCrypto gives them."""
    public, given = _public(key), unpadded(signature)
    if public is None or given is None or len(given) != 2 * _HALF:
        return False
    r, s = (int.from_bytes(part, "big") for part in (given[:_HALF], given[_HALF:]))
    try:
        public.verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def named_key(proof: str) -> str | None:
    """Which key a proof says that it is signed by; None for what is no proof.

    A proof is a JWT in the manner of RFC 9449 (DPoP), with the name of a key that we know (`kid`)
    in place of the key itself.
    """
    if not proof or len(proof) > LONGEST_PROOF:
        return None
    try:
        header = jws.extract_compact(proof.encode()).headers()
    except (JoseError, ValueError, RecursionError):
        return None
    name = header.get("kid")
    return name if header.get("typ") == PROOF and isinstance(name, str) else None


def proved_by(key: Mapping[str, str], proof: str) -> dict[str, Any] | None:
    """What a proof says (htm, htu, iat, jti), if this key has signed it with ES256; else None."""
    public = ECKey.import_key({"kty": "EC", "crv": "P-256", **key})
    try:
        return dict(jwt.decode(proof, public, algorithms=["ES256"]).claims)
    except (JoseError, ValueError, RecursionError):
        return None
