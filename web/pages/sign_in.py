"""Signing in, by password or by a one-time link; joining by an invitation; and out again."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE, parts_of
from core import accounts, invitations, people, sessions, sign_in_links
from core.errors import Conflict, Invalid, NotSignedIn, TooManyTries
from web.languages import mark
from web.page_route import PageRoute, error_page
from web.pages.doorway import (
    FORGED,
    HALF_COOKIE,
    UNUSABLE,
    Forms,
    come_in,
    count_joining,
    is_own_form,
    require_own_form,
    welcome,
)
from web.pages.identity import HINT_COOKIE, HINT_PATH, sign_out_there
from web.pages.push import forget_this_device
from web.templating import Templates
from web.visit import SettingUpVisit, guest_reader

WRONG = mark("Login or password are wrong. Try again, letter by letter.")
WRONG_CODE = mark("This code is not right, or was used before. Wait for the next one.")
LOCKED = mark("Too many wrong tries. Try again at %(time)s.")
TAKEN = mark("This login is taken. Choose another one.")
WEAK = mark(
    "This password is guessed too easily. Take at least 12 characters; three words will do."
)


def _redeemed(request: Request, secret: str) -> str:
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.write() as session:
        person_id = sign_in_links.redeem_link(session, secret, now=now)
        return sessions.begin(session, person_id, by="link", now=now, label=sessions.BY_LINK)


def router(templates: Templates) -> APIRouter:
    """The routes of signing in, joining and signing out."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    forms = Forms(templates)
    _add_password(routes, forms)
    # Before the links, whose address would take it for one.
    _add_code(routes, forms)
    _add_links(routes, forms)
    _add_joining(routes, forms)

    @routes.post("/sign-out")
    def sign_out(visit: SettingUpVisit, request: Request) -> Response:
        secret = request.cookies.get(SESSION_COOKIE, "")
        with visit.parts.database.write() as session:
            by_identity = sessions.came_by_identity(session, secret)
            sessions.end(session, secret, now=visit.parts.clock.now())
        # Asked after the transaction: the provider may take its time.
        onward = sign_out_there(templates, request) if by_identity else None
        answer = onward or RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(SESSION_COOKIE)
        forget_this_device(visit, request, answer)
        answer.delete_cookie(HINT_COOKIE, path=HINT_PATH)
        return answer

    return routes


def _add_password(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/sign-in")
    def ask(request: Request) -> Response:
        return forms.sign_in(request)

    @routes.post("/sign-in")
    def sign_in(
        request: Request,
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        parts, reader = parts_of(request), guest_reader(request)
        if not is_own_form(request, csrf):
            return forms.sign_in(request, 403, login=login, problem=reader.translate(FORGED))
        address = request.client.host if request.client else ""
        try:
            signed_in = accounts.sign_in(
                parts.database, login, password, address, now=parts.clock.now()
            )
        except NotSignedIn:
            return forms.sign_in(request, 401, login=login, problem=reader.translate(WRONG))
        except TooManyTries as error:
            until = reader.at(_zone(request)).clock(error.until)
            problem = reader.translate(LOCKED, time=until)
            return forms.sign_in(request, 429, login=login, problem=problem)
        return come_in(request, signed_in)


def _add_code(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/sign-in/code")
    def ask(request: Request) -> Response:
        if HALF_COOKIE not in request.cookies:
            return RedirectResponse("/sign-in", status_code=303)
        return forms.page("sign_in/code.html", request, problem="")

    @routes.post("/sign-in/code")
    def check(
        request: Request, code: Annotated[str, Form()] = "", csrf: Annotated[str, Form()] = ""
    ) -> Response:
        parts, reader = parts_of(request), guest_reader(request)
        half = request.cookies.get(HALF_COOKIE, "")
        status, problem = 403, reader.translate(FORGED)
        if is_own_form(request, csrf):
            try:
                now = parts.clock.now()
                secret = accounts.finish_sign_in(parts.database, parts.vault, half, code, now=now)
            except Invalid:
                status, problem = 401, reader.translate(WRONG_CODE)
            except TooManyTries as error:
                until = reader.at(_zone(request)).clock(error.until)
                status, problem = 429, reader.translate(LOCKED, time=until)
            else:
                answer = welcome(request, secret)
                answer.delete_cookie(HALF_COOKIE, path="/sign-in")
                return answer
        return forms.page("sign_in/code.html", request, status, problem=problem)


def _zone(request: Request) -> str:
    """Where nobody is signed in nobody's site is known; the company's first one will do."""
    with parts_of(request).database.read() as session:
        return people.first_time_zone(session)


def _add_links(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/sign-in/{secret}")
    def show_link(secret: str, request: Request) -> Response:
        return forms.page("sign_in/link.html", request, action=f"/sign-in/{secret}")

    @routes.post("/sign-in/{secret}")
    def redeem(secret: str, request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        require_own_form(request, csrf)
        try:
            return welcome(request, _redeemed(request, secret))
        except NotSignedIn as error:
            return error_page(request, error)


def _add_joining(routes: APIRouter, forms: Forms) -> None:
    @routes.get("/join/{secret}")
    def show(secret: str, request: Request) -> Response:
        return forms.join(request, secret)

    @routes.post("/join/{secret}")
    def join(
        secret: str,
        request: Request,
        name: Annotated[str, Form()] = "",
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        if not is_own_form(request, csrf):
            return forms.join(request, secret, 403, name=name, login=login, problems=[FORGED])
        _require_invitation(request, secret)
        try:
            return welcome(request, _joined(request, secret, name, login, password))
        except Conflict:
            return forms.join(request, secret, 409, name=name, login=login, problems=[TAKEN])
        except Invalid as error:
            weak = any(problem.startswith("password") for problem in error.problems)
            problems = [WEAK if weak else UNUSABLE]
            return forms.join(request, secret, 422, name=name, login=login, problems=problems)


def _require_invitation(request: Request, secret: str) -> None:
    """NotFound without one, before anything is hashed for whoever asks; counts the try."""
    parts = parts_of(request)
    with parts.database.read() as session:
        invitations.open_invitation(session, secret, now=parts.clock.now())
    count_joining(request, secret)


def _joined(request: Request, secret: str, name: str, login: str, password: str) -> str:
    """Join; returns the secret of the first session."""
    parts = parts_of(request)
    now = parts.clock.now()
    colleague = invitations.NewColleague(
        name=people.name_of(name),
        locale=guest_reader(request).language,
        account=accounts.new_password(login, password),
    )
    with parts.database.write() as session:
        person_id = invitations.join(session, secret, colleague, now=now)
        return sessions.begin(session, person_id, by="invitation", now=now)
