"""Signing in with the identity provider, joining with it, and linking it to one's account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.deps import SESSION_COOKIE, parts_of
from core import identity, invitations
from core.accounts import has_password
from core.db import Session
from core.errors import Conflict, Invalid, TooManyTries, WatchkeeperError
from core.identity.attempts import IdentityAttempt
from core.limits import Limit
from core.people import LONGEST_SESSION, find_credential, name_of
from core.sessions import KIND, came_by_link
from web.guests import address_of, limit
from web.languages import mark
from web.page_route import PageRoute, is_secure
from web.pages.account import back_to_account, require_password
from web.pages.doorway import FORGED, UNUSABLE, Forms, come_in, is_own_form
from web.templating import Templates
from web.visit import SignedInVisit, guest_reader, own_address

# Ties the way to the provider and back to one browser. Lax: it has to come along from elsewhere.
COOKIE = "wk_oidc"
PATH = "/sign-in/oidc"
RETURN = f"{PATH}/return"
# The ID token, which only signing out sends back: by it the provider knows whom to sign out.
HINT_COOKIE, HINT_PATH = "wk_oidc_hint", "/sign-out"
HINT_SECONDS = int(LONGEST_SESSION.total_seconds())
# Browsers keep no cookie over 4 KiB; without the token the provider asks people itself.
LONGEST_HINT = 3_800
SECONDS = int(identity.ATTEMPT_LIFETIME.total_seconds())
# So many ways there may be begun while one of them lasts: each leaves a row until it ends. Behind
# one address may stand everybody of a company who comes to work.
BEGUN_BY_ONE, BEGUN = 300, 20_000
# What went wrong, and what to do about it.
REFUSED: Mapping[str, tuple[str, str]] = {
    "denied": (
        mark("The identity provider did not let you in"),
        mark(
            "You cancelled there, or Watchkeeper is not open to you. Start again, or ask whoever "
            "looks after your identity."
        ),
    ),
    "unknown": (
        mark("This identity belongs to nobody here"),
        mark(
            "If you have an account, sign in by password and link your identity under My account. "
            "If not, ask an administrator for an invitation; you can join with this identity."
        ),
    ),
    "clock": (
        mark("Two clocks differ"),
        mark(
            "The clocks of Watchkeeper and of the identity provider are more than two minutes "
            "apart. Ask an administrator to set them right; until then sign in by password."
        ),
    ),
    "stale": (
        mark("This sign-in is over"),
        mark(
            "It took more than ten minutes, was finished before, or began in another browser. "
            "Start again."
        ),
    ),
    "untrusted": (
        mark("The answer of the identity provider can't be trusted"),
        mark("It was not made for this sign-in. Start again; if it stays, tell an administrator."),
    ),
    "away": (
        mark("The identity provider does not answer"),
        mark("Sign in by password, or try again in a few minutes."),
    ),
    "often": (
        mark("That was begun very often just now"),
        mark("Sign in by password, or try again in a few minutes."),
    ),
    "settings": (
        mark("Watchkeeper and the identity provider don't agree"),
        mark(
            "Ask an administrator to compare the settings oidc_issuer, oidc_client_id and "
            "oidc_client_secret with those of the provider, and to enter this return address "
            "there: %(address)s"
        ),
    ),
    "taken": (
        mark("This identity is linked already"),
        mark(
            "It belongs to a colleague, or you have linked another one. Take your own, or unlink "
            "the other one first."
        ),
    ),
}
_log = structlog.get_logger(__name__)


def _away_to_provider(
    templates: Templates, request: Request, begun: identity.Begun, *, anew: bool
) -> Response:
    """A page that sends the browser to the provider.

    Not a redirect: after a form a browser follows one only to where `form-action` allows, and the
    provider may send people on to another one.
    """
    provider = parts_of(request).provider
    back = f"{own_address(request)}{RETURN}"
    address = provider.address(begun, back, anew=anew)
    reader = guest_reader(request)
    text = templates.render("sign_in/onward.html", reader, address=address, provider=provider.label)
    answer = HTMLResponse(text)
    answer.set_cookie(
        COOKIE,
        begun.browser,
        max_age=SECONDS,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


def _refused(
    templates: Templates, request: Request, error: WatchkeeperError, *, onward: str = "/sign-in"
) -> Response:
    often = isinstance(error, TooManyTries)
    reason = "often" if often else getattr(error, "reason", "taken")
    _log.warning("no sign-in by identity", reason=reason, detail=error.detail, cause=_cause(error))
    title, advice = REFUSED[reason]
    reader = guest_reader(request)
    text = templates.render(
        "sign_in/refused.html",
        reader,
        title=reader.translate(title),
        advice=reader.translate(advice, address=f"{own_address(request)}{RETURN}"),
        onward=onward,
    )
    return HTMLResponse(text, error.status)


def _cause(error: WatchkeeperError) -> str:
    return "" if error.__cause__ is None else str(error.__cause__)[:200]


def router(templates: Templates) -> APIRouter:
    """The routes of the identity provider."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    forms = Forms(templates)
    _add_beginnings(routes, templates, forms)
    _add_account(routes, templates)

    @routes.get(PATH)
    def nothing_here() -> Response:
        return RedirectResponse("/sign-in", status_code=303)

    @routes.get(RETURN)
    def come_back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        onward = "/sign-in"
        try:
            attempt = _taken(request, state)
            if attempt.purpose == "link":
                onward = "/account"
            subject = _subject(request, attempt, code, error)
            answer = _finish(request, attempt, subject)
        except (identity.SignInRefused, identity.ProviderAway, Conflict) as refusal:
            answer = _refused(templates, request, refusal, onward=onward)
        answer.delete_cookie(COOKIE, path=PATH)
        return answer

    return routes


def _taken(request: Request, state: str) -> IdentityAttempt:
    parts = parts_of(request)
    browser = request.cookies.get(COOKIE, "")
    with parts.database.write() as session:
        row = identity.take(session, state, browser, now=parts.clock.now())
        session.expunge(row)
        return row


def _subject(request: Request, attempt: IdentityAttempt, code: str, error: str) -> identity.Subject:
    if error or not code:
        raise identity.refusal_of(error or "access_denied")
    parts = parts_of(request)
    back = f"{own_address(request)}{RETURN}"
    return parts.provider.subject_of(code, attempt, back, now=parts.clock.now())


def _finish(request: Request, attempt: IdentityAttempt, subject: identity.Subject) -> Response:
    parts = parts_of(request)
    now = parts.clock.now()
    with parts.database.write() as session:
        if attempt.purpose == "link":
            person_id = _signed_in(session, request, now)
            if person_id != attempt.person_id:
                raise identity.SignInRefused("stale", "somebody else began to link an identity")
            identity.link(session, person_id, subject, now=now)
            return back_to_account("linked")
        if attempt.purpose == "join":
            language = guest_reader(request).language
            signed_in = identity.join(session, attempt, subject, language, now=now)
        else:
            signed_in = identity.sign_in(session, subject, now=now)
    answer = come_in(request, signed_in)
    _keep_hint(request, answer, subject.token)
    return answer


def _keep_hint(request: Request, answer: Response, token: str) -> None:
    if len(token) > LONGEST_HINT:
        answer.delete_cookie(HINT_COOKIE, path=HINT_PATH)
        return
    answer.set_cookie(
        HINT_COOKIE,
        token,
        max_age=HINT_SECONDS,
        path=HINT_PATH,
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )


def sign_out_there(templates: Templates, request: Request) -> Response | None:
    """The page that leads on to signing out of the provider; None where it offers nothing."""
    provider, token = parts_of(request).provider, request.cookies.get(HINT_COOKIE, "")
    address = provider.sign_out_address(token, f"{own_address(request)}/sign-in")
    if not address:
        return None
    text = templates.render(
        "sign_in/signed_out.html",
        guest_reader(request),
        address=address,
        provider=provider.label,
    )
    return HTMLResponse(text)


def _signed_in(session: Session, request: Request, now: datetime) -> UUID:
    secret = request.cookies.get(SESSION_COOKIE, "")
    return find_credential(session, secret, KIND, now=now)[1].id


def _count_beginning(request: Request) -> None:
    """Count a way to the provider before it is begun. TooManyTries."""
    within = identity.ATTEMPT_LIFETIME
    limit(
        request,
        Limit("identity", (address_of(request),), BEGUN_BY_ONE, within),
        Limit("identity", (), BEGUN, within),
    )


def _add_beginnings(routes: APIRouter, templates: Templates, forms: Forms) -> None:
    @routes.post(PATH)
    def begin(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        parts = parts_of(request)
        if not is_own_form(request, csrf):
            problem = guest_reader(request).translate(FORGED)
            return forms.sign_in(request, 403, problem=problem)
        try:
            _count_beginning(request)
            parts.provider.check()
            with parts.database.write() as session:
                begun = identity.begin(session, "sign_in", now=parts.clock.now())
            return _away_to_provider(templates, request, begun, anew=False)
        except (identity.ProviderAway, TooManyTries) as refusal:
            return _refused(templates, request, refusal)

    @routes.post("/join/{secret}/oidc")
    def join(
        secret: str,
        request: Request,
        name: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
    ) -> Response:
        parts = parts_of(request)
        if not is_own_form(request, csrf):
            return forms.join(request, secret, 403, name=name, problems=[FORGED])
        try:
            called = name_of(name)
        except Invalid:
            return forms.join(request, secret, 422, name=name, problems=[UNUSABLE])
        try:
            _count_beginning(request)
            parts.provider.check()
            with parts.database.write() as session:
                now = parts.clock.now()
                row = invitations.open_invitation(session, secret, now=now)
                begun = identity.begin(session, "join", now=now, invitation_id=row.id, name=called)
            return _away_to_provider(templates, request, begun, anew=True)
        except (identity.ProviderAway, TooManyTries) as refusal:
            return _refused(templates, request, refusal, onward=f"/join/{secret}")


def _add_account(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/account/identity")
    def link(
        visit: SignedInVisit, request: Request, present: Annotated[str, Form()] = ""
    ) -> Response:
        person, parts, now = visit.caller.person_id, visit.parts, visit.parts.clock.now()
        with parts.database.read() as session:
            by_link = came_by_link(
                session, person, request.cookies.get(SESSION_COOKIE, ""), now=now
            )
            has_one = has_password(session, person)
        if has_one and not by_link:
            require_password(visit, request, present)
        try:
            _count_beginning(request)
            parts.provider.check()
            with parts.database.write() as session:
                begun = identity.begin(session, "link", now=now, person_id=person)
            return _away_to_provider(templates, request, begun, anew=True)
        except (identity.ProviderAway, TooManyTries) as refusal:
            return _refused(templates, request, refusal, onward="/account")

    @routes.post("/account/identity/end")
    def unlink(visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            issuer, now = visit.parts.provider.issuer, visit.parts.clock.now()
            identity.unlink(session, visit.caller.person_id, issuer, now=now)
        return back_to_account("unlinked")
