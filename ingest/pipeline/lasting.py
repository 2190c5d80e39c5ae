"""Values that are true for a while only, and that nobody takes back: they end by themselves.

When they end is remembered with their source, so that it holds over a restart. What ended while we
were away is told on return, at the time when it ended.
"""

import heapq
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.clock import MICROS
from core.telemetry.readings import Quality
from ingest.decoding import Problem
from ingest.dialects import Spoken
from ingest.pipeline.foreign import LONGEST_KEY
from ingest.pipeline.judging import Judge
from ingest.pipeline.readings import Readings
from ingest.pipeline.values import sound_value
from ingest.registry import DeviceState, Listener, Registry
from ingest.session import RETAINED

# What a source remembers under this, a device and a key: when that is false again, µs.
UNTIL = "until/"

# A source's code and site, and what it remembers the end by.
_Which = tuple[Any, str]


class Lasting:
    """Notes what lasts, and ends it. One thread only."""

    def __init__(self, judge: Judge, readings: Readings) -> None:
        self._judge = judge
        self._readings = readings
        self._registry: Registry | None = None
        self._listeners: dict[Any, Listener] = {}
        self._due: dict[_Which, int] = {}
        self._ends: list[tuple[int, str, _Which]] = []

    def note(
        self, listener: Listener, device: str, spoken: Spoken, flags: int, received: int
    ) -> Spoken:
        """Take in how long readings last; returns what of them is to be taken in.

        A retained one that would last says nothing of now: nobody knows when it began.
        """
        if spoken.lasts and flags & RETAINED:
            left = {key: said for key, said in spoken.fields.items() if key not in spoken.lasts}
            return replace(spoken, fields=left, lasts={})
        if not spoken.lasts and not self._due:
            return spoken
        known = listener.site.devices.get(device)
        for key in spoken.fields if known is not None else ():
            which = listener.source_id, f"{UNTIL}{device}/{key}"
            if key in spoken.lasts and known is not None and key in known.points:
                self._until(listener, which, received + _micros(spoken.lasts[key]))
            elif which in self._due:
                self._until(listener, which, None)
        return spoken

    def _until(self, listener: Listener, which: _Which, due: int | None) -> None:
        """Remember when something ends; None: it was told anew, and ends no more."""
        key = which[1]
        if len(key) > LONGEST_KEY:
            return
        self._listeners[which[0]] = listener
        self._judge.batch.remembered[listener.source_id, key] = due
        if due is None:
            self._due.pop(which, None)
            listener.memory.pop(key, None)
            listener.durable.discard(key)
            return
        listener.memory[key] = self._due[which] = due
        listener.durable.add(key)
        heapq.heappush(self._ends, (due, key, which))

    def end(self, now: int) -> None:
        """Tell what has ended by now (µs)."""
        if self._judge.registry is not self._registry:
            self._look_again(self._judge.registry)
        while self._ends and self._ends[0][0] <= now:
            due, key, which = heapq.heappop(self._ends)
            if self._due.get(which) != due:
                continue
            listener = self._listeners[which[0]]
            self._until(listener, which, None)
            code, _, point = key.removeprefix(UNTIL).partition("/")
            device = listener.site.devices.get(code)
            if device is not None:
                self._ended(device, point, due, now)

    def _look_again(self, registry: Registry) -> None:
        """After a start, and with each new registry: what is remembered counts."""
        self._registry = registry
        self._listeners = {each.source_id: each for each in registry.listeners}
        self._due = dict(_remembered(registry))
        self._ends = [(due, which[1], which) for which, due in self._due.items()]
        heapq.heapify(self._ends)

    def _ended(self, device: DeviceState, key: str, at: int, now: int) -> None:
        point = device.points.get(key)
        value = sound_value(point, False) if point is not None else None
        if point is None or value is None or isinstance(value, Problem):
            return
        heard = point.heard
        fresh = self._readings.reading(point, value, at, Quality.GOOD, now)
        # Nobody said it.
        point.heard = heard
        if fresh:
            device.at = max(device.at, at)
            self._judge.judge(device, at)


def _remembered(registry: Registry) -> Iterator[tuple[_Which, int]]:
    for listener in registry.listeners:
        for key in listener.durable:
            if key.startswith(UNTIL) and isinstance(due := listener.memory.get(key), int):
                yield (listener.source_id, key), due


def _micros(seconds: float) -> int:
    return round(seconds * MICROS)


def as_history(spoken: Spoken, received: int) -> list[dict[str, Any]]:
    """The same as a device would tell it later that had stored it: with the ends of what lasts."""
    ends = sorted((received + _micros(seconds), key) for key, seconds in spoken.lasts.items())
    return [spoken.fields, *({"ts": due / MICROS, key: False} for due, key in ends)]
