"""Floor plans: the picture, and where on it the assets stand."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import RedirectResponse

from core import floor_plans
from core.db import Session
from core.errors import Invalid, NotFound
from core.floor_plans import FloorPlan
from core.places import Space
from rules.wording import worded
from web.languages import mark
from web.visit import SignedInVisit
from workflows import overview

# The picture under an address never changes: the address names its content.
KEPT = {"Cache-Control": "private, max-age=3600"}


def _back(site_code: str, space_code: str) -> Response:
    choice = {"site": site_code, "space": space_code}
    query = urlencode({name: value for name, value in choice.items() if value})
    return RedirectResponse(f"/control-room?{query}", status_code=303)


def _codes(session: Session, plan: FloorPlan, visit: SignedInVisit) -> tuple[str, str]:
    space = session.get(Space, plan.space_id) if plan.space_id else None
    site = overview.find_site(session, visit.caller, plan.site_id)
    return site.code, space.code if space else ""


def _share(written: str) -> float:
    """A fraction as a script writes it; what is no number is no place on the plan either."""
    try:
        return float(written)
    except ValueError:
        return float("nan")


def add_to(routes: APIRouter) -> None:
    """Add the routes."""
    _add_pictures(routes)
    _add_positions(routes)


def _add_pictures(routes: APIRouter) -> None:
    @routes.get("/control-room/plans/{plan_id}")
    def picture(plan_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.read() as session:
            plan = floor_plans.find_plan(session, visit.caller, plan_id)
        content = visit.parts.files.get(plan.copy)
        return Response(content, media_type="image/jpeg", headers=dict(KEPT))

    @routes.post("/control-room/{site_id}/plan")
    def draw(
        site_id: UUID,
        visit: SignedInVisit,
        space: Annotated[str, Form()] = "",
        picture: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        caller, parts = visit.caller, visit.parts
        caller.require(floor_plans.WRITE, site_id)
        content = picture.file.read() if picture else b""
        if not content:
            raise Invalid(
                worded(mark("there is no plan yet")),
                problems=[worded(mark("plan: choose a picture"))],
            )
        with parts.database.read() as session:
            site = overview.find_site(session, caller, site_id)
            chosen = overview.find_space(session, caller, site_id, space) if space else None
        stored = floor_plans.store_plan(parts.files, content)
        with parts.database.write() as session:
            space_id = chosen.id if chosen else None
            floor_plans.put_plan(session, caller, site_id, space_id, stored, now=parts.clock.now())
        return _back(site.code, space)

    @routes.post("/control-room/plans/{plan_id}/remove")
    def remove(plan_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            plan = floor_plans.find_plan(session, visit.caller, plan_id, to_change=True)
            codes = _codes(session, plan, visit)
            floor_plans.remove_plan(session, visit.caller, plan, now=visit.parts.clock.now())
        return _back(*codes)


def _add_positions(routes: APIRouter) -> None:
    @routes.post("/control-room/plans/{plan_id}/place")
    def place(
        plan_id: UUID,
        visit: SignedInVisit,
        asset: Annotated[str, Form()] = "",
        x: Annotated[str, Form()] = "",
        y: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            plan = floor_plans.find_plan(session, visit.caller, plan_id, to_change=True)
            at = (_share(x), _share(y))
            floor_plans.place_asset(
                session, visit.caller, plan, _asset(asset), at, now=visit.parts.clock.now()
            )
        return Response(status_code=204)

    @routes.post("/control-room/plans/{plan_id}/lift")
    def lift(plan_id: UUID, visit: SignedInVisit, asset: Annotated[str, Form()] = "") -> Response:
        with visit.parts.database.write() as session:
            plan = floor_plans.find_plan(session, visit.caller, plan_id, to_change=True)
            now = visit.parts.clock.now()
            floor_plans.lift_asset(session, visit.caller, plan, _asset(asset), now=now)
        return Response(status_code=204)


def _asset(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise NotFound(worded(mark("there is no such asset on this plan"))) from None
