"""Which devices' clocks are believed: one that falls behind itself and stays there is not."""

from typing import Any

from core.clock import MICROS
from core.telemetry.readings import Quality
from ingest.decoding import Problem, stamp
from ingest.health_rules import DEVICE_CLOCK
from ingest.pipeline.judging import Judge
from ingest.registry import DeviceState

# Live readings that stay behind for so long are not a hiccup of the network.
PATIENCE = 10 * 60 * MICROS
# A distrusted clock is believed again after so many readings that agree with ours.
AGREEING = 10
TOLERANCE = 120 * MICROS


class ClockTrust:
    """Watches the time stamps of live messages. One thread only."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def note(self, device: DeviceState, ts: Any, *, timed: bool, at: int, received: int) -> None:
        """A live message stamped `ts` was taken in at event time `at`; all in µs but `ts`."""
        if not device.trusted:
            self._look_again(device, ts, received)
        elif not timed or at >= device.at:
            device.behind_since = 0
        elif device.behind_since == 0 or device.behind_at != device.at:
            # It caught up in between, so this is another hiccup, not the same one.
            device.behind_since, device.behind_at = received, device.at
        elif received - device.behind_since >= PATIENCE:
            self._set(device, received, trusted=False)

    def _look_again(self, device: DeviceState, ts: Any, received: int) -> None:
        when = stamp(ts, received, device.zone)
        agrees = when.quality is Quality.GOOD and not isinstance(when.problem, Problem)
        if agrees and abs(when.at - received) <= TOLERANCE:
            device.good_stamps += 1
        else:
            device.good_stamps = 0
        if device.good_stamps >= AGREEING:
            self._set(device, received, trusted=True)

    def _set(self, device: DeviceState, received: int, *, trusted: bool) -> None:
        device.trusted = trusted
        device.behind_since = 0
        device.good_stamps = 0
        self._judge.batch.trust[device.device_id] = trusted
        if device.asset_id is None or self._told_already(device):
            return
        reason = (
            "its time stamps agree with ours again"
            if trusted
            else "its live readings stayed behind its own last reading for 10 minutes; "
            "they are stamped on receipt from now on"
        )
        self._judge.report(
            DEVICE_CLOCK,
            device,
            device.asset_id,
            None,
            received,
            tripped=not trusted,
            reason=reason,
        )

    def _told_already(self, device: DeviceState) -> bool:
        """Whether another device of the asset has a wrong clock too: that is one alarm, not two."""
        return any(
            other.asset_id == device.asset_id and not other.trusted
            for other in device.site.devices.values()
            if other is not device
        )
