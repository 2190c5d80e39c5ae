"""Checkpoints: the list of a site's, one with all about it, and what people change of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, TypedDict
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid
from core.paging import Wish
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.devices import Fields, form_fields
from web.pages.patrol.chosen import (
    actor_of,
    chosen_site,
    devices_to_choose,
    one_id,
    spaces_to_choose,
    zone_of,
)
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.tickets import PRIORITIES

ON_A_PAGE = 50
NEWEST_SCANS = 10
# For how many hours nobody may have come before a checkpoint is in the list of the quiet ones.
QUIET_HOURS = (8, 24, 168)
USUAL_QUIET = 24


def router(templates: Templates) -> APIRouter:
    """The routes of checkpoints."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_lists(routes, templates)
    _add_page(routes, templates)
    _add_changes(routes)
    _add_moves(routes)
    return routes


def _add_lists(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/checkpoints")
    def show(
        visit: SignedInVisit,
        site: UUID | None = None,
        view: str = "active",
        hours: int = USUAL_QUIET,
        q: str = "",
        after: str | None = None,
    ) -> Response:
        quiet = timedelta(hours=hours if hours in QUIET_HOURS else USUAL_QUIET)
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.READ, site)
            at = chosen.site.id
            wanted = patrol.Survey(at, view, quiet, q.strip()[:100])
            page = patrol.survey(
                session, visit.caller, wanted, now=now, after=after, limit=ON_A_PAGE
            )
            counts = patrol.tally(session, visit.caller, at, now=now, quiet_for=quiet)
        return templates.page(
            "patrol/checkpoints.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            sites=chosen.sites,
            wanted=wanted,
            views=patrol.VIEWS,
            hours=int(quiet.total_seconds()) // 3600,
            all_hours=QUIET_HOURS,
            found=page.items,
            more=page.next[0] if page.next else None,
            counts=counts,
        )

    @routes.get("/checkpoints/new")
    def form(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.WRITE, site)
        return templates.page(
            "patrol/new_checkpoint.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            sites=chosen.sites,
            spaces=spaces_to_choose(visit, chosen.site.id),
            criticalities=PRIORITIES,
        )


def _about(visit: Visit, checkpoint_id: UUID) -> tuple[Visit, dict[str, Any]]:
    """Everything that the page of a checkpoint shows, by the clocks of its site."""
    with visit.parts.database.read() as session:
        row = patrol.describe_checkpoint(session, visit.caller, checkpoint_id)
        chosen = chosen_site(session, visit, patrol.READ, row["site_id"])
        wanted = patrol.ScanFilter(checkpoint_id=checkpoint_id, verdict="all")
        scans = patrol.list_scans(session, visit.caller, wanted, Wish(NEWEST_SCANS))
        tokens = patrol.tokens_of(session, checkpoint_id)
        devices = devices_to_choose(session, visit, row["site_id"])
    spaces = spaces_to_choose(visit, row["site_id"])
    return visit.at(chosen.site.time_zone), {
        "point": row,
        "site": chosen.site,
        "space": dict(spaces).get(row["space_id"], ""),
        "spaces": spaces,
        "criticalities": PRIORITIES,
        "actions": patrol.CHECKPOINT.actions(row["state"]),
        "tokens": _strongest_first(one for one in tokens if one["state"] != "replaced"),
        "earlier": [one for one in tokens if one["state"] == "replaced"],
        "token_actions": patrol.TOKEN.actions,
        "devices": devices,
        "scans": scans.items,
        "more_scans": scans.next is not None,
        "may_write": visit.may(patrol.WRITE, row["site_id"]),
        "may_see_people": visit.may(patrol.PEOPLE, row["site_id"]),
    }


def _strongest_first(tokens: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    order = list(patrol.KINDS)
    return sorted(tokens, key=lambda one: order.index(one["kind"]))


def _add_page(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/checkpoints/{checkpoint_id}")
    def show(visit: SignedInVisit, checkpoint_id: UUID) -> Response:
        local, context = _about(visit, checkpoint_id)
        return templates.page("patrol/checkpoint.html", local, section="checkpoints", **context)


def _number(text: str, field: str) -> float | None:
    """A number as people write it, with a point or a comma."""
    if not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise Invalid(
            worded(mark("nothing was saved")),
            problems=[worded(mark("%(field)s: a number"), field=field)],
        ) from None


class _Position(TypedDict):
    latitude: float | None
    longitude: float | None
    radius_m: float | None


def _position(fields: Mapping[str, str]) -> _Position:
    return {
        "latitude": _number(fields.get("latitude", ""), "latitude"),
        "longitude": _number(fields.get("longitude", ""), "longitude"),
        "radius_m": _number(fields.get("radius_m", ""), "radius_m"),
    }


def _names(fields: Mapping[str, str]) -> dict[str, str]:
    names = {language: fields.get(f"name_{language}", "").strip() for language in ("en", "zh")}
    return {language: name for language, name in names.items() if name}


def _changes(fields: Mapping[str, str]) -> dict[str, Any]:
    """What a form changes: either where it is, or all the rest."""
    if "latitude" in fields:
        return dict(_position(fields))
    return {
        "name": _names(fields),
        "space_id": one_id(fields.get("space", ""), "space", "nothing was saved"),
        "criticality": fields.get("criticality", ""),
    }


def _found(session: Session, visit: Visit, checkpoint_id: UUID) -> patrol.Checkpoint:
    now = visit.parts.clock.now()
    return patrol.find_checkpoint(
        session, visit.caller, checkpoint_id, now=now, permission=patrol.WRITE
    )


def _to(checkpoint_id: UUID) -> Response:
    return RedirectResponse(f"/checkpoints/{checkpoint_id}", status_code=303)


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/checkpoints")
    def make(visit: SignedInVisit, fields: Annotated[Fields, Depends(form_fields)]) -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        site_id = one_id(fields.get("site", ""), "site", "no checkpoint was made")
        if site_id is None:
            raise Invalid(
                worded(mark("no checkpoint was made")), problems=[worded(mark("site: choose one"))]
            )
        visit.caller.require(patrol.WRITE, site_id)
        new = patrol.NewCheckpoint(
            fields.get("code", "").strip(),
            _names(fields),
            one_id(fields.get("space", ""), "space", "no checkpoint was made"),
            fields.get("criticality", "medium"),
            **_position(fields),
        )
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            zone_of(session, visit, site_id)
            row = patrol.create_checkpoint(session, site_id, new, actor=actor_of(visit), now=now)
            made = row.id
        return _to(made)

    @routes.post("/checkpoints/{checkpoint_id}/change")
    def change(
        visit: SignedInVisit, checkpoint_id: UUID, fields: Annotated[Fields, Depends(form_fields)]
    ) -> Response:
        with visit.parts.database.write() as session:
            row = _found(session, visit, checkpoint_id)
            patrol.change_checkpoint(
                session,
                row,
                _changes(fields),
                actor=actor_of(visit),
                now=visit.parts.clock.now(),
                expected_version=version_read(fields.get("version", "")),
            )
        return _to(checkpoint_id)


def _add_moves(routes: APIRouter) -> None:
    @routes.post("/checkpoints/{checkpoint_id}/retire")
    def retire(
        visit: SignedInVisit, checkpoint_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _moved(visit, checkpoint_id, version, patrol.retire_checkpoint)

    @routes.post("/checkpoints/{checkpoint_id}/reactivate")
    def take_in(
        visit: SignedInVisit, checkpoint_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _moved(visit, checkpoint_id, version, patrol.reactivate_checkpoint)


def _moved(visit: Visit, checkpoint_id: UUID, version: str, step: Callable[..., None]) -> Response:
    """Take a step with a checkpoint as it was shown, and back to it."""
    with visit.parts.database.write() as session:
        step(
            session,
            _found(session, visit, checkpoint_id),
            actor=actor_of(visit),
            now=visit.parts.clock.now(),
            expected_version=version_read(version),
        )
    return _to(checkpoint_id)
