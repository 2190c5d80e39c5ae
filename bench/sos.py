"""From the press on a phone to a supervisor's screen, under load, on the whole product."""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from bench import site
from bench.latency import product
from core.clock import SystemClock
from core.db import Database, sqlite_url
from core.ids import new_id
from core.people import Grant, Person, issue
from core.places import sites
from core.schema import migrate

_DEVICES = 1_000
_PATIENCE_SECONDS = 30.0
# So many messages that the load goes on as long as anybody calls.
_ENDLESS = 100_000_000


def sos(*, calls: int, rate: int) -> dict[str, Any]:
    """Run `up` under load, and let guards call one after another; each call is ended again.

    rate: messages a second; 0 = as fast as the broker takes them, as `bench ingest` sends them.
    Returns p50_ms, p99_ms and the worst, from before the POST of the phone: of the event on the
    supervisor's stream, and of the bar that shows the call, fetched when the event came.
    """
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        folder = Path(name)
        site_id, phone, boss = _prepare(folder)
        with product(folder) as running, _load(running["mqtt"], rate):
            screen = _Screen(running["url"], boss, site_id)
            screen.start()
            delays = [screen.call(phone, site_id) for _ in range(calls)]
            screen.stop()
    return {
        "rate": rate or "as fast as it is taken",
        "calls": calls,
        "stream": _figures([stream for stream, _ in delays]),
        "screen": _figures([shown for _, shown in delays]),
    }


def _figures(delays: list[float]) -> dict[str, float]:
    found = sorted(1000 * one for one in delays)
    return {
        "p50_ms": round(statistics.median(found), 1),
        "p99_ms": round(found[min(int(0.99 * len(found)), len(found) - 1)], 1),
        "worst_ms": round(found[-1], 1),
    }


def _prepare(folder: Path) -> tuple[UUID, str, str]:
    """A site with devices, the token of a guard's phone, and that of a supervisor."""
    database = Database(sqlite_url(folder / "watchkeeper.sqlite"))
    migrate(database)
    now = SystemClock().now()
    site.build(database, now, devices=_DEVICES, types=_DEVICES, rules=_DEVICES, trips=0)
    tokens = []
    with database.write() as session:
        where = sites(session)[0].id
        for role in ("guard", "supervisor"):
            person = Person(id=new_id(), name=role.title(), locale="en")
            session.add(person)
            session.flush()
            session.add(Grant(id=new_id(), person_id=person.id, node_id=where, role=role))
            tokens.append(issue(session, person.id, "token", now=now))
    database.close()
    return where, tokens[0], tokens[1]


@contextmanager
def _load(mqtt: dict[str, Any], rate: int) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.load", "--host", mqtt["host"]]
    command += ["--port", str(mqtt["port"]), "--user", mqtt["username"]]
    command += [f"--password={mqtt['password']}", "--messages", str(_ENDLESS)]
    command += ["--devices", str(_DEVICES), "--rate", str(rate)]
    # Behind the present, so that a day of load is no future.
    command += ["--base", str(time.time() - 86_400), "--step", "0.0005"]
    load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(2)
        yield
        if load.poll() is not None:
            raise RuntimeError("the load ended before the calls did, so nothing was measured")
    finally:
        load.terminate()
        load.wait(30)


class _Screen:
    """A supervisor's browser: one stream that is read all the time, and the bar."""

    def __init__(self, url: str, token: str, site_id: UUID) -> None:
        self._where = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stream = f"/live/{site_id}/stream?calls=yes"
        self._following = threading.Event()
        self._told = threading.Condition()
        self._news: list[float] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._asking = self._connection()

    def _connection(self) -> http.client.HTTPConnection:
        host = self._where.hostname or "127.0.0.1"
        return http.client.HTTPConnection(host, self._where.port, timeout=_PATIENCE_SECONDS)

    def start(self) -> None:
        """Open the stream and wait until it follows."""
        self._thread.start()
        if not self._following.wait(_PATIENCE_SECONDS):
            raise RuntimeError("the stream did not begin")

    def stop(self) -> None:
        """Hang up; the thread ends with the process."""
        self._asking.close()

    def _listen(self) -> None:
        connection = self._connection()
        connection.request("GET", self._stream, headers=self._headers)
        answer = connection.getresponse()
        kind = ""
        while line := answer.readline():
            at = time.perf_counter()
            text = line.decode().strip()
            if text.startswith("event:"):
                kind = text.removeprefix("event:").strip()
                if kind == "following":
                    self._following.set()
            elif text.startswith("data:") and kind == "changed" and '"sos"' in text:
                with self._told:
                    self._news.append(at)
                    self._told.notify_all()

    def call(self, phone: str, site_id: UUID) -> tuple[float, float]:
        """Let the guard press; seconds until the event came, and until the bar showed it."""
        with self._told:
            self._news.clear()
        sos_id = str(new_id())
        body = {"id": sos_id, "site_id": str(site_id)}
        began = time.perf_counter()
        self._post("/api/v1/sos", body, {"Authorization": f"Bearer {phone}"})
        came = self._wait(began)
        while sos_id not in self._bar():
            came = self._wait(time.perf_counter())
        shown = time.perf_counter()
        ended = {"outcome": "test", "note": "A measurement"}
        self._post(f"/api/v1/sos/{sos_id}/end", ended, self._headers)
        # What the end tells must not pass for the next call.
        self._wait(shown)
        time.sleep(0.3)
        return came - began, shown - began

    def _wait(self, since: float) -> float:
        with self._told:
            fresh = self._told.wait_for(
                lambda: any(at >= since for at in self._news), _PATIENCE_SECONDS
            )
            if not fresh:
                raise RuntimeError("nothing came on the stream")
            return next(at for at in self._news if at >= since)

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        said = {**headers, "Content-Type": "application/json"}
        self._asking.request("POST", path, json.dumps(body), said)
        answer = self._asking.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]!r}")

    def _bar(self) -> str:
        self._asking.request("GET", "/sos/bar", headers=self._headers)
        return self._asking.getresponse().read().decode()
