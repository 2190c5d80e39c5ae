"""One's own second factor: setting it up, by choice or before anything else, and turning it off."""

from typing import Annotated

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core import second_factor
from core.accounts import has_password, login_by_person, require_code
from core.errors import Invalid
from web.languages import mark
from web.page_route import PageRoute
from web.pages.account import back_to_account, require_password
from web.templating import Templates
from web.visit import SettingUpVisit, SignedInVisit, Visit

WRONG_CODE = mark("This code is not right. Type the six digits that the app shows now.")


def router(templates: Templates) -> APIRouter:
    """The routes of one's own second factor."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account/second-factor")
    def ask(visit: SettingUpVisit) -> Response:
        with visit.parts.database.read() as session:
            if second_factor.is_on(session, visit.caller.person_id):
                return RedirectResponse("/account", status_code=303)
        return templates.page("account/needed.html", visit, section="account")

    @routes.post("/account/second-factor")
    def begin(visit: SettingUpVisit) -> Response:
        person = visit.caller.person_id
        with visit.parts.database.write() as session:
            account = login_by_person(session, person) or visit.caller.name
            drawn = second_factor.begin(session, visit.parts.vault, person, account)
        return _show(templates, visit, drawn)

    @routes.post("/account/second-factor/confirm")
    def confirm(visit: SettingUpVisit, code: Annotated[str, Form()] = "") -> Response:
        person, vault, now = visit.caller.person_id, visit.parts.vault, visit.parts.clock.now()
        try:
            with visit.parts.database.write() as session:
                codes = second_factor.confirm(session, vault, person, code, now=now)
        except Invalid:
            return _again(templates, visit)
        onward = "/" if visit.caller.must_set_up else "/account"
        return templates.page(
            "account/recovery.html", visit, section="account", codes=codes, onward=onward
        )

    @routes.post("/account/second-factor/end")
    def end(
        visit: SignedInVisit,
        request: Request,
        present: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
    ) -> Response:
        person, database, now = (
            visit.caller.person_id,
            visit.parts.database,
            visit.parts.clock.now(),
        )
        with database.read() as session:
            has_one = has_password(session, person)
        if has_one:
            require_password(visit, request, present)
        else:
            require_code(database, visit.parts.vault, person, code, now=now)
        with database.write() as session:
            second_factor.turn_off(session, person, now=now)
        return back_to_account("second_factor")

    return routes


def _again(templates: Templates, visit: Visit) -> Response:
    """The same secret once more, for another code. Invalid when none waits."""
    person = visit.caller.person_id
    with visit.parts.database.read() as session:
        account = login_by_person(session, person) or visit.caller.name
        drawn = second_factor.drawn(session, visit.parts.vault, person, account)
    return _show(templates, visit, drawn, 422, visit.reader.translate(WRONG_CODE))


def _show(
    templates: Templates, visit: Visit, drawn: tuple[str, str], status: int = 200, problem: str = ""
) -> Response:
    secret, uri = drawn
    code = segno.make(uri, error="m").svg_data_uri(scale=6, border=2)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return templates.page(
        "account/second_factor.html",
        visit,
        status,
        section="account",
        qr=code,
        secret=groups,
        problem=problem,
    )
