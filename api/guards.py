"""What stands around every answer: security headers, limits, request metrics."""

import re
import time
from collections.abc import Mapping

from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from core.errors import Refused

_SECONDS = Histogram(
    "watchkeeper_http_request_seconds",
    "Time from a request to the start of its answer.",
    ["method", "route", "status"],
)
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    # A page brings its own; data needs nothing.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
_DATA = ("/api/", "/metrics", "/readyz", "/healthz")


# PostgreSQL can't even be asked for it.
_NUL = problem(400, Refused.title, "the address holds a NUL character")


class Guard:
    """Adds security headers that a route has not set itself, and measures each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(scope, MutableHeaders(scope=message))
                _measure(scope, message["status"], time.perf_counter() - began)
            await send(message)

        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            await _NUL(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _add_headers(scope: Scope, headers: MutableHeaders) -> None:
    for name, value in _ALWAYS:
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault(*_HTTPS_ONLY)
    if scope["path"].startswith(_DATA):
        headers.setdefault("Cache-Control", "no-store")


def _measure(scope: Scope, status: int, seconds: float) -> None:
    # The route's pattern, not the path: a label for each id would never end.
    route = getattr(scope.get("route"), "path", "") or "none"
    _SECONDS.labels(scope["method"], route, str(status)).observe(seconds)


class BodyLimit:
    """Refuses bodies over a limit, by what they announce and by what they turn out to be.

    exceptions: limits of paths that match a pattern as a whole. FastAPI's own limit answers in
    plain text.
    """

    def __init__(self, app: ASGIApp, limit: int, exceptions: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._exceptions = [(re.compile(path), most) for path, most in exceptions.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        limit = next(
            (most for known, most in self._exceptions if known.fullmatch(path)), self._limit
        )
        announced = Headers(scope=scope).get("Content-Length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, _size_text(limit))
            return message

        await self._app(scope, counted, send)


def _size_text(limit: int) -> str:
    return f"a body may have at most {limit} bytes"


def _too_large(limit: int) -> Response:
    return problem(413, "Content Too Large", _size_text(limit), advice="Send it in smaller parts.")
