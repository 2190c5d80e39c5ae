"""Planning spaces and assets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select

from core.devices import Point
from core.places import Node, Space
from workflows.intake.lines import Line
from workflows.intake.planning.keyed import (
    Draft,
    drafts_of,
    name_the_past,
    outermost_first,
    reference,
)
from workflows.intake.planning.standing import in_parts
from workflows.intake.planning.work import Work


def plan_spaces(work: Work, lines: Iterable[Line], sites: Mapping[int, Node]) -> None:
    """Plan the sheet of spaces."""
    drafts = drafts_of(work, lines, sites, "spaces")
    name_the_past(work, drafts, {"parent_id": "space"})
    for draft in drafts:
        kind = work.choice(draft.line, "kind")
        if kind or draft.new:
            wanted = kind or "area"
            draft.set("kind", wanted, "kind", draft.stands("kind") or "", wanted)
        draft.set_name(draft.known.code)
        reference(work, draft, "parent", "parent_id", "space")
    _refuse_circles(work, drafts)
    work.items += [draft.item("space") for draft in outermost_first(drafts, "parent_id")]


def _refuse_circles(work: Work, drafts: list[Draft]) -> None:
    moved: defaultdict[UUID, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.after.get("parent_id"):
            moved[draft.site.id].append(draft)
    for site_id, some in moved.items():
        rows = select(Space.id, Space.parent_id).where(Space.site_id == site_id)
        around = dict(work.session.execute(rows).all())
        around.update((draft.known.id, draft.after["parent_id"]) for draft in some)
        edges = {str(inner): [str(outer)] for inner, outer in around.items() if outer}
        lines = {str(draft.known.id): draft.line for draft in some}
        work.refuse_circles(edges, lines, "parent", work.standing["space"])


def plan_assets(work: Work, lines: Iterable[Line], sites: Mapping[int, Node]) -> None:
    """Plan the sheet of assets."""
    drafts = drafts_of(work, lines, sites, "assets")
    name_the_past(work, drafts, {"space_id": "space"})
    for draft in drafts:
        line = draft.line
        kind = work.choice(line, "type")
        if kind:
            draft.set("type", kind, "type", draft.stands("type") or "", kind)
        elif draft.new and not line.text("type"):
            work.refuse(line, "type", "missing", title=line.sheet.column("type").title)
        draft.set_name(draft.known.code)
        reference(work, draft, "space", "space_id", "space")
        criticality = work.choice(line, "criticality") or ("medium" if draft.new else None)
        if criticality:
            was = draft.stands("criticality") or ""
            draft.set("criticality", criticality, "criticality", was, criticality)
        work.asset_types[draft.known.id] = kind or draft.stands("type") or ""
    _refuse_types(work, [draft for draft in drafts if not draft.new and "type" in draft.after])
    work.items += [draft.item("asset") for draft in drafts]


def _refuse_types(work: Work, drafts: list[Draft]) -> None:
    """A type must have the points that the asset has."""
    by_id = {draft.known.id: draft for draft in drafts}
    for some in in_parts(list(by_id)):
        rows = select(Point.asset_id, Point.code).where(Point.asset_id.in_(some))
        for asset_id, code in work.session.execute(rows.order_by(Point.code)):
            draft = by_id[asset_id]
            if code not in work.catalog[draft.after["type"]].points:
                work.refuse(draft.line, "type", "type_points", text=code)
