"""Figures of rounds: how many were complete and in time, and where nobody was when."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from web.days_choice import SPANS, ChosenDays, DaysChoice
from web.languages import mark
from web.load_pictures import named_days
from web.page_route import PageRoute
from web.reader import Reader
from web.round_figures import (
    BAR_STATES,
    LEVEL_WORDS,
    day_bars,
    figures_told,
    shares_of,
    tables,
    visits_told,
)
from web.templating import Templates
from web.ticket_table import XLSX
from web.visit import SignedInVisit, Visit
from web.workbooks import attached, workbook
from workflows import overview, patrol
from workflows.patrol import rounds


def router(templates: Templates) -> APIRouter:
    """The routes of the figures of rounds."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/patrol-figures")
    def show(visit: SignedInVisit, choice: ChosenDays) -> Response:
        found, local, context = _asked(visit, choice)
        more = {**context, **_shown(found, choice, local)}
        return templates.page("patrol/figures.html", local, section="checkpoints", **more)

    @routes.get("/patrol-figures.xlsx")
    def take_along(visit: SignedInVisit, choice: ChosenDays) -> Response:
        found, local, _ = _asked(visit, choice)
        name = f"rounds-{found.days.first}-{found.days.last}.xlsx"
        return attached(workbook(local.reader, tables(found, local.reader)), XLSX, name)

    return routes


def _asked(visit: Visit, choice: DaysChoice) -> tuple[rounds.PatrolFigures, Visit, dict[str, Any]]:
    visit.caller.require_anywhere(patrol.READ)
    now = visit.reader.now
    with visit.parts.database.read() as session:
        choices = rounds.sites_of(session, visit.caller)
        days = choice.days(choices, visit.reader)
        found = rounds.patrol_figures(
            session, visit.caller, site_id=choice.site_id, days=days, now=now
        )
        sites = overview.sites(session, visit.caller)
    ids = [line.site.id for line in found.sites]
    # Where sites have several clocks, what is about all of them shows that of the first.
    local = visit.at(found.sites[0].site.time_zone) if ids else visit
    # The tabs lead on to pages that are about one site.
    site = next((one for one in sites if one.id in ids[:1] or one.id == choice.site_id), None)
    return found, local, {"site": site, "choice": choice, "choices": choices, "spans": SPANS}


def _shown(found: rounds.PatrolFigures, choice: DaysChoice, visit: Visit) -> dict[str, Any]:
    reader = visit.reader
    one_site = len(found.sites) == 1
    visits = visits_told(found.sites[0], reader) if one_site else []
    return {
        "found": found,
        "figures": figures_told(found, reader),
        "bars": day_bars(found, reader),
        "bar_states": BAR_STATES,
        "named_days": named_days(found.days, reader),
        "kind": reader.translate(mark("By route") if one_site else mark("By site")),
        "lines": _lines(found, choice, visit, one_site=one_site),
        "visits": visits,
        "visited": any(one.count for line in found.sites for one in line.checkpoints),
        "levels": [reader.translate(word) for word in LEVEL_WORDS],
    }


def _lines(
    found: rounds.PatrolFigures, choice: DaysChoice, visit: Visit, *, one_site: bool
) -> list[dict[str, Any]]:
    reader = visit.reader
    if one_site:
        of_routes = [
            (f"/routes/{one.route_id}", one.name, one.code, one.sums)
            for one in found.sites[0].routes
        ]
        return [_line(reader, *one) for one in of_routes]
    return [
        _line(
            reader,
            f"/patrol-figures?{choice.address(site=line.site.id)}",
            line.site.name,
            line.site.code,
            line.sums,
        )
        for line in found.sites
    ]


def _line(
    reader: Reader, href: str, name: Mapping[str, str], code: str, sums: rounds.RoundSums
) -> dict[str, Any]:
    shares = shares_of(sums, reader)
    return {"href": href, "name": reader.text(name) or code, "sums": sums, "shares": shares}
