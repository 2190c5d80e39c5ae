"""Cards and beacons by which people are known: issued, listed, ended."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from core.badges import KINDS, LONGEST_LABEL, LONGEST_NUMBER
from core.colleagues import able_people
from core.errors import Invalid
from core.paging import Wish
from rules.wording import worded
from web.languages import mark
from web.local_moments import moment_of, written_moment
from web.page_route import PageRoute
from web.pages.devices import Fields, form_fields
from web.pages.patrol.chosen import actor_of, chosen_site, one_id, zone_of
from web.templating import Templates
from web.visit import SignedInVisit
from workflows import patrol

ON_A_PAGE = 50
NOT_ISSUED = "the badge was not issued"


def router(templates: Templates) -> APIRouter:
    """The routes of badges."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_list(routes, templates)
    _add_changes(routes)
    return routes


def _phase(row: dict[str, Any], now: datetime) -> str:
    if row["ends_at"] is not None and row["ends_at"] <= now:
        return "ended"
    return "later" if row["starts_at"] > now else "counts"


def _add_list(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/badges")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        person: str = "",
        before: UUID | None = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.PEOPLE, site)
            at = chosen.site
            # A badge of somebody counts on all their sites, whichever issued it.
            page = patrol.list_badges(
                session,
                visit.caller,
                patrol.PEOPLE,
                Wish(ON_A_PAGE, (before,) if before else None),
                site_id=None if person else at.id,
                person_id=one_id(person, "person", "there is no such list"),
            )
            people = able_people(session, at.id, patrol.SCAN)
        local = visit.at(at.time_zone)
        return templates.page(
            "patrol/badges.html",
            local,
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            person=person,
            people=people,
            kinds=KINDS,
            longest={"number": LONGEST_NUMBER, "label": LONGEST_LABEL},
            found=[{**row, "phase": _phase(row, local.reader.now)} for row in page.items],
            more=page.next[0] if page.next else None,
            may_write={one.id for one in chosen.sites if visit.may(patrol.WRITE, one.id)},
            starts=written_moment(local.reader, local.reader.now),
        )


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/badges")
    def issue(visit: SignedInVisit, fields: Annotated[Fields, Depends(form_fields)]) -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        site_id = one_id(fields.get("site", ""), "site", NOT_ISSUED)
        person_id = one_id(fields.get("person", ""), "person", NOT_ISSUED)
        if site_id is None or person_id is None:
            raise Invalid(NOT_ISSUED, problems=[worded(mark("site, person: choose both"))])
        visit.caller.require(patrol.WRITE, site_id)
        with visit.parts.database.write() as session:
            zone = zone_of(session, visit, site_id)
            patrol.issue_badge(
                session,
                site_id,
                patrol.NewBadge(
                    person_id,
                    fields.get("kind", ""),
                    fields.get("number", ""),
                    fields.get("label", ""),
                    _moment(fields, "starts", zone),
                    _moment(fields, "ends", zone),
                ),
                needs=patrol.SCAN,
                vault=visit.parts.vault,
                actor=actor_of(visit),
                now=visit.parts.clock.now(),
            )
        return RedirectResponse(f"/badges?site={site_id}", status_code=303)

    @routes.post("/badges/{badge_id}/end")
    def end(visit: SignedInVisit, badge_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            row = patrol.find_badge(session, visit.caller, patrol.PEOPLE, badge_id)
            visit.caller.require(patrol.WRITE, row.site_id)
            patrol.end_badge(session, row, actor=actor_of(visit), now=visit.parts.clock.now())
            site_id = row.site_id
        return RedirectResponse(f"/badges?site={site_id}", status_code=303)


def _moment(fields: Fields, name: str, zone: str) -> datetime | None:
    written = fields.get(name, "")
    return moment_of(written, name, zone) if written else None
