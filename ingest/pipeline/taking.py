"""Taking messages in: bytes to readings to judgement, fast where all is well, careful elsewhere."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from core.clock import MICROS, from_micros
from core.quarantine import Rejected
from core.telemetry.readings import Quality
from ingest.decoding import (
    AHEAD,
    OwnTopic,
    Problem,
    decode_json,
    messages_of,
    number,
    own_topic,
    parse,
    stamp,
    status_online,
)
from ingest.pipeline.batch import Present, Waiting
from ingest.pipeline.clock_trust import ClockTrust
from ingest.pipeline.judging import Judge
from ingest.registry import DeviceState, PointState, SiteState
from ingest.session import DUPLICATE, RETAINED, Message

BEAT_SITE = "_beat"
CLOCK_TOPIC = b"wk/v1/clock"
_MOST_WAITING = 10_000
_SAMPLE_EVERY = timedelta(seconds=5)
_GOOD = Quality.GOOD
# What a message that is not a flat object of known, sound values makes of the fast path.
_UNUSUAL = (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


class Taker:
    """Takes messages into the judge's batch. One thread only.

    on_beat is called with the payload of our own heartbeat, on_clock with that of a simulator.
    """

    def __init__(
        self,
        judge: Judge,
        on_beat: Callable[[bytes], None],
        on_clock: Callable[[bytes], int | None],
    ) -> None:
        self.judge = judge
        self._on_beat = on_beat
        self._on_clock = on_clock
        self._received = 0
        self._held: dict[bytes, bytes] = {}
        self._sampled: dict[tuple[str, str], int] = {}
        self.trust = ClockTrust(judge)

    def take(self, messages: Sequence[Message], received: int) -> None:
        """Take messages in, in order; received: receipt time in µs.

        Each message gets a receipt time of its own, so that the order of receipt can be told from
        the readings alone.
        """
        judge = self.judge
        batch = judge.batch
        acknowledge = batch.mids.append
        by_topic = judge.registry.by_topic
        fast = self._fast
        received = max(received, self._received)
        batch.messages += len(messages)
        for topic, payload, mid, flags in messages:
            received += 1
            if mid:
                acknowledge(mid)
            device = by_topic.get(topic)
            if device is None or flags:
                received = self._careful(topic, payload, flags, received)
            elif not fast(device, payload, received):
                self._readings(device, topic, payload, received)
        self._received = received

    def _fast(self, device: DeviceState, payload: bytes, received: int) -> bool:
        """Take in a message about which nothing is unusual; False leaves it to `_readings`.

        What it has taken in before it gave up is found again there as already known.
        """
        try:
            fields = decode_json(payload)
            ts = fields.pop("ts")
            at = int(ts * 1e6 + 0.5)
            if not device.at < at < received + AHEAD or not device.trusted:
                return False
            judge = self.judge
            rows = judge.batch.rows
            points = device.points
            heard = judge.now.now
            for key, value in fields.items():
                point = points[key]
                if not point.low <= value <= point.high or (point.boolean and value not in (0, 1)):
                    return False
                rows.append(point.series, at, value, received, _GOOD)
                point.value = value
                point.at = at
                point.heard = heard
        except _UNUSUAL:
            return False
        device.at = at
        self._heard(device)
        judge.judge(device, at)
        return True

    def _heard(self, device: DeviceState) -> None:
        heard = self.judge.now.now
        for path in device.paths:
            path.heard = heard
            if path.alert:
                self.judge.heard(path)

    def _careful(self, topic: bytes, payload: bytes, flags: int, received: int) -> int:
        """Find out what a message is; returns its receipt time, which a simulator may move."""
        if topic == CLOCK_TOPIC:
            return max(received, self._on_clock(payload) or 0)
        name = topic.decode("utf-8", "replace")
        own = own_topic(name)
        if own is None:
            self._reject(
                None,
                name,
                name,
                Problem("no_source", "no source takes this topic"),
                payload,
                received,
            )
            return received
        if own.site == BEAT_SITE:
            if not flags & RETAINED:
                self._on_beat(payload)
            return received
        site = self.judge.registry.sites.get(own.site)
        device = site.devices.get(own.device) if site else None
        if site is not None and site.zone_of(name) is None:
            problem = Problem("no_source", "no enabled source of the site takes this topic")
            self._reject(site, own.device, name, problem, payload, received)
        elif site is None or device is None:
            self._stranger(site, own, name, payload, received)
        elif flags & RETAINED:
            # What it says is judged when everything before it has arrived.
            self._held[topic] = payload
        else:
            self._known(device, own, topic, payload, flags, received)
        return received

    def _known(
        self,
        device: DeviceState,
        own: OwnTopic,
        topic: bytes,
        payload: bytes,
        flags: int,
        received: int,
    ) -> None:
        if own.kind == "readings":
            self.judge.registry.by_topic[topic] = device
            self._readings(device, topic, payload, received, redelivered=bool(flags & DUPLICATE))
        elif own.kind == "status":
            self._status(device, topic, payload, received)
        else:
            problem = Problem("unsupported", f"no use for {own.kind!r} messages yet; it is kept")
            self._reject(device.site, device.code, topic.decode(), problem, payload, received)

    def _stranger(
        self, site: SiteState | None, own: OwnTopic, topic: str, payload: bytes, received: int
    ) -> None:
        if site is None:
            problem = Problem("unknown_site", f"there is no site {own.site!r}")
            self._reject(None, own.device, topic, problem, payload, received)
            return
        problem = Problem("unknown_device", f"device {own.device!r} is not adopted yet")
        self._reject(site, own.device, topic, problem, payload, received)
        self._sample(site, own, payload, received)

    def _sample(self, site: SiteState, own: OwnTopic, payload: bytes, received: int) -> None:
        """Show what a waiting device says, without a write for each of its messages."""
        key = (site.code, own.device)
        before = self._sampled.get(key, 0)
        if received - before < _SAMPLE_EVERY.total_seconds() * MICROS:
            return
        if own.device not in site.waiting and len(self._sampled) >= _MOST_WAITING:
            return
        document = parse(payload)
        latest = document[-1] if isinstance(document, list) and document else document
        if own.kind != "readings" or not isinstance(latest, dict):
            latest = {}
        self._sampled[key] = received
        sample = {
            str(name)[:120]: value
            for name, value in list(latest.items())[:100]
            if isinstance(value, int | float | str) and name != "ts"
        }
        self.judge.batch.waiting[site.site_id, own.device] = Waiting(
            site.site_id, own.device, sample, from_micros(received)
        )

    def _readings(
        self,
        device: DeviceState,
        topic: bytes,
        payload: bytes,
        received: int,
        *,
        redelivered: bool = False,
        judged: bool = True,
    ) -> None:
        """Take in a `readings` message with every check; its good readings are kept."""
        problems: list[Problem] = []
        document = parse(payload)
        if isinstance(document, Problem):
            problems.append(document)
        else:
            history = isinstance(document, list)
            for item in messages_of(document):
                if isinstance(item, Problem):
                    problems.append(item)
                    continue
                problems += self._object(
                    device, item, received, redelivered=redelivered, judged=judged, history=history
                )
        self._quarantine(device.site, device.code, topic.decode(), problems, payload, received)

    def _object(
        self,
        device: DeviceState,
        fields: dict[str, Any],
        received: int,
        *,
        redelivered: bool,
        judged: bool,
        history: bool,
    ) -> list[Problem]:
        when = stamp(fields.get("ts"), received, device.zone, trusted=device.trusted)
        problems = [when.problem] if when.problem else []
        timed = when.quality is Quality.GOOD and fields.get("ts") is not None
        quality = Quality.REDELIVERED if redelivered and not timed else when.quality
        fresh = False
        for key, value in fields.items():
            point = device.points.get(key)
            if key == "ts":
                continue
            if point is None:
                problems.append(Problem("unknown_point", f"{key[:60]!r} is no point of the device"))
                continue
            result = _checked(point, value)
            if isinstance(result, Problem):
                problems.append(Problem(result.reason, f"{key[:60]}: {result.detail}"))
            else:
                fresh |= self._reading(point, result, when.at, quality, received)
        self._heard(device)
        if not judged:
            device.at = max(device.at, when.at)
            return problems
        if fresh or when.at > device.at:
            device.at = max(device.at, when.at)
            self.judge.judge(device, when.at)
        if not history and fields.get("ts") is not None:
            self.trust.note(device, fields["ts"], timed=timed, at=when.at, received=received)
        return problems

    def _reading(
        self, point: PointState, value: float, at: int, quality: Quality, received: int
    ) -> bool:
        """Take one sound reading in; returns whether it is to be judged."""
        batch = self.judge.batch
        point.heard = self.judge.now.now
        if at > point.at:
            batch.add_row(point.series, at, value, received, quality)
            point.value = value
            point.at = at
            return True
        if at == point.at:
            if value == point.value:
                return False
            batch.add_odd(point.series, at, value, received, quality)
            point.value = value
            return True
        late = Quality.LATE if quality is Quality.GOOD else quality
        batch.add_odd(point.series, at, value, received, late)
        return False

    def _status(self, device: DeviceState, topic: bytes, payload: bytes, received: int) -> None:
        online = status_online(payload)
        if isinstance(online, Problem):
            self._quarantine(device.site, device.code, topic.decode(), [online], payload, received)
            return
        point = device.points.get("online")
        if online:
            self._heard(device)
        if point is not None and self._reading(point, float(online), received, _GOOD, received):
            self.judge.judge(device, received)

    def release_held(self, received: int) -> None:
        """Judge retained messages: all that was queued before them has been taken in by now."""
        held, self._held = self._held, {}
        for topic, payload in held.items():
            own = own_topic(topic.decode())
            site = self.judge.registry.sites.get(own.site) if own else None
            device = site.devices.get(own.device) if site and own else None
            if own is None or device is None:
                continue
            if own.kind == "status":
                online = status_online(payload)
                fields = {} if isinstance(online, Problem) else {"online": online}
                self._present(device, fields, received)
            elif own.kind == "readings":
                document = parse(payload)
                latest = document[-1] if isinstance(document, list) and document else document
                if isinstance(latest, dict):
                    self._present(device, latest, received)

    def _present(self, device: DeviceState, fields: dict[str, Any], received: int) -> None:
        """Take the present state from a retained message: its time is unknown, so no history."""
        when = stamp(fields.get("ts"), received, device.zone, trusted=device.trusted)
        timed = when.quality is Quality.GOOD and fields.get("ts") is not None
        changed = False
        for key, value in fields.items():
            point = device.points.get(key)
            if point is None or (timed and when.at <= point.at):
                continue
            result = _checked(point, value)
            if isinstance(result, Problem) or result == point.value:
                continue
            point.value = result
            changed = True
            self.judge.batch.presents.append(
                Present(device.site.site_id, point.series, result, received)
            )
        if changed:
            self.judge.judge(device, received)

    def replay(self, topic: str, payload: bytes, received: int, *, judged: bool) -> list[str]:
        """Take in again what was quarantined; returns the reasons for which it still fails."""
        before = len(self.judge.batch.rejected)
        own = own_topic(topic)
        site = self.judge.registry.sites.get(own.site) if own else None
        device = site.devices.get(own.device) if site and own else None
        if own is None or device is None or own.kind != "readings":
            return ["unknown_device"]
        self._readings(device, topic.encode(), payload, received, judged=judged)
        rejected = self.judge.batch.rejected
        reasons = [item.reason for item in rejected[before:]]
        del rejected[before:]
        return reasons

    def _quarantine(
        self,
        site: SiteState,
        code: str,
        topic: str,
        problems: list[Problem],
        payload: bytes,
        received: int,
    ) -> None:
        """One entry a message and reason, with the first finding of that reason."""
        first: dict[str, Problem] = {}
        for problem in problems:
            first.setdefault(problem.reason, problem)
        for problem in first.values():
            self._reject(site, code, topic, problem, payload, received)

    def _reject(
        self,
        site: SiteState | None,
        code: str,
        topic: str,
        problem: Problem,
        payload: bytes,
        received: int,
    ) -> None:
        self.judge.batch.rejected.append(
            Rejected(
                site_id=site.site_id if site else None,
                device_code=code,
                topic=topic,
                reason=problem.reason,
                detail=problem.detail,
                body=payload,
                received_at=from_micros(received),
            )
        )


def _checked(point: PointState, value: Any) -> float | Problem:
    result = number(value, point.states, boolean=point.boolean)
    if isinstance(result, Problem):
        return result
    if not point.low <= result <= point.high:
        unit = f" {point.unit}" if point.unit else ""
        return Problem(
            "out_of_range",
            f"{result:g}{unit} is outside {point.low:g} to {point.high:g}{unit}",
        )
    return result
