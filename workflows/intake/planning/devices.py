"""Planning devices."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select

from core.devices import Device, Source
from core.places import Node
from workflows.intake.lines import Line
from workflows.intake.plan import Shown
from workflows.intake.planning.keyed import (
    Draft,
    drafts_of,
    name_the_past,
    outermost_first,
    reference,
)
from workflows.intake.planning.work import Work


def plan_devices(work: Work, lines: Iterable[Line], sites: Mapping[int, Node]) -> list[Draft]:
    """Plan the sheet of devices; returns the drafts, whose points are planned apart."""
    drafts = drafts_of(work, lines, sites, "devices")
    name_the_past(work, drafts, {"asset_id": "asset", "path_id": "device", "source_id": "source"})
    only = _only_sources(work, {draft.site.id for draft in drafts if draft.new})
    for draft in drafts:
        _judge_state(work, draft)
        draft.set_name(draft.known.code)
        reference(work, draft, "asset", "asset_id", "asset")
        reference(work, draft, "via", "path_id", "device")
        reference(work, draft, "source", "source_id", "source")
        if draft.new and not draft.line.text("source"):
            draft.after["source_id"] = only.get(draft.site.id)
    _refuse_circles(work, drafts)
    work.items += [draft.item("device") for draft in outermost_first(drafts, "path_id")]
    return drafts


def _judge_state(work: Work, draft: Draft) -> None:
    """A listed device that waits is adopted; one that somebody retired is left alone."""
    state = draft.stands("state")
    if draft.new:
        draft.after["state"] = "active"
    elif state == "waiting":
        draft.before["state"], draft.after["state"] = "waiting", "active"
        draft.shown.append(Shown("state", "waiting", "active"))
    elif state == "retired":
        work.refuse(draft.line, "code", "retired")


def _only_sources(work: Work, sites: set[UUID]) -> dict[UUID, UUID]:
    """The source of each site that has just one."""
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    statement = select(Source.site_id, Source.id).where(Source.site_id.in_(sites))
    for site_id, source_id in work.session.execute(statement):
        found[site_id].append(source_id)
    return {site_id: sources[0] for site_id, sources in found.items() if len(sources) == 1}


def _refuse_circles(work: Work, drafts: list[Draft]) -> None:
    moved: defaultdict[UUID, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.after.get("path_id"):
            moved[draft.site.id].append(draft)
    for site_id, some in moved.items():
        rows = select(Device.id, Device.path_id).where(Device.site_id == site_id)
        paths = dict(work.session.execute(rows.where(Device.path_id.is_not(None))).all())
        paths.update((draft.known.id, draft.after["path_id"]) for draft in some)
        edges = {str(inner): [str(outer)] for inner, outer in paths.items() if outer}
        lines = {str(draft.known.id): draft.line for draft in some}
        work.refuse_circles(edges, lines, "via", work.standing["device"])
