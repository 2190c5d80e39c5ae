"""Privacy for who leads guards: who may be located, and what tickets hold; and the log of looks."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse

from core.errors import Invalid, NotFound, WatchkeeperError
from core.paging import Wish
from rules.wording import worded
from web.languages import mark
from web.local_moments import moment_of
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site, one_id
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview, patrol
from workflows.patrol.privacy import holding, looking, showing

ON_A_PAGE = 50
NOT_HELD = "nothing is held"
PROBLEMS = {
    "person_id": mark("Choose somebody who works here."),
    "ticket": mark("Give the number of a ticket that you see."),
    "since": mark("Say from when."),
    "until": mark("Say until when: after the beginning, at most 31 days later."),
}


def router(templates: Templates) -> APIRouter:
    """The routes of privacy for who leads guards, and for data protection."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_people(routes, templates)
    _add_looks(routes, templates)
    return routes


def _page(
    templates: Templates,
    visit: Visit,
    site: UUID | None,
    status: int = 200,
    problems: Sequence[str] = (),
    tried: dict[str, str] | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        chosen = chosen_site(session, visit, patrol.PEOPLE, site)
        at = chosen.site
        people = showing.who_scans(session, visit.caller, at.id)
        held = holding.held_shown(session, visit.caller, at.id)
    return templates.page(
        "patrol/privacy.html",
        visit.at(at.time_zone),
        status,
        section="checkpoints",
        site=at,
        sites=chosen.sites,
        people=people,
        held=held,
        may_write=visit.may(patrol.WRITE, at.id),
        problems=problems,
        tried=tried or {"person": "", "ticket": "", "since": "", "until": ""},
        days=visit.parts.settings.track_days,
    )


def _add_people(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/patrol-privacy")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        return _page(templates, visit, site)

    @routes.post("/track-holds")
    def hold(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        person: Annotated[str, Form()] = "",
        ticket: Annotated[str, Form()] = "",
        since: Annotated[str, Form()] = "",
        until: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require(patrol.WRITE, site)
        with visit.parts.database.read() as session:
            at = chosen_site(session, visit, patrol.PEOPLE, site).site
        tried = {"person": person, "ticket": ticket, "since": since, "until": until}
        try:
            _hold(visit, at, tried)
        except (Invalid, NotFound) as error:
            return _page(templates, visit, site, error.status, _told(visit, error), tried)
        return RedirectResponse(f"/patrol-privacy?site={site}", status_code=303)

    @routes.post("/track-holds/{track_hold_id}/release")
    def release(visit: SignedInVisit, track_hold_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            row = holding.release_track(session, visit.caller, track_hold_id, now=now)
            site = row.site_id
        return RedirectResponse(f"/patrol-privacy?site={site}", status_code=303)


def _hold(visit: Visit, at: overview.NodeView, tried: dict[str, str]) -> None:
    person = one_id(tried["person"], "person_id", NOT_HELD)
    number = tried["ticket"].strip().lstrip("#")
    if person is None:
        raise Invalid(NOT_HELD, problems=[worded(mark("person_id: choose one"))])
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Invalid(NOT_HELD, problems=[worded(mark("ticket: a number"))])
    moments = [moment_of(tried[name], name, at.time_zone) for name in ("since", "until")]
    with visit.parts.database.write() as session:
        now = visit.parts.clock.now()
        holding.hold_track(session, visit.caller, person, int(number), *moments, now=now)


def _told(visit: Visit, error: WatchkeeperError) -> list[str]:
    fields = [problem.partition(":")[0] for problem in getattr(error, "problems", ())]
    told = [visit.reader.translate(PROBLEMS[field]) for field in fields if field in PROBLEMS]
    return told or [visit.reader.translate(PROBLEMS["ticket"])]


def _add_looks(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/track-looks")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        before: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    ) -> Response:
        wish = Wish(ON_A_PAGE, None if before is None else (before,))
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, looking.AUDIT, site)
            at = chosen.site
            page = looking.list_looks(session, visit.caller, wish, site_id=site)
        context: dict[str, Any] = {"site": at, "sites": chosen.sites}
        return templates.page(
            "patrol/looks.html",
            visit.at(at.time_zone),
            section="checkpoints",
            found=page.items,
            more=page.next[0] if page.next else None,
            asked_site=site,
            **context,
        )
