"""Templates of tickets: what places offer, and where each is kept."""

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
from web.pages.checklist import ItemForm
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from web.words import TEAM
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import categories_at
from workflows.tickets.checklist import ITEM_KINDS, NewItem
from workflows.tickets.templates import (
    WRITE,
    TemplateDraft,
    describe_template,
    save_template,
    templates_at,
)

# The address of a template that is still to be made.
NEW = "new"
SPARE_ITEMS = 4
EMPTY: dict[str, Any] = {
    "code": "",
    "name": {},
    "title": {},
    "description": {},
    "kind": "repair",
    "category": "",
    "priority": "medium",
    "team": "maintenance",
    "items": [],
    "retired": False,
}
Column = list[str]


class TemplateForm(BaseModel):
    """What the form of a template says; the columns of its checklist, a line a value."""

    version: int
    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    title_en: str = ""
    title_zh: str = ""
    description_en: str = ""
    description_zh: str = ""
    kind: str = "repair"
    category: str = ""
    priority: str = "medium"
    team: str = "maintenance"
    retired: str = ""
    item_en: Column = []
    item_zh: Column = []
    item_kind: Column = []
    item_required: Column = []
    item_unit: Column = []
    item_low: Column = []
    item_high: Column = []
    item_choices_en: Column = []
    item_choices_zh: Column = []

    def draft(self) -> TemplateDraft:
        """The template that the form describes; lines without words are no items."""
        return TemplateDraft(
            self.code.strip(),
            {"en": self.name_en, "zh": self.name_zh},
            {"en": self.title_en, "zh": self.title_zh},
            self.kind,
            self.category,
            self.priority,
            self.team,
            {"en": self.description_en, "zh": self.description_zh},
            self._items(),
            self.retired == "yes",
        )

    def _items(self) -> tuple[NewItem, ...]:
        columns = (self.item_en, self.item_zh, self.item_kind, self.item_required)
        more = (self.item_unit, self.item_low, self.item_high)
        words = (self.item_choices_en, self.item_choices_zh)
        found = []
        for en, zh, kind, required, unit, low, high, choices_en, choices_zh in zip(
            *columns, *more, *words, strict=False
        ):
            if not f"{en}{zh}".strip():
                continue
            form = ItemForm(kind=kind, required=required, unit=unit, low=low, high=high)
            found.append(form.named({"en": en, "zh": zh}, _choices(choices_en, choices_zh)))
        return tuple(found)


def _choices(en: str, zh: str) -> tuple[dict[str, str], ...]:
    """Choices as people write them in one line of each language, with strokes between."""
    sides = [
        [word.strip() for word in text.replace("／", "/").split("/") if word.strip()]
        for text in (en, zh)
    ]
    count = max(map(len, sides))
    return tuple(
        {
            language: words[place]
            for language, words in zip(("en", "zh"), sides, strict=True)
            if place < len(words)
        }
        for place in range(count)
    )


def _list_page(visit: Visit, wanted: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = nodes_with(session, visit.caller, WRITE)
        node = find_node(session, visit.caller, WRITE, chosen_node(nodes, wanted))
        found = templates_at(session, node.id)
        kept = {each.id: each.name for each in nodes}
    return {
        "nodes": nodes,
        "node": node,
        "kept": kept,
        "found": sorted(found.values(), key=lambda one: (one.retired, one.code)),
        "may_change": may_change(visit.caller, node, WRITE),
    }


def _form_page(visit: Visit, node_id: UUID, code: str) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        node = find_node(session, visit.caller, WRITE, node_id)
        standing = None if code == NEW else templates_at(session, node.id).get(code)
        if standing is None and code != NEW:
            raise NotFound(
                worded(mark("there is no such template")),
                advice=worded(mark("Choose one from the list.")),
            )
        categories = categories_at(session, node.id).values()
        shown = EMPTY if standing is None else describe_template(standing)
    own = standing is not None and standing.node_id == node.id
    return {
        "node": node,
        "template": shown,
        "spare": SPARE_ITEMS,
        "categories": [
            one for one in categories if not one.retired or one.code == shown["category"]
        ],
        "version": shown["version"] if own else 0,
        "inherited": standing is not None and not own,
        "may_change": may_change(visit.caller, node, WRITE),
        "kinds": KINDS,
        "priorities": PRIORITIES,
        "teams": list(TEAM),
        "item_kinds": ITEM_KINDS,
    }


def router(templates: Templates) -> APIRouter:
    """The routes of templates."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/ticket-templates")
    def show(visit: SignedInVisit, node: UUID | None = None) -> Response:
        visit.caller.require_anywhere(WRITE)
        context = _list_page(visit, node)
        return templates.page("templates/list.html", visit, section="templates", **context)

    @routes.get("/ticket-templates/{node_id}/{code}")
    def form(node_id: UUID, code: str, visit: SignedInVisit) -> Response:
        context = _form_page(visit, node_id, code)
        return templates.page("templates/form.html", visit, section="templates", **context)

    @routes.post("/ticket-templates/{node_id}")
    def save(
        node_id: UUID, visit: SignedInVisit, form: Annotated[TemplateForm, Form()]
    ) -> Response:
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, WRITE, node_id)
            save_template(
                session,
                visit.caller,
                node,
                form.draft(),
                now=visit.parts.clock.now(),
                expected_version=form.version,
            )
        return RedirectResponse(f"/ticket-templates?node={node_id}", status_code=303)

    return routes
