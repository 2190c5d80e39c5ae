"""One's own API tokens: for programs that act in one's name."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.callers import end_token, make_token, tokens_of
from core.errors import Invalid, NotFound
from core.people import Caller
from core.permissions import READ
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit
from web.words import PERMISSION

DAYS = (30, 90, 365)


def _held(caller: Caller) -> list[str]:
    """The permissions that the caller holds somewhere, as the table lists them."""
    return [name for name in PERMISSION if caller.sites_for(name) or name in caller.company_wide]


def _scope(caller: Caller, extent: str, chosen: list[str]) -> list[str] | None:
    if extent == "all":
        return None
    held = _held(caller)
    return [name for name in held if name in (READ if extent == "read" else chosen)]


def router(templates: Templates) -> APIRouter:
    """The routes of one's own tokens."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account/tokens")
    def show(visit: SignedInVisit) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            tokens = tokens_of(session, visit.caller.person_id, now=now)
        return templates.page(
            "account/tokens.html",
            visit,
            section="account",
            tokens=tokens,
            days=DAYS,
            held=_held(visit.caller),
        )

    @routes.post("/account/tokens")
    def make(
        visit: SignedInVisit,
        label: Annotated[str, Form()] = "",
        days: Annotated[str, Form()] = "",
        extent: Annotated[str, Form()] = "read",
        permission: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        name = " ".join(label.split())
        if not 1 <= len(name) <= 80 or days not in {str(each) for each in DAYS}:
            raise Invalid(
                worded(mark("no token was made")),
                problems=[worded(mark("name: 1 to 80 characters")), worded(mark("days"))],
            )
        with visit.parts.database.write() as session:
            facts, secret = make_token(
                session,
                visit.caller,
                label=name,
                lifetime=timedelta(days=int(days)),
                scope=_scope(visit.caller, extent, permission or []),
                now=visit.parts.clock.now(),
            )
        return templates.page(
            "account/token.html", visit, section="account", token=facts, secret=secret
        )

    @routes.post("/account/tokens/{token_id}/end")
    def end(visit: SignedInVisit, token_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            if not end_token(session, visit.caller.person_id, token_id, now=now):
                raise NotFound(
                    worded(mark("you have no such token")),
                    advice=worded(mark("It may have ended by itself.")),
                )
        return RedirectResponse("/account/tokens", status_code=303)

    return routes
