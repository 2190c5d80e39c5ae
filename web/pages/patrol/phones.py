"""Guards' phones: a site's list, one with who signed in on it, and a place for the next one."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.colleagues import able_people
from core.errors import NotFound
from core.paging import Wish
from core.pins import new_pin
from core.teams import teams_at
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.devices import Fields, form_fields
from web.pages.patrol.chosen import actor_of, chosen_site, one_id
from web.phone_words import ENTRY_KIND
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, own_address
from workflows import patrol
from workflows.patrol.journal.orphans import count_orphans, orphaned_files, orphans_of
from workflows.patrol.phones.enrolling import LONGEST_LABEL, NewPlace, make_place
from workflows.patrol.phones.giving import give_pin, require_over_pin, set_own_pin
from workflows.patrol.phones.model import KINDS, PHONE
from workflows.patrol.phones.standing import (
    describe_phone,
    find_phone,
    list_phones,
    move_phone,
    waiting_places,
)
from workflows.patrol.reports.choices import choices

ON_A_PAGE = 50
# A clock that is off by more is shown, because the phone's guard sees wrong times.
CLOCK_OFF_MS = 60_000
NOT_MADE = "no place was made for a phone"


def router(templates: Templates) -> APIRouter:
    """The routes of guards' phones, and of PINs."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_places(routes, templates)
    _add_moves(routes)
    _add_pins(routes)
    return routes


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A phone with how many entries it still holds, and by how many seconds its clock is off."""
    off = row["offset_ms"]
    seconds = None if off is None or abs(off) < CLOCK_OFF_MS else abs(off) // 1000
    return {**row, "holds": max(0, row["head"] - row["accepted"]), "off_seconds": seconds}


def _said(entry: dict[str, Any]) -> dict[str, Any]:
    """What a phone kept from before, with the name of what was reported and the words of it."""
    choice, text = entry["data"].get("choice"), entry["data"].get("text")
    known = choices().get(choice) if isinstance(choice, str) else None
    kind = entry["kind"] if entry["kind"] in ENTRY_KIND else ""
    return {
        **entry,
        "kind": kind,
        "name": None if known is None else known.name.model_dump(),
        "text": text if isinstance(text, str) else "",
    }


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/phones")
    def show(
        visit: SignedInVisit, site: UUID | None = None, before: UUID | None = None
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.PEOPLE, site)
            at = chosen.site
            wish = Wish(ON_A_PAGE, (before,) if before else None)
            page = list_phones(session, visit.caller, wish, site_id=at.id)
            may_write = visit.may(patrol.WRITE, at.id)
            now: datetime = visit.parts.clock.now()
            waiting = waiting_places(session, at.id, now=now) if may_write else []
            people = able_people(session, at.id, patrol.SCAN) if may_write else []
            teams = teams_at(session, at.id) if may_write else []
        return templates.page(
            "patrol/phones.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            found=[_shown(row) for row in page.items],
            more=page.next[0] if page.next else None,
            may_write=may_write,
            waiting=waiting,
            people=people,
            teams=teams,
            kinds=KINDS,
            longest=LONGEST_LABEL,
        )

    @routes.get("/phones/{phone_id}")
    def show_one(visit: SignedInVisit, phone_id: UUID) -> Response:
        with visit.parts.database.read() as session:
            phone = describe_phone(session, visit.caller, phone_id)
            chosen = chosen_site(session, visit, patrol.PEOPLE, phone["site_id"])
            earlier = orphans_of(session, visit.caller, phone_id, vault=visit.parts.vault)
            earlier_count = count_orphans(session, visit.caller, phone_id)
            earlier_files = orphaned_files(session, visit.caller, phone_id)
        may_write = visit.may(patrol.WRITE, phone["site_id"])
        return templates.page(
            "patrol/phone.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            phone=_shown(phone),
            earlier=[_said(one) for one in earlier],
            earlier_count=earlier_count,
            earlier_files=earlier_files,
            actions=PHONE.actions(phone["state"]) if may_write else [],
        )


def _add_places(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/phone-places")
    def make(
        visit: SignedInVisit,
        request: Request,
        fields: Annotated[Fields, Depends(form_fields)],
    ) -> Response:
        site_id = one_id(fields.get("site", ""), "site", NOT_MADE)
        if site_id is None:
            raise NotFound(worded(mark("there is no such site, or you may not see it")))
        kind = fields.get("kind", "")
        person_id = one_id(fields.get("person", ""), "person", NOT_MADE)
        new = NewPlace(
            kind,
            fields.get("label", ""),
            person_id if kind == "personal" else None,
            fields.get("team", ""),
        )
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row, code = make_place(
                session, visit.caller, site_id, new, vault=visit.parts.vault, now=now
            )
            chosen = chosen_site(session, visit, patrol.READ, site_id)
        address = f"{own_address(request)}/guard/#enrol={code}"
        answer = templates.page(
            "patrol/phone_code.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            place=row,
            code=code,
            address=address,
            qr=segno.make(address, error="m").svg_data_uri(scale=6, border=4),
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _add_moves(routes: APIRouter) -> None:
    @routes.post("/phones/{phone_id}/{action}")
    def move(
        visit: SignedInVisit,
        phone_id: UUID,
        action: str,
        version: Annotated[str, Form()] = "",
    ) -> Response:
        if action not in PHONE.moves:
            raise NotFound(
                worded(mark("there is no such action")), advice=worded(mark("Load the page again."))
            )
        with visit.parts.database.write() as session:
            row = find_phone(session, visit.caller, phone_id, permission=patrol.WRITE)
            move_phone(
                session,
                row,
                action,
                actor=actor_of(visit),
                now=visit.parts.clock.now(),
                expected_version=version_read(version),
            )
        return RedirectResponse(f"/phones/{phone_id}", status_code=303)


def _add_pins(routes: APIRouter) -> None:
    @routes.post("/account/pin")
    def own(visit: SignedInVisit, pin: Annotated[str, Form()] = "") -> Response:
        chosen = new_pin(pin.strip())
        with visit.parts.database.write() as session:
            set_own_pin(session, visit.caller, chosen, now=visit.parts.clock.now())
        return RedirectResponse("/account?done=pin", status_code=303)

    @routes.post("/people/{person_id}/pin")
    def give(visit: SignedInVisit, person_id: UUID, pin: Annotated[str, Form()] = "") -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        with visit.parts.database.read() as session:
            # Before anything is said of what was typed.
            require_over_pin(session, visit.caller, person_id)
        chosen = new_pin(pin.strip())
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            give_pin(session, visit.caller, person_id, chosen, now=now)
        return RedirectResponse(f"/people/{person_id}", status_code=303)
