"""Waiting devices: two taps to adopt one, many at once, replacement."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from core.adoption import Suggestion, Wish, adopt_as_proposed, suggest
from core.db import Session
from core.devices import Device
from core.errors import Conflict, Invalid, NotFound
from core.events import Actor
from core.expected_devices import list_expected
from core.expected_problems import told
from core.paging import Wish as Leaf
from core.places import Asset
from core.profiles import Profiles
from core.profiles.own import load_profiles
from core.register import find, working_devices
from core.replacing import propose, replace_device, undo_replacement
from core.site_file import load_catalog
from rules.catalog import Catalog
from rules.wording import worded
from web.languages import mark
from web.naming import point_name, type_name
from web.page_route import PageRoute
from web.pages.device_profiles import may_write
from web.pages.expected_devices import space_of
from web.pages.planned_work import chosen_site, sites_with
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.alarms.planning import choices_at

READ, WRITE = "devices.read", "devices.write"
MOST_SHOWN = 100
# Labels are read by the camera, where somebody asks for it.
WITH_CAMERA = "camera=(self), geolocation=(), microphone=()"
MOST_EXPECTED = 200


def _said(value: Any) -> str:
    """A value as it stands in the message, texts without their quotes; "" for none."""
    if isinstance(value, str):
        return value[:40]
    return "" if value is None else json.dumps(value)[:40]


def router(templates: Templates) -> APIRouter:
    """The routes of onboarding; before those of a device, which would take a word for its id."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_list(routes, templates)
    _add_adopting(routes)
    _add_replacing(routes, templates)
    return routes


def _back(site: UUID, more: str = "") -> Response:
    return RedirectResponse(f"/devices/waiting?site={site}{more}", status_code=303)


def _profile_names(profiles: Profiles, reader: Reader) -> list[tuple[str, str]]:
    return sorted((one.name.get(reader.language), code) for code, one in profiles.items())


def _values(found: Suggestion, catalog: Catalog, reader: Reader) -> list[dict[str, Any]]:
    """What a device says now, as it would be read once it is adopted."""
    kind = catalog.get(found.asset_type or "")
    shown = []
    for point in found.points:
        reading = point.reading
        known = kind.points.get(point.code) if kind and point.code else None
        shown.append(
            {
                "key": point.key,
                "said": _said(point.value),
                "name": point_name(kind, point.code, {}, reader) if point.code else "",
                "value": reader.value(known, reading) if known and reading is not None else "",
            }
        )
    # What it is adopted for comes first.
    return sorted(shown, key=lambda one: not one["name"])


def _rows(
    session: Session, visit: Visit, reader: Reader, site_id: UUID, profile: Mapping[UUID, str]
) -> list[dict[str, Any]]:
    catalog, profiles = load_catalog(session), load_profiles(session)
    waiting = overview.waiting_devices(session, visit.caller, site_id=site_id, limit=MOST_SHOWN)
    rows = []
    for one in waiting:
        device = session.get_one(Device, one.id)
        found = suggest(session, device, profile=profile.get(one.id))
        fits = profiles.get(found.profile or "")
        rows.append(
            {
                "device": device,
                "found": found,
                "told": _values(found, catalog, reader),
                "profile_name": fits.name.get(reader.language) if fits else "",
                "type_name": type_name(catalog, found.asset_type, reader)
                if found.asset_type
                else "",
            }
        )
    return rows


def _list(
    visit: Visit, site: UUID | None, device: UUID | None, profile: str | None
) -> tuple[Visit, dict[str, Any]]:
    with visit.parts.database.read() as session:
        sites = sites_with(session, visit, READ)
        chosen = chosen_site(sites, site)
        local = visit.at(chosen.time_zone)
        profiles = load_profiles(session)
        picked = {device: profile} if device and profile and profile in profiles else {}
        rows = _rows(session, visit, local.reader, chosen.id, picked)
        expected = list_expected(
            session, visit.caller, Leaf(MOST_EXPECTED), site_id=chosen.id
        ).items
        spaces = choices_at(session, chosen.id)[1]
    return local, {
        "site": chosen,
        "sites": sites,
        "rows": rows,
        "open": device,
        "expected": [{**one, "reason": told(one["problem"])} for one in expected],
        "spaces": spaces,
        "profiles": _profile_names(profiles, local.reader),
        "may_write": visit.may(WRITE, chosen.id),
        "may_profile": may_write(visit.caller),
    }


def _add_list(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/devices/waiting")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        device: UUID | None = None,
        profile: str | None = None,
    ) -> Response:
        visit.caller.require_anywhere(READ)
        local, context = _list(visit, site, device, profile)
        page = templates.page("devices/waiting.html", local, section="devices", **context)
        page.headers["Permissions-Policy"] = WITH_CAMERA
        return page


def _add_adopting(routes: APIRouter) -> None:
    @routes.post("/devices/{device_id}/adopt-proposed")
    def adopt_one(
        device_id: UUID,
        visit: SignedInVisit,
        profile: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        space: Annotated[str, Form()] = "",
    ) -> Response:
        called = " ".join(name.split())[:120]
        names = {"en": called, "zh": called} if called else None
        wish = Wish(profile or None, names, space_of(space))
        with visit.parts.database.write() as session:
            device = find(session, visit.caller, Device, device_id, to_change=True)
            visit.caller.require(WRITE, device.site_id)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            adopt_as_proposed(session, device, wish, actor=actor, now=now)
            site_id = device.site_id
        return _back(site_id)

    @routes.post("/devices/waiting/adopt")
    def adopt_many(
        visit: SignedInVisit,
        site: Annotated[UUID, Form()],
        device: Annotated[list[UUID] | None, Form()] = None,
        space: Annotated[str, Form()] = "",
    ) -> Response:
        visit.caller.require(WRITE, site)
        wish = Wish(space_id=space_of(space))
        problems = []
        for one in (device or ())[:MOST_SHOWN]:
            try:
                with visit.parts.database.write() as session:
                    found = find(session, visit.caller, Device, one, to_change=True)
                    visit.caller.require(WRITE, found.site_id)
                    actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
                    adopt_as_proposed(session, found, wish, actor=actor, now=now)
            except Invalid as error:
                problems += [error.detail, *error.problems]
            except (Conflict, NotFound) as error:
                problems.append(error.detail)
        if problems:
            raise Invalid(
                worded(mark("the others were adopted")),
                problems=problems,
                advice=worded(mark("Open these one by one and choose what they are.")),
            )
        return _back(site)


def _add_replacing(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/devices/{device_id}/replace")
    def show(device_id: UUID, visit: SignedInVisit, old: str = "") -> Response:
        with visit.parts.database.read() as session:
            found = overview.find_device(session, visit.caller, device_id)
            visit.caller.require(WRITE, found.site.id)
            local = visit.at(found.site.time_zone)
            others = working_devices(session, found.site.id)
            chosen = next((one for one in others if str(one.id) == old), None)
            handed = propose(session, chosen, found.thing) if chosen else []
            assets = [session.get_one(Asset, one) for one in {each.asset_id for each in handed}]
            names = {one.id: local.reader.text(one.name) or one.code for one in assets}
        return templates.page(
            "devices/replace.html",
            local,
            section="devices",
            device=found.thing,
            site=found.site,
            others=others,
            old=chosen,
            handed=handed,
            names=names,
        )

    @routes.post("/devices/{device_id}/replace")
    def replace(device_id: UUID, visit: SignedInVisit, old: Annotated[UUID, Form()]) -> Response:
        with visit.parts.database.write() as session:
            new = find(session, visit.caller, Device, device_id, to_change=True)
            visit.caller.require(WRITE, new.site_id)
            standing = find(session, visit.caller, Device, old, to_change=True)
            visit.caller.require(WRITE, standing.site_id)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            replace_device(session, standing, new, actor=actor, now=now)
        return RedirectResponse(f"/devices/{device_id}/replaced", status_code=303)

    @routes.get("/devices/{device_id}/replaced")
    def done(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            found = overview.find_device(session, visit.caller, device_id)
            visit.caller.require(WRITE, found.site.id)
        return templates.page(
            "devices/replaced.html",
            visit.at(found.site.time_zone),
            section="devices",
            device=found.thing,
            site=found.site,
        )

    @routes.post("/devices/{device_id}/replace/undo")
    def undo(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            new = find(session, visit.caller, Device, device_id, to_change=True)
            visit.caller.require(WRITE, new.site_id)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            undo_replacement(session, new, actor=actor, now=now)
            site_id = new.site_id
        return _back(site_id)
