"""Contractors: the dispatcher's offer of a ticket, and the page behind a contractor's link."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from api.deps import parts_of
from core.channels import tells_outside
from core.companies import hired_at
from core.db import Session
from core.errors import Conflict
from core.limits import Limit
from core.places import Asset, Node, Space
from web.guests import OwnForm, guest_page, limit, remember_job
from web.page_route import GuestRoute, PageRoute
from web.pages.public import HOUR, read_photos
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import alarms, customers, overview
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import Contact, ContractorLink, Job
from workflows.tickets.contractors.coming import MOST_PHOTOS
from workflows.tickets.followers import CONTRACTOR
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require

DISPATCH = "tickets.dispatch"
CONTACTS = 3
SAID = 40


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
    _add_steps(routes)
    _add_end(routes)
    return routes


def _add_offers(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/tickets/{number}/contractor")
    def ask(number: int, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, DISPATCH, found.thing)
            hired = hired_at(session, found.site.id)
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


def place_of_job(session: Session, ticket: Ticket) -> tuple[Node, Asset | None, Space | None]:
    """Where a job is: the site, and the asset and space that it is about, if any."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space_id = ticket.space_id or (asset.space_id if asset else None)
    space = session.get(Space, space_id) if space_id else None
    return session.get_one(Node, ticket.site_id), asset, space


def _add_page(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/c/{secret}")
    def show(secret: str, request: Request) -> Response:
        parts = parts_of(request)
        with parts.database.read() as session:
            link = contractors.find_link(session, secret, now=parts.clock.now())
            ticket = contractors.job_of(session, link)
            site, asset, space = place_of_job(session, ticket)
            labelled = bool(customers.stickers_at(session, ticket))
        page = guest_page(
            templates,
            request,
            "contractor/job.html",
            zone=site.time_zone,
            site=site,
            asset=asset,
            space=space,
            link=link,
            number=ticket.number,
            needed=contractors.is_needed(link, ticket),
            labelled=labelled,
            most_photos=MOST_PHOTOS,
            action=f"/c/{secret}",
        )
        if link.state in ("accepted", "arrived", "done"):
            remember_job(request, page, secret)
        return page


def _step(
    request: Request, secret: str, take: Callable[[Session, ContractorLink], None]
) -> Response:
    """Let a contractor do something by their link; back to its page."""
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.read() as session:
        link_id = contractors.find_link(session, secret, now=now).id
    limit(request, Limit("contractor", (str(link_id),), SAID, HOUR))
    with parts.database.write() as session:
        take(session, contractors.find_link(session, secret, now=now, to_change=True))
    answer = RedirectResponse(f"/c/{secret}", status_code=303)
    remember_job(request, answer, secret)
    return answer


def _add_steps(routes: APIRouter) -> None:
    @routes.post("/c/{secret}/accept", dependencies=[OwnForm])
    def accept(secret: str, request: Request) -> Response:
        now = parts_of(request).clock.now()

        def take(session: Session, link: ContractorLink) -> None:
            if link.state != "accepted":
                contractors.accept(session, link, now=now)

        return _step(request, secret, take)

    @routes.post("/c/{secret}/decline", dependencies=[OwnForm])
    def decline(secret: str, request: Request, reason: Annotated[str, Form()] = "") -> Response:
        now = parts_of(request).clock.now()
        return _step(
            request,
            secret,
            lambda session, link: contractors.decline(session, link, reason, now=now),
        )

    @routes.post("/c/{secret}/arrive", dependencies=[OwnForm])
    def arrive(
        secret: str,
        request: Request,
        path: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
    ) -> Response:
        now = parts_of(request).clock.now()

        def take(session: Session, link: ContractorLink) -> None:
            if link.state == "arrived":
                return
            if path:
                customers.arrive_by_sticker(session, link, path, now=now)
            elif code.strip():
                customers.arrive_by_code(session, link, code, now=now)
            else:
                customers.arrive_by_tap(session, link, now=now)

        return _step(request, secret, take)


def _add_end(routes: APIRouter) -> None:
    @routes.post("/c/{secret}/done", dependencies=[OwnForm])
    def done(
        secret: str,
        request: Request,
        report: Annotated[str, Form()] = "",
        photo: Annotated[list[UploadFile] | None, File()] = None,
    ) -> Response:
        parts = parts_of(request)
        now = parts.clock.now()
        with parts.database.read() as session:
            state = contractors.find_link(session, secret, now=now).state
        if state == "done":
            return RedirectResponse(f"/c/{secret}", status_code=303)
        if state != "arrived":
            raise Conflict("you have not arrived yet", advice="Scan the sticker on the spot first.")
        taken = read_photos(request, photo or (), MOST_PHOTOS)
        return _step(
            request,
            secret,
            lambda session, link: contractors.finish(session, link, report, taken, now=now),
        )
