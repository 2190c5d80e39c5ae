"""Walk tests on a phone: what answers, as it answers, ticked with a photo and signed at the end."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid, NotFound
from core.paging import Wish
from core.places import Node
from rules.wording import worded
from web.languages import mark
from web.local_moments import in_an_hour, moment_of, written_moment
from web.page_route import PageRoute
from web.pages.planned_work import chosen_site, sites_with
from web.pages.signatures import drawing_of
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.alarms.planning import choices_at
from workflows.alarms.shelving import SERVICE
from workflows.alarms.walk_tests.lives import (
    ask_for_lives,
    confirm_lives,
    refuse_lives,
    rules_of_lives,
    silent_until,
)
from workflows.alarms.walk_tests.model import WalkTest
from workflows.alarms.walk_tests.reading import describe_test, list_tests, sensors_of
from workflows.alarms.walk_tests.running import (
    READ,
    START,
    TICK,
    NewWalkTest,
    change_end,
    find_test,
    finish_test,
    series_in,
    start_test,
)
from workflows.alarms.walk_tests.sheet import sheet_of, sheet_paper
from workflows.alarms.walk_tests.signing import drawn, sign_sheet
from workflows.alarms.walk_tests.ticking import find_photo, tick
from workflows.tickets.photos import store_photo

LONGEST_LIST = 50
PRIVATE = {"Cache-Control": "private, no-cache"}


def router(templates: Templates) -> APIRouter:
    """The routes of walk tests."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    _add_test(routes, templates)
    _add_ticks(routes, templates)
    _add_ends(routes)
    _add_lives(routes)
    _add_sheet(routes, templates)
    return routes


def _add_lists(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/walk-tests")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            sites = sites_with(session, visit, READ)
            chosen = chosen_site(sites, site)
            wish = Wish(LONGEST_LIST)
            found = list_tests(session, visit.caller, wish, now=now, site_id=chosen.id)
        return templates.page(
            "walk_tests/list.html",
            visit.at(chosen.time_zone),
            section="alarms",
            site=chosen,
            sites=sites,
            tests=found.items,
            may_start=visit.may(START, chosen.id),
        )

    @routes.get("/walk-tests/new")
    def form(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(START)
        with visit.parts.database.read() as session:
            sites = sites_with(session, visit, START)
            chosen = chosen_site(sites, site)
            spaces = choices_at(session, chosen.id)[1]
        local = visit.at(chosen.time_zone)
        return templates.page(
            "walk_tests/form.html",
            local,
            section="alarms",
            site=chosen,
            sites=sites,
            spaces=spaces,
            ends=written_moment(local.reader, in_an_hour(local.reader, 2)),
        )

    @routes.post("/walk-tests")
    def start(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        space: Annotated[UUID, Form()],
        ends: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require(START, site)
        parts = visit.parts
        with parts.database.read() as session:
            series = series_in(session, site, space)
            time_zone = session.get_one(Node, site).time_zone
        before = {one: last.value for one, last in parts.telemetry.last(series).items()}
        wanted = NewWalkTest(site, space, moment_of(ends, "ends_at", time_zone), reason)
        with parts.database.write() as session:
            now = parts.clock.now()
            row = start_test(session, visit.caller, wanted, before=before, now=now)
            test_id = row.id
        return _back(test_id)


def _back(test_id: UUID) -> Response:
    return RedirectResponse(f"/walk-tests/{test_id}", status_code=303)


def _shown(session: Session, visit: Visit, test_id: UUID) -> tuple[Visit, dict[str, Any]]:
    """Everything that the page of a test shows, by the clock of its site."""
    now = visit.parts.clock.now()
    row = find_test(session, visit.caller, test_id)
    site = session.get_one(Node, row.site_id)
    return visit.at(site.time_zone), {
        "site": site,
        "test": describe_test(session, visit.caller, row, now),
        "sensors": sensors_of(session, row),
        "may_tick": visit.may(TICK, row.site_id),
    }


def _add_test(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/walk-tests/{test_id}")
    def show(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            local, context = _shown(session, visit, test_id)
            row = find_test(session, visit.caller, test_id)
            lives = [rule for _, rule in rules_of_lives(session, row)]
            silence = silent_until(session, row.id)
        ends = written_moment(local.reader, context["test"]["ends_at"])
        return templates.page(
            "walk_tests/test.html",
            local,
            section="alarms",
            **context,
            speaking=[rule for rule in lives if rule.state != "out_of_service"],
            silence=silence,
            ends=ends,
            may_start=visit.may(START, row.site_id),
            may_serve=visit.may(SERVICE, row.site_id),
        )

    @routes.get("/walk-tests/{test_id}/sensors")
    def again(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            local, context = _shown(session, visit, test_id)
        return templates.page("walk_tests/sensors.html", local, **context)


def _add_ticks(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/walk-tests/{test_id}/sensors/{device_id}")
    def form(test_id: UUID, device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            local, context = _shown(session, visit, test_id)
        visit.caller.require(TICK, context["site"].id)
        sensor = next(
            (one for one in context.pop("sensors") if one["device_id"] == device_id), None
        )
        if sensor is None:
            raise NotFound(
                worded(mark("there is no such sensor in this test")),
                advice=worded(mark("Look at its list.")),
            )
        return templates.page(
            "walk_tests/tick.html", local, section="alarms", sensor=sensor, **context
        )

    @routes.post("/walk-tests/{test_id}/sensors/{device_id}/tick")
    def keep(
        test_id: UUID,
        device_id: UUID,
        visit: SignedInVisit,
        photo: Annotated[UploadFile | None, File()] = None,
        note: Annotated[str, Form()] = "",
    ) -> Response:
        parts = visit.parts
        with parts.database.read() as session:
            row = find_test(session, visit.caller, test_id)
            visit.caller.require(TICK, row.site_id)
        content = photo.file.read() if photo else b""
        if not content:
            raise Invalid(
                worded(mark("it was not ticked")),
                problems=[worded(mark("photo: take a picture of the sensor"))],
            )
        taken = store_photo(parts.files, content)
        with parts.database.write() as session:
            row = find_test(session, visit.caller, test_id, to_change=True)
            now = parts.clock.now()
            tick(session, visit.caller, row, device_id, taken, note=note, now=now)
        return _back(test_id)

    @routes.get("/walk-tests/{test_id}/sensors/{device_id}/photo")
    def picture(test_id: UUID, device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            copy = find_photo(session, visit.caller, test_id, device_id)
        content = visit.parts.files.get(copy)
        return Response(content, media_type="image/jpeg", headers=PRIVATE)


def _locked(session: Session, visit: Visit, test_id: UUID) -> WalkTest:
    return find_test(session, visit.caller, test_id, to_change=True)


def _add_ends(routes: APIRouter) -> None:
    @routes.post("/walk-tests/{test_id}/change")
    def change(
        test_id: UUID,
        visit: SignedInVisit,
        ends: Annotated[str, Form()] = "",
        version: Annotated[int | None, Form()] = None,
    ) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, test_id)
            time_zone = session.get_one(Node, row.site_id).time_zone
            change_end(
                session,
                visit.caller,
                row,
                ends_at=moment_of(ends, "ends_at", time_zone),
                now=visit.parts.clock.now(),
                expected_version=version,
            )
        return _back(test_id)

    @routes.post("/walk-tests/{test_id}/finish")
    def finish(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, test_id)
            finish_test(session, visit.caller, row, now=visit.parts.clock.now())
        return _back(test_id)


def _add_lives(routes: APIRouter) -> None:
    @routes.post("/walk-tests/{test_id}/lives")
    def ask(test_id: UUID, visit: SignedInVisit, patrol: Annotated[str, Form()] = "") -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, test_id)
            now = visit.parts.clock.now()
            ask_for_lives(session, visit.caller, row, patrol=patrol, now=now)
        return _back(test_id)

    @routes.post("/walk-tests/{test_id}/lives/confirm")
    def confirm(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, test_id)
            confirm_lives(session, visit.caller, row, now=visit.parts.clock.now())
        return _back(test_id)

    @routes.post("/walk-tests/{test_id}/lives/refuse")
    def refuse(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            row = _locked(session, visit, test_id)
            refuse_lives(session, visit.caller, row, now=visit.parts.clock.now())
        return _back(test_id)


def _add_sheet(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/walk-tests/{test_id}/sheet")
    def paper(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            sheet = sheet_of(session, find_test(session, visit.caller, test_id))
        language = visit.reader.language
        now = visit.parts.clock.now()
        made = sheet_paper(sheet, visit.parts.files, language, now=now)
        headers = {"Content-Disposition": 'inline; filename="walk-test.pdf"', **PRIVATE}
        return Response(made, media_type="application/pdf", headers=headers)

    @routes.get("/walk-tests/{test_id}/sign")
    def form(test_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            local, context = _shown(session, visit, test_id)
            digest = sheet_of(session, find_test(session, visit.caller, test_id)).digest
        visit.caller.require(TICK, context["site"].id)
        return templates.page(
            "walk_tests/sign.html", local, section="alarms", digest=digest, **context
        )

    @routes.post("/walk-tests/{test_id}/sign")
    def keep(
        test_id: UUID,
        visit: SignedInVisit,
        name: Annotated[str, Form()] = "",
        signature: Annotated[str, Form()] = "",
        digest: Annotated[str, Form()] = "",
    ) -> Response:
        parts = visit.parts
        with parts.database.read() as session:
            row = find_test(session, visit.caller, test_id)
            visit.caller.require(TICK, row.site_id)
        signed = drawn(parts.files, drawing_of(signature), name)
        with parts.database.write() as session:
            now = parts.clock.now()
            sign_sheet(session, visit.caller, test_id, signed, now=now, seen=digest)
        return _back(test_id)
