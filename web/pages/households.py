"""A space: who lives or works there, who did, and what may be done about it."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core import households
from core.db import Session
from core.errors import Invalid, NotFound
from core.events import Actor
from core.home_accounts import account_holders
from core.households import PHONES, READ, RELATIONS, WRITE, Contact, Details
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.search.index import Place


class Fields(BaseModel):
    """What the form about somebody says."""

    name: str = ""
    phones: str = ""
    relation: str = "owner"
    since: str = ""
    until: str = ""

    def details(self) -> Details:
        """The same as it is kept. Invalid for a date that is none."""
        days = []
        for name, text in (("since", self.since), ("until", self.until)):
            try:
                days.append(date.fromisoformat(text) if text else None)
            except ValueError:
                problems = [worded(mark("%(name)s: a date such as 2026-11-28"), name=name)]
                raise Invalid(
                    worded(mark("the household was not changed")), problems=problems
                ) from None
        phones = households.phones_in(self.phones)
        return Details(self.name, phones, self.relation, *days)


def place_of(visit: Visit, space_id: UUID) -> Place:
    """A space as the search knows it. NotFound where the caller sees no places."""
    for place in visit.parts.places.places():
        if place.kind == "space" and place.id == space_id:
            if visit.may("places.read", place.site_id):
                return place
            break
    raise NotFound(
        worded(mark("there is no such space")), advice=worded(mark("Look for it in the search."))
    )


def at_home(session: Session, visit: Visit, space_id: UUID) -> tuple[list[Contact], list[Contact]]:
    """Who lives in a space, or will, and who moved out. Raises as `households.find_space` does."""
    found = households.household_of(session, visit.caller, space_id)
    if not found:
        return [], []
    day = households.today_at(session, found[0].site_id, visit.parts.clock.now())
    return _without(found, day, former=False), _without(found, day, former=True)


def _without(found: Iterable[Contact], day: date, *, former: bool) -> list[Contact]:
    return [each for each in found if each.is_former(day) is former]


def router(templates: Templates) -> APIRouter:
    """The routes of spaces and their households."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/spaces/{space_id}")
    def show(visit: SignedInVisit, space_id: UUID, change: str = "") -> Response:
        place = place_of(visit, space_id)
        context: dict[str, Any] = {"place": place, "living": [], "former": [], "holders": {}}
        context["may_see"] = visit.may(READ, place.site_id)
        if context["may_see"]:
            with visit.parts.database.read() as session:
                context["living"], context["former"] = at_home(session, visit, space_id)
                living = [contact.id for contact in context["living"]]
                context["holders"] = account_holders(session, living)
        # Who may not see a number can't be shown a form that holds it.
        may_change = visit.may(WRITE, place.site_id) and visit.may(PHONES, place.site_id)
        return templates.page(
            "households/space.html",
            visit,
            may_change=may_change,
            change=change if may_change else "",
            relations=RELATIONS,
            **context,
        )

    _add_changes(routes)
    return routes


def _back(space_id: UUID) -> Response:
    return RedirectResponse(f"/spaces/{space_id}", status_code=303)


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/spaces/{space_id}/household")
    def add(visit: SignedInVisit, space_id: UUID, form: Annotated[Fields, Form()]) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            space = households.find_space(session, visit.caller, space_id, WRITE)
            actor = Actor.person(visit.caller.person_id)
            households.add_resident(session, space, form.details(), actor=actor, now=now)
        return _back(space_id)

    @routes.post("/residents/{resident_id}")
    def change(
        visit: SignedInVisit, resident_id: UUID, form: Annotated[Fields, Form()]
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = households.find_resident(session, visit.caller, resident_id)
            visit.caller.require(PHONES, row.site_id)
            actor = Actor.person(visit.caller.person_id)
            households.change_resident(session, row, form.details(), actor=actor, now=now)
            space_id = row.space_id
        return _back(space_id)

    @routes.post("/residents/{resident_id}/move-out")
    def move_out(visit: SignedInVisit, resident_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = households.find_resident(session, visit.caller, resident_id)
            actor = Actor.person(visit.caller.person_id)
            households.move_out(session, row, actor=actor, now=now)
            space_id = row.space_id
        return _back(space_id)

    @routes.post("/residents/{resident_id}/erase")
    def erase(
        visit: SignedInVisit, resident_id: UUID, sure: Annotated[str, Form()] = ""
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = households.find_resident(session, visit.caller, resident_id)
            if sure != "yes":
                raise Invalid(
                    worded(mark("nobody was erased")),
                    problems=[worded(mark("sure: tick the box first"))],
                )
            space_id = row.space_id
            actor = Actor.person(visit.caller.person_id)
            households.erase(session, [row], actor=actor, now=now)
        return _back(space_id)
