"""The identity provider as we speak with it: OpenID Connect Core 1.0, Discovery 1.0, RFC 7636."""

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from core.errors import NotFound
from core.identity.attempts import Begun, IdentityAttempt
from core.identity.refusals import ProviderAway, SignInRefused
from core.settings import Settings, is_safe_address
from rules.wording import worded

# All that we ask for is who it is; names are what people call themselves here.
SCOPE = "openid"
ANSWERS_WITHIN = 5.0
# A provider that hangs takes at most so many threads of ours, and is left alone for a moment.
ASKED_AT_ONCE = 8
LEFT_ALONE_SECONDS = 5.0
# How long what the provider says of itself is believed; a key that we don't know is asked for.
KNOWN_SECONDS = 3600.0
LEEWAY_SECONDS = 120
# Signed by a key that only the provider has: neither "none" nor what our own password would sign.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
    | {"EdDSA", "Ed25519"}
)
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_TIMES = frozenset({"exp", "iat", "nbf"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Who came back from the provider. proved: it asked for a second factor (RFC 8176, `mfa`).

    token: the ID token that says so, by which the provider knows whom to sign out later.
    """

    issuer: str
    subject: str
    proved: bool
    token: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and its keys."""

    metadata: Mapping[str, Any]
    keys: KeySet
    until: float


class Provider:
    """The identity provider of the settings. Thread-safe; asks it over HTTP, so hold no session."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: _Known | None = None
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(ASKED_AT_ONCE)
        self._left_alone_until = 0.0

    @property
    def issuer(self) -> str:
        """The provider's address, as it stands in ID tokens; empty when there is none."""
        return self._settings.oidc_issuer

    @property
    def label(self) -> str:
        """What people call the provider; empty when there is none."""
        return self._settings.oidc_label or (urlsplit(self.issuer).hostname or "")

    def require(self) -> None:
        """NotFound when no provider is set."""
        if not self.issuer:
            raise NotFound(
                worded("there is no identity provider here"), advice=worded("Sign in by password.")
            )

    def address(self, begun: Begun, back: str, *, anew: bool) -> str:
        """Where to send the browser. back: where it shall come back to.

        anew: the provider shall ask who it is even where somebody is signed in with it. Raises
        ProviderAway.
        """
        metadata = self._metadata()
        with self._client(metadata, back) as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
                **({"prompt": "login"} if anew else {}),
            )
        return str(address)

    def check(self) -> None:
        """ProviderAway when the provider does not say of itself what we need to know."""
        self._metadata()

    def subject_of(
        self, code: str, attempt: IdentityAttempt, back: str, *, now: datetime
    ) -> Subject:
        """Redeem a code. Raises SignInRefused and ProviderAway."""
        metadata = self._metadata()
        token = self._redeem(metadata, code, attempt.verifier, back)
        claims = self._read(metadata, token, attempt.nonce, now)
        subject = claims["sub"]
        if not 1 <= len(subject) <= 255:
            raise SignInRefused("untrusted", "the identity provider names nobody")
        proved = "mfa" in (claims.get("amr") or ())
        return Subject(self.issuer, subject, proved=proved, token=token["id_token"])

    def sign_out_address(self, token: str, back: str) -> str:
        """Where a browser signs out of the provider, too (RP-Initiated Logout 1.0, section 2).

        token: the ID token of the sign-in, or "" where it is not known any more. back: where the
        browser shall come back to. "" when the provider offers no such thing, or is away: who
        signs out of Watchkeeper is never kept from it.
        """
        try:
            metadata = self._metadata()
        except (NotFound, ProviderAway):
            return ""
        address = str(metadata.get("end_session_endpoint") or "")
        if not is_safe_address(address):
            return ""
        hint = {"id_token_hint": token} if token else {}
        fields = {"client_id": self._settings.oidc_client_id, "post_logout_redirect_uri": back}
        joint = "&" if urlsplit(address).query else "?"
        return f"{address}{joint}{urlencode({**hint, **fields})}"

    def _client(self, metadata: Mapping[str, Any], back: str = "") -> OAuth2Client:
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic"
        if not self._settings.oidc_client_secret:
            method = "none"
        elif method not in methods and "client_secret_post" in methods:
            method = "client_secret_post"
        client = OAuth2Client(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret or None,
            token_endpoint_auth_method=method,
            scope=SCOPE,
            redirect_uri=back,
            code_challenge_method="S256",
            timeout=ANSWERS_WITHIN,
        )
        client.register_client_auth_method(("client_secret_basic", _basic))
        return client

    def _redeem(
        self, metadata: Mapping[str, Any], code: str, verifier: str, back: str
    ) -> Mapping[str, Any]:
        try:
            with self._turn(), self._client(metadata, back) as client:
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise SignInRefused("stale", "this sign-in was used before") from None
            raise ProviderAway("settings", "the identity provider does not know us") from error
        except (httpx2.HTTPError, ValueError) as error:
            raise _away(error) from error
        if not isinstance(token.get("id_token"), str):
            raise SignInRefused("untrusted", "the identity provider does not say who it is")
        return dict(token)

    def _read(
        self, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str, now: datetime
    ) -> CodeIDToken:
        """The claims of an ID token, checked as OpenID Connect Core 3.1.3.7 says."""
        named = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(
            algorithms=sorted(ALGORITHMS.intersection(named)), strict_check_header=False
        )
        try:
            try:
                decoded = jwt.decode(token["id_token"], self._keys(), registry=registry)
            except InvalidKeyIdError:
                # Providers change their keys.
                decoded = jwt.decode(token["id_token"], self._keys(anew=True), registry=registry)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                },
                {
                    "nonce": nonce,
                    "client_id": self._settings.oidc_client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
        except ClaimError as error:
            if error.claim in _TIMES:
                raise SignInRefused(
                    "clock",
                    "the clocks of Watchkeeper and of the identity provider differ",
                    advice="An administrator sets the clock of this machine right.",
                ) from error
            raise _untrusted() from error
        except (JoseError, ValueError) as error:
            raise _untrusted() from error
        return claims

    def _metadata(self) -> Mapping[str, Any]:
        return self._ask(anew=False).metadata

    def _keys(self, *, anew: bool = False) -> KeySet:
        return self._ask(anew=anew).keys

    def _ask(self, *, anew: bool) -> _Known:
        """What the provider says of itself: asked for now, or not long ago."""
        self.require()
        with self._turn(), self._lock:
            if anew or self._known is None or self._known.until <= time.monotonic():
                if self._left_alone_until > time.monotonic():
                    raise ProviderAway("away", "the identity provider did not answer just now")
                try:
                    self._known = self._asked()
                except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
                    self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
                    raise _away(error) from error
            return self._known

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise ProviderAway("away", "the identity provider is slow, and others wait for it")
        try:
            yield
        finally:
            self._turns.release()

    def _asked(self) -> _Known:
        with httpx2.Client(timeout=ANSWERS_WITHIN) as client:
            metadata = _document(client, get_well_known_url(self.issuer, external=True))
            if metadata.get("issuer") != self.issuer:
                raise ProviderAway("settings", "the identity provider calls itself otherwise")
            if not all(is_safe_address(str(metadata.get(name))) for name in ENDPOINTS):
                raise ProviderAway("settings", "the identity provider lacks an HTTPS address")
            keys = KeySet.import_key_set(_document(client, metadata["jwks_uri"]))
        return _Known(metadata, keys, time.monotonic() + KNOWN_SECONDS)


def _document(client: httpx2.Client, address: str) -> Any:
    answer = client.get(address)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise TypeError(f"{address} answers no JSON object")
    return found


def _basic(
    client: Any, method: str, uri: str, headers: dict[str, str], body: Any
) -> tuple[str, dict[str, str], Any]:
    """RFC 6749 2.3.1: both are form-encoded first, which Authlib's own leaves out."""
    del method
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(text.encode()).decode()}"
    return uri, headers, body


def _away(error: Exception) -> ProviderAway:
    return ProviderAway("away", f"the identity provider does not answer ({type(error).__name__})")


def _untrusted() -> SignInRefused:
    return SignInRefused("untrusted", "the answer of the identity provider can't be trusted")
