"""Serving API and pages in a thread of their own."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn

from core.errors import Refused, Unavailable
from core.settings import Settings
from watchkeeper.own_authority import Identity, identity, local_name, reachable_name

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


def _url(host: str, port: int, *, secure: bool) -> str:
    return f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


class WebServer:
    """uvicorn in a thread; signals stay with the main thread.

    own: the identity of our own making, by which it serves HTTPS; None where it needs none.
    url: as others reach it; local_url: as this machine does, whatever stands in between.
    """

    def __init__(
        self, app: Callable[..., Any], settings: Settings, folder: Path, now: datetime
    ) -> None:
        certificate, key = settings.http_certificate, settings.http_key
        self.own: Identity | None = None
        proxies = ",".join(settings.http_proxies.split())
        if certificate is None and not proxies and not is_loopback(settings.http_host):
            self.own = identity(folder / "tls", settings.http_host, now)
            certificate, key = self.own.chain, self.own.key
        self._listener = _socket(settings)
        self.port: int = self._listener.getsockname()[1]
        secure = certificate is not None
        self.url = settings.public_url.rstrip("/") or _url(
            reachable_name(settings.http_host), self.port, secure=secure
        )
        self.local_url = _url(local_name(settings.http_host), self.port, secure=secure)
        config = uvicorn.Config(
            self._parting(app),
            log_config=None,
            access_log=False,
            lifespan="off",
            # Pages are told by events that the server sends.
            ws="none",
            timeout_graceful_shutdown=5,
            # Of a proxy on this very machine uvicorn believes it anyway.
            forwarded_allow_ips=proxies or None,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def _parting(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """The application, which says in its last answers that their connections end.

        One accepted while the server closes misses being told to, and a page that asks again and
        again over it would keep the server from ending.
        """

        async def parting(scope: Any, receive: Any, send: Any) -> None:
            async def sending(message: Any) -> None:
                if message["type"] == "http.response.start" and self._server.should_exit:
                    headers = [*message.get("headers", ()), (b"connection", b"close")]
                    message = {**message, "headers": headers}
                await send(message)

            await app(scope, receive, sending)

        return parting

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
