"""The devices of a site and the points they feed."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from core.codes import DEVICE_CODE
from core.site_file.codes import Codes, circles
from core.site_file.model import AssetEntry, DeviceEntry, PointEntry
from core.site_file.part import Part, as_text, suggestion
from rules.catalog import TOLD, Catalog, PointType

_CODE_RULE = "it stands in topics, so no blanks, no / + #, no $ in front, at most 120"


def read_devices(
    site: Part, assets: Mapping[str, AssetEntry], sources: Collection[str], catalog: Catalog
) -> list[DeviceEntry]:
    """The devices, every one after the gateway that it speaks through."""
    codes = Codes("device")
    parts = []
    for part in site.parts("devices"):
        part.only("code name asset gateway via source interval points")
        if codes.add(part.code(DEVICE_CODE, _CODE_RULE), part):
            parts.append(part)
    reader = _Devices(assets, sources, catalog, codes)
    devices = {entry.code: entry for entry in map(reader.device, parts)}
    for circle in circles({code: [e.via] for code, e in devices.items() if e.via}):
        codes.parts[circle[0]].refuse("via", f"a path in a circle: {' → '.join(circle)}")
        return []
    return sorted(devices.values(), key=lambda entry: _depth(entry, devices))


def _depth(entry: DeviceEntry, devices: Mapping[str, DeviceEntry]) -> int:
    depth = 0
    while entry.via and entry.via in devices:
        entry = devices[entry.via]
        depth += 1
    return depth


class _Devices:
    def __init__(
        self,
        assets: Mapping[str, AssetEntry],
        sources: Collection[str],
        catalog: Catalog,
        codes: Codes,
    ) -> None:
        self._assets = assets
        self._sources = sources
        self._catalog = catalog
        self._codes = codes
        self._gateways = {
            code for code, part in codes.parts.items() if part.flag("gateway", default=False)
        }
        self._feeders: dict[tuple[str, str], str] = {}

    def device(self, part: Part) -> DeviceEntry:
        """One device; its code is known to be good."""
        code = str(as_text(part.value["code"]))
        asset = part.reference("asset", "asset", self._assets)
        points = tuple(self._points(part, asset))
        for point in points:
            self._feed(part, code, point)
        return DeviceEntry(
            code=code,
            name=part.name(code),
            asset=asset,
            via=self._via(part),
            source=part.reference("source", "source", self._sources),
            points=points,
        )

    def _via(self, part: Part) -> str | None:
        via = part.reference("via", "device", self._codes.parts)
        if via is not None and via not in self._gateways:
            part.refuse("via", f"device {via!r} is no gateway; give it `gateway: true`")
        return via

    def _feed(self, part: Part, device: str, point: PointEntry) -> None:
        first = self._feeders.setdefault((point.asset, point.type.code), device)
        if first != device:
            message = f"point {point.type.code!r} of {point.asset!r} is fed by {first!r} already"
            part.refuse("points" if "points" in part.value else None, message)

    def _points(self, part: Part, asset: str | None) -> Iterator[PointEntry]:
        interval = part.seconds("interval")
        raw = part.value.get("points")
        if raw is None:
            yield from self._every_point(part, asset, interval)
            return
        fed: set[tuple[str, str]] = set()
        for key, place, body in self._keys(part, raw):
            point = self._point(place, key, body, asset, interval)
            if point is None:
                continue
            if (point.asset, point.type.code) in fed:
                place.refuse(None, f"point {point.type.code!r} is fed by two keys")
            fed.add((point.asset, point.type.code))
            yield point

    def _every_point(
        self, part: Part, asset: str | None, interval: float | None
    ) -> Iterator[PointEntry]:
        if asset is None:
            if part.value.get("asset") is None:
                part.refuse(None, "a device needs an asset, or points that name theirs")
            return
        kind = self._catalog.get(self._assets[asset].type)
        for point in kind.usual_points if kind else ():
            every = None if point.kind == "event" else interval
            yield PointEntry(asset, point.code, point, point.low, point.high, every)

    def _keys(self, part: Part, raw: Any) -> Iterator[tuple[str, Part, dict[str, Any]]]:
        """Each key with the place for its problems and its body: `{point: …, asset: …}`."""
        if isinstance(raw, list):
            items = [(as_text(item) or "", ("points", n), item) for n, item in enumerate(raw)]
        elif isinstance(raw, dict):
            items = [(str(key), ("points", key), body) for key, body in raw.items()]
        else:
            part.refuse("points", "points is a mapping from payload keys to points, or a list")
            return
        for key, path, body in items:
            text = as_text(body)
            plain = {"point": text} if text else body
            place = Part(part.located, (*part.path, *path), plain, part.problems)
            if not isinstance(plain, dict):
                place.refuse(None, "a point's code is expected here, or a mapping")
            elif not 0 < len(key) <= 120:
                place.refuse(None, "a payload key has between 1 and 120 characters")
            else:
                yield key, place, plain

    def _point(
        self,
        place: Part,
        key: str,
        body: dict[str, Any],
        asset: str | None,
        interval: float | None,
    ) -> PointEntry | None:
        place.only("point asset interval range")
        if "asset" in body:
            asset = place.reference("asset", "asset", self._assets)
        elif asset is None:
            place.refuse(None, "this point needs an asset: its own, or the device's")
        code = place.text("point", key, most=60)
        kind = self._catalog.get(self._assets[asset].type) if asset else None
        point = kind.points.get(code) if kind else None
        if asset is None or kind is None or not code:
            return None
        if point is None:
            hint = suggestion(code, kind.points)
            place.refuse(None, f"{kind.code} has no point {code!r}{hint}")
            return None
        if code in TOLD:
            place.refuse(None, f"{code!r} is told by Watchkeeper itself, not by a device")
        if point.kind == "event":
            for name in ("interval", "range"):
                if name in body:
                    place.refuse(name, f"{code!r} is an event, which has no {name}")
            return PointEntry(asset, key, point, None, None, None)
        low, high = _range(place, point)
        own = place.seconds("interval") if "interval" in body else interval
        return PointEntry(asset, key, point, low, high, own)


def _range(place: Part, point: PointType) -> tuple[float | None, float | None]:
    value = place.value.get("range")
    if value is None:
        return point.low, point.high
    numbers = value if isinstance(value, list) else []
    good = [n for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(good) != 2 or len(numbers) != 2 or good[0] >= good[1]:
        place.refuse("range", "range is two numbers: [lowest, highest]")
        return point.low, point.high
    return float(good[0]), float(good[1])
