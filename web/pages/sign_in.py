"""Signing in, by password or by a one-time link; joining by an invitation; and out again."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core import accounts, invitations, people
from core.errors import Conflict, Invalid, NotAllowed, NotSignedIn, TooManyTries
from core.places import node_name
from web.languages import mark
from web.live import LiveFeed
from web.page_route import PageRoute, error_page, is_secure
from web.templating import Templates
from web.visit import SignedInVisit, guest_reader

# Before there is a session, this cookie ties the form to the browser that was shown it.
VISITOR_COOKIE = "wk_visitor"
VISITOR_SECONDS = 3600
# Between the password and the code.
HALF_COOKIE = "wk_half"
HALF_SECONDS = int(people.CREDENTIAL_LIFETIME["half"].total_seconds())
SESSION_SECONDS = int(people.CREDENTIAL_LIFETIME["session"].total_seconds())
WRONG = mark("Login or password are wrong. Try again, letter by letter.")
WRONG_CODE = mark("This code is not right, or was used before. Wait for the next one.")
LOCKED = mark("Too many wrong tries. Try again at %(time)s.")
FORGED = mark("This form is too old. Send it again.")
TAKEN = mark("This login is taken. Choose another one.")
WEAK = mark(
    "This password is guessed too easily. Take at least 12 characters; three words will do."
)
UNUSABLE = mark("Name or login can't be used. A login has 2 to 80 characters and no space.")


def _is_own_form(request: Request, token: str) -> bool:
    visitor = request.cookies.get(VISITOR_COOKIE, "")
    return bool(visitor) and hmac.compare_digest(csrf_token(visitor).encode(), token.encode())


def _require_own_form(request: Request, token: str) -> None:
    if not _is_own_form(request, token):
        raise NotAllowed(
            "this request does not come from a page of ours",
            advice="Open the sign-in link again.",
        )


def _redeemed(request: Request, secret: str) -> str:
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.write() as session:
        person_id = people.redeem_link(session, secret, now=now)
        return people.issue(session, person_id, "session", now=now, label=people.BY_LINK)


def _welcome(request: Request, session_secret: str) -> Response:
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        session_secret,
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    answer.delete_cookie(VISITOR_COOKIE)
    return answer


class _Forms:
    """Pages with a form for somebody who is not signed in yet."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def page(self, template: str, request: Request, status: int = 200, **context: Any) -> Response:
        """The page, whose form only the browser that was shown it can send."""
        visitor = request.cookies.get(VISITOR_COOKIE) or secrets.token_urlsafe(24)
        reader = guest_reader(request)
        text = self._templates.render(template, reader, csrf=csrf_token(visitor), **context)
        page = HTMLResponse(text, status)
        page.set_cookie(
            VISITOR_COOKIE,
            visitor,
            max_age=VISITOR_SECONDS,
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
        )
        return page

    def sign_in(
        self, request: Request, status: int = 200, *, login: str = "", problem: str = ""
    ) -> Response:
        """The sign-in page, with what was wrong the last time."""
        return self.page("sign_in/how.html", request, status, login=login, problem=problem)

    def join(
        self,
        request: Request,
        secret: str,
        status: int = 200,
        *,
        name: str = "",
        login: str = "",
        problems: Sequence[str] = (),
    ) -> Response:
        """The page of an invitation. Raises NotFound when it can't be used any more."""
        parts = parts_of(request)
        with parts.database.read() as session:
            row = invitations.open_invitation(session, secret, now=parts.clock.now())
            place = node_name(session, row.node_id)
        return self.page(
            "sign_in/join.html",
            request,
            status,
            role=row.role,
            place=place,
            action=f"/join/{secret}",
            own_name=name,
            login=login,
            problems=[guest_reader(request).translate(problem) for problem in problems],
        )


def router(templates: Templates, live: LiveFeed) -> APIRouter:
    """The routes of signing in, joining and signing out."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    forms = _Forms(templates)
    _add_password(routes, forms)
    # Before the links, whose address would take it for one.
    _add_code(routes, forms)
    _add_links(routes, forms)
    _add_joining(routes, forms)

    @routes.post("/sign-out")
    def sign_out(visit: SignedInVisit, request: Request) -> Response:
        secret = request.cookies.get(SESSION_COOKIE, "")
        with visit.parts.database.write() as session:
            people.end_credential(session, secret, now=visit.parts.clock.now())
        live.drop(visit.caller.person_id)
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return routes


def _add_password(routes: APIRouter, forms: _Forms) -> None:
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
        if not _is_own_form(request, csrf):
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
        if signed_in.needs_code:
            return _ask_code(request, signed_in.secret)
        return _welcome(request, signed_in.secret)


def _ask_code(request: Request, half: str) -> Response:
    answer = RedirectResponse("/sign-in/code", status_code=303)
    answer.set_cookie(
        HALF_COOKIE,
        half,
        max_age=HALF_SECONDS,
        path="/sign-in",
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )
    return answer


def _add_code(routes: APIRouter, forms: _Forms) -> None:
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
        if _is_own_form(request, csrf):
            try:
                now = parts.clock.now()
                secret = accounts.finish_sign_in(parts.database, half, code, now=now)
            except Invalid:
                status, problem = 401, reader.translate(WRONG_CODE)
            except TooManyTries as error:
                until = reader.at(_zone(request)).clock(error.until)
                status, problem = 429, reader.translate(LOCKED, time=until)
            else:
                answer = _welcome(request, secret)
                answer.delete_cookie(HALF_COOKIE, path="/sign-in")
                return answer
        return forms.page("sign_in/code.html", request, status, problem=problem)


def _zone(request: Request) -> str:
    """Where nobody is signed in nobody's site is known; the company's first one will do."""
    with parts_of(request).database.read() as session:
        return people.first_time_zone(session)


def _add_links(routes: APIRouter, forms: _Forms) -> None:
    @routes.get("/sign-in/{secret}")
    def show_link(secret: str, request: Request) -> Response:
        return forms.page("sign_in/link.html", request, action=f"/sign-in/{secret}")

    @routes.post("/sign-in/{secret}")
    def redeem(secret: str, request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        _require_own_form(request, csrf)
        try:
            return _welcome(request, _redeemed(request, secret))
        except NotSignedIn as error:
            return error_page(request, error)


def _add_joining(routes: APIRouter, forms: _Forms) -> None:
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
        if not _is_own_form(request, csrf):
            return forms.join(request, secret, 403, name=name, login=login, problems=[FORGED])
        try:
            return _welcome(request, _joined(request, secret, name, login, password))
        except Conflict:
            return forms.join(request, secret, 409, name=name, login=login, problems=[TAKEN])
        except Invalid as error:
            weak = any(problem.startswith("password") for problem in error.problems)
            problems = [WEAK if weak else UNUSABLE]
            return forms.join(request, secret, 422, name=name, login=login, problems=problems)


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
        return people.issue(session, person_id, "session", now=now, label="console")
