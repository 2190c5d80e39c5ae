"""Calls for help: the bar above every page, the list, and one with what is done about it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from core.db import Session
from core.errors import Conflict, Invalid, WatchkeeperError
from core.paging import Wish
from core.sos_phrases import hash_phrase, phrase_hash, set_phrase
from web.calls_shown import call_bar
from web.languages import mark
from web.page_route import PageRoute, is_fragment
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import sos

ON_A_PAGE = 50
Step = Callable[[Session, sos.Sos], object]
PROBLEMS = {
    "note": mark("Say what it was and how the person is."),
    "outcome": mark("Choose what it was."),
    "phrase": mark("A phrase has 4 to 100 characters."),
}
IS_OVER = mark("This call is over already.")


def router(templates: Templates) -> APIRouter:
    """The routes of calls for help."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    _add_answers(routes)
    _add_one(routes, templates)
    return routes


def _list(
    templates: Templates, visit: Visit, status: int = 200, problems: Sequence[str] = ()
) -> Response:
    visit.caller.require_anywhere(patrol.SCAN)
    with visit.parts.database.read() as session:
        page = sos.list_calls(session, visit.caller, Wish(ON_A_PAGE))
        own = sos.own_calls(session, visit.caller)
        has_phrase = phrase_hash(session, visit.caller.person_id) is not None
    over = [one for one in page.items if one["state"] == "over"]
    context = {"over": over, "own": own, "has_phrase": has_phrase, "problems": problems}
    return templates.page("sos/list.html", visit, status, section="checkpoints", **context)


def _add_lists(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/sos")
    def show(visit: SignedInVisit) -> Response:
        return _list(templates, visit)

    # Before the page of one call, whose address looks alike.
    @routes.get("/sos/bar")
    def bar(visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(sos.ANSWER)
        return templates.page("sos/bar.html", visit, bar=call_bar(visit))

    @routes.post("/sos/phrase")
    def keep(visit: SignedInVisit, phrase: Annotated[str, Form()] = "") -> Response:
        visit.caller.require_anywhere(patrol.SCAN)
        try:
            hashed = hash_phrase(phrase)
        except Invalid as error:
            return _list(templates, visit, error.status, _told(visit, error))
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            set_phrase(session, visit.caller.person_id, hashed, now=now)
        return RedirectResponse("/sos", status_code=303)


def _told(visit: Visit, error: WatchkeeperError) -> list[str]:
    fields = [problem.partition(":")[0] for problem in getattr(error, "problems", ())]
    known = [visit.reader.translate(PROBLEMS[field]) for field in fields if field in PROBLEMS]
    return known or [visit.reader.translate(IS_OVER)]


def _take(visit: Visit, sos_id: UUID, step: Step) -> None:
    with visit.parts.database.write() as session:
        step(session, sos.find_sos(session, visit.caller, sos_id))


def _done(request: Request, sos_id: UUID) -> Response:
    """Back to the call; the bar of another page stays there, and fetches what changed."""
    if not is_fragment(request):
        return RedirectResponse(f"/sos/{sos_id}", status_code=303)
    return HTMLResponse("", headers={"HX-Trigger": "wk:sos"})


def _add_answers(routes: APIRouter) -> None:
    @routes.post("/sos/{sos_id}/see")
    def see(sos_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        _take(visit, sos_id, lambda session, row: sos.see(session, row, person=person, now=now))
        return _done(request, sos_id)

    @routes.post("/sos/{sos_id}/acknowledge")
    def acknowledge(sos_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        _take(
            visit,
            sos_id,
            lambda session, row: sos.acknowledge(session, row, person=person, now=now),
        )
        return _done(request, sos_id)

    @routes.post("/sos/{sos_id}/come")
    def come(sos_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        _take(visit, sos_id, lambda session, row: sos.come(session, row, person=person, now=now))
        return _done(request, sos_id)


def _one(
    templates: Templates,
    visit: Visit,
    sos_id: UUID,
    status: int = 200,
    problems: Sequence[str] = (),
    **more: Any,
) -> Response:
    with visit.parts.database.read() as session:
        call = sos.describe_call(session, visit.caller, sos_id)
        looks = sos.looks_at(session, sos_id)
    local = visit.at(call["time_zone"])
    context = {
        "call": call,
        "looks": looks,
        "problems": problems,
        "outcomes": sos.OUTCOMES,
        "positions": None,
        "tried": {"outcome": "", "note": ""},
        "may_look": visit.may(sos.ANSWER_SILENT, call["site_id"]),
        **more,
    }
    return templates.page("sos/one.html", local, status, section="checkpoints", **context)


def _add_one(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/sos/{sos_id}")
    def show(visit: SignedInVisit, sos_id: UUID) -> Response:
        return _one(templates, visit, sos_id)

    @routes.post("/sos/{sos_id}/end")
    def end(
        visit: SignedInVisit,
        sos_id: UUID,
        outcome: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        person, now = visit.caller.person_id, visit.parts.clock.now()
        try:
            _take(
                visit,
                sos_id,
                lambda session, row: sos.end(session, row, outcome, note, person=person, now=now),
            )
        except (Invalid, Conflict) as error:
            tried = {"outcome": outcome, "note": note}
            problems = _told(visit, error)
            return _one(templates, visit, sos_id, error.status, problems, tried=tried)
        return RedirectResponse(f"/sos/{sos_id}", status_code=303)

    @routes.post("/sos/{sos_id}/look")
    def look(visit: SignedInVisit, sos_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            row = sos.find_sos(session, visit.caller, sos_id)
            visit.caller.require(sos.ANSWER_SILENT, row.site_id)
            now = visit.parts.clock.now()
            positions = sos.look_at_positions(session, visit.caller, row, now=now)
        return _one(templates, visit, sos_id, positions=positions)
