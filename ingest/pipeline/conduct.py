"""Devices heard by another way than theirs, and credentials that are used twice at once."""

from typing import Any
from uuid import UUID

from core.clock import MICROS, from_micros
from ingest.health_rules import DEVICE_OTHER_WAY, DEVICE_TWICE
from ingest.pipeline.judging import Judge
from ingest.registry import Conduct, DeviceState, Way
from workflows.alarms import RuleFacts

# Whoever strayed is back once nothing came by the other way for so long.
QUIET = 60 * 60 * MICROS
# How often it is put on record that the other way is still in use.
_AGAIN = 10 * 60 * MICROS


class Conducts:
    """Watches the ways of messages. One thread only."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def heard(self, device: DeviceState, way: Way, received: int, *, roams: bool = False) -> bool:
        """A live message of a device came by a way; returns whether that is one of its ways.

        roams: whether any gateway may pass its messages on.
        """
        conducts = self._judge.registry.conduct
        conduct = conducts.get(device.device_id)
        if conduct is None:
            conduct = conducts[device.device_id] = Conduct()
        if self._is_other(device, conduct, way, roams=roams):
            self._stray(device, conduct, way, received)
            return False
        if conduct.first is None or (conduct.first.through is None and way.through is not None):
            conduct.first = way
            self._note(device, conduct, received)
        if conduct.stray is not None:
            self._back(device, conduct, way, received)
        return True

    def usual(self, device: DeviceState, way: Way, *, roams: bool = False) -> Conduct | None:
        """How a device is heard, if of a message by this way `heard` has nothing to note."""
        conduct = self._judge.registry.conduct.get(device.device_id)
        if conduct is None or conduct.first is None or conduct.stray is not None:
            return None
        if conduct.first.through is None and way.through is not None:
            return None
        return None if self._is_other(device, conduct, way, roams=roams) else conduct

    def _is_other(self, device: DeviceState, conduct: Conduct, way: Way, *, roams: bool) -> bool:
        first, through = conduct.first, way.through
        bound = conduct.source if conduct.source is not None else first and first.source
        if bound is not None and way.source != bound:
            return True
        if through is None or through == conduct.path:
            return False
        known = through in device.site.devices
        if roams:
            return conduct.path is not None and not known
        if first is None or first.through is None:
            # Never heard before: only another gateway of ours can't be the one it is bound to.
            return conduct.path is not None and known
        return through != first.through

    def _stray(self, device: DeviceState, conduct: Conduct, way: Way, received: int) -> None:
        before, conduct.stray = conduct.stray, way
        if before is None:
            self._report(
                DEVICE_OTHER_WAY,
                device,
                received,
                tripped=True,
                reason=f"it is heard by {_told(way)}; {_expected(conduct)}",
            )
            # Its usual topics are to be looked at again, to see when all is well.
            by_topic = self._judge.registry.by_topic
            for topic in [topic for topic, one in by_topic.items() if one is device]:
                del by_topic[topic]
        conduct.last_stray = received
        if before is None or received - conduct.recorded >= _AGAIN:
            conduct.recorded = received
            self._note(device, conduct, received)

    def _back(self, device: DeviceState, conduct: Conduct, way: Way, received: int) -> None:
        if conduct.last_stray == 0:
            # It strayed before this process began: the quiet is counted from now.
            conduct.last_stray = received
        accepted = way == conduct.stray
        if not accepted and received - conduct.last_stray < QUIET:
            return
        conduct.stray = None
        conduct.last_stray = 0
        self._note(device, conduct, received)
        reason = "that way is accepted" if accepted else "it was heard by its own way for an hour"
        self._report(DEVICE_OTHER_WAY, device, received, tripped=False, reason=reason)

    def _note(self, device: DeviceState, conduct: Conduct, received: int) -> None:
        first = conduct.first or Way(conduct.source or "", conduct.path)
        self._judge.batch.ways[device.device_id] = (first, conduct.stray, from_micros(received))

    def twice(
        self, device_id: UUID, connections: list[dict[str, Any]] | None, received: int
    ) -> None:
        """Its credential is used by several at once; None: by one alone again."""
        device = self._device(device_id)
        conduct = self._judge.registry.conduct.setdefault(device_id, Conduct())
        if device is None or (connections is not None) == conduct.twice:
            return
        conduct.twice = connections is not None
        self._judge.batch.twice[device_id] = (connections, from_micros(received))
        reason = "nobody else has used its credential for ten minutes"
        if connections is not None:
            who = {f"{one['client_id']} from {one['address']}" for one in connections}
            reason = f"signed in with its credential: {', '.join(sorted(who))}"
        self._report(
            DEVICE_TWICE, device, received, tripped=connections is not None, reason=reason[:500]
        )

    def _device(self, device_id: UUID) -> DeviceState | None:
        for site in self._judge.registry.sites.values():
            for device in site.devices.values():
                if device.device_id == device_id:
                    return device
        return None

    def _report(
        self, facts: RuleFacts, device: DeviceState, received: int, *, tripped: bool, reason: str
    ) -> None:
        if device.asset_id is not None:
            self._judge.report(
                facts, device, device.asset_id, None, received, tripped=tripped, reason=reason
            )


def _told(way: Way) -> str:
    source = f"source {way.source}" if way.source else "a topic of its own"
    return f"{source} through {way.through}" if way.through else source


def _expected(conduct: Conduct) -> str:
    first = conduct.first
    source = conduct.source if conduct.source is not None else first.source if first else ""
    through = conduct.path or (first.through if first else None)
    return f"it belongs to {_told(Way(source, through))}"
