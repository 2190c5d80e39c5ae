"""The fields of one mapping in a document of cases, each read with its problem at its place."""

import math
import re
from collections.abc import Mapping
from typing import Any

from rules import units
from rules.cases.case import Step, StepKind
from rules.cases.moments import parse_moment
from rules.catalog import PointType, Text, state_number
from rules.document_fields import Fields
from rules.located_yaml import Path, nearest
from rules.rule import Rule

STEP_KEYS = ("at", "received", "values", "through", "restart")
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
    """Reads what only cases have."""

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
                section.refuse(code, "write {} here, or {interval: 1m}")
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
        return [str(code) for each in values if isinstance(each, dict) for code in each]

    def _known_point(self, code: Any, path: Path, types: Types) -> bool:
        known = types is None or code in types
        if isinstance(code, str) and _CODE.fullmatch(code) and known:
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
            step = each._step(rule, points, types, timeline)
            if step is None:
                continue
            if found and step.received < found[-1].received:
                each.refuse_all("this is received before the one above; put it in its place")
            found.append(step)
        return tuple(found)

    def _step(
        self, rule: Rule, points: Mapping[str, int], types: Types, timeline: Timeline
    ) -> Step | None:
        self.known(STEP_KEYS)
        if "at" not in self.value:
            self.refuse_all("'at' is missing")
            return None
        at = self.moment("at", timeline)
        received = self.moment("received", timeline) if "received" in self.value else at
        kind = self._kind(rule)
        if at is None or received is None or kind is None:
            return None
        if kind is not StepKind.MESSAGE:
            return Step(kind, received, received)
        return Step(kind, at, received, self._values(points, types))

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

    def _values(self, points: Mapping[str, int], types: Types) -> dict[str, float]:
        section = self.section("values")
        if section is None:
            return {}
        if not section.value:
            self.refuse("values", "values is empty")
        found = {}
        for code, value in section.value.items():
            path = (*section.path, code)
            if not self._known_point(code, path, types):
                continue
            if code not in points:
                message = f"the asset of this case has no point {code!r}; name it under points"
                self.problems.append(self.located.problem_with_key(path, message))
                continue
            point = types[code] if types is not None else PointType(code, Text())
            try:
                found[code] = _number(point, value)
            except ValueError as error:
                self.problems.append(self.located.problem(path, f"{code}: {error}"))
        return found


def _number(point: PointType, value: Any) -> float:
    """The value as ingest would store it. Raises ValueError where it would refuse it."""
    if point.kind == "state" and isinstance(value, str):
        return float(state_number(point, value))
    if isinstance(value, bool) and point.kind != "state":
        return float(value)
    if isinstance(value, str):
        value = _quantity(point, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a value must be a number, true, false or a state")
    return _possible(point, float(value))


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
