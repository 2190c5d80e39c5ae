"""Guards' reports: a site's list with its filters, one with its photos, closing it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Header, Response
from fastapi.responses import RedirectResponse

from core.byte_ranges import in_part
from core.db import Session
from core.paging import Wish
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site, of_day
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol.journal.model import PHOTO
from workflows.patrol.reports import reading
from workflows.patrol.reports.choices import choices

ON_A_PAGE = 50
STATES = ("open", "closed")
KINDS = ("repair", "hazard", "observation", "incident", "note")
KEPT = {"Cache-Control": "private, max-age=3600"}


def router(templates: Templates) -> APIRouter:
    """The routes of guards' reports."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_list(routes, templates)
    _add_one(routes, templates)
    _add_files(routes)
    return routes


def _add_list(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/guard-reports")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        kind: str = "",
        state: str = "",
        day: str = "",
        before: UUID | None = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site
            since, until = of_day(day, at.time_zone)
            wanted = reading.ReportFilter(at.id, None, kind or None, state or None, since, until)
            wish = Wish(ON_A_PAGE, _behind(session, visit, before))
            page = reading.list_reports(session, visit.caller, wanted, wish)
        return templates.page(
            "patrol/reports.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            asked={"kind": kind, "state": state, "day": day},
            kinds=KINDS,
            states=STATES,
            found=page.items,
            more=page.items[-1]["id"] if page.next else None,
            may_see_people=visit.may(patrol.PEOPLE, at.id),
        )


def _behind(session: Session, visit: Visit, before: UUID | None) -> tuple[Any, ...] | None:
    if before is None:
        return None
    last = reading.describe_report(session, visit.caller, before)
    return last["occurred_at"], last["id"]


def _add_one(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/guard-reports/{guard_report_id}")
    def show(visit: SignedInVisit, guard_report_id: UUID) -> Response:
        with visit.parts.database.read() as session:
            report = reading.describe_report(session, visit.caller, guard_report_id)
            chosen = chosen_site(session, visit, patrol.READ, report["site_id"])
        choice = choices().get(report["choice"])
        return templates.page(
            "patrol/report.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            report=report,
            checks={} if choice is None else choice.checks,
            may_close=report["state"] == "open" and visit.may(patrol.WRITE, report["site_id"]),
            may_see_phones=visit.may(patrol.PEOPLE, report["site_id"]),
            longest=reading.LONGEST_CLOSING,
        )

    @routes.post("/guard-reports/{guard_report_id}/close")
    def close(
        visit: SignedInVisit,
        guard_report_id: UUID,
        closing: Annotated[str, Form()] = "",
        version: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            reading.close_report(
                session,
                visit.caller,
                guard_report_id,
                closing,
                now=visit.parts.clock.now(),
                expected_version=version_read(version),
            )
        return RedirectResponse(f"/guard-reports/{guard_report_id}", status_code=303)


def _add_files(routes: APIRouter) -> None:
    @routes.get("/guard-files/{guard_file_id}")
    def show(
        visit: SignedInVisit,
        guard_file_id: UUID,
        wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
    ) -> Response:
        with visit.parts.database.read() as session:
            row = reading.find_guard_file(session, visit.caller, guard_file_id)
        assert row.copy is not None
        part = in_part(visit.parts.files.get(row.copy), wanted)
        media_type = "image/jpeg" if row.what == PHOTO else row.media_type
        return Response(part.body, part.status, {**KEPT, **part.headers}, media_type)
