"""A toy of the product: it hears one kind of alarm over MQTT and answers like the JSON API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.simulators.compound import SITE
from tests.simulators.listener import Listener

TOKEN = "wkt_toy"
# As with a product that takes in minutes of simulated time at once.
LEARNED_AFTER = 60.0


class ToyProduct:
    """Opens `tickets_each` tickets for every smoke it hears of; pages hold two items.

    deaf: it answers, but reads nothing.
    """

    def __init__(self, listener: Listener, tickets_each: int = 1, deaf: bool = False) -> None:
        self._listener = listener
        self._tickets_each = tickets_each
        self._deaf = deaf
        self.asked = list[str]()
        self._lists: dict[str, Callable[[httpx.Request], list[dict[str, Any]]]] = {
            "/rules": lambda request: [{"rule_id": name} for name in ("smoke-detected", "a", "b")],
            "/assets": lambda request: [
                {"id": code, "code": code}
                for code in SITE.assets
                if request.url.params["q"] in code
            ],
            "/points": lambda request: [{"id": f"{request.url.params['asset']}.rssi"}],
            "/episodes": lambda request: self._episodes(),
            "/tickets": lambda request: self._tickets(),
        }

    def transport(self) -> httpx.MockTransport:
        """The seam: what httpx speaks to instead of a server."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer, as the API gives it."""
        path = request.url.path.removeprefix("/api/v1")
        self.asked.append(path)
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"title": "no"})
        if path == "/tree":
            nodes = [{"id": "c", "kind": "company", "code": "acme"}]
            return httpx.Response(
                200, json={"nodes": [*nodes, {"id": "s", "kind": "site", "code": "riverside"}]}
            )
        if path.endswith("/last"):
            return self._last(path.split("/")[2].removesuffix(".rssi"))
        return self._page(self._lists[path](request), request)

    def _page(self, items: list[dict[str, Any]], request: httpx.Request) -> httpx.Response:
        begin = int(request.url.params.get("cursor", 0))
        end = begin + 2
        after = str(end) if end < len(items) else None
        return httpx.Response(200, json={"items": items[begin:end], "next": after})

    def _last(self, asset: str) -> httpx.Response:
        device = SITE.device_of(asset).code
        times = [body["ts"] for body in self._heard(device)]
        if not times:
            return httpx.Response(404, json={"title": "this point has no reading yet"})
        return httpx.Response(200, json={"at": written(times[-1])})

    def _heard(self, device: str) -> list[Any]:
        return [] if self._deaf else self._listener.bodies(f"wk/v1/riverside/{device}/readings")

    def _tripped(self) -> list[tuple[str, float]]:
        found = list[tuple[str, float]]()
        for asset in SITE.of_type("smoke_detector"):
            smoky = [one["ts"] for one in self._heard(asset.code) if one["smoke"]]
            found += [(asset.code, smoky[0])] if smoky else []
        return found

    def _episodes(self) -> list[dict[str, Any]]:
        return [
            {
                "id": f"episode-{asset}",
                "rule_id": "smoke-detected",
                "asset_code": asset,
                "tripped_at": written(at),
                "learned_at": written(at + LEARNED_AFTER),
                "ticket_id": f"{asset}-0",
            }
            for asset, at in self._tripped()
        ]

    def _tickets(self) -> list[dict[str, Any]]:
        by_hand = {"id": "by-hand", "rule_id": None}
        return [by_hand] + [
            {
                "id": f"{asset}-{number}",
                "rule_id": "smoke-detected",
                "asset_code": asset,
                "happened_at": written(at),
                "learned_at": written(at + LEARNED_AFTER),
            }
            for asset, at in self._tripped()
            for number in range(self._tickets_each)
        ]


def written(seconds: float) -> str:
    """A time as the API writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
