"""Where equipment of one type stands below a place, and how often one of its points reports."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Point
from core.people import Caller
from core.places import Asset, Node
from workflows.overview.points import PointView

READ = "telemetry.read"
MOST = 6


@dataclass(frozen=True, slots=True)
class Measured:
    """One asset and its point."""

    asset_id: UUID
    asset_name: Mapping[str, str]
    point: PointView


def measured_below(
    session: Session, caller: Caller, node: Node, asset_type: str, code: str
) -> list[Measured]:
    """The first assets of a type below a node that have the point, where the caller may look."""
    sites = _sites_below(session, caller, node)
    statement = (
        select(
            Asset.id,
            Asset.name,
            Point.id,
            Point.series,
            Point.site_id,
            Point.asset_id,
            Point.code,
            Point.name,
            Point.kind,
            Point.unit,
            Point.states,
            Point.expected_interval,
        )
        .join(Asset, Asset.id == Point.asset_id)
        .where(Point.code == code, Asset.type == asset_type, Point.site_id.in_(sites))
        .order_by(Asset.code)
        .limit(MOST)
    )
    rows = [tuple(row) for row in session.execute(statement)]
    return [Measured(row[0], row[1], PointView(*row[2:])) for row in rows]


def _sites_below(session: Session, caller: Caller, node: Node) -> Collection[UUID]:
    statement = select(Node.id, Node.path).where(
        Node.kind == "site", Node.id.in_(caller.sites_for(READ))
    )
    return [site for site, path in session.execute(statement) if path.startswith(node.path)]
