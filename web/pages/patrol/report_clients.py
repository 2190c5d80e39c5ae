"""Clients of a site: for whom reports have editions; and how the site itself reports."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.errors import Invalid
from core.places import Node
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol.frozen import audience
from workflows.patrol.frozen.audience import ClientDraft, Reporting
from workflows.patrol.frozen.model import LANGUAGES, NAMINGS, PARTS, USUAL_PARTS

PROBLEMS = {
    "name": mark("A name of 1 to 120 characters."),
    "language": mark("English or Chinese."),
    "naming": mark("Choose how people are named."),
    "parts": mark("Choose some of the parts."),
    "addresses": mark("At most 10 e-mail addresses, such as desk@example.com."),
    "closes_after_min": mark(
        "So many hours after the end of the day: a whole number from 0 to 72."
    ),
}
_NOT_A_NUMBER = -1


def router(templates: Templates) -> APIRouter:
    """The routes of clients of reports."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_changes(routes, templates)
    _add_settings(routes, templates)
    return routes


def _page(
    templates: Templates,
    visit: Visit,
    site: UUID | None,
    status: int = 200,
    problems: Sequence[str] = (),
    tried: dict[str, Any] | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        chosen = chosen_site(session, visit, patrol.PEOPLE, site)
        at = chosen.site
        clients = audience.clients_at(session, visit.caller, at.id)
        settings = audience.reporting_at(session, at.id)
    context: dict[str, Any] = {
        "site": at,
        "sites": chosen.sites,
        "clients": clients,
        "settings": settings,
        "namings": NAMINGS,
        "parts": PARTS,
        "languages": LANGUAGES,
        "problems": problems,
        "may_write": visit.may(patrol.WRITE, at.id),
        "tried": tried or _ClientForm(naming="initials", part=list(USUAL_PARTS)).tried(None),
    }
    local = visit.at(at.time_zone)
    return templates.page(
        "patrol/report_clients.html", local, status, section="checkpoints", **context
    )


def _refused(
    templates: Templates, visit: Visit, site: UUID, error: Invalid, tried: dict[str, Any] | None
) -> Response:
    fields = dict.fromkeys(problem.partition(":")[0] for problem in error.problems)
    told = [visit.reader.translate(PROBLEMS[field]) for field in fields if field in PROBLEMS]
    return _page(templates, visit, site, error.status, told or error.problems, tried)


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/report-clients")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        return _page(templates, visit, site)

    @routes.get("/report-clients/{report_client_id}")
    def edit(visit: SignedInVisit, report_client_id: UUID) -> Response:
        with visit.parts.database.read() as session:
            row = audience.find_client(session, visit.caller, report_client_id)
            tried = {name: getattr(row, name) for name in ("name", "language", "naming", "parts")}
            tried["addresses"] = "\n".join(row.addresses)
            tried |= {"id": row.id, "version": row.version, "state": row.state}
            site = row.site_id
        return _page(templates, visit, site, tried=tried)


class _ClientForm:
    """What the form of a client sends."""

    def __init__(
        self,
        name: Annotated[str, Form()] = "",
        language: Annotated[str, Form()] = "zh",
        naming: Annotated[str, Form()] = "initials",
        part: Annotated[list[str] | None, Form()] = None,
        addresses: Annotated[str, Form()] = "",
        version: Annotated[str, Form()] = "",
    ) -> None:
        self.addresses = addresses
        self.name, self.language, self.naming = name, language, naming
        self.parts, self.version = part or [], version

    def draft(self) -> ClientDraft:
        """The client as it is to be."""
        addresses = self.addresses.replace(",", " ").split()
        return ClientDraft(self.name, self.language, self.naming, self.parts, addresses)

    def tried(self, client_id: UUID | None) -> dict[str, Any]:
        """The same for the form that is shown once more."""
        fields = {"name": self.name, "language": self.language, "naming": self.naming}
        fields["addresses"] = self.addresses
        more = {"parts": self.parts, "version": self.version, "id": client_id, "state": "active"}
        return {**fields, **more}


def _add_changes(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/report-clients")
    def make(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        form: Annotated[_ClientForm, Depends()],
    ) -> Response:
        now = visit.parts.clock.now()
        try:
            with visit.parts.database.write() as session:
                audience.create_client(session, visit.caller, site, form.draft(), now=now)
        except Invalid as error:
            return _refused(templates, visit, site, error, form.tried(None))
        return RedirectResponse(f"/report-clients?site={site}", status_code=303)

    @routes.post("/report-clients/{report_client_id}")
    def change(
        visit: SignedInVisit,
        report_client_id: UUID,
        form: Annotated[_ClientForm, Depends()],
    ) -> Response:
        now, version = visit.parts.clock.now(), version_read(form.version)
        with visit.parts.database.read() as session:
            site = audience.find_client(session, visit.caller, report_client_id).site_id
        try:
            with visit.parts.database.write() as session:
                row = audience.find_client(session, visit.caller, report_client_id)
                audience.change_client(
                    session, visit.caller, row, form.draft(), now=now, expected_version=version
                )
        except Invalid as error:
            return _refused(templates, visit, site, error, form.tried(report_client_id))
        return RedirectResponse(f"/report-clients?site={site}", status_code=303)

    @routes.post("/report-clients/{report_client_id}/end")
    def end(visit: SignedInVisit, report_client_id: UUID) -> Response:
        return _moved(visit, report_client_id, "end")

    @routes.post("/report-clients/{report_client_id}/resume")
    def resume(visit: SignedInVisit, report_client_id: UUID) -> Response:
        return _moved(visit, report_client_id, "resume")


def _moved(visit: Visit, client_id: UUID, action: str) -> Response:
    now = visit.parts.clock.now()
    with visit.parts.database.write() as session:
        row = audience.find_client(session, visit.caller, client_id)
        audience.move_client(session, visit.caller, row, action, now=now)
        return RedirectResponse(f"/report-clients?site={row.site_id}", status_code=303)


def _add_settings(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/report-settings")
    def keep(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        hours: Annotated[str, Form()] = "",
        naming: Annotated[str, Form()] = "names",
        version: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require(patrol.WRITE, site)
        wanted = Reporting(_minutes(hours), naming)
        now, expected = visit.parts.clock.now(), version_read(version)
        try:
            with visit.parts.database.write() as session:
                node = session.get_one(Node, site)
                audience.set_reporting(
                    session, visit.caller, node, wanted, now=now, expected_version=expected
                )
        except Invalid as error:
            return _refused(templates, visit, site, error, None)
        return RedirectResponse(f"/report-clients?site={site}", status_code=303)


def _minutes(hours: str) -> int | None:
    """Hours as they are typed, in minutes; nothing for by hand."""
    written = hours.strip()
    if not written:
        return None
    whole = written.isascii() and written.isdecimal() and len(written) < 4
    return int(written) * 60 if whole else _NOT_A_NUMBER
