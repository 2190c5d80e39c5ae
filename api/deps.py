"""Who is asking: the caller behind a bearer token or the console's cookie, and what they may do."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.context import Parts
from core.callers import Callers
from core.errors import NotAllowed, NotSignedIn
from core.events import Actor
from core.people import Caller

SESSION_COOKIE = "wk_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def parts_of(request: Request) -> Parts:
    """The parts of the product that answers this request."""
    return cast(Parts, request.app.state.parts)


def csrf_token(session_secret: str) -> str:
    """The token that proves that a page of ours made the request; derived from the session."""
    return hashlib.sha256(f"csrf:{session_secret}".encode()).hexdigest()


async def caller_of(request: Request) -> Caller:
    """The caller of a request: from its bearer token, otherwise from its session cookie.

    Raises NotSignedIn, and NotAllowed for an unsafe request by cookie without its CSRF token.
    """
    secret, kind = _credentials(request)
    callers = cast(Callers, request.app.state.callers)
    caller = callers.remembered(secret, kind)
    if caller is None:
        caller = await run_in_threadpool(callers.identify, secret, kind)
    if kind == "session" and request.method not in SAFE_METHODS:
        await _require_csrf(request, secret)
    return caller


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
    if given is None and request.headers.get("Content-Type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        raise NotAllowed(
            "this request does not come from a page of ours",
            advice=f"Load the page again; programs send {CSRF_HEADER} or use a token.",
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a known caller, who holds the route's permission somewhere."""

    parts: Parts
    caller: Caller

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
        return Asked(parts_of(request), caller)


SignedIn = Annotated[Asked, Depends(Permission(None))]
