"""Rules in the shadow, as ingest binds them: beside those in force, and told of to nobody."""

from collections.abc import Iterator
from dataclasses import replace

from core.db import Session
from core.rulebook_shadows import RuleShadow, running_shadows
from rules.catalog import Catalog
from rules.document import Rule, load_rules
from workflows.alarms import RuleFacts, rule_in_shadow


def rules_in_shadow(session: Session, catalog: Catalog) -> Iterator[tuple[RuleShadow, Rule]]:
    """Each rule that is tried now; one that no longer fits the catalogue is tried no more."""
    for shadow in running_shadows(session):
        loaded = load_rules(shadow.document, shadow.rule_id, catalog)
        if loaded.rules and not loaded.rules[0].on_receipt_clock:
            yield shadow, loaded.rules[0]


def in_shadow(facts: RuleFacts, shadow: RuleShadow) -> RuleFacts:
    """The facts of a rule, marked so that its findings open nothing."""
    return replace(facts, rule_id=rule_in_shadow(shadow.id), shadow=shadow.id)
