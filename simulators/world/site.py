"""What a simulator needs to know of a site file: assets, what supplies them, and devices."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from simulators.errors import BadInput

DEMO_SITE = Path(__file__).parent.parent / "demo" / "site.yaml"
MONTH_SITE = Path(__file__).parent.parent / "month" / "site.yaml"
DEFAULT_INTERVAL = 30.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class SimulatedAsset:
    """One asset. place: the codes of the spaces around it, the building first."""

    code: str
    type: str
    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device. interval: seconds between messages; via: its gateway's device code.

    points: payload key → point code; None means every point of the asset by its own code.
    """

    code: str
    asset: str
    interval: float = DEFAULT_INTERVAL
    via: str | None = None
    gateway: bool = False
    points: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A site as far as it is simulated; assets and devices by code, in the file's order.

    feeds: asset → the assets that it feeds directly with power.
    """

    code: str
    zone: ZoneInfo
    assets: Mapping[str, SimulatedAsset]
    devices: Mapping[str, SimulatedDevice]
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def supplied(self) -> frozenset[str]:
        """The assets that another asset of the site feeds."""
        return frozenset(code for fed in self.feeds.values() for code in fed)

    def fed_by(self, asset: str) -> frozenset[str]:
        """What an asset feeds, directly or through others, without itself."""
        found, fresh = set[str](), [asset]
        while fresh:
            fresh = [one for code in fresh for one in self.feeds.get(code, ()) if one not in found]
            found.update(fresh)
        return frozenset(found - {asset})

    def of_type(self, kind: str) -> list[SimulatedAsset]:
        """The assets of one type, in the file's order."""
        return [asset for asset in self.assets.values() if asset.type == kind]

    def behind(self, gateway: str) -> list[SimulatedDevice]:
        """The devices that speak through a gateway, directly or through another."""
        direct = [device for device in self.devices.values() if device.via == gateway]
        return [found for one in direct for found in [one, *self.behind(one.code)]]

    def device_of(self, asset: str) -> SimulatedDevice:
        """The first device of an asset. Raises BadInput when it has none."""
        for device in self.devices.values():
            if device.asset == asset:
                return device
        raise BadInput(f"asset {asset!r} of site {self.code!r} has no device to simulate")


def read_site(path: Path = DEMO_SITE) -> SimulatedSite:
    """Read a site file. Raises BadInput when it can't be read or lacks what is simulated.

    The product's own import checks everything else about it; here only what is used is read.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _site(document)
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not YAML: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"{path} is not a site file: {type(error).__name__}: {error}") from error


def seconds(text: str | float) -> float:
    """Seconds of a duration such as `10s`, `1h30m`, or of a plain number. Raises ValueError."""
    if isinstance(text, int | float):
        return float(text)
    compact = text.strip()
    if not compact or _DURATION.sub("", compact).strip():
        raise ValueError(f"{text!r} is not a duration such as 10s, 5m or 1h30m")
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _DURATION.findall(compact))


def _site(document: dict[str, Any]) -> SimulatedSite:
    site = document["site"]
    places = dict(_places(document.get("spaces") or [], ()))
    assets = [
        SimulatedAsset(one["code"], one["type"], places.get(one.get("space", ""), ()))
        for one in document["assets"]
    ]
    devices = [_device(one) for one in document["devices"]]
    return SimulatedSite(
        site["code"],
        ZoneInfo(site.get("time_zone", "UTC")),
        {asset.code: asset for asset in assets},
        {device.code: device for device in devices},
        _feeds(document.get("supplies") or []),
    )


def _feeds(supplies: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    feeds = dict[str, tuple[str, ...]]()
    for one in supplies:
        if one.get("medium", "power") == "power":
            feeds[one["from"]] = (*feeds.get(one["from"], ()), *one["to"])
    return feeds


def _places(
    spaces: list[dict[str, Any]], around: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    found = list[tuple[str, tuple[str, ...]]]()
    for space in spaces:
        place = (*around, space["code"])
        found.append((space["code"], place))
        found += _places(space.get("spaces") or [], place)
    return found


def _device(entry: dict[str, Any]) -> SimulatedDevice:
    return SimulatedDevice(
        code=entry["code"],
        asset=entry["asset"],
        interval=seconds(entry.get("interval", DEFAULT_INTERVAL)),
        via=entry.get("via"),
        gateway=bool(entry.get("gateway", False)),
        points=entry.get("points"),
    )
