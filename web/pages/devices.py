"""Adopting a device that spoke before anybody knew it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from core.administration import NewAsset, NewPoint
from core.adoption import Suggestion, adopt, suggest
from core.db import Session
from core.devices import Device
from core.errors import Invalid
from core.events import Actor
from core.places import Asset
from core.site_file import load_catalog
from rules.catalog import AssetType, Catalog
from rules.wording import worded
from web.languages import mark
from web.naming import point_name, type_name
from web.page_route import PageRoute
from web.pages.expected_devices import space_of
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import overview

Fields = Mapping[str, str]
WHAT = worded(mark("belongs: choose an asset that stands, or a type for a new one"))


async def form_fields(request: Request) -> Fields:
    """The text fields of a form."""
    form = await request.form()
    return {key: value for key, value in form.items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class Belongs:
    """What a device is to be part of: an asset that stands, or a new one of a type."""

    asset_id: UUID | None
    type: str | None

    @classmethod
    def read(cls, text: str) -> "Belongs":
        """From `asset:<id>` or `type:<code>`. Invalid for anything else."""
        kind, _, value = text.partition(":")
        try:
            if kind == "asset":
                return cls(UUID(value), None)
        except ValueError:
            raise Invalid(worded(mark("the device was not adopted")), problems=[WHAT]) from None
        if kind != "type" or not value:
            raise Invalid(worded(mark("the device was not adopted")), problems=[WHAT])
        return cls(None, value)

    @property
    def text(self) -> str:
        """As `read` takes it."""
        return f"asset:{self.asset_id}" if self.asset_id else f"type:{self.type or ''}"


def _suggested(suggestion: Suggestion) -> Belongs:
    if suggestion.asset_id:
        return Belongs(suggestion.asset_id, None)
    return Belongs(None, suggestion.asset_type)


def _chosen_points(suggestion: Suggestion, known: AssetType | None) -> dict[str, str | None]:
    """The point that each key probably feeds, among those of the chosen type."""
    codes = set(known.points) if known else set()
    chosen = {}
    for point in suggestion.points:
        guesses = (point.code, point.key, point.key.lower())
        chosen[point.key] = next((guess for guess in guesses if guess in codes), None)
    return chosen


def _choices(catalog: Catalog, known: AssetType | None, reader: Reader) -> dict[str, Any]:
    codes = known.points.items() if known else ()
    return {
        "types": sorted((type_name(catalog, code, reader), code) for code in catalog),
        "codes": [
            (code, point_name(known, code, {}, reader), point.unit or "") for code, point in codes
        ],
    }


def describe(visit: Visit, device_id: UUID, belongs: str | None) -> tuple[Visit, dict[str, Any]]:
    """Everything that the form shows, in the time zone of the device's site."""
    with visit.parts.database.read() as session:
        found = overview.find_device(session, visit.caller, device_id)
        visit.caller.require("devices.write", found.site.id)
        suggestion = suggest(session, found.thing)
        catalog = load_catalog(session)
        tree = overview.tree(session, visit.caller, standing={}, site_id=found.site.id)
    chosen = Belongs.read(belongs) if belongs else _suggested(suggestion)
    asset = next((asset for asset in tree.assets if asset.id == chosen.asset_id), None)
    known = catalog.get(asset.type if asset else chosen.type or "")
    local = visit.at(found.site.time_zone)
    return local, {
        "device": found.thing,
        "site": found.site,
        "assets": tree.assets,
        "spaces": tree.spaces,
        "belongs": chosen.text,
        "asset": asset,
        "known": known,
        "suggestion": suggestion,
        "chosen": _chosen_points(suggestion, known),
        **_choices(catalog, known, local.reader),
    }


def _new_points(fields: Fields) -> list[NewPoint]:
    points, problems = [], []
    for name, code in fields.items():
        kind, _, key = name.partition(":")
        if kind != "point" or not code:
            continue
        written = fields.get(f"interval:{key}", "").strip()
        try:
            interval = float(written) if written else None
        except ValueError:
            problems.append(
                worded(mark("%(key)s: the seconds between readings must be a number"), key=key)
            )
            continue
        points.append(NewPoint(key=key, code=code, expected_interval=interval))
    if problems:
        raise Invalid(worded(mark("the device was not adopted")), problems=problems)
    return points


def _as_it_says(
    session: Session, device: Device, type_code: str, points: list[NewPoint]
) -> list[NewPoint]:
    """The points with how what the device says becomes their values, where that is known of it.

    A person chooses what a value means; that a contact says *closed*, or in which unit a value
    comes, is the device's own.
    """
    found, catalog = suggest(session, device), load_catalog(session)
    chosen, proposed = catalog.get(type_code), catalog.get(found.asset_type or "")
    if chosen is None or proposed is None:
        return points
    known = {(one.key, one.code): one.new() for one in found.points if one.code}
    result = []
    for point in points:
        said = known.get((point.key, point.code))
        mine, theirs = chosen.points.get(point.code), proposed.points.get(point.code)
        alike = mine and theirs and (mine.kind, mine.unit) == (theirs.kind, theirs.unit)
        if said is not None and alike:
            point = replace(point, states=said.states, scale=said.scale, shift=said.shift)
        result.append(point)
    return result


def _new_asset(fields: Fields, type_code: str) -> NewAsset:
    names = {language: fields.get(f"name_{language}", "").strip() for language in ("en", "zh")}
    return NewAsset(
        fields.get("code", "").strip(),
        type_code,
        {language: name for language, name in names.items() if name},
        space_of(fields.get("space", "")),
    )


def router(templates: Templates) -> APIRouter:
    """The routes of devices."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/devices/{device_id}/adopt")
    def show(device_id: UUID, visit: SignedInVisit, belongs: str | None = None) -> Response:
        local, context = describe(visit, device_id, belongs)
        return templates.page("adopt.html", local, **context)

    @routes.post("/devices/{device_id}/adopt")
    def adopt_device(
        device_id: UUID, visit: SignedInVisit, fields: Annotated[Fields, Depends(form_fields)]
    ) -> Response:
        belongs = Belongs.read(fields.get("belongs", ""))
        points = _new_points(fields)
        with visit.parts.database.write() as session:
            found = overview.find_device(session, visit.caller, device_id)
            visit.caller.require("devices.write", found.site.id)
            asset: Asset | NewAsset
            if belongs.asset_id:
                asset = overview.find_asset(session, visit.caller, belongs.asset_id).thing
            else:
                asset = _new_asset(fields, belongs.type or "")
            adopt(
                session,
                found.thing,
                asset=asset,
                points=_as_it_says(session, found.thing, asset.type, points),
                actor=Actor.person(visit.caller.person_id),
                now=visit.parts.clock.now(),
            )
            adopted = found.thing.asset_id
        return RedirectResponse(f"/assets/{adopted}", status_code=303)

    return routes
