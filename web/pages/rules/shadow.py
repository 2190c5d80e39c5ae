"""A rule in the shadow: what it would have said, beside what was said."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.clock import MICROS, from_micros
from core.errors import Conflict
from core.people import time_zone_at
from core.places import Node
from core.rulebook_drafts import APPROVE, CHANGE, EDIT, RuleDraft, find_draft
from core.rulebook_review import act_on_draft, approve, refusal_to_approve
from core.rulebook_shadows import RuleShadow, end_shadow, find_shadow, start_shadow
from rules.wording import worded
from web.kept import may_change
from web.languages import mark
from web.page_route import PageRoute
from web.pages.rules.onward import onward
from web.strips import bar
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows.alarms.shadow_comparing import Comparison, compare_shadow

# How many events are shown as strips and listed.
SHOWN = 100
STRIPS = 12
A_DAY = 86_400 * MICROS


class ForceForm(BaseModel):
    """Why what was tried shall hold."""

    reason: str = ""
    version: str = ""


def _strips(found: Comparison) -> list[dict[str, Any]]:
    """For the assets with the most events two rows of bars: in force, and in the shadow."""
    rows: dict[UUID, dict[str, list[tuple[float, float]]]] = {}
    for pair in found.pairs:
        row = rows.setdefault(pair.asset_id, {"shadow": [], "active": []})
        for name, span in (("shadow", pair.shadow), ("active", pair.active)):
            if span is not None:
                row[name].append(bar(span.tripped, span.cleared, found.began, found.until))
    busiest = sorted(rows.items(), key=lambda row: -sum(map(len, row[1].values())))
    return [{"asset": found.assets.get(asset), **bars} for asset, bars in busiest[:STRIPS]]


def _is_tried(shadow: RuleShadow, draft: RuleDraft) -> bool:
    """Whether a draft still says what is tried, of the place where it is tried."""
    return (draft.fingerprint, draft.node_id) == (shadow.fingerprint, shadow.node_id)


def _context(visit: Visit, shadow_id: UUID) -> dict[str, Any]:
    now = visit.parts.clock.now()
    with visit.parts.database.read() as session:
        shadow = find_shadow(session, visit.caller, shadow_id)
        node = session.get_one(Node, shadow.node_id)
        # The trial is for all who read rules; its draft is only what it was made from.
        draft = session.get_one(RuleDraft, shadow.draft_id)
        found = compare_shadow(session, visit.caller, shadow, now=now)
        zone = time_zone_at(session, node)
        return {
            "shadow": shadow,
            "node": node,
            "draft": draft,
            "found": found,
            "pairs": [(pair, from_micros(pair.at)) for pair in found.pairs[:SHOWN]],
            "strips": _strips(found),
            # Of an hour nobody can tell what a day would bring.
            "early": found.until - found.began < A_DAY,
            "writes": may_change(visit.caller, node, EDIT),
            "same": _is_tried(shadow, draft) and draft.purpose == CHANGE,
            "zone": zone,
        }


def router(templates: Templates) -> APIRouter:
    """The routes of trials."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/rule-shadows/{shadow_id}")
    def show(shadow_id: UUID, visit: SignedInVisit) -> Response:
        context = _context(visit, shadow_id)
        there = visit.at(context["zone"])
        return templates.page("rules/shadow.html", there, section="rules", **context)

    @routes.post("/rule-drafts/{draft_id}/shadow")
    def begin(draft_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            draft = find_draft(session, visit.caller, draft_id)
            shadow = start_shadow(session, visit.caller, draft, now=visit.parts.clock.now())
        return RedirectResponse(f"/rule-shadows/{shadow.id}", status_code=303)

    @routes.post("/rule-shadows/{shadow_id}/end")
    def end(shadow_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            shadow = find_shadow(session, visit.caller, shadow_id)
            end_shadow(session, visit.caller, shadow, now=visit.parts.clock.now())
        return RedirectResponse(f"/rule-shadows/{shadow_id}", status_code=303)

    _add_forcing(routes)
    return routes


def _add_forcing(routes: APIRouter) -> None:
    @routes.post("/rule-shadows/{shadow_id}/put-into-force")
    def put(shadow_id: UUID, visit: SignedInVisit, form: Annotated[ForceForm, Form()]) -> Response:
        """Submit what was tried; by whom nobody else must agree with, it is approved at once."""
        now, seen = visit.parts.clock.now(), version_read(form.version)
        with visit.parts.database.write() as session:
            shadow = find_shadow(session, visit.caller, shadow_id)
            draft = find_draft(session, visit.caller, shadow.draft_id)
            if not _is_tried(shadow, draft):
                visit.caller.require_over(EDIT, session.get_one(Node, draft.node_id))
                raise Conflict(
                    worded(mark("the draft was changed since it is tried")),
                    advice=worded(mark("Try it anew as it is now.")),
                )
            if draft.state != "in_review":
                act_on_draft(
                    session,
                    visit.caller,
                    draft,
                    "submit",
                    now=now,
                    reason=form.reason,
                    expected_version=seen,
                )
                seen = draft.version
            node = session.get_one(Node, draft.node_id)
            may = may_change(visit.caller, node, APPROVE)
            if may and refusal_to_approve(session, visit.caller, draft, now=now) is None:
                approve(
                    session,
                    visit.caller,
                    draft,
                    now=now,
                    note=form.reason,
                    expected_version=seen,
                )
        return onward(draft)
