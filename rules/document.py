"""Rule documents: YAML to checked rules, with every problem at its line and column."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rules.catalog import ANY, AssetType, PointType, Text
from rules.causes import read_causes, refuse_unknown
from rules.document_fields import Fields
from rules.durations import MINUTE
from rules.expression import MIXED, Expression, ExpressionError, compile_expression
from rules.located_yaml import Located, LocatedYamlError, Path, Problem, load_all, nearest
from rules.rule import (
    DEFAULT_REALARM_AFTER,
    DEFAULT_REOPEN_WITHIN,
    PLANNED_WORK,
    TICKET_KINDS,
    Delay,
    Rule,
    Severity,
    TicketTemplate,
)
from rules.wording import Message, worded

__all__ = ["Delay", "LoadedRules", "Rule", "Severity", "TicketTemplate", "load_rules"]

_RULE_KEYS = (
    "id", "title", "applies_to", "when", "clear_when", "for", "clear_for", "severity",
    "life_safety", "ticket", "reopen_within", "realarm_after", "explanation", "response", "basis",
    "suppress_while", "latch", "realarm_standing", "family", "inhibited_by",
)  # fmt: skip
_TICKET_KEYS = ("kind", "category", "team", "respond_within", "resolve_within")
# A standing alarm told again more often than this would be a nuisance and nothing else.
_SHORTEST_REALARM = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The sound rules of a file, and every problem of the others."""

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]


def load_rules(
    text: str,
    filename: str,
    catalog: Mapping[str, AssetType],
    known: Collection[str] | None = None,
) -> LoadedRules:
    """Reads rules: one a document, documents apart by `---`, or lists of rules.

    known: the ids of all other rules there are; rules may then name no others. None: any.

    Never raises for what the text holds; rules with a problem are left out of the result.
    """
    try:
        documents = load_all(text, filename, aliases=False)
    except LocatedYamlError as error:
        return LoadedRules((), tuple(error.problems))
    loader = _Loader(catalog)
    for document in documents:
        loader.document(document)
    if known is not None:
        loader.refuse_unknown_rules(known)
    if not documents:
        loader.problems.append(Problem(filename, 1, 1, worded("the file holds no rule")))
    return LoadedRules(tuple(loader.rules), tuple(sorted(loader.problems)))


class _Loader:
    def __init__(self, catalog: Mapping[str, AssetType]) -> None:
        self._catalog = catalog
        self._seen: dict[str, int] = {}
        self._read: dict[str, Fields] = {}
        self.rules: list[Rule] = []
        self.problems: list[Problem] = []

    def document(self, located: Located) -> None:
        if isinstance(located.value, list):
            for index in range(len(located.value)):
                self._entry(located, (index,), located.value[index])
        else:
            self._entry(located, (), located.value)

    def _entry(self, located: Located, path: Path, value: Any) -> None:
        if not isinstance(value, dict):
            message = worded("a rule is expected here, as a mapping")
            self.problems.append(located.problem(path, message))
            return
        fields = Fields(located, path, value)
        rule = self._rule(fields)
        self._once(fields)
        self.problems.extend(fields.problems)
        if rule is not None and not fields.problems:
            self.rules.append(rule)
            self._read[rule.id] = fields

    def refuse_unknown_rules(self, known: Collection[str]) -> None:
        """Refuses rules that name another which is neither here nor among the known ones."""
        every = {*known, *self._seen}
        for rule in list(self.rules):
            fields = self._read[rule.id]
            refuse_unknown(fields, rule.inhibited_by, every)
            if fields.problems:
                self.problems.extend(fields.problems)
                self.rules.remove(rule)

    def _once(self, fields: Fields) -> None:
        rule_id = fields.value.get("id")
        if not isinstance(rule_id, str):
            return
        line = fields.located.where((*fields.path, "id"))[0]
        if rule_id in self._seen:
            message = worded(
                "rule %(rule)s stands twice; first on line %(line)s",
                rule=repr(rule_id),
                line=self._seen[rule_id],
            )
            fields.refuse("id", message)
        self._seen.setdefault(rule_id, line)

    def _rule(self, fields: Fields) -> Rule | None:
        fields.known(_RULE_KEYS)
        asset_type = self._asset_type(fields)
        when = self._expression(fields, "when", asset_type, required=True)
        clear_when = self._expression(fields, "clear_when", asset_type)
        on_delay, off_delay = fields.delay("for"), fields.delay("clear_for")
        self._refuse_counted_silence(fields, when, clear_when)
        rule_id, title = fields.slug("id"), fields.one_line("title")
        severity = fields.choice("severity", [each.value for each in Severity])
        ticket = _ticket(fields.section("ticket"))
        rest = (
            fields.truth("life_safety"),
            fields.duration("reopen_within"),
            fields.duration("realarm_after"),
        )
        silence = self._silence(fields, life_safety=rest[0])
        causes = read_causes(fields)
        texts = (fields.text("explanation"), fields.text("response"), fields.text("basis"))
        if fields.problems or not (when and asset_type and ticket and severity):
            return None
        made = _made(
            fields, (rule_id, title, asset_type), (when, clear_when), (on_delay, off_delay),
            Severity(severity), ticket, rest, silence, texts,
        )  # fmt: skip
        if made is None:
            return None
        return replace(made, family=causes.family, inhibited_by=causes.inhibited_by)

    def _silence(
        self, fields: Fields, *, life_safety: bool
    ) -> tuple[tuple[str, ...], bool, int | None]:
        """What it falls silent for, whether it latches, and when it is told again."""
        suppress_while = fields.choices("suppress_while", PLANNED_WORK)
        if suppress_while and life_safety:
            fields.refuse(
                "suppress_while",
                worded(
                    "an alarm about lives is never suppressed; take suppress_while out, and take"
                    " the alarm out of service for the time of the work: two people, and a patrol"
                    " instead"
                ),
            )
        realarm = fields.duration("realarm_standing")
        if realarm is not None and realarm < _SHORTEST_REALARM:
            message = worded("realarm_standing must be 10m or longer")
            fields.refuse("realarm_standing", message)
        return suppress_while, fields.truth("latch"), realarm

    def _asset_type(self, fields: Fields) -> str | None:
        section = fields.section("applies_to")
        if section is None:
            return None
        section.known(("asset_type",))
        code = section.word("asset_type")
        if code is not None and code != ANY and code not in self._catalog:
            hint = nearest(code, [*self._catalog, ANY])
            message = worded("no asset type '%(type)s' here%(hint)s", type=code, hint=hint)
            section.refuse("asset_type", message)
            return None
        return code

    def _expression(
        self, fields: Fields, key: str, asset_type: str | None, *, required: bool = False
    ) -> Expression | None:
        text = fields.condition(key, required=required)
        if text is None or asset_type is None:
            return None
        points: Mapping[str, PointType] | None = None
        if asset_type != ANY:
            points = self._catalog[asset_type].points
        try:
            return compile_expression(text, points, self._catalog)
        except ExpressionError as error:
            for fault in error.faults:
                fields.refuse_within(key, fault.offset, fault.message)
            return None

    def _refuse_counted_silence(
        self, fields: Fields, when: Expression | None, clear_when: Expression | None
    ) -> None:
        conditions = [each for each in (when, clear_when) if each]
        silence = any(each.on_receipt_clock for each in conditions)
        windows = any(each.looks for each in conditions)
        if silence and windows:
            fields.refuse("clear_when", MIXED)
        if not silence and not windows:
            return
        message = _uncountable(silence, any(each.groups for each in conditions))
        for key in ("for", "clear_for"):
            if fields.delay_is_counted(key):
                fields.refuse(key, message)


def _uncountable(silence: bool, many: bool) -> Message:
    if many:
        return worded("a rule on many assets can't count readings; give a duration such as 5m")
    if silence:
        return worded("a rule on silence can't count readings; give a duration such as 5m")
    return worded("a rule with windows can't count readings; give a duration such as 5m")


def _ticket(fields: Fields | None) -> TicketTemplate | None:
    if fields is None:
        return None
    fields.known(_TICKET_KEYS)
    kind = fields.choice("kind", TICKET_KINDS)
    category, team = fields.word("category"), fields.word("team")
    limits = fields.duration("respond_within"), fields.duration("resolve_within")
    if kind is None or category is None or team is None:
        return None
    return TicketTemplate(kind, category, team, *limits)


def _made(
    fields: Fields,
    names: tuple[str | None, Text, str],
    conditions: tuple[Expression, Expression | None],
    delays: tuple[Delay, Delay],
    severity: Severity,
    ticket: TicketTemplate,
    rest: tuple[bool, int | None, int | None],
    silence: tuple[tuple[str, ...], bool, int | None],
    texts: tuple[Text, Text, Text],
) -> Rule | None:
    rule_id, title, asset_type = names
    if rule_id is None:
        return None
    life_safety, reopen_within, realarm_after = rest
    suppress_while, latch, realarm_standing = silence
    return Rule(
        rule_id, title, asset_type, *conditions, *delays, severity, life_safety, ticket,
        DEFAULT_REOPEN_WITHIN if reopen_within is None else reopen_within,
        DEFAULT_REALARM_AFTER if realarm_after is None else realarm_after, *texts,
        suppress_while=suppress_while,
        latch=latch,
        realarm_standing=realarm_standing,
        source=fields.located.source(fields.path),
        fingerprint=_fingerprint(fields.value),
    )  # fmt: skip


def _fingerprint(value: Mapping[Any, Any]) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
