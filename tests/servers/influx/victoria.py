"""A real VictoriaMetrics, which takes what is written to InfluxDB 2, on a free port."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.session import BrokerAddress
from tests.servers import find_program, free_port
from tests.servers.broker_process import BrokerProcess

PACKAGE = "victoria-metrics"


class VictoriaMetrics(BrokerProcess):
    """The server; stopped and started again it still has what it took."""

    @property
    def url(self) -> str:
        """Its address, to which influx_url can lead."""
        return f"http://{self.address.host}:{self.address.port}"

    def samples(self, field: str) -> dict[int, dict[int, float]]:
        """Every value of a field of readings by series and time, in ms as it keeps them."""
        self._get("/internal/force_flush")
        found: dict[int, dict[int, float]] = {}
        name = f'{{__name__="reading_{field}"}}'
        # By itself it looks back a while only.
        query = urllib.parse.urlencode({"match[]": name, "start": "0"})
        for line in self._get(f"/api/v1/export?{query}").splitlines():
            told = json.loads(line)
            values = dict(zip(told["timestamps"], told["values"], strict=True))
            found.setdefault(int(told["metric"]["series"]), {}).update(values)
        return found

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[VictoriaMetrics]:
    """A running one that keeps everything for a hundred years."""
    program = find_program("victoria-metrics", "/usr/bin/victoria-metrics", package=PACKAGE)
    address = BrokerAddress("127.0.0.1", free_port())
    command = [
        program,
        f"-httpListenAddr={address.host}:{address.port}",
        f"-storageDataPath={folder / 'victoria'}",
        "-retentionPeriod=100y",
        "-memory.allowedBytes=256MB",
    ]
    server = VictoriaMetrics("victoria-metrics", command, address, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
