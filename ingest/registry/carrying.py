"""Putting states into a fresh registry: from the stores at start, from the last one at a reload."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.telemetry.readings import Last
from ingest.receipt_clock import ReceiptClock
from ingest.registry.conduct import carry_conduct
from ingest.registry.model import ONLINE, Binding, DeviceState, PointState, Registry
from rules.engine import AlarmState, Instance, Phase, adopt
from rules.engine import restore as restore_instance

Windowed = tuple[Instance, Binding]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the stores know: newest readings, retained states, and alarms with their versions."""

    last: Mapping[int, Last]
    present: Mapping[int, tuple[float, int]]
    alarms: Mapping[tuple[str, UUID], tuple[int, AlarmState]]


def restore(
    registry: Registry,
    stored: Stored,
    clock: ReceiptClock,
    receipt: int,
    remember: Callable[[list[Windowed]], None] | None = None,
) -> None:
    """Put what was stored into a fresh registry.

    A point never heard counts as heard now, so that a sensor that never speaks is found out.
    remember: builds the windows of those that have any, once their points are in place.
    """
    for point in registry.points():
        _restore_point(point, stored.last.get(point.series), clock, receipt)
        present = stored.present.get(point.series)
        if present is not None and present[1] > point.at:
            point.value = present[0]
            point.told = point.at
    _restore_times(registry, receipt)
    if remember is not None:
        remember(windowed(registry.bindings.items()))
    for (rule_id, asset_id), instance in registry.instances().items():
        standing = stored.alarms.get((rule_id, asset_id))
        if standing is not None:
            version, state = standing
            put = (
                restore_instance if version == registry.bindings[instance].facts.version else adopt
            )
            put(instance, state)
    _watch_silent_paths(registry)


def _watch_silent_paths(registry: Registry) -> None:
    """A path with an alarm standing must be noticed when it is heard again."""
    for instance, binding in registry.bindings.items():
        if binding.path is not None and instance.state.phase is not Phase.NORMAL:
            binding.path.alert = True


def _restore_point(point: PointState, last: Last | None, clock: ReceiptClock, receipt: int) -> None:
    if last is None:
        point.heard = receipt
        return
    point.value = last.value
    point.at = last.at
    point.heard = min(clock.receipt(last.received), receipt)


def _restore_times(registry: Registry, receipt: int) -> None:
    devices = [device for site in registry.sites.values() for device in site.devices.values()]
    for device in devices:
        # A status has no device time, so it says nothing about the device's clock.
        times = [point.at for key, point in device.points.items() if key != ONLINE]
        device.at = max([device.at, *times])
        # A point that only counts as heard says nothing of the way to it.
        heard = max((point.heard for point in device.points.values() if point.at), default=0)
        for path in device.paths:
            path.heard = max(path.heard, heard)
    for device in devices:
        if device.path is not None:
            device.path.heard = device.path.heard or receipt


def windowed(bindings: Iterable[Windowed]) -> list[Windowed]:
    """Those whose rules look at windows."""
    return [(instance, binding) for instance, binding in bindings if instance.past is not None]


def carry_over(old: Registry, new: Registry) -> list[Windowed]:
    """Move the running states of `old` into `new`; what is in both keeps what it had.

    Returns those whose windows are yet to be built, because their version was not in `old`.
    """
    known_points = {point.series: point for point in old.points()}
    for point in new.points():
        before = known_points.get(point.series)
        if before is not None:
            _carry_point(before, point)
            _carry_baseline(before, point, old, new)
    for code, site in new.sites.items():
        known = old.sites.get(code)
        for device_code, device in site.devices.items():
            same = known.devices.get(device_code) if known else None
            if same is not None:
                _carry_device(same, device)
    _carry_memories(old, new)
    carry_conduct(old.conduct, new.conduct)
    running = old.instances()
    begin: list[Instance] = []
    for key, instance in new.instances().items():
        earlier = running.get(key)
        if earlier is None:
            begin.append(instance)
            continue
        same_version = old.bindings[earlier].facts.version == new.bindings[instance].facts.version
        if not same_version:
            begin.append(instance)
            adopt(instance, earlier.state)
            continue
        if instance.past is not None and earlier.past is not None:
            instance.past.inherit(earlier.past)
        restore_instance(instance, earlier.state, earlier)
    _watch_silent_paths(new)
    return windowed((instance, new.bindings[instance]) for instance in begin)


def _carry_memories(old: Registry, new: Registry) -> None:
    """What a source has learned since it was loaded, and for this process only, goes on."""
    known = {each.source_id: each for each in old.listeners}
    for listener in new.listeners:
        before = known.get(listener.source_id)
        if before is not None and before.source.decode is listener.source.decode:
            listener.memory, listener.durable = before.memory, before.durable


def _carry_point(before: PointState, point: PointState) -> None:
    point.value = before.value
    point.told = before.told
    point.at = before.at
    point.heard = before.heard
    point.excused = before.excused


def _carry_baseline(before: PointState, point: PointState, old: Registry, new: Registry) -> None:
    if point.learned is None or before.learned is None:
        return
    if not before.learned.same_local_time(point.learned.offset):
        # Its site has another time zone now, so other hours are usual: it is taught anew.
        return
    point.learned.become(before.learned)
    if point.series in old.taught:
        new.taught.add(point.series)


def _carry_device(before: DeviceState, device: DeviceState) -> None:
    device.at = max(device.at, before.at)
    device.behind_since = before.behind_since
    device.behind_at = before.behind_at
    device.good_stamps = before.good_stamps
    device.trusted = before.trusted
    if before.path is not None and device.path is not None:
        device.path.heard = before.path.heard
        device.path.alert = before.path.alert
        device.path.fresh = before.path.fresh
