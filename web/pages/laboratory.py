"""The laboratory: a rule or a draft tried on stored history."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field, StringConstraints

from core.asset_names import those_named
from core.clock import to_micros
from core.errors import NotFound
from core.people import first_time_zone
from core.places import Node
from core.rulebook_checks import check_document
from core.rulebook_reading import describe_rule
from core.site_file import load_catalog
from rules.catalog import shipped_catalog
from rules.wording import worded
from web.charts import history_chart
from web.languages import mark
from web.naming import point_name, type_name
from web.page_route import PageRoute, is_fragment
from web.pages.backtests_shown import asset_shown, bands, run_shown
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.laboratory import Result, order, version_asked
from workflows.laboratory.runs import Run
from workflows.overview import PointView

SPANS = (1, 7, 30, 90)
USUAL = 30
# Of so many points of other assets the history is drawn.
_OTHERS = 6

Document = Annotated[str, StringConstraints(max_length=200_000)]
RuleId = Annotated[str, StringConstraints(max_length=120)]
VersionAsked = Annotated[int | None, Query(ge=1, lt=2**31)]


class BacktestForm(BaseModel):
    """What is to be tried. node: where it would hold; place: the editor that asks by itself."""

    document: Document = ""
    rule_id: RuleId = ""
    days: Annotated[int, Field(ge=1, le=400)] = USUAL
    node: UUID | None = None
    place: Annotated[str, StringConstraints(max_length=60)] = ""


def _asked(visit: Visit, form: BacktestForm) -> Run:
    visit.caller.require_anywhere("rules.read")
    visit.caller.require_anywhere("telemetry.read")
    parts = visit.parts
    end = parts.clock.now()
    with parts.database.read() as session:
        text, node = form.document.strip(), form.node
        if not text:
            kept = version_asked(session, visit.caller, form.rule_id, None)
            text, node = kept.document, node or kept.node_id
        wanted = order(
            session, visit.caller, text, rule_id=form.rule_id or None, node_id=node,
            start=to_micros(end - timedelta(days=form.days)), end=to_micros(end),
            shard=parts.settings.shard,
        )  # fmt: skip
    return parts.backtests.start(visit.caller.person_id, wanted, place=form.place)


def _rule(visit: Visit, rule_id: str, version: int | None) -> dict[str, Any]:
    """The rule as one of its versions has it; the newest of one that is nowhere in force."""
    with visit.parts.database.read() as session:
        rows = describe_rule(session, visit.caller, rule_id)["versions"]
        if version is None and not any(row["active"] for row in rows):
            version = rows[0]["version"]
        tried = version_asked(session, visit.caller, rule_id, version)
        rule = check_document(session, tried.document).rule
        nodes = {row["node_id"] for row in rows}
        return {
            "rule_id": rule_id,
            "tried": tried,
            "rule": rule,
            "type_name": type_name(load_catalog(session), rule.asset_type, visit.reader)
            if rule
            else "",
            "versions": rows,
            "title": next(row["title"] for row in rows if row["version"] == tried.version),
            "places": {node: session.get_one(Node, node).name for node in nodes},
        }


def _shown(visit: Visit, run: Run, asset: UUID | None = None) -> tuple[Visit, dict[str, Any]]:
    """What is known of a run, with times as the clocks of its sites show them."""
    context = run_shown(run)
    if run.result is None:
        return visit, context
    subjects = run.result.subjects
    if asset is not None:
        subject = subjects[asset]
        return visit.at(subject.time_zone), {**context, **asset_shown(run.result, asset)}
    zones = {subject.time_zone for subject in subjects.values()}
    if len(zones) == 1:
        return visit.at(zones.pop()), context
    with visit.parts.database.read() as session:
        return visit.at(first_time_zone(session)), context


def _others(
    result: Result, asset: UUID, points: Iterable[PointView], reader: Reader
) -> list[tuple[PointView, str, str]]:
    """The points of other assets that the alarms of one rest on, the latest alarms first."""
    lived = reversed(result.new.episodes.get(asset, []))
    named = those_named(result.named(asset), (each.reason for each in lived))
    asked = {
        (group.branch.asset_type, p.code) for group in result.rule.groups for p in group.points
    }
    by_asset = {UUID(one["id"]): one for one in named.values()}
    catalog = shipped_catalog()
    found = []
    for point in points:
        one = by_asset.get(point.asset_id) if point.asset_id else None
        if one is None or (one["type"], point.code) not in asked:
            continue
        name = point_name(catalog.get(one["type"]), point.code, point.name, reader)
        found.append((point, f"{reader.text(one['name'])} · {name}", f"{one['type']}.{point.code}"))
    order = list(by_asset)
    return sorted(found, key=lambda each: order.index(each[0].asset_id))[:_OTHERS]


def _chart(visit: Visit, run: Run, asset: UUID) -> dict[str, Any]:
    result = run.result
    if result is None or asset not in result.subjects:
        raise NotFound(worded(mark("there is no such asset in this back-test")))
    subject = result.subjects[asset]
    local = visit.at(subject.time_zone)
    with visit.parts.database.read() as session:
        found = overview.find_asset(session, visit.caller, asset)
        points = overview.points(session, [subject.site_id])
    known = shipped_catalog().get(found.thing.type)
    # Of a rule that only asks others its own points tell nothing.
    wanted = result.rule.points or (() if result.rule.groups else None)
    chosen = [
        (point, point_name(known, point.code, point.name, local.reader), point.code)
        for point in points
        if point.asset_id == asset and (wanted is None or point.code in wanted)
    ]
    chosen += _others(result, asset, points, local.reader)
    window = (result.start, result.end)
    return {
        "series": history_chart(
            visit.parts.telemetry, chosen, window, local.reader, result.rule.when.source
        ),
        "marks": [],
        "bands": bands(result, asset),
        "window": [result.start / 1e6, result.end / 1e6],
    }


def router(templates: Templates) -> APIRouter:
    """The routes of the laboratory."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/rules/{rule_id}/laboratory")
    def show(rule_id: str, visit: SignedInVisit, version: VersionAsked = None) -> Response:
        context = _rule(visit, rule_id, version)
        return templates.page(
            "laboratory/rule.html", visit, section="rules", spans=SPANS, usual=USUAL, **context
        )

    _runs(routes, templates)
    return routes


def _runs(routes: APIRouter, templates: Templates) -> None:
    def fragment(visit: Visit, run: Run) -> Response:
        local, context = _shown(visit, run)
        return templates.page("laboratory/run.html", local, **context)

    @routes.post("/laboratory/runs")
    def start(
        visit: SignedInVisit, request: Request, form: Annotated[BacktestForm, Form()]
    ) -> Response:
        run = _asked(visit, form)
        if is_fragment(request):
            return fragment(visit, run)
        return RedirectResponse(f"/laboratory/runs/{run.id}", status_code=303)

    @routes.get("/laboratory/runs/{run_id}")
    def follow(
        run_id: UUID, visit: SignedInVisit, request: Request, asset: UUID | None = None
    ) -> Response:
        run = visit.parts.backtests.find(visit.caller.person_id, run_id)
        if is_fragment(request):
            return fragment(visit, run)
        if run.result is not None and asset in run.result.subjects:
            local, context = _shown(visit, run, asset)
            return templates.page("laboratory/asset.html", local, section="rules", **context)
        local, context = _shown(visit, run)
        return templates.page("laboratory/show.html", local, section="rules", **context)

    @routes.get("/laboratory/runs/{run_id}/assets/{asset_id}/chart")
    def chart(run_id: UUID, asset_id: UUID, visit: SignedInVisit) -> Response:
        run = visit.parts.backtests.find(visit.caller.person_id, run_id)
        return JSONResponse(_chart(visit, run, asset_id))

    @routes.post("/laboratory/runs/{run_id}/stop")
    def stop(run_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        run = visit.parts.backtests.stop(visit.caller.person_id, run_id)
        if is_fragment(request):
            return fragment(visit, run)
        return RedirectResponse(f"/laboratory/runs/{run.id}", status_code=303)
