"""The real product as a process over a data folder of its own: start, kill, stop, start again."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import Reading
from core.telemetry.remote import RemoteStore
from ingest.session import BrokerAddress
from tests.servers import bound_to_this_process, forked, free_port

ROOT = Path(__file__).resolve().parents[2]
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0
_FOREVER = 1 << 62


class EpisodeRow(NamedTuple):
    """One episode as stored; moments in µs, cleared None while it stands."""

    rule: str
    asset: str
    tripped: int
    cleared: int | None


class TicketRow(NamedTuple):
    """One automatic ticket as stored."""

    rule: str
    asset: str
    state: str
    repeats: int


def environment_of(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a product on `folder`: only the settings that the test gives."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("WATCHKEEPER_")}
    chosen = {f"WATCHKEEPER_{name.upper()}": value for name, value in settings.items()}
    return inherited | chosen | {"WATCHKEEPER_DATA_DIR": str(folder), "COLUMNS": forked.COLUMNS}


def command_line(
    *words: str, folder: Path, settings: Mapping[str, str] | None = None, anew: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run one command of the product to its end.

    It is forked from a process that has loaded the product, for to load it takes longer than most
    commands; anew: unless it shall be started as somebody at a terminal starts it.
    """
    environment = environment_of(folder, settings or {})
    if not anew:
        return forked.run(words, environment, ROOT, _START_LIMIT_S)
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_START_LIMIT_S,
        check=False,
    )


def done(*words: str, folder: Path, settings: Mapping[str, str] | None = None) -> str:
    """What a command printed; the test fails when it doesn't succeed."""
    result = command_line(*words, folder=folder, settings=settings)
    if result.returncode != 0:
        pytest.fail(f"{' '.join(words)}: {result.stdout}{result.stderr}", pytrace=False)
    return result.stdout


@dataclass
class Product:
    """One role of the product on a data folder; `settings` are named as in the settings file.

    It is forked from a process that has loaded the product, for to load it takes longer than the
    rest of a start; anew: unless it shall be started as somebody at a terminal starts it.
    """

    folder: Path
    role: str = "up"
    settings: dict[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    anew: bool = False
    process: subprocess.Popen[bytes] | forked.Forked | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.role in ("up", "api"):
            self.settings.setdefault("http_port", str(free_port()))
        if self.role == "up":
            self.settings.setdefault("broker_port", str(free_port()))

    @property
    def output(self) -> str:
        """What it printed, over all its starts."""
        return self._output.read_text(errors="replace")

    @property
    def _output(self) -> Path:
        return self.folder / f"{self.role}.out"

    def start(self) -> None:
        """Start it and wait until it says that it is up."""
        self.launch()
        self.wait_until_up()

    def launch(self) -> None:
        """Start it and go on at once."""
        if self.role == "up":
            (self.folder / "running.json").unlink(missing_ok=True)
        # What it says is read before it says anything.
        self._output.touch()
        self._said_before = self._output.stat().st_size
        words = [self.role, *self.arguments]
        environment = environment_of(self.folder, self.settings)
        self.process = (
            self._begin_anew(words, environment)
            if self.anew
            else forked.Forked(forked.begin(words, environment, self._output, ROOT))
        )

    def _begin_anew(self, words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output:
            return subprocess.Popen(
                bound_to_this_process([sys.executable, "-m", "watchkeeper", *words]),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Wait for its word that it is up; the test fails when it ends or takes too long."""
        until(self._is_up, _START_LIMIT_S, lambda: f"{self.role} doesn't start: {self.said}")

    def wait_until_listening(self) -> None:
        """Wait until ingest has heard itself through its broker.

        What is published earlier, before its first session has subscribed, nobody keeps for it.
        The very first beat on record is older than that: the shard's clock begins with it.
        """
        until(lambda: self._beat() != [], _START_LIMIT_S, lambda: f"no shard: {self.said}")
        first = self._beat()
        until(lambda: self._beat() != first, _START_LIMIT_S, lambda: f"deaf: {self.said}")

    def _beat(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT last_beat FROM shard")

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"{self.role} ended ({self.process.poll()}): {self.said}", False)
        return " is up" in self.said

    @property
    def said(self) -> str:
        """What it printed since its last start."""
        with self._output.open("rb") as output:
            output.seek(self._said_before)
            return output.read().decode(errors="replace")

    def kill(self, *, broker_too: bool = True) -> None:
        """SIGKILL it, with its broker at the same instant unless that is left to find out."""
        assert self.process is not None
        broker = self.broker_pid() if broker_too else None
        self.process.kill()
        if broker is not None:
            _kill_if_there(broker)
        self.process.wait(_STOP_LIMIT_S)
        self.process = None

    def broker_pid(self) -> int | None:
        """The process of the embedded broker; None without one."""
        folder = self.folder / "broker"
        try:
            pid = int(json.loads((folder / "nats-server.pid").read_text())["pid"])
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, KeyError):
            return None
        # The number may be of an earlier broker and be another program's by now.
        return pid if str(folder / "nats-server.conf").encode() in words else None

    def stop(self, *, signal_number: signal.Signals = signal.SIGINT) -> float:
        """Ask it to stop and wait; returns the seconds. The test fails when it doesn't end well."""
        if self.process is None:
            return 0.0
        started = time.monotonic()
        self.process.send_signal(signal_number)
        try:
            code = self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"{self.role} doesn't stop: {self.said[-4000:]}", pytrace=False)
        self.process = None
        if code != 0:
            pytest.fail(f"{self.role} stopped with {code}: {self.said[-4000:]}", pytrace=False)
        return time.monotonic() - started

    def end(self) -> None:
        """End it whatever state it is in, without a word."""
        if self.process is not None:
            self.kill()

    @property
    def running(self) -> dict[str, Any]:
        """Where it says it listens."""
        found: dict[str, Any] = json.loads((self.folder / "running.json").read_text())
        return found

    @property
    def url(self) -> str:
        """Address of API and pages."""
        if self.role == "up":
            return str(self.running["url"])
        return f"http://127.0.0.1:{self.settings['http_port']}"

    @property
    def mqtt(self) -> BrokerAddress:
        """Where devices publish."""
        found = self.running["mqtt"]
        return BrokerAddress(found["host"], found["port"], found["username"], found["password"])

    @property
    def token(self) -> str:
        """The token for tools on this machine; empty until there is a site."""
        file = self.folder / "tool-token"
        return file.read_text().strip() if file.exists() else ""

    def ask(self, path: str, body: Any = None, *, method: str | None = None) -> tuple[int, Any]:
        """Status and JSON of an API call as the administrator; `body` makes it a POST."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def get(self, path: str) -> Any:
        """The JSON that a GET answers with; the test fails on any status but 200."""
        status, found = self.ask(path)
        assert status == 200, found
        return found

    def ill_parts(self) -> list[str]:
        """The parts that /readyz calls ill."""
        _, found = self.ask("/readyz")
        return [part["part"] for part in found["parts"] if not part["ok"]]

    # What it has stored, read from its files.

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of its database, read beside it."""
        address = self.settings.get("database_url")
        if address is not None:
            with psycopg.connect(address.replace("+psycopg", "")) as session:
                return session.execute(sql.encode()).fetchall()
        connection = sqlite3.connect(self.folder / "watchkeeper.sqlite", timeout=60)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def episodes(self) -> list[EpisodeRow]:
        """Every episode, by rule, asset and time."""
        rows = self.rows(
            "SELECT alarm.rule_id, asset.code, tripped_micros, cleared_micros FROM episode"
            " JOIN alarm ON alarm.id = episode.alarm_id JOIN asset ON asset.id = alarm.asset_id"
            " ORDER BY 1, 2, 3"
        )
        return [EpisodeRow(*row) for row in rows]

    def tickets(self) -> list[TicketRow]:
        """Every ticket that a rule opened, by rule and asset."""
        rows = self.rows(
            "SELECT ticket.rule_id, asset.code, ticket.state, ticket.repeats FROM ticket"
            " JOIN asset ON asset.id = ticket.asset_id WHERE ticket.rule_id IS NOT NULL"
            " ORDER BY 1, 2"
        )
        return [TicketRow(*row) for row in rows]

    def series(self) -> dict[int, tuple[str, str]]:
        """(asset, point) codes of every series that the world feeds."""
        return self._series("device.id IS NULL OR device.code NOT LIKE 'watchkeeper/%'")

    def told_series(self) -> dict[int, tuple[str, str]]:
        """(asset, point) codes of every series that the product tells itself."""
        return self._series("device.code LIKE 'watchkeeper/%'")

    def _series(self, condition: str) -> dict[int, tuple[str, str]]:
        rows = self.rows(
            "SELECT point.series, asset.code, point.code FROM point"
            " JOIN asset ON asset.id = point.asset_id"
            f" LEFT JOIN device ON device.id = point.device_id WHERE {condition}"
        )
        return {series: (asset, point) for series, asset, point in rows}

    def told(self) -> Counter[tuple[str, str]]:
        """How many moments the product has told itself, by (asset, point); while it is up."""
        names = self.told_series()
        store = RemoteStore(self.folder / "telemetry.sock")
        try:
            batches = store.scan(list(names), 0, _FOREVER)
            return Counter(names[reading.series] for batch in batches for reading in batch)
        finally:
            store.close()

    def fed(self) -> int:
        """How many readings of the world are stored; while it is up.

        Counted in one scan, so that what the product tells meanwhile is not taken for one of them.
        """
        store = RemoteStore(self.folder / "telemetry.sock")
        try:
            return sum(map(len, store.scan(list(self.series()), 0, _FOREVER)))
        finally:
            store.close()

    def readings(self) -> list[Reading]:
        """Every stored reading of the world, by receipt; only while the product is down."""
        store = DuckDBStore(self.folder / "telemetry.duckdb")
        try:
            batches = store.scan(list(self.series()), 0, _FOREVER)
            return [reading for batch in batches for reading in batch]
        finally:
            store.close()


@contextmanager
def furnished(
    folder: Path, site: str, rules: str, settings: dict[str, str] | None = None
) -> Iterator[Product]:
    """The product in a folder, with the site and the rules of these texts, and listening."""
    (folder / "site.yaml").write_text(site, encoding="utf-8")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    product = Product(folder / "data", settings=settings or {})
    done("site", "import", str(folder / "site.yaml"), folder=product.folder)
    done("rules", "import", str(folder / "rules.yaml"), folder=product.folder)
    product.start()
    try:
        product.wait_until_listening()
        yield product
    finally:
        product.end()


def until(
    condition: Callable[[], bool],
    limit: float,
    trouble: Callable[[], str] | str,
    pause: float = 0.05,
) -> float:
    """Wait for `condition`; returns the seconds. Fails the test with `trouble` after `limit`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > limit:
            pytest.fail(trouble if isinstance(trouble, str) else trouble(), pytrace=False)
        time.sleep(pause)
    return time.monotonic() - started


def _kill_if_there(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
