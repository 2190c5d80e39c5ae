"""Categories of tickets: what places offer, and where each is kept."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.errors import NotFound
from core.people import find_node, nodes_with
from rules.wording import worded
from web.kept import chosen_node, may_change
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from web.words import TEAM
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import (
    WRITE,
    Category,
    CategoryDraft,
    categories_at,
    save_category,
)

# The address of a category that is still to be made.
NEW = "new"


class CategoryForm(BaseModel):
    """What the form of a category says."""

    version: int
    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    kinds: list[str] = []
    team: str = ""
    priority: str = ""
    retired: str = ""

    def draft(self) -> CategoryDraft:
        """The category that the form describes."""
        return CategoryDraft(
            self.code.strip(),
            {"en": self.name_en, "zh": self.name_zh},
            tuple(self.kinds),
            self.team or None,
            self.priority or None,
            self.retired == "yes",
        )


def _list_page(visit: Visit, wanted: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = nodes_with(session, visit.caller, WRITE)
        node = find_node(session, visit.caller, WRITE, chosen_node(nodes, wanted))
        found = categories_at(session, node.id)
    return {
        "nodes": nodes,
        "node": node,
        "kept": {each.id: each.name for each in nodes},
        "found": sorted(found.values(), key=lambda one: one.retired),
        "may_change": may_change(visit.caller, node, WRITE),
    }


def _form_page(visit: Visit, node_id: UUID, code: str) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        node = find_node(session, visit.caller, WRITE, node_id)
        found = Category("", {}) if code == NEW else categories_at(session, node.id).get(code)
    if found is None:
        raise NotFound(
            worded(mark("there is no such category")),
            advice=worded(mark("Choose one from the list.")),
        )
    return {
        "node": node,
        "category": found,
        "version": found.version if found.node_id == node.id else 0,
        "inherited": bool(found.code) and found.node_id != node.id,
        "may_change": may_change(visit.caller, node, WRITE),
        "kinds": KINDS,
        "priorities": PRIORITIES,
        "teams": list(TEAM),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of categories."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/ticket-categories")
    def show(visit: SignedInVisit, node: UUID | None = None) -> Response:
        visit.caller.require_anywhere(WRITE)
        context = _list_page(visit, node)
        return templates.page("categories/list.html", visit, section="categories", **context)

    @routes.get("/ticket-categories/{node_id}/{code}")
    def form(node_id: UUID, code: str, visit: SignedInVisit) -> Response:
        context = _form_page(visit, node_id, code)
        return templates.page("categories/form.html", visit, section="categories", **context)

    @routes.post("/ticket-categories/{node_id}")
    def save(
        node_id: UUID, visit: SignedInVisit, form: Annotated[CategoryForm, Form()]
    ) -> Response:
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, WRITE, node_id)
            save_category(
                session,
                visit.caller,
                node,
                form.draft(),
                now=visit.parts.clock.now(),
                expected_version=form.version,
            )
        return RedirectResponse(f"/ticket-categories?node={node_id}", status_code=303)

    return routes
