"""Retained messages: no history, but where they tell a state that we did not know, it is judged."""

from collections.abc import Mapping
from typing import Any

from core.telemetry.readings import Quality
from ingest.decoding import Problem, parse, stamp, status_online
from ingest.pipeline.batch import Present
from ingest.pipeline.judging import Judge
from ingest.pipeline.values import sound_value
from ingest.registry import ONLINE, DeviceState


class Retained:
    """Holds retained messages until all that was queued before them has been taken in."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._held: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._released: dict[tuple[str, str, str], Mapping[str, Any]] = {}

    def hold(self, device: DeviceState, topic: str, fields: Mapping[str, Any]) -> None:
        """Keep what the newest retained message of a topic told, for `release`."""
        self._held[device.site.code, device.code, topic] = fields

    def release(self, received: int) -> None:
        """Judge what was held. received: wall time, µs, of the heartbeat that ends the wait."""
        held, self._held = self._held, {}
        self._released |= held
        for (site_code, code, _), fields in held.items():
            site = self._judge.registry.sites.get(site_code)
            device = site.devices.get(code) if site else None
            if device is not None:
                self._present(device, fields, received)

    def settle(self) -> None:
        """What was released is durable."""
        self._released.clear()

    def take_back(self) -> None:
        """What was released could not be committed: it is held again."""
        self._held = self._released | self._held
        self._released = {}

    def _present(self, device: DeviceState, fields: Mapping[str, Any], received: int) -> None:
        """Take the present state from a retained message: its time is unknown, so no history."""
        when = stamp(fields.get("ts"), received, device.zone, trusted=device.trusted)
        timed = when.quality is Quality.GOOD and fields.get("ts") is not None
        changed = False
        for key, value in fields.items():
            point = device.points.get(key)
            # An event that was retained is past, and no state.
            if point is None or point.event or (timed and when.at <= point.at):
                continue
            result = sound_value(point, value)
            if isinstance(result, Problem) or result == point.value:
                continue
            point.value = result
            point.told = point.at
            changed = True
            self._judge.batch.presents.append(
                Present(device.site.site_id, point.series, result, received)
            )
        if changed:
            self._judge.judge(device, received)


def fields_of(kind: str, payload: bytes) -> Mapping[str, Any]:
    """The newest values that a message tells; none where it cannot be used."""
    if kind == "status":
        online = status_online(payload)
        return {} if isinstance(online, Problem) else {ONLINE: online}
    document = parse(payload) if kind == "readings" else None
    latest = document[-1] if isinstance(document, list) and document else document
    return latest if isinstance(latest, dict) else {}
