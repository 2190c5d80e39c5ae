"""One's own account: name, language, password, sessions."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE
from core import second_factor
from core.accounts import (
    has_password,
    is_password_of,
    login_by_person,
    new_password,
    set_password,
)
from core.errors import Conflict, Invalid, NotAllowed
from core.people import came_by_link, end_other_sessions, open_sessions, rename
from web.languages import known, mark
from web.page_route import PageRoute
from web.pages.notices import reaching
from web.templating import Templates
from web.visit import SignedInVisit, Visit

DONE = {
    "reaching": mark("Saved. The test in your inbox shows whether it works."),
    "saved": mark("Saved."),
    "password": mark("The password is set. Your other sessions have ended."),
    "second_factor": mark("The second factor is off."),
    "sessions": mark("You are signed out everywhere else."),
}


def router(templates: Templates) -> APIRouter:
    """The routes of one's own account."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account")
    def show(visit: SignedInVisit, request: Request, done: str = "") -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            login = login_by_person(session, person)
            has_one = has_password(session, person)
            sessions = open_sessions(session, person, now=now)
            by_link = came_by_link(session, request.cookies.get(SESSION_COOKIE, ""), now=now)
            on = second_factor.is_on(session, person)
            left = second_factor.codes_left(session, person)
        return templates.page(
            "account.html",
            visit,
            section="account",
            done=visit.reader.translate(DONE[done]) if done in DONE else "",
            language=known(visit.caller.locale) or "en",
            own_login=login,
            has_password=has_one,
            needs_present=has_one and not by_link,
            second_factor=on,
            codes=left,
            sessions=sessions,
            reaching=reaching(visit),
        )

    _add_changes(routes)
    _add_second_factor(routes, templates)
    return routes


def _add_second_factor(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/account/second-factor")
    def begin(visit: SignedInVisit) -> Response:
        person = visit.caller.person_id
        with visit.parts.database.write() as session:
            account = login_by_person(session, person)
            if account is None or not has_password(session, person):
                raise Conflict("you have no password yet", advice="Set a password first.")
            secret, uri = second_factor.begin(session, person, account)
        return _show_secret(templates, visit, secret, uri)

    @routes.post("/account/second-factor/confirm")
    def confirm(visit: SignedInVisit, code: Annotated[str, Form()] = "") -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            codes = second_factor.confirm(session, visit.caller.person_id, code, now=now)
        return templates.page("account/recovery.html", visit, section="account", codes=codes)

    @routes.post("/account/second-factor/end")
    def end(visit: SignedInVisit, present: Annotated[str, Form()] = "") -> Response:
        person, database = visit.caller.person_id, visit.parts.database
        if not is_password_of(database, person, present):
            raise NotAllowed("the present password is wrong", advice="Type it again.")
        with database.write() as session:
            second_factor.turn_off(session, person, now=visit.parts.clock.now())
        return _back("second_factor")


def _show_secret(templates: Templates, visit: Visit, secret: str, uri: str) -> Response:
    code = segno.make(uri, error="m").svg_data_uri(scale=6, border=2)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return templates.page(
        "account/second_factor.html", visit, section="account", qr=code, secret=groups
    )


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/account")
    def change(
        visit: SignedInVisit, name: Annotated[str, Form()] = "", locale: Annotated[str, Form()] = ""
    ) -> Response:
        language = known(locale)
        if language is None:
            raise Invalid("nothing was changed", problems=["locale: en or zh"])
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            rename(session, visit.caller.person_id, name, language, now=now)
        # The page follows the choice at once, whatever the language switch said before.
        return _back("saved", language)

    @routes.post("/account/password")
    def password(
        visit: SignedInVisit,
        request: Request,
        login: Annotated[str, Form()] = "",
        present: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
    ) -> Response:
        person, database = visit.caller.person_id, visit.parts.database
        kept, now = request.cookies.get(SESSION_COOKIE, ""), visit.parts.clock.now()
        with database.read() as session:
            has_one = has_password(session, person)
            by_link = came_by_link(session, kept, now=now)
        if has_one and not by_link and not is_password_of(database, person, present):
            raise NotAllowed("the present password is wrong", advice="Type it again.")
        given = new_password(login, password)
        with database.write() as session:
            set_password(session, person, given, now=now)
            end_other_sessions(session, person, kept, now=now)
        return _back("password")

    @routes.post("/account/sessions/end")
    def end_others(visit: SignedInVisit, request: Request) -> Response:
        kept = request.cookies.get(SESSION_COOKIE, "")
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            end_other_sessions(session, visit.caller.person_id, kept, now=now)
        return _back("sessions")


def _back(done: str, language: str = "") -> Response:
    chosen = f"&lang={language}" if language else ""
    return RedirectResponse(f"/account?done={done}{chosen}", status_code=303)
