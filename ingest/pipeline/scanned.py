"""`scan` messages: what a reader or a gateway has read becomes a presentation at a checkpoint."""

import json
from typing import Any
from uuid import UUID, uuid5

from core.clock import MICROS, from_micros
from ingest.decoding import Problem, Stamp
from ingest.registry import DeviceState
from workflows.patrol import BeaconHeard, CardAtReader, Presented, SignedTap, StaticTag

# What is read of a message; whatever stands beside is for others.
ADDRESS, CHECKPOINT, BADGE, GUARD, LOUDNESS = "url", "checkpoint", "badge", "guard", "rssi"
_LONGEST = {ADDRESS: 500, CHECKPOINT: 80, BADGE: 80, GUARD: 80}
# A badge is heard every few seconds for as long as its guard stays: one scan a minute says that.
HEARD_EVERY = 60 * MICROS
_MOST_BADGES = 10_000
# The namespace of ids of scans that messages tell (RFC 9562, version 5).
_SCANS = UUID("5b0d8f0e-7d0c-4b57-9d6a-2f6f0a3c1e74")


class Scanned:
    """Makes presentations of messages. Badges that stay are heard once a minute."""

    def __init__(self) -> None:
        self._heard: dict[tuple[UUID, str], int] = {}

    def presentation(
        self, device: DeviceState, fields: dict[str, Any], when: Stamp
    ) -> Presented | Problem | None:
        """What one object of a `scan` message presents; None where it was told a moment ago.

        The id follows from what is said, so that a message that comes again is the same scan.
        """
        texts = {name: _text(fields, name) for name in _LONGEST}
        for text in texts.values():
            if isinstance(text, Problem):
                return text
        said = {name: str(text) for name, text in texts.items() if text}
        about = _about(device, when.at, said)
        if ADDRESS in said:
            return SignedTap(address=said[ADDRESS], guard=said.get(GUARD, ""), **about)
        if CHECKPOINT in said:
            return StaticTag(uid=said[CHECKPOINT], guard=said.get(GUARD, ""), **about)
        if BADGE in said:
            if self._stays(device.device_id, said[BADGE], when.at):
                return None
            loudness = _loudness(fields.get(LOUDNESS))
            if isinstance(loudness, Problem):
                return loudness
            return BeaconHeard(badge=said[BADGE], dbm=loudness, **about)
        if GUARD in said:
            return CardAtReader(card=said[GUARD], **about)
        names = ", ".join((CHECKPOINT, GUARD, BADGE, ADDRESS))
        return Problem("wrong_shape", f"a scan message says what was read: one of {names}")

    def start_over(self) -> None:
        """Who was heard may not have been committed."""
        self._heard.clear()

    def _stays(self, device_id: UUID, badge: str, at: int) -> bool:
        before = self._heard.get((device_id, badge))
        if before is not None and abs(at - before) < HEARD_EVERY:
            # The same moment again is the message again: it must be the same scan.
            return at != before
        if len(self._heard) >= _MOST_BADGES:
            self._heard.clear()
        self._heard[device_id, badge] = at
        return False


def _about(device: DeviceState, at: int, said: dict[str, str]) -> dict[str, Any]:
    """What every presentation says that comes over MQTT."""
    text = f"{device.device_id}/{at}/{json.dumps(said, sort_keys=True)}"
    return {
        "id": uuid5(_SCANS, text),
        "occurred_at": from_micros(at),
        "channel": "mqtt",
        "site_id": device.site.site_id,
        "device_id": device.device_id,
    }


def _text(fields: dict[str, Any], name: str) -> str | Problem | None:
    """A number or a text as text; readers tell card numbers as either."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return Problem("wrong_type", f"{name} is a text or a whole number")
    text = str(value).strip()
    if not text or len(text) > _LONGEST[name] or "\0" in text or not text.isprintable():
        return Problem("out_of_range", f"{name} has 1 to {_LONGEST[name]} characters")
    return text


def _loudness(value: Any) -> int | Problem | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -200 <= value <= 50:
        return Problem("out_of_range", f"{LOUDNESS} is in dBm, from -200 to 50")
    return round(value)
