"""A real PostgreSQL server with a cluster of its own, and a fresh database for each test."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.servers import bound_to_this_process, find_program, free_port

# PostgreSQL refuses to run as root; Debian's package brings this account.
ACCOUNT = "postgres"
PACKAGE = "postgresql"
# Tests throw the cluster away, so nothing in it needs to survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
START_LIMIT_S = 120.0
# Where a database of a test's own is made ten times as fast as on a disk, if there is room.
MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def cluster_folder() -> Path:
    """A new folder for a cluster, in memory where the machine has enough of it."""
    # Not under pytest's own temporary folder: that one is closed to other accounts.
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return Path(tempfile.mkdtemp(prefix="watchkeeper-postgres-", dir=MEMORY if roomy else None))


def server_program(name: str) -> str:
    """The path of a server program of the newest PostgreSQL installed."""
    return find_program(name, f"/usr/lib/postgresql/*/bin/{name}", package=PACKAGE)


class PostgresServer:
    """One server process over one temporary cluster; `stop` and `start` keep port and data."""

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        """options: settings of the server besides those of every test."""
        self._options = dict(options or {})
        self.port = free_port()
        self._account = ACCOUNT if os.geteuid() == 0 else None
        self._password = secrets.token_urlsafe()
        self._names = count(1)
        self._templates: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._session: psycopg.Connection | None = None
        self._folder = cluster_folder()
        try:
            self._create_cluster()
            self.start()
            self._make_the_password_cheap()
        except BaseException:
            self.remove()
            raise

    def _create_cluster(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password, encoding="utf-8")
        if self._account:
            shutil.chown(self._folder, self._account)
            shutil.chown(secret, self._account)
        options = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=password"]
        options += [f"--username={ACCOUNT}", f"--pwfile={secret}"]
        command = [server_program("initdb"), *options, str(self._folder / "data")]
        done = subprocess.run(
            bound_to_this_process(command, self._account),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"initdb failed:\n{done.stdout}{done.stderr}", pytrace=False)

    def _make_the_password_cheap(self) -> None:
        """Keep the password so that it is judged at once: its strength is no test's subject.

        Each connection would cost the server four thousand rounds of SHA-256 else, and that is
        more than most of them are there for.
        """
        self._execute(sql.SQL("SET password_encryption = 'md5'"))
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        self._execute(change.format(sql.Identifier(ACCOUNT), sql.Literal(self._password)))
        self._execute(sql.SQL("RESET password_encryption"))

    def start(self) -> None:
        """Start the server on its port and wait until it answers."""
        settings = {
            **FAST,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            **self._options,
        }
        command = [server_program("postgres"), "-D", str(self._folder / "data")]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                bound_to_this_process(command, self._account),
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                psycopg.connect(self._conninfo(ACCOUNT)).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "log").read_text(errors="replace")
                    pytest.fail(f"PostgreSQL does not start: {error}\n{log}", pytrace=False)
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT closes its connections in order, SIGQUIT is like a crash."""
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=120)
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete its cluster."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database on this server."""
        login = f"{ACCOUNT}:{self._password}"
        return f"postgresql+psycopg://{login}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template1") -> str:
        """Create a database as a copy of a template and return its name."""
        name = f"test_{next(self._names)}"
        # Files are copied as they stand: to log what is in them takes half as long again.
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and whatever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, build: Callable[[str], None], base: str = "template1") -> str:
        """Name of a template database that `build` filled, given its URL, at the first call.

        base: the template that it is a copy of before.
        `build` must close its connections: PostgreSQL refuses to copy a database in use.
        """
        if name not in self._templates:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            self._execute(create.format(sql.Identifier(name), sql.Identifier(base)))
            build(self.url(name))
            self._templates.add(name)
        return name

    def deadlocks(self) -> list[str]:
        """What the server wrote of each deadlock: who waited for whom, with which statements."""
        log = (self._folder / "log").read_text(errors="replace")
        return [part[:3000] for part in re.findall(r"deadlock detected\n(.*?)HINT", log, re.S)]

    def _conninfo(self, database: str) -> str:
        return self.url(database).replace("postgresql+psycopg", "postgresql")

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        # One session for all of them: a server process for each would cost more than its work.
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(self._conninfo(ACCOUNT), autocommit=True)
        self._session.execute(statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run, started at its first use."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'watchkeeper.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once on each engine."""
    # Asked for by name, so that a run on SQLite alone never starts a PostgreSQL.
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url
