"""The fields of one mapping in a document of cases, each read with its problem at its place."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules import units
from rules.cases.case import Step, StepKind
from rules.cases.moments import parse_moment
from rules.catalog import TOLD, PointType, Text, state_number
from rules.document_fields import Fields
from rules.hours import Hours, daily_hours
from rules.located_yaml import Path, nearest
from rules.rule import Rule
from rules.wording import Message

STEP_KEYS = ("at", "received", "values", "every", "until", "through", "restart")
# A point learns for weeks: so many readings are some seconds of work.
_MOST_REPEATED = 20_000
_QUANTITY = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s+(\S+)")
_CODE = re.compile(r"[^\W\d]\w{0,63}")
Types = Mapping[str, PointType] | None


class Timeline:
    """Whether the times of one case are absolute: all or none; None = none was read yet."""

    def __init__(self) -> None:
        self.absolute: bool | None = None

    def moment(self, text: str) -> int:
        """µs of a time. Raises ValueError."""
        at, absolute = parse_moment(text)
        if self.absolute not in (None, absolute):
            raise ValueError("write all times of a case from its start, or all with a date")
        self.absolute = absolute
        return at


class CaseFields(Fields):
    """Reads what only cases have; who writes them works with English tools, so is told so."""

    def refuse(self, key: str, message: str) -> None:
        """A problem with the value of `key`."""
        super().refuse(key, Message(message))

    def refuse_key(self, key: str, message: str) -> None:
        """A problem with `key` itself, if it is there."""
        super().refuse_key(key, Message(message))

    def refuse_all(self, message: str) -> None:
        """A problem with the whole mapping."""
        self.problems.append(self.located.problem(self.path, message))

    def sections(self, key: str, what: str, hint: str = "") -> list["CaseFields"]:
        """The mappings in the list under `key`, which must be there."""
        value = self.value.get(key)
        if value is None:
            self.refuse_all(f"{key!r} is missing{hint}")
            return []
        if not isinstance(value, list):
            self.refuse(key, f"{key} must be a list{hint}")
            return []
        if not value:
            self.refuse(key, f"{key} is empty{hint}")
        found = []
        for index, each in enumerate(value):
            path = (*self.path, key, index)
            if isinstance(each, dict):
                found.append(CaseFields(self.located, path, each, self.problems))
            else:
                message = f"{what} is expected here, as a mapping"
                self.problems.append(self.located.problem(path, message))
        return found

    def line(self, key: str, longest: int) -> str:
        """A short plain text; empty when it is not there."""
        value = self.value.get(key, "")
        if not isinstance(value, str) or len(value) > longest:
            self.refuse(key, f"{key} must be text of up to {longest} characters")
            return ""
        return value.strip()

    def moment(self, key: str, timeline: Timeline) -> int | None:
        """µs of the time under `key`, which must be there."""
        value = self.value.get(key)
        if value is None:
            self.refuse(key, f"{key!r} is missing")
            return None
        try:
            return timeline.moment(str(value))
        except ValueError as error:
            self.refuse(key, str(error))
            return None

    def until(self, timeline: Timeline, last: int) -> int:
        """The last time that is asked for; `last` when it is not there."""
        if "until" not in self.value:
            return last
        until = self.moment("until", timeline)
        if until is not None and until < last:
            self.refuse("until", "until is before the last reading or decision of the case")
        return last if until is None else until

    def hours(self, rule: Rule) -> dict[str, Hours]:
        """The hours that the rule names, in the zone of the case."""
        if not rule.hours:
            for key in ("hours", *(() if rule.learned else ("zone",))):
                self.refuse_key(key, f"the rule asks for no hours, so {key} changes nothing")
            return {}
        section = self.section("hours")
        if section is None:
            return {}
        section.known(sorted(rule.hours))
        found: dict[str, Hours] = {}
        for name in sorted(rule.hours):
            try:
                found[name] = daily_hours(str(section.value.get(name)), self.zone(rule))
            except ValueError as error:
                section.refuse(name, Message(f"{name}: {error}"))
        return found

    def zone(self, rule: Rule) -> tzinfo:
        """Local time, of hours and of what is learned."""
        if not rule.hours and not rule.learned:
            return UTC
        name = str(self.value.get("zone", "UTC"))
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.refuse("zone", f"{name!r} is no time zone; write one such as Asia/Shanghai")
            return UTC

    def points(self, rule: Rule, types: Types) -> dict[str, int]:
        """The points of the asset, with their expected interval in µs.

        What the rule names when nothing is said, and what the readings name.
        """
        if "points" not in self.value:
            return dict.fromkeys([*rule.points, *self._named_in_readings()], 0)
        section = self.section("points")
        if section is None:
            return {}
        points = {}
        for code, body in section.value.items():
            path = (*section.path, code)
            if not self._known_point(code, path, types):
                continue
            if not isinstance(body, dict | None):
                section.refuse(code, Message("write {} here, or {interval: 1m}"))
                continue
            fields = CaseFields(self.located, path, body or {}, self.problems)
            fields.known(("interval",))
            points[str(code)] = fields.duration("interval") or 0
        if rule.watches_every_point and not any(points.values()):
            self.refuse("points", "overdue() watches points with an interval; give one to a point")
        return points

    def _named_in_readings(self) -> list[str]:
        readings = self.value.get("readings")
        steps = readings if isinstance(readings, list) else []
        values = [each.get("values") for each in steps if isinstance(each, dict)]
        codes = [str(code) for each in values if isinstance(each, dict) for code in each]
        return [code for code in codes if "/" not in code]

    def _known_point(self, code: Any, path: Path, types: Types) -> bool:
        known = types is None or code in types
        if isinstance(code, str) and _CODE.fullmatch(code.rpartition("/")[2]) and known:
            return True
        hint = nearest(str(code), list(types or ()))
        message = f"no point {code!r} on assets of this type{hint}"
        self.problems.append(self.located.problem_with_key(path, message))
        return False

    def steps(
        self, rule: Rule, points: Mapping[str, int], types: Types, timeline: Timeline
    ) -> tuple[Step, ...]:
        """What happens, in the order of receipt."""
        if rule.watches_every_point and "points" not in self.value:
            self.refuse_all("overdue() watches points with an interval; name them under points")
        found: list[Step] = []
        for each in self.sections("readings", "a reading"):
            steps = each._steps(rule, points, types, timeline)
            if steps and found and steps[0].received < found[-1].received:
                each.refuse_all("this is received before the one above; put it in its place")
            found += steps
        return tuple(found)

    def _steps(
        self, rule: Rule, points: Mapping[str, int], types: Types, timeline: Timeline
    ) -> list[Step]:
        self.known(STEP_KEYS)
        if "at" not in self.value:
            self.refuse_all("'at' is missing")
            return []
        if "every" in self.value or "until" in self.value:
            return self._repeated(points, types, timeline)
        step = self._step(rule, points, types, timeline)
        return [] if step is None else [step]

    def _repeated(self, points: Mapping[str, int], types: Types, timeline: Timeline) -> list[Step]:
        """A message again and again; where a point has a list of values, one after another."""
        at, until = self.moment("at", timeline), self.moment("until", timeline)
        every = self.duration("every")
        if "values" not in self.value or {"received", "through", "restart"} & self.value.keys():
            self.refuse_all("what is repeated has at, every, until and values, and nothing else")
            return []
        if at is None or until is None or not every:
            if not every and "every" not in self.value:
                self.refuse_all("'every' is missing")
            return []
        count = (until - at) // every + 1
        if not 0 < count <= _MOST_REPEATED:
            self.refuse("until", f"that is {max(count, 0)} readings; make it 1 to {_MOST_REPEATED}")
            return []
        told = self._values(points, types)
        moments = (at + number * every for number in range(count))
        return [
            Step(StepKind.MESSAGE, moment, moment, {c: v[n % len(v)] for c, v in told.items()})
            for n, moment in enumerate(moments)
        ]

    def _step(
        self, rule: Rule, points: Mapping[str, int], types: Types, timeline: Timeline
    ) -> Step | None:
        at = self.moment("at", timeline)
        received = self.moment("received", timeline) if "received" in self.value else at
        kind = self._kind(rule)
        if at is None or received is None or kind is None:
            return None
        if kind is not StepKind.MESSAGE:
            return Step(kind, received, received)
        told = self._values(points, types)
        for code, values in told.items():
            if len(values) > 1:
                self.refuse("values", f"{code}: several values need every and until")
        return Step(kind, at, received, {code: values[0] for code, values in told.items()})

    def _kind(self, rule: Rule) -> StepKind | None:
        said = [key for key in ("values", "through", "restart") if key in self.value]
        if len(said) != 1:
            self.refuse_all("say one of values, through: true and restart: true here")
            return None
        kind = StepKind.MESSAGE if said == ["values"] else StepKind(said[0])
        if kind is not StepKind.MESSAGE and self.value[kind.value] is not True:
            self.refuse(kind.value, f"{kind.value} can only be true")
            return None
        if kind is StepKind.THROUGH and not rule.when.watches_path:
            self.refuse_key("through", "only a rule with path_age() hears what comes through")
            return None
        return kind

    def _values(self, points: Mapping[str, int], types: Types) -> dict[str, list[float]]:
        section = self.section("values")
        if section is None:
            return {}
        if not section.value:
            self.refuse("values", "values is empty")
        if len({str(code).rpartition("/")[0] for code in section.value}) > 1:
            self.refuse("values", "a message is of one asset; write one reading for each")
        found = {}
        for code, value in section.value.items():
            path = (*section.path, code)
            if not self._known_point(code, path, types):
                continue
            if code not in points:
                message = f"the asset of this case has no point {code!r}; name it under points"
                self.problems.append(self.located.problem_with_key(path, message))
                continue
            known = TOLD if types is None else types
            point = known.get(code) or PointType(code, Text())
            listed = value if isinstance(value, list) and value else [value]
            try:
                found[code] = [_number(point, each) for each in listed]
            except ValueError as error:
                self.problems.append(self.located.problem(path, f"{code}: {error}"))
        return found


def _number(point: PointType, value: Any) -> float:
    """The value as ingest would store it. Raises ValueError where it would refuse it."""
    if point.kind == "event":
        return _moment(point, value)
    if point.kind == "state" and isinstance(value, str):
        return float(state_number(point, value))
    if isinstance(value, bool) and point.kind != "state":
        return float(value)
    if isinstance(value, str):
        value = _quantity(point, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a value must be a number, true, false or a state")
    return _possible(point, float(value))


def _moment(point: PointType, value: Any) -> float:
    """That it happened; of what Watchkeeper tells itself, with a category by its number."""
    if value is True:
        return 1.0
    if point.code in TOLD and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return float(value)
    number = ", or the number of a category" if point.code in TOLD else ""
    raise ValueError(f"an event happens or is not told at all; write true{number}")


def _quantity(point: PointType, text: str) -> float:
    quantity = _QUANTITY.fullmatch(text)
    if quantity is None or point.unit is None:
        unit = f", or with a unit such as {point.unit}" if point.unit else ""
        raise ValueError(f"{text!r} is no value here; write a number{unit}")
    return units.convert(float(quantity[1]), quantity[2], point.unit)


def _possible(point: PointType, value: float) -> float:
    if point.kind == "boolean" and value not in (0.0, 1.0):
        raise ValueError(f"{value:g} is neither true nor false")
    if point.kind == "state" and value not in range(len(point.states)):
        raise ValueError(f"no state has the number {value:g}")
    if not math.isfinite(value):
        raise ValueError("the number is too large")
    low = float("-inf") if point.low is None else point.low
    high = float("inf") if point.high is None else point.high
    if not low <= value <= high:
        unit = f" {point.unit}" if point.unit else ""
        raise ValueError(
            f"{value:g}{unit} is outside {low:g} to {high:g}{unit}, so it would be put aside"
        )
    return value
