"""Signing in by a one-time link, and out again."""

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.deps import SESSION_COOKIE, csrf_token, parts_of
from core import people
from core.errors import NotAllowed, NotSignedIn
from web.live import LiveFeed
from web.page_route import PageRoute, error_page, is_secure
from web.templating import Templates
from web.visit import SignedInVisit, guest_reader

# Before there is a session, this cookie ties the form to the browser that was shown it.
VISITOR_COOKIE = "wk_visitor"
VISITOR_SECONDS = 900
SESSION_SECONDS = int(people.CREDENTIAL_LIFETIME["session"].total_seconds())


def _require_own_form(request: Request, token: str) -> None:
    visitor = request.cookies.get(VISITOR_COOKIE, "")
    if not visitor or not hmac.compare_digest(csrf_token(visitor).encode(), token.encode()):
        raise NotAllowed(
            "this request does not come from a page of ours",
            advice="Open the sign-in link again.",
        )


def _start_session(request: Request, secret: str) -> str:
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.write() as session:
        person_id = people.redeem_link(session, secret, now=now)
        return people.issue(session, person_id, "session", now=now, label="console")


def router(templates: Templates, live: LiveFeed) -> APIRouter:
    """The routes of signing in and out."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/sign-in")
    def how(request: Request) -> Response:
        return HTMLResponse(templates.render("sign_in/how.html", guest_reader(request)))

    @routes.get("/sign-in/{secret}")
    def show_link(secret: str, request: Request) -> Response:
        visitor = request.cookies.get(VISITOR_COOKIE) or secrets.token_urlsafe(24)
        page = HTMLResponse(
            templates.render(
                "sign_in/link.html",
                guest_reader(request),
                csrf=csrf_token(visitor),
                action=f"/sign-in/{secret}",
            )
        )
        page.set_cookie(
            VISITOR_COOKIE,
            visitor,
            max_age=VISITOR_SECONDS,
            path="/sign-in",
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
        )
        return page

    @routes.post("/sign-in/{secret}")
    def redeem(secret: str, request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        _require_own_form(request, csrf)
        try:
            session_secret = _start_session(request, secret)
        except NotSignedIn as error:
            return error_page(request, error)
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            SESSION_COOKIE,
            session_secret,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
        return answer

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
