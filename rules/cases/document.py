"""Documents of cases: YAML to checked cases, with every problem at its line and column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.cases.around import read_around, types_around
from rules.cases.case import DECISIONS, Case, Expected
from rules.cases.case_fields import CaseFields, Timeline
from rules.catalog import AssetType
from rules.located_yaml import Located, LocatedYamlError, Problem, load, nearest
from rules.rule import Rule, Severity

_KEYS = ("rules", "cases")
CASE_KEYS = ("rule", "name", "points", "readings", "hours", "zone", "around", "until", "expect")
EXPECT_KEYS = (*DECISIONS, "severity", "reason")
_LONGEST_NAME = 200
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class LoadedCases:
    """The sound cases of a file, every problem of the others, and the rules that have any."""

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]
    # Ids of rules that some case names, sound or not.
    tried: frozenset[str]


def rule_files(text: str, filename: str) -> list[str] | None:
    """The rule files that a document names; None = it names none, or can't be read."""
    try:
        value = load(text, filename, aliases=False).value
    except LocatedYamlError:
        return None
    named = value.get("rules") if isinstance(value, dict) else None
    if isinstance(named, str) and named:
        return [named]
    if isinstance(named, list) and named and all(isinstance(each, str) and each for each in named):
        return named
    return None


def load_cases(
    text: str, filename: str, rules: Mapping[str, Rule], catalog: Mapping[str, AssetType]
) -> LoadedCases:
    """Reads the cases of one document against the rules that it tries, by id.

    Never raises for what the text holds; cases with a problem are left out of the result.
    """
    try:
        located = load(text, filename, aliases=False)
    except LocatedYamlError as error:
        return LoadedCases((), tuple(error.problems), frozenset())
    loader = _Loader(located, rules, catalog)
    loader.document()
    return LoadedCases(tuple(loader.cases), tuple(sorted(loader.problems)), frozenset(loader.tried))


class _Loader:
    def __init__(
        self, located: Located, rules: Mapping[str, Rule], catalog: Mapping[str, AssetType]
    ) -> None:
        self._located = located
        self._rules = rules
        self._catalog = catalog
        self.cases: list[Case] = []
        self.problems: list[Problem] = []
        self.tried: set[str] = set()

    def document(self) -> None:
        value = self._located.value
        if not isinstance(value, dict):
            message = "a mapping with cases is expected here"
            self.problems.append(self._located.problem((), message))
            return
        fields = CaseFields(self._located, (), value, self.problems)
        fields.known(_KEYS)
        self._check_rule_files(fields)
        for each in fields.sections("cases", "a case"):
            before = len(self.problems)
            case = self._case(each)
            if case is not None and len(self.problems) == before:
                self.cases.append(case)

    def _check_rule_files(self, fields: CaseFields) -> None:
        named = fields.value.get("rules", "default")
        files = named if isinstance(named, list) else [named]
        if not files or not all(isinstance(each, str) and each for each in files):
            fields.refuse("rules", "rules must be the name of a rule file, or a list of such names")

    def _case(self, fields: CaseFields) -> Case | None:
        fields.known(CASE_KEYS)
        rule = self._rule(fields)
        if rule is None:
            return None
        timeline = Timeline()
        types = self._catalog[rule.asset_type].points if rule.asset_type in self._catalog else None
        points = fields.points(rule, types)
        around = read_around(fields, rule)
        others = types_around(around, self._catalog)
        every = None if types is None else {**types, **others}
        steps = fields.steps(rule, points | dict.fromkeys(others, 0), every, timeline)
        expected = self._expected(fields, timeline)
        last = max([*(each.received for each in steps), *(each.at for each in expected)], default=0)
        until = fields.until(timeline, last)
        line, column = self._located.where(fields.path)
        return Case(
            rule, fields.line("name", _LONGEST_NAME), points, steps, until, expected,
            timeline.absolute is True, line, column, *self._located.where((*fields.path, "expect")),
            fields.hours(rule), fields.zone(rule), around,
        )  # fmt: skip

    def _rule(self, fields: CaseFields) -> Rule | None:
        rule_id = fields.slug("rule")
        if rule_id is None:
            return None
        self.tried.add(rule_id)
        rule = self._rules.get(rule_id)
        if rule is None:
            fields.refuse("rule", f"there is no rule {rule_id!r}{nearest(rule_id, [*self._rules])}")
        return rule

    def _expected(self, fields: CaseFields, timeline: Timeline) -> tuple[Expected, ...]:
        value: Any = fields.value.get("expect")
        if value == NOTHING:
            return ()
        found = []
        for each in fields.sections("expect", "a decision", f"; write {NOTHING} for none"):
            each.known(EXPECT_KEYS)
            decision = self._decision(each, timeline)
            if decision is not None:
                found.append(decision)
        return tuple(found)

    def _decision(self, fields: CaseFields, timeline: Timeline) -> Expected | None:
        words = [word for word in DECISIONS if word in fields.value]
        if len(words) != 1:
            fields.refuse_all(f"say one of {', '.join(DECISIONS)} here, with its time")
            return None
        at = fields.moment(words[0], timeline)
        severity = None
        if "severity" in fields.value:
            severity = fields.choice("severity", [each.value for each in Severity])
        reason = fields.line("reason", _LONGEST_NAME) or None
        if at is None:
            return None
        place = self._located.where(fields.path)
        return Expected(
            DECISIONS[words[0]], at, Severity(severity) if severity else None, reason, *place
        )
