"""Scans: a site's list with its filters, and one with all that is known of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from core.colleagues import able_people
from core.db import Session
from core.errors import Invalid
from core.paging import Page, Wish
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import MOST_TO_CHOOSE, chosen_site, of_day
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol.privacy import looking

ON_A_PAGE = 50
NOTHING: Page[dict[str, Any]] = Page([], None)
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
        why: str = "",
        verdict: str = "all",
        day: str = "",
        before: UUID | None = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
        at = chosen.site
        since, until = of_day(day, at.time_zone)
        wanted = patrol.ScanFilter(at.id, _id(checkpoint), _id(person), verdict, since, until)
        told = _is_told(visit, wanted, why)
        with visit.parts.database.read() as session:
            wish = Wish(ON_A_PAGE, _behind(session, visit, before))
            found = patrol.list_scans(session, visit.caller, wanted, wish) if told else NOTHING
            choices = _choices(session, visit, at.id)
        asked = {"checkpoint": checkpoint, "person": person, "why": why}
        asked |= {"verdict": verdict, "day": day}
        return templates.page(
            "patrol/scans.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            asked=asked,
            verdicts=VERDICTS,
            found=found.items,
            more=found.items[-1]["id"] if found.next else None,
            reasons=looking.REASONS,
            lacks_reason=not told,
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


def _is_told(visit: Visit, wanted: patrol.ScanFilter, why: str) -> bool:
    """Whether the list may be shown: who looks for another person says why, and it is put down."""
    person = wanted.person_id
    if person is None or person == visit.caller.person_id:
        return True
    if not visit.caller.sites_for(patrol.PEOPLE):
        return True
    if why not in looking.REASONS:
        return False
    look = looking.Look(person, "scans", why, wanted.site_id, wanted.since, wanted.until)
    with visit.parts.database.write() as session:
        looking.note_look(session, visit.caller, look, now=visit.parts.clock.now())
    return True


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(
            worded(mark("there is no such list")),
            problems=[worded(mark("choose from what is offered"))],
        ) from None


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
