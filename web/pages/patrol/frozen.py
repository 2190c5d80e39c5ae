"""Frozen reports: the days of a site, a day before it is closed, a report with its annexes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from core.local_time import thinkable, zone
from core.paging import Wish
from core.papers import parts_told
from core.places import Node
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview, patrol
from workflows.patrol.frozen import annexing, audience, closing, reading, revoking, sending
from workflows.patrol.frozen.layout import facts_of, parts_of_content
from workflows.patrol.frozen.model import ReportSending

ON_A_PAGE = 14
INCIDENTS = 20


def router(templates: Templates) -> APIRouter:
    """The routes of frozen reports."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_list(routes, templates)
    _add_day(routes, templates)
    _add_one(routes, templates)
    _add_incidents(routes)
    return routes


def _desk(visit: Visit) -> closing.Desk:
    parts = visit.parts
    return closing.Desk(parts.database, parts.files, parts.settings.public_url.rstrip("/"))


def _day(text: str) -> date | None:
    try:
        return thinkable(date.fromisoformat(text)) if text else None
    except ValueError:
        raise Invalid(
            worded(mark("there is no such day")), problems=[worded(mark("day: like 2026-11-28"))]
        ) from None


def _yesterday(visit: Visit, time_zone: str) -> date:
    return visit.parts.clock.now().astimezone(zone(time_zone)).date() - timedelta(days=1)


def _add_list(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/patrol-reports")
    def show(
        visit: SignedInVisit, site: UUID | None = None, until: str = "", number: str = ""
    ) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.PEOPLE, site)
            at = chosen.site
            node = session.get_one(Node, at.id)
            last = _day(until) or _yesterday(visit, at.time_zone)
            days = reading.days_of(session, visit.caller, node, last, ON_A_PAGE)
            wanted = reading.ReportFilter(at.id, None if number else "incident", number=number)
            found = reading.list_frozen(session, visit.caller, wanted, Wish(INCIDENTS))
            settings = audience.reporting_at(session, at.id)
            clients = audience.clients_at(session, visit.caller, at.id)
        return templates.page(
            "patrol/frozen_days.html",
            visit.at(at.time_zone),
            section="checkpoints",
            site=at,
            sites=chosen.sites,
            days=days,
            older=last - timedelta(days=ON_A_PAGE),
            until=until,
            number=number,
            found=found.items,
            settings=settings,
            clients=[one for one in clients if one.state == "active"],
            may_write=visit.may(patrol.WRITE, at.id),
        )


def _add_day(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/patrol-report-day")
    def preview(visit: SignedInVisit, site: UUID | None = None, day: str = "") -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.PEOPLE, site)
            at = chosen.site
            node = session.get_one(Node, at.id)
            wanted = _day(day) or _yesterday(visit, at.time_zone)
            [standing] = reading.days_of(session, visit.caller, node, wanted, 1)
            if standing["id"] is not None:
                return RedirectResponse(f"/patrol-reports/{standing['id']}", status_code=303)
            now = visit.parts.clock.now()
            content = reading.preview_day(session, visit.caller, node, wanted, now=now)
        local = visit.at(at.time_zone)
        return templates.page(
            "patrol/frozen_preview.html",
            local,
            section="checkpoints",
            site=at,
            day=wanted,
            is_over=content["until"] <= now.isoformat(),
            waiting=[one for one in content["rounds"] if one["state"] in ("planned", "running")],
            parts=_parts(content, local),
            may_write=visit.may(patrol.WRITE, at.id),
        )

    @routes.post("/patrol-report-day/close")
    def close(
        visit: SignedInVisit, site: Annotated[UUID, Form()], day: Annotated[str, Form()] = ""
    ) -> Response:
        wanted = _day(day)
        if wanted is None:
            raise Invalid(
                worded(mark("there is no such day")),
                problems=[worded(mark("day: like 2026-11-28"))],
            )
        now = visit.parts.clock.now()
        made = closing.close_day(_desk(visit), visit.caller, site, wanted, now=now)
        return RedirectResponse(f"/patrol-reports/{made}", status_code=303)


def _parts(content: Mapping[str, Any], visit: Visit) -> list[dict[str, Any]]:
    """The parts of a report as pages draw them, in the reader's language."""
    return parts_told(parts_of_content(content, visit.reader.language))


def _add_one(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/patrol-reports/{patrol_report_id}")
    def show(visit: SignedInVisit, patrol_report_id: UUID, edition: UUID | None = None) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            reading.note_read(session, visit.caller, patrol_report_id, now=now)
            report = reading.describe_frozen(session, visit.caller, patrol_report_id)
            sent = sending.sendings_of(session, report["id"])
            letters = {key: Counter(one.state for one in some) for key, some in sent.items()}
            chosen = chosen_site(session, visit, patrol.PEOPLE, report["site_id"])
        local = visit.at(chosen.site.time_zone)
        editions = [{**one, "report": each} for each in _whole(report) for one in each["editions"]]
        shown = next((one for one in editions if one["id"] == edition), editions[0])
        return templates.page(
            "patrol/frozen_report.html",
            local,
            section="checkpoints",
            site=chosen.site,
            report=report,
            shown=shown,
            letters=letters,
            links=_open_links(editions, sent, now),
            facts=facts_of(shown["content"], local.reader.language),
            parts=_parts(shown["content"], local),
            may_write=visit.may(patrol.WRITE, report["site_id"]),
        )

    _add_acts(routes)

    @routes.get("/patrol-report-editions/{edition_id}/{form}/{language}")
    def take_along(visit: SignedInVisit, edition_id: UUID, form: str, language: str) -> Response:
        with visit.parts.database.write() as session:
            file = reading.find_file(session, visit.caller, edition_id, form, language)
            now = visit.parts.clock.now()
            reading.note_read_edition(session, visit.caller, edition_id, now=now)
        return file_response(visit.parts.files.get(file.key), file)


def _open_links(
    editions: Sequence[Mapping[str, Any]],
    sent: Mapping[UUID, Sequence[ReportSending]],
    now: datetime,
) -> list[tuple[UUID, str, int]]:
    """By client of a report its id, its name, and how many links of its open or wait to be sent."""
    names = {one["client_id"]: one["client_name"] for one in editions if one["client_id"]}
    clients = {one["id"]: one["client_id"] for one in editions}
    counts = Counter(
        clients[edition]
        for edition, rows in sent.items()
        for row in rows
        if row.due_at or sending.is_open(row, now)
    )
    return [(one, names[one], counts[one]) for one in names if counts[one]]


def _add_acts(routes: APIRouter) -> None:
    @routes.post("/patrol-reports/{patrol_report_id}/annex")
    def add(visit: SignedInVisit, patrol_report_id: UUID) -> Response:
        now = visit.parts.clock.now()
        annexing.annex_by_hand(_desk(visit), visit.caller, patrol_report_id, now=now)
        return RedirectResponse(f"/patrol-reports/{patrol_report_id}", status_code=303)

    @routes.post("/patrol-reports/{patrol_report_id}/clients/{report_client_id}/revoke-links")
    def revoke(visit: SignedInVisit, patrol_report_id: UUID, report_client_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            revoking.revoke_links(
                session, visit.caller, patrol_report_id, report_client_id, now=now
            )
        return RedirectResponse(f"/patrol-reports/{patrol_report_id}", status_code=303)


def file_response(content: bytes, file: reading.FrozenFile) -> Response:
    """A file of a report, to be kept."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Cache-Control": "private, max-age=86400",
    }
    return Response(content, media_type=file.media_type, headers=headers)


def _whole(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A report and its annexes."""
    return [report, *report["annexes"]]


def _add_incidents(routes: APIRouter) -> None:
    @routes.post("/patrol-incident-reports")
    def make(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        ticket: Annotated[str, Form()] = "",
        report: Annotated[UUID | None, Form()] = None,
        clients: Annotated[list[UUID], Form(default_factory=list)] = ...,  # type: ignore[assignment]
    ) -> Response:
        visit.caller.require(patrol.WRITE, site)
        with visit.parts.database.read() as session:
            subject = _subject(session, visit, ticket, report)
        now = visit.parts.clock.now()
        made = closing.close_incident(_desk(visit), visit.caller, subject, clients=clients, now=now)
        return RedirectResponse(f"/patrol-reports/{made}", status_code=303)


def _subject(session: Session, visit: Visit, ticket: str, report: UUID | None) -> tuple[str, UUID]:
    if report is not None:
        return "guard_report", report
    written = ticket.strip().lstrip("#")
    number = int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else 0
    return "ticket", overview.find_ticket_number(session, visit.caller, number).thing.id
