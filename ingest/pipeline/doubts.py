"""Messages sent again that say otherwise than what is known of the same moment.

A device may tell one moment twice, first one value and then another. After a kill both come again,
although the second is stored: taken in as they come, the first would replace it for an instant, and
rules would judge that old value beside what other points told later, which never was. But it may
also be a correction that nobody judged yet. What follows tells the two apart: that other value
comes again, too, and before anything new; or it does not.

Where nothing newer is known of whom rules judge beside it, there is no doubt: it is judged by what
it was, or would have been, judged by at first, so that it decides the same again, or what a kill
kept from being decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ingest.decoding import Problem, stamp
from ingest.pipeline.values import sound_value
from ingest.registry import DeviceState, PointState


class Sent(Enum):
    """What a message that was sent again is: heard before, held back for now, or new."""

    KNOWN = "known"
    HELD = "held"
    NEW = "new"


@dataclass(slots=True)
class Held:
    """An object of a message, as it came. at: its event time; contradicts: whom it does."""

    device: DeviceState
    topic: bytes
    payload: bytes
    fields: dict[str, Any]
    received: int
    at: int = 0
    contradicts: set[PointState] = field(default_factory=set)


class Doubts:
    """Holds back what contradicts the store until it is known what it was. One thread only."""

    __slots__ = ("_told", "held")

    def __init__(self) -> None:
        # Always this same list, because it is looked at before each message.
        self.held: list[Held] = []
        # Points that were told something new since: what contradicts that comes after it.
        self._told = set[PointState]()

    def sort(self, sent: Held) -> Sent:
        """Find out what an object that was sent again is; one that is in doubt is kept."""
        device = sent.device
        received, zone = sent.received, device.zone
        sent.at = stamp(sent.fields.get("ts"), received, zone, trusted=device.trusted).at
        points = list(_points(sent))
        if any(sent.at > point.at or point in self._told for point, _ in points):
            self._told.update(point for point, _ in points)
            return Sent.NEW
        same = [(point, value) for point, value in points if sent.at == point.at]
        sent.contradicts = {point for point, value in same if value != point.value}
        self._confirm(sent.at, {point for point, value in same if value == point.value})
        if not sent.contradicts or not _is_behind(sent):
            return Sent.KNOWN
        self.held.append(sent)
        return Sent.HELD

    def _confirm(self, at: int, points: set[PointState]) -> None:
        """What is known of these points came again, so whatever was said before it is past."""
        for held in self.held:
            if held.at == at:
                held.contradicts -= points
        self.held[:] = [held for held in self.held if held.contradicts]

    def release(self) -> list[Held]:
        """What was not taken back until now: corrections that are new, in their order."""
        held = list(self.held)
        self.held.clear()
        return held

    def forget(self) -> None:
        """No message of those that were sent again together is left."""
        self._told.clear()


def _is_behind(sent: Held) -> bool:
    """Whether something was told since of whom rules judge together with what this contradicts.

    Within a device event time tells; clocks of several differ, so there it is the order of receipt,
    which is known to a heartbeat.
    """
    heard = max(point.heard for point in sent.contradicts)
    return sent.device.at > sent.at or any(
        slot.heard >= heard and slot not in sent.contradicts
        for instance in sent.device.instances
        if instance.members is not None
        for slot in instance.members.watched.values()
    )


def _points(sent: Held) -> Iterator[tuple[PointState, float]]:
    for key, value in sent.fields.items():
        point = sent.device.points.get(key)
        if key == "ts" or point is None:
            continue
        result = sound_value(point, value)
        if not isinstance(result, Problem):
            yield point, result
