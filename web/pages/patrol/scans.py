"""Scans: a site's list with its filters, and one with all that is known of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from core.colleagues import able_people
from core.db import Session
from core.errors import Invalid
from core.paging import Wish
from web.page_route import PageRoute
from web.pages.patrol.chosen import MOST_TO_CHOOSE, chosen_site, of_day
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol

ON_A_PAGE = 50
VERDICTS = ("all", patrol.ACCEPTED, "refused")


def router(templates: Templates) -> APIRouter:
    """The routes of scans."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/scans")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        checkpoint: str = "",
        person: str = "",
        verdict: str = "all",
        day: str = "",
        before: UUID | None = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site
            since, until = of_day(day, at.time_zone)
            wanted = patrol.ScanFilter(at.id, _id(checkpoint), _id(person), verdict, since, until)
            wish = Wish(ON_A_PAGE, _behind(session, visit, before))
            page = patrol.list_scans(session, visit.caller, wanted, wish)
            choices = _choices(session, visit, at.id)
        asked = {"checkpoint": checkpoint, "person": person, "verdict": verdict, "day": day}
        return templates.page(
            "patrol/scans.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            asked=asked,
            verdicts=VERDICTS,
            found=page.items,
            more=page.items[-1]["id"] if page.next else None,
            may_see_people=visit.may(patrol.PEOPLE, at.id),
            **choices,
        )

    @routes.get("/scans/{scan_id}")
    def show_one(visit: SignedInVisit, scan_id: UUID) -> Response:
        with visit.parts.database.read() as session:
            scan = patrol.describe_scan(session, visit.caller, scan_id)
            chosen = chosen_site(session, visit, patrol.READ, scan["site_id"])
        return templates.page(
            "patrol/scan.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            scan=scan,
            may_see_people=visit.may(patrol.PEOPLE, scan["site_id"]),
        )

    return routes


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid("there is no such list", problems=["choose from what is offered"]) from None


def _behind(session: Session, visit: Visit, before: UUID | None) -> tuple[Any, ...] | None:
    if before is None:
        return None
    last = patrol.describe_scan(session, visit.caller, before)
    return last["occurred_at"], last["id"]


def _choices(session: Session, visit: Visit, site_id: UUID) -> Mapping[str, Any]:
    """What the filters offer; people only to who may see whose scans they are."""
    now = visit.parts.clock.now()
    points = patrol.survey(
        session, visit.caller, patrol.Survey(site_id), now=now, limit=MOST_TO_CHOOSE
    )
    may_see = visit.may(patrol.PEOPLE, site_id)
    return {
        "points": [one.row for one in points.items],
        "people": able_people(session, site_id, patrol.SCAN) if may_see else [],
    }
