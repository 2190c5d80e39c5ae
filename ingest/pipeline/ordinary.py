"""Ordinary messages of other dialects, read without making all of them that their decoders make."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import MICROS
from core.telemetry.readings import series_together
from ingest.decoding import AHEAD
from ingest.dialects import Plan, Told
from ingest.pipeline.alike import Alike, alike, doubles
from ingest.pipeline.conduct import Conducts
from ingest.pipeline.foreign import listening
from ingest.pipeline.judging import Judge
from ingest.pipeline.readings import GOOD, UNUSUAL, Readings, instant
from ingest.pipeline.vitals import Vital, Vitals
from ingest.registry import Conduct, DeviceState, Listener, PointState, Way

# For so long a plan holds: one message of a topic in this time is left to the decoder, which finds
# out as well how the device is and what it is called.
HOLDS = 30 * MICROS
# No longer one is ordinary; in so few bytes no decoder gives up counting values.
_LONGEST = 4_000
_LONGEST_TIME = 60
_MOST_PLANS = 200_000
_SWITCHED = {"ON": True, "OFF": False}
_DEEPEST = 5

# A name on the path to a value, and the names beside it that would lead to the same.
_Step = tuple[str, tuple[str, ...]]


# A point and its key, what its values mean as in `Plan.words`, and where its value stands if it's
# not at the top: in what, under which name if it's one level below, and the whole path.
_Sought = tuple[PointState, str, dict[Any, bool] | None, str | None, str | None, tuple[_Step, ...]]


@dataclass(slots=True)
class Planned:
    """A plan with all that it is about. until: receipt time, µs, when it is to be made anew.

    alike: how messages are read that say what the one before the plan said, until one doesn't;
    said: the points that they say, and series: those of these (`series_together`). conduct, heard:
    of the way `through` by which the last message came, of which there was nothing to note; first,
    vital: of these, as long as they have them.
    """

    plan: Plan
    listener: Listener
    device: DeviceState
    points: list[_Sought]
    until: int
    alike: Alike | None = None
    said: tuple[PointState, ...] = ()
    series: bytes = b""
    name: str = ""
    through: str | None = None
    conduct: Conduct | None = None
    first: Way | None = None
    heard: Mapping[Any, Vital] | None = None
    vital: Vital | None = None


class Ordinaries:
    """Takes them into the judge's batch. One thread only."""

    def __init__(
        self, judge: Judge, readings: Readings, vitals: Vitals, conducts: Conducts
    ) -> None:
        self._judge = judge
        self._readings = readings
        self._vitals = vitals
        self._conducts = conducts

    def plan(
        self, listener: Listener, device: DeviceState, told: Told, name: str, received: int
    ) -> None:
        """A message of a topic was ordinary: those that follow may be."""
        source = listener.source
        if source.plan is None or device.converted or "ts" in device.points:
            return
        topic = name.encode()
        registry = self._judge.registry
        if listening(registry, topic, name) != (listener,):
            return
        plan = source.plan(source, name, listener.memory)
        if plan is None or plan.device != told.device:
            return
        if len(registry.plans) >= _MOST_PLANS:
            registry.plans.clear()
        points = list(_points(device, plan))
        planned = Planned(plan, listener, device, points, received + HOLDS, name=plan.name)
        by_key = {key: point for point, key, *_ in points}
        found = alike(plan, by_key, told.messages[0].fields)
        if found is not None:
            planned.alike, planned.said = found
            planned.series = series_together(point.series for point in planned.said)
        registry.plans[topic] = planned

    def take(self, planned: Planned, payload: bytes, received: int) -> bool:
        """Take in a message about which nothing is unusual; False, before anything of it was taken
        in, leaves it to its decoder."""
        said = planned.alike
        if said is None or received >= planned.until or len(payload) > _LONGEST:
            return self._read(planned, payload, received)
        device = planned.device
        try:
            if not payload.isascii():
                payload.decode()
            document = said.decode(payload)
            values = said.values(document)
            at: Any = document.time
            if at.__class__ is str:
                at = said.moment(at)
            else:
                at = instant(at, received, planned.listener.source.zone)
            through = said.gateway
            if said.through is not None:
                through = said.through(document, planned.name)
            if not device.at < at < received + AHEAD or not device.trusted:
                return False
        except UNUSUAL:
            planned.alike = None
            return self._read(planned, payload, received)
        if not self._count(planned, through, received):
            return False
        judge = self._judge
        judge.batch.rows.append_together(said.group, planned.series, at, values, received)
        heard = judge.now.now
        place = 0
        for point in planned.said:
            # To pair them first costs as much again as all of this.
            point.value = values[place]
            point.at = at
            point.heard = heard
            place += 1  # noqa: SIM113
        device.at = at
        self._readings.heard(device)
        judge.judge(device, at)
        return True

    def _read(self, planned: Planned, payload: bytes, received: int) -> bool:
        """`take` for whatever isn't like the message before."""
        if received >= planned.until or len(payload) > _LONGEST:
            return False
        device = planned.device
        try:
            if not payload.isascii():
                # What a type doesn't name is skipped, whatever bytes it is.
                payload.decode()
            said = planned.plan.read(payload)
            if said is None:
                return False
            fields, ts, through = said
            if type(ts) is str and len(ts) > _LONGEST_TIME:
                return False
            at = instant(ts, received, planned.listener.source.zone)
            if not device.at < at < received + AHEAD or not device.trusted:
                return False
            found = _values(planned, fields)
        except UNUSUAL:
            return False
        if not found or not self._count(planned, through, received):
            return False
        rows = self._judge.batch.rows
        heard = self._judge.now.now
        for point, value in found:
            rows.append(point.series, at, value, received, GOOD)
            point.value = value
            point.at = at
            point.heard = heard
        device.at = at
        self._readings.heard(device)
        self._judge.judge(device, at)
        return True

    def _count(self, planned: Planned, through: str | None, received: int) -> bool:
        """Note that it came by this way; False if there is more to note of that."""
        conduct, vital = planned.conduct, planned.vital
        if (
            conduct is None
            or vital is None
            or planned.through != through
            or conduct.stray is not None
            or conduct.first is not planned.first
            or planned.heard is not self._vitals.heard
        ):
            vital = self._usual(planned, through, received)
            if vital is None:
                return False
        vital.last = received
        vital.messages += 1
        return True

    def _usual(self, planned: Planned, through: str | None, received: int) -> Vital | None:
        """Where it is counted by a way of which there is nothing to note; None for another one."""
        device, listener = planned.device, planned.listener
        way = Way(listener.source.code, through)
        conduct = planned.conduct = self._conducts.usual(device, way, roams=listener.roams)
        if conduct is None:
            return None
        planned.through, planned.first, planned.heard = through, conduct.first, self._vitals.heard
        vital = planned.vital = self._vitals.of(device, listener, through, received)
        return vital


def _points(device: DeviceState, plan: Plan) -> Iterator[_Sought]:
    """The points of a device that its messages may have values for."""
    for key, point in device.points.items():
        path = key.split(".")
        if path[0] in plan.leave or not plan.leave_deep.isdisjoint(path):
            continue
        words = plan.words.get(key)
        yield (
            point,
            key,
            None if words is None else dict(words),
            path[0] if len(path) > 1 else None,
            path[1] if len(path) == 2 else None,
            tuple(_steps(path)),
        )


def _steps(path: list[str]) -> Iterator[_Step]:
    """The way to a value below the top; none where it stands there."""
    for place, name in enumerate(path if len(path) > 1 else ()):
        yield name, doubles(path, place)


def _values(planned: Planned, fields: dict[str, Any]) -> list[tuple[PointState, Any]]:
    """The values for the points, each sound. Raises one of UNUSUAL for whatever isn't so simple."""
    if "" in fields:
        raise ValueError("a name that is none")
    found = []
    for point, key, words, outer, inner, steps in planned.points:
        if outer is None:
            value = fields.get(key)
        else:
            holder = fields.get(outer)
            if holder.__class__ is dict and inner is not None and key not in fields:
                value = holder.get(inner)
            else:
                value = _below(fields, steps)
        if value is None:
            continue
        kind = value.__class__
        if kind is not float or words is not None:
            if words is not None and kind is not bool:
                value = words[value]
            elif kind is str:
                value = _SWITCHED[value]
        if not point.low <= value <= point.high or (point.boolean and value not in (0, 1)):
            raise ValueError("no value of this point")
        found.append((point, value))
    return found


def _below(value: Any, steps: tuple[_Step, ...]) -> Any:
    """What stands at the end of a path, as `values.flat` names it."""
    if len(steps) > _DEEPEST:
        raise ValueError("nothing is looked for so deep")
    for name, others in steps:
        if value.__class__ is list:
            place = int(name)
            if str(place) != name or place < 1:
                return None
            value = value[place - 1] if place <= len(value) else None
        else:
            for other in others:
                if other in value:
                    raise ValueError("two values of one name")
            value = value.get(name)
        if value is None:
            return None
    return value
