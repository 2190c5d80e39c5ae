"""The doorway: forms for somebody who is not signed in yet, and the cookies that they get."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.deps import csrf_token, is_csrf_token, parts_of, set_session_cookie
from core import invitations, people
from core.accounts import SignedIn
from core.errors import NotAllowed
from core.limits import Limit
from core.places import node_name
from rules.wording import worded
from web.guests import limit
from web.languages import mark
from web.page_route import is_secure
from web.templating import Templates
from web.visit import guest_reader

# Before there is a session, this cookie ties the form to the browser that was shown it.
VISITOR_COOKIE = "wk_visitor"
VISITOR_SECONDS = 3600
# Between the password and the code.
HALF_COOKIE = "wk_half"
HALF_SECONDS = int(people.CREDENTIAL_LIFETIME["half"].total_seconds())
HOUR = timedelta(hours=1)
JOINING = 30
FORGED = mark("This form is too old. Send it again.")
UNUSABLE = mark("Name or login can't be used. A login has 2 to 80 characters and no space.")


def is_own_form(request: Request, token: str) -> bool:
    """Whether a form comes from a page that this browser was shown."""
    visitor = request.cookies.get(VISITOR_COOKIE, "")
    return bool(visitor) and is_csrf_token(token, visitor)


def require_own_form(request: Request, token: str) -> None:
    """NotAllowed for a form that does not come from a page of ours."""
    if not is_own_form(request, token):
        raise NotAllowed(
            worded(mark("this request does not come from a page of ours")),
            advice=worded(mark("Open the sign-in link again.")),
        )


def welcome(request: Request, session_secret: str, address: str = "/") -> Response:
    """Send somebody who has just signed in on their way."""
    answer = RedirectResponse(address, status_code=303)
    set_session_cookie(answer, session_secret, secure=is_secure(request))
    answer.delete_cookie(VISITOR_COOKIE)
    return answer


def come_in(request: Request, signed_in: SignedIn) -> Response:
    """Welcome somebody who has shown who they are, or ask for the code of their second factor."""
    if not signed_in.needs_code:
        return welcome(request, signed_in.secret)
    answer = RedirectResponse("/sign-in/code", status_code=303)
    answer.set_cookie(
        HALF_COOKIE,
        signed_in.secret,
        max_age=HALF_SECONDS,
        path="/sign-in",
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )
    return answer


def count_joining(request: Request, secret: str) -> None:
    """Count a try to join by an invitation, which was found: each may take a password's hash, and
    says whether a login is taken. TooManyTries."""
    limit(request, Limit("join", (people.hash_secret(secret),), JOINING, HOUR))


class Forms:
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
        provider = parts_of(request).provider.label
        return self.page(
            "sign_in/how.html", request, status, login=login, problem=problem, provider=provider
        )

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
            provider=parts.provider.label,
            action=f"/join/{secret}",
            own_name=name,
            login=login,
            problems=[guest_reader(request).translate(problem) for problem in problems],
        )
