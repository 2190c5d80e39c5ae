"""Who devices are on the broker: their credentials, bridges, and by which ways they are heard."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.device_credentials import (
    Issued,
    change_identity,
    issue_credential,
    revoke_credentials,
    rotate_credential,
)
from core.device_credentials.provisioning import (
    address_of,
    broker_url,
    sealing,
    sheet,
    topic_of,
)
from core.device_credentials.reading import (
    MOST_LISTED,
    codes_of,
    describe_accounts,
    describe_identity,
    devices_to_set_up,
    devices_without,
    ids_of,
    list_identities,
    sources_of,
)
from core.devices import Device
from core.errors import Invalid, NotFound
from core.events import Actor
from core.hearings import accept_way
from core.paging import Wish
from core.people import find_node, nodes_with
from core.places import Node
from core.register import find
from core.topic_sharing import require_reads
from rules.wording import worded
from web.kept import chosen_node
from web.languages import mark
from web.page_route import PageRoute
from web.pages.devices import Fields, form_fields
from web.templating import Templates
from web.visit import SignedInVisit, Visit

SECTION = "identities"
READ, WRITE = "devices.read", "devices.write"
OVERLAPS = (7, 1, 30, 0)
_PAGE = 50


def _sites(session: Session, visit: Visit) -> list[Node]:
    return [node for node in nodes_with(session, visit.caller, READ) if node.kind == "site"]


def _list_page(visit: Visit, wanted: UUID | None, before: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        sites = _sites(session, visit)
        if not sites:
            raise NotFound(
                worded(mark("there is no site with devices")),
                advice=worded(mark("Ask who administers rights.")),
            )
        site = find_node(session, visit.caller, READ, chosen_node(sites, wanted))
        wish = Wish(_PAGE, (before,) if before else None)
        page = list_identities(session, visit.caller, site.id, wish)
        accounts = describe_accounts(session) if _may_operate(visit) else None
        without = devices_to_set_up(session, visit.caller, site.id)
    return {
        "sites": sites,
        "site": site,
        "found": page.items,
        "more": page.next[0] if page.next else None,
        "accounts": accounts,
        "without": without,
        "most": MOST_LISTED,
        "policy": visit.parts.settings.device_sign_in,
        "may_write": visit.may(WRITE, site.id),
    }


def _may_operate(visit: Visit) -> bool:
    """Who is signed in without a name is of no site: those see it who look after the whole."""
    return visit.caller.holds_anywhere("system.read")


def _one_page(visit: Visit, device_id: UUID) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        device = find(session, visit.caller, Device, device_id)
        identity = describe_identity(session, device)
        return {
            "device": device,
            "site": session.get_one(Node, device.site_id),
            "identity": identity,
            "standing": [
                one for one in identity["credentials"] if one["state"] in ("standing", "leaving")
            ],
            "speaks_for": codes_of(session, identity["speaks_for"]),
            "sources": sources_of(session, device.site_id),
            "overlaps": OVERLAPS,
            "may_write": visit.may(WRITE, device.site_id),
        }


def _device(session: Session, visit: Visit, device_id: UUID) -> Device:
    device = find(session, visit.caller, Device, device_id, to_change=True)
    visit.caller.require(WRITE, device.site_id)
    return device


def _told(templates: Templates, visit: Visit, issued: Issued) -> Response:
    broker = broker_url(visit.parts.settings)
    code = segno.make(address_of(issued, broker), error="m", micro=False)
    answer = templates.page(
        "device_identities/secret.html",
        visit,
        section=SECTION,
        issued=issued,
        broker=broker,
        topic=topic_of(issued),
        qr=code.svg_data_uri(scale=5, border=2),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(
            worded(mark("there is no such site")), advice=worded(mark("Choose one from the list."))
        ) from None


def _lines(text: str) -> list[str]:
    """What stands on lines or between commas; topics and codes hold no blanks."""
    return [one for one in re.split(r"[\s,，、]+", text) if one]


def _changes(session: Session, device: Device, fields: Mapping[str, str]) -> dict[str, Any]:
    codes = _lines(fields.get("speaks_for", ""))
    sources = [name.removeprefix("source:") for name in fields if name.startswith("source:")]
    return {
        "speaks_for": ids_of(session, device.site_id, codes),
        "sources": sources,
        "topics": _lines(fields.get("topics", "")),
        "reads": _lines(fields.get("reads", "")),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of identities."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/device-identities")
    def show(
        visit: SignedInVisit, site: UUID | None = None, before: UUID | None = None
    ) -> Response:
        visit.caller.require_anywhere(READ)
        context = _list_page(visit, site, before)
        return templates.page("device_identities/list.html", visit, section=SECTION, **context)

    @routes.post("/device-identities/export")
    def export(visit: SignedInVisit, site: Annotated[str, Form()] = "") -> Response:
        visit.caller.require_anywhere(WRITE)
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, WRITE, _id(site))
            vault = sealing(visit.parts.settings)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            issued = [
                issue_credential(session, device, vault=vault, actor=actor, now=now)
                for device in devices_without(session, node.code)
            ]
        # Spreadsheets read a CSV as UTF-8 only with this mark in front.
        body = "\ufeff" + sheet(issued, broker_url(visit.parts.settings))
        name = f"credentials-{node.code}.csv"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(body, media_type="text/csv; charset=utf-8", headers=headers)

    _routes_of_one(routes, templates)
    return routes


def _routes_of_one(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/device-identities/{device_id}")
    def one(device_id: UUID, visit: SignedInVisit) -> Response:
        context = _one_page(visit, device_id)
        local = visit.at(context["site"].time_zone)
        return templates.page("device_identities/one.html", local, section=SECTION, **context)

    @routes.post("/device-identities/{device_id}/credential")
    def make(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            issued = issue_credential(
                session,
                _device(session, visit, device_id),
                vault=sealing(visit.parts.settings),
                actor=Actor.person(visit.caller.person_id),
                now=visit.parts.clock.now(),
            )
        return _told(templates, visit, issued)

    @routes.post("/device-identities/{device_id}/replace")
    def replace(
        device_id: UUID, visit: SignedInVisit, overlap: Annotated[str, Form()] = "7"
    ) -> Response:
        if overlap not in {str(days) for days in OVERLAPS}:
            raise Invalid(
                worded(mark("the credential was not replaced")), problems=[worded(mark("overlap"))]
            )
        with visit.parts.database.write() as session:
            issued = rotate_credential(
                session,
                _device(session, visit, device_id),
                vault=sealing(visit.parts.settings),
                actor=Actor.person(visit.caller.person_id),
                now=visit.parts.clock.now(),
                overlap=timedelta(days=int(overlap)),
            )
        return _told(templates, visit, issued)

    _routes_of_its_rights(routes)


def _routes_of_its_rights(routes: APIRouter) -> None:
    @routes.post("/device-identities/{device_id}/revoke")
    def revoke(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            device = _device(session, visit, device_id)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            revoke_credentials(session, device, actor=actor, now=now)
        return RedirectResponse(f"/device-identities/{device_id}", status_code=303)

    @routes.post("/device-identities/{device_id}/accept-way")
    def accept(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            device = _device(session, visit, device_id)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            accept_way(session, device, actor=actor, now=now)
        return RedirectResponse(f"/device-identities/{device_id}", status_code=303)

    @routes.post("/device-identities/{device_id}")
    def save(
        device_id: UUID, visit: SignedInVisit, fields: Annotated[Fields, Depends(form_fields)]
    ) -> Response:
        with visit.parts.database.write() as session:
            device = _device(session, visit, device_id)
            changes = _changes(session, device, fields)
            require_reads(session, visit.caller, device, changes)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            change_identity(session, device, changes, actor=actor, now=now)
        return RedirectResponse(f"/device-identities/{device_id}", status_code=303)
