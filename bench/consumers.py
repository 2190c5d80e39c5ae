"""What is measured: our ingest, and stock paho with nothing to do, each in a process of its own.

Each prints `ready` once it is subscribed, then one line of JSON when all messages have come.
"""

import argparse
import gc
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import REGISTRY

from core.settings import load
from core.telemetry.store import TelemetryStore
from ingest.session import BrokerAddress
from watchkeeper.product import Product

_WARM_UP = 0.2
_LOOK_SECONDS = 0.05
_PATIENCE = 300.0
_READINGS = 3
_FAR = 2**62
_HEARD = "wk_ingest_receipt_lag_seconds"


@dataclass(frozen=True, slots=True)
class Sample:
    """How far it was, and what it had cost until then, in seconds."""

    messages: int
    cpu: float
    wall: float


def _sample(messages: int) -> Sample:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Sample(messages, usage.ru_utime + usage.ru_stime, time.perf_counter())


def meter(total: int, so_far: Callable[[], int]) -> dict[str, float]:
    """Look until all have come, or no more do; the cost is counted after the warm-up."""
    ends = time.monotonic() + _PATIENCE
    warm: Sample | None = None
    seen = 0
    while seen < total and time.monotonic() < ends:
        time.sleep(_LOOK_SECONDS)
        seen = so_far()
        if warm is None and seen >= _WARM_UP * total:
            warm = _sample(seen)
    last = _sample(seen)
    first = warm or last
    messages = last.messages - first.messages or 1
    return {
        "messages": seen,
        "cpu_us_per_message": 1e6 * (last.cpu - first.cpu) / messages,
        "messages_per_second": messages / max(last.wall - first.wall, 1e-9),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def paho(address: BrokerAddress, messages: int, wanted: str) -> None:
    """The baseline: stock paho, persistent session, QoS 1, a callback that only counts."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="bench-paho", clean_session=False)
    if address.username:
        client.username_pw_set(address.username, address.password)
    count = [0]
    subscribed = threading.Event()

    def on_message(_: Client, __: object, ___: MQTTMessage) -> None:
        count[0] += 1

    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(address.host, address.port)
    client.loop_start()
    client.subscribe(wanted, qos=1)
    subscribed.wait(10)
    _say("ready")
    result = meter(messages, lambda: count[0])
    client.disconnect()
    client.loop_stop()
    _say(json.dumps(result))


def _stored() -> int:
    value = REGISTRY.get_sample_value("wk_ingest_stored_total") or 0
    return int(value) // _READINGS


def ours(address: BrokerAddress, messages: int, folder: Path) -> None:
    """The ingest role as it runs in production: everything durable before it is acknowledged."""
    product = Product(load(data_dir=folder, log_level="warning"))
    telemetry = product.open_telemetry()
    began = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    service = product.start_ingest(telemetry, address)
    service.ready.wait(120)
    # Connected isn't subscribed: what is published before that comes to nobody. It has heard its
    # own heartbeat once it knows how late that was.
    while not REGISTRY.get_sample_value(_HEARD):
        time.sleep(0.05)
    gc.collect()
    loading = {
        "start_seconds": time.perf_counter() - began,
        "memory_before_mb": memory,
        "memory_loaded_mb": _resident_mb(),
    }
    _say("ready")
    result = meter(messages, _stored)
    counts = _lost_and_doubled(telemetry, messages)
    product.stop()
    _say(json.dumps({**result, **counts, **loading}))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _lost_and_doubled(telemetry: TelemetryStore, messages: int) -> dict[str, int]:
    series = sorted(telemetry.last())
    keys = [
        np.stack(
            [np.frombuffer(batch.series, "i4").astype("i8"), np.frombuffer(batch.at, "i8")], axis=1
        )
        for batch in telemetry.scan(series, 0, _FAR)
    ]
    rows = np.concatenate(keys) if keys else np.empty((0, 2), "i8")
    distinct = len(np.unique(rows, axis=0))
    return {"lost": _READINGS * messages - distinct, "duplicated": len(rows) - distinct}


def main() -> None:
    """Run as a process: `python -m bench.consumers paho|ours …`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=["paho", "ours"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--filter", default="wk/v1/#")
    given = parser.parse_args()
    address = BrokerAddress(given.host, given.port, given.user, given.password)
    if given.which == "paho":
        paho(address, given.messages, given.filter)
    else:
        ours(address, given.messages, given.folder)


if __name__ == "__main__":
    main()
