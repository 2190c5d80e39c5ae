"""Contractors: the dispatcher's offer of a ticket, and the page behind a contractor's link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import parts_of
from core.channels import tells_outside
from core.companies import hired_at
from core.db import Session
from web.guests import OwnForm, guest_page, remember_job
from web.page_route import GuestRoute, PageRoute
from web.pages.job_steps import Comer, add_steps, job_shown
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import alarms, customers, overview
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import Contact, ContractorLink, Job
from workflows.tickets.followers import CONTRACTOR
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require

DISPATCH = "tickets.dispatch"
CONTACTS = 3


@dataclass(frozen=True, slots=True)
class OfferForm:
    """What the form of an offer says; the three lists go together, one line a contact."""

    company: Annotated[list[str] | None, Form()] = None
    name: Annotated[list[str] | None, Form()] = None
    phone: Annotated[list[str] | None, Form()] = None
    task: Annotated[str, Form()] = ""
    access: Annotated[str, Form()] = ""
    urgent: Annotated[str, Form()] = ""
    minutes: Annotated[int, Form(ge=0, le=100_000)] = 30
    days: Annotated[int, Form(ge=0, le=1000)] = 7

    def job(self) -> Job:
        """The job to offer; lines that are empty count for nothing."""
        lines = zip(self.company or (), self.name or (), self.phone or (), strict=False)
        contacts = [Contact(*line) for line in lines if any(field.strip() for field in line)]
        return Job(
            contacts,
            self.task,
            self.access,
            self.urgent == "yes",
            timedelta(minutes=self.minutes),
            timedelta(days=self.days),
        )


def router(templates: Templates) -> APIRouter:
    """The routes of offers."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_offers(routes, templates)
    return routes


def guest_router(templates: Templates) -> APIRouter:
    """The routes of contractors."""
    routes = APIRouter(route_class=GuestRoute, include_in_schema=False)
    _add_page(routes, templates)
    add_steps(routes, "/c/{secret}", _comer, [OwnForm])
    return routes


def _add_offers(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/tickets/{number}/contractor")
    def ask(number: int, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, DISPATCH, found.thing)
            hired = hired_at(session, found.site.id, now=visit.parts.clock.now())
        return templates.page(
            "contractor/offer.html",
            visit.at(found.site.time_zone),
            section="tickets",
            ticket=found.thing,
            contacts=CONTACTS,
            hired=hired,
        )

    @routes.post("/tickets/{number}/contractor")
    def make(
        number: int, visit: SignedInVisit, request: Request, form: Annotated[OfferForm, Depends()]
    ) -> Response:
        parts, person = visit.parts, visit.caller.person_id
        with parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, DISPATCH, found.thing)
            ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
            now = parts.clock.now()
            made = contractors.offer(session, ticket, form.job(), person=person, now=now)
            # Whoever hands it out has seen it.
            alarms.acknowledge_of(session, ticket, person=person, now=now)
            told = _tell(session, visit, made)
        base = parts.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        links = [(link, f"{base}/c/{secret}") for link, secret in made]
        return templates.page(
            "contractor/offered.html",
            visit.at(found.site.time_zone),
            section="tickets",
            number=number,
            told=told,
            links=[
                (link, address, segno.make(address, error="m").svg_data_uri(scale=8, border=2))
                for link, address in links
            ],
        )

    _add_ends(routes)


def _add_ends(routes: APIRouter) -> None:
    @routes.post("/contractor-links/{link_id}/revoke")
    def revoke(link_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            link = contractors.find_offer(session, visit.caller, link_id)
            require(visit.caller, DISPATCH, session.get_one(Ticket, link.ticket_id))
            now = visit.parts.clock.now()
            contractors.revoke_offer(session, link, person=visit.caller.person_id, now=now)
            ticket = find_ticket(session, visit.caller, link.ticket_id)
        return RedirectResponse(f"/tickets/{ticket.number}", status_code=303)

    @routes.post("/resident-reports/{report_id}/revoke")
    def end_report(report_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = customers.find_sent(session, visit.caller, report_id)
            require(visit.caller, DISPATCH, session.get_one(Ticket, row.ticket_id))
            now = visit.parts.clock.now()
            customers.revoke_report(session, row, person=visit.caller.person_id, now=now)
            ticket = find_ticket(session, visit.caller, row.ticket_id)
        return RedirectResponse(f"/tickets/{ticket.number}", status_code=303)


def _tell(session: Session, visit: Visit, made: Sequence[tuple[ContractorLink, str]]) -> set[UUID]:
    """Send the contacts their links by SMS, where that is set up; returns whose number takes it."""
    parts = visit.parts
    if CONTRACTOR not in tells_outside(parts.settings):
        return set()
    now, language = parts.clock.now(), visit.reader.language
    return contractors.follow(session, parts.vault, made, language, now=now)


def _add_page(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/c/{secret}")
    def show(secret: str, request: Request) -> Response:
        comer = _comer(secret, request)
        with comer.parts.database.read() as session:
            link = comer.find(session)
            shown = job_shown(session, link)
        page = guest_page(
            templates,
            request,
            "contractor/job.html",
            zone=shown["site"].time_zone,
            action=comer.address,
            **shown,
        )
        if link.state in ("accepted", "arrived", "done"):
            remember_job(request, page, secret)
        return page


def _comer(secret: str, request: Request) -> Comer:
    """Whoever comes by the link that was sent to them."""
    now = parts_of(request).clock.now()

    def find(session: Session, *, to_change: bool = False) -> ContractorLink:
        return contractors.find_link(session, secret, now=now, to_change=to_change)

    return Comer(
        request,
        f"/c/{secret}",
        find,
        remember=lambda answer: remember_job(request, answer, secret),
    )
