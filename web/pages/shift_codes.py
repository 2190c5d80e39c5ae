"""Shift codes: what the cells of rosters say at places, and where each is kept."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.errors import NotFound
from core.people import find_node, nodes_with
from core.rosters import KINDS
from core.shift_codes import ShiftCode, ShiftCodeDraft, save_shift_code, shift_codes_at
from core.teams import ROSTER
from rules.wording import worded
from web.kept import chosen_node, may_change
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit

# The address of a shift code that is still to be made.
NEW = "new"


class ShiftCodeForm(BaseModel):
    """What the form of a shift code says."""

    version: int
    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    written: str = ""
    kind: str = "duty"
    starts: str = ""
    ends: str = ""
    retired: str = ""

    def draft(self) -> ShiftCodeDraft:
        """The shift code that the form describes."""
        return ShiftCodeDraft(
            self.code.strip(),
            {"en": self.name_en, "zh": self.name_zh},
            self.starts,
            self.ends,
            tuple(re.split(r"[,，、]", self.written)),
            self.kind,
            self.retired == "yes",
        )


def _list_page(visit: Visit, wanted: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = nodes_with(session, visit.caller, ROSTER)
        node = find_node(session, visit.caller, ROSTER, chosen_node(nodes, wanted))
        found = shift_codes_at(session, node.id)
    return {
        "nodes": nodes,
        "node": node,
        "kept": {each.id: each.name for each in nodes},
        "found": sorted(found.values(), key=lambda one: one.retired),
        "may_change": may_change(visit.caller, node, ROSTER),
    }


def _form_page(visit: Visit, node_id: UUID, code: str) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        node = find_node(session, visit.caller, ROSTER, node_id)
        found = ShiftCode("", {}) if code == NEW else shift_codes_at(session, node.id).get(code)
    if found is None:
        raise NotFound(
            worded(mark("there is no such shift code")),
            advice=worded(mark("Choose one from the list.")),
        )
    return {
        "node": node,
        "shift": found,
        "version": found.version if found.node_id == node.id else 0,
        "inherited": bool(found.code) and found.node_id != node.id,
        "may_change": may_change(visit.caller, node, ROSTER),
        "kinds": KINDS,
    }


def router(templates: Templates) -> APIRouter:
    """The routes of shift codes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/shift-codes")
    def show(visit: SignedInVisit, node: UUID | None = None) -> Response:
        visit.caller.require_anywhere(ROSTER)
        context = _list_page(visit, node)
        return templates.page("shift_codes/list.html", visit, section="shift-codes", **context)

    @routes.get("/shift-codes/{node_id}/{code}")
    def form(node_id: UUID, code: str, visit: SignedInVisit) -> Response:
        context = _form_page(visit, node_id, code)
        return templates.page("shift_codes/form.html", visit, section="shift-codes", **context)

    @routes.post("/shift-codes/{node_id}")
    def save(
        node_id: UUID, visit: SignedInVisit, form: Annotated[ShiftCodeForm, Form()]
    ) -> Response:
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, ROSTER, node_id)
            save_shift_code(
                session,
                visit.caller,
                node,
                form.draft(),
                now=visit.parts.clock.now(),
                expected_version=form.version,
            )
        return RedirectResponse(f"/shift-codes?node={node_id}", status_code=303)

    return routes
