"""A site that lives in real time: devices that speak every second and pause with their broker."""

import json
import threading
import time

from simulators.connection import BrokerAddress
from tests.servers.product import Product, done
from tests.stories.publisher import EagerPublisher

SITE = "works"
DEVICES = 12
INTERVAL_S = 1.0

SITE_TEXT = "\n".join(
    [
        "company: {code: acme, name: {en: Acme}}",
        f"site: {{code: {SITE}, name: {{en: Works}}, time_zone: Asia/Shanghai}}",
        "assets:",
        "  - {code: gateway-1, type: gateway, name: {en: Gateway 1}}",
        *(f"  - {{code: fan-{n}, type: fan, name: {{en: Fan {n}}}}}" for n in range(DEVICES)),
        "sources:",
        f"  - {{code: own, topic: wk/v1/{SITE}/#, dialect: wk}}",
        "devices:",
        "  - {code: gw-1, asset: gateway-1, gateway: true}",
        *(
            f"  - {{code: fan-{n}, asset: fan-{n}, via: gw-1, interval: {INTERVAL_S:g}s,"
            " points: {speed: speed, running: running}}"
            for n in range(DEVICES)
        ),
    ]
)
# Silence is noticed long before any of the outages ends.
RULES_TEXT = """\
id: story-silent
title: {en: Silent}
applies_to: {asset_type: any}
when: overdue(4)
severity: low
ticket: {kind: repair, category: communication, team: maintenance}
---
id: story-gateway-lost
title: {en: Gateway lost}
applies_to: {asset_type: gateway}
when: path_age() > 4s
severity: high
ticket: {kind: repair, category: communication, team: maintenance}
---
id: story-too-fast
title: {en: Too fast}
applies_to: {asset_type: fan}
when: speed > 1000 rpm
severity: high
ticket: {kind: repair, category: mechanical, team: maintenance}
"""


def import_site(product: Product) -> None:
    """Site and rules into the product's own data, before it starts."""
    site, rules = product.folder / "site.yaml", product.folder / "rules.yaml"
    site.write_text(SITE_TEXT)
    rules.write_text(RULES_TEXT)
    done("site", "import", str(site), folder=product.folder, settings=product.settings)
    done("rules", "import", str(rules), folder=product.folder, settings=product.settings)


class Fans:
    """Publishes each device once an interval, with its time; `racing` ones spin too fast."""

    def __init__(self, address: BrokerAddress) -> None:
        self.racing: set[int] = set()
        self.sent: list[tuple[str, int, float]] = []
        # Seconds for which the machine let them say nothing: who was silent is rightly called so.
        self.held_up = 0.0
        self._publisher = EagerPublisher(address, patience=None)
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="fans", daemon=True)

    def start(self) -> None:
        """Begin to speak."""
        self._thread.start()

    def stop(self) -> None:
        """Fall silent when everything said is acknowledged; raises what went wrong meanwhile."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the broker never acknowledged the rest"
        if self._failure is not None:
            raise self._failure

    def forget(self) -> None:
        """Expect of nobody what was said until now."""
        self.sent = []

    @property
    def acknowledged(self) -> int:
        """Messages that the broker has acknowledged."""
        return self._publisher.acknowledged

    def _run(self) -> None:
        try:
            with self._publisher as publisher:
                while not self._stop.is_set():
                    for number in range(DEVICES):
                        self._speak(publisher, number)
                        self._pause(INTERVAL_S / DEVICES)
                publisher.flush()
        except Exception as error:  # noqa: BLE001 - handed to whoever calls `stop`
            self._failure = error

    def _pause(self, seconds: float) -> None:
        began = time.monotonic()
        self._stop.wait(seconds)
        self.held_up = max(self.held_up, time.monotonic() - began - seconds)

    def _speak(self, publisher: EagerPublisher, number: int) -> None:
        at = time.time_ns() // 1_000_000
        speed = 1500.0 if number in self.racing else 800.0
        body = {"ts": at / 1000, "speed": speed, "running": True}
        publisher.publish(f"wk/v1/{SITE}/fan-{number}/readings", json.dumps(body).encode())
        self.sent.append((f"fan-{number}", at * 1000, speed))
