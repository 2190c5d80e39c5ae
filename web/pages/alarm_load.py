"""The alarm load: whether people can handle what alarms ask of them, and what to do about it."""

from typing import Any

from fastapi import APIRouter, Response

from core.days import USUAL_DAYS
from core.db import Session
from web.days_choice import SPANS, ChosenDays, DaysChoice
from web.load_pictures import day_bars, hour_map, named_days, priority_bars
from web.load_tables import as_csv, as_workbook
from web.load_words import (
    FIGURES,
    SOURCES,
    VERDICTS,
    advice_text,
    cause_text,
    limit_text,
    share,
    shown,
    stands_since,
    target_text,
)
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.alarms.load import MOST_LISTED, AlarmLoad, alarm_load, sites_of

READ = "alarms.read"


def router(templates: Templates) -> APIRouter:
    """The routes of the alarm load."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/alarm-load")
    def show(visit: SignedInVisit, choice: ChosenDays) -> Response:
        found, local, context = _asked(visit, choice)
        return templates.page(
            "alarm_load.html", local, section="alarm-load", **context, **_shown(found, local)
        )

    @routes.get("/alarm-load.csv")
    def figures(visit: SignedInVisit, choice: ChosenDays) -> Response:
        found, local, _ = _asked(visit, choice)
        return as_csv(local.reader, found)

    @routes.get("/alarm-load.xlsx")
    def workbook(visit: SignedInVisit, choice: ChosenDays) -> Response:
        found, local, _ = _asked(visit, choice)
        return as_workbook(local.reader, found)

    return routes


def _asked(visit: Visit, choice: DaysChoice) -> tuple[AlarmLoad, Visit, dict[str, Any]]:
    visit.caller.require_anywhere(READ)
    with visit.parts.database.read() as session:
        return _found(session, visit, choice)


def _found(
    session: Session, visit: Visit, choice: DaysChoice
) -> tuple[AlarmLoad, Visit, dict[str, Any]]:
    sites = sites_of(session, visit.caller)
    days = choice.days(sites, visit.reader)
    found = alarm_load(
        session, visit.caller, site_id=choice.site_id, days=days, now=visit.reader.now
    )
    # Where sites have several clocks, what is about all of them shows that of the first.
    zones = [line.load.site.time_zone for line in found.sites]
    local = visit.at(zones[0]) if zones else visit
    return found, local, {"choice": choice, "choices": sites, "spans": SPANS}


def _shown(found: AlarmLoad, visit: Visit) -> dict[str, Any]:
    """What the page draws and says of an alarm load."""
    reader = visit.reader
    verdicts = [metric.verdict for metric in found.metrics.values()]
    return {
        "load": found,
        "most_listed": MOST_LISTED,
        "short": found.days.count < USUAL_DAYS,
        "to_act": verdicts.count("act"),
        "to_watch": verdicts.count("watch"),
        "steps": [
            (one, advice_text(reader, one, stands_since(one, found))) for one in found.advice
        ],
        "figures": FIGURES,
        "verdicts": VERDICTS,
        "sources": SOURCES,
        "figure": shown,
        "share": share,
        "target_text": target_text,
        "limit_text": limit_text,
        "cause_text": cause_text,
        "causes": sorted(found.causes.items(), key=lambda one: -one[1]),
        "bars": day_bars(found, reader),
        "hour_map": hour_map(found),
        "named_days": named_days(found.days, reader),
        "priority_bars": priority_bars(found),
        "at": {line.load.site.id: reader.at(line.load.site.time_zone) for line in found.sites},
        "names": {line.load.site.id: line.load.site.name for line in found.sites},
    }
