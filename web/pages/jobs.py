"""The pages of somebody of a hired company: the jobs given to it, and each of them."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from core.companies import companies_of
from core.db import Session
from web.page_route import PageRoute
from web.pages.job_steps import Comer, add_steps, job_shown
from web.templating import Templates
from web.visit import SignedInVisit
from workflows.tickets import contractors
from workflows.tickets.contractors import ContractorLink

RIGHT = "jobs.own"


def router(templates: Templates) -> APIRouter:
    """The routes of people of hired companies."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    add_steps(routes, "/jobs/{link_id}", _comer)
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
    def show(link_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        comer = _comer(link_id, visit, request)
        with visit.parts.database.read() as session:
            shown = job_shown(session, comer.find(session))
        return templates.page(
            "jobs/job.html",
            visit.at(shown["site"].time_zone),
            section="jobs",
            action=comer.address,
            csrf=visit.csrf,
            **shown,
        )


def _comer(link_id: UUID, visit: SignedInVisit, request: Request) -> Comer:
    """Somebody of a company who comes for one of its jobs."""
    visit.caller.require_anywhere(RIGHT)
    person, now = visit.caller.person_id, visit.parts.clock.now()

    def find(session: Session, *, to_change: bool = False) -> ContractorLink:
        return contractors.find_job(session, person, link_id, now=now, to_change=to_change)

    return Comer(request, f"/jobs/{link_id}", find, person)
