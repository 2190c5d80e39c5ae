"""Taking messages in: bytes to readings to judgement, fast where all is well, careful elsewhere."""

from collections.abc import Callable, Sequence
from typing import Any

from core.telemetry.readings import Quality
from ingest.decoding import (
    AHEAD,
    PARSE_LIMIT,
    OwnTopic,
    Problem,
    decode_json,
    is_announcement,
    messages_of,
    own_topic,
    parse,
    stamp,
    status_online,
    topic_text,
)
from ingest.pipeline.clock_trust import ClockTrust
from ingest.pipeline.doubts import Doubts, Held, Sent
from ingest.pipeline.foreign import Foreign, foreign
from ingest.pipeline.happenings import as_reading
from ingest.pipeline.judging import Judge
from ingest.pipeline.retained import Retained
from ingest.pipeline.scanned import Scanned
from ingest.pipeline.strangers import Strangers
from ingest.pipeline.values import sound_value
from ingest.registry import ONLINE, DeviceState, Moment, PointState, SiteState
from ingest.session import DUPLICATE, RETAINED, Message

BEAT_SITE = "_beat"
CLOCK_TOPIC = b"wk/v1/clock"
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
        self.retained = Retained(judge)
        self._on_beat = on_beat
        self._on_clock = on_clock
        self._received = 0
        self._strangers = Strangers(judge)
        self._trust = ClockTrust(judge)
        self._scanned = Scanned()
        self._doubts = Doubts()

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
        doubts = self._doubts.held
        received = max(received, self._received)
        batch.messages += len(messages)
        for topic, payload, mid, flags in messages:
            received += 1
            if mid:
                acknowledge(mid)
            device = by_topic.get(topic)
            if doubts and not flags & DUPLICATE:
                self._settle_doubts()
            if device is None or flags:
                received = self._careful(topic, payload, flags, received)
            elif not fast(device, payload, received):
                self._readings(device, topic, payload, received)
        self._settle_doubts()
        self._doubts.forget()
        self._received = received

    def _settle_doubts(self) -> None:
        """What was held back is new after all."""
        for held in self._doubts.release():
            problems = self._object(
                held.device, held.fields, held.received, redelivered=True, judged=True, live=False
            )
            name = topic_text(held.topic)
            device = held.device
            self.judge.batch.reject(
                device.site, device.code, name, problems, held.payload, held.received
            )

    def _in_doubt(
        self,
        device: DeviceState,
        topic: bytes,
        payload: bytes,
        fields: dict[str, Any],
        received: int,
    ) -> bool:
        """Whether an object that was sent again is held back; before a new one nothing is."""
        found = self._doubts.sort(Held(device, topic, payload, fields, received))
        if found is Sent.NEW:
            self._settle_doubts()
        return found is Sent.HELD

    def _fast(self, device: DeviceState, payload: bytes, received: int) -> bool:
        """Take in a message about which nothing is unusual; False leaves it to `_readings`.

        What it has taken in before it gave up is found again there as already known.
        """
        if len(payload) > PARSE_LIMIT:
            return False
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
        name = topic_text(topic)
        own = own_topic(name)
        if own is not None and own.site == BEAT_SITE:
            if not flags & RETAINED:
                self._on_beat(payload)
        elif own is not None:
            self._own(own, topic, payload, flags, received)
        elif is_announcement(name):
            return received
        elif (said := foreign(self.judge.registry, name, payload)) is not None:
            self._foreign(said, name, payload, flags, received)
        else:
            problem = Problem("no_source", "no source takes this topic")
            self.judge.batch.reject(None, name, name, [problem], payload, received)
        return received

    def _foreign(self, said: Foreign, name: str, payload: bytes, flags: int, received: int) -> None:
        if said.problem is not None:
            problems = [said.problem]
            self.judge.batch.reject(said.site, said.device, name, problems, payload, received)
        for own, part in said.messages:
            self._of_site(said.site, own, said.topic(own), part, flags, received)

    def _own(self, own: OwnTopic, topic: bytes, payload: bytes, flags: int, received: int) -> None:
        name = topic_text(topic)
        site = self.judge.registry.sites.get(own.site)
        if site is None:
            problem = Problem("unknown_site", f"there is no site {own.site!r}")
            self.judge.batch.reject(None, own.device, name, [problem], payload, received)
        elif site.zone_of(name) is None:
            problem = Problem("no_source", "no enabled source of the site takes this topic")
            self.judge.batch.reject(site, own.device, name, [problem], payload, received)
        else:
            self._of_site(site, own, topic, payload, flags, received)

    def _of_site(
        self,
        site: SiteState,
        own: OwnTopic,
        topic: bytes,
        payload: bytes,
        flags: int,
        received: int,
    ) -> None:
        """Take in what one of a site's sources takes."""
        device = site.devices.get(own.device)
        if device is None:
            self._stranger(site, own, topic_text(topic), payload, flags, received)
        elif flags & RETAINED:
            # What it says is judged when everything before it has arrived.
            self.retained.hold(device, own.kind, payload)
        else:
            self._known(device, own, topic, payload, flags, received)

    def _stranger(
        self, site: SiteState, own: OwnTopic, name: str, payload: bytes, flags: int, received: int
    ) -> None:
        self._strangers.sample(site, own.device, own.kind, payload, received)
        if not flags & RETAINED:
            # What waits becomes history, and a retained value is none.
            problem = Problem("unknown_device", f"device {own.device!r} is not adopted yet")
            self.judge.batch.reject(site, own.device, name, [problem], payload, received)

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
        elif own.kind == "event":
            again = bool(flags & DUPLICATE)
            self._readings(device, topic, payload, received, redelivered=again, events=True)
        elif own.kind == "status":
            self._status(device, topic, payload, received)
        elif own.kind == "scan":
            self._scans(device, topic, payload, received)
        else:
            problem = Problem("unsupported", f"no use for {own.kind!r} messages yet; it is kept")
            name = topic_text(topic)
            self.judge.batch.reject(device.site, device.code, name, [problem], payload, received)

    def _readings(
        self,
        device: DeviceState,
        topic: bytes,
        payload: bytes,
        received: int,
        *,
        redelivered: bool = False,
        live: bool = True,
        judged: bool = True,
        events: bool = False,
    ) -> None:
        """Take in a `readings` message with every check; its good readings are kept.

        events: it is an `event` message.
        """
        problems: list[Problem] = []
        document = parse(payload)
        if isinstance(document, Problem):
            problems.append(document)
        else:
            items = list(messages_of(document))
            live = live and not redelivered and not isinstance(document, list)
            # Items without a time of their own get one each, or they would replace each other.
            for moment, each in enumerate(items, received - len(items) + 1):
                item = as_reading(device, each) if events and isinstance(each, dict) else each
                if isinstance(item, Problem):
                    problems.append(item)
                    continue
                if redelivered and judged and self._in_doubt(device, topic, payload, item, moment):
                    self._heard(device)
                    continue
                problems += self._object(
                    device, item, moment, redelivered=redelivered, judged=judged, live=live
                )
        name = topic_text(topic)
        self.judge.batch.reject(device.site, device.code, name, problems, payload, received)

    def _object(
        self,
        device: DeviceState,
        fields: dict[str, Any],
        received: int,
        *,
        redelivered: bool,
        judged: bool,
        live: bool,
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
            result = sound_value(point, value)
            if isinstance(result, Problem):
                problems.append(Problem(result.reason, f"{key[:60]}: {result.detail}"))
            else:
                fresh |= self._reading(point, result, when.at, quality, received)
        self._heard(device)
        newer = when.at > device.at
        # Before the device's own time moves on: trust compares with what was judged before.
        if live and judged and fields.get("ts") is not None:
            self._trust.note(device, fields["ts"], timed=timed, at=when.at, received=received)
        device.at = max(device.at, when.at)
        if judged and (fresh or newer):
            self.judge.judge(device, when.at)
        elif not judged:
            self.judge.keep(device)
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
            learned = point.learned
            if learned is not None and learned.last == at:
                # A baseline learns from what it was told first.
                batch.replaced.append((point.series, at, learned.held))
            return True
        learned = point.learned
        known = learned.journal.value_at(at) if learned and learned.journal else None
        if known is not None:
            # It was judged by that, which this replaces in the store.
            batch.replaced.append((point.series, at, known))
        late = Quality.LATE if quality is Quality.GOOD else quality
        batch.add_odd(point.series, at, value, received, late)
        return False

    def _status(self, device: DeviceState, topic: bytes, payload: bytes, received: int) -> None:
        online = status_online(payload)
        if isinstance(online, Problem):
            name = topic_text(topic)
            self.judge.batch.reject(device.site, device.code, name, [online], payload, received)
            return
        point = device.points.get(ONLINE)
        if online:
            self._heard(device)
        if point is not None and self._reading(point, float(online), received, _GOOD, received):
            self.judge.judge(device, received)

    def _scans(self, device: DeviceState, topic: bytes, payload: bytes, received: int) -> None:
        """Take in a `scan` message; what is presented is judged when the batch is committed."""
        problems: list[Problem] = []
        document = parse(payload)
        items = [document] if isinstance(document, Problem) else list(messages_of(document))
        for moment, item in enumerate(items, received - len(items) + 1):
            if isinstance(item, Problem):
                problems.append(item)
                continue
            when = stamp(item.get("ts"), moment, device.zone, trusted=device.trusted)
            problems += [when.problem] if when.problem else []
            presented = self._scanned.presentation(device, item, when)
            if isinstance(presented, Problem):
                problems.append(presented)
            elif presented is not None:
                self.judge.batch.scans.append(presented)
        self._heard(device)
        name = topic_text(topic)
        self.judge.batch.reject(device.site, device.code, name, problems, payload, received)

    def tell(self, moment: Moment, received: int) -> None:
        """Take in something that Watchkeeper itself tells; where nobody listens, it is stored."""
        point = self.judge.registry.told(moment)
        self._received = received = max(received, self._received + 1)
        if point is None:
            self.judge.batch.add_odd(moment.series, moment.at, moment.value, received, _GOOD)
            return
        device = self.judge.registry.sites[moment.site].devices[moment.device]
        if self._reading(point, moment.value, moment.at, _GOOD, received):
            device.at = max(device.at, moment.at)
            self.judge.judge(device, moment.at)

    def replay(self, topic: str, payload: bytes, received: int, *, judged: bool) -> list[str]:
        """Take in again what was quarantined; returns the reasons for which it still fails."""
        before = len(self.judge.batch.rejected)
        own = own_topic(topic)
        said = foreign(self.judge.registry, topic, payload) if own is None else None
        parts = said.messages if said is not None else [(own, payload)] if own is not None else []
        if not parts:
            return ["unknown_device"]
        for part, body in parts:
            site = self.judge.registry.sites.get(part.site)
            device = site.devices.get(part.device) if site else None
            if device is None or part.kind not in ("readings", "event", "scan"):
                return ["unknown_device"]
            where = Foreign.topic(part)
            if part.kind == "scan":
                self._scans(device, where, body, received)
            else:
                events = part.kind == "event"
                self._readings(
                    device, where, body, received, live=False, judged=judged, events=events
                )
        rejected = self.judge.batch.rejected
        reasons = [item.reason for item in rejected[before:]]
        del rejected[before:]
        return reasons
