"""The production stack from docker-compose.yml, run as processes: from nothing to a ticket."""

import csv
import http.cookiejar
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.clock import SystemClock
from core.db import Database, with_password
from simulators.connection import BrokerAddress, Publisher
from simulators.errors import BrokerTrouble
from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.stand_in import TOKEN, StandIn
from tests.servers.postgres import PostgresServer
from tests.servers.product import ROOT, until
from tests.servers.stack import Stack
from watchkeeper.first_run import tool_token

ROLES = ("ingest", "jobs", "api-1", "api-2")
LIMIT_S = 90.0
SITE_TEXT = """\
company: {code: acme, name: {en: Acme}}
site: {code: works, name: {en: Works}, time_zone: Asia/Shanghai}
assets:
  - {code: cellar, type: water_leak, name: {en: Cellar}}
  - {code: attic, type: water_leak, name: {en: Attic}}
sources:
  - {code: own, topic: wk/v1/works/#, dialect: wk}
devices:
  - {code: leak-1, asset: cellar}
  - {code: leak-2, asset: attic}
"""


class Browser:
    """Somebody outside, who trusts the proxy's authority and keeps cookies."""

    def __init__(self, stack: Stack, token: str = "") -> None:
        self.url = f"https://localhost:{stack.port('proxy', 8443)}"
        self.cookies = http.cookiejar.CookieJar()
        root = stack.folder / "volumes/proxy-data/caddy/pki/authorities/local/root.crt"
        self._root = root
        self._token = token

    def read(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and text at a path; fields are sent as a form."""
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(self.url + path, body)
        if fields is not None:
            request.add_header("Origin", self.url)
        return self._answer(request)

    def _answer(self, request: urllib.request.Request) -> tuple[int, str]:
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        context = ssl.create_default_context(cafile=str(self._root))
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(self.cookies),
        )
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def send(self, path: str, body: dict[str, Any], *, key: str) -> int:
        """The status of a request with a JSON body under an Idempotency-Key."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Idempotency-Key", key)
        return self._answer(request)[0]

    def tickets(self) -> list[dict[str, Any]]:
        """The tickets as an integration sees them."""
        status, text = self.read("/api/v1/tickets")
        assert status == 200, text
        found: list[dict[str, Any]] = json.loads(text)["items"]
        return found


@pytest.fixture
def server(stack: Stack) -> Iterator[PostgresServer]:
    """The stack's PostgreSQL with the options of the file; it doesn't run yet."""
    command = stack.services["postgres"]["command"]
    options = dict(word.split("=", 1) for word in command[1:] if word != "-c")
    server = PostgresServer(options)
    server.stop()
    stack.ports["postgres", 5432] = server.port
    yield server
    server.remove()


@pytest.fixture
def influx(stack: Stack) -> Iterator[StandIn]:
    """What stands for the stack's InfluxDB, as its image makes it at the first start."""
    server = StandIn(flux_compiler())
    port = urllib.parse.urlsplit(server.url).port
    assert port is not None
    stack.ports["influxdb", 8086] = port
    yield server
    server.close()


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Every service of the file, none of which runs yet."""
    stack = Stack(tmp_path)
    stack.secrets.mkdir()
    (stack.secrets / "influx_token").write_text(TOKEN)
    script = [str(ROOT / "deploy/secrets.sh"), str(stack.secrets)]
    subprocess.run(script, check=True, capture_output=True)
    yield stack
    stack.close()


def as_image_does(server: PostgresServer, stack: Stack) -> None:
    """Make the account and the database that the environment names, as PostgreSQL's image does."""
    given = stack.environment("postgres")
    password = Path(given["POSTGRES_PASSWORD_FILE"]).read_text()
    address = server.url("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as session:
        name = given["POSTGRES_USER"]
        session.execute(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{password}'".encode())
        session.execute(f"CREATE DATABASE {given['POSTGRES_DB']} OWNER {name}".encode())


def lets_in(address: BrokerAddress) -> bool:
    try:
        with Publisher(address, patience=60):
            return True
    except BrokerTrouble:
        return False


def publish(stack: Stack, device: str, credential: Mapping[str, str], *, leak: bool) -> None:
    """Have somebody with a credential say over TLS that a device leaks, or that it doesn't."""
    port = stack.port("broker", 8883)
    ca = str(stack.folder / "volumes/broker-files/authority.pem")
    user, secret = credential["username"], credential["secret"]
    address = BrokerAddress("localhost", port, user, secret, tls_ca=ca)
    # A credential that was just made is the broker's once ingest has brought it there.
    until(lambda: lets_in(address), LIMIT_S, "the broker never knows the credential", pause=0.5)
    with Publisher(address, patience=60) as publisher:
        publisher.publish(f"wk/v1/works/{device}/readings", json.dumps({"leak": leak}).encode())
        publisher.flush()


def token_of(stack: Stack) -> str:
    """A token of the administrator, made beside the stack as by who holds a second factor."""
    given = stack.environment("migrate")
    password = Path(given["WATCHKEEPER_DATABASE_PASSWORD_FILE"]).read_text()
    database = Database(with_password(given["WATCHKEEPER_DATABASE_URL"], password))
    try:
        token = tool_token(database, stack.folder, SystemClock())
    finally:
        database.close()
    assert token is not None
    return token


def sign_in(stack: Stack) -> Browser:
    """Sign the administrator in by the link that the stack prints."""
    # The role that runs meanwhile may write a line of its log between.
    link = re.search(r"https://\S+?/sign-in/[\w-]+", stack.run("api-1", "signin-link"))
    assert link is not None
    browser = Browser(stack)
    path = urllib.parse.urlsplit(link[0]).path
    status, text = browser.read(path)
    assert status == 200, text
    csrf = re.search(r'name="csrf"\s+value="([^"]+)"', text)
    assert csrf is not None, text
    status, text = browser.read(path, {"csrf": csrf[1]})
    assert status == 200, text
    return browser


@pytest.mark.usefixtures("influx")
def test_the_stack_starts_in_any_order_and_finds_a_fault(
    stack: Stack, server: PostgresServer
) -> None:
    # Everything at once, in the worst order: nothing that a role stands on is there.
    stack.start(*ROLES)
    for role in ROLES:
        stack.wait_until_ill(role, "database: ILL, waiting for it: connection failed")
    server.start()
    as_image_does(server, stack)
    stack.wait_until_ill("jobs", "watchkeeper db migrate")
    stack.run("migrate")
    stack.wait_until_healthy("postgres")
    stack.wait_until_ill("jobs", "telemetry: ILL")
    stack.wait_until_ill("ingest", "authority.pem, can't be read")
    stack.run("certificate")
    stack.run("accounts")
    stack.start_broker()
    stack.wait_until_ill("ingest", "telemetry: ILL")
    stack.run("telemetry")
    stack.wait_until_healthy(*ROLES)
    said = stack.said("ingest")
    assert "waiting for the database" in said
    assert "the database is there now" in said

    (stack.folder / "volumes/data/site.yaml").write_text(SITE_TEXT)
    assert "created" in stack.run("migrate", "site", "import", "/var/lib/watchkeeper/site.yaml")
    assert re.search(r"^[1-9]\d* shipped rules", stack.run("migrate"), re.MULTILINE)
    made = stack.run("migrate", "credentials", "create", "works/leak-1", "works/leak-2")
    sheet = [{**line} for line in csv.DictReader(made.splitlines())]
    stack.start_proxy()
    stack.wait_until_healthy("proxy", *ROLES)

    browser = sign_in(stack)
    kept = {cookie.name: cookie for cookie in browser.cookies}
    assert kept["wk_session"].secure
    # Whoever came to one worker stays with it.
    worker = kept["wk_worker"].value
    assert [browser.read("/healthz")[0] for _ in range(6)] == [200] * 6
    assert worker == {cookie.name: cookie.value for cookie in browser.cookies}["wk_worker"]
    program = Browser(stack, token_of(stack))
    assert program.tickets() == []

    # Nobody speaks for another device, whatever its own account may do.
    publish(stack, "leak-2", sheet[0], leak=True)
    publish(stack, "leak-1", sheet[0], leak=True)
    until(lambda: len(program.tickets()) > 0, LIMIT_S, lambda: stack.said("ingest"))
    assert [one["asset_code"] for one in program.tickets()] == ["cellar"]

    for service in ("broker", "postgres", "proxy", *ROLES):
        assert stack.check(service)[0], stack.check(service)
    stack.stop(*ROLES)
