"""Readings: from the JSON of a message to rows and judgement, fast where all is well."""

from typing import Any
from zoneinfo import ZoneInfo

from core.telemetry.readings import Quality
from ingest.decoding import (
    AHEAD,
    MILLISECONDS_FROM,
    PARSE_LIMIT,
    Problem,
    decode_json,
    messages_of,
    moment_of,
    parse,
    stamp,
    topic_text,
)
from ingest.pipeline.clock_trust import ClockTrust
from ingest.pipeline.doubts import Doubts, Held, Sent
from ingest.pipeline.happenings import as_reading
from ingest.pipeline.judging import Judge
from ingest.pipeline.values import sound_value
from ingest.registry import DeviceState, PointState

GOOD = Quality.GOOD
# What a message that is not a flat object of known, sound values makes of the fast path.
UNUSUAL = (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


def instant(ts: Any, received: int, zone: ZoneInfo) -> int:
    """µs of any plausible `ts`; 0 for a text that is none. Raises for much that is no time."""
    if ts is None:
        return received
    if type(ts) is str:
        return moment_of(ts, zone) or 0
    return int(ts * (1e3 if ts >= MILLISECONDS_FROM else 1e6) + 0.5)


class Readings:
    """Takes what known devices measured into the judge's batch. One thread only."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._trust = ClockTrust(judge)
        self._doubts = Doubts()
        # What is held back, because it was sent again and says otherwise: always the same list.
        self.doubted = self._doubts.held

    def settle_doubts(self) -> None:
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

    def forget_doubts(self) -> None:
        """The messages of one turn are all taken in."""
        self._doubts.forget()

    def start_over(self) -> None:
        """What is held back comes again."""
        self._doubts.release()
        self._doubts.forget()

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
            self.settle_doubts()
        return found is Sent.HELD

    def fast(self, device: DeviceState, payload: bytes, received: int) -> bool:
        """Take in a message about which nothing is unusual; False leaves it to `take`.

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
                rows.append(point.series, at, value, received, GOOD)
                point.value = value
                point.at = at
                point.heard = heard
        except UNUSUAL:
            return False
        device.at = at
        self.heard(device)
        judge.judge(device, at)
        return True

    def fast_fields(
        self, device: DeviceState, fields: dict[str, Any], received: int, zone: ZoneInfo
    ) -> bool:
        """`fast` for an object that a decoder made: with any time or none at all, and with keys
        that are nobody's points beside the others. zone: of a time that names none."""
        try:
            at = instant(fields.get("ts"), received, zone)
            if not device.at < at < received + AHEAD or not device.trusted or device.converted:
                return False
            judge = self.judge
            rows = judge.batch.rows
            heard = judge.now.now
            for key, point in device.points.items():
                value = fields.get(key)
                if value is None:
                    continue
                if not point.low <= value <= point.high or (point.boolean and value not in (0, 1)):
                    return False
                rows.append(point.series, at, value, received, GOOD)
                point.value = value
                point.at = at
                point.heard = heard
        except UNUSUAL:
            return False
        device.at = at
        self.heard(device)
        judge.judge(device, at)
        return True

    def heard(self, device: DeviceState) -> None:
        """Something of a device has come, and so through each path to it."""
        heard = self.judge.now.now
        for path in device.paths:
            path.heard = heard
            if path.alert:
                self.judge.heard(path)

    def take(
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
                    self.heard(device)
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
                fresh |= self.reading(point, result, when.at, quality, received)
        self.heard(device)
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

    def reading(
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
