"""The pages of somebody who lives here: what needs them, their reports, and a new one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from core.channels import tells_outside
from core.db import Session
from core.home_accounts import homes_of
from core.limits import Limit
from core.people import new_secret
from web.guests import jobs_of, limit
from web.page_route import HomeRoute
from web.pages.public import read_photos
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import customers, notifications
from workflows.customers import Rater, ReportLine, ResidentReport, Wish
from workflows.customers.reports import MOST_PHOTOS
from workflows.tickets.followers import RESIDENT

RIGHT = "reports.own"
HOUR = timedelta(hours=1)
REPORTED, SAID = 12, 40


def router(templates: Templates) -> APIRouter:
    """The routes of people at home."""
    routes = APIRouter(route_class=HomeRoute, include_in_schema=False)
    _add_overview(routes, templates)
    _add_reporting(routes, templates)
    _add_progress(routes, templates)
    _add_answers(routes)
    return routes


def _overview(visit: Visit) -> dict[str, Any]:
    person, now = visit.caller.person_id, visit.parts.clock.now()
    with visit.parts.database.read() as session:
        homes = homes_of(session, person, now=now)
        own = customers.own_reports(session, person, homes, now=now)
        others = customers.unit_reports(session, person, homes, now=now)
        news = notifications.at_home(session, person)
    known = {str(line.id) for line in own}
    return {
        "homes": homes,
        "asks": [line for line in own if line.asks],
        "running": [line for line in own if not line.asks and not line.over],
        "over": [line for line in own if line.over],
        "others": [line for line in others if _waits(line)],
        # What is about a home that they left is news no more.
        "news": [one for one in news if one.facts["report"] in known],
    }


def _waits(line: ReportLine) -> bool:
    return not line.over


def _add_overview(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/home")
    def show(visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(RIGHT)
        found = _overview(visit)
        local = visit.at(found["homes"][0].site.time_zone) if found["homes"] else visit
        return templates.page("home/overview.html", local, section="home", **found)

    @routes.post("/home/keep")
    def keep(visit: SignedInVisit, secret: Annotated[str, Form()] = "") -> Response:
        visit.caller.require_anywhere(RIGHT)
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            customers.keep_report(session, secret, visit.caller.person_id, now=now)
        return RedirectResponse("/home", status_code=303)


def _add_reporting(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/home/report")
    def ask(visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(RIGHT)
        with visit.parts.database.read() as session:
            homes = homes_of(session, visit.caller.person_id, now=visit.parts.clock.now())
            places = customers.places_of(session, homes)
            problems = customers.offered_at_home(session, places)
        return templates.page(
            "home/report.html",
            visit,
            section="report",
            places=places,
            several=len({place.living.site.id for place in places}) > 1,
            problems=[one for one in problems if not one.retired],
            most_photos=MOST_PHOTOS,
            secret=new_secret("report"),
        )

    @routes.post("/home/report")
    def send(
        visit: SignedInVisit,
        request: Request,
        place: Annotated[str, Form()] = "",
        secret: Annotated[str, Form()] = "",
        problem: Annotated[str, Form()] = "",
        words: Annotated[str, Form()] = "",
        photo: Annotated[list[UploadFile] | None, File()] = None,
    ) -> Response:
        visit.caller.require_anywhere(RIGHT)
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            customers.find_place(session, person, place, now=now)
            places = customers.places_of(session, homes_of(session, person, now=now))
            offered = customers.offered_at_home(session, places)
        wish = Wish(secret, problem, words)
        customers.check_wish(wish, offered)
        limit(request, Limit("home", (str(person),), REPORTED, HOUR))
        taken = read_photos(request, photo or (), MOST_PHOTOS)
        with visit.parts.database.write() as session:
            where = customers.find_place(session, person, place, now=now)
            whole = Wish(secret, problem, words, photos=taken)
            customers.send_from_home(session, where, whole, person, now=now)
            report = customers.find_report(session, secret, now=now).id
            if RESIDENT in tells_outside(visit.parts.settings):
                language = visit.reader.language
                vault = visit.parts.vault
                customers.tell_by_sms(session, vault, person, secret, language, now=now)
        return RedirectResponse(f"/home/reports/{report}", status_code=303)


def _add_progress(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/home/reports/{report_id}")
    def show(report_id: UUID, visit: SignedInVisit) -> Response:
        visit.caller.require_anywhere(RIGHT)
        person, now = visit.caller.person_id, visit.parts.clock.now()
        with visit.parts.database.read() as session:
            row = customers.find_own_report(session, person, report_id, now=now)
            progress = customers.read_progress(session, row, now=now)
        return templates.page(
            "home/progress.html",
            visit.at(progress.site.time_zone),
            section="home",
            site=progress.site,
            progress=progress,
            csrf=visit.csrf,
            action=f"/home/reports/{report_id}",
        )


def _say(
    visit: Visit,
    request: Request,
    report_id: UUID,
    what: Callable[[Session, ResidentReport], None],
) -> Response:
    """Let somebody say something on a report of theirs; back to its page."""
    visit.caller.require_anywhere(RIGHT)
    person, now = visit.caller.person_id, visit.parts.clock.now()
    limit(request, Limit("say", (str(report_id),), SAID, HOUR))
    with visit.parts.database.write() as session:
        row = customers.find_own_report(session, person, report_id, now=now, to_change=True)
        what(session, row)
        notifications.see_at_home(session, person, report_id, now=now)
    return RedirectResponse(f"/home/reports/{report_id}", status_code=303)


def _add_answers(routes: APIRouter) -> None:
    @routes.post("/home/reports/{report_id}/seen")
    def seen(report_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        return _say(visit, request, report_id, lambda session, row: None)

    @routes.post("/home/reports/{report_id}/urge")
    def urge(report_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        now = visit.parts.clock.now()
        return _say(
            visit, request, report_id, lambda session, row: customers.urge(session, row, now=now)
        )

    @routes.post("/home/reports/{report_id}/confirm")
    def confirm(report_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        now = visit.parts.clock.now()
        return _say(
            visit,
            request,
            report_id,
            lambda session, row: customers.confirm(session, row, now=now),
        )

    @routes.post("/home/reports/{report_id}/refuse")
    def refuse(
        report_id: UUID,
        visit: SignedInVisit,
        request: Request,
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        now = visit.parts.clock.now()
        return _say(
            visit,
            request,
            report_id,
            lambda session, row: customers.refuse(session, row, reason, now=now),
        )

    @routes.post("/home/reports/{report_id}/rate")
    def rate(
        report_id: UUID,
        visit: SignedInVisit,
        request: Request,
        stars: Annotated[int, Form()] = 0,
        words: Annotated[str, Form()] = "",
    ) -> Response:
        now = visit.parts.clock.now()
        rater = Rater(visit.caller.person_id, jobs_of(request))
        return _say(
            visit,
            request,
            report_id,
            lambda session, row: customers.rate(session, row, stars, words, rater, now=now),
        )
