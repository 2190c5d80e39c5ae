"""Reading the rulebook: the rules in force where the caller may look, and their versions."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller
from core.places import Node
from core.rulebook import RuleVersion

READ = "rules.read"
_RULES = rows_of(
    RuleVersion.rule_id,
    RuleVersion.version,
    RuleVersion.node_id,
    RuleVersion.title,
    RuleVersion.severity,
    RuleVersion.life_safety,
    RuleVersion.pack,
    RuleVersion.active,
    RuleVersion.created_at,
    RuleVersion.created_by,
)


def _nodes_above(session: Session, sites: frozenset[UUID]) -> list[UUID]:
    nodes = session.execute(select(Node.id, Node.path)).all()
    paths = [path for node_id, path in nodes if node_id in sites]
    return [node_id for node_id, path in nodes if any(site.startswith(path) for site in paths)]


def _visible(session: Session, statement: Select[Any], caller: Caller) -> Select[Any]:
    # A rule of a node holds on every site below it, so whoever reads there may read the rule.
    above = _nodes_above(session, caller.sites_for(READ))
    return statement.where(RuleVersion.node_id.in_(above))


def list_rules(
    session: Session, caller: Caller, wish: Wish, *, active: bool | None = True
) -> Page[dict[str, Any]]:
    """The newest versions first, without their documents. Keys: created_at, id.

    active: those in force, those out of force, or both.
    """
    statement = _visible(session, _RULES, caller)
    if active is not None:
        statement = statement.where(RuleVersion.active == active)
    return newest_first(session, statement, (RuleVersion.created_at, RuleVersion.id), wish)


def describe_rule(session: Session, caller: Caller, rule_id: str) -> dict[str, Any]:
    """A rule with every version and its document, newest first. NotFound when there is none."""
    statement = _visible(session, _RULES.add_columns(RuleVersion.document), caller)
    statement = statement.where(RuleVersion.rule_id == rule_id)
    rows = session.execute(statement.order_by(RuleVersion.version.desc())).mappings().all()
    if not rows:
        raise NotFound("there is no such rule", advice="Look for it in the list of rules.")
    return {"rule_id": rule_id, "versions": [dict(row) for row in rows]}
