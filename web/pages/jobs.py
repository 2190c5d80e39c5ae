"""The pages of somebody of a hired company: the jobs given to it, and each of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from core.companies import companies_of
from core.db import Session
from core.errors import Conflict
from core.limits import Limit
from web.guests import limit
from web.page_route import PageRoute
from web.pages.contractors import place_of_job
from web.pages.public import read_photos
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import customers
from workflows.tickets import contractors
from workflows.tickets.contractors import ContractorLink
from workflows.tickets.contractors.coming import MOST_PHOTOS

RIGHT = "jobs.own"
HOUR = timedelta(hours=1)
SAID = 40


def router(templates: Templates) -> APIRouter:
    """The routes of people of hired companies."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    _add_steps(routes)
    _add_end(routes)
    return routes


def _add_lists(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/jobs")
    def show_all(visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(RIGHT)
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            companies = companies_of(session, person)
            to_do, over = contractors.jobs_of_person(session, person, now=now)
        local = visit.at((to_do or over)[0].site.time_zone) if to_do or over else visit
        return templates.page(
            "jobs/list.html", local, section="jobs", companies=companies, to_do=to_do, over=over
        )

    @routes.get("/jobs/{link_id}")
    def show(link_id: UUID, visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(RIGHT)
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            link = contractors.find_job(session, person, link_id, now=now)
            ticket = contractors.job_of(session, link)
            site, asset, space = place_of_job(session, ticket)
            labelled = bool(customers.stickers_at(session, ticket))
        return templates.page(
            "jobs/job.html",
            visit.at(site.time_zone),
            section="jobs",
            site=site,
            asset=asset,
            space=space,
            link=link,
            number=ticket.number,
            needed=contractors.is_needed(link, ticket),
            labelled=labelled,
            most_photos=MOST_PHOTOS,
            action=f"/jobs/{link_id}",
            csrf=visit.csrf,
        )


def _step(visit: Visit, link_id: UUID, take: Callable[[Session, ContractorLink], None]) -> Response:
    """Let somebody of a company take a step of a job; back to its page."""
    visit.caller.require_anywhere(RIGHT)
    person, now = visit.caller.person_id, visit.parts.clock.now()
    with visit.parts.database.write() as session:
        link = contractors.find_job(session, person, link_id, now=now, to_change=True)
        take(session, link)
    return RedirectResponse(f"/jobs/{link_id}", status_code=303)


def _add_steps(routes: APIRouter) -> None:
    @routes.post("/jobs/{link_id}/accept")
    def accept(link_id: UUID, visit: SignedInVisit) -> Response:
        now = visit.parts.clock.now()

        def take(session: Session, link: ContractorLink) -> None:
            if link.state != "accepted":
                contractors.accept(session, link, now=now)

        return _step(visit, link_id, take)

    @routes.post("/jobs/{link_id}/decline")
    def decline(
        link_id: UUID, visit: SignedInVisit, reason: Annotated[str, Form()] = ""
    ) -> Response:
        now = visit.parts.clock.now()
        return _step(
            visit,
            link_id,
            lambda session, link: contractors.decline(session, link, reason, now=now),
        )

    @routes.post("/jobs/{link_id}/arrive")
    def arrive(
        link_id: UUID,
        visit: SignedInVisit,
        request: Request,
        path: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
    ) -> Response:
        now = visit.parts.clock.now()
        limit(request, Limit("contractor", (str(link_id),), SAID, HOUR))

        def take(session: Session, link: ContractorLink) -> None:
            if link.state == "arrived":
                return
            if path:
                customers.arrive_by_sticker(session, link, path, now=now)
            elif code.strip():
                customers.arrive_by_code(session, link, code, now=now)
            else:
                customers.arrive_by_tap(session, link, now=now)

        return _step(visit, link_id, take)


def _add_end(routes: APIRouter) -> None:
    @routes.post("/jobs/{link_id}/done")
    def done(
        link_id: UUID,
        visit: SignedInVisit,
        request: Request,
        report: Annotated[str, Form()] = "",
        photo: Annotated[list[UploadFile] | None, File()] = None,
    ) -> Response:
        visit.caller.require_anywhere(RIGHT)
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            state = contractors.find_job(session, person, link_id, now=now).state
        if state == "done":
            return RedirectResponse(f"/jobs/{link_id}", status_code=303)
        if state != "arrived":
            raise Conflict("you have not arrived yet", advice="Scan the sticker on the spot first.")
        taken = read_photos(request, photo or (), MOST_PHOTOS)
        return _step(
            visit,
            link_id,
            lambda session, link: contractors.finish(session, link, report, taken, now=now),
        )
