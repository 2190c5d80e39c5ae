"""What stands around every answer: security headers, request metrics."""

import time

from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
