"""One's own account: name, language, password, sessions."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import SESSION_COOKIE
from core import accounts, second_factor
from core.accounts import (
    has_password,
    login_by_person,
    new_password,
    set_password,
)
from core.errors import Invalid
from core.identity import find_link
from core.limits import Limit
from core.people import rename
from core.pins import pin_of
from core.sessions import came_by_link, end_others, open_sessions
from rules.wording import worded
from web.guests import limit
from web.languages import known, mark
from web.page_route import PageRoute
from web.pages.notices import reaching
from web.pages.push import pushing
from web.templating import Templates
from web.visit import SignedInVisit, Visit

DONE = {
    "reaching": mark("Saved. The test in your inbox shows whether it works."),
    "saved": mark("Saved."),
    "password": mark("The password is set. Your other sessions have ended."),
    "push": mark("This device is told from now on. The test in your inbox shows whether it works."),
    "push_removed": mark("That device is told no more."),
    "second_factor": mark("The second factor is off."),
    "linked": mark("Linked. From now on it signs you in."),
    "unlinked": mark("Unlinked. It does not sign you in any more."),
    "pin": mark("The PIN is set. It signs you in on guards' phones."),
    "sessions": mark("You are signed out everywhere else."),
}
HOUR = timedelta(hours=1)
CHANGED = 20
# What a test shows, which only who works here has.
TESTED = ("reaching", "push")


def router(templates: Templates) -> APIRouter:
    """The routes of one's own account."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account")
    def show(visit: SignedInVisit, request: Request, done: str = "") -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        if visit.caller.is_outside and done in TESTED:
            done = "saved"
        with visit.parts.database.read() as session:
            login = login_by_person(session, person)
            has_one = has_password(session, person)
            sessions = open_sessions(session, person, now=now)
            by_link = came_by_link(
                session, person, request.cookies.get(SESSION_COOKIE, ""), now=now
            )
            on = second_factor.is_on(session, person)
            left = second_factor.codes_left(session, person)
            has_pin = pin_of(session, person) is not None
            identity = find_link(session, person, visit.parts.provider.issuer)
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
            push=pushing(visit, request),
            provider=visit.parts.provider.label,
            identity=identity,
            has_pin=has_pin,
        )

    _add_changes(routes)
    return routes


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/account")
    def change(
        visit: SignedInVisit, name: Annotated[str, Form()] = "", locale: Annotated[str, Form()] = ""
    ) -> Response:
        language = known(locale)
        if language is None:
            raise Invalid(
                worded(mark("nothing was changed")), problems=[worded(mark("locale: en or zh"))]
            )
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            rename(session, visit.caller.person_id, name, language, now=now)
        # The page follows the choice at once, whatever the language switch said before.
        return back_to_account("saved", language)

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
            by_link = came_by_link(session, person, kept, now=now)
        if has_one and not by_link:
            require_password(visit, request, present)
        # Whether a login is taken is said to whoever wants it.
        limit(request, Limit("password", (str(person),), CHANGED, HOUR))
        given = new_password(login, password)
        with database.write() as session:
            set_password(session, person, given, now=now)
            end_others(session, person, kept, now=now)
        return back_to_account("password")

    @routes.post("/account/sessions/end")
    def end_elsewhere(visit: SignedInVisit, request: Request) -> Response:
        kept = request.cookies.get(SESSION_COOKIE, "")
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            end_others(session, visit.caller.person_id, kept, now=now)
        return back_to_account("sessions")


def require_password(visit: Visit, request: Request, present: str) -> None:
    """NotAllowed unless this is the person's present password; TooManyTries for who guesses."""
    person, now = visit.caller.person_id, visit.parts.clock.now()
    address = request.client.host if request.client else ""
    accounts.require_password(visit.parts.database, person, present, address, now=now)


def back_to_account(done: str, language: str = "") -> Response:
    """To one's account, which says what was done; see DONE."""
    chosen = f"&lang={language}" if language else ""
    return RedirectResponse(f"/account?done={done}{chosen}", status_code=303)
