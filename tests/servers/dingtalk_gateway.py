"""DingTalk's gateway of Stream mode: gives tickets over HTTP, and sends frames as published."""

import itertools
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from websockets.sync.server import ServerConnection, serve

KEY, SECRET = "dingkey", "ding secret"
CARDS = "/v1.0/card/instances/callback"


@dataclass
class Gateway:
    """The gateway: who asked for a connection, and what came over it."""

    url: str = ""
    endpoint: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)
    connections: "queue.Queue[ServerConnection]" = field(default_factory=queue.Queue)
    down: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer to who asks for a connection."""
        self.asked.append(body)
        if self.down:
            return 503, {"code": "ServiceUnavailable", "message": "busy"}
        if (body.get("clientId"), body.get("clientSecret")) != (KEY, SECRET):
            return 401, {"code": "authFailed", "message": "鉴权失败"}
        ticket = f"ticket+/{next(self._numbers)}="
        self.tickets.add(ticket)
        return 200, {"endpoint": self.endpoint, "ticket": ticket}

    def connected(self, connection: ServerConnection) -> None:
        """Keep a connection until it ends; a ticket holds for one."""
        assert connection.request is not None
        [ticket] = parse_qs(urlparse(connection.request.path).query).get("ticket", [""])
        if ticket not in self.tickets:
            connection.close(4001, "no such ticket")
            return
        self.tickets.discard(ticket)
        self.connections.put(connection)
        # It ends when this returns.
        self.over.wait(300)

    def next(self) -> ServerConnection:
        """The next connection that somebody opens."""
        return self.connections.get(timeout=60)


def frame(topic: str, data: str, *, kind: str = "CALLBACK", number: str = "m-1") -> str:
    """A frame as the gateway sends it."""
    headers = {"topic": topic, "messageId": number, "contentType": "application/json", "time": "1"}
    return json.dumps({"specVersion": "1.0", "type": kind, "headers": headers, "data": data})


def answered(connection: ServerConnection) -> dict[str, Any]:
    """What comes back."""
    found = json.loads(connection.recv(timeout=60))
    assert isinstance(found, dict)
    return found


@contextmanager
def serving_gateway() -> Iterator[Gateway]:
    """The gateway, on ports of its own."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            known = self.path == "/v1.0/gateway/connections/open"
            status, answer = gateway.open(body) if known else (404, {})
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serve(gateway.connected, "127.0.0.1", 0) as sockets:
        gateway.url = f"http://127.0.0.1:{http.server_address[1]}"
        gateway.endpoint = f"ws://127.0.0.1:{sockets.socket.getsockname()[1]}/connect"
        threads = [threading.Thread(target=one.serve_forever) for one in (http, sockets)]
        for thread in threads:
            thread.start()
        try:
            yield gateway
        finally:
            gateway.over.set()
            http.shutdown()
            http.server_close()
            sockets.shutdown()
            for thread in threads:
                thread.join(10)
