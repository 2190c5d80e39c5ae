"""Reading the rulebook: the rules in force where the caller may look, and their versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller
from core.places import Node
from core.rulebook import RuleVersion
from core.rulebook_drafts import OPEN, READ, SEES_DRAFTS, RuleDraft
from rules.wording import worded

_RULES = rows_of(
    RuleVersion.rule_id,
    RuleVersion.version,
    RuleVersion.node_id,
    RuleVersion.title,
    RuleVersion.severity,
    RuleVersion.life_safety,
    RuleVersion.asset_type,
    RuleVersion.pack,
    RuleVersion.active,
    RuleVersion.created_at,
    RuleVersion.created_by,
    RuleVersion.reason,
    RuleVersion.draft_id,
    RuleVersion.ended_at,
    RuleVersion.ended_by,
    RuleVersion.end_reason,
)
_DRAFTS = rows_of(
    *(
        column
        for column in RuleDraft.__table__.c
        if column.name not in ("document", "fingerprint", "site_id")
    )
)


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules are wanted. active: in force, out of force, or both; text: anywhere in them."""

    active: bool | None = True
    asset_type: str = ""
    severity: str = ""
    pack: str = ""
    text: str = ""

    def narrow(self, statement: Select[Any]) -> Select[Any]:
        """The statement with these wishes."""
        if self.active is not None:
            statement = statement.where(RuleVersion.active == self.active)
        for column, wanted in (
            (RuleVersion.asset_type, self.asset_type),
            (RuleVersion.severity, self.severity),
            (RuleVersion.pack, self.pack),
        ):
            if wanted:
                statement = statement.where(column == wanted)
        for word in self.text.split():
            # Titles stand in the document as they are written; as JSON they are escaped.
            statement = statement.where(RuleVersion.document.icontains(word, autoescape=True))
        return statement


def _nodes_above(session: Session, sites: frozenset[UUID]) -> list[UUID]:
    nodes = session.execute(select(Node.id, Node.path)).all()
    paths = [path for node_id, path in nodes if node_id in sites]
    return [node_id for node_id, path in nodes if any(site.startswith(path) for site in paths)]


def _visible(session: Session, statement: Select[Any], caller: Caller) -> Select[Any]:
    # A rule of a node holds on every site below it, so whoever reads there may read the rule.
    above = _nodes_above(session, caller.sites_for(READ))
    return statement.where(RuleVersion.node_id.in_(above))


ALL_IN_FORCE = RuleFilter()


def list_rules(
    session: Session, caller: Caller, wish: Wish, *, wanted: RuleFilter = ALL_IN_FORCE
) -> Page[dict[str, Any]]:
    """The newest versions first, without their documents. Keys: created_at, id."""
    statement = wanted.narrow(_visible(session, _RULES, caller))
    return newest_first(session, statement, (RuleVersion.created_at, RuleVersion.id), wish)


def rules_for_table(session: Session, caller: Caller, wanted: RuleFilter) -> list[dict[str, Any]]:
    """Every version that is wanted, by rule and then the newest first, without documents."""
    statement = wanted.narrow(_visible(session, _RULES, caller))
    statement = statement.order_by(RuleVersion.rule_id, RuleVersion.version.desc()).limit(1000)
    return [dict(row) for row in session.execute(statement).mappings()]


def packs_and_types(session: Session, caller: Caller) -> tuple[list[str], list[str]]:
    """The packs and the asset types that the rules in force come from and are about."""
    statement = _visible(session, rows_of(RuleVersion.pack, RuleVersion.asset_type), caller)
    rows = session.execute(statement.where(RuleVersion.active).distinct()).all()
    return sorted({row[0] for row in rows} - {""}), sorted({row[1] for row in rows} - {""})


def describe_rule(session: Session, caller: Caller, rule_id: str) -> dict[str, Any]:
    """A rule with every version and its document, newest first. NotFound when there is none."""
    statement = _visible(session, _RULES.add_columns(RuleVersion.document), caller)
    statement = statement.where(RuleVersion.rule_id == rule_id)
    rows = session.execute(statement.order_by(RuleVersion.version.desc())).mappings().all()
    if not rows:
        raise NotFound(
            worded("there is no such rule"), advice=worded("Look for it in the list of rules.")
        )
    return {"rule_id": rule_id, "versions": [dict(row) for row in rows]}


def document_of(rule: Mapping[str, Any], version: int) -> str:
    """The document of a version of a described rule. NotFound when it has no such version."""
    for row in rule["versions"]:
        if row["version"] == version:
            return str(row["document"])
    raise NotFound(
        worded("there is no such version"), advice=worded("Look for it in the history of the rule.")
    )


def _drafts_seen(session: Session, statement: Select[Any], caller: Caller) -> Select[Any]:
    sites = frozenset[UUID]().union(*(caller.sites_for(right) for right in SEES_DRAFTS))
    above = _nodes_above(session, sites)
    return statement.where(RuleDraft.node_id.in_(above))


def list_drafts(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    states: Sequence[str] = OPEN,
    rule_id: str | None = None,
) -> Page[dict[str, Any]]:
    """The newest drafts first, without their documents. Keys: created_at, id."""
    statement = _drafts_seen(session, _DRAFTS, caller).where(RuleDraft.state.in_(states))
    if rule_id is not None:
        statement = statement.where(RuleDraft.rule_id == rule_id)
    return newest_first(session, statement, (RuleDraft.created_at, RuleDraft.id), wish)


def drafts_of(session: Session, caller: Caller, rule_id: str) -> list[dict[str, Any]]:
    """Every draft of a rule that the caller may see, open or decided, newest first."""
    statement = _drafts_seen(session, _DRAFTS, caller).where(RuleDraft.rule_id == rule_id)
    statement = statement.order_by(RuleDraft.created_at.desc(), RuleDraft.id.desc()).limit(200)
    return [dict(row) for row in session.execute(statement).mappings()]
