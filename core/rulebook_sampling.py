"""Whether a rule suits the sensors that it would judge: how often they are heard is known here."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import MICROS
from core.devices import Device, Point
from core.places import Asset, Node
from core.rulebook_members import asked_intervals, listed, nobody_asked, unasked
from rules.rule import Rule
from rules.sampling import too_quick
from rules.wording import Message, worded


def unsuited(session: Session, rule: Rule, node_id: UUID) -> list[tuple[str, Message]]:
    """What of a rule does not suit the sensors below a node: (key, what and where).

    Its times are quicker than they are, or nobody whom it asks is there.
    """
    lacking, every = unasked(session, rule, node_id)
    if lacking and len(lacking) == every:
        return [("when", nobody_asked(rule, lacking))]
    concerned: dict[tuple[str, Message], list[str]] = defaultdict(list)
    own = _intervals(session, rule, node_id)
    asked = asked_intervals(session, rule, node_id)
    for asset in sorted({*own, *asked}):
        for problem in too_quick(rule, own.get(asset, {}) | asked.get(asset, {})):
            concerned[problem].append(asset)
    return [
        (key, worded("%(problem)s (%(assets)s)", problem=text, assets=listed(assets)))
        for (key, text), assets in concerned.items()
    ]


def _intervals(session: Session, rule: Rule, node_id: UUID) -> dict[str, dict[str, int]]:
    """By asset code the expected intervals in µs of the points that the rule names."""
    top = select(Node.path).where(Node.id == node_id).scalar_subquery()
    statement = (
        select(Asset.code, Point.code, Point.expected_interval)
        .join(Asset, Asset.id == Point.asset_id)
        .join(Node, Node.id == Asset.site_id)
        .join(Device, Device.id == Point.device_id)
        .where(
            Asset.type == rule.asset_type,
            Point.code.in_(rule.points),
            Point.expected_interval.is_not(None),
            Device.state == "active",
            func.substr(Node.path, 1, func.length(top)) == top,
        )
        .order_by(Asset.code)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for asset, point, seconds in session.execute(statement):
        found[asset][point] = int((seconds or 0) * MICROS)
    return found
