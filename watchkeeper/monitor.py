"""A role's own word of its health and its figures, over HTTP, for who looks after containers."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST

from api.health import measured
from core.errors import Refused
from core.health import Health, PartState
from core.settings import Settings

_JSON = "application/json"


class Said(NamedTuple):
    """An answer."""

    status: int
    kind: str
    body: bytes


class Monitor:
    """Answers /healthz, /readyz and /metrics to everybody who reaches its address.

    It serves from the first moment of a process on, so that one that waits for its database can
    say so. elsewhere: parts that live in other processes; they are told, but this role is ready
    without them.
    """

    def __init__(self, settings: Settings, health: Health, elsewhere: frozenset[str]) -> None:
        assert settings.monitor_port is not None
        self._health = health
        self._elsewhere = elsewhere
        answers = {"/healthz": self._alive, "/readyz": self._ready, "/metrics": self._figures}
        try:
            self._server = _Server((settings.monitor_host, settings.monitor_port), answers)
        except OSError as error:
            raise Refused(
                f"can't listen on {settings.monitor_host}:{settings.monitor_port}: "
                f"{error.strerror}",
                advice="Choose another port with WATCHKEEPER_MONITOR_PORT.",
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="monitor", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _alive(self) -> Said:
        return Said(200, _JSON, json.dumps({"status": "alive"}).encode())

    def _ready(self) -> Said:
        states = self._health.snapshot()
        ready = all(state.ok or state.part in self._elsewhere for state in states)
        body = {"status": "ready" if ready else "ill", "parts": [_told(state) for state in states]}
        return Said(200 if ready else 503, _JSON, json.dumps(body).encode())

    def _figures(self) -> Said:
        return Said(200, CONTENT_TYPE_LATEST, measured(self._health))


def _told(state: PartState) -> dict[str, object]:
    return {
        "part": state.part,
        "ok": state.ok,
        "faults": state.faults,
        "detail": state.detail,
        "since": state.since.isoformat(),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: dict[str, Callable[[], Said]]) -> None:
        self.answers = answers
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # Whoever connects and says nothing must not hold a thread for ever.
    timeout = 10

    def do_GET(self) -> None:
        """Answer one question."""
        answer = self.server.answers.get(self.path.partition("?")[0])
        said = answer() if answer else Said(404, _JSON, b'{"status": "unknown"}')
        self.send_response(said.status)
        self.send_header("Content-Type", said.kind)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *_: Any) -> None:
        """Nothing: it is asked every few seconds."""
