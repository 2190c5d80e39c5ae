"""Marks on rounds: a site's list, and one with its evidence, its answer and its decision."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from core.paging import Wish
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site
from web.pages.patrol.mark_picture import facts_of, strip_of, ways_of
from web.round_problems import refusal_told
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import honesty
from workflows.patrol.privacy import looking

ON_A_PAGE = 50
# What these ask about shows in when scans came, too.
ABOUT_RECEIPT = ("clock", "harvest", "replay")
VIEWS = ("undecided", *honesty.STATES, "all")


def router(templates: Templates) -> APIRouter:
    """The routes of marks."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_acts(routes, templates)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/marks")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        state: str = "undecided",
        kind: str = "",
        before: UUID | None = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site
            wanted = honesty.MarkFilter(
                at.id, kind=kind or None, state=None if state == "all" else state
            )
            wish = Wish(ON_A_PAGE, _behind(session, visit, before))
            page = honesty.list_marks(session, visit.caller, wanted, wish)
        return templates.page(
            "patrol/marks.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            asked={"state": state, "kind": kind},
            views=VIEWS,
            kinds=honesty.KINDS,
            found=page.items,
            more=page.items[-1]["id"] if page.next else None,
            may_see_people=visit.may(patrol.PEOPLE, at.id),
        )

    @routes.get("/marks/{mark_id}")
    def show_one(visit: SignedInVisit, mark_id: UUID) -> Response:
        local, context = _about(visit, mark_id)
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            looking.note_mark(session, visit.caller, context["mark"], now=now)
        return templates.page("patrol/mark.html", local, section="checkpoints", **context)


def _behind(session: Session, visit: Visit, before: UUID | None) -> tuple[Any, ...] | None:
    if before is None:
        return None
    last = honesty.describe_mark(session, visit.caller, before)
    return last["made_at"], last["id"]


def _about(visit: Visit, mark_id: UUID) -> tuple[Visit, dict[str, Any]]:
    """Everything that the page of a mark shows, by the clocks of its site."""
    with visit.parts.database.read() as session:
        row = honesty.describe_mark(session, visit.caller, mark_id)
        chosen = chosen_site(session, visit, patrol.READ, row["site_id"])
    me = visit.caller.person_id
    own = row["person_id"] == me
    involved = own or any(scan["asked"] and scan["person_id"] == me for scan in row["shown"])
    undecided = row["state"] in ("open", "answered")
    return visit.at(chosen.site.time_zone), {
        "mark": row,
        "site": chosen.site,
        "strip": strip_of(row["shown"], receipts=row["kind"] in ABOUT_RECEIPT),
        "ways": ways_of(row),
        "facts": list(facts_of(row)),
        "may_answer": own and row["state"] == "open",
        "may_decide": undecided and not involved and visit.may(patrol.WRITE, row["site_id"]),
        "own": involved,
        "problems": [],
        "typed": "",
        "longest": honesty.LONGEST_WORDS,
    }


def _again(
    templates: Templates, visit: Visit, mark_id: UUID, error: WatchkeeperError, typed: str
) -> Response:
    """The page as it stands now, with what was typed and what is wrong with it."""
    local, context = _about(visit, mark_id)
    context |= {"problems": refusal_told(local.reader, error), "typed": typed}
    return templates.page("patrol/mark.html", local, error.status, section="checkpoints", **context)


def _add_acts(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/marks/{mark_id}/answer")
    def answer(visit: SignedInVisit, mark_id: UUID, text: Annotated[str, Form()] = "") -> Response:
        try:
            with visit.parts.database.write() as session:
                now = visit.parts.clock.now()
                honesty.answer_mark(session, visit.caller, mark_id, text, now=now)
        except (Invalid, Conflict) as error:
            return _again(templates, visit, mark_id, error, text)
        return RedirectResponse(f"/marks/{mark_id}", status_code=303)

    @routes.post("/marks/{mark_id}/decide")
    def decide(
        visit: SignedInVisit,
        mark_id: UUID,
        decision: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        version: Annotated[int, Form()] = 0,
    ) -> Response:
        try:
            with visit.parts.database.write() as session:
                honesty.decide_mark(
                    session,
                    visit.caller,
                    mark_id,
                    decision,
                    reason,
                    now=visit.parts.clock.now(),
                    expected_version=version,
                )
        except (Invalid, Conflict, Stale) as error:
            return _again(templates, visit, mark_id, error, reason)
        return RedirectResponse(f"/marks/{mark_id}", status_code=303)
