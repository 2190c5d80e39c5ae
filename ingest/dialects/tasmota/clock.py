"""When Tasmota says that something was: local times without a zone, of which some come twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from core.clock import MICROS, from_micros
from core.errors import Invalid
from core.local_time import resolve
from ingest.dialects.values import moment

# What is remembered under this and a device within an hour that comes twice: the latest local time
# of it, and whether it was of the second time.
TWICE = "twice/"
# Back by more than this is no message that came late: the clocks went back.
_BACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class When:
    """`ts` of a message, where it says when it was. note: what is remembered for the next."""

    ts: Mapping[str, Any]
    note: Mapping[str, Any] = field(default_factory=dict)


NEVER = When({})


def when(
    document: Mapping[str, Any], zone: ZoneInfo, memory: Mapping[str, Any], device: str
) -> When:
    """`Epoch`, or else `Time`, which is local; a text that is no time is left as it is."""
    epoch = document.get("Epoch")
    if isinstance(epoch, int | float) and not isinstance(epoch, bool) and _finite(epoch):
        return When({"ts": moment(epoch)})
    # One that is no time takes nothing away from the text beside it.
    said = document.get("Time")
    if not isinstance(said, str):
        return NEVER if said is None else When({"ts": moment(said)})
    try:
        local = datetime.fromisoformat(said)
        if local.tzinfo is not None:
            return When({"ts": said})
        first = from_micros(resolve(local, zone))
        second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    except (Invalid, OverflowError, ValueError):
        return When({"ts": moment(said)})
    if second <= first:
        return When({"ts": first.isoformat()})
    return _twice(local, first, second, memory.get(TWICE + device), device)


@lru_cache(maxsize=1_024)
def usual_time(said: str, zone: ZoneInfo) -> int | None:
    """`when` of a `Time` as every Tasmota writes it, in seconds since 1970; None for any other and
    for the hours in which clocks are put forward and back. Many devices say the same second."""
    try:
        local = datetime.fromisoformat(said)
        if local.tzinfo is not None or local.microsecond:
            return None
        hours = {(local + timedelta(hours=add)).replace(tzinfo=zone).utcoffset() for add in (-3, 3)}
        first = resolve(local, zone)
    except (Invalid, OverflowError, TypeError, ValueError):
        return None
    return first // MICROS if len(hours) == 1 else None


@lru_cache(maxsize=64)
def usual_clock(zone: ZoneInfo) -> Callable[[str], int | None]:
    """`usual_time` of a zone, in µs since 1970."""

    @lru_cache(maxsize=1_024)
    def moment(said: str) -> int | None:
        seconds = usual_time(said, zone)
        return None if seconds is None else seconds * MICROS

    return moment


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False


def _twice(local: datetime, first: datetime, second: datetime, known: Any, device: str) -> When:
    """A time of the hour that comes twice: the first, until the device's clock has gone back."""
    latest, again = local, False
    if isinstance(known, list) and len(known) == 2:
        before, again = datetime.fromisoformat(known[0]), bool(known[1])
        if abs(before - local) > timedelta(hours=3):
            # Of another year.
            again = False
        elif before - local > _BACK and not again:
            again = True
        else:
            latest = max(before, local)
    note = {TWICE + device: [latest.isoformat(), again]}
    return When({"ts": (second if again else first).isoformat()}, note)
