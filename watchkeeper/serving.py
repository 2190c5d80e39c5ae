"""Serving API and pages in a thread of their own."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from core.errors import Refused, Unavailable
from core.settings import Settings

_START_SECONDS = 20.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _socket(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    # Without the protocol asyncio doesn't take it for TCP and leaves Nagle's delay of 40 ms on.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
    except OSError as error:
        listener.close()
        raise Refused(
            f"can't listen on {settings.http_host}:{settings.http_port}: {error.strerror}",
            advice="Choose another port with WATCHKEEPER_HTTP_PORT (0 takes a free one).",
        ) from None
    return listener


class WebServer:
    """uvicorn in a thread; signals stay with the main thread."""

    def __init__(self, app: Callable[..., Any], settings: Settings) -> None:
        if not is_loopback(settings.http_host) and settings.http_certificate is None:
            raise Refused(
                f"{settings.http_host} can be reached from outside, so HTTPS is required",
                advice="Set WATCHKEEPER_HTTP_CERTIFICATE and WATCHKEEPER_HTTP_KEY, or listen on "
                "127.0.0.1 behind a proxy.",
            )
        self._listener = _socket(settings)
        self.port: int = self._listener.getsockname()[1]
        scheme = "https" if settings.http_certificate else "http"
        host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
        self.url = settings.public_url.rstrip("/") or f"{scheme}://{host}:{self.port}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            ssl_certfile=settings.http_certificate,
            ssl_keyfile=settings.http_key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start and wait until it answers."""
        self._thread.start()
        ends = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > ends:
                raise Unavailable("the web server did not start", advice="See the log above.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Answer what is under way, then end."""
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()
