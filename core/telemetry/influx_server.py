"""The InfluxDB 2 server: one HTTP client, its requests, and how its errors become ours."""

import codecs
import csv
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.dialect import Dialect
from influxdb_client.domain.query import Query
from influxdb_client.rest import ApiException
from influxdb_client.service.query_service import QueryService
from influxdb_client.service.write_service import WriteService
from prometheus_client.parser import text_string_to_metric_families

from core.telemetry.store import BatchRefused, TelemetryError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONNECT_MS = 2_000
_ANSWER_MS = 60_000
# A server that hangs must not hold up ingest, which takes in twenty seconds' worth meanwhile.
_WRITE_MS = 10_000
_STATE_MS = 5_000
_QUICKLY = 1
# Much of the client has no annotations.
_PLAIN = Dialect(  # type: ignore[no-untyped-call]
    header=True, delimiter=",", annotations=[], date_time_format="RFC3339Nano"
)
# What says that these bytes will never be taken, however often they come.
_NEVER = (400, 422)
_TOO_LARGE = 413
_ADVICE = {
    401: ". Correct influx_token; it must be a token of this InfluxDB.",
    403: ". Give the token the right to read and write both buckets.",
    404: ". Correct influx_org and influx_bucket, or run `watchkeeper telemetry init`.",
}


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where the readings are kept. token: as InfluxDB gave it; it is never shown."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)

    @property
    def hours(self) -> str:
        """The bucket of the roll-ups."""
        return f"{self.bucket}-hours"


class TooLarge(TelemetryError):
    """The server takes no request of this size; a smaller one may pass."""


class InfluxServer:
    """Requests to one server; thread-safe. Every method raises TelemetryError when it is away.

    Nothing is tried twice here: what can't be written waits in the spool.
    """

    def __init__(self, address: InfluxAddress) -> None:
        """Connects with the first request."""
        self.address = address
        self.client = self._connected(packs=True)
        # Left to itself the client packs as tightly as can be, at five times the cost of the lines.
        self._writer = self._connected(packs=False)
        self._closed = False
        self._write: Any = WriteService(self._writer.api_client)  # type: ignore[no-untyped-call]
        self._query: Any = QueryService(self.client.api_client)  # type: ignore[no-untyped-call]
        self._delete = self.client.delete_api()

    def _connected(self, *, packs: bool) -> InfluxDBClient:
        return InfluxDBClient(
            url=self.address.url,
            token=self.address.token,
            org=self.address.org,
            timeout=(_CONNECT_MS, _ANSWER_MS),
            enable_gzip=packs,
            retries=False,
        )

    def write(self, lines: list[str], bucket: str | None = None) -> None:
        """Store lines of line protocol with times in µs; durable on return.

        Raises BatchRefused for what will never be taken and TooLarge for too much at once.
        """
        self._refuse_when_closed()
        body = gzip.compress("\n".join(lines).encode(), _QUICKLY)
        with server_errors("telemetry cannot be written"):
            self._write.post_write(
                self.address.org,
                bucket or self.address.bucket,
                body,
                precision="us",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
                _request_timeout=(_CONNECT_MS, _WRITE_MS),
            )

    def rows(self, flux: str, *, briefly: bool = False) -> Iterator[dict[str, str]]:
        """Each row that a Flux script yields, by the names of its columns.

        briefly: who asks can't wait as long as whoever draws a chart.
        """
        self._refuse_when_closed()
        with server_errors("telemetry cannot be read"):
            make: Any = Query
            answer = self._query.post_query(
                org=self.address.org,
                query=make(query=flux, dialect=_PLAIN),
                _preload_content=False,
                _request_timeout=(_CONNECT_MS, _STATE_MS if briefly else _ANSWER_MS),
            )
            try:
                yield from _parsed(answer)
            except BaseException:
                # What is left of the answer must not be taken for that of the next question.
                answer.close()
                raise
            answer.release_conn()

    def erase(self, predicate: str, start: int, end: int, bucket: str | None = None) -> None:
        """Erase what has the tags of the predicate, with times in [start, end), in µs."""
        self._refuse_when_closed()
        if start >= end:
            return
        # The server's own span holds both its ends; none of ours lies within the last microsecond.
        first, last = _moment(start * 1_000), _moment(end * 1_000 - 1)
        with server_errors("telemetry cannot be erased"):
            self._delete.delete(first, last, predicate, bucket or self.address.bucket)

    def bytes_on_disk(self) -> int:
        """What the buckets take on the server's disk; 0 where it keeps its metrics to itself."""
        self._refuse_when_closed()
        with server_errors("telemetry cannot be measured"):
            buckets: Any = self.client.buckets_api()
            names = (self.address.bucket, self.address.hours)
            numbers = {found.id for name in names if (found := buckets.find_bucket_by_name(name))}
            text = self._metrics()
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "storage_shard_disk_size" and sample.labels.get("bucket") in numbers
        )

    def _metrics(self) -> str:
        caller: Any = self.client.api_client
        try:
            answer = caller.call_api("/metrics", "GET", _preload_content=False)
        except ApiException:
            return ""
        return str(answer[0].data.decode())

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise TelemetryError("telemetry has been closed")

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        self.client.close()  # type: ignore[no-untyped-call]
        self._writer.close()  # type: ignore[no-untyped-call]


def _moment(nanoseconds: int) -> str:
    """A time in RFC 3339 with all nine digits, which Python's own times don't have."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    whole = _EPOCH + timedelta(seconds=seconds)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _parsed(answer: urllib3.HTTPResponse) -> Iterator[dict[str, str]]:
    """The rows of an answer in CSV: blocks with a header each, parted by an empty line."""
    header: list[str] | None = None
    for cells in csv.reader(codecs.iterdecode(answer, "utf-8")):
        if not cells:
            header = None
        elif header is None:
            header = cells
        else:
            row = dict(zip(header, cells, strict=True))
            # An error that comes up after the answer began is a table of its own.
            if "error" in row and "reference" in row:
                raise TelemetryError(f"telemetry cannot be read: {row['error']}")
            yield row


@contextmanager
def server_errors(doing: str) -> Iterator[None]:
    """Turn the client's errors into ours; `doing` says what was tried."""
    try:
        yield
    except ApiException as error:
        raise _judged(doing, error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TelemetryError(
            f"{doing}: InfluxDB does not answer: {_first_line(error)}",
            advice="Look whether InfluxDB runs and influx_url leads there.",
        ) from error


def _judged(doing: str, error: ApiException) -> TelemetryError:
    status = error.status or 0
    detail = f"{doing}: InfluxDB answers {status}: {_said(error)}"
    if status in _NEVER:
        return BatchRefused(detail)
    if status == _TOO_LARGE:
        return TooLarge(detail)
    # Health shows what went wrong and nothing else, so what to do stands there, too.
    found = TelemetryError(f"{detail}{_ADVICE.get(status, '')}")
    found.retry_after = _seconds(error)
    return found


def _said(error: ApiException) -> str:
    """The server's own words, in one line."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else error.body
    try:
        said = json.loads(body or "")
        words = said.get("message") or said.get("error") or ""
    except (ValueError, AttributeError):
        words = body or error.reason or ""
    return " ".join(str(words).split())[:300]


def _seconds(error: ApiException) -> float:
    """What Retry-After asks for, in seconds; 0 where it says nothing that we understand."""
    try:
        asked = float(error.headers.get("Retry-After") or 0) if error.headers else 0.0
    except ValueError:
        return 0.0
    return min(max(asked, 0.0), 600.0)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
