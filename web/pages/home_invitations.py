"""Inviting people of households to an account, on paper or by a link, and joining by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core import accounts, home_accounts, households, people, sessions
from core.errors import Conflict, Invalid
from core.home_accounts import LIFETIME
from core.households import Contact
from core.limits import Limit
from core.people import Caller
from core.places import Node
from rules.wording import worded
from web.guests import Colleague, limit
from web.languages import mark
from web.page_route import PageRoute
from web.pages.doorway import FORGED, Forms, is_own_form, welcome
from web.pages.sign_in import WEAK
from web.templating import Templates
from web.visit import SignedInVisit, Visit, guest_reader, own_address
from workflows import customers

HAS_ACCOUNT = mark("This number has an account already. Sign in, then open this page again.")
UNKNOWN_PHONE = mark("The property office has another number of you. Ask them to change it.")
NO_PHONE = mark("Write the phone number in digits.")
HOUR = timedelta(hours=1)
TRIES = 10


@dataclass(frozen=True, slots=True)
class Slip:
    """An invitation as it is handed over: to whom, to which home, and how to open it."""

    contact: Contact
    home: dict[str, str]
    link: str
    qr: str


def router(templates: Templates) -> APIRouter:
    """The routes of inviting and joining."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_inviting(routes, templates)
    _add_joining(routes, Forms(templates))
    return routes


def _slip(request: Request, made: customers.Slip) -> Slip:
    way = "/join/home" if made.joins else "/sign-in"
    link = f"{own_address(request)}{way}/{made.secret}"
    qr = segno.make(link, error="m").svg_data_uri(scale=8, border=2)
    return Slip(made.contact, made.home, link, qr)


def _add_inviting(routes: APIRouter, templates: Templates) -> None:
    def page(
        visit: Visit, request: Request, made: Sequence[customers.Slip], space_id: UUID, zone: str
    ) -> Response:
        return templates.page(
            "home/invited.html",
            visit.at(zone),
            slips=[_slip(request, each) for each in made],
            fresh=all(each.joins for each in made),
            ends_at=visit.parts.clock.now() + LIFETIME,
            back=f"/spaces/{space_id}",
        )

    @routes.post("/residents/{resident_id}/invite")
    def invite(visit: SignedInVisit, request: Request, resident_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            made = customers.invite_or_let_in(session, visit.caller, resident_id, now=now)
            zone = session.get_one(Node, made.contact.site_id).time_zone
        return page(visit, request, [made], made.contact.space_id, zone)

    @routes.post("/spaces/{space_id}/invitations")
    def invite_all(visit: SignedInVisit, request: Request, space_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            space, made = customers.invite_household(session, visit.caller, space_id, now=now)
            zone = session.get_one(Node, space.site_id).time_zone
        return page(visit, request, made, space_id, zone)


def _page(
    forms: Forms,
    request: Request,
    secret: str,
    status: int = 200,
    login: str = "",
    problem: str = "",
) -> Response:
    parts, reader = parts_of(request), guest_reader(request)
    with parts.database.read() as session:
        now = parts.clock.now()
        invited = home_accounts.open_home_invitation(session, secret, now=now)
        shown = {"home": dict(invited.space.name), "place": dict(invited.site.name)}
    return forms.page(
        "sign_in/join_home.html",
        request,
        status,
        action=f"/join/home/{secret}",
        login=login,
        problem=reader.translate(problem) if problem else "",
        **shown,
    )


def _adding(
    forms: Forms,
    request: Request,
    secret: str,
    caller: Caller,
    status: int = 200,
    problem: str = "",
) -> Response:
    """The page of an invitation for somebody who has an account."""
    parts, reader = parts_of(request), guest_reader(request)
    with parts.database.read() as session:
        now = parts.clock.now()
        invited = home_accounts.open_home_invitation(session, secret, now=now)
    return forms.page(
        "sign_in/add_home.html",
        request,
        status,
        home=dict(invited.space.name),
        place=dict(invited.site.name),
        own_name=caller.name,
        action=f"/join/home/{secret}/add",
        own_csrf=csrf_token(request.cookies.get(SESSION_COOKIE, "")),
        problem=reader.translate(problem) if problem else "",
    )


def _add_joining(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/join/home/{secret}")
    def show(secret: str, request: Request, colleague: Colleague) -> Response:
        if colleague is None:
            return _page(forms, request, secret)
        return _adding(forms, request, secret, colleague)

    @routes.post("/join/home/{secret}/add")
    def add(secret: str, visit: SignedInVisit, request: Request) -> Response:
        _count_try(request, secret)
        try:
            with visit.parts.database.write() as session:
                now = visit.parts.clock.now()
                home_accounts.add_home(session, secret, visit.caller.person_id, now=now)
                customers.keep_by_phone(session, visit.caller.person_id, now=now)
        except Invalid:
            # Their login can't be written anew here, whatever is wrong with it.
            return _adding(forms, request, secret, visit.caller, 422, UNKNOWN_PHONE)
        return RedirectResponse("/home", status_code=303)

    @routes.post("/join/home/{secret}")
    def join(
        secret: str,
        request: Request,
        phone: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        if not is_own_form(request, csrf):
            return _page(forms, request, secret, 403, phone, FORGED)
        _count_try(request, secret)
        try:
            return welcome(request, _joined(request, secret, phone, password), "/home")
        except Conflict:
            return _page(forms, request, secret, 409, phone, HAS_ACCOUNT)
        except Invalid as error:
            return _page(forms, request, secret, 422, phone, _why(error))


def _count_try(request: Request, secret: str) -> None:
    """Whoever found the paper has few tries to guess the number that goes with it.

    NotFound where no paper says that: nothing is written for what anybody makes up.
    """
    parts = parts_of(request)
    with parts.database.read() as session:
        home_accounts.open_home_invitation(session, secret, now=parts.clock.now())
    limit(request, Limit("join", (people.hash_secret(secret),), TRIES, HOUR))


def _why(error: Invalid) -> str:
    if any(problem.startswith("phone: not") for problem in error.problems):
        return UNKNOWN_PHONE
    weak = any(problem.startswith("password") for problem in error.problems)
    return WEAK if weak else NO_PHONE


def _joined(request: Request, secret: str, phone: str, password: str) -> str:
    """Join; returns the secret of the first session."""
    parts = parts_of(request)
    now = parts.clock.now()
    number = households.phone_of(phone)
    if number is None:
        raise Invalid(
            worded(mark("you have not joined")),
            problems=[worded(mark("phone: digits, such as 138 0013 8000"))],
        )
    account = accounts.new_password(number, password)
    locale = guest_reader(request).language
    with parts.database.write() as session:
        person_id = home_accounts.join_home(session, secret, account, locale, now=now)
        customers.keep_by_phone(session, person_id, now=now)
        return sessions.begin(session, person_id, by="invitation", now=now)
