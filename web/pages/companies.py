"""Hired companies: hiring one, inviting its people, and ending it; and joining by an invitation."""

from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core import accounts, companies, company_accounts, people, sessions
from core.companies import READ, WRITE
from core.errors import Conflict, Invalid
from core.events import Actor
from core.places import Node
from rules.wording import worded
from web.guests import Colleague
from web.languages import mark
from web.page_route import PageRoute
from web.pages.doorway import (
    FORGED,
    UNUSABLE,
    Forms,
    count_joining,
    is_own_form,
    welcome,
)
from web.pages.sign_in import TAKEN, WEAK
from web.pages.teams import chosen_site
from web.templating import Templates
from web.visit import SignedInVisit, guest_reader, own_address
from workflows.overview import sites
from workflows.tickets import contractors


def router(templates: Templates) -> APIRouter:
    """The routes of hired companies."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_list(routes, templates)
    _add_inviting(routes, templates)
    _add_ends(routes)
    _add_joining(routes, Forms(templates))
    return routes


def _add_list(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/companies")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit.caller, site)
            visit.caller.require(READ, chosen.id)
            hired = companies.hired_at(session, chosen.id, now=visit.parts.clock.now())
            known = [one for one in sites(session, visit.caller) if visit.may(READ, one.id)]
        return templates.page(
            "companies/list.html",
            visit.at(chosen.time_zone),
            section="companies",
            site=chosen,
            sites=known,
            hired=hired,
            may_change=visit.may(WRITE, chosen.id),
        )

    @routes.post("/companies")
    def hire(
        visit: SignedInVisit,
        site: Annotated[UUID | None, Form()] = None,
        name: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require_anywhere(WRITE)
        if site is None:
            raise Invalid(
                worded(mark("no company was hired")), problems=[worded(mark("site: choose one"))]
            )
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            companies.hire_company(session, visit.caller, site, name, now=now)
        return RedirectResponse(f"/companies?site={site}", status_code=303)


def _add_inviting(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/companies/{company_id}/invite")
    def invite(visit: SignedInVisit, request: Request, company_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            company = companies.find_company(session, visit.caller, company_id)
            by = visit.caller.person_id
            row, secret = company_accounts.invite_to_company(session, company, by=by, now=now)
            local = visit.at(session.get_one(Node, company.site_id).time_zone)
            name, site, ends_at = company.name, company.site_id, row.ends_at
        link = f"{own_address(request)}/join/company/{secret}"
        return templates.page(
            "companies/invited.html",
            local,
            section="companies",
            company=name,
            site=site,
            ends_at=ends_at,
            link=link,
            qr=segno.make(link, error="m").svg_data_uri(scale=8, border=2),
        )


def _add_ends(routes: APIRouter) -> None:
    @routes.post("/companies/{company_id}/end")
    def end(visit: SignedInVisit, company_id: UUID, sure: Annotated[str, Form()] = "") -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = companies.find_company(session, visit.caller, company_id)
            if sure != "yes":
                raise Invalid(
                    worded(mark("nothing was ended")),
                    problems=[worded(mark("sure: tick the box first"))],
                )
            contractors.end_hire(session, row, person=visit.caller.person_id, now=now)
            site = row.site_id
        return RedirectResponse(f"/companies?site={site}", status_code=303)

    @routes.post("/companies/{company_id}/invitations/{invitation_id}/revoke")
    def revoke(visit: SignedInVisit, company_id: UUID, invitation_id: UUID) -> Response:
        now, actor = visit.parts.clock.now(), Actor.person(visit.caller.person_id)
        with visit.parts.database.write() as session:
            row = companies.find_company(session, visit.caller, company_id)
            company_accounts.revoke_company_invitation(
                session, row, invitation_id, actor=actor, now=now
            )
            site = row.site_id
        return RedirectResponse(f"/companies?site={site}", status_code=303)

    @routes.post("/companies/{company_id}/people/{person_id}/end")
    def end_person(visit: SignedInVisit, company_id: UUID, person_id: UUID) -> Response:
        now, actor = visit.parts.clock.now(), Actor.person(visit.caller.person_id)
        with visit.parts.database.write() as session:
            row = companies.find_company(session, visit.caller, company_id)
            companies.end_company_person(session, row, person_id, actor=actor, now=now)
            site = row.site_id
        return RedirectResponse(f"/companies?site={site}", status_code=303)


def _page(
    forms: Forms,
    request: Request,
    secret: str,
    status: int = 200,
    name: str = "",
    login: str = "",
    problem: str = "",
) -> Response:
    parts, reader = parts_of(request), guest_reader(request)
    with parts.database.read() as session:
        now = parts.clock.now()
        _, company, site = company_accounts.open_company_invitation(session, secret, now=now)
        shown = {"company": company.name, "place": dict(site.name)}
    return forms.page(
        "sign_in/join_company.html",
        request,
        status,
        action=f"/join/company/{secret}",
        own_name=name,
        login=login,
        problem=reader.translate(problem) if problem else "",
        **shown,
    )


def _add_joining(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/join/company/{secret}")
    def show(secret: str, request: Request, colleague: Colleague) -> Response:
        if colleague is None:
            return _page(forms, request, secret)
        parts = parts_of(request)
        with parts.database.read() as session:
            now = parts.clock.now()
            _, company, site = company_accounts.open_company_invitation(session, secret, now=now)
            known = {one.id for one in companies.companies_of(session, colleague.person_id)}
        return forms.page(
            "sign_in/add_company.html",
            request,
            company=company.name,
            place=dict(site.name),
            is_known=company.id in known,
            own_name=colleague.name,
            action=f"/join/company/{secret}/add",
            own_csrf=csrf_token(request.cookies.get(SESSION_COOKIE, "")),
        )

    @routes.post("/join/company/{secret}/add")
    def add(secret: str, visit: SignedInVisit) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            company_accounts.add_company(session, secret, visit.caller.person_id, now=now)
        return RedirectResponse("/jobs", status_code=303)

    @routes.post("/join/company/{secret}")
    def join(
        secret: str,
        request: Request,
        name: Annotated[str, Form()] = "",
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        if not is_own_form(request, csrf):
            return _page(forms, request, secret, 403, name, login, FORGED)
        _require_invitation(request, secret)
        try:
            joined = _joined(request, secret, name, login, password)
        except Conflict:
            return _page(forms, request, secret, 409, name, login, TAKEN)
        except Invalid as error:
            weak = any(problem.startswith("password") for problem in error.problems)
            return _page(forms, request, secret, 422, name, login, WEAK if weak else UNUSABLE)
        return welcome(request, joined, "/jobs")


def _require_invitation(request: Request, secret: str) -> None:
    """NotFound without one, before anything is hashed for whoever asks; counts the try."""
    parts = parts_of(request)
    with parts.database.read() as session:
        company_accounts.open_company_invitation(session, secret, now=parts.clock.now())
    count_joining(request, secret)


def _joined(request: Request, secret: str, name: str, login: str, password: str) -> str:
    """Join; returns the secret of the first session."""
    parts = parts_of(request)
    now = parts.clock.now()
    account = accounts.new_password(login, password)
    locale = guest_reader(request).language
    name = people.name_of(name)
    with parts.database.write() as session:
        person_id = company_accounts.join_company(session, secret, name, locale, account, now=now)
        return sessions.begin(session, person_id, by="invitation", now=now)
