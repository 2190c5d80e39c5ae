"""The first pages of an installation, and the one that sets a clock which can't be right."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import parts_of
from core import doorstep, sessions
from core.accounts import new_password
from core.doorstep import Beginning, Doorstep
from core.errors import Conflict, Invalid, NotAllowed, NotFound, TooManyTries
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.doorway import FORGED, Forms, is_own_form, welcome
from web.templating import Templates
from web.visit import guest_reader

WRONG = mark("This is not the code on the screen of the machine. After five wrong ones it changes.")
TOO_FAST = mark("One code a second. Try again.")
WEAK = mark("This login or password can't be used: at least 12 characters, not guessed easily.")
LACKING = mark("Something is missing: names of 1 to 80 characters, a code, a time zone.")
NO_TIME = mark("That is no time from 2025 to 2099.")
BY_HAND = mark("Nobody here sets the clock. Run the command below as root.")
EMPTY = dict.fromkeys(("company", "site", "name", "login"), "") | {
    "code": "site-1",
    "time_zone": "Asia/Shanghai",
}


def doorstep_of(request: Request) -> Doorstep:
    """The doorstep of the product that answers. NotFound where there is none: one role of many."""
    found = getattr(request.app.state, "doorstep", None)
    if not isinstance(found, Doorstep):
        raise NotFound(worded(mark("there is no such page")))
    return found


def router(templates: Templates) -> APIRouter:
    """The routes of the doorstep."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    forms = Forms(templates)
    _add_beginning(routes, forms)
    _add_clock(routes, forms)
    return routes


def _problem(request: Request, code: str, csrf: str) -> tuple[int, str] | None:
    """What is wrong with who sends a form: status and words; None for whoever has the code."""
    if not is_own_form(request, csrf):
        return 403, FORGED
    try:
        doorstep_of(request).require_code(code)
    except NotAllowed:
        return 403, WRONG
    except TooManyTries:
        return 429, TOO_FAST
    return None


def _add_beginning(routes: APIRouter, forms: Forms) -> None:
    def page(
        request: Request, status: int = 200, problem: str = "", kept: dict[str, str] | None = None
    ) -> Response:
        zones = sorted(name for name in available_timezones() if "/" in name and name[0] != "p")
        return forms.page(
            "first_boot/begin.html",
            request,
            status,
            problem=guest_reader(request).translate(problem) if problem else "",
            kept=kept or EMPTY,
            zones=zones,
            now=parts_of(request).clock.now(),
        )

    @routes.get("/first-boot")
    def ask(request: Request) -> Response:
        standing = doorstep_of(request)
        if not standing.state.is_new:
            return RedirectResponse("/sign-in", status_code=303)
        return page(request)

    @routes.post("/first-boot")
    def begin(
        request: Request,
        boot_code: Annotated[str, Form()] = "",
        company: Annotated[str, Form()] = "",
        site: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        time_zone: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        login: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        kept = {"company": company, "site": site, "code": code, "time_zone": time_zone}
        kept |= {"name": name, "login": login}
        wrong = _problem(request, boot_code, csrf)
        if wrong is not None:
            return page(request, *wrong, kept)
        try:
            account = new_password(login, password)
        except Invalid:
            return page(request, 422, WEAK, kept)
        locale = guest_reader(request).language
        wanted = Beginning(company, site, code, time_zone, name, locale, account)
        try:
            secret = _begun(request, wanted)
        except Conflict:
            return RedirectResponse("/sign-in", status_code=303)
        except Invalid:
            return page(request, 422, LACKING, kept)
        doorstep_of(request).look()
        return welcome(request, secret)


def _begun(request: Request, wanted: Beginning) -> str:
    """Set the installation up; returns the secret of the administrator's first session."""
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.write() as session:
        person = doorstep.begin(session, wanted, now)
        return sessions.begin(session, person.id, by="invitation", now=now)


def _add_clock(routes: APIRouter, forms: Forms) -> None:
    def page(request: Request, status: int = 200, problem: str = "") -> Response:
        standing = doorstep_of(request)
        return forms.page(
            "first_boot/clock.html",
            request,
            status,
            problem=guest_reader(request).translate(problem) if problem else "",
            doubt=standing.state.doubt,
            can_set=standing.can_set_clock,
            is_new=standing.state.is_new,
            now=parts_of(request).clock.now(),
        )

    @routes.get("/clock")
    def show(request: Request) -> Response:
        return page(request)

    @routes.post("/clock")
    def change(
        request: Request,
        boot_code: Annotated[str, Form()] = "",
        moment: Annotated[str, Form()] = "",
        typed: Annotated[str, Form()] = "",
        action: Annotated[str, Form()] = "set",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        wrong = _problem(request, boot_code, csrf)
        if wrong is not None:
            return page(request, *wrong)
        standing = doorstep_of(request)
        if action == "accept":
            standing.accept_clock()
            return RedirectResponse("/clock", status_code=303)
        try:
            standing.set_clock(_seconds(moment, typed))
        except Invalid:
            return page(request, 422, NO_TIME)
        except Conflict:
            return page(request, 409, BY_HAND)
        return RedirectResponse("/clock?set=yes", status_code=303)


def _seconds(moment: str, typed: str) -> int:
    """The Unix time of a form: what was typed (UTC), else what the device's own clock said."""
    try:
        if typed:
            return int(datetime.fromisoformat(typed).replace(tzinfo=UTC).timestamp())
        return int(moment)
    except ValueError:
        raise Invalid(
            worded(mark("that is no time")), problems=[worded(mark("moment: a time"))]
        ) from None
