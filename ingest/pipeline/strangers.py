"""Devices that nobody adopted yet: what they say is shown, without a write for each message."""

import math
from collections.abc import Mapping
from typing import Any

from core.clock import MICROS, from_micros
from ingest.pipeline.batch import Waiting
from ingest.pipeline.happenings import event_of
from ingest.pipeline.judging import Judge
from ingest.pipeline.retained import fields_of
from ingest.registry import SiteState

# More waiting devices than this are noise; adopting them one by one has ended long before.
MOST_WAITING = 10_000
SAMPLE_EVERY = 5 * MICROS
# As long as the column that keeps it.
LONGEST_CODE = 120
_MOST_KEYS = 100
_LONGEST_TEXT = 200
_BIGGEST = 2.0**53


class Strangers:
    """Notes samples of waiting devices in the batch of the moment."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._sampled: dict[tuple[str, str], dict[str, int]] = {}
        self._described: dict[tuple[str, str], dict[str, Any]] = {}

    def sample(self, site: SiteState, code: str, kind: str, payload: bytes, received: int) -> None:
        """Show what a waiting device says now, unless that was done a moment ago."""
        key = (site.code, code)
        before = self._sampled.get(key)
        known = before is not None or code in site.waiting
        if len(code) > LONGEST_CODE or (not known and self._crowded(site)):
            return
        if known and kind in ("event", "scan"):
            # It would take the place of the readings that tell more of the device.
            return
        moments = self._sampled.setdefault(key, {})
        fields = _said(kind, payload)
        # A device may tell each of its values in a message of its own.
        which = next((name for name in fields if name != "ts"), "")
        newest = moments.get(which)
        if newest is not None and received - newest < SAMPLE_EVERY:
            return
        if which in moments or len(moments) < _MOST_KEYS:
            moments[which] = received
        waiting = self._judge.batch.waiting
        told = waiting.get((site.site_id, code))
        sample = {**(told.sample if told else {}), **dict(_shown(fields))}
        waiting[site.site_id, code] = Waiting(site.site_id, code, sample, from_micros(received))

    def describe(self, site: SiteState, code: str, described: dict[str, Any], at: int) -> None:
        """Keep what a device says it is, the first time in this process and when it changes."""
        key = (site.code, code)
        # Its name and its points may come in messages of their own.
        before = self._described.get(key, {})
        described = {**before, **{name: said for name, said in described.items() if said}}
        if before == described or not 0 < len(code) <= LONGEST_CODE:
            return
        if code not in site.devices and code not in site.waiting and self._crowded(site):
            return
        self._described[key] = described
        self._judge.batch.described[site.site_id, code] = described, from_micros(at)

    def start_over(self) -> None:
        """What was shown or kept may not have been committed."""
        self._sampled.clear()
        self._described.clear()

    def _crowded(self, site: SiteState) -> bool:
        return len(site.waiting) + len(self._sampled) >= MOST_WAITING


def _said(kind: str, payload: bytes) -> Mapping[str, Any]:
    if kind == "scan":
        # Not what was scanned, which may be somebody's card.
        return {"scan": True}
    return event_of(payload) if kind == "event" else fields_of(kind, payload)


def _shown(fields: Any) -> list[tuple[str, Any]]:
    """Values that any database and any page can show; times are not values."""
    pairs = list(fields.items())[:_MOST_KEYS]
    shown = [(_text(name)[:120], _plain(value)) for name, value in pairs if name != "ts"]
    return [(name, value) for name, value in shown if value is not None]


def _plain(value: Any) -> bool | int | float | str | None:
    if isinstance(value, str):
        return _text(value)[:_LONGEST_TEXT]
    if isinstance(value, int | float):
        sound = abs(value) <= _BIGGEST if isinstance(value, int) else math.isfinite(value)
        return value if sound else None
    return None


def _text(text: str) -> str:
    """Without NUL and half characters, which JSON can write and databases cannot."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
