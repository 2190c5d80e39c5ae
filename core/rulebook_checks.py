"""Checking the document of one rule against the catalogue of this installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.rulebook_sampling import unsuited
from core.site_file import load_catalog
from rules.document import Rule, load_rules
from rules.located_yaml import Problem
from rules.wording import Message, worded

LONGEST_DOCUMENT = 20_000


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound rule, or everything that is wrong with its document; never both, never neither."""

    rule: Rule | None
    problems: tuple[Problem, ...]

    @property
    def texts(self) -> list[Message]:
        """The problems as `file:line:column: message`."""
        return [problem.text for problem in self.problems]


def check_document(
    session: Session, document: str, filename: str = "draft.yaml", node_id: UUID | None = None
) -> Checked:
    """Read a document that must hold exactly one rule.

    node_id: where it is to hold; then its times are compared with the sensors there as well.
    """
    if len(document) > LONGEST_DOCUMENT:
        message = worded("a rule has at most %(most)s characters", most=LONGEST_DOCUMENT)
        return Checked(None, (Problem(filename, 1, 1, message),))
    loaded = load_rules(document, filename, load_catalog(session))
    if loaded.problems:
        return Checked(None, loaded.problems)
    if len(loaded.rules) != 1:
        message = worded(
            "one rule is expected here, and these are %(count)s", count=len(loaded.rules)
        )
        return Checked(None, (Problem(filename, 1, 1, message),))
    rule = loaded.rules[0]
    quick = unsuited(session, rule, node_id) if node_id else []
    if quick:
        found = (Problem(filename, *_place(document, key), message) for key, message in quick)
        return Checked(None, tuple(found))
    return Checked(rule, ())


def _place(document: str, key: str) -> tuple[int, int]:
    """Line and column of a key of a document that was read already."""
    for number, line in enumerate(document.splitlines(), 1):
        if line.lstrip("- ").startswith(f"{key}:"):
            return number, line.index(key) + 1
    return 1, 1


def columns_of(rule: Rule) -> Mapping[str, Any]:
    """What the rulebook keeps of a rule beside its document, as `publish` takes it."""
    return {
        "rule_id": rule.id,
        "title": {"en": rule.title.en, "zh": rule.title.zh},
        "severity": rule.severity.value,
        "life_safety": rule.life_safety,
        "fingerprint": rule.fingerprint,
        "asset_type": rule.asset_type,
    }
