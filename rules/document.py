"""Rule documents: YAML to checked rules, with every problem at its line and column."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.catalog import ANY, AssetType, PointType, Text
from rules.document_fields import Fields
from rules.expression import Expression, ExpressionError, compile_expression
from rules.located_yaml import Located, LocatedYamlError, Path, Problem, load_all, nearest
from rules.rule import (
    DEFAULT_REALARM_AFTER,
    DEFAULT_REOPEN_WITHIN,
    TICKET_KINDS,
    Delay,
    Rule,
    Severity,
    TicketTemplate,
)

__all__ = ["Delay", "LoadedRules", "Rule", "Severity", "TicketTemplate", "load_rules"]

_RULE_KEYS = (
    "id", "title", "applies_to", "when", "clear_when", "for", "clear_for", "severity",
    "life_safety", "ticket", "reopen_within", "realarm_after", "explanation", "response",
)  # fmt: skip
_TICKET_KEYS = ("kind", "category", "team", "respond_within", "resolve_within")
# A setting that nothing obeys would be a lie, so these are refused rather than ignored.
_NOT_OBEYED = ("suppress_while", "inhibited_by")


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """The sound rules of a file, and every problem of the others."""

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]


def load_rules(text: str, filename: str, catalog: Mapping[str, AssetType]) -> LoadedRules:
    """Reads rules: one a document, documents apart by `---`, or lists of rules.

    Never raises for what the text holds; rules with a problem are left out of the result.
    """
    try:
        documents = load_all(text, filename, aliases=False)
    except LocatedYamlError as error:
        return LoadedRules((), tuple(error.problems))
    loader = _Loader(catalog)
    for document in documents:
        loader.document(document)
    if not documents:
        loader.problems.append(Problem(filename, 1, 1, "the file holds no rule"))
    return LoadedRules(tuple(loader.rules), tuple(sorted(loader.problems)))


class _Loader:
    def __init__(self, catalog: Mapping[str, AssetType]) -> None:
        self._catalog = catalog
        self._seen: dict[str, int] = {}
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
            self.problems.append(located.problem(path, "a rule is expected here, as a mapping"))
            return
        fields = Fields(located, path, value)
        rule = self._rule(fields)
        self._once(fields)
        self.problems.extend(fields.problems)
        if rule is not None and not fields.problems:
            self.rules.append(rule)

    def _once(self, fields: Fields) -> None:
        rule_id = fields.value.get("id")
        if not isinstance(rule_id, str):
            return
        line = fields.located.where((*fields.path, "id"))[0]
        if rule_id in self._seen:
            message = f"rule {rule_id!r} stands twice; first on line {self._seen[rule_id]}"
            fields.refuse("id", message)
        self._seen.setdefault(rule_id, line)

    def _rule(self, fields: Fields) -> Rule | None:
        for key in _NOT_OBEYED:
            fields.refuse_key(key, f"this version does not obey {key}; take it out of the rule")
        fields.known(_RULE_KEYS, also=_NOT_OBEYED)
        asset_type = self._asset_type(fields)
        when = self._expression(fields, "when", asset_type, required=True)
        clear_when = self._expression(fields, "clear_when", asset_type)
        on_delay, off_delay = fields.delay("for"), fields.delay("clear_for")
        self._refuse_counted_silence(fields, when, clear_when)
        rule_id, title = fields.slug("id"), fields.text("title", required=True)
        severity = fields.choice("severity", [each.value for each in Severity])
        ticket = _ticket(fields.section("ticket"))
        rest = (
            fields.truth("life_safety"),
            fields.duration("reopen_within"),
            fields.duration("realarm_after"),
        )
        texts = (fields.text("explanation"), fields.text("response"))
        if fields.problems or not (when and asset_type and ticket and severity):
            return None
        return _made(
            fields, (rule_id, title, asset_type), (when, clear_when), (on_delay, off_delay),
            Severity(severity), ticket, rest, texts,
        )  # fmt: skip

    def _asset_type(self, fields: Fields) -> str | None:
        section = fields.section("applies_to")
        if section is None:
            return None
        section.known(("asset_type",))
        code = section.word("asset_type")
        if code is not None and code != ANY and code not in self._catalog:
            hint = nearest(code, [*self._catalog, ANY])
            section.refuse("asset_type", f"no asset type {code!r} here{hint}")
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
            return compile_expression(text, points)
        except ExpressionError as error:
            for fault in error.faults:
                fields.refuse_within(key, fault.offset, fault.message)
            return None

    def _refuse_counted_silence(
        self, fields: Fields, when: Expression | None, clear_when: Expression | None
    ) -> None:
        if not any(each and each.on_receipt_clock for each in (when, clear_when)):
            return
        for key in ("for", "clear_for"):
            if fields.delay_is_counted(key):
                message = "a rule on silence can't count readings; give a duration such as 5m"
                fields.refuse(key, message)


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
    texts: tuple[Text, Text],
) -> Rule | None:
    rule_id, title, asset_type = names
    if rule_id is None:
        return None
    life_safety, reopen_within, realarm_after = rest
    return Rule(
        rule_id, title, asset_type, *conditions, *delays, severity, life_safety, ticket,
        DEFAULT_REOPEN_WITHIN if reopen_within is None else reopen_within,
        DEFAULT_REALARM_AFTER if realarm_after is None else realarm_after, *texts,
        source=fields.located.source(fields.path),
        fingerprint=_fingerprint(fields.value),
    )  # fmt: skip


def _fingerprint(value: Mapping[Any, Any]) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
