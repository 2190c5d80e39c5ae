"""A server that answers as InfluxDB 2 does, as far as we ask it; for where there is no real one."""

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.influx.compiler import FluxCompiler
from tests.servers.influx.kept import Bucket, Refusal
from tests.servers.influx.reference import Script, Table

ORG, TOKEN = "watchkeeper", "token of the tests"
_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9}
_TIMES = {"_time", "_start", "_stop"}


class StandIn:
    """One server on a port of its own, and what it holds.

    failures: what it answers instead, as (status, headers, message), the next one first; None for
    a connection that is cut. largest: bytes of a write. broken_after: so many lines of an answer
    come before an error of the query. awake: while cleared it takes connections and says nothing.
    forward: where what is written goes first, as (host, port).
    """

    def __init__(self, compiler: FluxCompiler, port: int = 0) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.failures: list[tuple[int, dict[str, str], str] | None] = []
        self.version = "v2.7.11"
        self.largest = 1 << 40
        self.broken_after: int | None = None
        self.forward: tuple[str, int] | None = None
        self.awake = threading.Event()
        self.awake.set()
        self.requests: list[str] = []
        self.scripts: list[str] = []
        self.now = time.time_ns
        self._compiler = compiler
        self._trees: dict[str, Any] = {}
        server = self

        class Handler(_Handler):
            stand_in = server

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def bucket(self, name: str) -> Bucket:
        """Make a bucket."""
        return self.buckets.setdefault(name, Bucket(f"{len(self.buckets):016x}", name))

    def query(self, script: str) -> list[Table]:
        """Run a script; Refusal for one that doesn't compile."""
        self.scripts.append(script)
        compiled = self._compiler.compile(script)
        if not compiled.valid:
            raise Refusal(400, f"compilation failed: {script}")
        return Script(self.buckets, self.now()).run(compiled.tree)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in two parts would wait for the acknowledgement of the first.
    disable_nagle_algorithm = True
    wbufsize = -1
    stand_in: StandIn

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    do_POST = do_PATCH = do_GET  # noqa: N815

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.stand_in.requests.append(f"{self.command} {parts.path}")
        self.stand_in.awake.wait(60)
        try:
            if parts.path != "/ping" and self.stand_in.failures:
                failure = self.stand_in.failures.pop(0)
                if failure is None:
                    self.close_connection = True
                    return
                status, headers, message = failure
                self._reply(status, {"message": message}, headers)
                return
            if parts.path not in ("/ping", "/metrics"):
                self._check_token()
            self._route(parts.path, asked, body)
        except Refusal as error:
            self._reply(error.status, {"code": "invalid", "message": str(error)})
        except KeyError as error:
            self._reply(404, {"code": "not found", "message": f"{error} not found"})

    def _check_token(self) -> None:
        if self.headers.get("Authorization") != f"Token {TOKEN}":
            raise Refusal(401, "unauthorized access")

    def _route(self, path: str, asked: dict[str, str], body: bytes) -> None:
        held = self.stand_in
        match self.command, path:
            case "POST", "/api/v2/write":
                self._write(asked, body)
            case "POST", "/api/v2/query":
                self._query(json.loads(body)["query"])
            case "POST", "/api/v2/delete":
                wanted = json.loads(body)
                span = _nanoseconds(wanted["start"]), _nanoseconds(wanted["stop"])
                held.buckets[asked["bucket"]].erase(wanted["predicate"], *span)
                self._reply(204, None)
            case "GET", "/ping":
                self._reply(204, None, {"X-Influxdb-Version": held.version})
            case "GET", "/metrics":
                lines = [
                    f'storage_shard_disk_size{{bucket="{one.number}",id="1"}} 4096\n'
                    for one in held.buckets.values()
                ]
                self._reply(200, "".join(lines), {"Content-Type": "text/plain"})
            case _:
                self._administer(path, asked, json.loads(body or b"{}"))

    def _administer(self, path: str, asked: dict[str, str], body: dict[str, Any]) -> None:
        held = self.stand_in
        match self.command, path.removeprefix("/api/v2/").split("/"):
            case "GET", ["orgs"]:
                if asked.get("org", ORG) != ORG:
                    raise Refusal(404, "organization name not found")
                self._reply(200, {"orgs": [{"id": "0" * 16, "name": ORG}]})
            case "GET", ["buckets"]:
                found = [one for one in held.buckets.values() if one.name == asked.get("name")]
                self._reply(200, {"buckets": [_shown(one) for one in found]})
            case "POST", ["buckets"]:
                made = held.bucket(body["name"])
                _set_rules(made, body)
                self._reply(201, _shown(made))
            case "PATCH", ["buckets", number]:
                (changed,) = (one for one in held.buckets.values() if one.number == number)
                _set_rules(changed, body)
                self._reply(200, _shown(changed))
            case "GET", ["tasks"]:
                tasks = [task for task in held.tasks.values() if task["name"] == asked.get("name")]
                self._reply(200, {"tasks": tasks})
            case "POST", ["tasks"]:
                number = f"{len(held.tasks):016x}"
                held.tasks[number] = {**body, "id": number, "name": _task_name(body["flux"])}
                self._reply(201, held.tasks[number])
            case "PATCH", ["tasks", number]:
                held.tasks[number] |= body
                self._reply(200, held.tasks[number])
            case _:
                raise KeyError(path)

    def _write(self, asked: dict[str, str], body: bytes) -> None:
        held = self.stand_in
        if len(body) > held.largest:
            raise Refusal(413, "request too large")
        if held.forward is not None:
            self._pass_on(held.forward, body)
        text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        bucket = held.buckets[asked["bucket"]]
        bucket.write(text.decode(), _UNITS[asked["precision"]], held.now())
        self._reply(204, None)

    def _pass_on(self, address: tuple[str, int], body: bytes) -> None:
        connection = http.client.HTTPConnection(*address, timeout=10)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            if answer.status != 204:
                raise Refusal(answer.status, answer.read().decode())
        except OSError as error:
            raise Refusal(503, f"unavailable: {error}") from None
        finally:
            connection.close()

    def _query(self, script: str) -> None:
        try:
            tables = self.stand_in.query(script)
        except NotImplementedError as error:
            raise Refusal(500, f"the stand-in does not know {error}") from error
        lines = list(_as_csv(tables))
        if self.stand_in.broken_after is not None:
            ending = "\r\n,error,reference\r\n,cut short by the server,\r\n"
            lines = [*lines[: self.stand_in.broken_after], ending]
        data = "".join(lines).encode()
        self._reply(200, data, {"Content-Type": "text/csv; charset=utf-8"})

    def _reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else b""
        if isinstance(body, str):
            data = body.encode()
        elif isinstance(body, dict):
            data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _as_csv(tables: list[Table]) -> Iterator[str]:
    """As InfluxDB writes it: a header, anew behind an empty line where the columns change."""
    shape: list[tuple[str, type]] = []
    for number, table in enumerate(tables):
        columns = [(name, type(value)) for name, value in sorted(table.rows[0].items())]
        if columns != shape:
            if shape:
                yield "\r\n"
            yield f",result,table,{','.join(name for name, _ in columns)}\r\n"
            shape = columns
        for row in table.rows:
            yield f",_result,{number},{','.join(_cell(name, row[name]) for name, _ in columns)}\r\n"
    yield "\r\n"


def _cell(name: str, value: Any) -> str:
    if name in _TIMES:
        seconds, rest = divmod(value, 10**9)
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") + "Z"
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def _nanoseconds(text: str) -> int:
    whole, _, rest = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 10**9 + int(rest.ljust(9, "0") or 0)


def _shown(bucket: Bucket) -> dict[str, Any]:
    rule = {
        "type": "expire",
        "everySeconds": bucket.keeps_s,
        "shardGroupDurationSeconds": bucket.shard_s,
    }
    return {"id": bucket.number, "name": bucket.name, "retentionRules": [rule]}


def _set_rules(bucket: Bucket, body: dict[str, Any]) -> None:
    for rule in body.get("retentionRules") or []:
        bucket.keeps_s = rule["everySeconds"]
        bucket.shard_s = rule.get("shardGroupDurationSeconds") or bucket.shard_s


def _task_name(flux: str) -> str:
    return flux.partition('name: "')[2].partition('"')[0]


@contextmanager
def stand_in(compiler: FluxCompiler) -> Iterator[StandIn]:
    """A running one."""
    server = StandIn(compiler)
    yield server
    server.close()
