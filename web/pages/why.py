"""Why a rule did, or did not, trip on an asset at a moment."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from core.clock import from_micros
from core.db import Session
from core.errors import Invalid, NotFound
from core.local_time import resolve, zone
from core.rulebook_drafts import OPEN
from core.rulebook_reading import describe_rule, drafts_of
from rules.catalog import shipped_catalog
from rules.members import asset_of
from rules.wording import worded
from web.asked_shown import asked_shown
from web.languages import mark
from web.naming import point_name
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.alarms.withheld_then import withheld_at
from workflows.laboratory import Tried, why


def _moment(text: str, visit: Visit, time_zone: str) -> datetime:
    """What somebody chose, in the time of the site where it names no zone; else the present."""
    if not text:
        return visit.reader.now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(worded(mark("%(text)s is no time"), text=repr(text[:40]))) from None
    if moment.tzinfo is None:
        moment = from_micros(resolve(moment, zone(time_zone)))
    return min(moment, visit.reader.now)


def _tried(session: Session, visit: Visit, asset_id: UUID, rule_id: str, which: str) -> Tried:
    """What is asked about. which: `v3`, `draft-…`, `run-…`, or nothing for what is in force."""
    kind, _, number = which.partition("-")
    try:
        if kind == "run":
            run = visit.parts.backtests.find(visit.caller.person_id, UUID(number))
            return Tried(run.rule_id, run.document, run.node_id)
        draft = UUID(number) if kind == "draft" else None
        version = int(which[1:]) if which[:1] == "v" else None
    except ValueError:
        raise NotFound(
            worded(mark("there is no such version")), advice=worded(mark("Choose one on the page."))
        ) from None
    return why.meant(session, visit.caller, asset_id, rule_id, version=version, draft_id=draft)


def _choices(session: Session, visit: Visit, rule_id: str) -> dict[str, Any]:
    """The versions and the open drafts that the same may be asked of."""
    try:
        rule = describe_rule(session, visit.caller, rule_id)
    except NotFound:
        return {"versions": [], "drafts": []}
    drafts = drafts_of(session, visit.caller, rule_id)
    return {
        "versions": rule["versions"],
        "drafts": [row for row in drafts if row["state"] in OPEN and row["purpose"] == "change"],
    }


def router(templates: Templates) -> APIRouter:
    """The route of the page."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/assets/{asset_id}/rules/{rule_id}/why")
    def show(
        asset_id: UUID,
        rule_id: str,
        visit: SignedInVisit,
        at: Annotated[str, Query(max_length=40)] = "",
        of: Annotated[str, Query(max_length=60)] = "",
    ) -> Response:
        parts = visit.parts
        with parts.database.read() as session:
            found = overview.find_asset(session, visit.caller, asset_id)
            visit.caller.require("telemetry.read", found.thing.site_id)
            visit = visit.at(found.site.time_zone)
            tried = _tried(session, visit, asset_id, rule_id, of)
            moment = _moment(at, visit, found.site.time_zone)
            wanted = why.ask(
                session, visit.caller, tried, asset_id, moment, shard=parts.settings.shard
            )
            choices = _choices(session, visit, rule_id)
            held = withheld_at(session, visit.caller, asset_id, rule_id, moment)
            views = {
                view.code: view
                for view in overview.points(session, [found.thing.site_id])
                if view.asset_id == asset_id
            }
        told = why.explain(wanted, parts.telemetry)
        known = shipped_catalog().get(found.thing.type)
        local = moment.astimezone(visit.reader.zone).replace(tzinfo=None)
        return templates.page(
            "laboratory/why.html",
            visit,
            told=told,
            asset=found.thing,
            rule=wanted.rule,
            rule_id=rule_id,
            tried=tried,
            of=of,
            held=held,
            names={
                view.code: point_name(known, view.code, view.name, visit.reader)
                for view in views.values()
            },
            views=views,
            chosen=local.isoformat(timespec="seconds"),
            asked=[asked_shown(each, told.moment, visit.reader) for each in told.asked],
            own=[each for each in told.points if not asset_of(each.point)],
            moment=moment,
            **choices,
        )

    return routes
