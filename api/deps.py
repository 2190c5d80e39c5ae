"""Who is asking: the caller behind a bearer token or the console's cookie, and what they may do."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.context import Parts
from api.languages import Translate, all_told, as_written, translator
from core.callers import Callers
from core.errors import NotAllowed, NotSignedIn
from core.events import Actor
from core.people import CREDENTIAL_LIFETIME, Caller
from core.second_factor import NeedsSecondFactor
from rules.wording import worded

SESSION_COOKIE = "wk_session"
SESSION_SECONDS = int(CREDENTIAL_LIFETIME["session"].total_seconds())
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def parts_of(request: Request) -> Parts:
    """The parts of the product that answers this request."""
    return cast(Parts, request.app.state.parts)


def csrf_token(session_secret: str) -> str:
    """A token that proves that a page of ours made the request: `is_csrf_token` knows it again.

    Masked anew each time, because pages leave compressed: a secret that stood in them twice in
    the same words could be guessed from their lengths (BREACH).
    """
    mask = secrets.token_bytes(hashlib.sha256().digest_size)
    masked = mask + _xor(mask, _csrf_secret(session_secret))
    return urlsafe_b64encode(masked).decode()


def is_csrf_token(given: str, session_secret: str) -> bool:
    """Whether a token was made for this session."""
    try:
        mask_and_masked = urlsafe_b64decode(given.encode())
    except ValueError:
        return False
    half = hashlib.sha256().digest_size
    mask, masked = mask_and_masked[:half], mask_and_masked[half:]
    if len(masked) != half:
        return False
    return hmac.compare_digest(_xor(mask, masked), _csrf_secret(session_secret))


def _csrf_secret(session_secret: str) -> bytes:
    """From the part of the session's secret that stays: pages that are open outlive the rest."""
    head = session_secret.partition(".")[0]
    return hashlib.sha256(f"csrf:{head}".encode()).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def set_session_cookie(answer: Response, secret: str, *, secure: bool) -> None:
    """Give a browser the secret of its session. secure: it came over TLS and shall stay there."""
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=secure,
    )


async def caller_of(request: Request) -> Caller:
    """The caller of a request: from its bearer token, otherwise from its session cookie.

    Raises NotSignedIn, NeedsSecondFactor, and NotAllowed for an unsafe request by cookie without
    its CSRF token.
    """
    caller = await anybody_of(request)
    if caller.must_set_up:
        raise NeedsSecondFactor
    return caller


async def anybody_of(request: Request) -> Caller:
    """As `caller_of`, also somebody who has to set up a second factor first."""
    secret, kind = _credentials(request)
    callers = cast(Callers, request.app.state.callers)
    caller = callers.remembered(secret, kind)
    if caller is None:
        caller = await run_in_threadpool(callers.identify, secret, kind)
    if kind == "session":
        # The answer renews it if it is due.
        request.state.session = secret
        if request.method not in SAFE_METHODS:
            await _require_csrf(request, secret)
    return caller


async def judged_anew(request: Request) -> Caller:
    """The caller as the database has them now, whatever is remembered from a moment ago."""
    secret, kind = _credentials(request)
    callers = cast(Callers, request.app.state.callers)
    return await run_in_threadpool(callers.identify, secret, kind)


def _credentials(request: Request) -> tuple[str, str]:
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip(), "token"
    elif request.cookies.get(SESSION_COOKIE):
        return request.cookies[SESSION_COOKIE], "session"
    raise NotSignedIn(
        "nobody is signed in", advice="Send `Authorization: Bearer <token>`, or sign in."
    )


async def _require_csrf(request: Request, secret: str) -> None:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("Content-Type", "").startswith(FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not is_csrf_token(given, secret):
        raise NotAllowed(
            worded("this request does not come from a page of ours"),
            advice=worded(
                "Load the page again; programs send %(header)s or use a token.", header=CSRF_HEADER
            ),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a known caller, who holds the route's permission somewhere."""

    parts: Parts
    caller: Caller
    translate: Translate = as_written

    def told(self, texts: Iterable[str]) -> list[str]:
        """Texts in the language that the request asks for."""
        return all_told(texts, self.translate)

    @property
    def actor(self) -> Actor:
        """The caller as the event log names them."""
        return Actor.person(self.caller.person_id)

    @property
    def person(self) -> UUID:
        """The caller's id."""
        return self.caller.person_id

    @property
    def now(self) -> datetime:
        """Now, by the product's clock."""
        return self.parts.clock.now()


class Permission:
    """What a route needs. Every route declares one; a test walks them all.

    name: a permission that the caller must hold on some site; the route itself restricts what it
    shows and changes to the sites where they hold it. None: it is enough to be signed in.
    company_wide: it must be held on the whole company. or_else: others of which one will do, too.
    """

    # How it is shown who asks, by the names of the reference; and what it is called without a name.
    schemes: tuple[str, ...] = ("token", "session")
    otherwise = "signed in"

    def __init__(
        self, name: str | None, *, company_wide: bool = False, or_else: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.company_wide = company_wide
        self.or_else = tuple(or_else)

    @property
    def text(self) -> str:
        """What the reference says of it."""
        if self.name is None:
            return "Needs any signed-in caller."
        where = " on the whole company" if self.company_wide else ""
        others = "".join(f" or `{name}`" for name in self.or_else)
        return f"Needs the permission `{self.name}`{others}{where}."

    async def __call__(self, request: Request) -> Asked:
        """The request with its caller. Raises NotSignedIn or NotAllowed."""
        caller = await caller_of(request)
        if self.name is not None and self.company_wide:
            caller.require_company_wide(self.name)
        elif self.name is not None and not any(map(caller.holds_anywhere, self.or_else)):
            caller.require_anywhere(self.name)
        return Asked(parts_of(request), caller, translator(request))


SignedIn = Annotated[Asked, Depends(Permission(None))]
