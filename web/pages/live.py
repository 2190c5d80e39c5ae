"""The live page of a site: what is wrong now, what is being done, how everything is."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from api.deps import judged_anew
from core.clock import to_micros
from core.errors import NotFound, Unavailable, WatchkeeperError
from core.people import Caller
from core.telemetry.readings import Last
from core.telemetry.store import TelemetryError
from rules.catalog import shipped_catalog
from rules.wording import worded
from web.languages import mark
from web.live import LiveFeed, Stream, feed_of
from web.naming import in_order, point_name, type_name
from web.page_route import PageRoute
from web.pages.waiting import ill_parts, show_waiting, watches_over_sites
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import alarms, customers, overview
from workflows.alarms.floods import flood_of
from workflows.alarms.standing import UNSEEN
from workflows.alarms.withheld_now import WithheldFilter, withheld_first
from workflows.overview import AssetView, Health, NodeView, PointView, SpaceView, Tree
from workflows.patrol import sos
from workflows.tickets.scope import scope_of

VALUES_IN_TREE = 3
LONGEST_LIST = 50
Panel = Callable[[Visit, NodeView], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ShownPoint:
    """A point with its last value, ready to be written."""

    view: PointView
    name: str
    last: Last | None
    silent: bool


@dataclass(frozen=True, slots=True)
class ShownAsset:
    """An asset of the tree with its most telling points."""

    view: AssetView
    type: str
    points: Sequence[ShownPoint]


@dataclass(frozen=True, slots=True)
class Branch:
    """A space with what is in it."""

    view: SpaceView
    assets: Sequence[ShownAsset]
    branches: Sequence["Branch"]


@dataclass(frozen=True, slots=True)
class Measured:
    """Points of some assets with their last values. known: whether telemetry answered."""

    points: Mapping[UUID, Sequence[PointView]]
    last: Mapping[int, Last]
    silent: frozenset[UUID]
    known: bool
    now: int


def measure(visit: Visit, site_id: UUID) -> Measured:
    """The points of a site with their last values, if the caller may see values there."""
    now = to_micros(visit.reader.now)
    if not visit.may("telemetry.read", site_id):
        return Measured({}, {}, frozenset(), True, now)
    with visit.parts.database.read() as session:
        views = overview.points(session, [site_id])
    by_asset: dict[UUID, list[PointView]] = defaultdict(list)
    for view in views:
        by_asset[view.asset_id].append(view)
    try:
        last = visit.parts.telemetry.last([view.series for view in views])
    except TelemetryError:
        return Measured(by_asset, {}, frozenset(), False, now)
    received = {series: reading.received for series, reading in last.items()}
    return Measured(by_asset, last, overview.silent_assets(views, received, now), True, now)


def shown_points(
    asset_id: UUID, asset_type: str, measured: Measured, reader: Reader, limit: int | None = None
) -> list[ShownPoint]:
    """The points of an asset in the order of the catalogue, the first `limit` of them."""
    known = shipped_catalog().get(asset_type)
    shown = []
    for point in in_order(known, measured.points.get(asset_id, ()))[:limit]:
        last = measured.last.get(point.series)
        silent = point.is_silent(last.received if last else None, measured.now)
        name = point_name(known, point.code, point.name, reader)
        shown.append(ShownPoint(point, name, last, silent))
    return shown


def _branches(
    tree: Tree, measured: Measured, reader: Reader
) -> tuple[list[Branch], list[ShownAsset]]:
    catalog = shipped_catalog()
    spaces: dict[UUID | None, list[SpaceView]] = defaultdict(list)
    assets: dict[UUID | None, list[ShownAsset]] = defaultdict(list)
    for space in tree.spaces:
        spaces[space.parent_id].append(space)
    for view in tree.assets:
        points = shown_points(view.id, view.type, measured, reader, VALUES_IN_TREE)
        shown = ShownAsset(view, type_name(catalog, view.type, reader), points)
        assets[view.space_id].append(shown)

    def grow(parent: UUID | None) -> list[Branch]:
        return [Branch(view, assets[view.id], grow(view.id)) for view in spaces[parent]]

    return grow(None), assets[None]


def _tree(visit: Visit, site: NodeView) -> dict[str, Any]:
    measured = measure(visit, site.id)
    with visit.parts.database.read() as session:
        tree = overview.tree(
            session,
            visit.caller,
            standing=alarms.standing_by_asset(session, visit.caller),
            silent=measured.silent,
            site_id=site.id,
        )
    branches, elsewhere = _branches(tree, measured, visit.reader)
    above = [node for node in tree.nodes if site.path.startswith(node.path)]
    return {
        "above": above[:-1],
        "health": above[-1].health,
        "branches": branches,
        "elsewhere": elsewhere,
        "measured": measured.known,
    }


def _alarms(visit: Visit, site: NodeView) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        rows = alarms.open_alarms(
            session, visit.caller, site_id=site.id, folded=True, limit=LONGEST_LIST
        )
        wanted = WithheldFilter(site_id=site.id)
        held, more = withheld_first(session, visit.caller, wanted, LONGEST_LIST)
        flood = flood_of(session, site.id)
    return {
        "alarms": rows,
        "held": held,
        "more_held": more,
        "flood": flood,
        "may_act": visit.may("alarms.act", site.id),
    }


def _tickets(visit: Visit, site: NodeView) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        rows = overview.open_tickets(session, visit.caller, site_id=site.id, limit=LONGEST_LIST)
    return {"tickets": rows}


def _devices(visit: Visit, site: NodeView) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        rows = overview.waiting_devices(session, visit.caller, site_id=site.id)
    return {"devices": rows, "may_adopt": visit.may("devices.write", site.id)}


def _visits(visit: Visit, site: NodeView) -> dict[str, Any]:
    may_visit = visit.may(customers.RETURN_VISITS, site.id)
    due: list[customers.DueVisit] = []
    if may_visit:
        with visit.parts.database.read() as session:
            now = visit.parts.clock.now()
            due = customers.due_visits(session, visit.caller, now=now, site_id=site.id)
    return {"due_visits": due, "may_visit": may_visit}


def _activity(visit: Visit, site: NodeView) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        facts = overview.recent_activity(session, visit.caller, site_id=site.id)
        ids = [UUID(fact.subject_id) for fact in facts if fact.subject_kind == "alarm"]
        titles = alarms.alarm_titles(session, visit.caller, ids)
    return {"facts": facts, "titles": {str(key): about for key, about in titles.items()}}


def _parts(visit: Visit, _site: NodeView) -> dict[str, Any]:
    return ill_parts(visit)


def _summary(visit: Visit, site: NodeView) -> dict[str, Any]:
    return _counts(visit, site, _tree(visit, site)["health"])


def _counts(visit: Visit, site: NodeView, health: Health) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        open_ones = overview.open_tickets(session, visit.caller, site_id=site.id, limit=200)
        unseen = alarms.open_alarms(session, visit.caller, site_id=site.id, limit=200)
    return {
        "health": health,
        "unseen": sum(alarm.state in UNSEEN for alarm in unseen),
        "late": sum(1 for ticket in open_ones if ticket.due and ticket.due < visit.reader.now),
    }


PANELS: Mapping[str, Panel] = {
    "parts": _parts,
    "alarms": _alarms,
    "tickets": _tickets,
    "visits": _visits,
    "devices": _devices,
    "tree": _tree,
    "activity": _activity,
}
# Read with the tree, whose health it counts.
SUMMARY = "summary"


def visible_sites(visit: Visit) -> list[NodeView]:
    """The sites that the caller sees, by their place in the tree."""
    with visit.parts.database.read() as session:
        return overview.sites(session, visit.caller)


def _site(visit: Visit, site_id: UUID) -> NodeView:
    for site in visible_sites(visit):
        if site.id == site_id:
            return site
    raise NotFound(worded(mark("there is no such site, or you may not see it")))


async def _frames(live: LiveFeed, stream: Stream, reader: Reader) -> AsyncIterator[str]:
    try:
        yield live.contact().render(reader)
        async for message in stream.messages():
            yield message.render(reader)
    finally:
        live.leave(stream)


async def _require_the_same(request: Request, caller: Caller) -> None:
    """Judge anew who opens a stream, which stays open for long.

    Another process may have changed what they may do, or ended their session, within the moment
    for which we remember them, and the feed may have heard so before this stream was among its own.
    """
    if await judged_anew(request) != caller:
        raise Unavailable(
            worded(mark("what you may see has just changed")),
            advice=worded(mark("Try again in a moment.")),
        )


def router(templates: Templates) -> APIRouter:
    """The routes of the live page."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    # Before the parts of the page, whose addresses look alike.
    _add_stream(routes)
    _add_pages(routes, templates)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/")
    def home(visit: SignedInVisit, site: str | None = None) -> Response:
        if watches_over_sites(visit.caller) or not visit.caller.sites_for("places.read"):
            return show(visit, site)
        return show_waiting(templates, visit)

    @routes.get("/live")
    def show(visit: SignedInVisit, site: str | None = None) -> Response:
        sites = visible_sites(visit)
        if not sites and visit.caller.is_outside:
            at_home = visit.caller.holds_anywhere("reports.own")
            return RedirectResponse("/home" if at_home else "/jobs", status_code=303)
        if not sites:
            return templates.page("no_site.html", visit)
        chosen = next((node for node in sites if node.code == site), sites[0])
        local = visit.at(chosen.time_zone)
        context: dict[str, Any] = {"site": chosen, "sites": sites}
        for panel in PANELS.values():
            context |= panel(local, chosen)
        context |= _counts(local, chosen, context["health"])
        return templates.page("live.html", local, section="live", **context)

    @routes.get("/live/{site_id}/{panel}")
    def part(site_id: UUID, panel: str, visit: SignedInVisit) -> Response:
        found = _summary if panel == SUMMARY else PANELS.get(panel)
        if found is None:
            raise NotFound(worded(mark("there is no such part of the page")))
        site = _site(visit, site_id)
        local = visit.at(site.time_zone)
        return templates.page(f"live/{panel}.html", local, site=site, **found(local, site))


def _add_stream(routes: APIRouter) -> None:
    @routes.get("/live/{site_id}/stream")
    async def stream(
        request: Request,
        site_id: UUID,
        visit: SignedInVisit,
        everywhere: bool = False,
        tickets: bool = False,
        calls: bool = False,
    ) -> Response:
        live, caller = feed_of(request), visit.caller
        if site_id not in caller.sites_for("places.read"):
            raise NotFound(worded(mark("there is no such site, or you may not see it")))
        # A control room hears of every site where its reader answers for alarms.
        others = caller.sites_for("alarms.act") if everywhere else frozenset()
        # A list of tickets hears of every site of which it shows any, and shows no values.
        scope = scope_of(caller)
        others |= scope.sites if tickets else frozenset()
        values = not (tickets or calls) and visit.may("telemetry.read", site_id)
        opened = live.join(
            site_id,
            caller.person_id,
            others,
            scope,
            values=values,
            calls=caller.sites_for(sos.ANSWER) | caller.sites_for(sos.ANSWER_SILENT),
            calls_only=calls,
        )
        try:
            await _require_the_same(request, caller)
        except WatchkeeperError:
            live.leave(opened)
            raise
        return StreamingResponse(
            _frames(live, opened, visit.reader),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )
