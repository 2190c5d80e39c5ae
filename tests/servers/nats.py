"""A real nats-server with the product's own configuration, on free ports, in a test's folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.kept_file import keep
from ingest.broker import BrokerConfig
from ingest.broker.config import addresses, credentials, render
from ingest.broker.process import program
from tests.servers import free_port
from tests.servers.broker_process import BrokerProcess


@contextmanager
def nats(
    folder: Path, extra: dict[str, Any] | None = None, **settings: Any
) -> Iterator[BrokerProcess]:
    """A running broker; `settings` replace those of `BrokerConfig`, `extra` adds to its file.

    Unacknowledged messages come again after half a second, so that tests needn't wait for them.
    """
    config = replace(BrokerConfig(folder, port=free_port(), ack_wait=0.5), **settings)
    keys = credentials(folder)
    rendered = json.loads(render(config, keys, config.port, free_port()))
    del rendered["log_file"], rendered["logfile_size_limit"], rendered["logfile_max_num"]
    keep(config.file, json.dumps(rendered | (extra or {})))
    address = addresses(config, keys, config.port)[0]
    broker = BrokerProcess("nats-server", [program(), "-c", str(config.file)], address, folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
