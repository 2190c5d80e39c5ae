"""People without an account: their forms, and what their browser carries."""

import secrets
from typing import Annotated, cast

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from api.deps import CSRF_FIELD, SESSION_COOKIE, csrf_token, is_csrf_token, parts_of
from core.callers import Callers
from core.errors import NotAllowed, NotSignedIn
from core.limits import Limit, take
from core.people import Caller
from core.tries import network_of
from rules.wording import worded
from web.languages import mark
from web.page_route import is_secure
from web.templating import Templates
from web.visit import guest_reader

# Ties a form to the browser that was shown it: its token is derived from this cookie, so no other
# site can make one. Lax, because a link or a code opens the page from outside.
GUEST_COOKIE = "wk_guest"
GUEST_SECONDS = 24 * 3600
# The links of the jobs that somebody follows in this browser.
JOBS_COOKIE = "wk_jobs"
JOBS_SECONDS = 30 * 24 * 3600
MOST_JOBS = 5


def guest_page(
    templates: Templates,
    request: Request,
    name: str,
    *,
    zone: str | None = None,
    **context: object,
) -> HTMLResponse:
    """A page for anybody, whose forms only this browser can send. zone: of the site it is about."""
    guest = request.cookies.get(GUEST_COOKIE) or secrets.token_urlsafe(24)
    reader = guest_reader(request)
    reader = reader.at(zone) if zone else reader
    page = HTMLResponse(templates.render(name, reader, csrf=csrf_token(guest), **context))
    page.set_cookie(
        GUEST_COOKIE,
        guest,
        max_age=GUEST_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return page


async def require_own_form(request: Request) -> None:
    """NotAllowed for a form that no page of ours showed in this browser."""
    guest = request.cookies.get(GUEST_COOKIE, "")
    given = (await request.form()).get(CSRF_FIELD)
    written = given if isinstance(given, str) else ""
    if not guest or not is_csrf_token(written, guest):
        raise NotAllowed(
            worded(mark("this request does not come from a page of ours")),
            advice=worded(mark("Open the page again, then send it once more.")),
        )


OwnForm = Depends(require_own_form)


async def colleague_of(request: Request) -> Caller | None:
    """Who of ours is signed in in this browser; None for anybody else."""
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        return None
    callers = cast(Callers, request.app.state.callers)
    try:
        known = callers.remembered(secret, "session")
        return known or await run_in_threadpool(callers.identify, secret, "session")
    except NotSignedIn:
        return None


Colleague = Annotated[Caller | None, Depends(colleague_of)]


def jobs_of(request: Request) -> list[str]:
    """The secrets of the jobs that this browser follows."""
    return [one for one in request.cookies.get(JOBS_COOKIE, "").split(".") if one][:MOST_JOBS]


def remember_job(request: Request, response: Response, secret: str) -> None:
    """Let this browser follow a job, so that the sticker on the spot knows who comes."""
    jobs = [secret, *(one for one in jobs_of(request) if one != secret)]
    response.set_cookie(
        JOBS_COOKIE,
        ".".join(jobs[:MOST_JOBS]),
        max_age=JOBS_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def address_of(request: Request) -> str:
    """What counts as one address of a guest."""
    return network_of(request.client.host if request.client else "")


def limit(request: Request, *limits: Limit) -> None:
    """Count a try of a guest. TooManyTries when one of the limits is used up."""
    parts = parts_of(request)
    take(parts.database, limits, now=parts.clock.now())
