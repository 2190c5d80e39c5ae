"""What the tests of the sweeps share: a receiver of webhooks, and tickets with deadlines."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.health import Health
from core.settings import Settings
from jobs.work import Work
from tests.fixtures import SmallSite
from workflows.tickets import Draft, open_ticket


class Receiver:
    """A real HTTP server that keeps what is posted; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 204
        self.posts: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((dict(self.headers.items()), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                del format, args

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def kinds(self) -> list[str]:
        """The kinds of the facts received, in order."""
        return [json.loads(body)["kind"] for _, body in self.posts]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks that listens."""
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


def settings_of(**values: Any) -> Settings:
    """Settings that a test chooses; the rest are defaults."""
    return Settings(**values)


def make_work(database: Database, clock: SimulatedClock, **settings: Any) -> Work:
    """What a sweep works with, without a lease."""
    return Work(database, None, settings_of(**settings), Health(clock))


def open_one(
    database: Database,
    site: SmallSite,
    at: datetime,
    respond: timedelta | None = None,
    resolve: timedelta | None = None,
    *,
    priority: str = "high",
) -> UUID:
    """A ticket opened at `at` with these promises."""
    draft = Draft(
        site_id=site.id,
        kind="repair",
        priority=priority,
        title={"en": "Leak"},
        team="maintenance",
        happened_at=at,
        learned_at=at,
        respond_within=respond,
        resolve_within=resolve,
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id
