"""One's own privacy: what one agrees to, what is kept longer, and who looked where one was."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Conflict
from core.people import first_time_zone
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.patrol.privacy import consenting, showing, withdrawing

CHANGED = mark("This text has changed since you read it. Read it again, then decide.")


def router(templates: Templates) -> APIRouter:
    """The routes of one's own privacy."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/account/privacy")
    def show(visit: SignedInVisit) -> Response:
        return _page(templates, visit)

    @routes.post("/account/privacy/agree")
    def agree(
        visit: SignedInVisit,
        purpose: Annotated[str, Form()],
        version: Annotated[int, Form()],
        language: Annotated[str, Form()],
        digest: Annotated[str, Form()],
    ) -> Response:
        shown = consenting.Shown(version, language, digest)
        try:
            with visit.parts.database.write() as session:
                person, now = visit.caller.person_id, visit.parts.clock.now()
                consenting.agree(session, person, purpose, shown, now=now)
        except Conflict as error:
            return _page(templates, visit, error.status, visit.reader.translate(CHANGED))
        return RedirectResponse("/account/privacy", status_code=303)

    @routes.post("/account/privacy/withdraw")
    def withdraw(visit: SignedInVisit, purpose: Annotated[str, Form()]) -> Response:
        with visit.parts.database.write() as session:
            withdrawing.withdraw(
                session,
                visit.caller.person_id,
                purpose,
                by="page",
                now=visit.parts.clock.now(),
            )
        return RedirectResponse("/account/privacy", status_code=303)

    return routes


def _kept(visit: Visit) -> timedelta:
    return timedelta(days=visit.parts.settings.track_days)


def _page(templates: Templates, visit: Visit, status: int = 200, problem: str = "") -> Response:
    person, now = visit.caller.person_id, visit.parts.clock.now()
    with visit.parts.database.read() as session:
        own = showing.own_privacy(session, person, kept=_kept(visit), now=now)
        zone = first_time_zone(session)
    return templates.page(
        "account/privacy.html",
        visit.at(zone),
        status,
        section="account",
        problem=problem,
        days=visit.parts.settings.track_days,
        **own,
    )
