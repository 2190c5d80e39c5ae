"""The tree over HTTP: company, regions, sites, spaces and assets with their health."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from api.readings import last_values
from workflows import overview
from workflows.alarms.standing import standing_by_asset

router = APIRouter(tags=["places"])
Reader = Annotated[Asked, Depends(Permission("places.read"))]


class HealthShown(BaseModel):
    """How a place or a thing is, with everything below it."""

    worst: str = Field(description="ok, or the highest severity present now.")
    open_alarms: int
    open_tickets: int
    withheld: int = Field(description="Alarms that tell nobody: shelved, out of service …")
    silent: bool | None = Field(description="Something should have spoken; null when not asked.")


class NodeShown(BaseModel):
    """Company, region or site."""

    id: UUID
    parent_id: UUID | None
    kind: str
    code: str
    name: dict[str, str]
    path: str
    time_zone: str
    health: HealthShown


class SpaceShown(BaseModel):
    """A part of a site."""

    id: UUID
    site_id: UUID
    parent_id: UUID | None
    kind: str
    code: str
    name: dict[str, str]
    health: HealthShown


class AssetShown(BaseModel):
    """A thing that can fail."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    type: str
    code: str
    name: dict[str, str]
    criticality: str
    health: HealthShown


class TreeShown(BaseModel):
    """The tree as three flat lists; parents by their id."""

    nodes: list[NodeShown]
    spaces: list[SpaceShown]
    assets: list[AssetShown]


@router.get("/tree", response_model=TreeShown, summary="Read the tree with its health")
def get_tree(
    asked: Reader,
    site: Annotated[UUID | None, Query(description="Spaces and assets of this site only.")] = None,
    silence: Annotated[bool, Query(description="Also say who fell silent; costs more.")] = True,
) -> Response:
    """Everything that you may see of company, regions, sites, spaces and assets."""
    with asked.parts.database.read() as session:
        silent = _silent(asked, overview.points(session, _asked_sites(asked, site)), silence)
        standing = standing_by_asset(session, asked.caller)
        tree = overview.tree(
            session, asked.caller, standing=standing, silent=silent or frozenset(), site_id=site
        )
    known = silent is not None
    lists = {"nodes": tree.nodes, "spaces": tree.spaces, "assets": tree.assets}
    return answer({key: [_shown(row, known) for row in rows] for key, rows in lists.items()})


def _asked_sites(asked: Asked, site: UUID | None) -> frozenset[UUID]:
    sites = asked.caller.sites_for("telemetry.read")
    return sites if site is None else sites & {site}


def _silent(asked: Asked, points: list[overview.PointView], wanted: bool) -> frozenset[UUID] | None:
    if not wanted:
        return None
    speaking = [point for point in points if point.interval is not None]
    lasts = last_values(asked.parts, [point.series for point in speaking])
    if lasts is None:
        return None
    received = {series: last.received for series, last in lasts.items()}
    return overview.silent_assets(speaking, received, asked.parts.clock.micros())


def _shown(row: Any, silence_known: bool) -> dict[str, Any]:
    content = asdict(row)
    health = content["health"]
    health["silent"] = bool(health["silent"]) if silence_known else None
    return content
