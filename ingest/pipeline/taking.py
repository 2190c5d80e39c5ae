"""Taking messages in: bytes to readings to judgement, fast where all is well, careful elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from core.quarantine import Rejected
from core.telemetry.readings import Quality
from ingest.decoding import (
    OwnTopic,
    Problem,
    is_announcement,
    messages_of,
    own_topic,
    parse,
    stamp,
    status_online,
    topic_text,
)
from ingest.dialects import Decoded, Told
from ingest.pipeline.conduct import Conducts
from ingest.pipeline.foreign import (
    decode,
    description,
    listening,
    one_part,
    own_topic_of,
    parts,
    remember,
)
from ingest.pipeline.judging import Judge
from ingest.pipeline.lasting import Lasting, as_history
from ingest.pipeline.ordinary import Ordinaries
from ingest.pipeline.readings import Readings
from ingest.pipeline.retained import Retained, fields_of
from ingest.pipeline.scanned import Scanned
from ingest.pipeline.strangers import Strangers
from ingest.pipeline.vitals import Vitals
from ingest.registry import ONLINE, DeviceState, Listener, Moment, SiteState, Way
from ingest.session import DUPLICATE, RETAINED, Message

BEAT_SITE = "_beat"
CLOCK_TOPIC = b"wk/v1/clock"
_GOOD = Quality.GOOD
OWN_WAY = Way("")


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
        self._scanned = Scanned()
        self._readings = Readings(judge)
        self._lasting = Lasting(judge, self._readings)
        self.vitals = Vitals()
        self.conducts = Conducts(judge)
        self._ordinary = Ordinaries(judge, self._readings, self.vitals, self.conducts)

    def take(self, messages: Sequence[Message], received: int) -> None:
        """Take messages in, in order; received: receipt time in µs.

        Each message gets a receipt time of its own, so that the order of receipt can be told from
        the readings alone.
        """
        judge = self.judge
        batch = judge.batch
        acknowledge = batch.mids.append
        by_topic = judge.registry.by_topic
        fast = self._readings.fast
        doubts = self._readings.doubted
        plans = judge.registry.plans
        ordinary = self._ordinary.take
        received = max(received, self._received)
        self._lasting.end(received)
        batch.messages += len(messages)
        for topic, payload, mid, flags in messages:
            received += 1
            if mid:
                acknowledge(mid)
            device = by_topic.get(topic)
            if doubts and not flags & DUPLICATE:
                self._readings.settle_doubts()
            if device is None or flags:
                plan = plans.get(topic)
                if plan is not None and not flags and ordinary(plan, payload, received):
                    continue
                received = self._careful(topic, payload, flags, received)
            elif not fast(device, payload, received):
                self._readings.take(device, topic, payload, received)
        self._readings.settle_doubts()
        self._readings.forget_doubts()
        self._received = received

    def start_over(self) -> None:
        """Forget what was noted of messages whose batch was lost: they are taken in again."""
        self._readings.start_over()
        self._strangers.start_over()
        self._scanned.start_over()

    def take_pushed(self, topic: bytes, payload: bytes, flags: int, received: int) -> None:
        """Take in what came over HTTP, with the time at which it was accepted: whenever it is taken
        in again after a kill, what has no time of its own makes the same readings.
        """
        self.judge.batch.messages += 1
        self._careful(topic, payload, flags, received)
        self._readings.settle_doubts()
        self._readings.forget_doubts()

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
        elif listeners := listening(self.judge.registry, topic, name):
            return self._foreign(listeners, name, payload, flags, received)
        else:
            problem = Problem("no_source", "no source takes this topic")
            self.judge.batch.reject(None, name, name, [problem], payload, received)
        return received

    def _foreign(
        self,
        listeners: tuple[Listener, ...],
        name: str,
        payload: bytes,
        flags: int,
        received: int,
    ) -> int:
        """Take in a message of another dialect; returns the receipt time of its last part."""
        found = decode(listeners, name, payload)
        if found is None:
            return received
        listener, said = found
        batch = self.judge.batch
        problems = [*said.problems]
        if said.remember or said.note:
            problems += remember(self.judge.registry, batch, listener, said)
        if problems:
            batch.reject(listener.site, name, name, problems, payload, received)
        if not flags & RETAINED:
            batch.answers.extend(said.answers)
        for told in said.told:
            self._introduce(listener, told, flags, received)
        return self._tell(listener, said, name, flags, received)

    def _tell(self, listener: Listener, said: Decoded, name: str, flags: int, received: int) -> int:
        """Take in what a foreign message amounts to; returns the receipt time of its last part."""
        site, zone = listener.site, listener.source.zone
        fast = self._readings.fast_fields
        number = 0
        for told in said.told:
            device = site.devices.get(told.device)
            for spoken in told.messages:
                # Parts without a time of their own get one each, or they would replace each other.
                received += number > 0
                number += 1
                if spoken.kind == "readings":
                    spoken = self._lasting.note(listener, told.device, spoken, flags, received)
                plain = device is not None and not flags and spoken.kind == "readings"
                if device is not None and plain and fast(device, spoken.fields, received, zone):
                    if len(said.told) == len(told.messages) == 1:
                        self._ordinary.plan(listener, device, told, name, received)
                    continue
                own, fields = one_part(listener, told, spoken)
                where = own_topic_of(own)
                if flags & RETAINED and spoken.kind != "status":
                    # Many topics may tell of one device, each its own. What a decoder makes of them
                    # for its status holds for all of them, so the last one counts.
                    where = b"/".join((where, name.encode()))
                body: Any = fields
                if device is None and spoken.lasts:
                    # It shows as it is, and is kept as what becomes of it.
                    self._strangers.sample(
                        site, own.device, own.kind, orjson.dumps(fields), received
                    )
                    body = as_history(replace(spoken, fields=fields), received)
                self._of_site(site, own, where, orjson.dumps(body), flags, received)
        return received

    def _introduce(self, listener: Listener, told: Told, flags: int, received: int) -> None:
        """Note what is said of a device beside what it measures."""
        device = listener.site.devices.get(told.device)
        if told.described is not None:
            described = description(told.described)
            self._strangers.describe(listener.site, told.device, described, received)
        if device is not None and not flags & RETAINED and (told.messages or told.health):
            self.vitals.note(device, listener, told, received)
            way = Way(listener.source.code, told.through)
            self.conducts.heard(device, way, received, roams=listener.roams)

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
            device = site.devices.get(own.device)
            if device is not None and not flags & RETAINED and self.judge.registry.is_foreign(site):
                self.conducts.heard(device, OWN_WAY, received)
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
            self.retained.hold(device, topic_text(topic), fields_of(own.kind, payload))
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
            conduct = self.judge.registry.conduct.get(device.device_id)
            if not device.converted and (conduct is None or conduct.stray is None):
                self.judge.registry.by_topic[topic] = device
            again = bool(flags & DUPLICATE)
            self._readings.take(device, topic, payload, received, redelivered=again)
        elif own.kind == "event":
            again = bool(flags & DUPLICATE)
            self._readings.take(device, topic, payload, received, redelivered=again, events=True)
        elif own.kind == "status":
            self._status(device, topic, payload, received)
        elif own.kind == "scan":
            self._scans(device, topic, payload, received)
        else:
            problem = Problem("unsupported", f"no use for {own.kind!r} messages yet; it is kept")
            name = topic_text(topic)
            self.judge.batch.reject(device.site, device.code, name, [problem], payload, received)

    def _status(self, device: DeviceState, topic: bytes, payload: bytes, received: int) -> None:
        online = status_online(payload)
        if isinstance(online, Problem):
            name = topic_text(topic)
            self.judge.batch.reject(device.site, device.code, name, [online], payload, received)
            return
        point = device.points.get(ONLINE)
        if online:
            self._readings.heard(device)
        if point is None:
            return
        if self._readings.reading(point, float(online), received, _GOOD, received):
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
        self._readings.heard(device)
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
        if self._readings.reading(point, moment.value, moment.at, _GOOD, received):
            device.at = max(device.at, moment.at)
            self.judge.judge(device, moment.at)

    def replay(self, topic: str, payload: bytes, received: int, *, judged: bool) -> list[str]:
        """Take in again what was quarantined; returns the reasons for which it still fails."""
        before = len(self.judge.batch.rejected)
        own = own_topic(topic)
        said = [(own, payload)] if own is not None else []
        if own is None:
            # What it asks to be remembered, or answered, is of another time.
            found = decode(self.judge.registry.listening(topic), topic, payload)
            if found is not None and found[1].problems:
                return [problem.reason for problem in found[1].problems]
            foreign = parts(*found) if found is not None else ()
            said = [
                (part, orjson.dumps(as_history(spoken, received) if spoken.lasts else fields))
                for part, fields, spoken in foreign
            ]
        if not said:
            return ["unknown_device"]
        moved = list[Rejected]()
        for part, body in said:
            site = self.judge.registry.sites.get(part.site)
            device = site.devices.get(part.device) if site else None
            if own is None and site is not None and device is None:
                # It can be read now: it waits with its device, and no more under its topic.
                moved += self._moved(site, part, body, received)
                continue
            if own is None and part.kind == "status":
                # Whether it was there then says nothing of now.
                continue
            if device is None or part.kind not in ("readings", "event", "scan"):
                return ["unknown_device"]
            where = own_topic_of(part)
            if part.kind == "scan":
                self._scans(device, where, body, received)
            else:
                events = part.kind == "event"
                self._readings.take(
                    device, where, body, received, live=False, judged=judged, events=events
                )
        rejected = self.judge.batch.rejected
        reasons = [item.reason for item in rejected[before:]]
        rejected[before:] = [] if reasons else moved
        return reasons

    def _moved(
        self, site: SiteState, part: OwnTopic, body: bytes, received: int
    ) -> Sequence[Rejected]:
        """What is kept instead of a message whose device nobody adopted yet."""
        rejected = self.judge.batch.rejected
        before = len(rejected)
        self._stranger(site, part, topic_text(own_topic_of(part)), body, 0, received)
        moved = rejected[before:]
        del rejected[before:]
        return moved
