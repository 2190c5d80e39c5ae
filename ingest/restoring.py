"""Registries from the stores: what is configured, and the states it was left in."""

import gc
from collections.abc import Sequence

from core import inventory
from ingest.baselines import recall
from ingest.receipt_clock import ReceiptClock
from ingest.registry import Registry, Stored, Windowed, load_registry, restore
from ingest.remembering import remember
from ingest.stores import Stores
from rules.slots import ReceiptNow
from workflows import alarms


def load(stores: Stores, now: ReceiptNow) -> Registry:
    """Read places, devices and rules, without any states. Any thread may call it."""
    with stores.database.read() as session:
        registry = load_registry(session, now)
    report_problems(stores, registry)
    return registry


def report_problems(stores: Stores, registry: Registry) -> None:
    """Say which rules watch nothing, or not yet, and why."""
    problems = registry.problems
    detail = "; ".join(problems)[:300]
    stores.health.report("rules", ok=not problems, detail=detail, faults=len(problems))


def stored_states(stores: Stores, series: Sequence[int] | None = None) -> Stored:
    """What the stores know, of the newest readings only those of `series`; None means of all.

    Raises TelemetryError while telemetry cannot tell.
    """
    wanted = series is None or len(series) > 0
    with stores.database.read() as session:
        return Stored(
            last=stores.telemetry.last(series) if wanted else {},
            present=inventory.present_values(session),
            alarms=alarms.standing_states(session),
        )


def fresh_registry(stores: Stores, now: ReceiptNow, clock: ReceiptClock) -> Registry:
    """The registry as a process that starts now finds it."""
    registry = load(stores, now)

    def build(these: list[Windowed]) -> None:
        registry.problems += recall(stores.database, stores.telemetry, registry)
        build_windows(stores, registry, these)

    restore(registry, stored_states(stores), clock, clock.now(), build)
    return registry


def build_windows(stores: Stores, registry: Registry, these: list[Windowed]) -> None:
    """Build windows from what is stored; a rule whose window can't be built says it is blind."""
    if not these:
        return
    registry.problems += remember(stores.telemetry, these)
    report_problems(stores, registry)


def set_heap_aside() -> None:
    """Free the last registry, then keep the collector from walking the new one again and again.

    A large site is a million objects that never become garbage one by one.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def give_heap_back() -> None:
    """What stays set aside at the end of the process looks like a leak to other libraries."""
    gc.unfreeze()
